//! Auto Scaling behind our own words.
//!
//! - `words`: groups, members, hooks and launches as muster speaks of them.
//! - `client`: the [`AutoScaling`] trait over the SDK's client, one verb a file: `hooks`, `launch`,
//!   `describe`, `capacity`, `terminate`, `standby`, `marks`, `processes`, `warm`.
//! - `read`: Auto Scaling's words into ours.
//!
//! One call of a method is one request, describes of several pages included: all calls of an account
//! share one token bucket of unknown size (aws-facts 1.5), and only the caller knows what is most
//! urgent.

mod capacity;
mod client;
mod describe;
mod hooks;
mod launch;
mod marks;
mod processes;
mod read;
mod standby;
mod terminate;
#[cfg(test)]
pub(super) mod testing;
mod warm;
mod words;

pub use client::AwsAutoScaling;
pub use words::{
    ActionKey, GroupLaunch, GroupLaunched, GroupSeen, HealthStatus, Hook, HookResult, LaunchedInstance,
    Lifecycle, LifecycleAction, Member, Page, Place, PoolError, PoolState, Process, Source, Suspended,
    TemplateVersion, Transition, WarmPool, WarmPoolSeen,
};

use super::Outcome;
use crate::decide::words::Ec2Id;

/// Most instances of one `LaunchInstances` (aws-facts 3.1, as all of these).
pub const LAUNCH_MOST: u32 = 100;
/// Most groups that one describe names.
pub const GROUPS_MOST: usize = 100;
/// Most instances that one describe names, or one `SetInstanceProtection`.
pub const IDS_MOST: usize = 50;
/// Most instances that one `TerminateInstanceInAutoScalingGroup` names.
pub const TERMINATE_MOST: usize = 100;
/// Most instances that one `EnterStandby`, `ExitStandby` or `DetachInstances` names.
pub const STANDBY_MOST: usize = 20;

/// The Auto Scaling calls muster makes. One call of a method is one request: no retry hides in here.
///
/// A list that is empty asks for nothing and sends nothing: to Auto Scaling no names often mean all.
pub trait AutoScaling: Send + Sync + 'static {
    /// `CompleteLifecycleAction`. An action that is over, completed before or timed out, is
    /// [`crate::decide::words::ErrorClass::NoAction`].
    fn complete_lifecycle_action<'a>(
        &'a self,
        action: &'a LifecycleAction,
        result: HookResult,
    ) -> Outcome<'a, ()>;

    /// `RecordLifecycleActionHeartbeat`: the heartbeat timeout begins anew. The class of an action
    /// that is over is `NoAction`.
    fn record_lifecycle_action_heartbeat<'a>(&'a self, action: &'a LifecycleAction) -> Outcome<'a, ()>;

    /// `LaunchInstances` with exactly this body, for at most [`LAUNCH_MOST`]. It may be sent again: one
    /// token launches once.
    fn launch_instances<'a>(&'a self, body: &'a GroupLaunch) -> Outcome<'a, GroupLaunched>;

    /// `DescribeAutoScalingGroups` of at most [`GROUPS_MOST`] names, one page. Names that there are no
    /// groups of are left out. Without their members large groups are throttled less.
    fn describe_groups<'a>(
        &'a self,
        names: &'a [String],
        with_members: bool,
        page: Option<&'a str>,
    ) -> Outcome<'a, Page<GroupSeen>>;

    /// `DescribeAutoScalingInstances` of at most [`IDS_MOST`] ids, one page. Ids that are in no group
    /// are left out.
    fn describe_members<'a>(&'a self, ids: &'a [Ec2Id], page: Option<&'a str>) -> Outcome<'a, Page<Member>>;

    /// `DescribeLifecycleHooks`: all of a group, at most 50.
    fn describe_lifecycle_hooks<'a>(&'a self, group: &'a str) -> Outcome<'a, Vec<Hook>>;

    /// `DescribeWarmPool`, one page of its instances.
    fn describe_warm_pool<'a>(&'a self, group: &'a str, page: Option<&'a str>) -> Outcome<'a, WarmPoolSeen>;

    /// `SetDesiredCapacity`, without regard to the cooldown. Beyond the group's minimum or maximum it is
    /// [`crate::decide::words::ErrorClass::Size`].
    fn set_desired_capacity<'a>(&'a self, group: &'a str, desired: u32) -> Outcome<'a, ()>;

    /// `TerminateInstanceInAutoScalingGroup` for at most [`TERMINATE_MOST`] of a group: all or none.
    /// Without `decrement` the group replaces them.
    fn terminate_members<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id], decrement: bool) -> Outcome<'a, ()>;

    /// `TerminateInstanceInAutoScalingGroup` for one instance, whatever its group.
    fn terminate_member<'a>(&'a self, id: &'a Ec2Id, decrement: bool) -> Outcome<'a, ()>;

    /// `EnterStandby` for at most [`STANDBY_MOST`]. Without `decrement` the group replaces them.
    fn enter_standby<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id], decrement: bool) -> Outcome<'a, ()>;

    /// `DetachInstances` for at most [`STANDBY_MOST`]. Without `decrement` the group replaces them.
    fn detach_instances<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id], decrement: bool) -> Outcome<'a, ()>;

    /// `ExitStandby` for at most [`STANDBY_MOST`]. It raises the desired capacity by as many.
    fn exit_standby<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id]) -> Outcome<'a, ()>;

    /// `SetInstanceProtection` for at most [`IDS_MOST`]: from scale-in, and from nothing else.
    fn set_instance_protection<'a>(
        &'a self,
        group: &'a str,
        ids: &'a [Ec2Id],
        protected: bool,
    ) -> Outcome<'a, ()>;

    /// `SetInstanceHealth`. `Unhealthy` has the instance replaced at once, also within its grace period
    /// if that is not to be respected.
    fn set_instance_health<'a>(
        &'a self,
        id: &'a Ec2Id,
        health: HealthStatus,
        respect_grace_period: bool,
    ) -> Outcome<'a, ()>;

    /// `SuspendProcesses` for these, and never for all by leaving them out.
    fn suspend_processes<'a>(&'a self, group: &'a str, processes: &'a [Process]) -> Outcome<'a, ()>;

    /// `ResumeProcesses` for these, and never for all by leaving them out.
    fn resume_processes<'a>(&'a self, group: &'a str, processes: &'a [Process]) -> Outcome<'a, ()>;
}
