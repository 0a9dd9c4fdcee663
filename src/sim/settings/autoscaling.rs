//! What can be set about the simulated Auto Scaling.

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::{BucketSettings, Range, SettingsError, ensure};

/// Auto Scaling: its request bucket, its own pace, and what AWS does not document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoScalingSettings {
    /// One for all calls. AWS does not publish it (aws-facts 1.5); these are the drills' figures.
    pub bucket: BucketSettings,
    pub throttle_code: ThrottleCode,
    /// Groups in the region (aws-facts 3.1).
    pub groups_max: u32,
    /// From a change of the desired capacity until the group acts on it: "a few seconds".
    pub acts_after: Range,
    /// How long the states last that end by themselves (`Pending:Proceed`, `EnteringStandby`, ...).
    pub passing: Range,
    /// Most instances a group launches at one moment; it goes on a second later.
    pub launch_batch: u32,
    /// After a round in which nothing could be launched, or a hook that abandoned a launch: the pause
    /// before the next round, doubled each time.
    pub retry: Retry,
    /// How long a zone that had no capacity is left out while others have some.
    pub zone_memory_ms: u32,
    /// How often a group looks at its instances.
    pub health_check_ms: u32,
    /// From an instance's end (by EC2's own API, or by itself) until its group notices: "a minute or
    /// two" (aws-facts 3.4).
    pub end_noticed_after: Range,
    /// Share of the desired capacity that is replaced at a time, of those that run and are unhealthy
    /// (aws-facts 3.4); at least one.
    pub replaced_at_once: f64,
    /// So long after its launch `TerminateInstanceInAutoScalingGroup` is refused with
    /// `ScalingActivityInProgress` (aws-facts 3.8).
    pub busy_after_launch_ms: u32,
    /// From an imbalance of the zones until the group begins to mend it.
    pub rebalances_after: Range,
    pub switches: AutoScalingSwitches,
}

/// Pauses that double, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub first_ms: u32,
    pub max_ms: u32,
}

named! {
    /// The code that means "too fast": the documentation has one, clients in the field see the other
    /// (aws-facts 1.5).
    pub enum ThrottleCode {
        Throttling = "Throttling",
        RateExceeded = "RateExceeded",
    }
}

/// Where AWS is undocumented: both ways, so that tests can run both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is a question of its own
pub struct AutoScalingSwitches {
    /// Do a group's own launches draw on the account's buckets of `RunInstances`? By the rule about
    /// service-linked roles they do not (aws-facts 0.2).
    pub launches_draw_on_run_instances: bool,
    /// Do instances in `Terminating`, `Terminating:Wait` and `Terminating:Proceed` keep their place
    /// under the maximum? By the lifecycle's text they have left the group (aws-facts 3.3).
    pub terminating_counts_against_max: bool,
    /// Does `LaunchInstances` refuse what would lift the desired capacity over the maximum?
    pub launch_instances_checks_max: bool,
    /// Do groups balance their zones by themselves, beyond the maximum by 10 % of it for a while?
    pub rebalances: bool,
    /// Do notifications name `Origin` and `Destination`? Captures from before 2021 do not (3.6).
    pub origin_and_destination: bool,
    /// Is a message to an SNS topic JSON, as consumers find it, or `Key: value` lines, as the guide
    /// prints it (aws-facts 3.6)?
    pub sns_messages_are_json: bool,
    /// Are there connections that stay open through all of a target group's deregistration delay, so that
    /// whoever leaves waits for its end? Without any, a load balancer lets go at once, though it goes on
    /// saying `draining`.
    pub connections_outlast_draining: bool,
}

impl Default for AutoScalingSwitches {
    fn default() -> Self {
        AutoScalingSwitches {
            launches_draw_on_run_instances: false,
            terminating_counts_against_max: false,
            launch_instances_checks_max: true,
            rebalances: true,
            origin_and_destination: true,
            sns_messages_are_json: true,
            connections_outlast_draining: true,
        }
    }
}

impl Default for AutoScalingSettings {
    fn default() -> Self {
        AutoScalingSettings {
            bucket: BucketSettings::full(50.0, 10.0),
            throttle_code: ThrottleCode::Throttling,
            groups_max: 500,
            acts_after: Range { min_ms: 1_000, max_ms: 5_000 },
            passing: Range { min_ms: 200, max_ms: 1_500 },
            launch_batch: 500,
            retry: Retry { first_ms: 15_000, max_ms: 300_000 },
            zone_memory_ms: 60_000,
            health_check_ms: 15_000,
            end_noticed_after: Range { min_ms: 60_000, max_ms: 120_000 },
            replaced_at_once: 10.0,
            busy_after_launch_ms: 3_000,
            rebalances_after: Range { min_ms: 20_000, max_ms: 60_000 },
            switches: AutoScalingSwitches::default(),
        }
    }
}

impl AutoScalingSettings {
    /// Nothing takes time and no bucket binds.
    #[must_use]
    pub fn instant() -> AutoScalingSettings {
        let at_once = Range { min_ms: 0, max_ms: 0 };
        AutoScalingSettings {
            bucket: BucketSettings::full(1e12, 0.0),
            acts_after: at_once,
            passing: at_once,
            launch_batch: 100_000,
            busy_after_launch_ms: 0,
            ..AutoScalingSettings::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        self.bucket.check("autoscaling.bucket")?;
        for (name, range) in [
            ("autoscaling.acts_after", self.acts_after),
            ("autoscaling.passing", self.passing),
            ("autoscaling.end_noticed_after", self.end_noticed_after),
            ("autoscaling.rebalances_after", self.rebalances_after),
        ] {
            ensure(name, range.min_ms <= range.max_ms, || "needs min_ms <= max_ms".into())?;
        }
        ensure("autoscaling.launch_batch", self.launch_batch > 0, || "needs at least 1".into())?;
        let retry = self.retry.first_ms > 0 && self.retry.first_ms <= self.retry.max_ms;
        ensure("autoscaling.retry", retry, || "needs 0 < first_ms <= max_ms".into())?;
        // Often enough to be worth looking, and no more than a thousand times a second.
        ensure("autoscaling.health_check_ms", self.health_check_ms > 0, || "needs at least 1".into())?;
        ensure("autoscaling.replaced_at_once", (0.0..=100.0).contains(&self.replaced_at_once), || {
            format!("{} is not a percentage, 0 to 100", self.replaced_at_once)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn impossible_values_are_named() {
        type Spoil = fn(&mut AutoScalingSettings);
        let cases: [(&str, Spoil); 6] = [
            ("autoscaling.bucket", |s| s.bucket.refill = f64::NAN),
            ("autoscaling.passing", |s| s.passing = Range { min_ms: 2, max_ms: 1 }),
            ("autoscaling.launch_batch", |s| s.launch_batch = 0),
            ("autoscaling.retry", |s| s.retry.first_ms = 0),
            ("autoscaling.health_check_ms", |s| s.health_check_ms = 0),
            ("autoscaling.replaced_at_once", |s| s.replaced_at_once = -1.0),
        ];
        for (name, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings.autoscaling);
            assert_eq!(settings.check().unwrap_err().name, name);
        }
        assert_eq!(AutoScalingSettings::instant().check(), Ok(()));
    }
}
