//! Token buckets as EC2 throttles with: fractional tokens, refilled continuously, never above the
//! burst (aws-facts 1.1).

use super::super::super::settings::{BucketSettings, Buckets};
use super::call::Action;

/// One bucket. It starts with what its settings say, at whatever time it is first asked.
#[derive(Clone, Debug)]
pub struct Bucket {
    settings: BucketSettings,
    tokens: f64,
    /// When `tokens` was true, milliseconds.
    at: Option<i64>,
}

impl Bucket {
    #[must_use]
    pub fn new(settings: BucketSettings) -> Bucket {
        Bucket { tokens: settings.at_start(), settings, at: None }
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

    /// From now on it has this size and this rate; what is in it stays, as far as there is room.
    pub fn adopt(&mut self, settings: BucketSettings) {
        self.settings = settings;
        self.tokens = self.tokens.min(settings.burst);
    }

    fn refill(&mut self, now_ms: i64) {
        let passed = now_ms - self.at.unwrap_or(now_ms);
        if passed >= 0 {
            #[allow(clippy::cast_precision_loss)] // exact for 285,000 years of milliseconds
            let seconds = passed as f64 / 1_000.0;
            self.tokens = (self.tokens + seconds * self.settings.refill).min(self.settings.burst);
            self.at = Some(now_ms);
        }
    }

    /// The most tokens that any caller could have taken by now, used as early as possible.
    #[must_use]
    pub fn offered(&self, first_ms: i64, now_ms: i64) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let seconds = (now_ms - first_ms).max(0) as f64 / 1_000.0;
        self.settings.at_start() + seconds * self.settings.refill
    }
}

/// Every bucket of the account.
#[derive(Clone, Debug)]
pub(super) struct AllBuckets {
    run: Bucket,
    run_resource: Bucket,
    describe: Bucket,
    describe_unfiltered: Bucket,
    terminate: Bucket,
    terminate_resource: Bucket,
    subnets: Bucket,
}

impl AllBuckets {
    pub(super) fn new(settings: &Buckets) -> AllBuckets {
        AllBuckets {
            run: Bucket::new(settings.run_instances),
            run_resource: Bucket::new(settings.run_instances_resource),
            describe: Bucket::new(settings.describe_instances),
            describe_unfiltered: Bucket::new(settings.describe_instances_unfiltered),
            terminate: Bucket::new(settings.terminate_instances),
            terminate_resource: Bucket::new(settings.terminate_instances_resource),
            subnets: Bucket::new(settings.describe_subnets),
        }
    }

    pub(super) fn adopt(&mut self, settings: &Buckets) {
        self.run.adopt(settings.run_instances);
        self.run_resource.adopt(settings.run_instances_resource);
        self.describe.adopt(settings.describe_instances);
        self.describe_unfiltered.adopt(settings.describe_instances_unfiltered);
        self.terminate.adopt(settings.terminate_instances);
        self.terminate_resource.adopt(settings.terminate_instances_resource);
        self.subnets.adopt(settings.describe_subnets);
    }

    /// The bucket of calls of this action.
    pub(super) fn requests(&mut self, action: Action, unfiltered: bool) -> &mut Bucket {
        match action {
            Action::RunInstances => &mut self.run,
            Action::DescribeInstances if unfiltered => &mut self.describe_unfiltered,
            Action::DescribeInstances => &mut self.describe,
            Action::TerminateInstances => &mut self.terminate,
            Action::DescribeSubnets => &mut self.subnets,
        }
    }

    /// The most request tokens of the action that anyone could have taken between two times.
    pub(super) fn offered(&self, action: Action, first_ms: i64, last_ms: i64) -> f64 {
        let bucket = match action {
            Action::RunInstances => &self.run,
            Action::DescribeInstances => &self.describe,
            Action::TerminateInstances => &self.terminate,
            Action::DescribeSubnets => &self.subnets,
        };
        bucket.offered(first_ms, last_ms)
    }

    /// The bucket of instances of this action, if it has one.
    pub(super) fn resources(&mut self, action: Action) -> Option<&mut Bucket> {
        match action {
            Action::RunInstances => Some(&mut self.run_resource),
            Action::TerminateInstances => Some(&mut self.terminate_resource),
            Action::DescribeInstances | Action::DescribeSubnets => None,
        }
    }
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
}
