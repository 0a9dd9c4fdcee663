//! How long nobody watched before we started.
//!
//! A watchdog counts an instance's own time, and goes on counting while muster is down; but what
//! came through meanwhile must get the chance to show it. How much chance depends on how long
//! nobody looked: after ten minutes of absence every instance looks overdue, after half a second
//! none does that was not. So while instances are on their way, the time is written down every few
//! seconds, as one more row among the budgets' (the budget of absence, so to say). Without it a
//! process that is killed every few seconds would give everybody the benefit of the doubt for ever.

use std::time::Duration;

use super::rows::{BudgetRow, Changes};
use super::words::Time;

const ROW: &str = "watched until";
/// How often it is written. Shorter: more commits that carry nothing else (those with something else
/// happen several times a second in a scale-up). Longer: a short absence looks longer by as much.
const EVERY: Duration = Duration::from_secs(5);
/// An absence that is not longer than this is none: as long as the longest pause between two looks.
const SHORT: Duration = Duration::from_secs(20);
/// After a short absence an instance gets this long to answer: one round of contacts.
const GRACE: Duration = Duration::from_secs(3);
/// After a long absence, or one of unknown length, at least this long: downtime of ours is not its
/// fault, and a thousand instances have to be asked first.
const LONG_GRACE: Duration = Duration::from_secs(30);

/// When somebody watched last.
#[derive(Debug, Default)]
pub struct Presence {
    written: Option<Time>,
}

impl Presence {
    /// Writes down that we watch, if that is due.
    pub fn sign(&mut self, now: Time, changes: &mut Changes) {
        if self.written.is_none_or(|at| now.since(at) >= EVERY || now < at) {
            self.written = Some(now);
            changes
                .budgets
                .push(BudgetRow { name: ROW.to_string(), full_at_ns: now.0.saturating_mul(1_000_000) });
        }
    }

    /// How long an instance that is overdue is given after a start, by what was stored.
    #[must_use]
    pub fn grace(stored: &[BudgetRow], now: Time) -> Duration {
        let watched = stored.iter().find(|row| row.name == ROW).map(|row| Time(row.full_at_ns / 1_000_000));
        let short = watched.is_some_and(|at| at <= now && now.since(at) <= SHORT);
        if short { GRACE } else { LONG_GRACE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn stored(at: Time) -> Vec<BudgetRow> {
        let mut changes = Changes::default();
        Presence::default().sign(at, &mut changes);
        changes.budgets
    }

    #[test]
    fn it_is_written_every_few_seconds() {
        let (mut presence, mut changes) = (Presence::default(), Changes::default());
        (0..100).for_each(|n| presence.sign(NOW.plus(Duration::from_millis(100 * n)), &mut changes));
        assert_eq!(changes.budgets.len(), 2, "in ten seconds");
    }

    #[test]
    fn only_a_short_absence_that_is_known_leaves_a_short_grace() {
        let after = |s| Presence::grace(&stored(NOW), NOW.plus(Duration::from_secs(s)));
        assert_eq!((after(1), after(20), after(21)), (GRACE, GRACE, LONG_GRACE));
        assert_eq!(Presence::grace(&[], NOW), LONG_GRACE, "nothing is known");
        assert_eq!(Presence::grace(&stored(NOW), Time(NOW.0 - 1)), LONG_GRACE, "the clock was set back");
    }
}
