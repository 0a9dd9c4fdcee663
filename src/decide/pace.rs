//! How long instances of a group take from launch to service, learned as they come in, for the ETA.

use std::time::Duration;

use super::words::Time;

/// Buckets a quarter of an octave wide from 1 s: 48 of them reach 4,096 s.
const BUCKETS: usize = 48;
/// Below so many samples the prior is believed.
const ENOUGH: u32 = 50;
/// Before anything is known: the 99th percentile of DRILLS.md's boot (90 s) plus its configure
/// (60 s), which is a little late for most and early for one in a few hundred.
const PRIOR: Duration = Duration::from_secs(150);

/// A histogram of durations.
#[derive(Clone, Debug)]
pub struct Pace {
    counts: [u32; BUCKETS],
    total: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { counts: [0; BUCKETS], total: 0 }
    }
}

impl Pace {
    pub fn learn(&mut self, took: Duration) {
        self.counts[bucket(took)] += 1;
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
        for (i, n) in self.counts.iter().enumerate() {
            seen += f64::from(*n);
            if seen >= wanted {
                return upper(i);
            }
        }
        upper(BUCKETS - 1)
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to the table
fn bucket(d: Duration) -> usize {
    let octaves = d.as_secs_f64().max(1.0).log2();
    ((octaves * 4.0) as usize).min(BUCKETS - 1)
}

fn upper(bucket: usize) -> Duration {
    Duration::from_secs_f64(2f64.powf((f64::from(u32::try_from(bucket).unwrap_or(u32::MAX)) + 1.0) / 4.0))
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
    fn the_prior_holds_until_enough_is_known_and_quantiles_are_within_a_quarter_octave() {
        let mut pace = Pace::default();
        assert_eq!(pace.quantile(0.99), PRIOR);
        for s in 1..=100 {
            pace.learn(Duration::from_secs(s));
        }
        let median = pace.quantile(0.5).as_secs_f64();
        assert!((50.0..=50.0 * 1.2).contains(&median), "{median}");
        let p99 = pace.quantile(0.99).as_secs_f64();
        assert!((99.0..=99.0 * 1.2).contains(&p99), "{p99}");
    }
}
