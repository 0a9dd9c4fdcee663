//! How fast a bucket refills that AWS does not publish: learned from what gets through.
//!
//! A throttle alone does not say whether we were too fast: some days throttle every second call at
//! any speed. So two things are measured: how many calls a second get through, and, in a window at half
//! speed now and then, which share of calls gets through when the bucket is hardly the limit. Sending somewhat
//! more than what got through last, divided by that share, climbs as long as it pays and stays a little
//! above the bucket's speed when it does not.

use std::time::Duration;

use crate::decide::words::Time;

/// What is sent is so much more than what would be needed if the bucket were not the limit. Higher:
/// faster to find a bucket's speed, and more calls throttled once it is found (at 1.4, two in seven).
const AHEAD: f64 = 1.4;
/// Slowest and fastest, as parts of the speed to start from.
const BETWEEN: (f64, f64) = (0.2, 10.0);
/// What gets through is counted over at least so long and so many calls.
const WINDOW: (Duration, u32) = (Duration::from_secs(2), 10);
/// One window in so many is at half speed.
const SLOW: u32 = 5;
/// Calls over which the share that gets through now is averaged.
const MEMORY: f64 = 32.0;

/// What is known of one bucket.
#[derive(Clone, Debug)]
pub struct Learned {
    from: f64,
    speed: f64,
    /// The share that gets through at the speed in use, and while the bucket is hardly the limit.
    share: f64,
    best: f64,
    windows: u32,
    /// Since when more was to be sent than the speed allowed, and what came of it.
    window: Option<Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Time,
    calls: u32,
    through: u32,
}

impl Learned {
    /// Starts from this many tokens a second: at twice as many, as if half were throttled at random. If none
    /// are, the tokens that a rested bucket holds pay for finding out.
    #[must_use]
    pub fn from(refill: f64) -> Learned {
        Learned { from: refill, speed: refill * 2.0, share: 0.5, best: 0.5, windows: 0, window: None }
    }

    /// Tokens a second that are worth spending now.
    #[must_use]
    pub fn refill(&self) -> f64 {
        if self.is_slow() { self.speed / 2.0 } else { self.speed }
    }

    fn is_slow(&self) -> bool {
        self.windows % SLOW == SLOW - 1
    }

    /// Calls a second that get through.
    #[must_use]
    pub fn yields(&self) -> f64 {
        self.speed * self.share
    }

    /// Books whether a call got through. `pressed`: more was to be sent than the speed allowed.
    pub fn answered(&mut self, through: bool, pressed: bool, now: Time) {
        if !self.is_slow() {
            self.share += (f64::from(u8::from(through)) - self.share) / MEMORY;
        }
        if !pressed {
            self.window = None;
            return;
        }
        let window = self.window.get_or_insert(Window { since: now, calls: 0, through: 0 });
        window.calls += 1;
        window.through += u32::from(through);
        let Window { since, calls, through } = *window;
        let length = now.since(since);
        if length < WINDOW.0 || calls < WINDOW.1 {
            return;
        }
        let share = f64::from(through) / f64::from(calls);
        if self.is_slow() || share > self.best {
            // Half-way: one window is a small sample.
            self.best = f64::midpoint(self.best, share);
        }
        if !self.is_slow() {
            let a_second = f64::from(through) / length.as_secs_f64();
            let next = a_second / self.best.max(0.05) * AHEAD;
            self.speed = f64::midpoint(self.speed, next).clamp(self.from * BETWEEN.0, self.from * BETWEEN.1);
        }
        self.windows += 1;
        self.window = None;
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
        let fastest = 10.0 * BETWEEN.1 * (1.0 - random);
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
