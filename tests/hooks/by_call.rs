//! By direct calls, each two times and in another order.

use serde_json::json;

use super::group::{ASG, all_in_service, answered_once, hook, muster, raise, simulated, through};
use crate::harness::wait_for;

#[tokio::test]
async fn what_is_told_twice_is_taken_once() {
    let (sim, client) = simulated().await;
    let mut muster = muster(&sim, "", tempfile::tempdir().unwrap());
    muster.start().await;
    hook(&client, None).await;
    raise(&client, 60).await;
    let actions = wait_for("all to wait for us", async || {
        let actions = sim.ledger().await.hook_actions;
        if actions.len() == 60 { Ok(actions) } else { Err(format!("{} wait", actions.len())) }
    })
    .await;
    let told = |a: &muster::sim::model::autoscaling::HookAction| {
        json!({
            "LifecycleHookName": "muster", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "AutoScalingGroupName": ASG, "EC2InstanceId": a.instance, "LifecycleActionToken": a.token,
            "Service": "AWS Auto Scaling", "Origin": "EC2", "Destination": "AutoScalingGroup",
        })
    };
    for action in actions.iter().chain(actions.iter().rev()) {
        let (status, body) = muster.post("/v1/hooks", &told(action).to_string()).await;
        assert_eq!(status, 200, "{body}");
    }
    all_in_service(&sim, &muster, 60).await;
    answered_once(&sim, 60, 60).await;
    let known = (through(&muster, "direct", "taken").await, through(&muster, "direct", "repeated").await);
    assert_eq!(known.0 + known.1, 120, "{known:?}");
    assert!(known.1 >= 60, "{known:?}");
}
