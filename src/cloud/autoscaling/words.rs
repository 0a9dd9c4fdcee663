//! Auto Scaling's words, as muster uses them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::decide::asg::seen::Lifecycle;
use crate::decide::event::CallError;
pub use crate::decide::hook::notice::{HookResult, Transition};
use crate::decide::words::{Ec2Id, named};

named! {
    /// What a group does by itself, and can be told to leave (aws-facts 3.7).
    pub enum Process {
        Launch = "Launch",
        Terminate = "Terminate",
        AddToLoadBalancer = "AddToLoadBalancer",
        AlarmNotification = "AlarmNotification",
        AzRebalance = "AZRebalance",
        HealthCheck = "HealthCheck",
        InstanceRefresh = "InstanceRefresh",
        ReplaceUnhealthy = "ReplaceUnhealthy",
        ScheduledActions = "ScheduledActions",
    }
}

named! {
    /// What `SetInstanceHealth` says of an instance.
    pub enum HealthStatus {
        Healthy = "Healthy",
        Unhealthy = "Unhealthy",
    }
}

named! {
    /// In which state a warm pool keeps its instances.
    pub enum PoolState {
        Stopped = "Stopped",
        Running = "Running",
        Hibernated = "Hibernated",
        /// One that this list does not have.
        Unlisted = "unlisted",
    }
}

/// One lifecycle action that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleAction {
    pub group: String,
    pub hook: String,
    pub key: ActionKey,
}

/// Which of a hook's actions is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionKey {
    /// The token of the notification: 36 characters. It names one action and never another.
    Token(String),
    /// Whatever action of this hook the instance waits in now: for what a describe showed and no
    /// notification told.
    Instance(Ec2Id),
}

/// `LaunchInstances`, exactly as it is sent: kept, so that it can be sent again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLaunch {
    pub group: String,
    /// 1 to 64 of `A-Z a-z 0-9 - _ /`.
    pub token: String,
    /// 1 to [`super::LAUNCH_MOST`]; units of capacity if the group has weights.
    pub count: u32,
    /// One of the group's subnets or zones; none is enough for a group in one zone only.
    pub place: Option<Place>,
}

/// Where to launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    Zone(String),
    Subnet(String),
}

/// What `LaunchInstances` came to. Fewer than were asked for is normal; the errors say why.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupLaunched {
    /// All are pending, and may still fail or be abandoned by a hook.
    pub instances: Vec<LaunchedInstance>,
    pub errors: Vec<PoolError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchedInstance {
    pub id: Ec2Id,
    pub zone: Option<String>,
    pub subnet: Option<String>,
}

/// Why a pool (zone and type) gave less than was asked of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolError {
    pub instance_type: Option<String>,
    pub zone: Option<String>,
    pub subnet: Option<String>,
    pub error: CallError,
}

/// One page of a describe. A page may be short or empty and still not be the last: only a missing
/// `next` says so.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// What the next page is asked for with.
    pub next: Option<String>,
}

/// One group, as a describe shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSeen {
    pub name: String,
    /// Empty if the answer has none.
    pub arn: String,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    pub zones: Vec<String>,
    pub subnets: Vec<String>,
    pub source: Option<Source>,
    /// Processes that this list of ours does not have are left out: we never suspend or resume them.
    pub suspended: Vec<Suspended>,
    /// Empty also if they were not asked for.
    pub members: Vec<Member>,
    pub protects_new: bool,
    /// Capacity Rebalancing may go 10 % of desired beyond it (aws-facts 3.3).
    pub capacity_rebalance: bool,
    /// Of the instance maintenance policy, in per cent of desired: 100 to 200, none if there is no
    /// policy.
    pub max_healthy_percentage: Option<u32>,
    pub warm_pool: Option<WarmPool>,
    /// `Delete in progress`, while it is.
    pub status: Option<String>,
}

/// What a group launches from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Template(TemplateVersion),
    /// A mixed instances policy over this template. `LaunchInstances` takes it only if it is wholly
    /// On-Demand or wholly Spot.
    Mixed(TemplateVersion),
    /// A launch configuration, which `LaunchInstances` does not take.
    Configuration(String),
}

/// A launch template as a group or an instance names it. At least one of id and name is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    pub id: Option<String>,
    pub name: Option<String>,
    /// A number, `$Default` or `$Latest`; on an instance the one it was launched from.
    pub version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    pub process: Process,
    /// `User suspended at 2026-01-04T14:00:00Z`, or that AWS did it after a day without a launch.
    pub reason: String,
}

/// One instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub group: String,
    pub id: Ec2Id,
    pub zone: Option<String>,
    pub instance_type: Option<String>,
    pub state: Lifecycle,
    /// False only if the group says `Unhealthy`.
    pub healthy: bool,
    /// From scale-in, and from nothing else.
    pub protected: bool,
    pub template: Option<TemplateVersion>,
}

/// One lifecycle hook of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    pub name: String,
    pub transition: Transition,
    /// ARN of a queue or a topic.
    pub target: Option<String>,
    pub metadata: Option<String>,
    /// 30 s to 2 h; each heartbeat begins it anew.
    pub heartbeat_timeout: Duration,
    /// The end, whatever heartbeats come: the smaller of 48 h and 100 heartbeat timeouts.
    pub global_timeout: Duration,
    /// How an action ends that nobody completes.
    pub default_result: HookResult,
}

/// What a warm pool is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmPool {
    pub state: PoolState,
    pub min: u32,
    /// Desired and pool together; the group's maximum if there is none.
    pub max_prepared: Option<u32>,
    pub reuse_on_scale_in: bool,
    /// `PendingDelete`, while it is.
    pub status: Option<String>,
}

/// What `DescribeWarmPool` shows.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmPoolSeen {
    /// None: the group has no warm pool.
    pub pool: Option<WarmPool>,
    pub members: Page<Member>,
}
