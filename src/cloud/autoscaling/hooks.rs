//! Lifecycle hooks and their actions.

use super::super::failure;
use super::read;
use super::{ActionKey, AwsAutoScaling, Hook, HookResult, LifecycleAction};
use crate::decide::event::CallError;

pub(super) async fn complete(
    aws: &AwsAutoScaling,
    action: &LifecycleAction,
    result: HookResult,
) -> Result<(), CallError> {
    let (token, instance) = key(action);
    let request = aws
        .client
        .complete_lifecycle_action()
        .auto_scaling_group_name(&action.group)
        .lifecycle_hook_name(&action.hook)
        .set_lifecycle_action_token(token)
        .set_instance_id(instance)
        .lifecycle_action_result(result.as_str());
    aws.calls.make(request.send()).await.map(drop)
}

pub(super) async fn heartbeat(aws: &AwsAutoScaling, action: &LifecycleAction) -> Result<(), CallError> {
    let (token, instance) = key(action);
    let request = aws
        .client
        .record_lifecycle_action_heartbeat()
        .auto_scaling_group_name(&action.group)
        .lifecycle_hook_name(&action.hook)
        .set_lifecycle_action_token(token)
        .set_instance_id(instance);
    aws.calls.make(request.send()).await.map(drop)
}

fn key(action: &LifecycleAction) -> (Option<String>, Option<String>) {
    match &action.key {
        ActionKey::Token(token) => (Some(token.clone()), None),
        ActionKey::Instance(id) => (None, Some(id.to_string())),
    }
}

pub(super) async fn describe(aws: &AwsAutoScaling, group: &str) -> Result<Vec<Hook>, CallError> {
    let request = aws.client.describe_lifecycle_hooks().auto_scaling_group_name(group);
    let answer = aws.calls.make(request.send()).await?;
    answer.lifecycle_hooks().iter().map(read::hook).collect::<Result<_, _>>().map_err(failure::unreadable)
}
