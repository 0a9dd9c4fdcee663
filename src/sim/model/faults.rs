//! What goes wrong with a call, and how long its answer takes: drawn from the seed and the call's
//! number.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::draw::{Draw, Purpose};
use super::super::settings::{
    BucketSettings, CloudWatchSettings, Elbv2Settings, Faults, Latency, Part, PoolCapacity, QuotaSettings,
    Script, Settings, SettingsError, SupportSettings, Ways,
};
use super::call::Action;
use super::ec2;

/// One call's luck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Luck {
    pub(super) lost_before: bool,
    pub(super) throttled: bool,
    pub(super) denied: bool,
    /// HTTP status of an error of the service's own, and of a page of HTML.
    pub(super) error_before: Option<u16>,
    pub(super) error_after: Option<u16>,
    pub(super) html_before: Option<u16>,
    pub(super) html_after: Option<u16>,
    pub(super) lost_after: bool,
    /// From the connection's end until the effect.
    pub(super) late_ms: Option<i64>,
    pub(super) truncated: bool,
    pub(super) skew_ms: i64,
    /// Of an answer, and of an error.
    pub(super) answer_ms: u32,
    pub(super) error_ms: u32,
    /// Beside either of them.
    pub(super) hang_ms: u32,
}

impl Luck {
    pub(super) fn of(settings: &Settings, seed: u64, number: u64, action: Option<Action>) -> Luck {
        let (faults, latency) = (&settings.faults, &settings.latency);
        let mut draw = Draw::new(seed, Purpose::Call, number);
        // Always the same draws in the same order: turning one fault up leaves the others alone.
        let lost_before = draw.chance(faults.lost_replies_before);
        let throttled = draw.chance(faults.throttle);
        let (error, before) = (draw.chance(faults.errors), draw.chance(50.0));
        let lost_after = draw.chance(faults.lost_replies);
        let error_ms = draw.range(latency.other);
        let answer_ms =
            if action.is_some_and(Action::launches) { draw.range(latency.run_instances) } else { error_ms };
        Luck {
            lost_before,
            throttled,
            denied: false,
            error_before: (error && before).then_some(500),
            error_after: (error && !before).then_some(500),
            html_before: None,
            html_after: None,
            lost_after,
            late_ms: None,
            truncated: false,
            skew_ms: 0,
            answer_ms,
            error_ms,
            hang_ms: 0,
        }
    }
}

/// What can be changed while it runs (`POST /_sim/faults`). What is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    pub throttle: Option<f64>,
    pub lost_replies: Option<f64>,
    pub lost_replies_before: Option<f64>,
    pub errors: Option<f64>,
    pub latency: Option<Latency>,
    pub packet_loss: Option<f64>,
    /// In place of all scripts that run; their times count from now.
    pub script: Option<Vec<Script>>,
    /// Beside those that run.
    pub add_script: Option<Vec<Script>>,
    /// Of what is launched from now on.
    pub broken: Option<f64>,
    pub bad_images: Option<Vec<String>>,
    pub ways: Option<Ways>,
    /// All of the pools with a limit, in place of those before.
    pub capacity: Option<Vec<PoolCapacity>>,
    /// 0 takes the quota away.
    pub vcpu_quota: Option<u32>,
    /// All settings of a service, in place of those before.
    pub cloudwatch: Option<CloudWatchSettings>,
    pub elbv2: Option<Elbv2Settings>,
    pub quotas: Option<QuotaSettings>,
    pub support: Option<SupportSettings>,
    /// Of EC2, by AWS's name of the action.
    pub buckets: BTreeMap<String, BucketChanges>,
}

/// What to change about the buckets of one action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketChanges {
    pub requests: BucketChange,
    pub unfiltered: BucketChange,
    pub resource: BucketChange,
}

/// What to change about one bucket. What is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketChange {
    /// Tokens in it now.
    pub level: Option<f64>,
    pub burst: Option<f64>,
    pub refill: Option<f64>,
    pub taken_by_others: Option<f64>,
    /// For one that is sent back as it was shown: has no effect any more.
    pub start: Option<f64>,
}

impl BucketChanges {
    fn parts(self) -> [(Part, BucketChange); 3] {
        [
            (Part::Requests, self.requests),
            (Part::Unfiltered, self.unfiltered),
            (Part::Resource, self.resource),
        ]
    }
}

impl Change {
    /// Nothing goes wrong any more: no faults, no limits but the buckets.
    #[must_use]
    pub fn healed() -> Change {
        Change {
            throttle: Some(0.0),
            lost_replies: Some(0.0),
            lost_replies_before: Some(0.0),
            errors: Some(0.0),
            packet_loss: Some(0.0),
            script: Some(Vec::new()),
            capacity: Some(Vec::new()),
            vcpu_quota: Some(0),
            ..Change::default()
        }
    }

    /// The settings with this change.
    ///
    /// # Errors
    /// If the result is not valid; it is to be thrown away then.
    pub(super) fn applied_to(&self, settings: &Settings) -> Result<Settings, SettingsError> {
        let mut new = settings.clone();
        let before = settings.faults;
        new.faults = Faults {
            throttle: self.throttle.unwrap_or(before.throttle),
            lost_replies: self.lost_replies.unwrap_or(before.lost_replies),
            lost_replies_before: self.lost_replies_before.unwrap_or(before.lost_replies_before),
            errors: self.errors.unwrap_or(before.errors),
        };
        new.latency = self.latency.unwrap_or(settings.latency);
        new.packet_loss = self.packet_loss.unwrap_or(settings.packet_loss);
        new.broken = self.broken.unwrap_or(settings.broken);
        if let Some(images) = &self.bad_images {
            new.bad_images.clone_from(images);
        }
        if let Some(ways) = &self.ways {
            new.ways.clone_from(ways);
        }
        for script in self.script.iter().chain(&self.add_script).flatten() {
            script.check()?;
        }
        if let Some(capacity) = &self.capacity {
            new.capacity.clone_from(capacity);
        }
        if let Some(quota) = self.vcpu_quota {
            new.vcpu_quota = (quota > 0).then_some(quota);
        }
        for (action, part, change) in self.bucket_changes()? {
            if change == (BucketChange { level: change.level, ..BucketChange::default() }) {
                continue;
            }
            let Some(before) = new.buckets.of(action, part) else {
                return Err(no_bucket(action.as_str(), part.as_str()));
            };
            let bucket = BucketSettings {
                burst: change.burst.unwrap_or(before.burst),
                refill: change.refill.unwrap_or(before.refill),
                taken_by_others: change.taken_by_others.unwrap_or(before.taken_by_others),
                start: before.start,
            };
            new.buckets.set(action, part, bucket);
        }
        replace(&mut new.cloudwatch, self.cloudwatch.as_ref());
        replace(&mut new.elbv2, self.elbv2.as_ref());
        replace(&mut new.quotas, self.quotas.as_ref());
        replace(&mut new.support, self.support.as_ref());
        new.check()?;
        Ok(new)
    }

    /// The levels that are set.
    pub(super) fn levels(&self) -> Vec<(ec2::call::Action, Part, f64)> {
        let changes = self.bucket_changes().unwrap_or_default();
        changes.into_iter().filter_map(|(action, part, change)| Some((action, part, change.level?))).collect()
    }

    /// # Errors
    /// The first name that is no action.
    fn bucket_changes(&self) -> Result<Vec<(ec2::call::Action, Part, BucketChange)>, SettingsError> {
        let mut all = Vec::new();
        for (name, changes) in &self.buckets {
            let action = name.parse().map_err(|_| no_bucket(name, "requests"))?;
            let changed = changes.parts().into_iter().filter(|(_, c)| *c != BucketChange::default());
            all.extend(changed.map(|(part, change)| (action, part, change)));
        }
        Ok(all)
    }
}

fn no_bucket(action: &str, part: &str) -> SettingsError {
    SettingsError { name: format!("buckets.{action}.{part}"), problem: "EC2 has no such bucket here".into() }
}

fn replace<T: Clone>(settings: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        settings.clone_from(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luck(faults: Faults, number: u64) -> Luck {
        let settings = Settings { faults, ..Settings::default() };
        Luck::of(&settings, 11, number, Some(Action::Ec2(ec2::call::Action::RunInstances)))
    }

    #[test]
    fn shares_are_as_set() {
        let faults = Faults { throttle: 50.0, lost_replies: 10.0, lost_replies_before: 5.0, errors: 20.0 };
        let all: Vec<Luck> = (0..10_000).map(|n| luck(faults, n)).collect();
        let count = |f: fn(&Luck) -> bool| all.iter().filter(|l| f(l)).count();
        assert!((4_800..5_200).contains(&count(|l| l.throttled)));
        assert!((850..1_150).contains(&count(|l| l.lost_after)));
        assert!((400..600).contains(&count(|l| l.lost_before)));
        assert!((850..1_150).contains(&count(|l| l.error_before.is_some())));
        assert!((850..1_150).contains(&count(|l| l.error_after.is_some())));
        assert!(all.iter().all(|l| (1_000..=3_000).contains(&l.answer_ms) && l.error_ms == 300));
    }

    #[test]
    fn turning_one_up_leaves_the_others_alone() {
        for n in 0..200 {
            let calm = luck(Faults::default(), n);
            let loud = luck(Faults { throttle: 100.0, ..Faults::default() }, n);
            assert_eq!(Luck { throttled: false, ..loud }, calm);
        }
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name_and_is_checked() {
        let settings = Settings { vcpu_quota: Some(8), ..Settings::default() };
        let change: Change = serde_json::from_str(r#"{"throttle": 30, "vcpu_quota": 0}"#).unwrap();
        let new = change.applied_to(&settings).unwrap();
        assert_eq!((new.faults.throttle, new.vcpu_quota), (30.0, None));
        assert_eq!(new.latency, settings.latency);
        let bad = Change { errors: Some(200.0), ..Change::default() };
        assert_eq!(bad.applied_to(&settings).unwrap_err().name, "faults.errors");
        assert!(serde_json::from_str::<Change>(r#"{"throtle": 30}"#).is_err());
    }

    #[test]
    fn a_bucket_is_changed_by_the_name_of_its_action() {
        let of = |text: &str| serde_json::from_str::<Change>(text).unwrap();
        let change = of(r#"{"buckets": {"RunInstances": {"resource": {"level": 0, "taken_by_others": 1.5}},
                            "CreateTags": {"requests": {"burst": 10}}}}"#);
        let new = change.applied_to(&Settings::default()).unwrap();
        let resource = new.buckets.run_instances_resource;
        assert_eq!((resource.burst, resource.refill, resource.taken_by_others), (1000.0, 2.0, 1.5));
        let tags = new.buckets.of(ec2::call::Action::CreateTags, Part::Requests).unwrap();
        assert_eq!((tags.burst, tags.refill), (10.0, 10.0));
        assert_eq!(change.levels(), [(ec2::call::Action::RunInstances, Part::Resource, 0.0)]);
        for (text, name) in [
            (r#"{"buckets": {"Fly": {"requests": {"burst": 10}}}}"#, "buckets.Fly.requests"),
            (r#"{"buckets": {"CreateTags": {"resource": {"burst": 9}}}}"#, "buckets.CreateTags.resource"),
            (
                r#"{"buckets": {"CreateTags": {"requests": {"burst": 0}}}}"#,
                "buckets.actions.CreateTags.requests",
            ),
        ] {
            assert_eq!(of(text).applied_to(&Settings::default()).unwrap_err().name, name);
        }
    }
}
