//! Between muster's words and the model's, for Auto Scaling and the queue of its notifications.

use std::sync::Arc;
use std::time::Duration;

use crate::cloud::classify::classify;
use crate::decide::asg::seen::{GroupSeen, GroupsPage, HookSeen, Lifecycle, MemberSeen};
use crate::decide::event::{CallError, Ec2State, Seen};
use crate::decide::group::LaunchBody;
use crate::decide::hook::notice::{HookAction, HookNotice, HookResult, Transition};
use crate::decide::words::{Ec2Id, Time};
use crate::sim::model::autoscaling::call::{
    ActionName, Answer, Call, DescribeGroups, LaunchInstances, PageRequest, TerminateInstances,
};
use crate::sim::model::autoscaling::view::{GroupView, HookView};
use crate::sim::model::autoscaling::words::{HealthStatus, HookResult as ModelResult};
use crate::sim::model::call::{Answer as AnyAnswer, Call as AnyCall, Failure, Outcome};

use super::{unknown, wrong_answer};

fn name_of(action: &HookAction) -> ActionName {
    ActionName {
        group: action.asg.clone(),
        hook: action.hook.clone(),
        token: action.token.clone(),
        instance: action.token.is_none().then(|| action.id.to_string()),
    }
}

pub fn complete_call(action: &HookAction, result: HookResult) -> AnyCall {
    let result = match result {
        HookResult::Continue => ModelResult::Continue,
        HookResult::Abandon => ModelResult::Abandon,
    };
    AnyCall::AutoScaling(Call::CompleteLifecycleAction { action: name_of(action), result })
}

pub fn launch_call(body: &LaunchBody, asg: &str) -> AnyCall {
    AnyCall::AutoScaling(Call::LaunchInstances(LaunchInstances {
        group: asg.into(),
        count: body.max_count.into(),
        token: body.token.clone(),
        zones: Vec::new(),
        subnets: vec![body.subnet.clone()],
        retries: false,
    }))
}

/// What `LaunchInstances` gave. Nothing at all, and a reason: the reason is the answer.
pub fn launched(outcome: Outcome) -> Result<Vec<Seen>, CallError> {
    let Answer::Launched { launched, errors, .. } = answer(outcome)? else { return Err(wrong_answer()) };
    let ids = launched.iter().flat_map(|l| &l.ids);
    let seen: Vec<Seen> = ids
        .map(|id| {
            let id = id.parse().map_err(|e: String| unknown("unreadable", &e))?;
            Ok(Seen { id, state: Ec2State::Pending, address: None, state_reason: None })
        })
        .collect::<Result<_, CallError>>()?;
    match errors.first().filter(|_| seen.is_empty()) {
        Some(error) => {
            let (code, message) = (error.code.to_string(), error.message.clone());
            Err(CallError { class: classify(&code, 200, &message), code, message })
        }
        None => Ok(seen),
    }
}

pub fn heartbeat_call(action: &HookAction) -> AnyCall {
    AnyCall::AutoScaling(Call::RecordLifecycleActionHeartbeat(name_of(action)))
}

pub fn groups_call(asked: &[Arc<str>], page: Option<String>) -> AnyCall {
    AnyCall::AutoScaling(Call::DescribeAutoScalingGroups(DescribeGroups {
        groups: asked.iter().map(ToString::to_string).collect(),
        page: PageRequest { max_records: Some(100), next_token: page },
        ..DescribeGroups::default()
    }))
}

pub fn hooks_call(asg: &str) -> AnyCall {
    AnyCall::AutoScaling(Call::DescribeLifecycleHooks { group: asg.into(), hooks: Vec::new() })
}

pub fn terminate_in_group_call(asg: &str, ids: impl Iterator<Item = Ec2Id>, decrement: bool) -> AnyCall {
    let ids = ids.map(|id| id.to_string()).collect();
    AnyCall::AutoScaling(Call::TerminateInstanceInAutoScalingGroup(TerminateInstances {
        group: Some(asg.into()),
        ids,
        single: false,
        decrement,
    }))
}

fn answer(outcome: Outcome) -> Result<Answer, CallError> {
    match outcome {
        Outcome::Answer(AnyAnswer::AutoScaling(answer)) => Ok(answer),
        Outcome::Answer(_) => Err(wrong_answer()),
        Outcome::Error(Failure { code, http_status, message, .. }) => {
            Err(CallError { class: classify(code, http_status, &message), code: code.to_string(), message })
        }
        Outcome::Lost => Err(unknown("connect", "the reply was lost")),
    }
}

/// Of calls whose answer says nothing more.
pub fn done(outcome: Outcome) -> Result<(), CallError> {
    answer(outcome).map(drop)
}

pub fn groups(outcome: Outcome) -> Result<GroupsPage, CallError> {
    let Answer::Groups { groups, next_token } = answer(outcome)? else { return Err(wrong_answer()) };
    let groups = groups.iter().map(group).collect::<Result<_, _>>()?;
    Ok(GroupsPage { groups, next: next_token })
}

fn group(view: &GroupView) -> Result<GroupSeen, CallError> {
    let mut members = Vec::new();
    for m in view.instances.iter().flatten() {
        members.push(MemberSeen {
            id: m.id.parse().map_err(|e: String| unknown("unreadable", &e))?,
            lifecycle: m.state.as_str().parse().unwrap_or(Lifecycle::Other),
            healthy: m.health == HealthStatus::Healthy,
            protected: m.protected,
            zone: m.zone.clone(),
        });
    }
    Ok(GroupSeen {
        asg: view.name.to_string(),
        min: view.min,
        max: view.max,
        desired: view.desired,
        suspended: view.suspended.keys().map(|p| p.as_str().to_string()).collect(),
        members,
    })
}

pub fn hooks(outcome: Outcome) -> Result<Vec<HookSeen>, CallError> {
    let Answer::Hooks(hooks) = answer(outcome)? else { return Err(wrong_answer()) };
    hooks.iter().map(hook).collect()
}

fn hook(view: &HookView) -> Result<HookSeen, CallError> {
    let word = |e: String| unknown("unreadable", &e);
    Ok(HookSeen {
        hook: view.name.clone(),
        transition: view.transition.as_str().parse().map_err(word)?,
        heartbeat: Duration::from_secs(view.heartbeat_timeout.into()),
        global: Duration::from_secs(view.global_timeout.into()),
        default_result: view.default_result.as_str().parse().map_err(word)?,
    })
}

/// What a message in the queue tells. None for a test message.
pub fn notice(body: &str, at: Time) -> Option<HookNotice> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let text = |key: &str| Some(body.get(key)?.as_str()?.to_string());
    let transition: Transition = text("LifecycleTransition")?.parse().ok()?;
    let place = |key: &str| text(key)?.parse().ok();
    Some(HookNotice {
        asg: text("AutoScalingGroupName")?,
        hook: text("LifecycleHookName")?,
        token: text("LifecycleActionToken")?,
        transition,
        id: text("EC2InstanceId")?.parse().ok()?,
        origin: place("Origin"),
        destination: place("Destination"),
        // Virtual time is AWS's time here, and the message says when it was sent.
        sent_at: text("Time")
            .and_then(|t| t.parse::<jiff::Timestamp>().ok())
            .map(|t| Time(t.as_millisecond()))
            .filter(|t| *t <= at),
    })
}
