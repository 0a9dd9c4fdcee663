//! aws-sdk-ec2.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, FleetLaunchTemplateConfigRequest, FleetLaunchTemplateSpecificationRequest,
    FleetType, InstanceAttributeName, InstanceStateName, InstanceType, RequestLaunchTemplateData,
    Reservation, Tag, TargetCapacitySpecificationRequest,
};

use super::*;

fn run(ec2: &Client, token: &str, count: i32) -> RunInstancesFluentBuilder {
    ec2.run_instances()
        .client_token(token)
        .min_count(1)
        .max_count(count)
        .image_id(IMAGE)
        .instance_type(InstanceType::M5Large)
        .subnet_id(A)
}

fn ids(answer: &RunInstancesOutput) -> Vec<String> {
    answer.instances().iter().filter_map(|i| i.instance_id.clone()).collect()
}

#[tokio::test]
async fn instances_are_launched_once_described_and_terminated() {
    let sim = simulated("quick.toml", 2_000.0).await;
    let ec2 = Client::new(&config(&sim));
    let launched = ids(&run(&ec2, "t-1", 3).send().await.unwrap());
    assert_eq!(launched.len(), 3);
    assert_eq!(ids(&run(&ec2, "t-1", 3).send().await.unwrap()), launched, "the same token, the same launch");

    let answer = ec2.describe_instances().set_instance_ids(Some(launched.clone())).send().await.unwrap();
    let seen: Vec<_> = answer.reservations().iter().flat_map(Reservation::instances).collect();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|i| i.private_ip_address().is_some_and(|a| a.starts_with("127."))));

    let tag = Tag::builder().key("muster:slot").value("1-0").build();
    ec2.create_tags().resources(&launched[0]).tags(tag).send().await.unwrap();
    let status =
        ec2.describe_instance_status().instance_ids(&launched[0]).include_all_instances(true).send().await;
    assert_eq!(status.unwrap().instance_statuses().len(), 1);

    let ended = ec2.terminate_instances().set_instance_ids(Some(launched)).send().await.unwrap();
    let states = ended.terminating_instances().iter().map(|c| c.current_state().unwrap().name().unwrap());
    assert!(states.into_iter().all(|s| *s == InstanceStateName::ShuttingDown));
}

#[tokio::test]
async fn a_refusal_has_its_code() {
    let sim = simulated("quick.toml", 1.0).await;
    let ec2 = Client::new(&config(&sim));
    run(&ec2, "t-1", 2).send().await.unwrap();
    let other = run(&ec2, "t-1", 3).send().await.unwrap_err();
    assert_eq!(other.code(), Some("IdempotentParameterMismatch"));
    let unknown = ec2.describe_instances().instance_ids("i-0123456789abcdef0").send().await.unwrap_err();
    assert_eq!(unknown.code(), Some("InvalidInstanceID.NotFound"));
    assert_eq!(unknown.message(), Some("The instance ID 'i-0123456789abcdef0' does not exist"));
    let none = run(&ec2, "t-2", 1).min_count(2).send().await.unwrap_err();
    assert_eq!(none.code(), Some("InvalidParameterCombination"));
    script(&sim, "throttle", "RunInstances").await;
    let fast = run(&ec2, "t-3", 1).send().await.unwrap_err();
    assert_eq!(fast.code(), Some("RequestLimitExceeded"));
    assert_eq!(fast.raw_response().map(|r| r.status().as_u16()), Some(503));
}

#[tokio::test]
async fn full_pools_are_a_500_and_the_rest_of_a_launch() {
    let sim = simulated("scarce.toml", 1.0).await;
    let ec2 = Client::new(&config(&sim));
    assert_eq!(ids(&run(&ec2, "t-1", 8).send().await.unwrap()).len(), 5, "as many as there is room for");
    let full = run(&ec2, "t-2", 1).send().await.unwrap_err();
    assert_eq!(full.code(), Some("InsufficientInstanceCapacity"));
    assert_eq!(full.raw_response().map(|r| r.status().as_u16()), Some(500));
}

#[tokio::test]
async fn describes_come_in_pages() {
    let sim = simulated("quick.toml", 1.0).await;
    let ec2 = Client::new(&config(&sim));
    let mut launched = Vec::new();
    for n in 0..4 {
        launched.extend(ids(&run(&ec2, &format!("t-{n}"), 3).send().await.unwrap()));
    }
    let mut pages = ec2.describe_instances().max_results(5).into_paginator().send();
    let (mut seen, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        let instances = page.reservations().iter().flat_map(Reservation::instances);
        seen.extend(instances.filter_map(|i| i.instance_id.clone()));
        count += 1;
    }
    seen.sort();
    launched.sort();
    assert_eq!(seen, launched);
    assert!(count >= 3, "{count} pages");
}

#[tokio::test]
async fn a_protected_instance_is_not_terminated() {
    let sim = simulated("quick.toml", 1.0).await;
    let ec2 = Client::new(&config(&sim));
    let one = ids(&run(&ec2, "t-1", 1).send().await.unwrap()).remove(0);
    let protect = |on| {
        let value = AttributeBooleanValue::builder().value(on).build();
        ec2.modify_instance_attribute().instance_id(&one).disable_api_termination(value).send()
    };
    protect(true).await.unwrap();
    let told = ec2
        .describe_instance_attribute()
        .instance_id(&one)
        .attribute(InstanceAttributeName::DisableApiTermination)
        .send()
        .await
        .unwrap();
    assert_eq!(told.disable_api_termination().and_then(AttributeBooleanValue::value), Some(true));
    let refused = ec2.terminate_instances().instance_ids(&one).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("OperationNotPermitted"));
    protect(false).await.unwrap();
    ec2.terminate_instances().instance_ids(&one).send().await.unwrap();
}

#[tokio::test]
async fn an_instant_fleet_says_what_it_launched_and_what_not() {
    let sim = simulated("scarce.toml", 1.0).await;
    let ec2 = Client::new(&config(&sim));
    let data = RequestLaunchTemplateData::builder().image_id(IMAGE).instance_type(InstanceType::M5Large);
    ec2.create_launch_template()
        .launch_template_name("a-template")
        .launch_template_data(data.build())
        .send()
        .await
        .unwrap();
    let template = FleetLaunchTemplateSpecificationRequest::builder()
        .launch_template_name("a-template")
        .version("$Default");
    let place = aws_sdk_ec2::types::FleetLaunchTemplateOverridesRequest::builder().subnet_id(A).build();
    let answer = ec2
        .create_fleet()
        .r#type(FleetType::Instant)
        .launch_template_configs(
            FleetLaunchTemplateConfigRequest::builder()
                .launch_template_specification(template.build())
                .overrides(place)
                .build(),
        )
        .target_capacity_specification(
            TargetCapacitySpecificationRequest::builder()
                .total_target_capacity(8)
                .default_target_capacity_type("on-demand".into())
                .build(),
        )
        .send()
        .await
        .unwrap();
    let launched: usize = answer.instances().iter().map(|i| i.instance_ids().len()).sum();
    let errors: Vec<_> = answer.errors().iter().filter_map(|e| e.error_code()).collect();
    assert_eq!((launched, errors), (5, vec!["InsufficientInstanceCapacity"]));
}
