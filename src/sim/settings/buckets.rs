//! The token buckets of EC2's throttling (aws-facts 1.2 and 1.3): what each holds, by action.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::model::ec2::call::Action;
use super::super::model::ec2::rates::published;
use super::{SettingsError, ensure};
use crate::decide::words::named;

/// One token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSettings {
    /// Most tokens it holds.
    pub burst: f64,
    /// Tokens a second.
    pub refill: f64,
    /// Tokens in it at the start; none: full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// Tokens a second that another client of the account takes, as long as there are any.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub taken_by_others: f64,
}

// serde asks for a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

impl BucketSettings {
    /// One that is full at the start, all of it ours.
    #[must_use]
    pub const fn full(burst: f64, refill: f64) -> BucketSettings {
        BucketSettings { burst, refill, start: None, taken_by_others: 0.0 }
    }

    /// Tokens in it before the first call.
    pub fn at_start(&self) -> f64 {
        self.start.unwrap_or(self.burst).min(self.burst)
    }

    /// Tokens a second that are left for us; below zero if the others take more than comes in.
    #[must_use]
    pub fn left_over(&self) -> f64 {
        self.refill - self.taken_by_others
    }

    /// # Errors
    /// If it makes no sense; `name` is its place in the file.
    pub(super) fn check(&self, name: &str) -> Result<(), SettingsError> {
        ensure(name, self.is_sensible(), || {
            "needs burst >= 1, refill >= 0, taken_by_others >= 0 and 0 <= start <= burst".into()
        })
    }

    fn is_sensible(&self) -> bool {
        let rate = |r: f64| r.is_finite() && r >= 0.0;
        self.burst.is_finite()
            && self.burst >= 1.0
            && rate(self.refill)
            && rate(self.taken_by_others)
            && self.start.is_none_or(|s| (0.0..=self.burst).contains(&s))
    }
}

named! {
    /// The buckets that one action may have.
    pub enum Part {
        /// One token for each request.
        Requests = "requests",
        /// The same, for a read with neither a filter nor `MaxResults`.
        Unfiltered = "unfiltered",
        /// One token for each instance of a request.
        Resource = "resource",
    }
}

/// Buckets of one action in place of the published ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActionBuckets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<BucketSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfiltered: Option<BucketSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<BucketSettings>,
}

impl ActionBuckets {
    fn of(mut self, part: Part) -> Option<BucketSettings> {
        *self.part(part)
    }

    fn part(&mut self, part: Part) -> &mut Option<BucketSettings> {
        match part {
            Part::Requests => &mut self.requests,
            Part::Unfiltered => &mut self.unfiltered,
            Part::Resource => &mut self.resource,
        }
    }
}

/// Every bucket. What is named in `actions` counts first, then the field of its own that the
/// commonest actions have, then `others`, then what AWS publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Buckets {
    pub run_instances: BucketSettings,
    /// One token for each instance of a `RunInstances` call.
    pub run_instances_resource: BucketSettings,
    pub describe_instances: BucketSettings,
    /// `DescribeInstances` with neither a filter nor `MaxResults`.
    pub describe_instances_unfiltered: BucketSettings,
    pub terminate_instances: BucketSettings,
    /// One token for each instance of a `TerminateInstances` call.
    pub terminate_instances_resource: BucketSettings,
    pub describe_subnets: BucketSettings,
    /// Every bucket of the actions that have no field here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<BucketSettings>,
    /// By AWS's name of the action.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub actions: BTreeMap<String, ActionBuckets>,
}

impl Default for Buckets {
    fn default() -> Self {
        Buckets {
            run_instances: BucketSettings::full(5.0, 2.0),
            run_instances_resource: BucketSettings::full(1000.0, 2.0),
            describe_instances: BucketSettings::full(100.0, 20.0),
            describe_instances_unfiltered: BucketSettings::full(50.0, 10.0),
            terminate_instances: BucketSettings::full(100.0, 5.0),
            terminate_instances_resource: BucketSettings::full(1000.0, 20.0),
            describe_subnets: BucketSettings::full(100.0, 20.0),
            others: None,
            actions: BTreeMap::new(),
        }
    }
}

impl Buckets {
    /// None of them ever binds.
    pub(super) fn endless() -> Buckets {
        let endless = BucketSettings::full(1e12, 0.0);
        Buckets {
            run_instances: endless,
            run_instances_resource: endless,
            describe_instances: endless,
            describe_instances_unfiltered: endless,
            terminate_instances: endless,
            terminate_instances_resource: endless,
            describe_subnets: endless,
            others: Some(endless),
            actions: BTreeMap::new(),
        }
    }

    /// One bucket as it is set; none if the action has no such bucket.
    #[must_use]
    pub fn of(&self, action: Action, part: Part) -> Option<BucketSettings> {
        let published = published(action, part)?;
        let named = self.actions.get(action.as_str()).and_then(|a| a.of(part));
        let field = || self.fields().find(|f| (f.1, f.2) == (action, part)).map(|f| f.3);
        Some(named.or_else(field).or(self.others).unwrap_or(published))
    }

    /// Sets one bucket.
    pub(in super::super) fn set(&mut self, action: Action, part: Part, bucket: BucketSettings) {
        if let Some(named) = self.actions.get_mut(action.as_str()) {
            *named.part(part) = None;
        }
        match self.field(action, part) {
            Some(field) => *field = bucket,
            None => *self.actions.entry(action.to_string()).or_default().part(part) = Some(bucket),
        }
    }

    /// The field of its own that a bucket has here.
    fn field(&mut self, action: Action, part: Part) -> Option<&mut BucketSettings> {
        let fields = [
            (Action::RunInstances, Part::Requests, &mut self.run_instances),
            (Action::RunInstances, Part::Resource, &mut self.run_instances_resource),
            (Action::DescribeInstances, Part::Requests, &mut self.describe_instances),
            (Action::DescribeInstances, Part::Unfiltered, &mut self.describe_instances_unfiltered),
            (Action::TerminateInstances, Part::Requests, &mut self.terminate_instances),
            (Action::TerminateInstances, Part::Resource, &mut self.terminate_instances_resource),
            (Action::DescribeSubnets, Part::Requests, &mut self.describe_subnets),
        ];
        fields.into_iter().find(|(a, p, _)| (*a, *p) == (action, part)).map(|(_, _, field)| field)
    }

    /// # Errors
    /// The first bucket that makes no sense, or that no action has.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for (name, _, _, bucket) in self.fields() {
            bucket.check(name)?;
        }
        self.others.map_or(Ok(()), |bucket| bucket.check("buckets.others"))?;
        for (name, buckets) in &self.actions {
            let path = format!("buckets.actions.{name}");
            let action = name.parse::<Action>();
            ensure(&path, action.is_ok(), || "is no action of EC2 that the model knows".into())?;
            for part in Part::ALL {
                let Some(bucket) = buckets.of(*part) else { continue };
                let path = format!("{path}.{part}");
                let exists = action.as_ref().is_ok_and(|a| published(*a, *part).is_some());
                ensure(&path, exists, || "is a bucket that the action does not have".into())?;
                bucket.check(&path)?;
            }
        }
        Ok(())
    }

    /// The fields: name, action, part and value.
    fn fields(&self) -> impl Iterator<Item = (&'static str, Action, Part, BucketSettings)> {
        use Action::{DescribeInstances, DescribeSubnets, RunInstances, TerminateInstances};
        use Part::{Requests, Resource, Unfiltered};
        let fields = [
            ("buckets.run_instances", RunInstances, Requests, self.run_instances),
            ("buckets.run_instances_resource", RunInstances, Resource, self.run_instances_resource),
            ("buckets.describe_instances", DescribeInstances, Requests, self.describe_instances),
            (
                "buckets.describe_instances_unfiltered",
                DescribeInstances,
                Unfiltered,
                self.describe_instances_unfiltered,
            ),
            ("buckets.terminate_instances", TerminateInstances, Requests, self.terminate_instances),
            (
                "buckets.terminate_instances_resource",
                TerminateInstances,
                Resource,
                self.terminate_instances_resource,
            ),
            ("buckets.describe_subnets", DescribeSubnets, Requests, self.describe_subnets),
        ];
        fields.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Buckets {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_fields_say_what_is_published() {
        for action in Action::ALL {
            for part in Part::ALL {
                let of = Buckets::default().of(*action, *part);
                assert_eq!(of, published(*action, *part), "{action} {part}");
            }
        }
    }

    #[test]
    fn an_action_is_set_by_name_and_the_name_wins() {
        let buckets = from(
            "run_instances = { burst = 9.0, refill = 1.0 }
             others = { burst = 7.0, refill = 7.0 }
             [actions.RunInstances]
             requests = { burst = 3.0, refill = 1.0, taken_by_others = 0.5 }
             [actions.DescribeTags]
             requests = { burst = 4.0, refill = 0.3 }",
        );
        let burst = |action, part| buckets.of(action, part).map(|b: BucketSettings| b.burst);
        assert_eq!(buckets.check(), Ok(()));
        assert_eq!(burst(Action::RunInstances, Part::Requests), Some(3.0));
        assert_eq!(burst(Action::RunInstances, Part::Resource), Some(1000.0));
        assert_eq!(burst(Action::DescribeTags, Part::Requests), Some(4.0));
        assert_eq!(burst(Action::DescribeTags, Part::Resource), None);
        assert_eq!(burst(Action::CreateTags, Part::Requests), Some(7.0));
        assert_eq!(from(&toml::to_string(&buckets).unwrap()), buckets);
    }

    #[test]
    fn what_is_set_is_read_back() {
        let bucket = BucketSettings { taken_by_others: 1.0, ..BucketSettings::full(6.0, 2.0) };
        let mut buckets = from("[actions.RunInstances]\nrequests = { burst = 3.0, refill = 1.0 }");
        for action in [Action::RunInstances, Action::CreateTags] {
            buckets.set(action, Part::Requests, bucket);
            assert_eq!(buckets.of(action, Part::Requests), Some(bucket));
        }
        assert_eq!((buckets.run_instances, bucket.left_over()), (bucket, 1.0));
        assert_eq!(buckets.check(), Ok(()));
    }

    #[test]
    fn names_and_numbers_that_make_no_sense_are_refused() {
        let refused = |text: &str| from(text).check().unwrap_err().name;
        let of = |action: &str, part: &str, bucket: &str| {
            refused(&format!("[actions.{action}]\n{part} = {{ {bucket} }}"))
        };
        assert_eq!(
            of("FlyInstances", "requests", "burst = 1.0, refill = 1.0"),
            "buckets.actions.FlyInstances"
        );
        let resource = "buckets.actions.CreateTags.resource";
        assert_eq!(of("CreateTags", "resource", "burst = 1.0, refill = 1.0"), resource);
        let requests = "buckets.actions.CreateTags.requests";
        for bad in ["burst = 0.5, refill = 1.0", "burst = 1.0, refill = 1.0, taken_by_others = -1.0"] {
            assert_eq!(of("CreateTags", "requests", bad), requests);
        }
        assert_eq!(refused("others = { burst = 1.0, refill = -1.0 }"), "buckets.others");
    }
}
