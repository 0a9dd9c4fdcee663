//! What may be launched of one launch version: canary while it is unproven, breaker when its
//! instances break.
//!
//! The breaker is judged on the growth of *verified* instances: it opens when failures make half of
//! the outcomes of what was launched last ([`super::cohorts`]), and it closes by itself as soon as instances that were already under way are
//! verified and tip the balance back. So a burst of early deaths, which are always seen before the
//! first slow success, costs a pause and nothing else (tokens bank up meanwhile), while a bad image
//! stays shut.

use std::collections::BTreeSet;

use super::cohorts::Cohorts;
use crate::decide::group::{Breaker, Canary};
use crate::decide::rows::VersionRow;
use crate::decide::wait::Wait;
use crate::decide::words::{InstanceRef, Time};

/// Longest cool-down, as a multiple of the first.
const LONGEST: u32 = 16;
/// Most that are tried of a version of which nobody ever was in service, after its whole canary broke. That both break
/// though half of the version is good has one chance in four, and costs a pause. A canary of 10, two trials and what an
/// Auto Scaling group launches by itself for those that die early stay within 20 (DRILLS D8).
const UNPROVEN_TRIAL: u32 = 2;

/// How an instance of a version ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Verified,
    Broken,
}

/// A change worth a line in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Proven,
    Opened { failures: u32, outcomes: u32, until: Time },
    Closed,
}

/// How a version stands, for those who launch by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// Launches may go on.
    Closed,
    /// Nothing may be launched before.
    Open { until: Time },
    /// A few may be tried.
    HalfOpen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Time,
    },
    /// A few may be tried; the rest waits for them.
    HalfOpen,
}

/// One launch version's guard.
#[derive(Debug)]
pub struct VersionGuard {
    canary: Canary,
    breaker: Breaker,
    proven_at: Option<Time>,
    cohorts: Cohorts,
    state: State,
    /// Times in a row that it opened without closing in between.
    opened: u32,
    trial: BTreeSet<InstanceRef>,
    trial_failed: u32,
}

impl VersionGuard {
    #[must_use]
    pub fn new(canary: Canary, breaker: Breaker) -> VersionGuard {
        VersionGuard {
            canary,
            breaker,
            proven_at: None,
            cohorts: Cohorts::default(),
            state: State::Closed,
            opened: 0,
            trial: BTreeSet::new(),
            trial_failed: 0,
        }
    }

    /// Puts stored knowledge back.
    pub fn restore(&mut self, row: &VersionRow) {
        self.proven_at = row.proven_at;
        self.opened = row.opened;
        if let Some(until) = row.open_until {
            self.state = State::Open { until };
        }
    }

    #[must_use]
    pub fn row(&self, group: &str, version: &str) -> VersionRow {
        VersionRow {
            group: group.to_string(),
            version: version.to_string(),
            proven_at: self.proven_at,
            open_until: match self.state {
                State::Closed => None,
                State::Open { until } => Some(until),
                // Half open after a restart too.
                State::HalfOpen => Some(Time(0)),
            },
            opened: self.opened,
        }
    }

    /// Nothing may be launched now, because instances break.
    #[must_use]
    pub fn is_open(&self, now: Time) -> bool {
        match self.state {
            State::Open { until } => now < until,
            State::Closed | State::HalfOpen => false,
        }
    }

    /// A few are tried, or may be.
    #[must_use]
    pub fn is_half_open(&self) -> bool {
        self.state == State::HalfOpen
    }

    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proven_at.is_some() || self.canary.size == 0
    }

    /// How many more may be launched now, given how many of this version are under way (launched,
    /// not yet in service or gone). Never `Ok(0)`: zero is a reason to wait.
    pub fn allowance(&mut self, now: Time, under_way: u32) -> Result<u32, Wait> {
        match self.stance(now) {
            Stance::Open { until } => {
                let (failures, outcomes) = self.cohorts.balance();
                return Err(Wait::BreakerOpen { failures, outcomes, until });
            }
            Stance::HalfOpen => {
                let tried = self.tried();
                return match self.trial_size().saturating_sub(tried) {
                    0 => Err(Wait::BreakerTrial { tried, trial: self.trial_size() }),
                    n => Ok(n),
                };
            }
            Stance::Closed => {}
        }
        if self.is_proven() {
            return Ok(u32::MAX);
        }
        let tried = under_way + self.cohorts.balance().0;
        match self.canary.size.saturating_sub(tried) {
            0 => Err(Wait::Canary { tried, size: self.canary.size }),
            n => Ok(n),
        }
    }

    /// How it stands now. A breaker that has been open for long enough is half open from here on.
    pub fn stance(&mut self, now: Time) -> Stance {
        match self.state {
            State::Closed => Stance::Closed,
            State::HalfOpen => Stance::HalfOpen,
            State::Open { until } if now < until => Stance::Open { until },
            State::Open { .. } => {
                self.state = State::HalfOpen;
                self.trial.clear();
                self.trial_failed = 0;
                Stance::HalfOpen
            }
        }
    }

    /// Instances that may be tried while half open.
    #[must_use]
    pub fn trial_size(&self) -> u32 {
        if self.is_proven() { self.breaker.trial } else { self.breaker.trial.min(UNPROVEN_TRIAL) }
    }

    /// As many are being tried as may be.
    #[must_use]
    pub fn trial_is_out(&self) -> bool {
        self.tried() >= self.trial_size()
    }

    fn tried(&self) -> u32 {
        u32::try_from(self.trial.len()).unwrap_or(u32::MAX).saturating_add(self.trial_failed)
    }

    /// Books what was launched, so that a trial knows its own.
    pub fn launched(&mut self, instances: &[InstanceRef]) {
        if self.state == State::HalfOpen {
            self.trial.extend(instances);
        }
    }

    /// An instance went back to the queue or was cancelled: it proved nothing.
    pub fn withdrawn(&mut self, instance: InstanceRef) {
        self.trial.remove(&instance);
    }

    /// Books how an instance that was launched then ended up.
    pub fn outcome(
        &mut self,
        now: Time,
        instance: InstanceRef,
        launched_at: Time,
        outcome: Outcome,
    ) -> Option<Turn> {
        self.cohorts.book(now, launched_at, outcome);
        let of_trial = self.trial.remove(&instance);
        match outcome {
            Outcome::Verified => {
                if self.proven_at.is_none() {
                    self.proven_at = Some(now);
                    self.close();
                    return Some(Turn::Proven);
                }
                let recovered = match self.state {
                    State::Closed => false,
                    State::HalfOpen => of_trial || !self.is_bad(),
                    State::Open { .. } => !self.is_bad(),
                };
                if recovered {
                    self.close();
                    return Some(Turn::Closed);
                }
                None
            }
            Outcome::Broken => {
                self.trial_failed += u32::from(of_trial);
                let open = match self.state {
                    State::Closed => self.is_bad(),
                    State::HalfOpen => self.trial_failed >= self.trial_size(),
                    State::Open { .. } => false,
                };
                open.then(|| self.open(now))
            }
        }
    }

    fn open(&mut self, now: Time) -> Turn {
        let cool_down = self.breaker.cool_down * 2u32.saturating_pow(self.opened).min(LONGEST);
        let until = now.plus(cool_down);
        self.state = State::Open { until };
        self.opened = self.opened.saturating_add(1);
        let (failures, outcomes) = self.cohorts.balance();
        Turn::Opened { failures, outcomes, until }
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.opened = 0;
        self.trial.clear();
        self.trial_failed = 0;
        // What was learned while shut is not held against what comes now.
        self.cohorts.forgive();
    }

    fn is_bad(&self) -> bool {
        let (failures, outcomes) = self.cohorts.balance();
        // A canary smaller than the breaker's count must not deadlock: when all of it broke, that
        // is the answer.
        let enough = if self.is_proven() {
            self.breaker.failures
        } else {
            self.breaker.failures.min(self.canary.size)
        };
        failures >= enough && failures * 100 >= outcomes * self.breaker.share
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decide::words::{ScaleUpSeq, SlotId};

    const NOW: Time = Time(1_800_000_000_000);

    fn instance(n: u32) -> InstanceRef {
        InstanceRef { slot: SlotId { scale_up: ScaleUpSeq(1), ordinal: n }, attempt: 1 }
    }

    fn guard() -> VersionGuard {
        VersionGuard::new(Canary::default(), Breaker::default())
    }

    #[test]
    fn an_unproven_version_gets_ten_and_a_proven_one_all() {
        let mut g = guard();
        assert_eq!(g.allowance(NOW, 0), Ok(10));
        assert_eq!(g.allowance(NOW, 10), Err(Wait::Canary { tried: 10, size: 10 }));
        assert_eq!(g.outcome(NOW, instance(0), NOW, Outcome::Verified), Some(Turn::Proven));
        assert_eq!(g.allowance(NOW, 9), Ok(u32::MAX));
    }

    #[test]
    fn a_bad_image_wastes_its_canary_and_two_trials_in_the_first_seven_minutes() {
        let mut g = guard();
        let (mut now, mut wasted) = (NOW, 0);
        while now < NOW.plus(Duration::from_secs(420)) {
            while let Ok(n) = g.allowance(now, 0) {
                let batch: Vec<_> = (wasted..wasted + n).map(instance).collect();
                g.launched(&batch);
                for i in batch {
                    g.outcome(now, i, now, Outcome::Broken);
                    wasted += 1;
                }
            }
            now = now.plus(Duration::from_secs(1));
        }
        assert_eq!(wasted, 10 + 2 * UNPROVEN_TRIAL, "of 20");
    }

    #[test]
    fn a_canary_smaller_than_the_breakers_count_does_not_deadlock() {
        let mut g = VersionGuard::new(Canary { size: 3 }, Breaker::default());
        for i in 0..3 {
            g.outcome(NOW, instance(i), NOW, Outcome::Broken);
        }
        assert!(matches!(g.allowance(NOW, 0), Err(Wait::BreakerOpen { failures: 3, .. })));
        assert_eq!(g.allowance(NOW.plus(Duration::from_secs(60)), 0), Ok(UNPROVEN_TRIAL));
    }

    #[test]
    fn early_deaths_open_it_and_the_slow_successes_behind_them_close_it() {
        let mut g = VersionGuard::new(Canary { size: 0 }, Breaker::default());
        g.restore(&VersionRow {
            group: String::new(),
            version: String::new(),
            proven_at: Some(NOW),
            open_until: None,
            opened: 0,
        });
        let turns: Vec<_> =
            (0..12).filter_map(|i| g.outcome(NOW, instance(i), NOW, Outcome::Broken)).collect();
        assert!(matches!(turns[..], [Turn::Opened { failures: 10, outcomes: 10, .. }]), "{turns:?}");
        let closed =
            (12..40).position(|i| g.outcome(NOW, instance(i), NOW, Outcome::Verified) == Some(Turn::Closed));
        assert_eq!(closed, Some(12), "12 broken and 13 verified: less than half");
        assert_eq!(g.allowance(NOW, 500), Ok(u32::MAX));
    }

    #[test]
    fn a_proven_version_that_turns_bad_is_stopped_and_tried_with_at_most_three() {
        let mut g = guard();
        for i in 0..100 {
            g.outcome(NOW, instance(i), NOW, Outcome::Verified);
        }
        let then = NOW.plus(Duration::from_secs(60));
        let opened = (100..200).position(|i| g.outcome(then, instance(i), then, Outcome::Broken).is_some());
        assert_eq!(opened, Some(24), "25 of the last 50");
        assert!(matches!(g.allowance(then, 0), Err(Wait::BreakerOpen { .. })));
        let later = then.plus(Duration::from_secs(61));
        assert_eq!(g.allowance(later, 0), Ok(3));
        g.launched(&[instance(300), instance(301), instance(302)]);
        assert_eq!(g.allowance(later, 3), Err(Wait::BreakerTrial { tried: 3, trial: 3 }));
        assert_eq!(g.outcome(later, instance(300), later, Outcome::Verified), Some(Turn::Closed));
        assert_eq!(g.allowance(later, 2), Ok(u32::MAX));
    }

    #[test]
    fn what_was_verified_long_ago_does_not_vouch_for_an_image_that_turned_bad() {
        let mut g = guard();
        for i in 0..100 {
            g.outcome(NOW, instance(i), NOW, Outcome::Verified);
        }
        let later = NOW.plus(Duration::from_secs(301));
        let opened = (100..200).position(|i| g.outcome(later, instance(i), later, Outcome::Broken).is_some());
        assert_eq!(opened, Some(9), "the tenth");
    }

    #[test]
    fn a_restart_neither_forgets_an_open_breaker_nor_a_proof() {
        let mut g = guard();
        g.outcome(NOW, instance(0), NOW, Outcome::Verified);
        for i in 1..12 {
            g.outcome(NOW, instance(i), NOW, Outcome::Broken);
        }
        let mut again = guard();
        again.restore(&g.row("web", "v"));
        assert!(again.is_proven());
        assert!(matches!(again.allowance(NOW, 0), Err(Wait::BreakerOpen { .. })));
    }
}
