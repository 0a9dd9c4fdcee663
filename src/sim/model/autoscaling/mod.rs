//! Auto Scaling: groups, what they do by themselves, and the calls about them (aws-facts 3).
//!
//! A group acts on its agenda: what it will do by itself, and when, is planned when its cause
//! happens, and done in order of time by [`AutoScaling::settle`]. EC2 is reached through what it
//! offers groups; other services hear of notices.

mod activity;
mod agenda;
pub mod balancing;
mod books;
pub mod call;
mod config;
mod create;
mod describe;
mod desired;
pub mod error;
mod flow;
mod group;
mod health;
mod hook;
mod hooks;
#[cfg(test)]
mod invariants;
mod launch;
mod marks;
mod member;
mod membership;
mod notify;
mod page;
mod pool;
mod record;
mod scale;
mod spread;
mod tags;
mod tally;
mod terminate;
#[cfg(test)]
pub(crate) mod testing;
pub mod view;
mod warm;
pub mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::settings::Settings;
use super::counters::ApiCounters;
use super::ec2::Ec2;
use super::ec2::bucket::Bucket;
use super::elbv2::Elbv2;
use super::notice::Notice;
use agenda::Event;
use books::{Books, Now};
use call::{Answer, Call};
use error::ApiError;
use group::Group;
use hook::Ending as HookEnding;

pub use desired::Adjustment;
pub use hook::{Ending, HookAction};
pub use tally::Tally;

/// What a group wants and may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub desired: u32,
    pub max: u32,
}

/// Auto Scaling of one account in one region.
#[derive(Debug)]
pub struct AutoScaling {
    groups: BTreeMap<Arc<str>, Group>,
    books: Books,
    bucket: Bucket,
}

impl AutoScaling {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> AutoScaling {
        AutoScaling {
            groups: BTreeMap::new(),
            bucket: Bucket::new(settings.autoscaling.bucket),
            books: Books::new(settings, seed),
        }
    }

    /// From now on these settings hold.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>) {
        self.books.settings = settings.clone();
    }

    /// Answers one call, metered.
    pub(super) fn handle(
        &mut self,
        call: &Call,
        (ec2, elbv2): (&mut Ec2, &Elbv2),
        meter: &mut ApiCounters,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        if call.action().is_some() {
            if !self.bucket.take(1, now_ms) {
                meter.throttled_by_requests += 1;
                return Err(ApiError::throttled(self.books.set().throttle_code));
            }
            meter.request_tokens += 1;
        }
        match call {
            Call::CreateAutoScalingGroup(call) => self.create_group(call, (ec2, elbv2), now_ms),
            Call::UpdateAutoScalingGroup { group, shape } => self.update_group(group, shape, ec2, now_ms),
            Call::DeleteAutoScalingGroup { group, force } => self.delete_group(group, *force, ec2, now_ms),
            Call::DescribeAutoScalingGroups(call) => self.describe_groups(call, ec2),
            Call::DescribeAutoScalingInstances { ids, page } => self.describe_instances(ids, page, ec2),
            Call::SetDesiredCapacity { group, desired, honor_cooldown } => {
                self.set_desired(group, *desired, *honor_cooldown, ec2, now_ms)
            }
            Call::LaunchInstances(call) => self.launch_instances(call, ec2, now_ms),
            Call::AttachInstances(members) => self.attach(members, ec2, now_ms),
            Call::DetachInstances { members, decrement } => self.detach(members, *decrement, ec2, now_ms),
            Call::EnterStandby { members, decrement } => self.enter_standby(members, *decrement, ec2, now_ms),
            Call::ExitStandby(members) => self.exit_standby(members, ec2, now_ms),
            Call::TerminateInstanceInAutoScalingGroup(call) => self.terminate(call, ec2, now_ms),
            Call::SetInstanceProtection { members, protected } => {
                self.protect(members, *protected, ec2, now_ms)
            }
            Call::SetInstanceHealth { id, status, respect_grace_period } => {
                self.set_health(id, *status, *respect_grace_period, ec2, now_ms)
            }
            Call::SuspendProcesses { group, processes } => self.suspend(group, processes, ec2, now_ms),
            Call::ResumeProcesses { group, processes } => self.resume(group, processes, ec2, now_ms),
            Call::DescribeScalingActivities(call) => self.describe_activities(call),
            Call::PutLifecycleHook { group, hook } => self.put_lifecycle_hook(group, hook, ec2, now_ms),
            Call::DeleteLifecycleHook { group, hook } => self.delete_hook(group, hook, ec2, now_ms),
            Call::DescribeLifecycleHooks { group, hooks } => self.describe_hooks(group, hooks),
            Call::RecordLifecycleActionHeartbeat(action) => self.heartbeat(action, ec2, now_ms),
            Call::CompleteLifecycleAction { action, result } => self.complete(action, *result, ec2, now_ms),
            Call::PutWarmPool { group, pool } => self.put_warm_pool(group, pool, ec2, now_ms),
            Call::DescribeWarmPool { group, page } => self.describe_warm_pool(group, page, ec2),
            Call::DeleteWarmPool { group, force } => self.delete_warm_pool(group, *force, ec2, now_ms),
            Call::AttachLoadBalancerTargetGroups { group, arns } => {
                self.attach_targets(group, arns, (ec2, elbv2), now_ms)
            }
            Call::DetachLoadBalancerTargetGroups { group, arns } => {
                self.detach_targets(group, arns, ec2, now_ms)
            }
            Call::DescribeLoadBalancerTargetGroups { group, page } => {
                self.describe_targets(group, page, (ec2, elbv2), now_ms)
            }
            Call::CreateOrUpdateTags(tags) => self.put_tags(tags, ec2, now_ms),
            Call::DeleteTags(tags) => self.delete_tags(tags, ec2, now_ms),
            Call::DescribeTags { filters, page } => self.describe_tags(filters, page),
            Call::DescribeAccountLimits => Ok(Answer::Limits {
                groups_max: self.books.set().groups_max,
                groups: u32::try_from(self.groups.len()).unwrap_or(u32::MAX),
            }),
            Call::DescribeLifecycleHookTypes => Ok(Answer::HookTypes),
            Call::DescribeAdjustmentTypes => Ok(Answer::AdjustmentTypes),
            Call::DescribeScalingProcessTypes => Ok(Answer::ProcessTypes),
            Call::DescribeTerminationPolicyTypes => Ok(Answer::TerminationPolicyTypes),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// Each group's sizes, and how many of its members are where.
    pub(super) fn tallies(&self) -> impl Iterator<Item = (Sizes, Tally)> + '_ {
        self.groups.values().map(|g| (Sizes { desired: g.desired, max: g.max }, g.tally))
    }

    /// Lifecycle actions that ended in this way.
    pub(super) fn ended(&self, ending: Ending) -> usize {
        self.books.actions.all().iter().filter(|a| a.ended == Some(ending)).count()
    }

    /// When something happens by itself next.
    pub(super) fn due(&self) -> Option<i64> {
        self.books.agenda.due()
    }

    /// Does what is due by now, in order of time.
    pub(super) fn settle(&mut self, ec2: &mut Ec2, elbv2: &Elbv2, now_ms: i64) {
        while let Some((at_ms, event)) = self.books.agenda.next(now_ms) {
            // What has ended until then has given its place back.
            ec2.settle(at_ms);
            self.act(event, ec2, elbv2, at_ms);
        }
    }

    /// What was told since the last time, and when.
    pub(super) fn take_told(&mut self) -> Vec<(i64, Notice)> {
        std::mem::take(&mut self.books.told)
    }

    /// The most request tokens that anyone could have taken between two times.
    pub(super) fn offered(&self, first_ms: i64, last_ms: i64) -> f64 {
        self.bucket.offered(first_ms, last_ms)
    }

    fn act(&mut self, event: Event, ec2: &mut Ec2, elbv2: &Elbv2, at_ms: i64) {
        let books = &mut self.books;
        let name = match &event {
            Event::Scale(name) | Event::Look(name) | Event::Step(name, _) | Event::Ended(name, _) => {
                name.clone()
            }
            Event::Heartbeat(number) => {
                let Some(action) = books.actions.get(*number).filter(|a| a.ended.is_none()) else { return };
                if action.times_out_ms > at_ms {
                    return books.agenda.plan(action.times_out_ms, event);
                }
                action.group.as_str().into()
            }
        };
        let Some(group) = self.groups.get_mut(&name) else { return };
        let mut now = Now { ms: at_ms, books, ec2 };
        match event {
            Event::Scale(_) if group.scales_ms == Some(at_ms) => {
                group.scales_ms = None;
                group.scale(&mut now);
            }
            // It was planned for an earlier time later on.
            Event::Scale(_) => {}
            Event::Look(_) => group.look(elbv2, &mut now),
            Event::Step(_, ordinal) => group.step(ordinal, &mut now),
            Event::Ended(_, ordinal) => group.ended(ordinal, &mut now),
            Event::Heartbeat(number) => {
                if let Some(result) = now.books.actions.get(number).map(|a| a.default_result) {
                    group.answered(number, HookEnding::TimedOut, result, &mut now);
                }
            }
        }
        self.bury(&name);
    }

    /// A group, and the moment, for a call that changes something.
    ///
    /// # Errors
    /// If there is no such group, or it is being deleted.
    fn at<'a>(
        &'a mut self,
        name: &str,
        ec2: &'a mut Ec2,
        now_ms: i64,
    ) -> Result<(&'a mut Group, Now<'a>), ApiError> {
        let group = self.groups.get_mut(name).ok_or_else(|| ApiError::no_group(name))?;
        if group.deleting {
            return Err(ApiError::invalid(format!("The Auto Scaling group {name} is pending delete")));
        }
        Ok((group, Now { ms: now_ms, books: &mut self.books, ec2 }))
    }
}

/// The ordinals of everyone in a group.
fn ordinals_of(group: &Group) -> Vec<u32> {
    group.members.keys().copied().collect()
}
