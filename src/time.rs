//! The only place that asks the system what time it is.
#![allow(clippy::disallowed_methods)]

use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::decide::words::Time;

/// Muster's own clock: the wall clock's time at the origin, running `scale` times as fast.
///
/// It reads the wall clock once, at the start, and the monotonic clock afterwards, so a step of the
/// system's clock neither fires a timer early nor makes one late (drill D18). Two processes with
/// the same origin and scale agree on the time, which is what lets a restarted muster go on with
/// the times its predecessor stored.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    at_start: Time,
    scale: f64,
}

impl Clock {
    /// Real time: one second a second.
    #[must_use]
    pub fn real() -> Clock {
        Clock::scaled(1.0, None)
    }

    /// Runs `scale` times as fast as the wall clock, counted from `origin` (now if not given).
    #[must_use]
    pub fn scaled(scale: f64, origin: Option<Time>) -> Clock {
        let wall = wall_now();
        let origin = origin.unwrap_or(wall);
        let passed = scaled_by(wall.since(origin), scale);
        Clock { started: Instant::now(), at_start: origin.plus(passed), scale }
    }

    /// The time, in muster's own time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.at_start.plus(scaled_by(self.started.elapsed(), self.scale))
    }

    /// How many times faster than the wall.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// How long a duration of muster's time takes on the wall.
    #[must_use]
    pub fn on_the_wall(&self, d: Duration) -> Duration {
        scaled_by(d, 1.0 / self.scale)
    }

    /// Sleeps for a duration of muster's time.
    pub async fn sleep(&self, d: Duration) {
        tokio::time::sleep(self.on_the_wall(d)).await;
    }

    /// Sleeps until a point of muster's time; for ever if it is [`Time::NEVER`].
    pub async fn sleep_until(&self, t: Time) {
        if t == Time::NEVER {
            std::future::pending::<()>().await;
        }
        self.sleep(t.since(self.now())).await;
    }

    /// `Err` if the future takes longer than a duration of muster's time.
    pub async fn timeout<F: Future>(&self, d: Duration, f: F) -> Result<F::Output, Elapsed> {
        tokio::time::timeout(self.on_the_wall(d), f).await.map_err(|_| Elapsed(d))
    }
}

/// Something took longer than it may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no answer within {:.1} s", .0.as_secs_f64())]
pub struct Elapsed(pub Duration);

/// The wall clock, for the few places that are about the wall: the demo's `wall_s`, clock origins.
#[must_use]
pub fn wall_now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A stopwatch on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[must_use]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Sleeps for a duration on the wall, whatever the scale of muster's time.
pub async fn sleep_on_the_wall(d: Duration) {
    tokio::time::sleep(d).await;
}

/// `None` if the future takes longer than a duration on the wall.
pub async fn timeout_on_the_wall<F: Future>(d: Duration, f: F) -> Option<F::Output> {
    tokio::time::timeout(d, f).await.ok()
}

fn scaled_by(d: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(d.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_with_one_origin_agree() {
        let origin = wall_now().minus(Duration::from_secs(100));
        let a = Clock::scaled(10.0, Some(origin));
        let b = Clock::scaled(10.0, Some(origin));
        assert!(a.now().since(origin) >= Duration::from_secs(999));
        assert!(b.now().since(a.now()) < Duration::from_secs(5));
        assert_eq!(a.on_the_wall(Duration::from_secs(10)), Duration::from_secs(1));
    }
}
