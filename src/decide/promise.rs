//! Deadlines that cannot be met, told as soon as that is known: at acceptance by the published
//! limits, and within seconds when AWS turns out to give less than we believed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ledger::ScaleUp;
use super::timers::Due;
use super::words::{Phase, ScaleUpSeq, Time};
use super::{Core, Now};

/// Promises are looked at this often. D2 wants a deadline that cannot be met announced within 10 s,
/// and finding out that a bucket is empty takes about 6.
const EVERY: Duration = Duration::from_secs(2);
/// An expectation that was told is told anew when it is wrong by so much of the time from now on.
const WRONG_BY: f64 = 0.1;
/// A deadline that was called late is called safe again only with so much to spare.
const TO_SPARE: Duration = Duration::from_secs(10);

impl Core {
    /// A scale-up was accepted, or read back: if it has a deadline, that is looked at from now on.
    pub(super) fn watch_promise(&mut self, seq: ScaleUpSeq, now: Time) {
        let has_deadline = self.ledger.scale_ups.get(&seq).is_some_and(|s| s.row.by.is_some());
        if has_deadline && !self.promises_watched {
            self.promises_watched = true;
            self.timers.set(now.plus(EVERY), Due::Promises);
        }
    }

    /// Looks at every deadline, and again in a while if there are any.
    pub(super) fn promises_due(&mut self, now: &Now) {
        let found = self.promises(now.time);
        self.promises_watched = !found.is_empty();
        if self.promises_watched {
            self.timers.set(now.time.plus(EVERY), Due::Promises);
        }
        for (seq, eta) in found {
            self.hold_to(seq, eta, now.time);
        }
    }

    /// Every scale-up that has a deadline ahead, and when its last slot is expected in service.
    fn promises(&self, now: Time) -> Vec<(ScaleUpSeq, Option<Time>)> {
        let mut ahead: BTreeMap<usize, u32> = BTreeMap::new();
        let mut found = Vec::new();
        let rough_from = self.rough_from();
        for (seq, s) in &self.ledger.scale_ups {
            let queued = ahead.entry(s.group).or_default();
            *queued += s.phases.get(Phase::Queued);
            if s.row.by.is_some_and(|by| by > now) {
                found.push((*seq, self.eta(s, *queued, rough_from, now)));
            }
        }
        found
    }

    /// Compares what is expected with what was asked for, and journals a change of mind.
    pub(super) fn hold_to(&mut self, seq: ScaleUpSeq, eta: Option<Time>, now: Time) {
        let Some(s) = self.ledger.scale_ups.get_mut(&seq) else { return };
        let Some(by) = s.row.by else { return };
        let late = is_late(by, eta, s.late);
        if late == s.late && !(late && is_wrong(s.told, eta, now)) {
            return;
        }
        s.late = late;
        s.told = eta;
        let (kind, text) = if late { ("late", announcement(s, by, eta)) } else { ("in_time", in_time()) };
        self.ledger.journal(now, Some(seq), None, kind, text);
    }
}

fn is_late(by: Time, eta: Option<Time>, was_late: bool) -> bool {
    let spare = if was_late { TO_SPARE } else { Duration::ZERO };
    eta.is_none_or(|eta| eta.plus(spare) > by)
}

/// What was told is not what is expected now. A bucket that is emptier than was believed is found
/// out step by step, and the first word of it is not the last.
fn is_wrong(told: Option<Time>, eta: Option<Time>, now: Time) -> bool {
    let (Some(told), Some(eta)) = (told, eta) else { return told != eta };
    let (before, after) = (told.since(now).as_secs_f64(), eta.since(now).as_secs_f64());
    (after - before).abs() > WRONG_BY * after.max(before)
}

fn announcement(s: &ScaleUp, by: Time, eta: Option<Time>) -> String {
    let wanted_in = by.since(s.row.accepted_at).as_secs();
    let expected = match eta {
        Some(eta) => format!(
            "expected after {} s, {} s too late",
            eta.since(s.row.accepted_at).as_secs(),
            eta.since(by).as_secs()
        ),
        None => "not expected at any known time".to_string(),
    };
    format!("the deadline of {wanted_in} s cannot be met: the last of {} is {expected}", s.row.wanted)
}

fn in_time() -> String {
    "the deadline can be met again".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_is_told_anew_only_when_it_has_changed() {
        let at = |s: i64| Some(Time(s * 1_000));
        assert!(!is_wrong(at(500), at(540), Time(0)));
        assert!(is_wrong(at(500), at(700), Time(0)), "later than told");
        assert!(is_wrong(at(700), at(500), Time(0)), "sooner than told");
        assert!(is_wrong(at(500), None, Time(0)) && is_wrong(None, at(500), Time(0)));
        assert!(!is_wrong(None, None, Time(0)));
    }

    #[test]
    fn a_deadline_is_called_safe_again_only_with_something_to_spare() {
        let by = Time(100_000);
        assert!(!is_late(by, Some(by), false));
        assert!(is_late(by, Some(Time(100_001)), false));
        assert!(is_late(by, Some(Time(95_000)), true));
        assert!(!is_late(by, Some(Time(90_000)), true));
        assert!(is_late(by, None, false), "what has no time is late");
    }
}
