//! Who is next: earliest deadline first, early enough for everybody behind.

use std::time::Duration;

use crate::decide::words::Time;

/// Calls are on their way so long before a deadline at least: two lost answers, or a handful of throttled
/// calls. A heartbeat timeout is 30 s or more (aws-facts 3.6).
const LEAST_MARGIN: Duration = Duration::from_secs(10);
/// Or this part of the period: 20 s of 120 s.
const MARGIN: u32 = 6;

/// How long before its deadline a call about an action has to go out.
#[must_use]
pub fn margin(period: Duration) -> Duration {
    (period / MARGIN).max(LEAST_MARGIN).min(period / 2)
}

/// When the first call must go out so that each of these, in order of their latest starts, gets its call
/// in time at so many calls a second. [`Time::NEVER`] if there are none.
///
/// The k-th is reached after k calls, so it bounds the first by its own latest start less k calls'
/// time. This is what sends heartbeats early while there are too many for the last minute.
#[must_use]
pub fn start_by(latest_starts: impl Iterator<Item = Time>, per_second: f64) -> Time {
    let call = 1.0 / per_second.max(0.01);
    latest_starts
        .zip(0u32..)
        .map(|(at, k)| at.minus(Duration::from_secs_f64(f64::from(k) * call)))
        .min()
        .unwrap_or(Time::NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, proptest};

    #[test]
    fn the_margin_is_part_of_the_period() {
        assert_eq!(margin(Duration::from_secs(120)), Duration::from_secs(20));
        assert_eq!(margin(Duration::from_secs(30)), Duration::from_secs(10));
        assert_eq!(margin(Duration::from_secs(3_600)), Duration::from_secs(600));
    }

    #[test]
    fn many_with_the_same_deadline_are_begun_early() {
        let at = Time(1_000_000);
        assert_eq!(start_by([at].into_iter(), 10.0), at);
        assert_eq!(start_by([at; 101].into_iter(), 10.0), at.minus(Duration::from_secs(10)));
        assert_eq!(start_by(std::iter::empty(), 10.0), Time::NEVER);
    }

    proptest! {
        /// Whoever begins by then, and goes on in this order at this speed, is late for nobody.
        #[test]
        fn nobody_is_late_who_begins_by_then(mut starts in proptest::collection::vec(0i64..600_000, 1..200), rate in 0.5f64..50.0) {
            starts.sort_unstable();
            let begin = start_by(starts.iter().map(|t| Time(*t)), rate);
            for (k, at) in (0u32..).zip(&starts) {
                let reached = begin.plus(Duration::from_secs_f64(f64::from(k) / rate));
                prop_assert!(reached.0 <= at + 1, "{k}: {} > {at}", reached.0);
            }
        }
    }
}
