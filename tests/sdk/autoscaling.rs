//! aws-sdk-autoscaling.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use aws_sdk_autoscaling::operation::create_auto_scaling_group::builders::CreateAutoScalingGroupFluentBuilder;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, LaunchTemplateSpecification, LifecycleState, WarmPoolState,
};
use aws_sdk_ec2::types::{InstanceType, RequestLaunchTemplateData};

use super::*;
use crate::harness::wait_for;

const TEMPLATE: &str = "a-template";
pub const LAUNCHING: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";

/// A simulated AWS with a launch template: instances run after 10 ms.
pub async fn with_template(settings: &str) -> Sim {
    with_template_at(settings, 100.0).await
}

/// The same at this speed.
pub async fn with_template_at(settings: &str, scale: f64) -> Sim {
    let sim = simulated(settings, scale).await;
    let data = RequestLaunchTemplateData::builder().image_id(IMAGE).instance_type(InstanceType::M5Large);
    aws_sdk_ec2::Client::new(&config(&sim))
        .create_launch_template()
        .launch_template_name(TEMPLATE)
        .launch_template_data(data.build())
        .send()
        .await
        .unwrap();
    sim
}

/// A group in these subnets, of 0 to `max`.
pub fn group(client: &Client, name: &str, max: i32, subnets: &[&str]) -> CreateAutoScalingGroupFluentBuilder {
    let template = LaunchTemplateSpecification::builder().launch_template_name(TEMPLATE).version("$Default");
    client
        .create_auto_scaling_group()
        .auto_scaling_group_name(name)
        .launch_template(template.build())
        .min_size(0)
        .max_size(max)
        .desired_capacity(0)
        .vpc_zone_identifier(subnets.join(","))
}

pub async fn described(client: &Client, name: &str) -> Option<AutoScalingGroup> {
    let answer = client.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await.unwrap();
    answer.auto_scaling_groups.unwrap_or_default().pop()
}

/// Waits until the group has exactly so many, all in this state; their ids.
pub async fn members(client: &Client, name: &str, count: usize, state: &str) -> Vec<String> {
    wait_for(&format!("{count} of {name} to be {state}"), async || {
        let group = described(client, name).await.ok_or("there is no such group")?;
        let states: Vec<_> = group
            .instances()
            .iter()
            .filter_map(|i| i.lifecycle_state())
            .map(LifecycleState::as_str)
            .collect();
        if states.len() == count && states.iter().all(|s| *s == state) {
            Ok(group.instances().iter().filter_map(|i| i.instance_id.clone()).collect())
        } else {
            Err(format!("{states:?}"))
        }
    })
    .await
}

#[tokio::test]
async fn a_group_grows_shrinks_and_goes() {
    let sim = with_template("autoscaling.toml").await;
    let client = Client::new(&config(&sim));
    group(&client, "web", 4, &[A, B, C]).desired_capacity(2).send().await.unwrap();
    members(&client, "web", 2, "InService").await;
    client.set_desired_capacity().auto_scaling_group_name("web").desired_capacity(3).send().await.unwrap();
    let ids = members(&client, "web", 3, "InService").await;

    let told = client.describe_auto_scaling_instances().instance_ids(&ids[0]).send().await.unwrap();
    assert_eq!(told.auto_scaling_instances()[0].auto_scaling_group_name(), Some("web"));
    let done = client.describe_scaling_activities().auto_scaling_group_name("web").send().await.unwrap();
    assert_eq!(done.activities().len(), 3);
    let one = client
        .terminate_instance_in_auto_scaling_group()
        .instance_id(&ids[0])
        .should_decrement_desired_capacity(true)
        .send()
        .await
        .unwrap();
    assert!(one.activity().is_some());
    members(&client, "web", 2, "InService").await;

    client
        .delete_auto_scaling_group()
        .auto_scaling_group_name("web")
        .force_delete(true)
        .send()
        .await
        .unwrap();
    wait_for("the group to be gone", async || {
        described(&client, "web").await.map_or(Ok(()), |g| Err(format!("{:?}", g.status())))
    })
    .await;
}

#[tokio::test]
async fn launch_instances_is_synchronous_and_done_once() {
    let sim = with_template("scarce.toml").await;
    let client = Client::new(&config(&sim));
    group(&client, "web", 20, &[A]).send().await.unwrap();
    let launch = |token: &str, count| {
        client
            .launch_instances()
            .auto_scaling_group_name("web")
            .client_token(token)
            .requested_capacity(count)
            .send()
    };
    let first = launch("token-1", 8).await.unwrap();
    assert_eq!(first.client_token(), Some("token-1"));
    assert_eq!(first.instances()[0].instance_ids().len(), 5);
    assert_eq!(first.errors()[0].error_code(), Some("InsufficientInstanceCapacity"));
    assert_eq!(first.errors()[0].availability_zone(), Some("us-east-1a"));
    let again = launch("token-1", 8).await.unwrap();
    assert_eq!(again.instances(), first.instances());
    let other = launch("token-1", 9).await.unwrap_err().into_service_error();
    assert!(other.is_idempotent_parameter_mismatch_error(), "{other:?}");
    let many = launch("token-2", 101).await.unwrap_err();
    assert_eq!(many.code(), Some("ValidationError"));
}

#[tokio::test]
async fn errors_are_the_modelled_ones() {
    let sim = with_template("many_calls.toml").await;
    let client = Client::new(&config(&sim));
    group(&client, "web", 4, &[A]).desired_capacity(1).send().await.unwrap();
    members(&client, "web", 1, "InService").await;

    let twice = group(&client, "web", 4, &[A]).send().await.unwrap_err().into_service_error();
    assert!(twice.is_already_exists_fault(), "{twice:?}");
    let used = client.delete_auto_scaling_group().auto_scaling_group_name("web").send().await;
    assert!(used.unwrap_err().into_service_error().is_resource_in_use_fault());
    let token = client.describe_auto_scaling_groups().next_token("made up").send().await;
    assert!(token.unwrap_err().into_service_error().is_invalid_next_token());
    // In the cooldown of the scaling activity before.
    let set = |n| {
        client
            .set_desired_capacity()
            .auto_scaling_group_name("web")
            .desired_capacity(n)
            .honor_cooldown(true)
            .send()
    };
    let early = set(2).await.unwrap_err().into_service_error();
    assert!(early.is_scaling_activity_in_progress_fault(), "{early:?}");
    let beyond = set(5).await.unwrap_err();
    assert_eq!(
        (beyond.code(), beyond.message()),
        (
            Some("ValidationError"),
            Some("New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup.")
        )
    );
    for n in 0..50 {
        let hook =
            client.put_lifecycle_hook().auto_scaling_group_name("web").lifecycle_hook_name(format!("h-{n}"));
        hook.lifecycle_transition(LAUNCHING).send().await.unwrap();
    }
    let hook = client.put_lifecycle_hook().auto_scaling_group_name("web").lifecycle_hook_name("h-50");
    let many = hook.lifecycle_transition(LAUNCHING).send().await.unwrap_err().into_service_error();
    assert!(many.is_limit_exceeded_fault(), "{many:?}");
}

#[tokio::test]
async fn groups_come_in_pages() {
    let sim = with_template("autoscaling.toml").await;
    let client = Client::new(&config(&sim));
    let mut names: Vec<String> = (0..7).map(|n| format!("g-{n}")).collect();
    for name in &names {
        group(&client, name, 1, &[A]).send().await.unwrap();
    }
    let mut pages = client.describe_auto_scaling_groups().max_records(3).into_paginator().send();
    let (mut seen, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let groups = page.unwrap().auto_scaling_groups.unwrap_or_default();
        seen.extend(groups.into_iter().filter_map(|g| g.auto_scaling_group_name));
        count += 1;
    }
    seen.sort();
    names.sort();
    assert_eq!((seen, count), (names, 3));
}

#[tokio::test]
async fn hooks_hold_and_let_go() {
    let sim = with_template("autoscaling.toml").await;
    let client = Client::new(&config(&sim));
    group(&client, "web", 4, &[A]).send().await.unwrap();
    client
        .put_lifecycle_hook()
        .auto_scaling_group_name("web")
        .lifecycle_hook_name("hook")
        .lifecycle_transition(LAUNCHING)
        .heartbeat_timeout(7_200)
        .send()
        .await
        .unwrap();
    client.set_desired_capacity().auto_scaling_group_name("web").desired_capacity(1).send().await.unwrap();
    let one = members(&client, "web", 1, "Pending:Wait").await.remove(0);
    let beat =
        client.record_lifecycle_action_heartbeat().auto_scaling_group_name("web").lifecycle_hook_name("hook");
    beat.instance_id(&one).send().await.unwrap();
    let complete = || {
        client
            .complete_lifecycle_action()
            .auto_scaling_group_name("web")
            .lifecycle_hook_name("hook")
            .instance_id(&one)
            .lifecycle_action_result("CONTINUE")
            .send()
    };
    complete().await.unwrap();
    members(&client, "web", 1, "InService").await;
    let over = complete().await.unwrap_err();
    assert_eq!(
        over.message(),
        Some(format!("No active Lifecycle Action found with instance ID {one}").as_str())
    );
}

#[tokio::test]
async fn a_warm_pool_is_filled_and_shown() {
    let sim = with_template("autoscaling.toml").await;
    let client = Client::new(&config(&sim));
    group(&client, "web", 2, &[A]).send().await.unwrap();
    client
        .put_warm_pool()
        .auto_scaling_group_name("web")
        .pool_state(WarmPoolState::Stopped)
        .send()
        .await
        .unwrap();
    wait_for("two warm instances", async || {
        let told = client.describe_warm_pool().auto_scaling_group_name("web").send().await.unwrap();
        let states: Vec<_> = told.instances().iter().filter_map(|i| i.lifecycle_state()).collect();
        if states.len() == 2 && states.iter().all(|s| s.as_str() == "Warmed:Stopped") {
            Ok(())
        } else {
            Err(format!("{states:?}"))
        }
    })
    .await;
    let launch =
        client.launch_instances().auto_scaling_group_name("web").client_token("t").requested_capacity(1);
    assert_eq!(launch.send().await.unwrap_err().code(), Some("UnsupportedOperation"));
}
