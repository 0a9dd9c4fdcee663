//! Auto Scaling's things as it shows them.

use std::sync::Arc;

use super::call::Source;
use super::words::{
    ActivityStatus, HealthStatus, HookResult, LifecycleState, PoolState, Process, TerminationPolicy,
    Transition,
};

/// One group.
#[derive(Clone, Debug)]
pub struct GroupView {
    pub name: Arc<str>,
    pub arn: String,
    pub source: Option<Source>,
    pub instance_types: Vec<String>,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    /// Seconds.
    pub default_cooldown: u32,
    pub zones: Vec<String>,
    pub subnets: Vec<String>,
    pub target_groups: Vec<String>,
    pub health_check_type: String,
    /// Seconds.
    pub health_check_grace_period: u32,
    /// None if they were not asked for.
    pub instances: Option<Vec<InstanceView>>,
    /// Milliseconds.
    pub created_ms: i64,
    pub suspended: Vec<Process>,
    /// `Delete in progress`, while it is.
    pub deleting: bool,
    pub tags: Vec<TagView>,
    pub termination_policies: Vec<TerminationPolicy>,
    pub protects_new: bool,
    pub warm_pool: Option<WarmPoolView>,
    pub warm_pool_size: u32,
}

/// One instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    pub id: String,
    pub group: Arc<str>,
    pub instance_type: String,
    pub zone: String,
    pub state: LifecycleState,
    pub health: HealthStatus,
    pub protected: bool,
    pub source: Option<Source>,
}

/// One scaling activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityView {
    pub id: String,
    pub group: Arc<str>,
    pub group_arn: Arc<str>,
    pub group_deleted: bool,
    pub description: String,
    pub cause: String,
    /// Milliseconds.
    pub start_ms: i64,
    pub end_ms: Option<i64>,
    pub status: ActivityStatus,
    pub message: Option<String>,
    /// JSON.
    pub details: String,
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookView {
    pub name: String,
    pub group: Arc<str>,
    pub transition: Transition,
    pub target: Option<String>,
    pub role: Option<String>,
    pub metadata: Option<String>,
    /// Seconds.
    pub heartbeat_timeout: u32,
    /// Seconds.
    pub global_timeout: u32,
    pub default_result: HookResult,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmPoolView {
    pub max_prepared: Option<u32>,
    pub min: u32,
    pub state: PoolState,
    pub reuse_on_scale_in: bool,
    /// `PendingDelete`, while it is.
    pub deleting: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagView {
    pub group: Arc<str>,
    pub key: String,
    pub value: String,
    pub propagates: bool,
}

/// What `LaunchInstances` launched in one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launched {
    /// None if the group's source says it and nothing was launched.
    pub instance_type: Option<String>,
    pub subnet: String,
    pub zone: String,
    pub ids: Vec<String>,
}

/// Why `LaunchInstances` launched less in one pool than it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchError {
    /// None if the group's source says it and nothing was launched.
    pub instance_type: Option<String>,
    pub subnet: String,
    pub zone: String,
    pub code: &'static str,
    pub message: String,
}
