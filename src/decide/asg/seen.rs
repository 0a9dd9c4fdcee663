//! Auto Scaling groups as AWS describes them (aws-facts 3.2, 3.3).

use std::time::Duration;

use crate::decide::hook::notice::{HookResult, Transition};
use crate::decide::words::{Ec2Id, named};

named! {
    /// A member's `LifecycleState`.
    pub enum Lifecycle {
        Pending = "Pending",
        PendingWait = "Pending:Wait",
        PendingProceed = "Pending:Proceed",
        InService = "InService",
        EnteringStandby = "EnteringStandby",
        Standby = "Standby",
        Detaching = "Detaching",
        Detached = "Detached",
        Terminating = "Terminating",
        TerminatingWait = "Terminating:Wait",
        TerminatingProceed = "Terminating:Proceed",
        TerminatingRetained = "Terminating:Retained",
        Terminated = "Terminated",
        Quarantined = "Quarantined",
        ReplacingRootVolume = "ReplacingRootVolume",
        ReplacingRootVolumeWait = "ReplacingRootVolume:Wait",
        ReplacingRootVolumeProceed = "ReplacingRootVolume:Proceed",
        RootVolumeReplaced = "RootVolumeReplaced",
        WarmedPending = "Warmed:Pending",
        WarmedPendingWait = "Warmed:Pending:Wait",
        WarmedPendingProceed = "Warmed:Pending:Proceed",
        WarmedPendingRetained = "Warmed:Pending:Retained",
        WarmedStopped = "Warmed:Stopped",
        WarmedRunning = "Warmed:Running",
        WarmedHibernated = "Warmed:Hibernated",
        WarmedTerminating = "Warmed:Terminating",
        WarmedTerminatingWait = "Warmed:Terminating:Wait",
        WarmedTerminatingProceed = "Warmed:Terminating:Proceed",
        WarmedTerminatingRetained = "Warmed:Terminating:Retained",
        WarmedTerminated = "Warmed:Terminated",
        /// A state that is newer than muster: counted as a place taken, and left alone.
        Other = "other",
    }
}

/// One instance in a group.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberSeen {
    pub id: Ec2Id,
    pub lifecycle: Lifecycle,
    /// `HealthStatus` is `Healthy`.
    pub healthy: bool,
    /// Protected from scale-in.
    pub protected: bool,
    pub zone: String,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSeen {
    pub asg: String,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    /// Names of suspended processes.
    pub suspended: Vec<String>,
    pub members: Vec<MemberSeen>,
}

/// One page of groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupsPage {
    pub groups: Vec<GroupSeen>,
    /// There is more under this page token.
    pub next: Option<String>,
}

/// One lifecycle hook of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct HookSeen {
    pub hook: String,
    pub transition: Transition,
    /// 30 s to 7,200 s.
    pub heartbeat: Duration,
    /// The lesser of 48 h and 100 heartbeats.
    pub global: Duration,
    /// What happens when nobody answers.
    pub default_result: HookResult,
}
