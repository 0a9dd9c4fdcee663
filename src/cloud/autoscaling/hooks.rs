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

#[cfg(test)]
mod tests {
    use super::super::AutoScaling;
    use super::super::testing::{answer, error, exchanged, sent};
    use super::*;
    use crate::decide::words::ErrorClass;

    fn action(key: ActionKey) -> LifecycleAction {
        LifecycleAction { group: "web".into(), hook: "boot".into(), key }
    }

    fn token() -> ActionKey {
        ActionKey::Token("917070d0-a303-474b-a36c-a5e38a19de5e".into())
    }

    #[tokio::test]
    async fn an_action_is_completed_by_its_token_or_its_instance() {
        let form = sent("CompleteLifecycleAction", "", async |aws| {
            aws.complete_lifecycle_action(&action(token()), HookResult::Continue).await
        })
        .await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        LifecycleActionResult=CONTINUE
        LifecycleActionToken=917070d0-a303-474b-a36c-a5e38a19de5e
        LifecycleHookName=boot
        ");
        let by_instance = action(ActionKey::Instance("i-01".parse().unwrap()));
        let form = sent("CompleteLifecycleAction", "", async |aws| {
            aws.complete_lifecycle_action(&by_instance, HookResult::Abandon).await
        })
        .await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        InstanceId=i-01
        LifecycleActionResult=ABANDON
        LifecycleHookName=boot
        ");
    }

    #[tokio::test]
    async fn a_heartbeat_names_the_same() {
        let form = sent("RecordLifecycleActionHeartbeat", "", async |aws| {
            aws.record_lifecycle_action_heartbeat(&action(token())).await
        })
        .await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        LifecycleActionToken=917070d0-a303-474b-a36c-a5e38a19de5e
        LifecycleHookName=boot
        ");
    }

    #[tokio::test]
    async fn an_action_that_is_over_says_so() {
        let text = error("ValidationError", "No active Lifecycle Action found with token 917070d0");
        let (outcome, _) = exchanged("400 X", &text, async |aws| {
            aws.complete_lifecycle_action(&action(token()), HookResult::Continue).await
        })
        .await;
        assert_eq!(outcome.unwrap_err().class, ErrorClass::NoAction);
    }

    #[tokio::test]
    async fn hooks_are_all_of_a_group() {
        let text = answer(
            "DescribeLifecycleHooks",
            "<LifecycleHooks><member><LifecycleHookName>boot</LifecycleHookName>\
             <LifecycleTransition>autoscaling:EC2_INSTANCE_LAUNCHING</LifecycleTransition>\
             <HeartbeatTimeout>120</HeartbeatTimeout><GlobalTimeout>12000</GlobalTimeout>\
             <DefaultResult>ABANDON</DefaultResult></member></LifecycleHooks>",
        );
        let (hooks, sent) =
            exchanged("200 OK", &text, async |aws| aws.describe_lifecycle_hooks("web").await).await;
        assert_eq!(hooks.unwrap()[0].name, "boot");
        assert!(sent[0].contains("AutoScalingGroupName=web"), "{}", sent[0]);
        let odd = text.replace("ABANDON", "PERHAPS");
        let (hooks, _) =
            exchanged("200 OK", &odd, async |aws| aws.describe_lifecycle_hooks("web").await).await;
        let e = hooks.unwrap_err();
        assert_eq!((e.class, e.code.as_str()), (ErrorClass::Unknown, "unreadable"));
    }
}
