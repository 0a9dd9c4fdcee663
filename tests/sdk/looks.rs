//! muster's looks at the account, by the SDK's crates.

use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetDescription, TargetTypeEnum};
use muster::cloud::looks::{AwsLooks, Looks};
use muster::decide::preflight::look::{Look, Looked, Subject};
use muster::decide::preflight::quota::Quota;
use muster::decide::words::{ErrorClass, Time};

use super::*;
use crate::harness::wait_for;

/// What the only sighting says.
fn only(looked: &Looked) -> (Subject, i64) {
    let [one] = looked.seen.as_slice() else { panic!("{looked:?}") };
    (one.subject.clone(), one.value)
}

async fn launch(ec2: &aws_sdk_ec2::Client, n: i32, subnet: &str) -> Vec<String> {
    let call = ec2.run_instances().min_count(n).max_count(n).image_id(IMAGE).subnet_id(subnet);
    let launched = call.instance_type("m5.large".into()).send().await.unwrap();
    launched.instances().iter().filter_map(|i| i.instance_id.clone()).collect()
}

#[tokio::test]
async fn quotas_are_the_account_s_and_else_aws_s() {
    let sim = simulated("quotas.toml", 60.0).await;
    let looks = AwsLooks::of(&account(&sim).await);
    // More quotas than Service Quotas answers for at once.
    let look = async |look: Look| {
        wait_for("a call that is not throttled", async || {
            match looks.look(&look, Time(sim.origin_ms)).await {
                Err(e) if e.class == ErrorClass::Throttle => Err(e.to_string()),
                answer => Ok(answer),
            }
        })
        .await
    };
    let quota = Quota::StandardVcpus;
    assert_eq!(only(&look(Look::Quota(quota)).await.unwrap()), (Subject::Quota(quota), 5));
    assert_eq!(only(&look(Look::DefaultQuota(quota)).await.unwrap()), (Subject::Quota(quota), 5));
    for quota in Quota::ALL {
        let known = look(Look::Quota(*quota)).await.unwrap();
        assert_eq!(only(&known).0, Subject::Quota(*quota), "one that AWS knows by this code");
    }
}

#[tokio::test]
async fn what_is_used_is_counted() {
    let sim = simulated("cliffs.toml", 60.0).await;
    let looks = AwsLooks::of(&account(&sim).await);
    let clock = Clock::scaled(sim.scale, Some(Time(sim.origin_ms)));
    let look = async |look: Look| looks.look(&look, clock.now()).await;
    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));

    let subnet = Subject::Subnet(B.into());
    let free = only(&look(Look::Subnets([B.to_string()].into())).await.unwrap());
    let ids = launch(&ec2, 7, B).await;
    let left = only(&look(Look::Subnets([B.to_string()].into())).await.unwrap());
    assert_eq!((left.0, left.1), (subnet, free.1 - 7));

    let zone = Look::Interfaces { zone: "us-east-1b".into(), page: None, counted: 0 };
    assert_eq!(only(&look(zone).await.unwrap()), (Subject::Interfaces("us-east-1b".into()), 7));

    let types: Arc<[String]> = ["m5.large".to_string(), "m5.4xlarge".to_string()].into();
    let mut vcpus: Vec<i64> = look(Look::Types(types)).await.unwrap().seen.iter().map(|s| s.value).collect();
    vcpus.sort_unstable();
    assert_eq!(vcpus, [2, 16]);

    let balancing = aws_sdk_elasticloadbalancingv2::Client::new(&config(&sim));
    let group = balancing.create_target_group().name("web").protocol(ProtocolEnum::Http).port(80);
    let group = group.target_type(TargetTypeEnum::Instance).send().await.unwrap();
    let arn = group.target_groups()[0].target_group_arn().unwrap();
    wait_for("all of them to run", async || {
        let targets = ids.iter().map(|id| TargetDescription::builder().id(id).build());
        let register =
            balancing.register_targets().target_group_arn(arn).set_targets(Some(targets.collect()));
        register.send().await.map_err(|e| format!("{e:?}"))
    })
    .await;
    let targets = look(Look::Targets(arn.into())).await.unwrap();
    assert_eq!(only(&targets), (Subject::Targets(arn.into()), 7));

    // A point a minute, and the newest is late.
    wait_for("the usage to be told", async || {
        let told = look(Look::Usage(Quota::StandardVcpus)).await.map_err(|e| e.to_string())?;
        if only(&told).1 == 14 { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let sim = simulated("cliffs.toml", 1.0).await;
    let looks = AwsLooks::of(&account(&sim).await);
    let look = async |look: Look| looks.look(&look, Time(sim.origin_ms)).await;
    let refused = look(Look::Subnets(["subnet-12345678".to_string()].into())).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::Configuration, "{refused}");

    let ec2 = aws_sdk_ec2::Client::new(&config(&sim));
    let data = aws_sdk_ec2::types::RequestLaunchTemplateData::builder().image_id(IMAGE).build();
    let made =
        ec2.create_launch_template().launch_template_name("web").launch_template_data(data).send().await;
    let id: Arc<str> = made.unwrap().launch_template().unwrap().launch_template_id().unwrap().into();
    let version = |version: &str| Look::Template { id: id.clone(), version: version.into() };
    assert_eq!(only(&look(version("1")).await.unwrap()).1, 1);
    let missing = look(version("7")).await;
    let none = missing.as_ref().map_or_else(|e| e.code.contains("NotFound"), |l| only(l).1 == 0);
    assert!(none, "{missing:?}");
}
