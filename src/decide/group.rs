//! What a group is: its launch spec, configure step, probes, limits and guards, already validated.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::guard::valve::ValveSpec;
use super::quarantine::words::{QuarantineSpec, ReserveSpec};
use super::signal::Signal;
use super::words::named;

/// A named set of interchangeable instances.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: String,
    /// Live plus pending never exceeds this, broken ones included. 1 to 1,000,000.
    pub max: u32,
    /// 0 to 9; higher goes first whenever something is scarce.
    pub priority: u8,
    pub launch: LaunchSpec,
    /// The Auto Scaling group behind it; none for a plain fleet.
    pub asg: Option<Asg>,
    /// Identity of the launch spec and the configure step together: 16 hexadecimal digits of a
    /// SHA-256. Canary and breaker are kept per version, since a new one has proven nothing.
    pub version: String,
    pub configure: Option<Configure>,
    /// All of them must pass, [`Group::passes`] rounds in a row.
    pub probes: Vec<Probe>,
    /// Rounds of probes that must pass in a row before an instance is in service. At least 1.
    pub passes: u8,
    /// Pause between two rounds, and between two tries to configure.
    pub contact_every: Duration,
    pub watchdogs: Watchdogs,
    pub canary: Canary,
    pub breaker: Breaker,
    pub valve: ValveSpec,
    /// No scale-in leaves fewer in service than this, nor than the Auto Scaling group's minimum.
    pub floor: u32,
    pub signals: Vec<Signal>,
    /// Broken instances that are kept for people to look at; none if all are ended.
    pub quarantine: Option<QuarantineSpec>,
    /// Verified instances that do not serve until they are wanted; none if none are kept.
    pub reserve: Option<ReserveSpec>,
    pub bounds: Bounds,
}

impl Group {
    /// The type of its instances; none if only a launch template says so.
    #[must_use]
    pub fn instance_type(&self) -> Option<&str> {
        let launched = Some(self.launch.instance_type.as_str()).filter(|t| !t.is_empty());
        launched.or(self.bounds.instance_type.as_deref())
    }

    /// The name of its Auto Scaling group.
    #[must_use]
    pub fn asg_name(&self) -> Option<&str> {
        self.asg.as_ref().map(|a| &*a.name)
    }
}

/// What a request for more is held against, beside the group's maximum and what AWS tells of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The type that its instances have, where that is not in the launch spec: in an Auto Scaling group's own
    /// launch template.
    pub instance_type: Option<String>,
    /// ARNs of the target groups that its instances are registered with.
    pub target_groups: Vec<Arc<str>>,
    pub ceilings: Vec<Ceiling>,
}

/// A limit that AWS knows nothing of: "at most 2,400 members, or the load balancer's slots run out".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// What runs out.
    pub name: String,
    /// Live plus pending instances of the group never make more than this. 1 to 1,000,000.
    pub most: u32,
}

/// The Auto Scaling group that a group's instances belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asg {
    /// `AutoScalingGroupName`.
    pub name: Arc<str>,
    /// How long one heartbeat of its lifecycle hooks is good for, until it is known from AWS. 30 s to
    /// 7,200 s; the shortest is the safe belief.
    pub heartbeat: Duration,
    /// It is looked at this often, whatever its notifications say.
    pub sweep_every: Duration,
    /// How what is asked of us is launched.
    pub launches: Launches,
    /// Who replaces members that are not well.
    pub health: HealthBy,
}

named! {
    /// Who replaces members of an Auto Scaling group that are not well.
    pub enum HealthBy {
        /// The group itself, by its own health checks.
        Aws = "aws",
        /// Muster, when the group and its own probes agree: the group's `ReplaceUnhealthy` is kept
        /// suspended.
        Muster = "muster",
    }
}

named! {
    /// The ways to launch in an Auto Scaling group.
    pub enum Launches {
        /// `LaunchInstances`: a token, a zone of our choice, an answer with ids. Where AWS does not allow it, the other.
        Instances = "launch_instances",
        /// `SetDesiredCapacity`: the group launches, and where it wants.
        Desired = "desired",
    }
}

/// A raise of an Auto Scaling group's desired capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    pub from: u32,
    pub to: u32,
    /// It is for an instance of ours that the group replaces by itself: from what it wants to what it wants.
    #[serde(default)]
    pub replaces: bool,
}

/// How instances of a group are launched: what goes into RunInstances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// AMI id. Optional only with a launch template that names one.
    pub image: Option<String>,
    pub instance_type: String,
    /// `lt-...` id or name, with a version number, `$Default` or `$Latest`.
    pub template: Option<LaunchTemplate>,
    /// One pool for each subnet. At least one; one call launches into exactly one.
    pub pools: Vec<Pool>,
    pub security_groups: Vec<String>,
    pub key_name: Option<String>,
    pub instance_profile: Option<String>,
    /// Plain text, at most 16 KiB before base64 (EC2's limit).
    pub user_data: Option<String>,
    /// Beside muster's own `muster:*` tags.
    pub tags: BTreeMap<String, String>,
    /// Most instances in one call, 1 to 1,000. AWS recommends 100 (aws-facts 1.3).
    pub batch: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    pub id: String,
    pub version: String,
}

/// One place to launch into: a subnet, hence a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub subnet: String,
    pub zone: String,
    /// Share of new launches, 0 to 100 % of an equal share.
    pub weight: u8,
}

/// The configure step: one HTTP push to the agent on the instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure {
    /// GET, POST, PUT or PATCH.
    pub method: String,
    pub port: u16,
    pub path: String,
    /// `{{slot}}`, `{{attempt}}`, `{{instance_id}}`, `{{address}}`, `{{group}}` and `{{zone}}` are
    /// filled in.
    pub body: String,
    /// Statuses that mean "accepted".
    pub expect: Vec<u16>,
    pub timeout: Duration,
}

/// One check that an instance serves, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub kind: ProbeKind,
    pub port: u16,
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeKind {
    /// A connection opens.
    Tcp,
    /// A GET answers with one of these statuses.
    Http { path: String, expect: Vec<u16> },
}

/// How long one phase may take before the instance is given up as broken: the ceilings over what is
/// learned (see [`super::patience`]), and all there is until enough is.
///
/// Too short: a slow but good server is thrown away and costs a second launch. Too long: a silent
/// one holds its place. The defaults come from DRILLS.md's figures: until the agent answers,
/// lognormal with median 26 s and p99 90 s, of which EC2 says "running" about half-way; configuring,
/// median 20 s and p99 60 s. 120 + 120 s and 150 s are 4.2 standard deviations: about one good
/// server in 50,000 is lost to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watchdogs {
    pub boot: Duration,
    pub configure: Duration,
    pub verify: Duration,
    /// Times in a row that a connected agent may leave a request unanswered before it counts as
    /// hanging; more where the network is seen to lose answers (see [`super::guard::silence`]).
    pub hangs: u8,
    /// Times an agent may answer a configure push with a wrong status.
    pub rejections: u8,
}

impl Default for Watchdogs {
    fn default() -> Self {
        Watchdogs {
            boot: Duration::from_secs(120),
            configure: Duration::from_secs(120),
            verify: Duration::from_secs(150),
            hangs: 3,
            rejections: 5,
        }
    }
}

/// First steps of a launch version that has never been seen to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Most instances of an unproven version that may exist before the first is in service: this
    /// many are wasted if the image is bad (D8 allows 20). 0 means that the operator vouches for
    /// the version: no canary.
    pub size: u32,
}

impl Default for Canary {
    fn default() -> Self {
        Canary { size: 10 }
    }
}

/// Stops launching a version whose instances break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Opens when at least this many of the last outcomes are failures ...
    pub failures: u32,
    /// ... and they make at least this share of them, in percent.
    pub share: u32,
    /// How long it stays open before a canary may try again; doubles each time it fails, to 16x.
    pub cool_down: Duration,
    /// Instances that may be tried while half open (D8: at most 5); two at most of a version that was never in service.
    pub trial: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Breaker { failures: 10, share: 50, cool_down: Duration::from_secs(60), trial: 3 }
    }
}

/// The exact content of one RunInstances call, committed before the call goes out and sent again
/// unchanged until the launch is settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchBody {
    /// Client token, at most 64 ASCII characters; zonal, since a subnet is always given.
    pub token: String,
    /// The Auto Scaling group that launches it (`LaunchInstances`); `RunInstances` if none.
    #[serde(default)]
    pub asg: Option<String>,
    /// Not launched by us: the group's desired capacity is raised (`SetDesiredCapacity`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Raised>,
    /// Fewer than this and EC2 launches nothing. Always 1: fewer than asked is normal.
    pub min_count: u32,
    pub max_count: u32,
    pub subnet: String,
    pub zone: String,
    pub image: Option<String>,
    pub instance_type: String,
    pub template: Option<LaunchTemplate>,
    pub security_groups: Vec<String>,
    pub key_name: Option<String>,
    pub instance_profile: Option<String>,
    pub user_data: Option<String>,
    /// Put on instances and volumes at launch, which spends no CreateTags tokens.
    pub tags: BTreeMap<String, String>,
}
