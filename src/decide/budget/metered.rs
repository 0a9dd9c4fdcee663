//! A token bucket at AWS that others may draw on too: what we believe of it, corrected by throttles.
//!
//! A throttle says that *some* bucket was short, not which, and some networks and some days throttle
//! at random. So it is weighed: with `n` throttles in a row and a chance `p` that any call is
//! throttled whatever its bucket holds, `p^n` is the chance that this bucket is as full as we
//! believe. Forfeiting the tokens we believe in costs as many as they are; not forfeiting them costs
//! another throttled call. So the more tokens are at stake, the more throttles it takes.
//!
//! What was forfeited too soon is believed in again when a call gets through that an empty bucket
//! could not have paid for; and with the first that gets through at all where calls of other APIs
//! are throttled as well, since the next call is then as good a test as any. Speed is measured, not guessed: between two moments at which the bucket was empty it gave what it
//! was refilled with. From there belief climbs back to the published speed, so that a neighbour who
//! has gone is found out.

use super::bucket::{Bucket, Rate};
use crate::decide::words::Time;

/// Tokens that are given up, on average, rather than send one more call in vain: hardly any where the
/// bucket is believed to be full, since what is given up wrongly there takes minutes to come in again;
/// half a second of RunInstances' refill where it is low; 8 s where it has been measured, or where calls
/// have gone unanswered that may have emptied it. The more
/// calls are throttled whatever their buckets hold, the less one more in vain matters: times the
/// square of the share that is not.
const WORTH: [f64; 3] = [0.25, 1.0, 16.0];
/// Belief in the speed grows with each 20 instances that are not throttled: not at all with the first
/// two times after a throttle, then by 8, 16, 24 % ... Simulated with a neighbour who takes half for 5 min of
/// 12: the last of 1,200 launched after 793 s (750 are the floor), and 2.6 % of all calls throttled
/// after the first 30 s. Sooner or faster: more of those. Later or slower: a neighbour who has gone is felt longer.
const CLIMB: (u32, f64) = (2, 0.08);
const STEP: u32 = 20;
/// The speed is measured only while at most this share of all calls is throttled for no reason of
/// its own: above, each such throttle would make the bucket look slower than the last.
const TRUSTED: f64 = 0.25;
/// Calls after which what they tell of chance is halved.
const REMEMBERED: u32 = 64;
/// Slowest belief, as a share of the published speed. Below that somebody else has everything, and
/// sending now and then is how to find out when that ends.
const SLOWEST: f64 = 0.125;

/// Under one part in so many of a call's tokens can have come in since it was throttled: then the
/// throttle was chance, and what was forfeited for it is believed in again.
const TOO_SOON: f64 = 8.0;
/// Calls that get through before a bucket is believed in again after weather: the first may have had
/// what was left.
const UNSURE: u32 = 3;

/// A bucket of instance tokens.
#[derive(Debug)]
pub struct Metered {
    bucket: Bucket,
    published: f64,
    /// Throttled calls since the last one that was not.
    throttles: u32,
    /// Steps of [`STEP`] instances that were not throttled since the last that was.
    well: u32,
    doubt: Option<Doubt>,
    /// Calls that were throttled by chance, and all that tell of it.
    chance: Chance,
    /// Calls that have to get through before it is believed in as much as before the weather.
    unsure: u32,
    /// When it was last known to be empty, and what it has given since.
    empty: Option<(Time, u32)>,
}

/// How often calls are throttled whatever their buckets hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chance {
    pub throttled: u32,
    pub calls: u32,
}

impl Chance {
    #[must_use]
    pub fn and(self, other: Chance) -> Chance {
        Chance { throttled: self.throttled + other.throttled, calls: self.calls + other.calls }
    }

    /// Throttles of other calls than this bucket's are seen too often for each of its own to mean much.
    fn is_common(self) -> bool {
        self.throttled >= 2 && self.share() > TRUSTED
    }

    /// A third until more is known.
    fn share(self) -> f64 {
        f64::from(self.throttled + 1) / f64::from(self.calls + 3)
    }
}

/// What was made of throttles since the last call that got through.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    last: Time,
    /// The smallest call that was throttled meanwhile.
    refused: u32,
    /// Tokens that are not believed in any more.
    forfeited: u32,
    /// Such throttles are rare enough to measure the speed by.
    measures: bool,
}

impl Metered {
    /// Full, as far as anybody knows.
    #[must_use]
    pub fn full(rate: Rate) -> Metered {
        Metered {
            bucket: Bucket::full(rate),
            published: rate.refill,
            throttles: 0,
            well: 0,
            doubt: None,
            chance: Chance::default(),
            unsure: 0,
            empty: None,
        }
    }

    #[must_use]
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    pub fn bucket_mut(&mut self) -> &mut Bucket {
        &mut self.bucket
    }

    /// A call about `n` instances was throttled; its tokens have been given back. `elsewhere` is what
    /// calls with full buckets met.
    pub fn throttled(&mut self, now: Time, n: u32, elsewhere: Chance) {
        let chance = self.chance.and(elsewhere).share();
        self.throttles = self.throttles.saturating_add(1);
        self.well = 0;
        let have = self.bucket.have(now);
        let by_chance = chance.powf(f64::from(self.throttles));
        let far = have >= n.saturating_mul(2);
        let measured = self.empty.is_some() && chance <= TRUSTED;
        let weight = match (self.unsure > 0, far) {
            (true, _) => 2,
            (false, true) => 0,
            (false, false) => 1 + usize::from(measured),
        };
        let worth = WORTH[weight] * (1.0 - chance).powi(2);
        if n == 0 || by_chance * f64::from(have) > worth {
            return;
        }
        let before = self.doubt.map_or(0, |d| d.forfeited);
        // Far above what was refused: by halves. Near it: most likely just too few, so a large call
        // does not wait for half its tokens again at once.
        let left = if far { have / 2 } else { have.min(n - (n / 2).min(STEP.max(2 * before))) };
        self.bucket.correct_to(now, left);
        let refused = self.doubt.map_or(n, |d| d.refused.min(n));
        let forfeited = before + (have - left);
        self.doubt = Some(Doubt { last: now, refused, forfeited, measures: chance <= TRUSTED });
    }

    /// A call was not answered, one of several in a row if in `weather`. What it took of the bucket
    /// nobody knows: its speed cannot be measured from before it, and throttles before it tell nothing
    /// of chance. After weather the bucket may be anything between full and empty.
    pub fn unanswered(&mut self, weather: bool) {
        self.empty = None;
        self.throttles = 0;
        if weather {
            self.unsure = UNSURE;
        }
    }

    /// A call about `n` instances got its tokens.
    pub fn granted(&mut self, now: Time, n: u32, elsewhere: Chance) {
        if n == 0 {
            return;
        }
        let throttles = std::mem::take(&mut self.throttles);
        self.unsure = if self.doubt.is_some() { 0 } else { self.unsure.saturating_sub(1) };
        let Some(doubt) = self.doubt.take() else { return self.spent(now, n, throttles, elsewhere) };
        let came_in = now.since(doubt.last).as_secs_f64() * self.bucket.rate().refill;
        let too_soon = came_in * TOO_SOON < f64::from(n);
        if too_soon && n < doubt.refused && !elsewhere.is_common() {
            // A bucket that was short of a larger call may well have had so much.
            self.doubt = Some(doubt);
            return;
        }
        if elsewhere.is_common() || too_soon {
            self.bucket.give_back(doubt.forfeited);
            return self.spent(now, n, throttles, elsewhere);
        }
        // It was short of `n` then and is not now, so this call has all but emptied it. A small call
        // is measured by when it got through: a little too slow, so that the next is not throttled. A
        // large one may have waited long for nothing, so it is measured by when it was throttled last.
        if let Some((since, given)) = self.empty
            && doubt.measures
        {
            let until = if n > STEP { doubt.last } else { now };
            let seconds = until.since(since).as_secs_f64().max(1.0);
            let measured = f64::from(given.saturating_add(n)) / seconds;
            self.set_speed(now, measured.min(self.bucket.rate().refill));
        }
        self.bucket.correct_to(now, half_of(came_in));
        self.empty = Some((now, 0));
    }

    /// Nothing is in doubt: throttles before this call were chance, and belief in the speed climbs.
    fn spent(&mut self, now: Time, n: u32, throttles: u32, elsewhere: Chance) {
        if self.chance.calls > REMEMBERED {
            self.chance = Chance { throttled: self.chance.throttled / 2, calls: self.chance.calls / 2 };
        }
        self.chance = self.chance.and(Chance { throttled: throttles, calls: throttles + 1 });
        self.empty = match self.empty {
            // It holds more than this call took: it has not been spent as it came in.
            Some(_) if self.bucket.have(now) > n => None,
            Some((since, given)) => Some((since, given.saturating_add(n))),
            None => None,
        };
        if elsewhere.is_common() {
            return self.set_speed(now, self.published);
        }
        let mut speed = self.bucket.rate().refill;
        for _ in 0..n.div_ceil(STEP) {
            self.well = self.well.saturating_add(1);
            speed *= 1.0 + CLIMB.1 * f64::from(self.well.saturating_sub(CLIMB.0));
        }
        self.set_speed(now, speed);
    }

    fn set_speed(&mut self, now: Time, speed: f64) {
        self.bucket.set_refill(now, speed.clamp(self.published * SLOWEST, self.published));
    }
}

/// Whole tokens of half of these.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates; never negative
fn half_of(tokens: f64) -> u32 {
    (tokens / 2.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::rng::Rng;
    use std::time::Duration;

    const START: Time = Time(1_800_000_000_000);
    const PUBLISHED: Rate = Rate { burst: 998, refill: 2.0 };

    /// AWS's side of the bucket, with a neighbour who takes `share` of the refill until a time.
    struct Aws {
        level: f64,
        at: Time,
        share: f64,
        until: Time,
    }

    impl Aws {
        fn take(&mut self, now: Time, n: u32) -> bool {
            while self.at < now {
                let refill = if self.at < self.until { 2.0 * (1.0 - self.share) } else { 2.0 };
                self.level = (self.level + refill / 10.0).min(1_000.0);
                self.at = self.at.plus(Duration::from_millis(100));
            }
            let given = self.level >= f64::from(n);
            self.level -= if given { f64::from(n) } else { 0.0 };
            given
        }
    }

    /// Launches as many as belief allows, in batches of 20, for so many seconds. Returns what was
    /// launched, and for each call its second and whether it was throttled.
    fn launch(aws: &mut Aws, elsewhere: Chance, random: u64, seconds: i64) -> (u32, Vec<(i64, bool)>) {
        let mut belief = Metered::full(PUBLISHED);
        let (mut rng, mut launched, mut calls) = (Rng::new(4), 0, Vec::new());
        for half in 0..seconds * 2 {
            let now = Time(START.0 + half * 500);
            let n = belief.bucket().have(now).min(100);
            if n < 20 || !belief.bucket_mut().take(now, n) {
                continue;
            }
            let throttled = rng.next_u64() % 100 < random || !aws.take(now, n);
            calls.push((half / 2, throttled));
            if throttled {
                belief.bucket_mut().give_back(n);
                belief.throttled(now, n, elsewhere);
            } else {
                belief.granted(now, n, elsewhere);
                launched += n;
            }
        }
        (launched, calls)
    }

    fn share_throttled(calls: &[(i64, bool)], from: i64) -> f64 {
        let late: Vec<_> = calls.iter().filter(|(s, _)| *s >= from).collect();
        let throttled = late.iter().filter(|(_, t)| *t).count();
        f64::from(u32::try_from(throttled).unwrap()) / f64::from(u32::try_from(late.len()).unwrap())
    }

    #[test]
    fn an_empty_bucket_is_found_out_within_seconds_and_then_used_as_it_fills() {
        let mut aws = Aws { level: 0.0, at: START, share: 0.0, until: START };
        let (launched, calls) = launch(&mut aws, Chance::default(), 0, 600);
        assert!(launched >= 1_150, "{launched} of the 1,200 that 600 s give");
        let found_out = calls.iter().filter(|(_, t)| *t).count();
        assert!(found_out <= 16, "{found_out} calls in vain");
        assert!(share_throttled(&calls, 30) <= 0.05);
    }

    #[test]
    fn a_neighbour_is_measured_and_missed_when_gone() {
        let until = START.plus(Duration::from_secs(300));
        let mut aws = Aws { level: 0.0, at: START, share: 0.5, until };
        let (launched, calls) = launch(&mut aws, Chance { throttled: 0, calls: 10 }, 0, 750);
        // 300 s at 1 a second and 450 s at 2 a second.
        assert!(launched >= 1_200 * 100 / 115, "{launched} of 1,200");
        let throttled = calls.iter().filter(|(s, t)| *s >= 30 && *t).count();
        assert!(throttled <= 12, "{throttled} calls in vain in 12 minutes");
    }

    #[test]
    fn a_random_half_of_throttles_does_not_empty_a_good_bucket() {
        for elsewhere in [Chance::default(), Chance { throttled: 10, calls: 20 }] {
            let mut aws = Aws { level: 1_000.0, at: START, share: 0.0, until: START };
            let (launched, _) = launch(&mut aws, elsewhere, 50, 150);
            assert!(launched >= 1_150, "{launched} of the 1,300 that 150 s give");
        }
    }

    /// D7, seed 47: AWS charged calls that it answered with errors. What is left is found out in a few
    /// throttles, not in thirty.
    #[test]
    fn after_weather_an_empty_bucket_is_believed_to_be_empty_soon() {
        let throttles = |weather: bool| {
            let mut belief = Metered::full(PUBLISHED);
            belief.unanswered(weather);
            assert!(belief.bucket_mut().take(START, 100));
            belief.granted(START, 100, Chance::default());
            let half = |n: u64| START.plus(Duration::from_millis(500 * n));
            (1..100).find(|n| {
                belief.throttled(half(*n), 100, Chance::default());
                belief.bucket().have(half(*n)) < 100
            })
        };
        assert_eq!(throttles(true), Some(7));
        assert_eq!(throttles(false), Some(10));
    }

    /// Seed 117 of D7: calls of 100 were throttled, one of 26 got through a second later, and all that had been given
    /// up was believed in again, a hundred throttles long.
    #[test]
    fn seed_117_a_small_call_that_gets_through_says_nothing_of_larger_ones() {
        let mut belief = Metered::full(PUBLISHED);
        (0..3).for_each(|_| belief.unanswered(true));
        let mut now = START;
        while belief.bucket().have(now) >= 100 {
            belief.throttled(now, 100, Chance::default());
            now = now.plus(Duration::from_millis(300));
        }
        let left = belief.bucket().have(now);
        let small = left.min(26);
        assert!(belief.bucket_mut().take(now, small));
        belief.granted(now, small, Chance::default());
        assert!(belief.bucket().have(now) <= left, "{left} before, {} after", belief.bucket().have(now));
    }
}
