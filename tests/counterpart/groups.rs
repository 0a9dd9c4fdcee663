//! muster's Auto Scaling adapter on software that others wrote.
//!
//! moto has no lifecycle actions and no `LaunchInstances`, and `TerminateInstanceInAutoScalingGroup` with many ids
//! breaks in it, so what is asked here is the rest.

use aws_sdk_ec2::types::{InstanceType, RequestLaunchTemplateData};
use muster::cloud::Ec2;
use muster::cloud::account::Account;
use muster::cloud::autoscaling::{AutoScaling, AwsAutoScaling, GroupSeen, HealthStatus, Lifecycle, Process};
use muster::cloud::ec2::AwsEc2;
use muster::decide::words::{Ec2Id, ErrorClass};
use muster::time::{Clock, wall_now};

use crate::harness::wait_for;
use crate::sdk::{account_at, config_at};

/// Makes a group by the SDK, then describes, grows, protects, suspends, sets aside and shrinks it by the adapter.
pub async fn walkthrough(variable: &str) {
    let endpoint = super::endpoint(variable);
    let group = make(&endpoint).await;
    let account = account_at(&endpoint, Clock::real()).await;
    let aws = AwsAutoScaling::of(&account);

    let seen = described(&aws, &group).await;
    assert_eq!((seen.min, seen.max, seen.desired, seen.members.len()), (0, 5, 1, 1), "{seen:?}");
    assert_eq!((seen.subnets.len(), seen.suspended.len()), (1, 0));

    aws.set_desired_capacity(&group, 4).await.unwrap();
    let ids = in_service(&aws, &group, 4).await;
    let page = aws.describe_members(&ids, None).await.unwrap();
    assert_eq!(page.items.len(), 4);
    assert!(page.items.iter().all(|m| m.group == group && m.healthy && !m.protected), "{page:?}");

    aws.set_instance_protection(&group, &ids[..2], true).await.unwrap();
    aws.set_instance_health(&ids[0], HealthStatus::Unhealthy, false).await.unwrap();
    let page = aws.describe_members(&ids, None).await.unwrap();
    let protected: Vec<_> = page.items.iter().filter(|m| m.protected).map(|m| m.id).collect();
    assert_eq!(protected.len(), 2);
    assert!(ids[..2].iter().all(|id| protected.contains(id)));
    let unhealthy: Vec<_> = page.items.iter().filter(|m| !m.healthy).map(|m| m.id).collect();
    assert_eq!(unhealthy, ids[..1]);

    let some = [Process::AzRebalance, Process::ReplaceUnhealthy];
    aws.suspend_processes(&group, &some).await.unwrap();
    let mut suspended: Vec<_> = described(&aws, &group).await.suspended.iter().map(|s| s.process).collect();
    suspended.sort();
    assert_eq!(suspended, some);
    aws.resume_processes(&group, &some[..1]).await.unwrap();
    assert_eq!(described(&aws, &group).await.suspended[0].process, Process::ReplaceUnhealthy);

    aws.enter_standby(&group, &ids[3..], true).await.unwrap();
    let seen = described(&aws, &group).await;
    let aside: Vec<_> = seen.members.iter().filter(|m| m.state == Lifecycle::Standby).collect();
    assert_eq!((seen.desired, aside.len(), aside[0].id), (3, 1, ids[3]));
    aws.exit_standby(&group, &ids[3..]).await.unwrap();
    assert_eq!(described(&aws, &group).await.desired, 4);

    aws.terminate_member(&ids[2], true).await.unwrap();
    let left = in_service(&aws, &group, 3).await;
    assert!(!left.contains(&ids[2]), "{left:?}");
    protect_from_ec2(&account, &left[0]).await;

    // What moto cannot do is neither an answer nor a refusal.
    let e = aws.set_desired_capacity("nobody", 1).await.unwrap_err();
    assert_eq!(e.class, ErrorClass::Unknown, "{e}");
}

/// `DisableApiTermination`: moto keeps it too.
async fn protect_from_ec2(account: &Account, id: &Ec2Id) {
    let ec2 = AwsEc2::of(account);
    ec2.protect_from_termination(id, true).await.unwrap();
    let e = ec2.terminate_instances(std::slice::from_ref(id)).await.unwrap_err();
    assert_eq!((e.class, e.code.as_str()), (ErrorClass::Configuration, "OperationNotPermitted"), "{e}");
    ec2.protect_from_termination(id, false).await.unwrap();
}

async fn described(aws: &AwsAutoScaling, group: &str) -> GroupSeen {
    let page = aws.describe_groups(&[group.to_owned()], true, None).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
    page.items.into_iter().next().unwrap()
}

/// Waits until so many are in service and nobody is in another state; their ids.
async fn in_service(aws: &AwsAutoScaling, group: &str, count: usize) -> Vec<Ec2Id> {
    wait_for(&format!("{count} in service"), async || {
        let members = described(aws, group).await.members;
        if members.len() == count && members.iter().all(|m| m.state == Lifecycle::InService) {
            Ok(members.iter().map(|m| m.id).collect())
        } else {
            Err(format!("{members:?}"))
        }
    })
    .await
}

/// A group of 0 to 5 with one instance, in a subnet of its own; its name.
async fn make(endpoint: &str) -> String {
    let config = config_at(endpoint);
    let (ec2, groups) = (aws_sdk_ec2::Client::new(&config), aws_sdk_autoscaling::Client::new(&config));
    let vpc = ec2.create_vpc().cidr_block("127.79.0.0/16").send().await.unwrap();
    let vpc = vpc.vpc().and_then(|v| v.vpc_id()).unwrap();
    let subnet = ec2.create_subnet().vpc_id(vpc).cidr_block("127.79.0.0/24").send().await.unwrap();
    let subnet = subnet.subnet().and_then(|s| s.subnet_id()).unwrap();
    let name = format!("web-{}", wall_now().0);
    let data = RequestLaunchTemplateData::builder()
        .image_id("ami-12c6146b")
        .instance_type(InstanceType::T3Micro)
        .build();
    ec2.create_launch_template().launch_template_name(&name).launch_template_data(data).send().await.unwrap();
    let template = aws_sdk_autoscaling::types::LaunchTemplateSpecification::builder()
        .launch_template_name(&name)
        .version("$Latest")
        .build();
    groups
        .create_auto_scaling_group()
        .auto_scaling_group_name(&name)
        .launch_template(template)
        .min_size(0)
        .max_size(5)
        .desired_capacity(1)
        .vpc_zone_identifier(subnet)
        .send()
        .await
        .unwrap();
    name
}
