//! How long instances of a group take from launch into service, or until they are given up, and how many break:
//! learned as they end up, for the ETA.

use std::time::Duration;

use super::ages::Ages;
use super::guard::version::Outcome;
use super::span::{SPANS, end_of, span_of};
use super::tail::{Course, Shape, exceeded, suspicion};
use super::words::Time;

/// Before anything is known: DRILLS.md's boot (26 s, p99 90 s) and configure (20 s, p99 60 s) one after the other,
/// and two rounds of probes. Their sum is near enough lognormal: the slowest of 30, 200 and 1,000 take 109, 146 and
/// 176 s by dice, and 117, 151 and 180 s by this.
const USUAL: Shape = Shape { median: 57.0, spread: 0.36 };
/// The same for those that break: half hang once they run, which three contacts tell, and the last wait for the
/// watchdogs (120 s for a boot).
const USUALLY_GIVEN_UP: Shape = Shape { median: 55.0, spread: 0.6 };
/// What is usual counts like so many that were measured: as many as move a median by less than a tenth.
const USUAL_COUNTS: f64 = 30.0;
/// Before anything is known one in fifty breaks, which counts like fifty launches.
const USUALLY_BROKEN: (f64, f64) = (1.0, 50.0);
/// From giving one up until another is launched: it is terminated (2 to 8 s), which is looked at every 2 s, and
/// the call takes its time.
const REPLACED_IN: f64 = 12.0;
/// Times to serve below which nothing is said of the quickest.
const ENOUGH: u32 = 50;
/// Counts are halved when there are so many, so that what was true last week fades.
const FULL: u32 = 8_192;
/// Longer is not a time that anything took.
const TOO_LONG: Duration = Duration::from_secs(86_400);
/// The share of the broken ones and whose time is measured depend on each other: so often in turn.
const TURNS: u32 = 3;

/// Two tables of times, of those that came and those that did not.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    good: Table,
    broken: Table,
}

/// A histogram of durations.
#[derive(Clone, Debug)]
struct Table {
    counts: [u32; SPANS],
    total: u32,
}

/// Some that wait still: what they took is longer than their age.
type Waiting = [f64; SPANS];

impl Default for Table {
    fn default() -> Self {
        Table { counts: [0; SPANS], total: 0 }
    }
}

impl Pace {
    /// One ended up in some way, so long after its launch.
    pub fn learn(&mut self, outcome: Outcome, took: Duration) {
        let table = match outcome {
            Outcome::Verified => &mut self.good,
            Outcome::Broken => &mut self.broken,
        };
        if took < TOO_LONG {
            table.counts[span_of(took)] += 1;
            table.total += 1;
        }
        if self.good.total.max(self.broken.total) >= FULL {
            for table in [&mut self.good, &mut self.broken] {
                table.counts.iter_mut().for_each(|n| *n /= 2);
                table.total = table.counts.iter().sum();
            }
        }
    }

    /// The least that one needs, as one in a hundred did; none until enough is known.
    #[must_use]
    pub fn quickest(&self) -> Option<Duration> {
        let least = || self.good.quantile(0.01, &[0.0; SPANS]).map(Duration::from_secs_f64);
        (self.good.total >= ENOUGH).then(least).flatten()
    }

    /// What is expected of each launch of a scale-up of which some are on their way, `served` came and `broken` did
    /// not.
    ///
    /// Those on their way take longer than whoever was quicker, and a picture of the quick alone would have everybody
    /// arrive at once. For how long each has waited tells how likely it is broken itself.
    #[must_use]
    pub fn course(&self, ages: &Ages, served: u32, broken: u32, now: Time) -> Course {
        let prior = {
            let all = f64::from(self.good.total) + f64::from(self.broken.total);
            let (broken, of) = USUALLY_BROKEN;
            (f64::from(self.broken.total) + broken) / (all + of) * of
        };
        let ended = f64::from(served) + f64::from(broken) + USUALLY_BROKEN.1;
        let mut share = (f64::from(broken) + prior) / ended;
        let (mut good, mut given_up) = (USUAL, USUALLY_GIVEN_UP);
        for turn in 0..TURNS {
            let (mut well, mut ill) = ([0.0; SPANS], [0.0; SPANS]);
            let (mut suspects, mut all) = (0.0, 0.0);
            for (n, age) in ages.iter(now) {
                let n = f64::from(n);
                let of_each = suspicion(share, good.later(age), given_up.later(age));
                let span = span_of(Duration::from_secs_f64(age));
                well[span] += n * (1.0 - of_each);
                ill[span] += n * of_each;
                suspects += n * of_each;
                all += n;
            }
            if turn + 1 < TURNS {
                good = self.good.fit(USUAL, &well);
                given_up = self.broken.fit(USUALLY_GIVEN_UP, &ill);
            }
            share = (f64::from(broken) + prior + suspects) / (ended + all);
        }
        Course::new(good, given_up, share, REPLACED_IN)
    }
}

impl Table {
    /// The time within which a share (0 to 1) is through, if that can be told: whoever waits still is counted with
    /// those who took longer than he has waited (Kaplan and Meier).
    fn quantile(&self, share: f64, waiting: &Waiting) -> Option<f64> {
        let mut at_risk = f64::from(self.total) + waiting.iter().sum::<f64>();
        let mut left = 1.0;
        for (span, n) in self.counts.iter().enumerate() {
            // On average those who wait in a span have waited half of it.
            let came = f64::from(*n);
            let risk = at_risk - waiting[span] / 2.0;
            if came > 0.0 {
                let after = left * (1.0 - came / risk.max(came));
                if after <= 1.0 - share {
                    let part = ((left - (1.0 - share)) / (left - after)).clamp(0.0, 1.0);
                    let end = end_of(span).as_secs_f64();
                    let start = span.checked_sub(1).map_or(1.0, |s| end_of(s).as_secs_f64());
                    return Some(start * (end / start).powf(part));
                }
                left = after;
            }
            at_risk -= came + waiting[span];
        }
        None
    }

    /// The lognormal that runs through the middle and the slow tenth of what was measured, or through the slowest
    /// that can be told, drawn to what is usual while little is known.
    fn fit(&self, usual: Shape, waiting: &Waiting) -> Shape {
        let known = f64::from(self.total);
        if self.total == 0 {
            return usual;
        }
        // What the slowest say is heard while they are few; what can be told reaches as far as some came.
        let of_all = known / (known + waiting.iter().sum::<f64>());
        let weight = |n: f64| n / (n + USUAL_COUNTS);
        let (middle, tail) = (0.5_f64.min(of_all * 0.9), 0.9_f64.min(of_all * 0.98));
        let z = |share: f64| -exceeded(share.clamp(1e-3, 1.0 - 1e-3));
        let at = |share| self.quantile(share, waiting).map(f64::ln);
        let spread = match (at(tail / 2.0), at(tail)) {
            (Some(a), Some(b)) => ((b - a) / (z(tail) - z(tail / 2.0))).clamp(0.1, 1.0),
            _ => usual.spread,
        };
        let trust = weight(known) * of_all;
        let spread = trust * spread + (1.0 - trust) * usual.spread;
        let Some(at_middle) = at(middle) else { return usual };
        let median = at_middle + -z(middle) * spread;
        let median = weight(known) * median + (1.0 - weight(known)) * usual.median.ln();
        Shape { median: median.exp(), spread }
    }
}

/// How long the slowest of so many takes, as is usual.
#[must_use]
pub fn roughly(n: u32) -> Duration {
    Duration::from_secs_f64(USUAL.slowest(n))
}

/// When so many calls will have got through at this pace, some of which could go out now.
#[must_use]
pub fn passed(now: Time, calls: u32, in_hand: u32, per_second: f64) -> Time {
    let waiting = f64::from(calls.saturating_sub(in_hand));
    now.plus(Duration::from_secs_f64(waiting / per_second.max(0.01)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(1_800_000_000_000);

    fn after(s: u64) -> Time {
        START.plus(Duration::from_secs(s))
    }

    /// A thousand that take 30 s in the middle, evenly over a lognormal of spread 0.5, but only those that are done
    /// by `until`; the others are on their way.
    fn thousand(until: f64) -> (Pace, Ages, u32) {
        let (mut pace, mut ages, mut served) = (Pace::default(), Ages::default(), 0);
        let shape = Shape { median: 30.0, spread: 0.5 };
        for i in 0..1_000 {
            let takes = shape.exceeded_by((f64::from(i) + 0.5) / 1_000.0);
            if takes <= until {
                pace.learn(Outcome::Verified, Duration::from_secs_f64(takes));
                served += 1;
            } else {
                ages.add(START);
            }
        }
        (pace, ages, served)
    }

    #[test]
    fn before_anything_is_known_it_is_as_usual_and_one_in_fifty_breaks() {
        let course = Pace::default().course(&Ages::default(), 0, 0, START);
        assert_eq!((course.good, course.given_up), (USUAL, USUALLY_GIVEN_UP));
        assert!((course.broken - 0.02).abs() < 1e-9, "{}", course.broken);
        assert_eq!(Pace::default().quickest(), None);
    }

    #[test]
    fn those_on_their_way_count_as_slower_than_whoever_came() {
        for (until, within) in [(1_000.0, 0.05), (50.0, 0.1), (35.0, 0.2)] {
            let (pace, ages, served) = thousand(until);
            let good = pace.course(&ages, served, 0, START.plus(Duration::from_secs_f64(until))).good;
            assert!((good.median / 30.0 - 1.0).abs() < within, "{good:?} at {until} s");
            assert!((good.spread / 0.5 - 1.0).abs() < 2.0 * within, "{good:?} at {until} s");
        }
        let quickest = thousand(1_000.0).0.quickest().unwrap().as_secs_f64();
        // 30 e^(-0.5 x 2.326) is 9.4.
        assert!((8.5..10.5).contains(&quickest), "{quickest}");
    }

    #[test]
    fn who_waits_far_longer_than_the_others_did_is_taken_for_broken() {
        let (mut pace, mut ages, served) = thousand(1_000.0);
        (0..50).for_each(|_| pace.learn(Outcome::Broken, Duration::from_secs(100)));
        (0..70).for_each(|_| ages.add(START));
        let broken = |age| pace.course(&ages, served, 50, after(age)).broken;
        // At once they say nothing: 50 of 1,050. After 95 s, which one in a hundred good ones takes, at least 30 of
        // the 70 are broken, and at most all: 80 or 120 of 1,120.
        assert!((0.044..0.055).contains(&broken(1)), "{}", broken(1));
        assert!((0.071..0.108).contains(&broken(95)), "{}", broken(95));
    }

    #[test]
    fn a_group_that_was_good_is_believed_to_be_and_what_comes_of_this_scale_up_outweighs_it() {
        let (pace, none, _) = thousand(1_000.0);
        assert!(pace.course(&none, 0, 0, START).broken < 0.002);
        let bad = pace.course(&none, 300, 100, START).broken;
        assert!((0.2..0.25).contains(&bad), "{bad}");
    }

    #[test]
    fn old_times_fade_and_absurd_ones_are_not_learned() {
        let mut pace = Pace::default();
        (0..20_000).for_each(|_| pace.learn(Outcome::Verified, Duration::from_secs(30)));
        assert!(pace.good.total < FULL);
        pace.learn(Outcome::Broken, Duration::from_secs(1_800_000_000));
        assert_eq!(pace.broken.total, 0);
    }

    #[test]
    fn a_slow_bucket_is_waited_for() {
        let now = Time(1_000);
        assert_eq!(passed(now, 50, 50, 10.0), now);
        assert_eq!(passed(now, 1_200, 50, 10.0), now.plus(Duration::from_secs(115)));
    }
}
