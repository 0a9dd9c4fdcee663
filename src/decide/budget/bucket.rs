//! A token bucket on muster's own clock: governor's arithmetic, our state.
//!
//! governor decides; this file owns the one number that is the bucket's state (the GCRA's
//! "theoretical arrival time": when the bucket will be full again), so that it can also be shown,
//! stored, corrected after a throttle answer, and given back when a call turned out to be free.

use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use crate::decide::words::Time;

/// Size and speed of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Most tokens it can hold. At least 1.
    pub burst: u32,
    /// Tokens a second, fractions allowed (AWS uses 0.1, 0.3, ...). Above 0.
    pub refill: f64,
}

/// A token bucket.
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    /// One token's worth of time.
    period: u64,
    limiter: RateLimiter<NotKeyed, FullAt, Fed, NoOpMiddleware<At>>,
    full_at: FullAt,
    now: Fed,
    changed: bool,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn full(rate: Rate) -> Bucket {
        let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
        let refill =
            if rate.refill.is_finite() && rate.refill > 0.0 { rate.refill } else { f64::MIN_POSITIVE };
        let period = Duration::try_from_secs_f64(1.0 / refill)
            .unwrap_or(Duration::from_secs(86_400))
            .clamp(Duration::from_nanos(1), Duration::from_secs(86_400));
        let quota =
            Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        let now = Fed::default();
        let full_at = FullAt::default();
        Bucket {
            rate: Rate { burst: burst.get(), refill: rate.refill },
            period: u64::try_from(period.as_nanos()).unwrap_or(u64::MAX),
            limiter: RateLimiter::new(quota, full_at.clone(), now.clone()),
            full_at,
            now,
            changed: false,
        }
    }

    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Tokens in it now.
    #[must_use]
    pub fn have(&self, now: Time) -> u32 {
        let now = nanos(now);
        let capacity = self.period.saturating_mul(u64::from(self.rate.burst));
        let free = now.saturating_add(capacity).saturating_sub(self.full_at.get().max(now));
        u32::try_from(free / self.period).unwrap_or(u32::MAX)
    }

    /// Takes `n` tokens if it has them; takes none otherwise. More than the bucket can ever hold is
    /// never given.
    pub fn take(&mut self, now: Time, n: u32) -> bool {
        let Some(n) = NonZeroU32::new(n) else { return true };
        self.now.0.store(nanos(now), Relaxed);
        let given = matches!(self.limiter.check_n(n), Ok(Ok(())));
        self.changed |= given;
        given
    }

    /// When it will have `n` tokens, if nobody takes any; [`Time::NEVER`] if it cannot hold so many.
    #[must_use]
    pub fn ready_at(&self, now: Time, n: u32) -> Time {
        if n > self.rate.burst {
            return Time::NEVER;
        }
        let spare = self.period.saturating_mul(u64::from(self.rate.burst - n));
        let at = self.full_at.get().saturating_sub(spare);
        if at <= nanos(now) { now } else { Time(i64::try_from(at.div_ceil(1_000_000)).unwrap_or(i64::MAX)) }
    }

    /// When `n` tokens, however many more than it holds, will have passed through it: the floor
    /// under any schedule.
    #[must_use]
    pub fn passed_at(&self, now: Time, n: u32) -> Time {
        let missing = n.saturating_sub(self.have(now));
        let ns = self.period.saturating_mul(u64::from(missing));
        now.plus(Duration::from_nanos(ns))
    }

    /// Gives back tokens of a call that did not spend them at AWS.
    pub fn give_back(&mut self, n: u32) {
        let back = self.period.saturating_mul(u64::from(n));
        self.full_at.set(self.full_at.get().saturating_sub(back));
        self.changed = true;
    }

    /// AWS says that there is less in it than we believed: at most `left` tokens from now.
    pub fn correct_to(&mut self, now: Time, left: u32) {
        let missing = self.rate.burst.saturating_sub(left);
        let at = nanos(now).saturating_add(self.period.saturating_mul(u64::from(missing)));
        if at > self.full_at.get() {
            self.full_at.set(at);
            self.changed = true;
        }
    }

    /// It refills at another speed from now; what is in it stays.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn set_refill(&mut self, now: Time, refill: f64) {
        if (refill - self.rate.refill).abs() < f64::EPSILON {
            return;
        }
        let missing = self.full_at.get().saturating_sub(nanos(now)) as f64 / self.period as f64;
        *self = Bucket::full(Rate { refill, ..self.rate });
        // Tokens times nanoseconds: far below 2^53 for any bucket that is not broken.
        self.full_at.set(nanos(now).saturating_add((missing * self.period as f64) as u64));
        self.changed = true;
    }

    /// The state to store, if it changed since the last time this was asked.
    pub fn take_change(&mut self) -> Option<i64> {
        std::mem::take(&mut self.changed).then(|| i64::try_from(self.full_at.get()).unwrap_or(i64::MAX))
    }

    /// Puts stored state back. A time so far ahead that the bucket would be below empty (a clock
    /// that was set back) counts as empty.
    pub fn restore(&mut self, now: Time, full_at_ns: i64) {
        let emptiest = nanos(now).saturating_add(self.period.saturating_mul(u64::from(self.rate.burst)));
        self.full_at.set(u64::try_from(full_at_ns).unwrap_or(0).min(emptiest));
    }
}

fn nanos(t: Time) -> u64 {
    u64::try_from(t.0).unwrap_or(0).saturating_mul(1_000_000)
}

/// Nanoseconds since the Unix epoch at which the bucket is full.
#[derive(Clone, Debug, Default)]
struct FullAt(Arc<AtomicU64>);

impl FullAt {
    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
    fn set(&self, v: u64) {
        self.0.store(v, Relaxed);
    }
}

impl StateStore for FullAt {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (t, new) = f(Some(self.get().into()))?;
        self.set(new.into());
        Ok(t)
    }
}

/// governor's clock, fed with the `now` of each decision.
#[derive(Clone, Debug, Default)]
struct Fed(Arc<AtomicU64>);

/// Nanoseconds since the Unix epoch; governor counts from [`Fed`]'s first reading, which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At(u64);

impl Add<Nanos> for At {
    type Output = At;
    fn add(self, d: Nanos) -> At {
        At(self.0.saturating_add(d.as_u64()))
    }
}

impl Reference for At {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }
    fn saturating_sub(&self, d: Nanos) -> Self {
        At(self.0.saturating_sub(d.as_u64()))
    }
}

impl Clock for Fed {
    type Instant = At;
    fn now(&self) -> At {
        At(self.0.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Time = Time(1_800_000_000_000);

    fn at(ms: i64) -> Time {
        Time(START.0 + ms)
    }

    #[test]
    fn ec2s_run_instances_bucket_gives_a_thousand_and_then_two_a_second() {
        let mut b = Bucket::full(Rate { burst: 1_000, refill: 2.0 });
        assert_eq!(b.have(START), 1_000);
        assert!(b.take(START, 1_000));
        assert!(!b.take(START, 1));
        assert_eq!(b.ready_at(START, 20), at(10_000));
        assert_eq!(b.have(at(9_999)), 19);
        assert!(b.take(at(10_000), 20));
        assert_eq!(b.passed_at(at(10_000), 200), at(110_000));
        assert_eq!(b.ready_at(at(10_000), 1_001), Time::NEVER);
    }

    #[test]
    fn a_correction_only_ever_lowers_and_a_refund_raises() {
        let mut b = Bucket::full(Rate { burst: 100, refill: 1.0 });
        b.correct_to(START, 10);
        assert_eq!(b.have(START), 10);
        b.correct_to(START, 50);
        assert_eq!(b.have(START), 10);
        b.give_back(5);
        assert_eq!(b.have(START), 15);
    }

    #[test]
    fn another_speed_leaves_what_is_in_it() {
        let mut b = Bucket::full(Rate { burst: 100, refill: 2.0 });
        assert!(b.take(START, 90));
        b.set_refill(START, 0.5);
        assert_eq!((b.have(START), b.have(at(20_000))), (10, 20));
        b.set_refill(at(20_000), 2.0);
        assert_eq!((b.have(at(20_000)), b.have(at(30_000))), (20, 40));
    }

    #[test]
    fn a_restart_does_not_fill_the_bucket() {
        let mut b = Bucket::full(Rate { burst: 1_000, refill: 2.0 });
        b.take(START, 900);
        let stored = b.take_change().unwrap();
        assert_eq!(b.take_change(), None);
        let mut again = Bucket::full(Rate { burst: 1_000, refill: 2.0 });
        again.restore(at(5_000), stored);
        assert_eq!(again.have(at(5_000)), 110);
        again.restore(at(0), i64::MAX);
        assert_eq!(again.have(at(0)), 0);
    }

    proptest! {
        /// Never exceeded: over any run, what was given is at most the burst plus the refill, and
        /// `have` is exactly the largest amount that `take` would give.
        #[test]
        #[allow(clippy::cast_precision_loss)] // a few thousand tokens
        fn never_gives_more_than_burst_and_refill(
            burst in 1u32..200,
            refill in 0.1f64..50.0,
            steps in proptest::collection::vec((0i64..5_000, 0u32..120), 1..200),
        ) {
            let mut b = Bucket::full(Rate { burst, refill });
            let (mut now, mut given) = (START, 0u64);
            for (pause, n) in steps {
                now = Time(now.0 + pause);
                let have = b.have(now);
                prop_assert!(have <= burst);
                let got = b.take(now, n);
                prop_assert_eq!(got, n <= have);
                if got { given += u64::from(n); }
                let passed = now.since(START).as_secs_f64();
                prop_assert!(given as f64 <= f64::from(burst) + passed * refill + 1e-6 * passed + 0.001,
                    "gave {} in {} s from {} + {}/s", given, passed, burst, refill);
                let when = b.ready_at(now, n);
                if when != Time::NEVER {
                    prop_assert!(b.have(when) >= n);
                }
            }
        }
    }
}
