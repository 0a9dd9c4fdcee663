//! Auto Scaling's own words: states, processes, transitions.

use crate::decide::words::named;

named! {
    /// Where an instance stands in its group (aws-facts 3.2).
    pub enum LifecycleState {
        Pending = "Pending",
        PendingWait = "Pending:Wait",
        PendingProceed = "Pending:Proceed",
        InService = "InService",
        EnteringStandby = "EnteringStandby",
        Standby = "Standby",
        Detaching = "Detaching",
        Terminating = "Terminating",
        TerminatingWait = "Terminating:Wait",
        TerminatingProceed = "Terminating:Proceed",
        TerminatingRetained = "Terminating:Retained",
        WarmedPending = "Warmed:Pending",
        WarmedPendingWait = "Warmed:Pending:Wait",
        WarmedPendingProceed = "Warmed:Pending:Proceed",
        WarmedStopped = "Warmed:Stopped",
        WarmedRunning = "Warmed:Running",
        WarmedHibernated = "Warmed:Hibernated",
        WarmedTerminating = "Warmed:Terminating",
        WarmedTerminatingWait = "Warmed:Terminating:Wait",
        WarmedTerminatingProceed = "Warmed:Terminating:Proceed",
    }
}

/// Which part of its life a state belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On its way into service.
    Coming,
    InService,
    /// A member, but set aside by someone.
    Aside,
    /// On its way out.
    Leaving,
    /// Kept by the retention policy.
    Retained,
    /// In the warm pool or on its way there.
    Warm,
    /// On its way out of the warm pool, not into service.
    LeavingWarm,
}

impl LifecycleState {
    #[must_use]
    pub fn stage(self) -> Stage {
        use LifecycleState as S;
        match self {
            S::Pending | S::PendingWait | S::PendingProceed => Stage::Coming,
            S::InService => Stage::InService,
            S::EnteringStandby | S::Standby => Stage::Aside,
            S::Detaching | S::Terminating | S::TerminatingWait | S::TerminatingProceed => Stage::Leaving,
            S::TerminatingRetained => Stage::Retained,
            S::WarmedPending
            | S::WarmedPendingWait
            | S::WarmedPendingProceed
            | S::WarmedStopped
            | S::WarmedRunning
            | S::WarmedHibernated => Stage::Warm,
            S::WarmedTerminating | S::WarmedTerminatingWait | S::WarmedTerminatingProceed => {
                Stage::LeavingWarm
            }
        }
    }

    /// It fills a place of the desired capacity.
    #[must_use]
    pub fn counts(self) -> bool {
        matches!(self.stage(), Stage::Coming | Stage::InService)
    }
}

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
    /// What a lifecycle hook waits in.
    pub enum Transition {
        Launching = "autoscaling:EC2_INSTANCE_LAUNCHING",
        Terminating = "autoscaling:EC2_INSTANCE_TERMINATING",
    }
}

named! {
    /// How a lifecycle action is completed.
    pub enum HookResult {
        Continue = "CONTINUE",
        Abandon = "ABANDON",
    }
}

named! {
    /// Where an instance comes from and goes to, in notifications.
    pub enum Place {
        Ec2 = "EC2",
        Group = "AutoScalingGroup",
        WarmPool = "WarmPool",
    }
}

named! {
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
    }
}

named! {
    /// Whom a scale-in takes first. Those that go by launch templates or billing hours say the same
    /// as `Default` here: the oldest of the fullest zone.
    pub enum TerminationPolicy {
        Default = "Default",
        OldestInstance = "OldestInstance",
        NewestInstance = "NewestInstance",
        OldestLaunchConfiguration = "OldestLaunchConfiguration",
        OldestLaunchTemplate = "OldestLaunchTemplate",
        ClosestToNextInstanceHour = "ClosestToNextInstanceHour",
        AllocationStrategy = "AllocationStrategy",
    }
}

named! {
    /// How far a scaling activity is (aws-facts 3.2), as far as the model goes.
    pub enum ActivityStatus {
        PreInService = "PreInService",
        InProgress = "InProgress",
        WaitingForElbConnectionDraining = "WaitingForELBConnectionDraining",
        MidLifecycleAction = "MidLifecycleAction",
        Successful = "Successful",
        Failed = "Failed",
        Cancelled = "Cancelled",
    }
}

impl ActivityStatus {
    /// Nothing more will come.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            ActivityStatus::PreInService
            | ActivityStatus::InProgress
            | ActivityStatus::WaitingForElbConnectionDraining
            | ActivityStatus::MidLifecycleAction => false,
            ActivityStatus::Successful | ActivityStatus::Failed | ActivityStatus::Cancelled => true,
        }
    }

    /// Per cent, as activities show it.
    #[must_use]
    pub fn progress(self) -> u8 {
        match self {
            ActivityStatus::PreInService => 30,
            ActivityStatus::InProgress | ActivityStatus::WaitingForElbConnectionDraining => 50,
            ActivityStatus::MidLifecycleAction => 60,
            ActivityStatus::Successful | ActivityStatus::Failed | ActivityStatus::Cancelled => 100,
        }
    }
}
