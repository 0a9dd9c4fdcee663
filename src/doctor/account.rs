//! What the account allows, by dry runs; and how far our clock is from AWS's.
//!
//! Calls go out one at a time. Once AWS does not answer one, nothing else is asked: the doctor is done
//! within a minute, also where it has hundreds of questions.

use std::time::Duration;

use super::policy::Policy;
use super::report::{Check, Family};
use crate::cloud::rehearsals::{Rehearsal, Rehearsals, Rehearsed};
use crate::config::Config;
use crate::decide::event::CallError;
use crate::decide::group::{Group, LaunchBody};
use crate::decide::words::{ErrorClass, Time};
use crate::time::Clock;

/// Requests whose time is off by more are refused (Signature Version 4).
const SKEW_REFUSED: Duration = Duration::from_secs(5 * 60);
/// `Date` is in whole seconds, so that less cannot be told from none.
const SKEW_SEEN: Duration = Duration::from_secs(2);

/// What was found out of who we are.
pub struct Found {
    pub checks: Vec<Check>,
    /// AWS answers at all.
    pub answers: bool,
}

/// All of them. The launches are of one instance for each fleet, into its first subnet.
pub async fn checks(config: &Config, aws: &dyn Rehearsals, clock: &Clock) -> Found {
    let mut checks = Vec::new();
    let asked_at = clock.now();
    let first = aws.rehearse(Rehearsal::DescribeInstances).await;
    let answered_at = clock.now();
    match &first {
        Err(e) => {
            checks.push(silent(e));
            return Found { checks, answers: false };
        }
        Ok(rehearsed) => checks.push(skew(rehearsed.date, asked_at, answered_at)),
    }
    let needed = Policy::of(config).actions();
    checks.push(permission(Rehearsal::DescribeInstances.as_str(), first));
    let mut answers = true;
    for call in Rehearsal::ALL.iter().filter(|c| **c != Rehearsal::DescribeInstances) {
        if answers && needed.contains(call.as_str()) {
            let rehearsed = aws.rehearse(*call).await;
            answers = rehearsed.is_ok();
            checks.push(permission(call.as_str(), rehearsed));
        }
    }
    for group in config.groups.values().filter(|g| g.asg.is_none()) {
        if let Some(body) = launch(group).filter(|_| answers) {
            let rehearsed = aws.launch(&body).await;
            answers = rehearsed.is_ok();
            checks.push(launchable(&group.name, rehearsed));
        }
    }
    if !answers {
        checks.push(Check::unknown(
            Family::Account,
            "the rest",
            "AWS ceased to answer, and was not asked any more",
        ));
    }
    let untried: Vec<&str> = needed.into_iter().filter(|a| cannot_be_tried(a)).collect();
    if !untried.is_empty() {
        let why = format!("cannot be tried without doing it: {}", untried.join(", "));
        checks.push(Check::unknown(Family::Account, "other permissions", why));
    }
    Found { checks, answers }
}

/// Actions that change something, of services without dry runs; and the one that comes with a launch.
fn cannot_be_tried(action: &str) -> bool {
    let (service, verb) = action.split_once(':').unwrap_or((action, ""));
    let reads = ["Describe", "Get", "List"].iter().any(|r| verb.starts_with(r));
    service != "ec2" && service != "iam" && !reads
}

/// The smallest launch of a fleet.
fn launch(group: &Group) -> Option<LaunchBody> {
    let pool = group.launch.pools.first()?;
    let mut tags = group.launch.tags.clone();
    tags.insert("muster:doctor".into(), "dry run".into());
    Some(LaunchBody {
        token: "muster-doctor".into(),
        asg: None,
        raised: None,
        min_count: 1,
        max_count: 1,
        subnet: pool.subnet.clone(),
        zone: pool.zone.clone(),
        image: group.launch.image.clone(),
        instance_type: group.launch.instance_type.clone(),
        template: group.launch.template.clone(),
        security_groups: group.launch.security_groups.clone(),
        key_name: group.launch.key_name.clone(),
        instance_profile: group.launch.instance_profile.clone(),
        user_data: group.launch.user_data.clone(),
        tags,
    })
}

fn silent(e: &CallError) -> Check {
    const NAME: &str = "AWS answers";
    let seen = format!("{}: {}", e.code, e.message);
    if e.code == "not_sent" {
        let fix = "give credentials: an instance profile, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE";
        Check::fail(Family::Account, NAME, seen, fix)
    } else {
        let fix = "let this machine reach the endpoints of aws.region over HTTPS, or set aws.endpoint";
        Check::fail(Family::Account, NAME, format!("{seen}; nothing else was asked"), fix)
    }
}

/// There is no client for AWS.
pub fn not_asked(why: &anyhow::Error) -> Check {
    Check::unknown(Family::Account, "AWS answers", format!("not asked: {why:#}"))
}

/// By how much our clock differs from an answer's `Date`, which says a whole second of the time between.
fn skew(date: Option<Time>, asked_at: Time, answered_at: Time) -> Check {
    const NAME: &str = "clock";
    let Some(date) = date else {
        return Check::unknown(Family::Clock, NAME, "AWS's answer has no header Date that can be read");
    };
    let ends = date.plus(Duration::from_secs(1));
    let (off, which) = if ends < asked_at {
        (asked_at.since(ends), "ahead of")
    } else if date > answered_at {
        (date.since(answered_at), "behind")
    } else {
        return Check::ok(Family::Clock, NAME, "agrees with AWS's to the second");
    };
    let seen = format!("{:.1} s {which} AWS's", off.as_secs_f64());
    let fix = "synchronise this machine's clock: timedatectl set-ntp true, or chronyc makestep";
    if off >= SKEW_REFUSED {
        Check::fail(Family::Clock, NAME, format!("{seen}: AWS refuses what is signed so"), fix)
    } else if off >= SKEW_SEEN {
        Check::warn(Family::Clock, NAME, seen, fix)
    } else {
        Check::ok(Family::Clock, NAME, seen)
    }
}

/// AWS's words for "you may not".
#[must_use]
pub fn is_denied(e: &CallError) -> bool {
    ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"].contains(&e.code.as_str())
}

/// What to do about a call that was denied.
#[must_use]
pub fn allow(action: &str) -> String {
    format!("allow {action}: `muster doctor --policy` prints the whole policy")
}

fn permission(action: &str, outcome: Result<Rehearsed, CallError>) -> Check {
    match outcome.and_then(|r| r.would) {
        Ok(()) => Check::ok(Family::Account, action, "allowed"),
        Err(e) if is_denied(&e) => {
            Check::fail(Family::Account, action, format!("denied: {}", e.message), allow(action))
        }
        Err(e) if e.code == "AuthFailure" || e.code.starts_with("InvalidClientTokenId") => Check::fail(
            Family::Account,
            action,
            format!("{}: {}", e.code, e.message),
            "AWS does not know these credentials: check the keys, and aws.region",
        ),
        // EC2 looks for what a call names after it has looked whether the call is allowed, or before.
        Err(e) => Check::unknown(Family::Account, action, format!("{}: {}", e.code, e.message)),
    }
}

/// A launch is allowed or not, and its parameters are right or not.
fn launchable(group: &str, outcome: Result<Rehearsed, CallError>) -> Check {
    let name = format!("launch of {group}");
    match outcome.and_then(|r| r.would) {
        Ok(()) => Check::ok(Family::Account, &name, "RunInstances would launch it"),
        Err(e) if is_denied(&e) => {
            let seen = format!("denied: {}", e.message);
            let fix = allow("ec2:RunInstances, ec2:CreateTags and iam:PassRole");
            Check::fail(Family::Account, &name, seen, fix)
        }
        Err(e) => {
            let seen = format!("{}: {}", e.code, e.message);
            if e.class == ErrorClass::Configuration {
                Check::fail(Family::Account, &name, seen, format!("correct groups.{group}.launch"))
            } else {
                Check::unknown(Family::Account, &name, seen)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Outcome;
    use super::*;

    fn error(class: ErrorClass, code: &str) -> CallError {
        CallError { class, code: code.into(), message: "no".into() }
    }

    fn would(outcome: Result<(), CallError>) -> Rehearsed {
        Rehearsed { would: outcome, date: None }
    }

    #[test]
    fn the_clock_is_judged_by_the_second_that_the_answer_says() {
        // Asked at 100.2 s, answered at 100.4 s.
        let of = |date_s: i64| skew(Some(Time(date_s * 1_000)), Time(100_200), Time(100_400));
        assert_eq!(of(100).outcome, Outcome::Ok);
        assert_eq!((of(99).outcome, of(98).outcome), (Outcome::Ok, Outcome::Ok));
        assert_eq!((of(97).outcome, of(97).seen.as_str()), (Outcome::Warn, "2.2 s ahead of AWS's"));
        assert_eq!((of(103).outcome, of(103).seen.as_str()), (Outcome::Warn, "2.6 s behind AWS's"));
        assert_eq!((of(399).outcome, of(401).outcome), (Outcome::Warn, Outcome::Fail));
        assert_eq!(of(-202).outcome, Outcome::Fail);
        assert_eq!(skew(None, Time(0), Time(0)).outcome, Outcome::Unknown);
    }

    #[test]
    fn a_denied_action_names_itself() {
        let denied = permission(
            "ec2:CreateTags",
            Ok(would(Err(error(ErrorClass::Configuration, "UnauthorizedOperation")))),
        );
        assert_eq!(denied.outcome, Outcome::Fail);
        assert!(denied.fix.unwrap().starts_with("allow ec2:CreateTags: "));
        assert_eq!(permission("ec2:CreateTags", Ok(would(Ok(())))).outcome, Outcome::Ok);
        let unclear =
            permission("ec2:X", Ok(would(Err(error(ErrorClass::NotFound, "InvalidInstanceID.NotFound")))));
        assert_eq!(unclear.outcome, Outcome::Unknown);
    }

    #[test]
    fn a_launch_that_is_wrong_is_no_matter_of_permission() {
        let of = |class, code| launchable("web", Ok(would(Err(error(class, code)))));
        let wrong = of(ErrorClass::Configuration, "InvalidAMIID.NotFound");
        assert_eq!((wrong.outcome, wrong.fix.as_deref()), (Outcome::Fail, Some("correct groups.web.launch")));
        assert_eq!(of(ErrorClass::Throttle, "RequestLimitExceeded").outcome, Outcome::Unknown);
    }

    #[test]
    fn writes_without_a_dry_run_are_named_and_not_made() {
        assert!(cannot_be_tried("autoscaling:SetDesiredCapacity") && cannot_be_tried("sqs:ReceiveMessage"));
        assert!(
            !cannot_be_tried("ec2:TerminateInstances") && !cannot_be_tried("servicequotas:GetServiceQuota")
        );
    }
}
