//! The time that no scheduler can beat which gives up only what is broken: that of one who knows
//! every instance's fate beforehand.
//!
//! It launches ordinal after ordinal as soon as both of `RunInstances`' buckets have the tokens for
//! it, knows at once which ones are broken and puts the next ordinal in their place, learns of
//! every boot in the same instant and configures it in the same instant. It is done when the last
//! of the first N good instances serves: `max(launch + boot + configure)`. One that is good at first
//! counts as good, and places where more are broken (`ways.by`) are passed over.
//!
//! Nobody who is good is given up, however slow; a scheduler that replaces one very slow instance by
//! a quicker one can be faster than this.
//!
//! The launch times are a closed form, not a simulation of one policy: ordinal k (from 0) needs
//! k + 1 instance tokens and `ceil((k + 1) / batch)` request tokens since the start, hence
//!
//! ```text
//! launch(k) >= max((k + 1 - instance_burst) / instance_refill,
//!                  (ceil((k + 1) / batch) - request_burst) / request_refill, 0)
//! ```
//!
//! With EC2's published buckets (1,000 + 2/s instances, 5 + 2/s requests) and batches of 100 the
//! first binds: 1,200 instances cannot all be launched before 100 s.

use serde::{Deserialize, Serialize};

use super::fate::Fate;
use super::model::ec2::call::Action;
use super::settings::{BucketSettings, Part, Settings};

/// The best possible outcome for a number of instances.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    pub count: u32,
    /// Most instances in one call.
    pub batch: u32,
    /// Seconds of the model's time from the first call until the last instance serves.
    pub bound_s: f64,
    /// Instances launched until `count` good ones were among them.
    pub launched: u64,
}

/// The bound for `count` good instances in batches of at most `batch`, from the buckets as they are
/// at the start. None if it cannot be reached: too many broken ones (more than 99 of 100 over many),
/// or buckets that do not refill.
#[must_use]
pub fn bound(settings: &Settings, seed: u64, count: u32, batch: u32) -> Option<Bound> {
    let batch = batch.max(1);
    // 100 launches for each good instance, and enough for the luck of small numbers.
    let most = u64::from(count) * 100 + 10_000;
    let (mut good, mut ordinal, mut last_s) = (0, 0, 0.0_f64);
    while good < count {
        if ordinal >= most {
            return None;
        }
        let launch_s = launched_at(settings, ordinal, batch)?;
        let fate = Fate::of(settings, seed, ordinal);
        if fate.serves() {
            good += 1;
            let until_serving_ms = f64::from(fate.boot_ms) + f64::from(fate.configure_ms);
            last_s = last_s.max(launch_s + until_serving_ms / 1_000.0);
        }
        ordinal += 1;
    }
    Some(Bound { count, batch, bound_s: last_s, launched: ordinal })
}

/// The same in an Auto Scaling group with a lifecycle hook: its launches draw on neither of
/// `RunInstances`' buckets, but each good instance needs one answer, and all calls share Auto Scaling's
/// bucket. `batch` is the most instances in one `LaunchInstances`; none if the group launches them for
/// somebody else, which costs no call of ours.
///
/// An answer goes out when its instance is ready at the earliest. From the k-th readiness on (in order,
/// from 0) `count - k` answers are still to come, and the bucket holds no more than its burst by then;
/// launches come on top for the whole:
///
/// ```text
/// bound >= ready(k) + (count - k - burst) / refill     for each k
/// bound >= (count + launches - burst) / refill
/// ```
///
/// With 50 + 10/s and 1,200 the last line says 115 s; the slowest of 1,200 good ones takes longer.
#[must_use]
pub fn in_group(settings: &Settings, seed: u64, count: u32, batch: Option<u32>) -> Option<Bound> {
    let most = u64::from(count) * 100 + 10_000;
    let (mut ready_s, mut ordinal) = (Vec::new(), 0);
    while ready_s.len() < count as usize {
        if ordinal >= most {
            return None;
        }
        let fate = Fate::of(settings, seed, ordinal);
        if fate.serves() {
            ready_s.push((f64::from(fate.boot_ms) + f64::from(fate.configure_ms)) / 1_000.0);
        }
        ordinal += 1;
    }
    ready_s.sort_by(f64::total_cmp);
    let bucket = settings.autoscaling.bucket;
    let launches = batch.map_or(0, |batch| ordinal.div_ceil(u64::from(batch.max(1))));
    let mut bound_s = tokens_by(&bucket, u64::from(count) + launches)?;
    for (left, ready_s) in (1..=u64::from(count)).rev().zip(ready_s) {
        bound_s = bound_s.max(ready_s + tokens_by(&bucket, left)?);
    }
    Some(Bound { count, batch: batch.unwrap_or(count), bound_s, launched: ordinal })
}

/// The earliest time, in seconds from the first call, at which this ordinal can be launched.
fn launched_at(settings: &Settings, ordinal: u64, batch: u32) -> Option<f64> {
    let instances = ordinal + 1;
    let requests = instances.div_ceil(u64::from(batch));
    let bucket = |part| settings.buckets.of(Action::RunInstances, part);
    let instances = tokens_by(&bucket(Part::Resource)?, instances)?;
    let requests = tokens_by(&bucket(Part::Requests)?, requests)?;
    Some(instances.max(requests))
}

/// When so many tokens can have been taken from the bucket since the start.
fn tokens_by(bucket: &BucketSettings, tokens: u64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)] // exact up to 2^53 tokens
    let missing = tokens as f64 - bucket.at_start();
    if missing <= 0.0 {
        Some(0.0)
    } else if bucket.left_over() > 0.0 {
        Some(missing / bucket.left_over())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::{Buckets, Spread};
    use super::*;

    fn at_once() -> Settings {
        let zero = Spread { median_ms: 0, p99_ms: 0 };
        Settings { boot: zero, configure: zero, ..Settings::default() }
    }

    fn seconds(settings: &Settings, count: u32, batch: u32) -> f64 {
        bound(settings, 1, count, batch).unwrap().bound_s
    }

    #[test]
    fn without_boots_it_is_the_published_floor() {
        // max((N - 1000) / 2, (ceil(N / B) - 5) / 2): aws-facts 1.3
        for (count, floor_s) in
            [(0, 0.0), (500, 0.0), (1_000, 2.5), (1_200, 100.0), (2_000, 500.0), (5_000, 2_000.0)]
        {
            assert!((seconds(&at_once(), count, 100) - floor_s).abs() < 1e-9, "{count}");
        }
    }

    #[test]
    fn small_batches_are_bound_by_requests() {
        assert!((seconds(&at_once(), 1_000, 10) - 47.5).abs() < 1e-9);
        assert!((seconds(&at_once(), 1_000, 1) - 497.5).abs() < 1e-9);
    }

    #[test]
    fn the_last_boot_counts_not_only_the_last_launch() {
        let settings = Settings::default();
        let slowest = (0..1_200)
            .map(|k| {
                let fate = Fate::of(&settings, 7, k);
                launched_at(&settings, k, 100).unwrap()
                    + f64::from(fate.boot_ms + fate.configure_ms) / 1_000.0
            })
            .fold(0.0, f64::max);
        let bound = bound(&settings, 7, 1_200, 100).unwrap();
        assert!((bound.bound_s - slowest).abs() < 1e-9);
        assert!(bound.bound_s > 100.0);
        assert_eq!(bound.launched, 1_200);
    }

    #[test]
    fn broken_ones_are_replaced_by_the_next_ordinals() {
        let settings = Settings { broken: 10.0, ..at_once() };
        let bound = bound(&settings, 7, 1_200, 100).unwrap();
        let good = (0..bound.launched).filter(|k| Fate::of(&settings, 7, *k).broken.is_none()).count();
        assert_eq!(good, 1_200);
        assert!((1_290..1_380).contains(&bound.launched), "{}", bound.launched);
        #[allow(clippy::cast_precision_loss)]
        let floor_s = (bound.launched as f64 - 1_000.0) / 2.0;
        assert!((bound.bound_s - floor_s).abs() < 1e-9);
    }

    #[test]
    fn an_empty_bucket_costs_its_burst() {
        let mut settings = at_once();
        settings.buckets.run_instances_resource.start = Some(0.0);
        assert!((seconds(&settings, 1_200, 100) - 600.0).abs() < 1e-9);
    }

    #[test]
    fn a_group_is_bound_by_its_answers_and_by_its_slowest() {
        let in_group = |settings: &Settings, batch| in_group(settings, 7, 1_200, batch).unwrap();
        assert!((in_group(&at_once(), None).bound_s - 115.0).abs() < 1e-9, "(1,200 - 50) / 10");
        assert!((in_group(&at_once(), Some(100)).bound_s - 116.2).abs() < 1e-9, "and twelve launches");
        let settings = Settings { broken: 30.0, ..Settings::default() };
        let bound = in_group(&settings, None);
        let good = (0..bound.launched).map(|k| Fate::of(&settings, 7, k)).filter(Fate::serves);
        let slowest = good.map(|f| f.boot_ms + f.configure_ms).max().unwrap();
        assert!((bound.bound_s - f64::from(slowest) / 1_000.0).abs() < 1e-9, "they come in one by one");
        assert!((1_600..1_830).contains(&bound.launched), "{}", bound.launched);
    }

    #[test]
    fn what_cannot_be_reached_has_no_bound() {
        assert_eq!(bound(&Settings { broken: 100.0, ..at_once() }, 1, 10, 100), None);
        let buckets =
            Buckets { run_instances_resource: BucketSettings::full(5.0, 0.0), ..Buckets::default() };
        let dry = Settings { buckets, ..at_once() };
        assert_eq!(bound(&dry, 1, 6, 100), None);
        assert!(bound(&dry, 1, 5, 100).is_some());
    }
}
