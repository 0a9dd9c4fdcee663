//! Each Auto Scaling group as it is at AWS, against what is configured of it: its size, its processes, and whether
//! its lifecycle hooks lead to a door of ours.

use super::account::{allow, is_denied};
use super::policy::queue_arn;
use super::report::Check;
use super::report::Family::Groups;
use crate::cloud::autoscaling::{AutoScaling, GroupSeen, Hook, HookResult, Process, Transition};
use crate::config::{Config, Hooks};
use crate::decide::event::CallError;
use crate::decide::group::{Group, HealthBy};
use crate::decide::words::ErrorClass;

/// All of them: two calls for each group, up to the first that is not answered.
pub async fn checks(config: &Config, aws: &dyn AutoScaling) -> Vec<Check> {
    let doors = Doors::of(&config.hooks, &config.aws.region);
    let mut checks = Vec::new();
    for group in config.groups.values() {
        let Some(asg) = group.asg_name() else { continue };
        match aws.describe_groups(&[asg.to_string()], false, None).await {
            Err(e) => {
                checks.push(refused(asg, "autoscaling:DescribeAutoScalingGroups", &e));
                if e.class == ErrorClass::Unknown {
                    break;
                }
            }
            Ok(page) => match page.items.iter().find(|g| g.name == asg) {
                None => {
                    let fix = format!("make the group, or correct groups.{}.asg.name", group.name);
                    checks.push(Check::fail(Groups, asg, "there is no such Auto Scaling group", fix));
                    continue;
                }
                Some(seen) => checks.extend(as_configured(group, seen)),
            },
        }
        match aws.describe_lifecycle_hooks(asg).await {
            Err(e) => {
                checks.push(refused(asg, "autoscaling:DescribeLifecycleHooks", &e));
                if e.class == ErrorClass::Unknown {
                    break;
                }
            }
            Ok(hooks) => checks.extend(wired(group, asg, &hooks, &doors)),
        }
    }
    checks
}

fn refused(asg: &str, action: &str, e: &CallError) -> Check {
    let seen = format!("{action}: {}: {}", e.code, e.message);
    if is_denied(e) {
        Check::fail(Groups, asg, seen, allow(action))
    } else {
        Check::unknown(Groups, asg, seen)
    }
}

/// Size and processes.
fn as_configured(group: &Group, seen: &GroupSeen) -> Vec<Check> {
    let asg = &seen.name;
    let name = format!("{asg} size");
    let size = format!(
        "{} to {}, {} desired; groups.{}.max is {}",
        seen.min, seen.max, seen.desired, group.name, group.max
    );
    let mut checks = vec![if seen.max < group.max {
        let fix = format!(
            "aws autoscaling update-auto-scaling-group --auto-scaling-group-name {asg} --max-size {}, or groups.{}.max = {}",
            group.max, group.name, seen.max
        );
        Check::warn(Groups, &name, size, fix)
    } else {
        Check::ok(Groups, &name, size)
    }];
    let by_us = group.asg.as_ref().is_some_and(|a| a.health == HealthBy::Muster);
    let stopped: Vec<&str> = seen
        .suspended
        .iter()
        .map(|s| s.process)
        .filter(|p| *p != Process::ReplaceUnhealthy || !by_us)
        .map(Process::as_str)
        .collect();
    let name = format!("{asg} processes");
    checks.push(if stopped.is_empty() {
        Check::ok(Groups, &name, "none is suspended that should run")
    } else {
        let fix = format!(
            "aws autoscaling resume-processes --auto-scaling-group-name {asg} --scaling-processes {}, if nobody \
             wants it so",
            stopped.join(" ")
        );
        Check::warn(Groups, &name, format!("suspended: {}", stopped.join(", ")), fix)
    });
    checks
}

/// Where notifications can come in.
struct Doors {
    queues: Vec<String>,
    topics: Vec<String>,
    events: bool,
}

impl Doors {
    fn of(hooks: &Hooks, region: &str) -> Doors {
        Doors {
            queues: hooks.sqs.queues.iter().map(|url| queue_arn(url, region)).collect(),
            topics: hooks.sns.topics.clone(),
            events: hooks.eventbridge.key_sha256.is_some(),
        }
    }

    fn listen_to(&self, target: &str) -> bool {
        self.queues.iter().chain(&self.topics).any(|arn| arn == target)
    }
}

/// The hooks of launches: there is one, it leads to us, and it leaves time enough.
fn wired(group: &Group, asg: &str, hooks: &[Hook], doors: &Doors) -> Vec<Check> {
    let launching: Vec<&Hook> = hooks.iter().filter(|h| h.transition == Transition::Launching).collect();
    if launching.is_empty() {
        let seen = "no lifecycle hook for launches: its instances serve before anybody has verified them";
        let target = doors.queues.first().or(doors.topics.first()).map_or("ARN", String::as_str);
        let fix = format!(
            "aws autoscaling put-lifecycle-hook --auto-scaling-group-name {asg} --lifecycle-hook-name muster \
             --lifecycle-transition autoscaling:EC2_INSTANCE_LAUNCHING --default-result ABANDON \
             --notification-target-arn {target} --role-arn ROLE"
        );
        return vec![Check::fail(Groups, &format!("{asg} hooks"), seen, fix)];
    }
    launching.into_iter().map(|hook| one(group, asg, hook, doors)).collect()
}

fn one(group: &Group, asg: &str, hook: &Hook, doors: &Doors) -> Check {
    let name = format!("{asg} hook {}", hook.name);
    let put = |option: String| {
        format!(
            "aws autoscaling put-lifecycle-hook --auto-scaling-group-name {asg} --lifecycle-hook-name {} {option}",
            hook.name
        )
    };
    let seen = format!(
        "heartbeat {} s, at most {} s, then {}",
        hook.heartbeat_timeout.as_secs(),
        hook.global_timeout.as_secs(),
        hook.default_result
    );
    match hook.target.as_deref() {
        Some(target) if doors.listen_to(target) => {}
        Some(target) => {
            let fix = put(format!(
                "--notification-target-arn ARN of a queue in hooks.sqs.queues or a topic in hooks.sns.topics; or \
                 list {target} there"
            ));
            return Check::fail(Groups, &name, format!("tells {target}, where no door of ours listens"), fix);
        }
        None if doors.events => {}
        None => {
            let seen = "tells nobody but EventBridge: its actions are found by looking at the group only";
            let fix = put("--notification-target-arn ARN --role-arn ROLE, or open hooks.eventbridge".into());
            return Check::warn(Groups, &name, seen, fix);
        }
    }
    let w = &group.watchdogs;
    let takes = w.boot + w.configure + w.verify;
    if hook.global_timeout < takes {
        // The global timeout is a hundred heartbeats, and 48 h at most (aws-facts 3.6).
        let heartbeat = takes.as_secs().div_ceil(100).max(30);
        let seen = format!("{seen}: the watchdogs give an instance {} s", takes.as_secs());
        return Check::warn(Groups, &name, seen, put(format!("--heartbeat-timeout {heartbeat} or more")));
    }
    if hook.default_result == HookResult::Continue {
        let seen = format!("{seen}: what nobody has verified serves when we are away");
        return Check::warn(Groups, &name, seen, put("--default-result ABANDON".into()));
    }
    Check::ok(Groups, &name, seen)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::report::Outcome;
    use super::*;
    use crate::cloud::autoscaling::Suspended;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:hooks";

    fn config() -> Config {
        let text = "[aws]\nregion = \"us-east-1\"\n[hooks.sqs]\n\
                    queues = [\"https://sqs.us-east-1.amazonaws.com/123456789012/hooks\"]\n\
                    [groups.web]\nmax = 10\nasg = { name = \"web-asg\" }\nprobes = [{ kind = \"tcp\", port = 80 }]\n\
                    [groups.web.launch]\nsubnets = [{ id = \"subnet-a\", zone = \"us-east-1a\" }]\n";
        Config::parse("muster.toml", text, &Vec::new()).map_err(|p| p.to_string()).unwrap()
    }

    fn hook() -> Hook {
        Hook {
            name: "muster".into(),
            transition: Transition::Launching,
            target: Some(QUEUE.into()),
            metadata: None,
            heartbeat_timeout: Duration::from_secs(300),
            global_timeout: Duration::from_secs(30_000),
            default_result: HookResult::Abandon,
        }
    }

    fn of(hooks: &[Hook]) -> Check {
        let config = config();
        let doors = Doors::of(&config.hooks, "us-east-1");
        wired(&config.groups["web"], "web-asg", hooks, &doors).remove(0)
    }

    #[test]
    fn a_hook_that_leads_to_our_queue_is_fine() {
        assert_eq!(of(&[hook()]).outcome, Outcome::Ok);
    }

    #[test]
    fn each_thing_that_is_wrong_with_a_hook_has_its_line() {
        assert_eq!(of(&[]).outcome, Outcome::Fail);
        let leaving = Hook { transition: Transition::Terminating, ..hook() };
        assert!(of(&[leaving]).fix.unwrap().contains(QUEUE), "the queue to name is ours");
        let elsewhere = of(&[Hook { target: Some(format!("{QUEUE}-old")), ..hook() }]);
        assert!(elsewhere.outcome == Outcome::Fail && elsewhere.seen.contains("hooks-old"), "{elsewhere:?}");
        assert_eq!(of(&[Hook { target: None, ..hook() }]).outcome, Outcome::Warn);
        assert_eq!(of(&[Hook { default_result: HookResult::Continue, ..hook() }]).outcome, Outcome::Warn);
        // 120 + 120 + 150 s.
        let of_length = |s| of(&[Hook { global_timeout: Duration::from_secs(s), ..hook() }]).outcome;
        assert_eq!((of_length(390), of_length(389)), (Outcome::Ok, Outcome::Warn));
    }

    #[test]
    fn a_smaller_group_and_a_suspended_process_are_told() {
        let seen = |max, process| GroupSeen {
            name: "web-asg".into(),
            arn: String::new(),
            min: 0,
            max,
            desired: 0,
            zones: Vec::new(),
            subnets: Vec::new(),
            source: None,
            suspended: vec![Suspended { process, reason: String::new() }],
            members: Vec::new(),
            protects_new: false,
            capacity_rebalance: false,
            max_healthy_percentage: None,
            warm_pool: None,
            status: None,
        };
        let of = |max, process| {
            let checks = as_configured(&config().groups["web"], &seen(max, process));
            (checks[0].outcome, checks[1].outcome)
        };
        assert_eq!(of(10, Process::Launch), (Outcome::Ok, Outcome::Warn));
        assert_eq!(of(9, Process::Launch).0, Outcome::Warn);
        let mut config = config();
        let mut group = (*config.groups["web"]).clone();
        group.asg.as_mut().unwrap().health = HealthBy::Muster;
        config.groups.insert("web".into(), group.into());
        let checks = as_configured(&config.groups["web"], &seen(10, Process::ReplaceUnhealthy));
        assert_eq!(checks[1].outcome, Outcome::Ok, "muster keeps it suspended itself");
    }
}
