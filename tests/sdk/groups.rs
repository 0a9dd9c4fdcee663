//! muster's Auto Scaling adapter: groups, their members and their sizes.

use muster::cloud::Ec2;
use muster::cloud::autoscaling::{
    AutoScaling, AwsAutoScaling, GroupLaunch, GroupSeen, HealthStatus, Lifecycle, Place, PoolState, Process,
    Source,
};
use muster::cloud::ec2::AwsEc2;
use muster::decide::words::{Ec2Id, ErrorClass};

use super::autoscaling::{group, members, with_template};
use super::*;
use crate::harness::wait_for;

/// A group of 0 to `max` in zone a with so many in service; their ids.
async fn serving(
    settings: &str,
    max: i32,
    count: i32,
) -> (Sim, aws_sdk_autoscaling::Client, AwsAutoScaling, Vec<Ec2Id>) {
    let sim = with_template(settings).await;
    let client = aws_sdk_autoscaling::Client::new(&config(&sim));
    group(&client, "web", max, &[A]).desired_capacity(count).send().await.unwrap();
    let ids = members(&client, "web", count.try_into().unwrap(), "InService").await;
    let ids = ids.iter().map(|id| id.parse().unwrap()).collect();
    let aws = AwsAutoScaling::of(&account(&sim).await);
    (sim, client, aws, ids)
}

async fn described(aws: &AwsAutoScaling) -> GroupSeen {
    aws.describe_groups(&["web".to_owned()], true, None).await.unwrap().items.remove(0)
}

/// Waits until the instance is in this state.
async fn state(aws: &AwsAutoScaling, id: Ec2Id, state: Lifecycle) {
    wait_for(&format!("{id} to be {state}"), async || {
        let page = aws.describe_members(&[id], None).await.unwrap();
        let now = page.items.first().map(|m| m.state);
        if now == Some(state) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
}

fn launch(token: &str, count: u32) -> GroupLaunch {
    GroupLaunch { group: "web".into(), token: token.into(), count, place: Some(Place::Subnet(A.into())) }
}

#[tokio::test]
async fn a_group_is_described_with_its_members() {
    let (_sim, _, aws, ids) = serving("autoscaling.toml", 5, 2).await;
    let seen = described(&aws).await;
    assert_eq!((seen.min, seen.max, seen.desired), (0, 5, 2));
    assert_eq!(
        (seen.zones.as_slice(), seen.subnets.as_slice()),
        (&["us-east-1a".to_owned()][..], &[A.to_owned()][..])
    );
    assert!(matches!(&seen.source, Some(Source::Template(t)) if t.name.as_deref() == Some("a-template")));
    assert!(seen.arn.contains("autoScalingGroupName/web"));
    assert!(seen.suspended.is_empty() && seen.warm_pool.is_none() && seen.status.is_none());
    let mut members: Vec<_> = seen.members.iter().map(|m| m.id).collect();
    members.sort();
    let mut ids = ids;
    ids.sort();
    assert_eq!(members, ids);
    let one = &seen.members[0];
    assert_eq!((one.state, one.healthy, one.protected), (Lifecycle::InService, true, false));
    assert_eq!(one.zone.as_deref(), Some("us-east-1a"));

    let bare = aws.describe_groups(&["web".into(), "nobody".into()], false, None).await.unwrap();
    assert_eq!((bare.items.len(), bare.items[0].members.len()), (1, 0));
    let stranger = "i-0123456789abcdef0".parse().unwrap();
    assert_eq!(aws.describe_members(&[ids[0], stranger], None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn groups_and_members_come_a_page_at_a_time() {
    let (_sim, client, aws, _) = serving("many_calls.toml", 60, 0).await;
    // One more than a page of instances, of which the ids are given in two calls anyhow.
    for n in 0..99 {
        group(&client, &format!("g-{n}"), 1, &[A]).send().await.unwrap();
    }
    let names: Vec<String> = (0..99).map(|n| format!("g-{n}")).chain(["web".into()]).collect();
    let (mut seen, mut page) = (0, None);
    loop {
        let got = aws.describe_groups(&names, true, page.as_deref()).await.unwrap();
        seen += got.items.len();
        page = got.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(seen, 100);
    let e = aws.describe_groups(&names, true, Some("made up")).await.unwrap_err();
    assert_eq!((e.class, e.code.as_str()), (ErrorClass::Configuration, "InvalidNextToken"));
}

#[tokio::test]
async fn a_launch_is_done_once_and_says_what_it_could_not() {
    let (sim, _, aws, _) = serving("scarce.toml", 20, 0).await;
    let first = aws.launch_instances(&launch("token-1", 8)).await.unwrap();
    assert_eq!(first.instances.len(), 5);
    assert!(first.instances.iter().all(|i| i.zone.as_deref() == Some("us-east-1a")));
    assert_eq!(first.errors[0].error.class, ErrorClass::Capacity);
    let again = aws.launch_instances(&launch("token-1", 8)).await.unwrap();
    assert_eq!(again.instances, first.instances);
    let e = aws.launch_instances(&launch("token-1", 7)).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::TokenMismatch, "{e}");
    let e = aws.launch_instances(&launch("token-2", 101)).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::Configuration, "{e}");
    let nobody = GroupLaunch { group: "nobody".into(), ..launch("token-3", 1) };
    assert_eq!(aws.launch_instances(&nobody).await.unwrap_err().class, ErrorClass::NotFound);
    // Lost after the effect, it is found again by its token.
    faults(&sim, r#"{"capacity":[{"zone":"us-east-1a","instances":7}]}"#).await;
    script(&sim, "lost_after", "LaunchInstances").await;
    let e = aws.launch_instances(&launch("token-4", 2)).await.unwrap_err();
    assert_eq!((e.class, e.code.as_str()), (ErrorClass::Unknown, "connection"));
    faults(&sim, r#"{"script":[]}"#).await;
    let found = aws.launch_instances(&launch("token-4", 2)).await.unwrap();
    assert_eq!((found.instances.len(), sim.ledger().await.instances.len()), (2, 7));
}

#[tokio::test]
async fn beyond_its_bounds_a_group_does_not_go() {
    let (_sim, _, aws, ids) = serving("autoscaling.toml", 2, 2).await;
    let e = aws.set_desired_capacity("web", 3).await.unwrap_err();
    assert_eq!((e.class, e.code.as_str()), (ErrorClass::Size, "ValidationError"), "{e}");
    aws.enter_standby("web", &ids[..1], false).await.unwrap();
    state(&aws, ids[0], Lifecycle::Standby).await;
    // Its place has been taken by a replacement.
    let e = aws.exit_standby("web", &ids[..1]).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::Size, "{e}");
    let e = aws.set_desired_capacity("nobody", 1).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::NotFound, "{e}");
}

#[tokio::test]
async fn below_its_minimum_a_group_does_not_go() {
    let (_sim, client, aws, ids) = serving("autoscaling.toml", 3, 2).await;
    client.update_auto_scaling_group().auto_scaling_group_name("web").min_size(2).send().await.unwrap();
    let e = aws.terminate_members("web", &ids[..1], true).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::Size, "{e}");
    let e = aws.set_desired_capacity("web", 1).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::Size, "{e}");
}

#[tokio::test]
async fn members_are_terminated_with_and_without_their_places() {
    let (_sim, client, aws, ids) = serving("autoscaling.toml", 9, 4).await;
    aws.terminate_members("web", &ids[..2], true).await.unwrap();
    members(&client, "web", 2, "InService").await;
    assert_eq!(described(&aws).await.desired, 2);
    aws.terminate_member(&ids[2], false).await.unwrap();
    wait_for("its replacement", async || {
        let now = members(&client, "web", 2, "InService").await;
        if now.contains(&ids[2].to_string()) { Err("it is still there".into()) } else { Ok(()) }
    })
    .await;
    // One that is unknown spoils the whole call.
    let stranger: Ec2Id = "i-0123456789abcdef0".parse().unwrap();
    let e = aws.terminate_members("web", &[ids[3], stranger], true).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::NotFound, "{e}");
    assert_eq!(described(&aws).await.members.len(), 2);
}

#[tokio::test]
async fn members_are_marked_and_set_aside() {
    let (sim, _, aws, ids) = serving("autoscaling.toml", 9, 2).await;
    aws.set_instance_protection("web", &ids, true).await.unwrap();
    assert!(described(&aws).await.members.iter().all(|m| m.protected));
    aws.set_instance_protection("web", &ids[..1], false).await.unwrap();
    aws.enter_standby("web", &ids[..1], true).await.unwrap();
    state(&aws, ids[0], Lifecycle::Standby).await;
    assert_eq!(described(&aws).await.desired, 1);
    aws.exit_standby("web", &ids[..1]).await.unwrap();
    state(&aws, ids[0], Lifecycle::InService).await;
    let e = aws.exit_standby("web", &ids[..1]).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::Configuration, "what the state forbids: {e}");

    let ec2 = AwsEc2::of(&account(&sim).await);
    ec2.create_tags(&ids[0], &[("muster:quarantine".into(), "status 503".into())]).await.unwrap();
    ec2.protect_from_termination(&ids[0], true).await.unwrap();
    let e = ec2.terminate_instances(&ids[..1]).await.unwrap_err();
    assert_eq!((e.class, e.code.as_str()), (ErrorClass::Configuration, "OperationNotPermitted"));
    ec2.protect_from_termination(&ids[0], false).await.unwrap();

    aws.set_instance_health(&ids[1], HealthStatus::Unhealthy, false).await.unwrap();
    wait_for("it to be replaced", async || {
        let gone = aws.describe_members(&ids[1..], None).await.unwrap().items.is_empty();
        if gone { Ok(()) } else { Err("it is still there".into()) }
    })
    .await;
}

#[tokio::test]
async fn processes_are_suspended_and_resumed_by_name() {
    let (_sim, _, aws, _) = serving("autoscaling.toml", 9, 1).await;
    let some = [Process::AzRebalance, Process::ReplaceUnhealthy];
    aws.suspend_processes("web", &some).await.unwrap();
    let seen = described(&aws).await.suspended;
    assert_eq!(seen.iter().map(|s| s.process).collect::<Vec<_>>(), some);
    assert!(seen[0].reason.starts_with("User suspended at "), "{seen:?}");
    aws.resume_processes("web", &some[..1]).await.unwrap();
    let left: Vec<_> = described(&aws).await.suspended.iter().map(|s| s.process).collect();
    assert_eq!(left, some[1..]);
}

#[tokio::test]
async fn a_warm_pool_is_shown() {
    let (_sim, client, aws, _) = serving("autoscaling.toml", 3, 1).await;
    assert!(aws.describe_warm_pool("web", None).await.unwrap().pool.is_none());
    client.put_warm_pool().auto_scaling_group_name("web").send().await.unwrap();
    wait_for("two warm instances", async || {
        let seen = aws.describe_warm_pool("web", None).await.unwrap();
        assert_eq!(seen.pool.map(|p| p.state), Some(PoolState::Stopped));
        let states: Vec<_> = seen.members.items.iter().map(|m| m.state).collect();
        if states == [Lifecycle::WarmedStopped; 2] { Ok(()) } else { Err(format!("{states:?}")) }
    })
    .await;
    let e = aws.launch_instances(&launch("token", 1)).await.unwrap_err();
    assert_eq!((e.class, e.code.as_str()), (ErrorClass::Configuration, "UnsupportedOperation"));
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_unknown_or_throttled() {
    let (sim, _, aws, _) = serving("autoscaling.toml", 3, 1).await;
    for (fault, class, code) in [
        ("throttle", ErrorClass::Throttle, "Throttling"),
        ("error", ErrorClass::Unknown, "InternalFailure"),
        ("html", ErrorClass::Unknown, "unreadable"),
        ("truncated", ErrorClass::Unknown, "unreadable"),
        ("lost_before", ErrorClass::Unknown, "connection"),
        ("lost_after", ErrorClass::Unknown, "connection"),
    ] {
        script(&sim, fault, "DescribeAutoScalingGroups").await;
        let e = aws.describe_groups(&["web".to_owned()], true, None).await.unwrap_err();
        assert_eq!((e.class, e.code.as_str()), (class, code), "{fault}: {e}");
    }
}

#[tokio::test]
async fn a_member_that_is_detached_is_nobodys_and_lives() {
    let (sim, _, aws, ids) = serving("autoscaling.toml", 9, 2).await;
    aws.detach_instances("web", &ids[..1], true).await.unwrap();
    wait_for("it to leave its group", async || {
        let gone = aws.describe_members(&ids[..1], None).await.unwrap().items.is_empty();
        if gone { Ok(()) } else { Err("it is still there".into()) }
    })
    .await;
    assert_eq!(described(&aws).await.desired, 1);
    let ec2 = AwsEc2::of(&account(&sim).await);
    let seen = ec2.describe_instances(&ids[..1]).await.unwrap();
    assert!(seen.iter().all(|s| !s.state.is_ending()), "{seen:?}");
    let e = aws.detach_instances("web", &ids[..1], true).await.unwrap_err();
    assert!(matches!(e.class, ErrorClass::NotFound | ErrorClass::Configuration), "{e}");
}
