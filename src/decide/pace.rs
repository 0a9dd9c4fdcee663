//! How long instances of a group take from launch to service, learned as they come in, for the ETA.

use std::time::Duration;

use super::span::{SPANS, end_of, span_of};
use super::words::Time;

/// Below so many samples the prior is believed.
const ENOUGH: u32 = 50;
/// Before anything is known: the 99th percentile of DRILLS.md's boot (90 s) plus its configure
/// (60 s), which is a little late for most and early for one in a few hundred.
const PRIOR: Duration = Duration::from_secs(150);

/// A histogram of durations.
#[derive(Clone, Debug)]
pub struct Pace {
    counts: [u32; SPANS],
    total: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { counts: [0; SPANS], total: 0 }
    }
}

impl Pace {
    pub fn learn(&mut self, took: Duration) {
        self.counts[span_of(took)] += 1;
        self.total += 1;
    }

    /// The time within which `share` (0 to 1) of the instances are in service.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        if self.total < ENOUGH {
            return PRIOR;
        }
        let wanted = f64::from(self.total) * share;
        let mut seen = 0.0;
        for (span, n) in self.counts.iter().enumerate() {
            seen += f64::from(*n);
            if seen >= wanted {
                return end_of(span);
            }
        }
        end_of(SPANS - 1)
    }
}

impl Pace {
    /// The least that one needs, as one in a hundred did; none until enough is known.
    #[must_use]
    pub fn quickest(&self) -> Option<Duration> {
        (self.total >= ENOUGH).then(|| self.quantile(0.01))
    }
}

/// When the last of some instances is expected in service: those to be launched leave when their
/// tokens are there, and the slowest takes as long as the slowest of a hundred did.
#[must_use]
pub fn eta(last_launch: Time, pace: &Pace) -> Time {
    last_launch.plus(pace.quantile(0.99))
}

/// When so many calls will have got through at this pace, some of which could go out now.
#[must_use]
pub fn passed(now: Time, calls: u32, in_hand: u32, per_second: f64) -> Time {
    let waiting = f64::from(calls.saturating_sub(in_hand));
    now.plus(Duration::from_secs_f64(waiting / per_second.max(0.01)))
}

/// How much longer it takes because replacements break as well. Of `open` instances a share breaks,
/// of their replacements again, until hardly one is left; each such round takes about as long as
/// three in four instances need, and rounds that fall into the time in which others are still being
/// launched cost nothing.
#[must_use]
pub fn replacing(open: u32, broken: f64, launching: Duration, pace: &Pace) -> Duration {
    let (mut left, mut rounds) = (f64::from(open) * broken, 0);
    while left >= 0.5 && rounds < 10 {
        left *= broken;
        rounds += 1;
    }
    (pace.quantile(0.75) * rounds).saturating_sub(launching)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prior_holds_until_enough_is_known_and_quantiles_are_within_a_tenth() {
        let mut pace = Pace::default();
        assert_eq!(pace.quantile(0.99), PRIOR);
        for s in 1..=100 {
            pace.learn(Duration::from_secs(s));
        }
        let median = pace.quantile(0.5).as_secs_f64();
        assert!((50.0..=50.0 * 1.1).contains(&median), "{median}");
        let p99 = pace.quantile(0.99).as_secs_f64();
        assert!((99.0..=99.0 * 1.1).contains(&p99), "{p99}");
    }

    #[test]
    fn a_slow_bucket_is_waited_for() {
        let now = Time(1_000);
        assert_eq!(passed(now, 50, 50, 10.0), now);
        assert_eq!(passed(now, 1_200, 50, 10.0), now.plus(Duration::from_secs(115)));
    }

    #[test]
    fn replacements_that_break_cost_a_round_each_beyond_the_launching() {
        let mut pace = Pace::default();
        (0..100).for_each(|_| pace.learn(Duration::from_secs(50)));
        let round = pace.quantile(0.75);
        assert_eq!(replacing(1_200, 0.0, Duration::ZERO, &pace), Duration::ZERO);
        assert_eq!(replacing(1_200, 0.1, Duration::ZERO, &pace), round * 3, "120, 12, 1.2");
        assert_eq!(replacing(1_200, 0.1, round * 2, &pace), round);
        assert_eq!(replacing(1_200, 0.1, round * 9, &pace), Duration::ZERO);
        assert_eq!(replacing(10, 1.0, Duration::ZERO, &pace), round * 10, "bounded");
    }
}
