//! What HTTP's doors answer to floods, to what is wrong, and to what is about nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use serde_json::{Value, json};

use super::by_events::{KEY, door};
use super::caller::Caller;
use super::group::{ASG, counted, muster, muster_with, simulated, through};
use crate::harness::{Muster, wait_for};

const DIRECT: &str = "/v1/hooks";
const EVENTBRIDGE: &str = "/v1/hooks/eventbridge";
const HEADERS: [(&str, &str); 2] = [("content-type", "application/json"), ("x-api-key", KEY)];
/// Senders at once, and what they have to tell.
const SENDERS: usize = 16;
const TOLD: usize = 400;

/// A notification of an instance that nobody knows.
fn notification(asg: &str, n: usize) -> Bytes {
    let keys = json!({
        "LifecycleHookName": "muster", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "AutoScalingGroupName": asg, "EC2InstanceId": format!("i-{n:017x}"),
        "LifecycleActionToken": format!("00000000-0000-0000-0000-{n:012x}"),
        "Service": "AWS Auto Scaling", "Origin": "EC2", "Destination": "AutoScalingGroup",
    });
    Bytes::from(keys.to_string())
}

/// The lifecycle actions that muster ever knew.
async fn actions(muster: &Muster) -> Vec<Value> {
    let (status, body) = muster.get("/v1/hooks?state=all&limit=1000").await.unwrap();
    assert_eq!(status, 200, "{body}");
    let page: Value = serde_json::from_str(&body).unwrap();
    page["hooks"].as_array().unwrap().clone()
}

/// An inbox of one: many come while it is full. All are told when to come again, and in the end all are in.
#[tokio::test]
async fn whoever_comes_while_the_inbox_is_full_is_told_to_come_again() {
    let (sim, _) = simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let doors = format!("{}\n[limits]\ninbox = 1", door(dir.path()));
    let mut muster = muster(&sim, &doors, dir);
    muster.start().await;
    let (next, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (next, refused, caller) = (next.clone(), refused.clone(), Caller::new(&muster.url));
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Relaxed);
                    if n >= TOLD {
                        return;
                    }
                    let path = if n % 2 == 0 { DIRECT } else { EVENTBRIDGE };
                    loop {
                        let answer = caller.post(path, &HEADERS, &notification(ASG, n)).await;
                        if answer.status == 200 {
                            break;
                        }
                        assert_eq!(answer.status, 429, "{}", answer.body);
                        assert!(answer.retry_after().is_some_and(|s| s >= 1), "{:?}", answer.headers);
                        refused.fetch_add(1, Relaxed);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let refused = refused.load(Relaxed);
    assert!(refused > 0, "the inbox was never full");
    let later = through(&muster, "direct", "later").await + through(&muster, "eventbridge", "later").await;
    assert_eq!(later, refused);
    assert_eq!(actions(&muster).await.len(), TOLD, "nothing was lost, nothing came twice");
}

#[tokio::test]
async fn each_bad_notification_has_its_own_answer_and_its_own_counter() {
    let (sim, _) = simulated().await;
    let dir = tempfile::tempdir().unwrap();
    let mut muster = muster(&sim, &door(dir.path()), dir);
    muster.start().await;
    let caller = Caller::new(&muster.url);
    let test = json!({
        "AccountId": "123456789012", "AutoScalingGroupName": ASG, "Service": "AWS Auto Scaling",
        "Event": "autoscaling:TEST_NOTIFICATION", "Time": "2023-09-11T03:03:14.022Z",
    });
    let one = notification(ASG, 1);
    for (path, name) in [(DIRECT, "direct"), (EVENTBRIDGE, "eventbridge")] {
        // The first door is told first; what the second is told of is known by then.
        let first = if path == DIRECT { "taken" } else { "repeated" };
        for (body, status, says, outcome) in [
            (Bytes::from(test.to_string()), 200, "test notification", "acknowledged"),
            (one.clone(), 200, first, first),
            (one.clone(), 200, "repeated", "repeated"),
            (Bytes::from_static(b"{}"), 400, "LifecycleTransition is missing", "unreadable"),
            (Bytes::from_static(b"{\"a\":\"\xff\"}"), 400, "UTF-8", "unreadable"),
            (notification("other-asg", 2), 404, "other-asg", "unknown_group"),
            (Bytes::from(vec![b' '; 1 << 20]), 413, "65536", "too_large"),
        ] {
            let before = through(&muster, name, outcome).await;
            let answer = caller.post(path, &HEADERS, &body).await;
            assert_eq!(answer.status, status, "{path} {outcome}: {}", answer.body);
            assert!(answer.body.contains(says), "{path}: {} does not say '{says}'", answer.body);
            assert_eq!(through(&muster, name, outcome).await, before + 1, "{path} {outcome}");
        }
    }
    let forged = [("content-type", "application/json"), ("x-api-key", "0123456789abcdef0000")];
    let answer = caller.post(EVENTBRIDGE, &forged, &one).await;
    assert_eq!(
        (answer.status, through(&muster, "eventbridge", "untrusted").await),
        (401, 1),
        "{}",
        answer.body
    );
    assert_eq!(actions(&muster).await.len(), 1);
}

/// EC2 never shows it: its action is kept alive as long as a boot may take, then it is given up, and its group does not
/// know it either. It is written down, counted, and takes no place any more.
#[tokio::test]
async fn an_instance_that_nobody_knows_is_parked_for_a_while_and_then_given_up() {
    let (sim, _) = simulated().await;
    let group = r#"
asg = { name = "web-asg", heartbeat = "1h", sweep_every = "5m" }
[groups.web.watchdogs]
boot = "30s""#;
    let mut muster = muster_with(&sim, &sim.announced.ec2, 100, group, "", tempfile::tempdir().unwrap());
    muster.start().await;
    let answer = Caller::new(&muster.url).post(DIRECT, &HEADERS, &notification(ASG, 1)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(actions(&muster).await[0]["state"], "open");
    wait_for("it to be given up", async || {
        let action = actions(&muster).await.remove(0);
        if action["state"] == "open" { Err(action.to_string()) } else { Ok(()) }
    })
    .await;
    assert_eq!(actions(&muster).await[0]["state"], "over");
    // Metrics are of a view, which is made a little after what it shows is committed.
    wait_for("it to be counted, and its place to be free", async || {
        let shown = counted(&muster, "instances_never_shown").await;
        let taken = counted(&muster, "group_taken{group=\"web\"}").await;
        if (shown, taken) == (1, 0) { Ok(()) } else { Err(format!("{shown} never shown, {taken} taken")) }
    })
    .await;
}
