//! Who entered a phase at about the same time: what holds up many of them is not theirs.
//!
//! A configuration store that is down for three minutes silences every instance that is being
//! configured. Judged one by one, each would be overdue. Judged by its cohort, none stands out.

use std::time::Duration;

use crate::decide::words::Time;

/// Intervals that are remembered, and how many of them make one watchdog's ceiling.
const INTERVALS: u8 = 32;
const PER_CEILING: u32 = 16;
/// A cohort of fewer is joined by the one before it.
const ENOUGH: u32 = 30;
/// One in so many of a cohort may be waiting still for an instance of it to stand out. D8's 30 %
/// broken leave less than a quarter waiting in any one phase.
const STANDS_OUT: u32 = 3;

/// Instances that entered in one interval.
#[derive(Clone, Copy, Debug, Default)]
struct Cohort {
    /// Which interval since the epoch.
    interval: i64,
    entered: u32,
    /// Came through, or were given up for something other than time.
    left: u32,
}

/// The last cohorts of one phase.
#[derive(Clone, Debug)]
pub struct Cohorts {
    width_ms: i64,
    ring: [Cohort; INTERVALS as usize],
}

impl Cohorts {
    /// For a phase that may take as long as `ceiling`: two of those are remembered.
    #[must_use]
    pub fn new(ceiling: Duration) -> Cohorts {
        let width_ms = i64::try_from((ceiling / PER_CEILING).as_millis()).unwrap_or(i64::MAX).max(1);
        Cohorts { width_ms, ring: [Cohort::default(); INTERVALS as usize] }
    }

    /// An instance entered the phase.
    pub fn enters(&mut self, at: Time) {
        let interval = self.interval(at);
        let cohort = &mut self.ring[slot_of(interval)];
        if cohort.interval < interval {
            *cohort = Cohort { interval, entered: 0, left: 0 };
        }
        if cohort.interval == interval {
            cohort.entered += 1;
        }
    }

    /// An instance that entered at `at` does not wait in the phase any more.
    pub fn leaves(&mut self, at: Time) {
        let interval = self.interval(at);
        let cohort = &mut self.ring[slot_of(interval)];
        if cohort.interval == interval {
            cohort.left = (cohort.left + 1).min(cohort.entered);
        }
    }

    /// Whether an instance that entered at `at` and still waits is an exception in its cohort.
    #[must_use]
    pub fn stands_out(&self, at: Time) -> bool {
        let newest = self.interval(at);
        let (mut entered, mut left) = (0, 0);
        for interval in (0..INTERVALS).map(|back| newest - i64::from(back)) {
            let cohort = &self.ring[slot_of(interval)];
            if cohort.interval == interval {
                entered += cohort.entered;
                left += cohort.left;
            }
            if entered >= ENOUGH {
                break;
            }
        }
        entered > 0 && (entered - left) * STANDS_OUT <= entered
    }

    fn interval(&self, at: Time) -> i64 {
        at.0.div_euclid(self.width_ms)
    }
}

fn slot_of(interval: i64) -> usize {
    usize::try_from(interval.rem_euclid(i64::from(INTERVALS))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CEILING: Duration = Duration::from_secs(160);

    fn at(s: i64) -> Time {
        Time(1_800_000_000_000 + s * 1_000)
    }

    fn cohorts(entered: &[(i64, u32, u32)]) -> Cohorts {
        let mut cohorts = Cohorts::new(CEILING);
        for (s, entered, left) in entered {
            (0..*entered).for_each(|_| cohorts.enters(at(*s)));
            (0..*left).for_each(|_| cohorts.leaves(at(*s)));
        }
        cohorts
    }

    #[test]
    fn a_few_of_many_stand_out_and_many_do_not() {
        assert!(cohorts(&[(0, 100, 70)]).stands_out(at(3)));
        assert!(!cohorts(&[(0, 100, 60)]).stands_out(at(3)));
    }

    #[test]
    fn a_small_cohort_is_judged_with_the_one_before_it() {
        let c = cohorts(&[(0, 100, 95), (60, 2, 0)]);
        assert!(c.stands_out(at(60)));
        assert!(!cohorts(&[(60, 2, 0)]).stands_out(at(60)), "nobody to compare it with");
        assert!(!cohorts(&[(0, 20, 20), (60, 40, 10)]).stands_out(at(60)), "large enough by itself");
    }

    #[test]
    fn what_is_older_than_two_ceilings_is_forgotten() {
        let c = cohorts(&[(0, 100, 100), (320, 2, 0)]);
        assert!(!c.stands_out(at(320)));
        assert!(!c.stands_out(at(0)), "its place was taken");
    }
}
