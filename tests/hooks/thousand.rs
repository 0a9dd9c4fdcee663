//! 1,200 at once on a day when much goes wrong. The judge is the simulated AWS's ledger and nothing else.

use std::time::Duration;

use aws_sdk_autoscaling::Client;
use muster::sim::Ledger;
use muster::sim::model::autoscaling::Ending;
use muster::time::Stopwatch;

use super::by_queue::{doors, queue};
use super::group::{ASG, SUBNET, answered_once, hook_of, muster_with, through};
use crate::harness::{Muster, http, wait_as_long};
use crate::sdk::autoscaling::{group, with_template_at};
use crate::sdk::{config, faults};

const MANY: i32 = 1_200;
/// Two minutes for an answer are forty seconds of the wall: a busy machine's pauses stay below it, and all
/// that has to happen one after the other (instances that hang, and those launched in their place) fits
/// into a test.
const SCALE: f64 = 3.0;
/// It takes some two minutes where little else runs. A look at the ledger is a megabyte, which both sides pay for.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(270), Duration::from_secs(1));
/// As Auto Scaling's docs set up a hook that is to be answered soon; everything else as it is by default.
const HEARTBEAT_S: i32 = 120;
const GROUP: &str = r#"asg = { name = "web-asg", heartbeat = "2m" }"#;

/// An alarm raises desired by 1,200, the maximum: notifications come up to five times, out of order, or never;
/// every second call to Auto Scaling is throttled; one instance in ten is broken.
#[tokio::test]
async fn an_alarm_raises_desired_by_1200_on_a_bad_day_and_all_are_let_in() {
    let sim = with_template_at("bad_day.toml", SCALE).await;
    let client = Client::new(&config(&sim));
    group(&client, ASG, MANY, &[SUBNET]).send().await.unwrap();
    let (url, arn) = queue(&sim).await;
    let dir = tempfile::tempdir().unwrap();
    let mut muster = muster_with(&sim, &sim.announced.ec2, MANY, GROUP, &doors(&url), dir);
    muster.start().await;
    hook_of(&client, Some(&arn), HEARTBEAT_S).await;
    faults(&sim, r#"{"script":[{"fault":"throttle","service":"autoscaling","percent":50}]}"#).await;

    let watch = Stopwatch::start();
    let alarm = format!(r#"{{"group":"{ASG}","add":{MANY}}}"#);
    let (status, said) =
        http("POST", &format!("{}/_sim/alarm", sim.announced.ec2), &[], &alarm).await.unwrap();
    assert_eq!(status, 200, "{said}");
    let wanted = usize::try_from(MANY).unwrap();
    let ledger = wait_as_long(PATIENCE, "1,200 to be in service", async || {
        let ledger = sim.ledger().await;
        let late = late(&ledger, &muster).await;
        assert!(late.is_empty(), "of {} actions: {late}", ledger.hook_actions.len());
        let group = ledger.groups.iter().find(|g| g.name == ASG).ok_or("no group")?;
        let there = group.members.iter().filter(|m| m.state.as_str() == "InService").count();
        if there == wanted && group.members.len() == wanted {
            Ok(ledger)
        } else {
            Err(format!("{:?}", group.tally))
        }
    })
    .await;
    eprintln!("1,200 in service after {:?} at {SCALE} times the wall's speed", watch.elapsed());

    let group = ledger.groups.iter().find(|g| g.name == ASG).unwrap();
    assert_eq!((group.most_over_max, group.most_counted), (0, 1_200));
    assert_eq!(ended(&ledger, Ending::Continued), wanted, "each that is in service was let in once");
    // The day was bad: some were broken, some were never told of, and every second call was throttled.
    let broken = ledger.hook_actions.len() - wanted;
    assert!(broken >= wanted / 20, "{broken} of {wanted} were broken");
    let calls = &ledger.apis["autoscaling:CompleteLifecycleAction"];
    assert!(calls.throttled_by_fault * 3 >= calls.calls, "{calls:?}");
    let actions = u64::try_from(ledger.hook_actions.len()).unwrap();
    let taken = through(&muster, "sqs", "taken").await;
    assert!(taken > 0 && taken * 10 < actions * 9, "{taken} of {actions} by their notification");
    assert!(through(&muster, "sqs", "repeated").await > actions / 2);
    answered_once(&sim, wanted.try_into().unwrap(), actions).await;
}

fn ended(ledger: &Ledger, how: Ending) -> usize {
    ledger.hook_actions.iter().filter(|a| a.ended == Some(how)).count()
}

/// The first actions that timed out, if any did, as AWS and as muster tell of them.
async fn late(ledger: &Ledger, muster: &Muster) -> String {
    let mut said = Vec::new();
    for action in ledger.hook_actions.iter().filter(|a| a.ended == Some(Ending::TimedOut)).take(3) {
        let ours = muster.get(&format!("/v1/hooks?state=all&id={}", action.instance)).await;
        let history = muster.get(&format!("/v1/instances/{}", action.instance)).await;
        said.push(format!("timed out: {action:?}\nmuster's: {ours:?}\nits history: {history:?}"));
    }
    said.join("\n")
}
