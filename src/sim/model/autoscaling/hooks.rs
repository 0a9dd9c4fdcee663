//! The calls about lifecycle hooks and their actions (aws-facts 3.6).

use super::super::ec2::Ec2;
use super::AutoScaling;
use super::books::Now;
use super::call::{Action, ActionName, Answer, PutHook};
use super::error::{ApiError, Code};
use super::group::Group;
use super::hook::{Ending, Hook};
use super::notify;
use super::words::{HookResult, Transition};

/// Hooks of one group (aws-facts 3.1).
const HOOKS_MAX: usize = 50;
const METADATA_MAX: usize = 4_000;
/// Seconds.
const HEARTBEAT: std::ops::RangeInclusive<i64> = 30..=7_200;
const HEARTBEAT_DEFAULT: u32 = 3_600;
/// A token is written as a UUID.
const TOKEN_LENGTH: usize = 36;

impl AutoScaling {
    pub(super) fn put_lifecycle_hook(
        &mut self,
        name: &str,
        call: &PutHook,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        group.put_hook(call, &mut now)?;
        Ok(Answer::Done(Action::PutLifecycleHook))
    }

    /// Actions that wait for it end: launches are abandoned, terminations go on.
    pub(super) fn delete_hook(
        &mut self,
        name: &str,
        hook: &str,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(name, ec2, now_ms)?;
        let Some(removed) = group.hooks.remove(hook) else {
            return Err(ApiError::invalid(format!(
                "No Lifecycle Hook found with name {hook} for Auto Scaling group {name}"
            )));
        };
        let result = match removed.transition {
            Transition::Launching => HookResult::Abandon,
            Transition::Terminating => HookResult::Continue,
        };
        let ordinals: Vec<u32> = group.members.keys().copied().collect();
        for ordinal in ordinals {
            for number in now.books.actions.open_of(ordinal).to_vec() {
                if now.books.actions.get(number).is_some_and(|a| a.hook == hook) {
                    group.answered(number, Ending::HookDeleted, result, &mut now);
                }
            }
        }
        Ok(Answer::Done(Action::DeleteLifecycleHook))
    }

    pub(super) fn describe_hooks(&self, name: &str, names: &[String]) -> Result<Answer, ApiError> {
        let group = self.groups.get(name).ok_or_else(|| ApiError::no_group(name))?;
        let asked = |hook: &&Hook| names.is_empty() || names.contains(&hook.name);
        Ok(Answer::Hooks(group.hooks.values().filter(asked).map(|h| h.view(&group.name)).collect()))
    }

    pub(super) fn heartbeat(
        &mut self,
        call: &ActionName,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (_, now) = self.at(&call.group, ec2, now_ms)?;
        let number = find(call, &now)?;
        now.books.actions.heartbeat(number, now_ms);
        Ok(Answer::Done(Action::RecordLifecycleActionHeartbeat))
    }

    pub(super) fn complete(
        &mut self,
        call: &ActionName,
        result: HookResult,
        ec2: &mut Ec2,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let (group, mut now) = self.at(&call.group, ec2, now_ms)?;
        let number = find(call, &now)?;
        let ending = match result {
            HookResult::Continue => Ending::Continued,
            HookResult::Abandon => Ending::Abandoned,
        };
        group.answered(number, ending, result, &mut now);
        Ok(Answer::Done(Action::CompleteLifecycleAction))
    }
}

/// The action that waits, by its token or by its instance.
fn find(call: &ActionName, now: &Now<'_>) -> Result<usize, ApiError> {
    let actions = &now.books.actions;
    let fits =
        |number: &usize| actions.get(*number).is_some_and(|a| a.group == call.group && a.hook == call.hook);
    match (&call.token, &call.instance) {
        (Some(token), _) if token.len() != TOKEN_LENGTH => Err(ApiError::constraint(
            token,
            "LifecycleActionToken",
            "Member must have length between 36 and 36",
        )),
        (Some(token), _) => actions
            .open_with_token(token)
            .filter(fits)
            .ok_or_else(|| ApiError::invalid(format!("No active Lifecycle Action found with token {token}"))),
        (None, Some(id)) => {
            let open = now.ec2.ordinal_of(id).map_or(&[][..], |ordinal| actions.open_of(ordinal));
            open.iter().copied().find(fits).ok_or_else(|| {
                ApiError::invalid(format!("No active Lifecycle Action found with instance ID {id}"))
            })
        }
        (None, None) => {
            Err(ApiError::invalid("Either the LifecycleActionToken or the InstanceId must be specified."))
        }
    }
}

impl Group {
    /// A hook is made, or changed where something is said. Its target hears of it.
    pub(super) fn put_hook(&mut self, call: &PutHook, now: &mut Now<'_>) -> Result<(), ApiError> {
        let before = self.hooks.get(&call.name);
        if before.is_none() && self.hooks.len() >= HOOKS_MAX {
            return Err(ApiError::new(
                Code::LimitExceeded,
                format!("The limit of {HOOKS_MAX} lifecycle hooks of an Auto Scaling group is reached"),
            ));
        }
        let hook = read(call, before)?;
        if let Some(target) = &hook.target
            && call.target.is_some()
        {
            notify::test(target, &self.name, &self.arn, now);
        }
        self.hooks.insert(hook.name.clone(), hook);
        Ok(())
    }
}

fn read(call: &PutHook, before: Option<&Hook>) -> Result<Hook, ApiError> {
    let Some(transition) = call.transition.or(before.map(|h| h.transition)) else {
        return Err(ApiError::missing("LifecycleTransition"));
    };
    let valid = !call.name.is_empty()
        && call.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'));
    if !valid || call.name.len() > 255 {
        return Err(ApiError::constraint(
            &call.name,
            "LifecycleHookName",
            r"Member must have 1 to 255 characters and satisfy regular expression pattern: [A-Za-z0-9\-_\/]+",
        ));
    }
    let heartbeat_timeout = match call.heartbeat_timeout {
        None => before.map_or(HEARTBEAT_DEFAULT, |h| h.heartbeat_timeout),
        Some(seconds) => {
            u32::try_from(seconds).ok().filter(|_| HEARTBEAT.contains(&seconds)).ok_or_else(|| {
                ApiError::invalid(format!(
                    "Heartbeat timeout of {seconds} s is invalid. It must be between {} and {} seconds.",
                    HEARTBEAT.start(),
                    HEARTBEAT.end()
                ))
            })?
        }
    };
    if call.metadata.as_ref().is_some_and(|m| m.is_empty() || m.len() > METADATA_MAX) {
        return Err(ApiError::invalid(format!(
            "NotificationMetadata must have 1 to {METADATA_MAX} characters"
        )));
    }
    Ok(Hook {
        name: call.name.clone(),
        transition,
        target: target(call, before)?,
        role: call.role.clone().or_else(|| before.and_then(|h| h.role.clone())),
        metadata: call.metadata.clone().or_else(|| before.and_then(|h| h.metadata.clone())),
        heartbeat_timeout,
        default_result: call
            .default_result
            .or(before.map(|h| h.default_result))
            .unwrap_or(HookResult::Abandon),
    })
}

/// A queue or a topic of the same region, and no FIFO one. An empty ARN takes it away.
fn target(call: &PutHook, before: Option<&Hook>) -> Result<Option<String>, ApiError> {
    let Some(arn) = &call.target else { return Ok(before.and_then(|h| h.target.clone())) };
    if arn.is_empty() {
        return Ok(None);
    }
    let parts: Vec<&str> = arn.split(':').collect();
    let fits = parts.len() == 6
        && parts.first() == Some(&"arn")
        && matches!(parts.get(2), Some(&("sqs" | "sns")))
        && parts.last().is_some_and(|name| !name.is_empty() && !has_fifo(name));
    if fits {
        Ok(Some(arn.clone()))
    } else {
        Err(ApiError::invalid(format!(
            "Unable to publish test message to notification target {arn} using IAM role {}. Please check your target \
             and role configuration and try to put lifecycle hook again.",
            call.role.as_deref().unwrap_or_default()
        )))
    }
}

fn has_fifo(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo")
}
