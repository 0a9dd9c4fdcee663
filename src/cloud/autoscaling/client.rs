//! The client, and the trait's methods as calls of the verbs.

use aws_sdk_autoscaling::Client;

use super::super::Outcome;
use super::super::account::{Account, Calls};
use super::super::http::Answers;
use super::{
    AutoScaling, GroupLaunch, GroupLaunched, GroupSeen, HealthStatus, Hook, HookResult, LifecycleAction,
    Member, Page, Process, WarmPoolSeen,
};
use super::{capacity, describe, hooks, launch, marks, processes, standby, terminate, warm};
use crate::decide::words::Ec2Id;

/// Auto Scaling in one Region.
#[derive(Clone, Debug)]
pub struct AwsAutoScaling {
    pub(super) client: Client,
    pub(super) calls: Calls,
}

impl AwsAutoScaling {
    /// A client of this account.
    #[must_use]
    pub fn of(account: &Account) -> AwsAutoScaling {
        AwsAutoScaling { client: Client::new(&account.config(Answers::WholeXml)), calls: account.calls() }
    }
}

impl AutoScaling for AwsAutoScaling {
    fn complete_lifecycle_action<'a>(
        &'a self,
        action: &'a LifecycleAction,
        result: HookResult,
    ) -> Outcome<'a, ()> {
        Box::pin(hooks::complete(self, action, result))
    }

    fn record_lifecycle_action_heartbeat<'a>(&'a self, action: &'a LifecycleAction) -> Outcome<'a, ()> {
        Box::pin(hooks::heartbeat(self, action))
    }

    fn launch_instances<'a>(&'a self, body: &'a GroupLaunch) -> Outcome<'a, GroupLaunched> {
        Box::pin(launch::launch(self, body))
    }

    fn describe_groups<'a>(
        &'a self,
        names: &'a [String],
        with_members: bool,
        page: Option<&'a str>,
    ) -> Outcome<'a, Page<GroupSeen>> {
        Box::pin(describe::groups(self, names, with_members, page))
    }

    fn describe_members<'a>(&'a self, ids: &'a [Ec2Id], page: Option<&'a str>) -> Outcome<'a, Page<Member>> {
        Box::pin(describe::members(self, ids, page))
    }

    fn describe_lifecycle_hooks<'a>(&'a self, group: &'a str) -> Outcome<'a, Vec<Hook>> {
        Box::pin(hooks::describe(self, group))
    }

    fn describe_warm_pool<'a>(&'a self, group: &'a str, page: Option<&'a str>) -> Outcome<'a, WarmPoolSeen> {
        Box::pin(warm::describe(self, group, page))
    }

    fn set_desired_capacity<'a>(&'a self, group: &'a str, desired: u32) -> Outcome<'a, ()> {
        Box::pin(capacity::set_desired(self, group, desired))
    }

    fn terminate_members<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id], decrement: bool) -> Outcome<'a, ()> {
        Box::pin(terminate::members(self, group, ids, decrement))
    }

    fn terminate_member<'a>(&'a self, id: &'a Ec2Id, decrement: bool) -> Outcome<'a, ()> {
        Box::pin(terminate::member(self, *id, decrement))
    }

    fn enter_standby<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id], decrement: bool) -> Outcome<'a, ()> {
        Box::pin(standby::enter(self, group, ids, decrement))
    }

    fn detach_instances<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id], decrement: bool) -> Outcome<'a, ()> {
        Box::pin(standby::detach(self, group, ids, decrement))
    }

    fn exit_standby<'a>(&'a self, group: &'a str, ids: &'a [Ec2Id]) -> Outcome<'a, ()> {
        Box::pin(standby::exit(self, group, ids))
    }

    fn set_instance_protection<'a>(
        &'a self,
        group: &'a str,
        ids: &'a [Ec2Id],
        protected: bool,
    ) -> Outcome<'a, ()> {
        Box::pin(marks::protect(self, group, ids, protected))
    }

    fn set_instance_health<'a>(
        &'a self,
        id: &'a Ec2Id,
        health: HealthStatus,
        respect_grace_period: bool,
    ) -> Outcome<'a, ()> {
        Box::pin(marks::health(self, *id, health, respect_grace_period))
    }

    fn suspend_processes<'a>(&'a self, group: &'a str, processes: &'a [Process]) -> Outcome<'a, ()> {
        Box::pin(processes::suspend(self, group, processes))
    }

    fn resume_processes<'a>(&'a self, group: &'a str, processes: &'a [Process]) -> Outcome<'a, ()> {
        Box::pin(processes::resume(self, group, processes))
    }
}

/// The ids as Auto Scaling takes them.
pub(super) fn texts(ids: &[Ec2Id]) -> Vec<String> {
    ids.iter().map(Ec2Id::to_string).collect()
}
