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

/// When the last of some instances is expected in service: those to be launched leave when their
/// tokens are there, and the slowest takes as long as the slowest of a hundred did.
#[must_use]
pub fn eta(last_launch: Time, pace: &Pace) -> Time {
    last_launch.plus(pace.quantile(0.99))
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
}
