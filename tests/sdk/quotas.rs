//! aws-sdk-servicequotas.

use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::{RequestStatus, ServiceQuota};

use super::*;
use crate::harness::wait_for;

/// The vCPUs of running On-Demand instances of the standard types.
const VCPUS: &str = "L-1216C47A";

#[tokio::test]
async fn a_quota_is_read_and_raised() {
    let sim = simulated("quotas.toml", 1_000.0).await;
    let client = Client::new(&config(&sim));
    let value = async || {
        let told = client.get_service_quota().service_code("ec2").quota_code(VCPUS).send().await.unwrap();
        told.quota().and_then(ServiceQuota::value).unwrap_or_default()
    };
    assert!((value().await - 5.0).abs() < f64::EPSILON);
    let ask = client.request_service_quota_increase().service_code("ec2").quota_code(VCPUS);
    let request = ask.desired_value(4_096.0).send().await.unwrap().requested_quota.unwrap();
    assert!(
        matches!(request.status(), Some(RequestStatus::Pending | RequestStatus::CaseOpened)),
        "{request:?}"
    );
    wait_for("the quota", async || {
        let value = value().await;
        if value >= 4_096.0 { Ok(()) } else { Err(value.to_string()) }
    })
    .await;
    let default = client.get_aws_default_service_quota().service_code("ec2").quota_code(VCPUS).send().await;
    assert_eq!(default.unwrap().quota().and_then(ServiceQuota::value), Some(5.0), "the default stays");
}

#[tokio::test]
async fn errors_are_the_modelled_ones() {
    let sim = simulated("quotas.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    let e = client.get_service_quota().service_code("ec2").quota_code("L-00000000").send().await.unwrap_err();
    assert!(e.into_service_error().is_no_such_resource_exception());
    let ask = |value| {
        client
            .request_service_quota_increase()
            .service_code("ec2")
            .quota_code(VCPUS)
            .desired_value(value)
            .send()
    };
    ask(100.0).await.unwrap();
    let twice = ask(200.0).await.unwrap_err().into_service_error();
    assert!(twice.is_resource_already_exists_exception(), "{twice:?}");
    let e = client.list_service_quotas().service_code("ec2").next_token("made up").send().await.unwrap_err();
    assert!(e.into_service_error().is_invalid_pagination_token_exception());
    script(&sim, "throttle", "GetServiceQuota").await;
    let e = client.get_service_quota().service_code("ec2").quota_code(VCPUS).send().await.unwrap_err();
    assert!(e.into_service_error().is_too_many_requests_exception());
}

#[tokio::test]
async fn quotas_come_in_pages() {
    // Buckets of a few calls a second are full again before the next page is asked for.
    let sim = simulated("quotas.toml", 1_000.0).await;
    let client = Client::new(&config(&sim));
    let mut pages = client.list_service_quotas().service_code("ec2").max_results(5).into_paginator().send();
    let (mut codes, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        codes.extend(page.unwrap().quotas.unwrap_or_default().into_iter().filter_map(|q| q.quota_code));
        count += 1;
    }
    assert!(count > 1 && codes.iter().any(|c| c == VCPUS), "{count} pages: {codes:?}");
    let all = codes.len();
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), all, "each once");
}
