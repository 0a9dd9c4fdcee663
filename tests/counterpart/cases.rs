//! muster's support cases on an AWS Support that others wrote.

use aws_sdk_support::Client;
use muster::api::types::{GatewayRequestHistory, GatewayTaken};
use serde_json::json;

use crate::harness::{Muster, wait_for};
use crate::sdk::config_at;

/// A request for more of a transit gateway makes one case there, which the next process finds and makes no second of.
pub async fn walkthrough(variable: &str) {
    let endpoint = super::endpoint(variable);
    let support = Client::new(&config_at(&endpoint));
    let mut muster = muster(&endpoint);
    muster.start().await;
    let body =
        json!({ "gateway": "core", "capacity": 200, "until": "48h", "owner": "ann", "reason": "a peak" });
    let (status, body) = muster.post("/v1/gateways", &body.to_string()).await;
    assert_eq!(status, 202, "{body}");
    let taken: GatewayTaken = serde_json::from_str(&body).unwrap();

    let made = followed(&muster, &taken.id, |request| request.reference.is_some()).await;
    let case = made.request.reference.unwrap();
    assert_eq!(cases_of(&support, &taken.id).await, [case.as_str()]);
    assert!(made.journal.iter().any(|line| line.text.contains(&case)), "{:?}", made.journal);

    muster.kill().await;
    muster.start().await;
    // Its first look shows where the case stands.
    let again = followed(&muster, &taken.id, |request| request.reference_state.is_some()).await.request;
    assert_eq!((again.reference.as_deref(), again.submitted_at.is_some()), (Some(case.as_str()), true));
    assert_eq!(cases_of(&support, &taken.id).await, [case.as_str()], "no second one");

    let (status, body) = muster
        .post(&format!("/v1/gateways/{}/confirm", taken.id), r#"{ "capacity": 200, "by": "bob" }"#)
        .await;
    assert_eq!(status, 202, "{body}");
    support.resolve_case().case_id(&case).send().await.unwrap();
}

/// The request, once this is so of it.
async fn followed(
    muster: &Muster,
    id: &str,
    is_so: impl Fn(&muster::api::types::GatewayRequestItem) -> bool,
) -> GatewayRequestHistory {
    wait_for("the support case", async || {
        let (status, body) = muster.get(&format!("/v1/gateways/{id}")).await?;
        let shown: GatewayRequestHistory =
            serde_json::from_str(&body).map_err(|e| format!("{status} {e}: {body}"))?;
        if is_so(&shown.request) { Ok(shown) } else { Err(body) }
    })
    .await
}

/// The ids of the cases about a request, resolved or not.
pub async fn cases_of(support: &Client, request: &str) -> Vec<String> {
    let described = support.describe_cases().include_resolved_cases(true).send().await.unwrap();
    let about = format!("muster request {request}:");
    let cases = described.cases.unwrap_or_default().into_iter();
    let ours = cases.filter(|case| case.subject().is_some_and(|subject| subject.starts_with(&about)));
    ours.filter_map(|case| case.case_id).collect()
}

fn muster(endpoint: &str) -> Muster {
    let dir = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", dir.path().join("muster.db").display());
    Muster::with(dir, |port| {
        format!(
            r#"
[server]
listen = "127.0.0.1:{port}"
[store]
url = "{database}"
[aws]
region = "us-east-1"
endpoint = "{endpoint}"
[log]
level = "error"
[groups.web]
max = 100
[groups.web.launch]
image = "ami-0123456789abcdef0"
instance_type = "t3.micro"
subnets = [{{ id = "subnet-0000000000000000a", zone = "us-east-1a" }}]
[groups.web.configure]
method = "PUT"
port = 8001
path = "/configure"
body = "{{}}"
[[groups.web.probes]]
kind = "http"
port = 8001
path = "/health"
[gateways.core]
kind = "transit-gateway"
transit_gateway_id = "tgw-0123456789abcdef0"
[gateways.core.support]
service_code = "amazon-virtual-private-cloud"
category_code = "other"
severity_code = "high"
"#
        )
    })
}
