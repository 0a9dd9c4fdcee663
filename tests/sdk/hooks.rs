//! muster's Auto Scaling adapter: lifecycle hooks and their actions.

use muster::cloud::autoscaling::{
    ActionKey, AutoScaling, AwsAutoScaling, HookResult, LifecycleAction, Transition,
};
use muster::decide::words::{Ec2Id, ErrorClass};

use super::autoscaling::{LAUNCHING, group, members, with_template};
use super::*;

struct Waiting {
    sim: Sim,
    client: aws_sdk_autoscaling::Client,
    aws: AwsAutoScaling,
    ids: Vec<Ec2Id>,
}

/// A group of which so many instances wait in a launch hook.
async fn waiting(count: i32) -> Waiting {
    let sim = with_template("autoscaling.toml").await;
    let client = aws_sdk_autoscaling::Client::new(&config(&sim));
    group(&client, "web", 10, &[A]).send().await.unwrap();
    client
        .put_lifecycle_hook()
        .auto_scaling_group_name("web")
        .lifecycle_hook_name("hook")
        .lifecycle_transition(LAUNCHING)
        .heartbeat_timeout(7_200)
        .notification_metadata("{}")
        .send()
        .await
        .unwrap();
    client
        .set_desired_capacity()
        .auto_scaling_group_name("web")
        .desired_capacity(count)
        .send()
        .await
        .unwrap();
    let ids = members(&client, "web", count.try_into().unwrap(), "Pending:Wait").await;
    let ids = ids.iter().map(|id| id.parse().unwrap()).collect();
    let aws = AwsAutoScaling::of(&account(&sim).await);
    Waiting { sim, client, aws, ids }
}

fn action(key: ActionKey) -> LifecycleAction {
    LifecycleAction { group: "web".into(), hook: "hook".into(), key }
}

#[tokio::test]
async fn an_action_is_kept_alive_and_completed_once() {
    let w = waiting(1).await;
    let hooks = w.aws.describe_lifecycle_hooks("web").await.unwrap();
    assert_eq!((hooks[0].name.as_str(), hooks[0].transition), ("hook", Transition::Launching));
    assert_eq!(hooks[0].heartbeat_timeout, Duration::from_secs(7_200));
    assert_eq!((hooks[0].default_result, hooks[0].metadata.as_deref()), (HookResult::Abandon, Some("{}")));

    let action = action(ActionKey::Instance(w.ids[0]));
    w.aws.record_lifecycle_action_heartbeat(&action).await.unwrap();
    w.aws.complete_lifecycle_action(&action, HookResult::Continue).await.unwrap();
    members(&w.client, "web", 1, "InService").await;
    let e = w.aws.complete_lifecycle_action(&action, HookResult::Continue).await.unwrap_err();
    assert_eq!((e.class, e.code.as_str()), (ErrorClass::NoAction, "ValidationError"), "{e}");
    let e = w.aws.record_lifecycle_action_heartbeat(&action).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::NoAction, "{e}");
}

#[tokio::test]
async fn abandoning_replaces_the_instance() {
    let w = waiting(1).await;
    w.aws
        .complete_lifecycle_action(&action(ActionKey::Instance(w.ids[0])), HookResult::Abandon)
        .await
        .unwrap();
    crate::harness::wait_for("a replacement", async || {
        let now = members(&w.client, "web", 1, "Pending:Wait").await;
        if now[0] == w.ids[0].as_str() { Err("still there".into()) } else { Ok(()) }
    })
    .await;
}

#[tokio::test]
async fn tokens_that_nobody_has_are_told_from_those_that_are_none() {
    let w = waiting(1).await;
    let complete = async |key| w.aws.complete_lifecycle_action(&action(key), HookResult::Continue).await;
    let unknown =
        complete(ActionKey::Token("917070d0-a303-474b-a36c-a5e38a19de5e".into())).await.unwrap_err();
    assert_eq!(unknown.class, ErrorClass::NoAction, "{unknown}");
    let short = complete(ActionKey::Token("short".into())).await.unwrap_err();
    assert_eq!(short.class, ErrorClass::Configuration, "{short}");
    let stranger = complete(ActionKey::Instance("i-0123456789abcdef0".parse().unwrap())).await.unwrap_err();
    assert_eq!(stranger.class, ErrorClass::NoAction, "{stranger}");
    let nobody = LifecycleAction { group: "nobody".into(), ..action(ActionKey::Instance(w.ids[0])) };
    let e = w.aws.complete_lifecycle_action(&nobody, HookResult::Continue).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::NotFound, "{e}");
}

#[tokio::test]
async fn a_completion_that_is_lost_has_happened_or_not() {
    let w = waiting(2).await;
    let complete = async |n: usize| {
        w.aws.complete_lifecycle_action(&action(ActionKey::Instance(w.ids[n])), HookResult::Continue).await
    };
    for (fault, class, code) in [
        ("throttle", ErrorClass::Throttle, "Throttling"),
        ("lost_before", ErrorClass::Unknown, "connection"),
        ("lost_after", ErrorClass::Unknown, "connection"),
    ] {
        script(&w.sim, fault, "CompleteLifecycleAction").await;
        let e = complete(0).await.unwrap_err();
        assert_eq!((e.class, e.code.as_str()), (class, code), "{fault}: {e}");
    }
    faults(&w.sim, r#"{"script":[]}"#).await;
    // The last one took effect: sent again, it says so.
    assert_eq!(complete(0).await.unwrap_err().class, ErrorClass::NoAction);
    complete(1).await.unwrap();
    members(&w.client, "web", 2, "InService").await;
}
