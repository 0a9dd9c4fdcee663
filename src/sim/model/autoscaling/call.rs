//! What Auto Scaling is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;

use crate::decide::words::named;

use super::error::ApiError;
use super::view::{
    ActivityView, GroupView, HookView, InstanceView, LaunchError, Launched, TagView, WarmPoolView,
};
use super::words::{HealthStatus, HookResult, PoolState, Process, TerminationPolicy, Transition};

named! {
    /// The actions the model knows.
    pub enum Action {
        AttachInstances = "AttachInstances",
        AttachLoadBalancerTargetGroups = "AttachLoadBalancerTargetGroups",
        CompleteLifecycleAction = "CompleteLifecycleAction",
        CreateAutoScalingGroup = "CreateAutoScalingGroup",
        CreateOrUpdateTags = "CreateOrUpdateTags",
        DeleteAutoScalingGroup = "DeleteAutoScalingGroup",
        DeleteLifecycleHook = "DeleteLifecycleHook",
        DeleteTags = "DeleteTags",
        DeleteWarmPool = "DeleteWarmPool",
        DescribeAccountLimits = "DescribeAccountLimits",
        DescribeAdjustmentTypes = "DescribeAdjustmentTypes",
        DescribeAutoScalingGroups = "DescribeAutoScalingGroups",
        DescribeAutoScalingInstances = "DescribeAutoScalingInstances",
        DescribeLifecycleHooks = "DescribeLifecycleHooks",
        DescribeLifecycleHookTypes = "DescribeLifecycleHookTypes",
        DescribeLoadBalancerTargetGroups = "DescribeLoadBalancerTargetGroups",
        DescribeScalingActivities = "DescribeScalingActivities",
        DescribeScalingProcessTypes = "DescribeScalingProcessTypes",
        DescribeTags = "DescribeTags",
        DescribeTerminationPolicyTypes = "DescribeTerminationPolicyTypes",
        DescribeWarmPool = "DescribeWarmPool",
        DetachInstances = "DetachInstances",
        DetachLoadBalancerTargetGroups = "DetachLoadBalancerTargetGroups",
        EnterStandby = "EnterStandby",
        ExitStandby = "ExitStandby",
        LaunchInstances = "LaunchInstances",
        PutLifecycleHook = "PutLifecycleHook",
        PutWarmPool = "PutWarmPool",
        RecordLifecycleActionHeartbeat = "RecordLifecycleActionHeartbeat",
        ResumeProcesses = "ResumeProcesses",
        SetDesiredCapacity = "SetDesiredCapacity",
        SetInstanceHealth = "SetInstanceHealth",
        SetInstanceProtection = "SetInstanceProtection",
        SuspendProcesses = "SuspendProcesses",
        TerminateInstanceInAutoScalingGroup = "TerminateInstanceInAutoScalingGroup",
        UpdateAutoScalingGroup = "UpdateAutoScalingGroup",
    }
}

/// One call.
#[derive(Clone, Debug)]
pub enum Call {
    CreateAutoScalingGroup(Box<CreateGroup>),
    UpdateAutoScalingGroup {
        group: String,
        shape: Box<Shape>,
    },
    DeleteAutoScalingGroup {
        group: String,
        force: bool,
    },
    DescribeAutoScalingGroups(DescribeGroups),
    DescribeAutoScalingInstances {
        ids: Vec<String>,
        page: PageRequest,
    },
    SetDesiredCapacity {
        group: String,
        desired: i64,
        honor_cooldown: bool,
    },
    LaunchInstances(LaunchInstances),
    AttachInstances(Members),
    DetachInstances {
        members: Members,
        decrement: bool,
    },
    EnterStandby {
        members: Members,
        decrement: bool,
    },
    ExitStandby(Members),
    TerminateInstanceInAutoScalingGroup(TerminateInstances),
    SetInstanceProtection {
        members: Members,
        protected: bool,
    },
    SetInstanceHealth {
        id: String,
        status: HealthStatus,
        respect_grace_period: bool,
    },
    SuspendProcesses {
        group: String,
        processes: Vec<Process>,
    },
    ResumeProcesses {
        group: String,
        processes: Vec<Process>,
    },
    DescribeScalingActivities(DescribeActivities),
    PutLifecycleHook {
        group: String,
        hook: PutHook,
    },
    DeleteLifecycleHook {
        group: String,
        hook: String,
    },
    DescribeLifecycleHooks {
        group: String,
        hooks: Vec<String>,
    },
    DescribeLifecycleHookTypes,
    RecordLifecycleActionHeartbeat(ActionName),
    CompleteLifecycleAction {
        action: ActionName,
        result: HookResult,
    },
    PutWarmPool {
        group: String,
        pool: PutWarmPool,
    },
    DescribeWarmPool {
        group: String,
        page: PageRequest,
    },
    DeleteWarmPool {
        group: String,
        force: bool,
    },
    AttachLoadBalancerTargetGroups {
        group: String,
        arns: Vec<String>,
    },
    DetachLoadBalancerTargetGroups {
        group: String,
        arns: Vec<String>,
    },
    DescribeLoadBalancerTargetGroups {
        group: String,
        page: PageRequest,
    },
    CreateOrUpdateTags(Vec<Tag>),
    DeleteTags(Vec<Tag>),
    DescribeTags {
        filters: Vec<Filter>,
        page: PageRequest,
    },
    DescribeAccountLimits,
    DescribeAdjustmentTypes,
    DescribeScalingProcessTypes,
    DescribeTerminationPolicyTypes,
    /// The front could not make sense of it. It is still metered, counted and answered here.
    /// Without an action it costs nothing.
    Unreadable {
        action: Option<Action>,
        error: ApiError,
    },
}

impl Call {
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match self {
            Call::CreateAutoScalingGroup(_) => Action::CreateAutoScalingGroup,
            Call::UpdateAutoScalingGroup { .. } => Action::UpdateAutoScalingGroup,
            Call::DeleteAutoScalingGroup { .. } => Action::DeleteAutoScalingGroup,
            Call::DescribeAutoScalingGroups(_) => Action::DescribeAutoScalingGroups,
            Call::DescribeAutoScalingInstances { .. } => Action::DescribeAutoScalingInstances,
            Call::SetDesiredCapacity { .. } => Action::SetDesiredCapacity,
            Call::LaunchInstances(_) => Action::LaunchInstances,
            Call::AttachInstances(_) => Action::AttachInstances,
            Call::DetachInstances { .. } => Action::DetachInstances,
            Call::EnterStandby { .. } => Action::EnterStandby,
            Call::ExitStandby(_) => Action::ExitStandby,
            Call::TerminateInstanceInAutoScalingGroup(_) => Action::TerminateInstanceInAutoScalingGroup,
            Call::SetInstanceProtection { .. } => Action::SetInstanceProtection,
            Call::SetInstanceHealth { .. } => Action::SetInstanceHealth,
            Call::SuspendProcesses { .. } => Action::SuspendProcesses,
            Call::ResumeProcesses { .. } => Action::ResumeProcesses,
            Call::DescribeScalingActivities(_) => Action::DescribeScalingActivities,
            Call::PutLifecycleHook { .. } => Action::PutLifecycleHook,
            Call::DeleteLifecycleHook { .. } => Action::DeleteLifecycleHook,
            Call::DescribeLifecycleHooks { .. } => Action::DescribeLifecycleHooks,
            Call::DescribeLifecycleHookTypes => Action::DescribeLifecycleHookTypes,
            Call::RecordLifecycleActionHeartbeat(_) => Action::RecordLifecycleActionHeartbeat,
            Call::CompleteLifecycleAction { .. } => Action::CompleteLifecycleAction,
            Call::PutWarmPool { .. } => Action::PutWarmPool,
            Call::DescribeWarmPool { .. } => Action::DescribeWarmPool,
            Call::DeleteWarmPool { .. } => Action::DeleteWarmPool,
            Call::AttachLoadBalancerTargetGroups { .. } => Action::AttachLoadBalancerTargetGroups,
            Call::DetachLoadBalancerTargetGroups { .. } => Action::DetachLoadBalancerTargetGroups,
            Call::DescribeLoadBalancerTargetGroups { .. } => Action::DescribeLoadBalancerTargetGroups,
            Call::CreateOrUpdateTags(_) => Action::CreateOrUpdateTags,
            Call::DeleteTags(_) => Action::DeleteTags,
            Call::DescribeTags { .. } => Action::DescribeTags,
            Call::DescribeAccountLimits => Action::DescribeAccountLimits,
            Call::DescribeAdjustmentTypes => Action::DescribeAdjustmentTypes,
            Call::DescribeScalingProcessTypes => Action::DescribeScalingProcessTypes,
            Call::DescribeTerminationPolicyTypes => Action::DescribeTerminationPolicyTypes,
            Call::Unreadable { action, .. } => return *action,
        })
    }
}

/// `MaxRecords` and `NextToken`, as on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    pub max_records: Option<i64>,
    pub next_token: Option<String>,
}

/// All filters must match; a filter matches if one of its values does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub name: String,
    pub values: Vec<String>,
}

/// Some instances of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    pub group: String,
    pub ids: Vec<String>,
}

/// What a group launches from, as it was named. Nothing is looked up: any name is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Template { id: Option<String>, name: Option<String>, version: Option<String> },
    Configuration(String),
}

/// What can be said about a group when it is created and changed later. What is not said keeps its
/// value or gets its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// As on the wire: a negative one is refused, not unread.
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub desired: Option<i64>,
    pub source: Option<Source>,
    /// Of a mixed instances policy's overrides, in order.
    pub instance_types: Vec<String>,
    pub zones: Vec<String>,
    /// `VPCZoneIdentifier`, split.
    pub subnets: Vec<String>,
    /// Seconds.
    pub default_cooldown: Option<i64>,
    pub health_check_type: Option<String>,
    /// Seconds.
    pub health_check_grace_period: Option<i64>,
    pub protects_new: Option<bool>,
    pub termination_policies: Vec<TerminationPolicy>,
    pub deletion_protection: Option<String>,
    /// `InstanceLifecyclePolicy.RetentionTriggers.TerminateHookAbandon` is `retain`.
    pub retains: Option<bool>,
    /// Seconds.
    pub max_instance_lifetime: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateGroup {
    pub group: String,
    pub shape: Shape,
    pub target_groups: Vec<String>,
    pub hooks: Vec<PutHook>,
    pub tags: Vec<Tag>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribeGroups {
    pub groups: Vec<String>,
    pub filters: Vec<Filter>,
    pub without_instances: bool,
    pub page: PageRequest,
}

/// `LaunchInstances` (aws-facts 3.5). Two calls with one token are the same call if they are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchInstances {
    pub group: String,
    pub count: i64,
    pub token: String,
    pub zones: Vec<String>,
    pub subnets: Vec<String>,
    /// `RetryStrategy` is `retry-with-group-configuration`.
    pub retries: bool,
}

/// `TerminateInstanceInAutoScalingGroup`, in either form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminateInstances {
    /// None in the form with one id.
    pub group: Option<String>,
    pub ids: Vec<String>,
    /// The form with one id: it is answered with one activity.
    pub single: bool,
    pub decrement: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribeActivities {
    pub ids: Vec<String>,
    pub group: Option<String>,
    pub include_deleted: bool,
    pub page: PageRequest,
}

/// What is said of a hook. What is not said keeps its value or gets its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutHook {
    pub name: String,
    pub transition: Option<Transition>,
    /// Empty: none.
    pub target: Option<String>,
    pub role: Option<String>,
    pub metadata: Option<String>,
    /// Seconds.
    pub heartbeat_timeout: Option<i64>,
    pub default_result: Option<HookResult>,
}

/// Which lifecycle action is meant: by its token, or by its instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionName {
    pub group: String,
    pub hook: String,
    pub token: Option<String>,
    pub instance: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutWarmPool {
    /// -1 takes a limit that was set away.
    pub max_prepared: Option<i64>,
    pub min: Option<i64>,
    pub state: Option<PoolState>,
    pub reuse_on_scale_in: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    pub group: Option<String>,
    pub key: String,
    pub value: Option<String>,
    pub propagates: bool,
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done; there is nothing to say. Some actions have an empty result element for it.
    Done(Action),
    Groups {
        groups: Vec<GroupView>,
        next_token: Option<String>,
    },
    Instances {
        instances: Vec<InstanceView>,
        next_token: Option<String>,
    },
    Launched {
        launched: Vec<Launched>,
        errors: Vec<LaunchError>,
        token: String,
        group: String,
    },
    /// Of the actions that answer with the activities they began.
    Activities {
        action: Action,
        activities: Vec<ActivityView>,
        next_token: Option<String>,
    },
    /// Of `TerminateInstanceInAutoScalingGroup` in the form with one id.
    Activity(Box<ActivityView>),
    Hooks(Vec<HookView>),
    WarmPool {
        pool: Option<WarmPoolView>,
        instances: Vec<InstanceView>,
        next_token: Option<String>,
    },
    /// ARNs with their states.
    TargetGroups {
        targets: BTreeMap<String, &'static str>,
        next_token: Option<String>,
    },
    Tags {
        tags: Vec<TagView>,
        next_token: Option<String>,
    },
    Limits {
        groups_max: u32,
        groups: u32,
    },
    /// Names that never change.
    HookTypes,
    AdjustmentTypes,
    ProcessTypes,
    TerminationPolicyTypes,
}
