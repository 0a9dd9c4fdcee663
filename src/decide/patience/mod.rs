//! How long to wait for an instance that says nothing: watchdogs learned from those that work.
//!
//! Each group has one launch version at a time, and instances of one version are alike. For each
//! phase [`times`] keeps how long they needed and how long those that are still in it have waited,
//! and says from which age waiting is not worth it. The configured watchdog stays as the ceiling,
//! and is all there is until enough is known. An instance is given up by what was learned only if
//!
//! - somebody looked, and it was not through at the age at which they were sent: an answer may be late;
//! - it stands out among those that entered the phase with it ([`cohorts`]): what holds up a third
//!   of them is not theirs, and then only the ceiling ends it;
//! - it is not a witness. The first, second, fourth, eighth, ... that is overdue is left to the
//!   ceiling, since nothing else can show that patience would have paid: a zone whose instances take
//!   three minutes looks, after one minute, exactly like one whose instances are broken. If half of
//!   the witnesses come through late, what was learned is not used any more.
//!
//! Witnesses fall into the first minutes of a scale-up, when they hold up nothing: the tokens for
//! their replacements are not there yet.
//!
//! D8 wants a broken instance given up within 90 s. The clock starts when it enters the phase that
//! it never leaves, since until then it does what the good ones do. With DRILLS.md's times and one
//! in ten broken the limits come to 55 to 85 s. Only witnesses and whoever enters before enough is
//! known wait longer, and then at most 90 s after 99 % of the good ones would have been through (45 s
//! boot, 45 s configure, 60 s verify, against ceilings of 120, 120 and 150 s). Nothing is learned across a restart: the ceilings hold until it has been learned again.

mod cohorts;
mod times;

use std::time::Duration;

use super::group::Watchdogs;
use super::view::WatchdogView;
use super::words::{InstanceRef, Phase, Time};
use super::{Core, Now};
use cohorts::Cohorts;
use times::{Limit, Times};

/// Witnesses that must have come through late before what was learned is mistrusted.
const LATE: u32 = 3;

/// An instance that comes through after nobody looked for longer than this (and half its age) came
/// through at some time before: it teaches nothing. AWS may not have answered for minutes.
const UNSEEN: Duration = Duration::from_secs(20);

/// What is known of one group's launch version.
#[derive(Clone, Debug)]
pub struct Patience {
    phases: [OfPhase; 3],
    overdue: u32,
    witnesses: u32,
    late: u32,
}

#[derive(Clone, Debug)]
struct OfPhase {
    ceiling: Duration,
    times: Times,
    cohorts: Cohorts,
}

/// What is remembered of one instance in its present phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    /// How far its wait has been counted.
    spans: u8,
    /// Left to the ceiling although it is overdue.
    witness: bool,
    /// It was in this phase when we started: how long is not known, so it teaches nothing and only
    /// the ceiling ends it.
    unknown: bool,
}

impl Mark {
    /// For an instance that another process watched before.
    pub const UNKNOWN: Mark = Mark { spans: 0, witness: false, unknown: true };
}

impl Patience {
    #[must_use]
    pub fn new(ceilings: &Watchdogs) -> Patience {
        let of = |ceiling| OfPhase { ceiling, times: Times::default(), cohorts: Cohorts::new(ceiling) };
        Patience {
            phases: [of(ceilings.boot), of(ceilings.configure), of(ceilings.verify)],
            overdue: 0,
            witnesses: 0,
            late: 0,
        }
    }

    /// After how long in a phase an instance that stands out is given up; `None` for phases that
    /// have their own ways to end.
    #[must_use]
    pub fn limit(&self, phase: Phase) -> Option<Duration> {
        let of = &self.phases[index(phase)?];
        let learned = if self.is_mistrusted() { None } else { of.times.limit() };
        Some(learned.map_or(of.ceiling, |l| l.age.min(of.ceiling)))
    }

    /// Nobody was ever quicker through this phase; zero while that is not known.
    #[must_use]
    pub fn least(&self, phase: Phase) -> Duration {
        index(phase).map_or(Duration::ZERO, |i| self.phases[i].times.least())
    }

    /// One line for each phase, to be shown.
    #[must_use]
    pub fn views(&self) -> Vec<WatchdogView> {
        let view = |phase| {
            let of = &self.phases[index(phase)?];
            let limit = self.limit(phase)?;
            Some(WatchdogView { phase, limit, ceiling: of.ceiling, most: of.times.most() })
        };
        [Phase::Booting, Phase::Configuring, Phase::Verifying].into_iter().filter_map(view).collect()
    }

    /// An instance entered a phase.
    pub fn enters(&mut self, phase: Phase, at: Time) {
        if let Some(i) = index(phase) {
            self.phases[i].cohorts.enters(at);
        }
    }

    /// An instance came through a phase that it entered at `since`.
    fn comes_through(&mut self, phase: Phase, since: Time, now: Time, mark: &mut Mark) {
        let Some(i) = index(phase).filter(|_| !mark.unknown) else { return };
        self.phases[i].cohorts.leaves(since);
        let took = now.since(since);
        if took <= times::counted(mark.spans).mul_f64(1.5) + UNSEEN {
            self.late += u32::from(mark.witness);
            self.phases[i].times.comes_through(took, &mut mark.spans);
        }
    }

    /// An instance left a phase for a reason that has nothing to do with time.
    fn leaves(&mut self, phase: Phase, since: Time, mark: Mark) {
        if let Some(i) = index(phase).filter(|_| !mark.unknown) {
            self.phases[i].cohorts.leaves(since);
        }
    }

    /// An instance was still in its phase when somebody was sent to look, at `asked_at`. Says why it is to be given
    /// up, if it is.
    fn judge(&mut self, phase: Phase, since: Time, asked_at: Time, mark: &mut Mark) -> Option<Limit> {
        let i = index(phase).filter(|_| !mark.unknown)?;
        let of = &mut self.phases[i];
        let age = asked_at.since(since);
        of.times.waits(age, &mut mark.spans);
        let limit = of.times.limit().filter(|l| l.age < of.ceiling && l.age <= age)?;
        if mark.witness || !of.cohorts.stands_out(since) || self.is_mistrusted() {
            return None;
        }
        self.overdue += 1;
        if self.overdue.is_power_of_two() {
            self.witnesses += 1;
            mark.witness = true;
            return None;
        }
        Some(limit)
    }

    fn is_mistrusted(&self) -> bool {
        self.late >= LATE && self.late * 2 > self.witnesses
    }
}

impl Core {
    /// An instance is through its present phase: others of its kind are measured by it.
    pub(super) fn teaches(&mut self, instance: InstanceRef, now: &Now) {
        let Some(s) = self.ledger.scale_ups.get_mut(&instance.slot.scale_up) else { return };
        let Some(slot) = s.slots.get_mut(instance.slot.ordinal as usize) else { return };
        self.patience[s.group].comes_through(slot.phase, slot.since, now.time, &mut slot.contact.mark);
    }

    /// An instance is about to be given up for something else than its silence.
    pub(super) fn teaches_nothing(&mut self, instance: InstanceRef) {
        let Some(s) = self.ledger.scale_ups.get(&instance.slot.scale_up) else { return };
        let Some(slot) = s.slots.get(instance.slot.ordinal as usize) else { return };
        self.patience[s.group].leaves(slot.phase, slot.since, slot.contact.mark);
    }

    /// Somebody looked, and the instance was not through its phase when they were sent. Gives it up if waiting
    /// longer is not worth it, and says whether.
    pub(super) fn loses_patience(&mut self, instance: InstanceRef, now: &mut Now) -> bool {
        let Some(s) = self.ledger.scale_ups.get_mut(&instance.slot.scale_up) else { return false };
        let Some(slot) = s.slots.get_mut(instance.slot.ordinal as usize) else { return false };
        let (phase, since, asked_at) = (slot.phase, slot.since, slot.contact.asked_at);
        let patience = &mut self.patience[s.group];
        let Some(limit) = patience.judge(phase, since, asked_at, &mut slot.contact.mark) else {
            return false;
        };
        self.give_up(instance, reason(phase, now.time.since(since), limit), now);
        true
    }
}

fn reason(phase: Phase, age: Duration, limit: Limit) -> String {
    format!(
        "{phase} for {} s; 99 % of this version's instances needed at most {} s, and of {} that had waited for \
         {} s only {} came through by {} s",
        age.as_secs(),
        limit.most.as_secs(),
        limit.of,
        limit.from.as_secs(),
        limit.came,
        limit.age.as_secs()
    )
}

fn index(phase: Phase) -> Option<usize> {
    match phase {
        Phase::Booting => Some(0),
        Phase::Configuring => Some(1),
        Phase::Verifying => Some(2),
        Phase::Queued
        | Phase::Launching
        | Phase::Admitting
        | Phase::InService
        | Phase::Broken
        | Phase::Terminating
        | Phase::Quarantined
        | Phase::Reserved
        | Phase::Gone
        | Phase::Withdrawn => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(1_800_000_000_000);

    fn after(s: u64) -> Time {
        START.plus(Duration::from_secs(s))
    }

    /// Of 200 that entered at once, `quick` come through within 20 to 40 s. Returns the ages at
    /// which the others were given up; they come through at `late`, if nobody does.
    fn given_up(quick: u64, late: u64) -> (Vec<u64>, Patience) {
        let mut patience = Patience::new(&Watchdogs::default());
        let mut waiting = vec![Some(Mark::default()); 200];
        (0..200).for_each(|_| patience.enters(Phase::Verifying, START));
        let mut ages = Vec::new();
        for s in 1..=150 {
            for (i, slot) in (0..).zip(&mut waiting) {
                let Some(mark) = slot else { continue };
                let needs = if i < quick { 20 + i % 21 } else { late };
                if s >= needs {
                    patience.comes_through(Phase::Verifying, START, after(s), mark);
                    *slot = None;
                } else if patience.judge(Phase::Verifying, START, after(s), mark).is_some() {
                    ages.push(s);
                    *slot = None;
                }
            }
        }
        (ages, patience)
    }

    #[test]
    fn those_that_stand_out_are_given_up_early_but_for_witnesses() {
        let (ages, patience) = given_up(180, 1_000);
        assert_eq!(ages.len(), 15, "the 1st, 2nd, 4th, 8th and 16th of 20 are witnesses");
        assert!(ages.iter().all(|s| (40..=60).contains(s)), "{ages:?}");
        assert!(patience.limit(Phase::Verifying).is_some_and(|l| l <= Duration::from_secs(60)));
        assert_eq!(patience.limit(Phase::Booting), Some(Watchdogs::default().boot), "nothing learned there");
        assert_eq!(patience.limit(Phase::Queued), None);
    }

    #[test]
    fn what_holds_up_a_third_of_all_is_not_theirs() {
        let (ages, _) = given_up(130, 1_000);
        assert!(ages.is_empty(), "{ages:?}");
    }

    #[test]
    fn witnesses_that_come_through_late_end_the_impatience() {
        let (ages, mut patience) = given_up(180, 120);
        assert_eq!(ages.len(), 15);
        assert_eq!(patience.limit(Phase::Verifying), Some(Watchdogs::default().verify));
        let judged = patience.judge(Phase::Verifying, START, after(149), &mut Mark::default());
        assert_eq!(judged, None);
    }

    #[test]
    fn what_came_through_while_nobody_looked_teaches_nothing() {
        let mut patience = Patience::new(&Watchdogs::default());
        for _ in 0..100 {
            patience.comes_through(Phase::Booting, START, after(600), &mut Mark::default());
        }
        assert_eq!(patience.views()[0].most, None);
    }

    #[test]
    fn an_instance_that_was_there_when_we_started_has_its_ceiling() {
        let (_, mut patience) = given_up(180, 1_000);
        let mut unknown = Mark::UNKNOWN;
        assert_eq!(patience.judge(Phase::Verifying, START, after(149), &mut unknown), None);
        assert!(patience.judge(Phase::Verifying, START, after(149), &mut Mark::default()).is_some());
    }
}
