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

/// How long one takes: lognormal, as boots are. Half take longer than the median; one in six longer than the
/// median times e to the spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    median: f64,
    spread: f64,
}

/// Before anything is known: DRILLS.md's boot (26 s, p99 90 s) and configure (20 s, p99 60 s) one after the other,
/// and two rounds of probes. Their sum is near enough lognormal: the slowest of 30, 200 and 1,000 take 109, 146 and
/// 176 s by dice, and 117, 151 and 180 s by this.
const USUAL: Shape = Shape { median: 57.0, spread: 0.36 };
/// Of what is launched at a steady pace, as many at the end decide when the last is there. At 2 a second the last is
/// there 111 s after it was launched, by dice, as the slowest of 30; of 100 it is 138 s. What the network loses and
/// what breaks comes on top: D2 ends 5 % later than the dice say.
const AT_THE_END: u32 = 100;

/// So many break in the last rounds.
const A_FEW: u32 = 5;

impl Pace {
    /// The least that one needs, as one in a hundred did; none until enough is known.
    #[must_use]
    pub fn quickest(&self) -> Option<Duration> {
        (self.total >= ENOUGH).then(|| self.quantile(0.01))
    }

    /// How long one takes, while so many are still on their way: these take longer than whoever was quicker,
    /// and a picture of the quick alone would have everybody arrive at once.
    #[must_use]
    pub fn shape(&self, under_way: u32) -> Shape {
        if self.total < ENOUGH {
            return USUAL;
        }
        let all = f64::from(self.total) + f64::from(under_way);
        let at = |share: f64| {
            let mut seen = 0.0;
            let span = self.counts.iter().position(|n| {
                seen += f64::from(*n);
                seen >= all * share
            });
            span.map(|span| end_of(span).as_secs_f64())
        };
        let Some(median) = at(0.5) else { return USUAL };
        // 1.28 spreads above the median is one in ten.
        let spread = at(0.9).map_or(USUAL.spread, |slow| ((slow / median).ln() / 1.2816).clamp(0.1, 1.0));
        Shape { median, spread }
    }
}

impl Shape {
    /// How long the slowest of `n` takes in all, of whom all have waited for `age`: as long as is exceeded in half
    /// of all cases.
    #[must_use]
    pub fn slowest(self, n: u32, age: Duration) -> Duration {
        let waited = age.as_secs_f64().max(1.0);
        let so_long = above((waited / self.median).ln() / self.spread);
        // The slowest of n is below a time with (1 - q)^n, which is one half for q = 0.693 / n.
        let q = (so_long * std::f64::consts::LN_2 / f64::from(n.max(1))).clamp(1e-12, 0.5);
        let takes = self.median * (self.spread * exceeded(q)).exp();
        Duration::from_secs_f64(takes.clamp(waited, 86_400.0))
    }
}

/// The share of a standard normal distribution above `z` (Abramowitz and Stegun 26.2.17, to 1e-7).
fn above(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = t
        * (0.319_381_53
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * series;
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// What a share `q`, at most one half, of it is above (26.2.23, to 5e-4).
fn exceeded(q: f64) -> f64 {
    let t = (-2.0 * q.ln()).sqrt();
    t - (2.515_517 + t * (0.802_853 + t * 0.010_328))
        / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
}

/// When the last of `launches` is expected in service, if `at_once` of them go out now and the last at
/// `last_launch`.
#[must_use]
pub fn eta(now: Time, at_once: u32, launches: u32, last_launch: Time, shape: Shape) -> Time {
    let first = now.plus(shape.slowest(at_once.min(launches), Duration::ZERO));
    first.max(last_launch.plus(shape.slowest(launches.min(AT_THE_END), Duration::ZERO)))
}

/// When so many calls will have got through at this pace, some of which could go out now.
#[must_use]
pub fn passed(now: Time, calls: u32, in_hand: u32, per_second: f64) -> Time {
    let waiting = f64::from(calls.saturating_sub(in_hand));
    now.plus(Duration::from_secs_f64(waiting / per_second.max(0.01)))
}

/// When the last replacement is expected in service. Of `open` instances, the last launched at `launched`, a share
/// breaks, of their replacements again, until less than one is left; each such round takes about as long as the
/// slowest of a few, since that is how long a broken one is waited for. None if hardly one breaks.
#[must_use]
pub fn replaced(launched: Time, open: u32, broken: f64, shape: Shape) -> Option<Time> {
    let (mut left, mut rounds) = (f64::from(open) * broken, 0);
    while left >= 1.0 && rounds < 10 {
        left *= broken;
        rounds += 1;
    }
    let round = shape.slowest(A_FEW, Duration::ZERO);
    (rounds > 0).then(|| launched.plus(round * (rounds + 1)))
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
    fn replacements_that_break_cost_a_round_each() {
        let round = USUAL.slowest(A_FEW, Duration::ZERO);
        let at = |open, broken| replaced(Time(0), open, broken, USUAL);
        assert_eq!(at(1_200, 0.0), None);
        assert_eq!(at(9, 0.1), None, "hardly one");
        assert_eq!(at(1_200, 0.1), Some(Time(0).plus(round * 4)), "120, 12, 1.2");
        assert_eq!(at(10, 1.0), Some(Time(0).plus(round * 11)), "bounded");
    }

    #[test]
    fn the_slowest_of_many_takes_longer_than_one_and_whoever_has_waited_longer_still() {
        let slowest = |n, age| USUAL.slowest(n, Duration::from_secs(age)).as_secs();
        // The approximation is good to 5e-4 of a standard deviation, here 0.01 s.
        let one = USUAL.slowest(1, Duration::ZERO).as_secs_f64();
        assert!((one - USUAL.median).abs() < 0.02, "{one} is not the median");
        assert!((115..=119).contains(&slowest(30, 0)), "{}", slowest(30, 0));
        assert!((178..=183).contains(&slowest(1_000, 0)), "{}", slowest(1_000, 0));
        // As many as have not come by then are as slow as the slowest of all that were launched.
        let left = slowest(56, 110);
        assert!((165..=195).contains(&left), "{left}");
        assert!(slowest(1, 300) >= 300);
    }

    #[test]
    fn those_who_are_still_on_their_way_count_as_slower_than_whoever_came() {
        let mut pace = Pace::default();
        assert_eq!(pace.shape(0), USUAL);
        (0..100).for_each(|_| pace.learn(Duration::from_secs(30)));
        let (done, early) = (pace.shape(0), pace.shape(900));
        assert!((30.0..=33.0).contains(&done.median), "{done:?}");
        assert_eq!(early, USUAL, "a tenth of all say nothing of the middle");
        let half = pace.shape(90);
        assert!((30.0..=33.0).contains(&half.median) && half.spread == USUAL.spread, "{half:?}");
    }

    #[test]
    fn the_normal_tail_is_its_own_inverse() {
        for q in [0.5, 0.1, 0.01, 1e-4] {
            assert!((above(exceeded(q)) / q - 1.0).abs() < 0.01, "{q}");
        }
        assert!((above(-1.0) - 0.8413).abs() < 1e-3);
    }
}
