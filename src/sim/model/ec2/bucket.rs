//! Token buckets as EC2 throttles with: fractional tokens, refilled continuously, never above the
//! burst (aws-facts 1.1).

use std::collections::BTreeMap;

use super::super::super::settings::{BucketSettings, Buckets, Part};
use super::call::Action;

/// One bucket. It starts with what its settings say, at whatever time it is first asked.
#[derive(Clone, Debug)]
pub struct Bucket {
    settings: BucketSettings,
    tokens: f64,
    /// When `tokens` was true, milliseconds.
    at: Option<i64>,
    /// What anyone could have taken before the settings changed last (or it was first asked), and
    /// when that was.
    offered: f64,
    since: Option<i64>,
}

impl Bucket {
    #[must_use]
    pub fn new(settings: BucketSettings) -> Bucket {
        let tokens = settings.at_start();
        Bucket { settings, tokens, at: None, offered: tokens, since: None }
    }

    /// Takes `n` tokens if there are that many.
    pub fn take(&mut self, n: u32, now_ms: i64) -> bool {
        /// Refills are sums of fractions: a millionth of a token is rounding.
        const SLACK: f64 = 1e-6;
        self.refill(now_ms);
        let n = f64::from(n);
        let enough = self.tokens + SLACK >= n;
        if enough {
            self.tokens -= n;
        }
        enough
    }

    /// Gives back tokens that were taken and not used, up to the burst.
    pub fn give_back(&mut self, n: u32) {
        self.tokens = (self.tokens + f64::from(n)).min(self.settings.burst);
    }

    /// From now on these settings hold. The level stays, as far as it fits.
    pub fn adopt(&mut self, settings: BucketSettings, now_ms: i64) {
        if settings != self.settings {
            self.refill(now_ms);
            self.offered = self.offered(now_ms, now_ms);
            self.since = Some(now_ms);
            self.tokens = self.tokens.min(settings.burst);
            self.settings = settings;
        }
    }

    /// Fills or empties it to this many tokens, at most the burst.
    pub fn set_level(&mut self, level: f64, now_ms: i64) {
        self.refill(now_ms);
        let level = level.clamp(0.0, self.settings.burst);
        self.offered += (level - self.tokens).max(0.0);
        self.tokens = level;
    }

    /// Comes to this time. Others take their share of what comes in, and of what is there.
    fn refill(&mut self, now_ms: i64) {
        let passed = now_ms.saturating_sub(self.at.unwrap_or(now_ms));
        self.since.get_or_insert(now_ms);
        if passed >= 0 {
            let gained = seconds(passed) * self.settings.left_over();
            self.tokens = (self.tokens + gained).clamp(0.0, self.settings.burst);
            self.at = Some(now_ms);
        }
    }

    /// The most tokens that any caller could have taken by now, used as early as possible.
    #[must_use]
    pub fn offered(&self, first_ms: i64, now_ms: i64) -> f64 {
        let passed = now_ms.saturating_sub(self.since.unwrap_or(first_ms)).max(0);
        self.offered + seconds(passed) * self.settings.refill
    }
}

fn seconds(ms: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // exact for 285,000 years of milliseconds
    let seconds = ms as f64 / 1_000.0;
    seconds
}

/// Every bucket of the account.
#[derive(Clone, Debug)]
pub(super) struct AllBuckets(BTreeMap<(Action, Part), Bucket>);

impl AllBuckets {
    pub(super) fn new(settings: &Buckets) -> AllBuckets {
        let bucket = |action, part| Some(((action, part), Bucket::new(settings.of(action, part)?)));
        AllBuckets(every().filter_map(|(action, part)| bucket(action, part)).collect())
    }

    /// From now on these settings hold. Levels stay.
    pub(super) fn adopt(&mut self, settings: &Buckets, now_ms: i64) {
        for ((action, part), bucket) in &mut self.0 {
            if let Some(settings) = settings.of(*action, *part) {
                bucket.adopt(settings, now_ms);
            }
        }
    }

    pub(super) fn set_level(&mut self, action: Action, part: Part, level: f64, now_ms: i64) {
        if let Some(bucket) = self.0.get_mut(&(action, part)) {
            bucket.set_level(level, now_ms);
        }
    }

    /// Takes the token of one request of this action. False if there is none.
    pub(super) fn take_request(&mut self, action: Action, unfiltered: bool, now_ms: i64) -> bool {
        let part = if unfiltered && self.0.contains_key(&(action, Part::Unfiltered)) {
            Part::Unfiltered
        } else {
            Part::Requests
        };
        self.0.get_mut(&(action, part)).is_none_or(|b| b.take(1, now_ms))
    }

    /// The most request tokens of the action that anyone could have taken between two times.
    pub(super) fn offered(&self, action: Action, first_ms: i64, last_ms: i64) -> f64 {
        let parts = [Part::Requests, Part::Unfiltered];
        let buckets = parts.iter().filter_map(|part| self.0.get(&(action, *part)));
        buckets.map(|b| b.offered(first_ms, last_ms)).sum()
    }

    /// The bucket of instances of this action, if it has one.
    pub(super) fn resources(&mut self, action: Action) -> Option<&mut Bucket> {
        self.0.get_mut(&(action, Part::Resource))
    }
}

fn every() -> impl Iterator<Item = (Action, Part)> {
    Action::ALL.iter().flat_map(|action| Part::ALL.iter().map(|part| (*action, *part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(burst: f64, refill: f64) -> Bucket {
        Bucket::new(BucketSettings::full(burst, refill))
    }

    #[test]
    fn it_gives_the_burst_and_then_the_refill() {
        let mut b = bucket(5.0, 2.0);
        let taken = (0..10).filter(|_| b.take(1, 1_000)).count();
        assert_eq!(taken, 5);
        assert!(!b.take(1, 1_499));
        assert!(b.take(1, 1_500));
        assert!(!b.take(1, 1_500));
    }

    #[test]
    fn it_never_holds_more_than_the_burst() {
        let mut b = bucket(1_000.0, 2.0);
        assert!(b.take(1_000, 0));
        assert!(!b.take(1_001, 100_000_000));
        assert!(b.take(1_000, 100_000_000));
        b.give_back(5_000);
        assert!(!b.take(1_001, 100_000_000));
    }

    #[test]
    fn fractions_of_tokens_add_up() {
        let mut b = bucket(4.0, 0.3);
        assert!(b.take(4, 0));
        for s in 1..=9 {
            assert!(!b.take(3, s * 1_000), "{s}");
        }
        assert!(b.take(3, 10_000));
    }

    #[test]
    fn a_refused_call_takes_nothing_and_time_does_not_run_backwards() {
        let mut b = bucket(10.0, 1.0);
        assert!(!b.take(11, 5_000));
        assert!(b.take(10, 5_000));
        assert!(!b.take(1, 4_000));
        assert!(!b.take(1, 5_500));
        assert!(b.take(1, 6_000));
    }

    #[test]
    fn over_any_stretch_no_more_than_what_was_offered() {
        let mut taken = 0_u32;
        let mut b = bucket(5.0, 2.0);
        for now in (0..60_000).step_by(37) {
            taken += u32::from(b.take(1, now));
            assert!(f64::from(taken) <= b.offered(0, now) + 1e-6);
        }
        assert!(taken >= 124);
    }

    #[test]
    fn another_client_takes_its_share_and_never_more_than_there_is() {
        let mut b = Bucket::new(BucketSettings { taken_by_others: 1.0, ..BucketSettings::full(10.0, 2.0) });
        assert!(b.take(10, 0));
        assert!(!b.take(6, 5_000));
        assert!(b.take(5, 5_000));
        let mut greedy =
            Bucket::new(BucketSettings { taken_by_others: 9.0, ..BucketSettings::full(10.0, 2.0) });
        assert!(greedy.take(1, 0));
        assert!(!greedy.take(1, 60_000));
        greedy.adopt(BucketSettings::full(10.0, 2.0), 60_000);
        assert!(greedy.take(2, 61_000), "it had sunk to nothing, not below");
    }

    #[test]
    fn new_settings_keep_the_level_and_count_as_offered() {
        let mut b = bucket(5.0, 2.0);
        assert!(b.take(4, 0));
        b.adopt(BucketSettings::full(3.0, 1.0), 500);
        assert!(!b.take(3, 500));
        assert!(b.take(2, 500));
        b.set_level(9.0, 1_000);
        assert!(b.take(3, 1_000), "no more than the burst");
        assert!(b.offered(0, 1_000) >= 9.0 && b.offered(0, 1_000) <= 9.5, "{}", b.offered(0, 1_000));
    }
}
