//! aws-sdk-support.

use aws_sdk_support::Client;
use aws_sdk_support::operation::create_case::builders::CreateCaseFluentBuilder;

use super::*;

fn case(client: &Client, subject: &str) -> CreateCaseFluentBuilder {
    client
        .create_case()
        .subject(subject)
        .communication_body("capacity for a gateway")
        .service_code("amazon-elastic-compute-cloud-linux")
        .severity_code("low")
        .category_code("other")
}

#[tokio::test]
async fn a_case_is_opened_shown_and_resolved() {
    let sim = simulated("services.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    let id = case(&client, "TEST CASE-Please ignore").send().await.unwrap().case_id.unwrap();
    let shown = client.describe_cases().case_id_list(&id).send().await.unwrap();
    assert_eq!(shown.cases()[0].subject(), Some("TEST CASE-Please ignore"));
    let more = client.add_communication_to_case().case_id(&id).communication_body("and another thing");
    assert!(more.send().await.unwrap().result());
    let resolved = client.resolve_case().case_id(&id).send().await.unwrap();
    assert_eq!(resolved.final_case_status(), Some("resolved"));
    assert_eq!(client.describe_cases().case_id_list(&id).send().await.unwrap().cases().len(), 0);
    let levels = client.describe_severity_levels().send().await.unwrap();
    assert_eq!(levels.severity_levels().len(), 5);
}

#[tokio::test]
async fn errors_are_the_modelled_ones() {
    let sim = simulated("services.toml", 1.0).await;
    let client = Client::new(&config(&sim));
    let e = case(&client, "a rehearsal").dry_run(true).send().await.unwrap_err().into_service_error();
    assert!(e.is_dry_run_operation_exception(), "{e:?}");
    let nobody = "case-000000000000-muen-2026-0000000000000000";
    let e = client.describe_cases().case_id_list(nobody).send().await.unwrap_err().into_service_error();
    assert!(e.is_case_id_not_found(), "{e:?}");
}

#[tokio::test]
async fn cases_come_in_pages() {
    // Faster than the wall, so that the account's few requests a second are enough.
    let sim = simulated("services.toml", 1_000.0).await;
    let client = Client::new(&config(&sim));
    for n in 0..25 {
        case(&client, &format!("case {n}")).send().await.unwrap();
    }
    let mut pages = client.describe_cases().max_results(10).into_paginator().send();
    let (mut seen, mut count) = (0, 0);
    while let Some(page) = pages.next().await {
        seen += page.unwrap().cases().len();
        count += 1;
    }
    assert_eq!((seen, count), (25, 3));
}
