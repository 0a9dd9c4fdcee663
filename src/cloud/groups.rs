//! The core's questions to Auto Scaling in Auto Scaling's terms, and its answers in the core's.

use std::sync::Arc;

use super::autoscaling::{self as auto, AutoScaling};
use crate::decide::asg::seen::{GroupSeen, GroupsPage, HookSeen, MemberSeen};
use crate::decide::event::{CallError, Ec2State, Seen};
use crate::decide::group::LaunchBody;
use crate::decide::hook::notice::{HookAction, HookResult};
use crate::decide::words::Ec2Id;

/// `CompleteLifecycleAction`.
///
/// # Errors
/// As [`AutoScaling::complete_lifecycle_action`].
pub async fn complete(
    groups: &dyn AutoScaling,
    action: &HookAction,
    result: HookResult,
) -> Result<(), CallError> {
    groups.complete_lifecycle_action(&named(action), result).await
}

/// `RecordLifecycleActionHeartbeat`.
///
/// # Errors
/// As [`AutoScaling::record_lifecycle_action_heartbeat`].
pub async fn heartbeat(groups: &dyn AutoScaling, action: &HookAction) -> Result<(), CallError> {
    groups.record_lifecycle_action_heartbeat(&named(action)).await
}

fn named(action: &HookAction) -> auto::LifecycleAction {
    let key = match &action.token {
        Some(token) => auto::ActionKey::Token(token.clone()),
        None => auto::ActionKey::Instance(action.id),
    };
    auto::LifecycleAction { group: action.asg.clone(), hook: action.hook.clone(), key }
}

/// `LaunchInstances` with exactly this body, which names a group. An answer with no instance and with
/// reasons is an error with the first of them.
///
/// # Errors
/// As [`AutoScaling::launch_instances`].
pub async fn launch(groups: &dyn AutoScaling, asg: &str, body: &LaunchBody) -> Result<Vec<Seen>, CallError> {
    let launch = auto::GroupLaunch {
        group: asg.to_string(),
        token: body.token.clone(),
        count: body.max_count,
        place: Some(auto::Place::Subnet(body.subnet.clone())),
    };
    let launched = groups.launch_instances(&launch).await?;
    match launched.errors.into_iter().next() {
        Some(pool) if launched.instances.is_empty() => Err(pool.error),
        Some(_) | None => Ok(launched.instances.into_iter().map(|i| pending(i.id)).collect()),
    }
}

/// Just launched; its address comes with the first describe.
fn pending(id: Ec2Id) -> Seen {
    Seen { id, state: Ec2State::Pending, address: None, state_reason: None }
}

/// `DescribeAutoScalingGroups`, one page.
///
/// # Errors
/// As [`AutoScaling::describe_groups`].
pub async fn describe(
    groups: &dyn AutoScaling,
    asked: &[Arc<str>],
    page: Option<&str>,
) -> Result<GroupsPage, CallError> {
    let names: Vec<String> = asked.iter().map(ToString::to_string).collect();
    let page = groups.describe_groups(&names, true, page).await?;
    Ok(GroupsPage { groups: page.items.into_iter().map(group).collect(), next: page.next })
}

fn group(seen: auto::GroupSeen) -> GroupSeen {
    GroupSeen {
        asg: seen.name,
        min: seen.min,
        max: seen.max,
        desired: seen.desired,
        suspended: seen.suspended.iter().map(|s| s.process.to_string()).collect(),
        members: seen.members.into_iter().map(member).collect(),
    }
}

fn member(seen: auto::Member) -> MemberSeen {
    MemberSeen {
        id: seen.id,
        lifecycle: seen.state,
        healthy: seen.healthy,
        protected: seen.protected,
        zone: seen.zone.unwrap_or_default(),
    }
}

/// `DescribeLifecycleHooks`.
///
/// # Errors
/// As [`AutoScaling::describe_lifecycle_hooks`].
pub async fn hooks(groups: &dyn AutoScaling, asg: &str) -> Result<Vec<HookSeen>, CallError> {
    let hooks = groups.describe_lifecycle_hooks(asg).await?;
    Ok(hooks.into_iter().map(hook).collect())
}

fn hook(seen: auto::Hook) -> HookSeen {
    HookSeen {
        hook: seen.name,
        transition: seen.transition,
        heartbeat: seen.heartbeat_timeout,
        global: seen.global_timeout,
        default_result: seen.default_result,
    }
}

/// `TerminateInstanceInAutoScalingGroup`: all or none.
///
/// # Errors
/// As [`AutoScaling::terminate_members`].
pub async fn terminate(
    groups: &dyn AutoScaling,
    asg: &str,
    ids: &[Ec2Id],
    decrement: bool,
) -> Result<(), CallError> {
    groups.terminate_members(asg, ids, decrement).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_named_by_its_token_or_by_its_instance() {
        let mut action = HookAction {
            asg: "web".into(),
            hook: "muster".into(),
            token: Some("917070d0-a303-474b-a36c-a5e38a19de5e".into()),
            id: "i-1".parse().unwrap(),
        };
        assert_eq!(named(&action).key, auto::ActionKey::Token("917070d0-a303-474b-a36c-a5e38a19de5e".into()));
        action.token = None;
        assert_eq!(named(&action).key, auto::ActionKey::Instance(action.id));
    }
}
