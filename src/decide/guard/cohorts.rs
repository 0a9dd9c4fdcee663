//! How the instances of one launch version fared, by when they were launched.
//!
//! Of those that are launched together the dead are found first, then the good are verified, and what hangs is told
//! from what is slow at the very end. The last fifty outcomes in the order in which they are known would say of the
//! same launch that it is bad, good, and bad again. So outcomes are counted by cohort, whole, the newest first, and
//! of older ones as much as is missing to fifty.

use std::collections::BTreeMap;
use std::time::Duration;

use super::version::Outcome;
use crate::decide::words::Time;

/// Outcomes that are enough to judge by. With 30 % broken, half of 50 are failures about once in 500
/// windows, and of 20 once in 20; a version that turned bad is seen after 25 failures either way,
/// because only as many of the good ones before them count as are missing to fifty.
const ENOUGH: u32 = 50;
/// How long a cohort is remembered after its last outcome. What was verified in an earlier scale-up says nothing
/// of an image that has turned bad since.
const MEMORY: Duration = Duration::from_secs(300);
/// Launched within the same so many milliseconds is launched together. Longer: what is launched in the place of
/// the first dead counts as theirs. Shorter: a cohort's early deaths are all that is known of the newest.
const TOGETHER_MS: i64 = 60_000;

/// The cohorts of one launch version.
#[derive(Debug, Default)]
pub(super) struct Cohorts {
    /// By the minute of their launch.
    of: BTreeMap<i64, Cohort>,
}

#[derive(Debug)]
struct Cohort {
    verified: u32,
    broken: u32,
    last_at: Time,
}

impl Cohort {
    fn outcomes(&self) -> u32 {
        self.verified.saturating_add(self.broken)
    }
}

impl Cohorts {
    /// Books how an instance that was launched then ended up.
    pub fn book(&mut self, now: Time, launched_at: Time, outcome: Outcome) {
        self.of.retain(|_, c| now.since(c.last_at) <= MEMORY);
        let new = Cohort { verified: 0, broken: 0, last_at: now };
        let cohort = self.of.entry(launched_at.0.div_euclid(TOGETHER_MS)).or_insert(new);
        cohort.last_at = now;
        match outcome {
            Outcome::Verified => cohort.verified += 1,
            Outcome::Broken => cohort.broken += 1,
        }
    }

    /// Failures and outcomes that are judged by.
    pub fn balance(&self) -> (u32, u32) {
        let (mut failures, mut outcomes) = (0_u32, 0_u32);
        for cohort in self.of.values().rev() {
            let (all, missing) = (cohort.outcomes(), ENOUGH.saturating_sub(outcomes));
            if missing == 0 {
                break;
            }
            if outcomes == 0 || all <= missing {
                failures = failures.saturating_add(cohort.broken);
                outcomes = outcomes.saturating_add(all);
            } else {
                // To the nearest.
                failures += (cohort.broken.saturating_mul(missing) + all / 2) / all;
                outcomes += missing;
            }
        }
        (failures, outcomes)
    }

    /// No failure so far is held against what comes now.
    pub fn forgive(&mut self) {
        for cohort in self.of.values_mut() {
            cohort.broken = 0;
        }
        self.of.retain(|_, c| c.verified > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_800_000_000_000);

    fn at(seconds: u64) -> Time {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn book(cohorts: &mut Cohorts, now: u64, launched: u64, (verified, broken): (u32, u32)) {
        for _ in 0..verified {
            cohorts.book(at(now), at(launched), Outcome::Verified);
        }
        for _ in 0..broken {
            cohorts.book(at(now), at(launched), Outcome::Broken);
        }
    }

    #[test]
    fn what_hangs_at_the_end_of_a_launch_is_judged_with_all_of_it() {
        let mut cohorts = Cohorts::default();
        book(&mut cohorts, 60, 0, (840, 0));
        book(&mut cohorts, 200, 0, (0, 360));
        assert_eq!(cohorts.balance(), (360, 1_200));
    }

    #[test]
    fn the_newest_count_first_and_older_ones_as_far_as_is_missing() {
        let mut cohorts = Cohorts::default();
        book(&mut cohorts, 60, 0, (100, 0));
        book(&mut cohorts, 120, 60, (0, 24));
        assert_eq!(cohorts.balance(), (24, 50));
        book(&mut cohorts, 120, 60, (0, 1));
        assert_eq!(cohorts.balance(), (25, 50));
        book(&mut cohorts, 130, 120, (10, 0));
        assert_eq!(cohorts.balance(), (25, 50), "ten of the newest, 25, and 15 of a hundred");
        book(&mut cohorts, 130, 120, (80, 10));
        assert_eq!(cohorts.balance(), (10, 100));
    }

    #[test]
    fn a_cohort_is_forgotten_some_time_after_its_last_outcome() {
        let mut cohorts = Cohorts::default();
        book(&mut cohorts, 60, 0, (100, 0));
        book(&mut cohorts, 360, 300, (0, 1));
        assert_eq!(cohorts.balance(), (1, 50));
        book(&mut cohorts, 361, 300, (0, 1));
        assert_eq!(cohorts.balance(), (2, 2));
    }

    #[test]
    fn failures_are_forgiven_and_successes_kept() {
        let mut cohorts = Cohorts::default();
        book(&mut cohorts, 60, 0, (3, 12));
        cohorts.forgive();
        assert_eq!(cohorts.balance(), (3, 3));
    }
}
