//! How long instances needed for one phase, and how long those that are still in it have waited.
//!
//! The instances that came through are no honest sample: early on, only the quick ones are among
//! them. So those that wait are counted too, each time one has waited through another span of the
//! table. From both follows, for any age, how many of those that had waited *nearly* so long came
//! through by then: a share that says nothing of those who are younger, and that is the same
//! whether all were launched at once or one after the other.
//!
//! While instances that work are among those that wait, that share is large: of a lognormal's
//! (sigma 0.5) last hundredth, two in three come through while their age grows by a quarter. When it
//! falls below [`FEW`], those that still wait are nearly all broken, and the age at which that
//! happens is the limit. It comes later in a healthy fleet than in one with many broken, which is
//! what it should do: giving up a slow server that works costs a second launch.

use std::time::Duration;

use crate::decide::span::{SPANS, end_of, span_of};

/// Instances that must have come through before anything is concluded. Fewer: one slow server would
/// move the 99th percentile. More: a small scale-up never learns.
const ENOUGH: u32 = 50;
/// Spans looked back over: 3 of 9 % make the age grow by 30 %. Fewer: too few instances to count.
/// More: the limit comes as much later.
const BACK: usize = 3;
/// Percent of those that waited nearly so long that must still be coming through for more patience.
/// Measured with DRILLS.md's figures and 10 % broken (120 seeds of 1,200; the mean of wrongly given
/// up servers, the median and the 95th percentile of the last in service): 20 %: 0.6, 390 and 508 s;
/// 30 %: 1.5, 367 and 474 s; 40 %: 3.0, 360 and 499 s; 50 %: 7.3, 357 and 476 s. Without broken ones
/// none of them gives up more than one good server in four runs.
const FEW: u32 = 40;
/// What is believed before anything is counted: 2 of 3 come through. With this, no limit is drawn
/// from fewer than four instances that waited.
const PRIOR: (u32, u32) = (2, 3);
/// Never given up before this age, however quick the others were: three lost packets in a row take
/// so long.
const FLOOR: Duration = Duration::from_secs(30);
/// Counts are halved when so many have come through, so that what was true last week fades.
const FULL: u32 = 8_192;

/// One phase's table.
#[derive(Clone, Debug)]
pub struct Times {
    /// Came through in this span.
    through: [u32; SPANS],
    /// Waited to the end of this span.
    waited: [u32; SPANS],
    total: u32,
}

/// The age from which waiting longer is not worth it, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub age: Duration,
    /// Of `of` instances that had waited for `from`, `came` came through before `age`.
    pub from: Duration,
    pub of: u32,
    pub came: u32,
    /// 99 % of those that came through needed at most this.
    pub most: Duration,
}

/// How long an instance had waited when it was counted last.
#[must_use]
pub fn counted(mark: u8) -> Duration {
    mark.checked_sub(1).map_or(Duration::ZERO, |span| end_of(usize::from(span)))
}

impl Default for Times {
    fn default() -> Self {
        Times { through: [0; SPANS], waited: [0; SPANS], total: 0 }
    }
}

impl Times {
    /// An instance has waited so long and still waits. `mark` is how far it was counted before.
    pub fn waits(&mut self, age: Duration, mark: &mut u8) {
        let span = span_of(age);
        for n in &mut self.waited[usize::from(*mark).min(span)..span] {
            *n += 1;
        }
        *mark = (*mark).max(u8::try_from(span).unwrap_or(u8::MAX));
    }

    /// An instance came through after so long.
    pub fn comes_through(&mut self, took: Duration, mark: &mut u8) {
        self.waits(took, mark);
        self.through[span_of(took)] += 1;
        self.total += 1;
        if self.total >= FULL {
            self.through.iter_mut().chain(&mut self.waited).for_each(|n| *n /= 2);
            self.total = self.through.iter().sum();
        }
    }

    /// The limit, if so much is known.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        let most = self.most()?;
        let first = span_of(most).max(span_of(FLOOR)).max(BACK);
        (first..SPANS - 1).find_map(|span| {
            let came: u32 = self.through[span + 1 - BACK..=span].iter().sum();
            let of = came + self.waited[span];
            let few = (came + PRIOR.0) * 100 <= (of + PRIOR.1) * FEW;
            few.then(|| Limit { age: end_of(span), from: end_of(span - BACK), of, came, most })
        })
    }

    /// All that came through needed at least this; zero until enough did.
    #[must_use]
    pub fn least(&self) -> Duration {
        let first = self.through.iter().position(|n| *n > 0).filter(|_| self.total >= ENOUGH);
        first.and_then(|span| span.checked_sub(1)).map_or(Duration::ZERO, end_of)
    }

    /// 99 % of those that came through needed at most this; `None` until enough did.
    #[must_use]
    pub fn most(&self) -> Option<Duration> {
        if self.total < ENOUGH {
            return None;
        }
        let mut left = self.total - self.total / 100;
        for (span, n) in self.through.iter().enumerate() {
            left = left.saturating_sub(*n);
            if left == 0 {
                return Some(end_of(span));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::rng::Rng;
    use crate::decide::tests::lives::lognormal;

    /// What is known `now` seconds after the first of some instances entered: each with the second
    /// it entered and what it needs.
    fn known(instances: &[(f64, f64)], now: f64) -> Times {
        let mut times = Times::default();
        for (entered, needs) in instances {
            let (age, mut mark) = (now - entered, 0);
            if age >= *needs {
                times.comes_through(Duration::from_secs_f64(*needs), &mut mark);
            } else if age > 0.0 {
                times.waits(Duration::from_secs_f64(age), &mut mark);
            }
        }
        times
    }

    /// `n` instances, entering at the times given, of which `broken` percent never come through.
    fn fleet(seed: u64, n: u32, broken: u64, enters: impl Fn(u32) -> f64) -> Vec<(f64, f64)> {
        let mut rng = Rng::new(seed);
        let one = |i| {
            let needs = lognormal(20.0, 60.0, &mut rng).as_secs_f64();
            (enters(i), if rng.next_u64() % 1_000 < broken * 10 { f64::INFINITY } else { needs })
        };
        (0..n).map(one).collect()
    }

    /// Lets time pass, and gives up whoever is overdue. Returns how many of them would have come
    /// through, how many not, and the oldest of the latter.
    fn lived(mut instances: Vec<(f64, f64)>) -> (usize, usize, f64) {
        let (mut wrong, mut right, mut oldest) = (0, 0, 0.0_f64);
        for now in 1..400 {
            let now = f64::from(now);
            let Some(limit) = known(&instances, now).limit() else { continue };
            instances.retain(|(entered, needs)| {
                let overdue = now - entered < *needs && now - entered > limit.age.as_secs_f64();
                if overdue && needs.is_finite() {
                    wrong += 1;
                } else if overdue {
                    right += 1;
                    oldest = oldest.max(now - entered);
                }
                !overdue || needs.is_infinite() && now - entered < limit.age.as_secs_f64() + 2.0
            });
        }
        (wrong, right, oldest)
    }

    #[test]
    fn those_that_are_still_waiting_are_no_evidence_that_the_others_were_slow() {
        // A thousand at once: at any time, all that is known is who was quicker than that.
        for seed in 0..20 {
            let all = fleet(seed, 1_000, 0, |_| 0.0);
            for now in [10.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 60.0] {
                let limit = known(&all, now).limit();
                assert!(limit.is_none_or(|l| l.age.as_secs_f64() > now), "seed {seed} at {now} s: {limit:?}");
            }
        }
    }

    #[test]
    fn a_fleet_without_broken_ones_loses_none_or_one_to_impatience() {
        let wrong: Vec<usize> = (0..20).map(|seed| lived(fleet(seed, 1_000, 0, |_| 0.0)).0).collect();
        assert!(wrong.iter().all(|w| *w <= 4) && wrong.iter().sum::<usize>() <= 8, "{wrong:?}");
    }

    #[test]
    fn the_more_are_broken_the_sooner_they_are_given_up() {
        let mut ages = Vec::new();
        for broken in [1, 4, 12] {
            let runs: Vec<_> = (0..10).map(|seed| lived(fleet(seed, 1_000, broken, |_| 0.0))).collect();
            let wrong: usize = runs.iter().map(|r| r.0).sum();
            let right: usize = runs.iter().map(|r| r.1).sum();
            assert!(wrong * 2 < right, "{broken} %: {wrong} wrong, {right} right");
            let mut oldest: Vec<f64> = runs.iter().map(|r| r.2).collect();
            oldest.sort_by(f64::total_cmp);
            ages.push(oldest[5]);
        }
        assert!(ages.is_sorted_by(|a, b| a >= b) && ages[0] <= 110.0 && ages[2] >= 40.0, "{ages:?}");
    }

    #[test]
    fn instances_that_trickle_in_are_judged_as_those_that_come_at_once() {
        let limit =
            |enters: fn(u32) -> f64| known(&fleet(5, 4_000, 2, enters), 1_000.0).limit().map(|l| l.age);
        assert_eq!(limit(|_| 0.0), limit(|i| f64::from(i) / 5.0));
        // While they trickle in, the young ones are not held against the limit either.
        let young = known(&fleet(5, 4_000, 0, |i| f64::from(i) / 10.0), 100.0).limit();
        assert!(young.is_none_or(|l| l.age > Duration::from_secs(80)), "{young:?}");
    }

    #[test]
    fn few_instances_are_not_enough() {
        assert_eq!(known(&fleet(1, 50, 40, |_| 0.0), 500.0).limit(), None);
    }

    #[test]
    fn nobody_is_given_up_before_the_floor() {
        let mut times = Times::default();
        (0..200).for_each(|_| times.comes_through(Duration::from_secs(2), &mut 0));
        (0..20).for_each(|_| times.waits(Duration::from_secs(100), &mut 0));
        assert!(times.limit().unwrap().age >= FLOOR);
    }
}
