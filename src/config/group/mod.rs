//! `[groups.NAME]`: one group, and what its parts must be to each other.

mod asg;
mod bounds;
mod contact;
mod guards;
mod launch;
mod signals;

use std::time::Duration;

use super::duration::show;
use super::section::{Read, Section};
use super::version;
use crate::decide::group::Group;

/// What [`is_name`] takes, for messages.
pub(super) const NAME: &str = "1 to 64 of a-z, 0-9 and -";

/// A group's name is part of tags, metrics and URLs.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(super) fn read(name: &str, s: &mut Section<'_>) -> Read<Group> {
    let max = s.number("max", 1..=1_000_000, None);
    let priority = s.number("priority", 0..=9, 5);
    let asg = s.maybe_table("asg", asg::read);
    let in_asg = asg != Ok(None);
    let launch = s.table("launch", |s| launch::read(s, in_asg));
    let configure = s.maybe_table("configure", contact::configure);
    let probes = s.tables("probes", 1..=8, contact::probe);
    let verify = s.table("verify", contact::verify);
    let watchdogs = s.table("watchdogs", guards::watchdogs);
    let canary = s.table("canary", guards::canary);
    let breaker = s.table("breaker", guards::breaker);
    let valve = s.table("valve", signals::valve);
    let quarantine = s.maybe_table("quarantine", guards::quarantine);
    let reserve = s.maybe_table("reserve", guards::reserve);
    let floor = s.number("floor", 0..=1_000_000, 0);
    let signals = if s.is_written("signals") {
        s.tables("signals", 0..=signals::MOST, signals::signal)
    } else {
        // Asked for, so that it is known.
        let _ = s.list("signals", 0..=signals::MOST, "a table", Some(Vec::<()>::new()), |_| None);
        Ok(Vec::new())
    };

    let bounds = s.table("bounds", bounds::read);

    let (asg, launch, configure, verify) = (asg?, launch?, configure?, verify?);
    let group = Group {
        name: name.to_string(),
        max: max?,
        priority: priority?,
        version: version::of(&launch, configure.as_ref(), asg.as_ref().map(|a| &*a.name)),
        launch,
        asg,
        configure,
        probes: probes?,
        passes: verify.passes,
        contact_every: verify.every,
        watchdogs: watchdogs?,
        canary: canary?,
        breaker: breaker?,
        valve: valve?,
        floor: floor?,
        signals: signals?,
        quarantine: quarantine?,
        reserve: reserve?,
        bounds: bounds?,
    };
    signals::check_names(s, &group.signals);
    check_times(s, &group);
    check_sizes(s, &group);
    Ok(group)
}

/// A step that may take longer than its watchdog allows can never be the one that ends it.
fn check_times(s: &mut Section<'_>, group: &Group) {
    let w = group.watchdogs;
    if let Some(c) = &group.configure {
        check_timeout(s, "configure.timeout", c.timeout, "watchdogs.configure", w.configure);
    }
    for (i, probe) in group.probes.iter().enumerate() {
        check_timeout(s, &format!("probes[{i}].timeout"), probe.timeout, "watchdogs.verify", w.verify);
    }
    let rounds = group.contact_every * u32::from(group.passes);
    if rounds > w.verify {
        let what = format!(
            "{} passes, one every {}, take {}: longer than watchdogs.verify ({}) allows",
            group.passes,
            show(group.contact_every),
            show(rounds),
            show(w.verify)
        );
        s.refuse_first(&["verify", "watchdogs.verify"], what);
    }
}

fn check_timeout(s: &mut Section<'_>, key: &str, timeout: Duration, watchdog_key: &str, watchdog: Duration) {
    if timeout > watchdog {
        let what = format!(
            "a timeout of {} is longer than {watchdog_key} ({}) allows",
            show(timeout),
            show(watchdog)
        );
        s.refuse_first(&[key, watchdog_key], what);
    }
}

/// A default that is larger than a small group is harmless; one that was written is a slip.
fn check_sizes(s: &mut Section<'_>, group: &Group) {
    let kept = group.quarantine.map_or(0, |q| q.max);
    let sizes = [
        ("canary.size", group.canary.size),
        ("breaker.trial", group.breaker.trial),
        ("quarantine.max", kept),
        ("reserve.size", group.reserve.map_or(0, |r| r.size)),
    ];
    for (key, size) in sizes {
        if size > group.max && s.is_written(key) {
            s.refuse(key, format!("{size} instances do not fit the group's max ({})", group.max));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::is_name;
    use crate::config::testing::{GROUP, group, parse, refused_group};
    use crate::decide::group::{Breaker, Canary, Watchdogs};

    #[test]
    fn what_is_left_out_has_the_defaults_of_the_core() {
        let web = group("").unwrap();
        assert_eq!((web.max, web.priority, web.passes), (100, 5, 2));
        assert_eq!(web.contact_every, Duration::from_secs(3));
        assert_eq!(web.configure, None);
        assert_eq!(web.watchdogs, Watchdogs::default());
        assert_eq!(web.canary, Canary::default());
        assert_eq!(web.breaker, Breaker::default());
        assert_eq!(web.quarantine, None);
        assert_eq!(web.reserve, None);
    }

    #[test]
    fn names_fit_tags_urls_and_metrics() {
        assert!(is_name("web-2"));
        for name in ["", "Web", "a.b", "a b", "a_b", &"x".repeat(65)] {
            assert!(!is_name(name), "{name:?}");
        }
        let text = format!("[aws]\nregion = \"us-east-1\"\n{}", GROUP.replace("groups.web", "groups.Web"));
        assert_eq!(
            parse(&text).unwrap_err().to_string(),
            "muster.toml:6: groups.Web: the name \"Web\" is not 1 to 64 of a-z, 0-9 and -"
        );
    }

    #[test]
    fn a_group_needs_a_maximum_and_something_to_launch() {
        let text = "[aws]\nregion = \"us-east-1\"\n[groups.web]\npriority = 10";
        assert_eq!(
            parse(text).unwrap_err().to_string(),
            r#"muster.toml:3: groups.web.launch.image: missing: write an AMI id such as "ami-0123456789abcdef0", or a launch template that names one
muster.toml:3: groups.web.launch.instance_type: missing: write an EC2 instance type such as "m7g.large"
muster.toml:3: groups.web.launch.subnets: missing: write a list of 1 to 64 tables
muster.toml:3: groups.web.max: missing: write a whole number from 1 to 1000000
muster.toml:3: groups.web.probes: missing: write a list of 1 to 8 tables
muster.toml:4: groups.web.priority: 10 is not a whole number from 0 to 9"#
        );
    }

    #[test]
    fn a_slip_in_a_key_that_may_be_left_out_is_told_too() {
        let problems = refused_group("configur = { port = 80 }");
        assert!(
            problems.contains("groups.web.configur: unknown key: did you mean 'configure'?"),
            "{problems}"
        );
    }

    #[test]
    fn a_step_ends_before_its_watchdog() {
        let problems = refused_group(
            r#"
configure = { port = 8080, timeout = "50s" }
watchdogs = { configure = "40s", verify = "5s" }
verify = { passes = 2, every = "3s" }
"#,
        );
        assert_eq!(
            problems,
            "muster.toml:12: groups.web.configure.timeout: a timeout of 50s is longer than watchdogs.configure (40s) allows\n\
             muster.toml:14: groups.web.verify: 2 passes, one every 3s, take 6s: longer than watchdogs.verify (5s) allows"
        );
        assert_eq!(
            refused_group("watchdogs = { verify = \"4s\" }\nverify = { every = \"1s\" }"),
            "muster.toml:11: groups.web.watchdogs.verify: a timeout of 5s is longer than watchdogs.verify (4s) allows"
        );
    }

    #[test]
    fn guards_fit_the_group() {
        assert_eq!(
            refused_group("canary = { size = 101 }\nbreaker = { trial = 100 }"),
            "muster.toml:11: groups.web.canary.size: 101 instances do not fit the group's max (100)"
        );
    }
}
