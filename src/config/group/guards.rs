//! `watchdogs`, `canary`, `breaker`, `quarantine` and `reserve` of a group. The defaults are the core's.

use std::time::Duration;

use crate::config::section::{Read, Section};
use crate::decide::group::{Breaker, Canary, Watchdogs};
use crate::decide::guard::lease::LONGEST_HOLD;
use crate::decide::quarantine::words::{Keeping, QuarantineSpec, ReserveSpec};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

pub(super) fn watchdogs(s: &mut Section<'_>) -> Read<Watchdogs> {
    let default = Watchdogs::default();
    let boot = s.duration("boot", SECOND..=HOUR, default.boot);
    let configure = s.duration("configure", SECOND..=HOUR, default.configure);
    let verify = s.duration("verify", SECOND..=HOUR, default.verify);
    let hangs = s.number("hangs", 1..=u8::MAX, default.hangs);
    let rejections = s.number("rejections", 1..=u8::MAX, default.rejections);
    Ok(Watchdogs {
        boot: boot?,
        configure: configure?,
        verify: verify?,
        hangs: hangs?,
        rejections: rejections?,
    })
}

pub(super) fn canary(s: &mut Section<'_>) -> Read<Canary> {
    Ok(Canary { size: s.number("size", 0..=1_000, Canary::default().size)? })
}

pub(super) fn breaker(s: &mut Section<'_>) -> Read<Breaker> {
    let default = Breaker::default();
    let failures = s.number("failures", 1..=1_000, default.failures);
    let share = s.number("share", 1..=100, default.share);
    let cool_down = s.duration("cool_down", SECOND..=HOUR, default.cool_down);
    let trial = s.number("trial", 1..=100, default.trial);
    Ok(Breaker { failures: failures?, share: share?, cool_down: cool_down?, trial: trial? })
}

pub(super) fn quarantine(s: &mut Section<'_>) -> Read<QuarantineSpec> {
    // Each takes a place of the group's: more than a few tell nothing new.
    let max = s.number("max", 1..=20, 2);
    let how = s.text("how", "\"standby\" or \"detach\"", Keeping::Standby, |t| match t.parse() {
        Ok(how @ (Keeping::Standby | Keeping::Detach)) => Some(how),
        Ok(Keeping::Hook | Keeping::Apart) | Err(_) => None,
    });
    // Somebody has to come and look; an engineer's week is the longest hold too.
    let keep_for = s.duration("keep_for", Duration::from_mins(10)..=LONGEST_HOLD, Duration::from_hours(4));
    Ok(QuarantineSpec { max: max?, how: how?, keep_for: keep_for? })
}

pub(super) fn reserve(s: &mut Section<'_>) -> Read<ReserveSpec> {
    // Each is a server that is paid for and does nothing: how many are worth that, nobody else can say.
    Ok(ReserveSpec { size: s.number("size", 1..=1_000, 1)? })
}

#[cfg(test)]
mod tests {
    use crate::config::testing::{group, refused_group};
    use crate::decide::quarantine::words::Keeping;

    #[test]
    fn all_of_them_can_be_set() {
        let web = group(
            "watchdogs = { boot = \"5m\", hangs = 2 }\ncanary = { size = 0 }\nbreaker = { share = 30, cool_down = \"2m\" }",
        )
        .unwrap();
        assert_eq!(
            (web.watchdogs.boot.as_secs(), web.watchdogs.hangs, web.watchdogs.rejections),
            (300, 2, 5)
        );
        assert_eq!(web.canary.size, 0);
        assert_eq!((web.breaker.share, web.breaker.cool_down.as_secs(), web.breaker.failures), (30, 120, 10));
    }

    #[test]
    fn a_quarantine_is_small_and_ends() {
        let kept = |text: &str| group(text).unwrap().quarantine.map(|q| (q.max, q.how, q.keep_for.as_secs()));
        assert_eq!(kept("quarantine = {}"), Some((2, Keeping::Standby, 14_400)));
        assert_eq!(
            kept("quarantine = { max = 5, how = \"detach\", keep_for = \"1h\" }"),
            Some((5, Keeping::Detach, 3_600))
        );
        let problems = refused_group("quarantine = { max = 21, how = \"apart\", keep_for = \"8d\" }");
        for key in
            ["max: 21 is not", "how: \"apart\" is not \"standby\" or \"detach\"", "keep_for: \"8d\" is not"]
        {
            assert!(problems.contains(&format!("groups.web.quarantine.{key}")), "{key} in\n{problems}");
        }
    }

    #[test]
    fn a_reserve_has_a_size_that_fits() {
        let size = |text: &str| group(text).unwrap().reserve.map(|r| r.size);
        assert_eq!(
            (size(""), size("reserve = {}"), size("reserve = { size = 20 }")),
            (None, Some(1), Some(20))
        );
        let problems = refused_group("reserve = { size = 1001 }");
        assert!(problems.contains("groups.web.reserve.size: 1001 is not"), "{problems}");
        let problems = refused_group("reserve = { size = 101 }");
        assert!(problems.contains("101 instances do not fit the group's max (100)"), "{problems}");
    }

    #[test]
    fn guards_that_cannot_work() {
        let problems = refused_group(
            r#"
watchdogs = { boot = "0s", configure = "2h", hangs = 0, rejections = 256 }
canary = { size = 1001 }
breaker = { failures = 0, share = 101, cool_down = "soon", trial = 0 }
"#,
        );
        assert_eq!(
            problems,
            r#"muster.toml:12: groups.web.watchdogs.boot: "0s" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 1s to 1h
muster.toml:12: groups.web.watchdogs.configure: "2h" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 1s to 1h
muster.toml:12: groups.web.watchdogs.hangs: 0 is not a whole number from 1 to 255
muster.toml:12: groups.web.watchdogs.rejections: 256 is not a whole number from 1 to 255
muster.toml:13: groups.web.canary.size: 1001 is not a whole number from 0 to 1000
muster.toml:14: groups.web.breaker.cool_down: "soon" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 1s to 1h
muster.toml:14: groups.web.breaker.failures: 0 is not a whole number from 1 to 1000
muster.toml:14: groups.web.breaker.share: 101 is not a whole number from 1 to 100
muster.toml:14: groups.web.breaker.trial: 0 is not a whole number from 1 to 100"#
        );
    }
}
