//! Everything that can be set about the simulated EC2, validated whole before anything starts.
//!
//! Times are milliseconds of the model's own time, shares are percentages from 0 to 100. Defaults
//! are EC2's published figures (aws-facts 1.3) and the boots of the drills.

mod autoscaling;
mod buckets;
mod cloudwatch;
mod delivery;
mod ec2;
mod elbv2;
mod events;
mod faults;
mod quotas;
mod script;
mod signatures;
mod sns;
mod sqs;
mod support;
mod ways;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cidr::Cidr;

pub use autoscaling::{AutoScalingSettings, AutoScalingSwitches, Retry, ThrottleCode};
pub use buckets::{ActionBuckets, BucketSettings, Buckets, Part};
pub use cloudwatch::{CloudWatchSettings, Point, Series};
pub use delivery::Delivery;
pub use ec2::{Ec2Settings, Limits, TransitAttachment, TransitGateway, UnknownTemplates};
pub use elbv2::{Elbv2Settings, PendingAs, ReservationOutcome};
pub use events::EventsSettings;
pub use faults::Faults;
pub use quotas::{QuotaSettings, QuotaVerdict, RefusedAs};
pub(super) use script::in_ms;
pub use script::{Fault, Script};
pub use signatures::{Keys, Signatures};
pub use sns::SnsSettings;
pub use sqs::SqsSettings;
pub use support::{Person, SupportSettings};
pub use ways::{BrokenBy, Site, Ways};

/// The whole tree, as `muster sim --settings FILE` reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub region: String,
    /// Where instances can be launched. At least one, in different places of 127.0.0.0/8.
    pub subnets: Vec<SubnetSettings>,
    /// Share of instances that are broken, in the ways that `ways` say.
    pub broken: f64,
    pub ways: Ways,
    /// Every instance of these images hangs, whatever `broken` says.
    pub bad_images: Vec<String>,
    /// From launch until the agent answers. EC2 says `running` at half of it.
    pub boot: Spread,
    /// From an accepted configure push until the health endpoint answers 200.
    pub configure: Spread,
    /// From a terminate call until `terminated`.
    pub shutdown: Range,
    /// From launch until describe and terminate know the id (eventual consistency).
    pub visible_after: Range,
    /// How long a terminated instance is still described: about an hour at EC2 (aws-facts 2.5).
    pub terminated_visible_ms: u32,
    /// Instances that a pool can hold at once; a pool that is not named holds any number.
    pub capacity: Vec<PoolCapacity>,
    /// On-Demand vCPUs that the account may run at once; none: any number.
    pub vcpu_quota: Option<u32>,
    pub buckets: Buckets,
    pub latency: Latency,
    pub faults: Faults,
    /// Percentage of the packets between clients and instances that get lost, each way.
    pub packet_loss: f64,
    /// What goes wrong at times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<Script>,
    pub signatures: Signatures,
    /// Secret access keys by their ids, for checked signatures.
    pub access_keys: Keys,
    pub switches: Switches,
    pub ec2: Ec2Settings,
    pub autoscaling: AutoScalingSettings,
    pub delivery: Delivery,
    pub sqs: SqsSettings,
    pub sns: SnsSettings,
    pub events: EventsSettings,
    /// The authorities by whose certificates HTTPS endpoints of SNS and of API destinations are trusted,
    /// as PEM. AWS trusts the public ones; none of those is trusted here.
    pub endpoint_authorities: String,
    pub cloudwatch: CloudWatchSettings,
    pub elbv2: Elbv2Settings,
    pub support: SupportSettings,
    pub quotas: QuotaSettings,
}

/// One subnet, hence one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetSettings {
    pub id: String,
    pub zone: String,
    pub cidr: Cidr,
}

/// A lognormal distribution, told by two of its quantiles. Both 0: always 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    pub median_ms: u32,
    pub p99_ms: u32,
}

/// Evenly distributed from `min_ms` to `max_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    pub min_ms: u32,
    pub max_ms: u32,
}

/// How many instances one pool (zone, and type if given) can hold at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolCapacity {
    pub zone: String,
    /// None: all types together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    pub instances: u32,
}

/// From a call's arrival, when it takes effect, until its answer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    pub run_instances: Range,
    /// Every other call, and every error.
    pub other: Range,
}

impl Default for Latency {
    fn default() -> Self {
        Latency {
            run_instances: Range { min_ms: 1_000, max_ms: 3_000 },
            other: Range { min_ms: 300, max_ms: 300 },
        }
    }
}

impl Latency {
    /// Answers at once.
    pub const NONE: Latency =
        Latency { run_instances: Range { min_ms: 0, max_ms: 0 }, other: Range { min_ms: 0, max_ms: 0 } };
}

/// Where AWS is undocumented: both ways, so that tests can run both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Does a repeated `RunInstances` (same token) spend instance tokens again? The safe belief: yes.
    pub repeats_spend_tokens: bool,
    /// Is `RunInstances` charged for `MaxCount` (true) or for what it launched (false)? The safe
    /// belief: `MaxCount`.
    pub charged_for_max_count: bool,
    /// Does a `DescribeInstances` with nothing but ids draw on the smaller, unfiltered bucket?
    pub ids_are_unfiltered: bool,
    /// With room for fewer than `MaxCount` under the vCPU quota or in the subnet, does `RunInstances`
    /// launch what fits (true) or refuse the call (false)? For capacity it is documented to launch
    /// what fits.
    pub limits_cut_the_count: bool,
    /// Do EC2's status checks see that an instance hangs or refuses connections (true), or only that
    /// it is on the network (false)?
    pub checks_see_broken: bool,
    /// Does EC2 answer a wrong signature with `AuthFailure`, as it does a key that it does not know
    /// (true), or with `SignatureDoesNotMatch` (false)? Its page of errors has both.
    pub ec2_says_auth_failure: bool,
    /// Does `CreateFleet` draw on the instance bucket of `RunInstances`? Not documented; by the
    /// published tables it does not.
    pub fleets_spend_instance_tokens: bool,
    /// Does a token whose instances are all terminated give them again, as before 2025 (true), or
    /// `IdempotentInstanceTerminated` (false)?
    pub spent_tokens_repeat: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Switches {
            repeats_spend_tokens: true,
            charged_for_max_count: true,
            ids_are_unfiltered: false,
            limits_cut_the_count: true,
            checks_see_broken: false,
            ec2_says_auth_failure: true,
            fleets_spend_instance_tokens: false,
            spent_tokens_repeat: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            region: "us-east-1".into(),
            subnets: Settings::subnets_of(Cidr::DEFAULT),
            broken: 0.0,
            ways: Ways::default(),
            bad_images: Vec::new(),
            boot: Spread { median_ms: 26_000, p99_ms: 90_000 },
            configure: Spread { median_ms: 20_000, p99_ms: 60_000 },
            shutdown: Range { min_ms: 2_000, max_ms: 8_000 },
            visible_after: Range { min_ms: 0, max_ms: 2_000 },
            terminated_visible_ms: 3_600_000,
            capacity: Vec::new(),
            vcpu_quota: None,
            buckets: Buckets::default(),
            latency: Latency::default(),
            faults: Faults::default(),
            packet_loss: 0.0,
            script: Vec::new(),
            signatures: Signatures::Accepted,
            access_keys: Keys::new(),
            switches: Switches::default(),
            ec2: Ec2Settings::default(),
            autoscaling: AutoScalingSettings::default(),
            delivery: Delivery::default(),
            sqs: SqsSettings::default(),
            sns: SnsSettings::default(),
            events: EventsSettings::default(),
            endpoint_authorities: String::new(),
            cloudwatch: CloudWatchSettings::default(),
            elbv2: Elbv2Settings::default(),
            support: SupportSettings::default(),
            quotas: QuotaSettings::default(),
        }
    }
}

/// What is wrong with the settings, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct SettingsError {
    /// As in the file, for example `faults.throttle`.
    pub name: String,
    pub problem: String,
}

impl Settings {
    /// Nothing takes time and no bucket binds: to measure or test what is above it.
    #[must_use]
    pub fn instant() -> Settings {
        let at_once = Range { min_ms: 0, max_ms: 0 };
        let no_time = Spread { median_ms: 0, p99_ms: 0 };
        Settings {
            boot: no_time,
            configure: no_time,
            shutdown: at_once,
            visible_after: at_once,
            latency: Latency::NONE,
            buckets: Buckets::endless(),
            autoscaling: AutoScalingSettings::instant(),
            delivery: Delivery::INSTANT,
            ..Settings::default()
        }
    }

    /// Three subnets in three zones of us-east-1, each a quarter of `cidr`.
    #[must_use]
    pub fn subnets_of(cidr: Cidr) -> Vec<SubnetSettings> {
        let zones = ["a", "b", "c"];
        cidr.quarters()
            .into_iter()
            .zip(zones)
            .map(|(cidr, z)| SubnetSettings {
                id: format!("subnet-0000000000000000{z}"),
                zone: format!("us-east-1{z}"),
                cidr,
            })
            .collect()
    }

    /// # Errors
    /// The first value that makes no sense.
    pub fn check(&self) -> Result<(), SettingsError> {
        let shares = [
            ("broken", self.broken),
            ("packet_loss", self.packet_loss),
            ("sqs.duplicates", self.sqs.duplicates),
        ];
        for (name, percent) in shares.into_iter().chain(self.faults.named()) {
            ensure(name, (0.0..=100.0).contains(&percent), || {
                format!("{percent} is not a percentage, 0 to 100")
            })?;
        }
        for (name, spread) in [("boot", self.boot), ("configure", self.configure)] {
            let zero = spread == Spread { median_ms: 0, p99_ms: 0 };
            ensure(name, zero || (spread.median_ms > 0 && spread.p99_ms >= spread.median_ms), || {
                "needs 0 < median_ms <= p99_ms, or both 0".into()
            })?;
        }
        for (name, range) in [
            ("shutdown", self.shutdown),
            ("visible_after", self.visible_after),
            ("latency.run_instances", self.latency.run_instances),
            ("latency.other", self.latency.other),
            ("sns.spread", self.sns.spread),
            ("events.spread", self.events.spread),
            ("events.pause", self.events.pause),
        ] {
            ensure(name, range.min_ms <= range.max_ms, || "needs min_ms <= max_ms".into())?;
        }
        self.buckets.check()?;
        self.ec2.check()?;
        let keys = self.signatures == Signatures::Accepted || !self.access_keys.is_empty();
        ensure("signatures", keys, || "to check them needs access_keys".into())?;
        self.ways.check()?;
        self.script.iter().try_for_each(Script::check)?;
        self.autoscaling.check()?;
        self.delivery.check()?;
        for (name, copies) in
            [("sns.copies_max", self.sns.copies_max), ("events.copies_max", self.events.copies_max)]
        {
            ensure(name, (1..=100).contains(&copies), || {
                "needs 1 to 100: each arrives at least once".into()
            })?;
        }
        ensure("events.invocations_per_second", self.events.invocations_per_second > 0, || {
            "needs at least 1".into()
        })?;
        self.cloudwatch.check()?;
        self.quotas.check()?;
        self.support.check()?;
        self.elbv2.check()?;
        self.check_subnets()
    }

    fn check_subnets(&self) -> Result<(), SettingsError> {
        ensure("subnets", !self.subnets.is_empty(), || "needs at least one subnet".into())?;
        let mut ids = BTreeMap::new();
        for (i, subnet) in self.subnets.iter().enumerate() {
            ensure("subnets.id", ids.insert(&subnet.id, i).is_none(), || {
                format!("'{}' is given twice", subnet.id)
            })?;
            let other = self.subnets[..i].iter().find(|s| s.cidr.overlaps(subnet.cidr));
            ensure("subnets.cidr", other.is_none(), || {
                format!("{} of {} overlaps with another subnet", subnet.cidr, subnet.id)
            })?;
        }
        Ok(())
    }
}

fn ensure(name: &str, fine: bool, problem: impl FnOnce() -> String) -> Result<(), SettingsError> {
    if fine { Ok(()) } else { Err(SettingsError { name: name.into(), problem: problem() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_survive_a_file() {
        let settings = Settings::default();
        assert_eq!(settings.check(), Ok(()));
        assert_eq!(Settings::instant().check(), Ok(()));
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let error = toml::from_str::<Settings>("brokne = 3.0").unwrap_err().to_string();
        assert!(error.contains("brokne"), "{error}");
    }

    #[test]
    fn impossible_values_are_named() {
        type Spoil = fn(&mut Settings);
        let cases: [(&str, Spoil); 10] = [
            ("broken", |s| s.broken = 101.0),
            ("broken", |s| s.broken = f64::NAN),
            ("faults.errors", |s| s.faults.errors = -1.0),
            ("boot", |s| s.boot.p99_ms = 1),
            ("shutdown", |s| s.shutdown.min_ms = 9_000),
            ("buckets.describe_subnets", |s| s.buckets.describe_subnets.burst = 0.0),
            ("buckets.run_instances", |s| s.buckets.run_instances.start = Some(6.0)),
            ("subnets", |s| s.subnets.clear()),
            ("subnets.id", |s| s.subnets[1].id = s.subnets[0].id.clone()),
            ("subnets.cidr", |s| s.subnets[1].cidr = s.subnets[0].cidr),
        ];
        for (name, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings);
            assert_eq!(settings.check().unwrap_err().name, name);
        }
    }
}
