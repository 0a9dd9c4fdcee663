//! aws-sdk-elasticloadbalancingv2.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancerTypeEnum, MinimumLoadBalancerCapacity, ProtocolEnum, TargetDescription, TargetTypeEnum,
};

use aws_sdk_servicequotas::types::ServiceQuota;

use super::*;
use crate::harness::wait_for;

async fn balancer(client: &Client, name: &str) -> String {
    let made = client
        .create_load_balancer()
        .name(name)
        .r#type(LoadBalancerTypeEnum::Application)
        .subnets(A)
        .subnets(B)
        .send()
        .await
        .unwrap();
    made.load_balancers()[0].load_balancer_arn.clone().unwrap()
}

async fn target_group(client: &Client, sim: &Sim, name: &str) -> String {
    let subnets = aws_sdk_ec2::Client::new(&config(sim)).describe_subnets().send().await.unwrap();
    let made = client
        .create_target_group()
        .name(name)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .target_type(TargetTypeEnum::Instance)
        .set_vpc_id(subnets.subnets()[0].vpc_id.clone())
        .send()
        .await
        .unwrap();
    made.target_groups()[0].target_group_arn.clone().unwrap()
}

fn units(n: i32) -> MinimumLoadBalancerCapacity {
    MinimumLoadBalancerCapacity::builder().capacity_units(n).build()
}

#[tokio::test]
async fn capacity_is_reserved_within_a_quota() {
    let sim = simulated("autoscaling.toml", 1_000.0).await;
    let client = Client::new(&config(&sim));
    let arn = balancer(&client, "lb").await;
    let reserve = |n| {
        client
            .modify_capacity_reservation()
            .load_balancer_arn(&arn)
            .minimum_load_balancer_capacity(units(n))
            .send()
    };
    let none = reserve(500).await.unwrap_err().into_service_error();
    assert!(none.is_capacity_units_limit_exceeded_exception(), "{none:?}");

    let quotas = aws_sdk_servicequotas::Client::new(&config(&sim));
    let (service, quota) = ("elasticloadbalancing", "L-8A66D0E6");
    let ask = quotas.request_service_quota_increase().service_code(service).quota_code(quota);
    ask.desired_value(10_000.0).send().await.unwrap();
    wait_for("the quota", async || {
        let told = quotas.get_service_quota().service_code(service).quota_code(quota).send().await.unwrap();
        let value = told.quota().and_then(ServiceQuota::value).unwrap_or_default();
        if value >= 10_000.0 { Ok(()) } else { Err(value.to_string()) }
    })
    .await;

    let few = reserve(99).await.unwrap_err().into_service_error();
    assert!(few.is_invalid_configuration_request_exception(), "{few:?}");
    let answer = reserve(500).await.unwrap();
    let capacity =
        answer.minimum_load_balancer_capacity().and_then(MinimumLoadBalancerCapacity::capacity_units);
    assert_eq!(capacity, Some(500));
    wait_for("the capacity", async || {
        let told = client.describe_capacity_reservation().load_balancer_arn(&arn).send().await.unwrap();
        let zones = told.capacity_reservation_state();
        let codes: Vec<_> = zones.iter().filter_map(|z| Some(z.state()?.code()?.as_str())).collect();
        if codes == ["provisioned", "provisioned"] { Ok(()) } else { Err(format!("{codes:?}")) }
    })
    .await;
}

#[tokio::test]
async fn targets_have_a_health() {
    let sim = simulated("autoscaling.toml", 1_000.0).await;
    let client = Client::new(&config(&sim));
    let group = target_group(&client, &sim, "tg").await;
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    let run = ec2.run_instances().min_count(1).max_count(1).image_id(IMAGE).subnet_id(A);
    let run = run.instance_type(aws_sdk_ec2::types::InstanceType::M5Large).send().await.unwrap();
    let id = run.instances()[0].instance_id().unwrap();
    wait_for("the instance to run", async || {
        let told = ec2.describe_instances().instance_ids(id).send().await.unwrap();
        let state = told.reservations()[0].instances()[0].state().and_then(|s| s.name()).cloned();
        if state.as_ref().is_some_and(|s| s.as_str() == "running") {
            Ok(())
        } else {
            Err(format!("{state:?}"))
        }
    })
    .await;
    let target = TargetDescription::builder().id(id).build();
    client.register_targets().target_group_arn(&group).targets(target).send().await.unwrap();
    let told = client.describe_target_health().target_group_arn(&group).send().await.unwrap();
    let health = told.target_health_descriptions();
    assert_eq!((health.len(), health[0].target().and_then(|t| t.id())), (1, Some(id)));
}

#[tokio::test]
async fn errors_are_the_modelled_ones() {
    let sim = simulated("autoscaling.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    let nobody =
        "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/nobody/0123456789abcdef";
    let e = client.describe_load_balancers().load_balancer_arns(nobody).send().await.unwrap_err();
    assert!(e.into_service_error().is_load_balancer_not_found_exception());
    let reserve = client.modify_capacity_reservation().load_balancer_arn(nobody);
    let e = reserve.minimum_load_balancer_capacity(units(100)).send().await.unwrap_err();
    assert!(e.into_service_error().is_load_balancer_not_found_exception());
    let nobody = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/nobody/0123456789abcdef";
    let e = client.describe_target_health().target_group_arn(nobody).send().await.unwrap_err();
    assert!(e.into_service_error().is_target_group_not_found_exception());
    let group = target_group(&client, &sim, "tg").await;
    let target = TargetDescription::builder().id("i-0123456789abcdef0").build();
    let e = client.register_targets().target_group_arn(&group).targets(target).send().await.unwrap_err();
    assert!(e.into_service_error().is_invalid_target_exception());
}

#[tokio::test]
async fn balancers_come_in_pages() {
    let sim = simulated("autoscaling.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    for n in 0..5 {
        balancer(&client, &format!("lb-{n}")).await;
    }
    let mut pages = client.describe_load_balancers().page_size(2).into_paginator().send();
    let (mut seen, mut count) = (0, 0);
    while let Some(page) = pages.next().await {
        seen += page.unwrap().load_balancers().len();
        count += 1;
    }
    assert_eq!((seen, count), (5, 3));
}
