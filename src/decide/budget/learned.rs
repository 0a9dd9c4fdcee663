//! How fast a bucket refills that AWS does not publish: climbed to, level by level.
//!
//! A throttle alone does not say whether we were too fast: some days throttle every second call at
//! any speed. What says it is the *share* of calls that get through: at random it is the same at
//! every speed, and above the bucket's own speed it falls as fast as we rise. So each level's share is
//! kept, a level is climbed while the one in use does as well as the one below, and left when it does not.
//! More throttled calls are not the cost: calls that get through are the yield.

use std::time::Duration;

use crate::decide::words::Time;

/// Each level is this much faster than the one below.
const STEP: f64 = 1.5;
/// Levels below and above the speed to start from: 0.2 to 11 times as fast.
const LEVELS: (i32, i32) = (4, 6);
/// Calls that tell enough of a level: a share of a half is known to within 0.09.
const ENOUGH: u32 = 32;
/// Older calls count for half from then on.
const REMEMBERED: u32 = 96;
/// A level is worth it while its share is at least this part of the share below: at 1.5 times the
/// speed it then yields at least 1.2 times as much.
const WORTH: f64 = 0.8;
/// First pause before a level that was not worth it is tried again; doubles to 16 times that.
const AGAIN: Duration = Duration::from_secs(20);

/// What is known of each speed.
#[derive(Clone, Debug)]
pub struct Learned {
    levels: Vec<Level>,
    at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    refill: f64,
    calls: u32,
    through: u32,
    /// Not climbed to before, and times in a row that it was not worth it.
    not_before: Time,
    falls: u32,
}

impl Level {
    fn share(&self) -> f64 {
        f64::from(self.through + 1) / f64::from(self.calls + 2)
    }

    fn book(&mut self, through: bool) {
        if self.calls >= REMEMBERED {
            self.calls /= 2;
            self.through /= 2;
        }
        self.calls += 1;
        self.through += u32::from(through);
    }
}

impl Learned {
    /// Starts at this many tokens a second.
    #[must_use]
    pub fn from(refill: f64) -> Learned {
        let level =
            |n| Level { refill: refill * STEP.powi(n), calls: 0, through: 0, not_before: Time(0), falls: 0 };
        Learned {
            levels: (-LEVELS.0..=LEVELS.1).map(level).collect(),
            at: usize::try_from(LEVELS.0).unwrap_or(0),
        }
    }

    /// Tokens a second that are worth spending now.
    #[must_use]
    pub fn refill(&self) -> f64 {
        self.levels[self.at].refill
    }

    /// Calls a second that get through at that speed.
    #[must_use]
    pub fn yields(&self) -> f64 {
        self.refill() * self.levels[self.at].share()
    }

    /// Books whether a call got through. `pressed`: more was to be sent than the speed allowed, so
    /// that a higher level would have been used.
    pub fn answered(&mut self, through: bool, pressed: bool, now: Time) {
        self.levels[self.at].book(through);
        let here = self.levels[self.at];
        if here.calls < ENOUGH {
            return;
        }
        let below = self.at.checked_sub(1).map(|b| self.levels[b]).filter(|l| l.calls >= ENOUGH / 2);
        if let Some(below) = below
            && here.share() < below.share() * WORTH
        {
            let level = &mut self.levels[self.at];
            level.falls += 1;
            level.not_before = now.plus(AGAIN * 2u32.pow((level.falls - 1).min(4)));
            self.go(self.at - 1);
            return;
        }
        // Nothing is known below, and half gets lost: see whether slower is better.
        if below.is_none() && here.share() < 0.6 && self.at > 0 {
            self.levels[self.at].not_before = now;
            self.go(self.at - 1);
            return;
        }
        if pressed
            && let Some(above) = self.levels.get(self.at + 1).copied()
            && now >= above.not_before
        {
            self.levels[self.at].falls = 0;
            self.go(self.at + 1);
        }
    }

    /// What a level did long ago counts little against what it does now.
    fn go(&mut self, to: usize) {
        let level = &mut self.levels[to];
        if level.calls > ENOUGH / 2 {
            level.through = level.through * (ENOUGH / 2) / level.calls;
            level.calls = ENOUGH / 2;
        }
        self.at = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::budget::bucket::{Bucket, Rate};
    use crate::decide::rng::Rng;
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    /// Calls that get through in ten minutes, a call every `1/refill` seconds, of those that the bucket
    /// would have let through.
    #[allow(clippy::cast_precision_loss)] // below 1,000
    fn yielded(seed: u64, rate: f64, random: f64) -> f64 {
        let mut aws = Bucket::full(Rate { burst: 50, refill: rate });
        let (mut learned, mut rng) = (Learned::from(10.0), Rng::new(seed));
        let (mut now, mut through) = (Time(1_800_000_000_000), 0u32);
        let end = now.plus(Duration::from_secs(600));
        while now < end {
            let lucky = (rng.next_u64() % 1_000) as f64 >= random * 1_000.0;
            let ok = lucky && aws.take(now, 1);
            through += u32::from(ok);
            learned.answered(ok, true, now);
            now = now.plus(Duration::from_secs_f64(1.0 / learned.refill()));
        }
        let fastest = 10.0 * STEP.powi(LEVELS.1) * (1.0 - random);
        f64::from(through) / (rate.min(fastest) * 600.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nearly_all_that_a_bucket_gives_is_used_whatever_is_throttled_at_random(
            seed: u64, rate in 3.0..60.0, random in 0.0..0.6
        ) {
            let share = yielded(seed, rate, random);
            prop_assert!(share > 0.6, "{share} of {rate}/s with {random} throttled at random");
        }
    }

    #[test]
    fn chance_does_not_slow_us_down_and_an_empty_bucket_does() {
        assert!(yielded(1, 10.0, 0.0) > 0.8);
        assert!(yielded(2, 10.0, 0.5) > 0.7);
        assert!(yielded(3, 40.0, 0.5) > 0.7);
    }
}
