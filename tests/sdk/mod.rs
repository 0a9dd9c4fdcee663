//! AWS's own Rust SDK against a `muster sim` process: what each service's crate makes of its answers, its errors
//! as the crate models them, pages and idempotency; and muster's adapters on top of them.
//!
//! CloudWatch's crate is missing: with it come http 0.2 and http-body 0.4, which deny.toml forbids. muster's own
//! adapter for it is in `cloudwatch`.

pub mod autoscaling;
mod cloudwatch;
mod ec2;
mod elbv2;
mod groups;
mod hooks;
mod looks;
mod messages;
mod plain_http;
mod quotas;
mod sns;
mod sqs;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use muster::cloud::account::{Account, AwsKeys, AwsSettings};
use muster::cloud::cloudwatch::Protocol;
use muster::net::fds::{FdLimits, Fds};
use muster::time::Clock;

use crate::harness::{Sim, http};
use plain_http::PlainHttp;

const A: &str = "subnet-0000000000000000a";
const B: &str = "subnet-0000000000000000b";
const C: &str = "subnet-0000000000000000c";
const IMAGE: &str = "ami-0123456789abcdef0";

/// A simulated AWS with one of the settings of tests/clients/settings.
async fn simulated(settings: &str, scale: f64) -> Sim {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/settings").join(settings);
    Sim::start(scale, &["--seed", "1", "--settings", path.to_str().unwrap()]).await
}

/// What a client of the SDK for this simulator is made from. It never tries again.
pub fn config(sim: &Sim) -> SdkConfig {
    config_at(&sim.announced.ec2)
}

/// What a client of the SDK for this endpoint is made from.
pub fn config_at(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIDTEST", "secret", None, None, "test",
        )))
        .http_client(PlainHttp::new())
        .retry_config(RetryConfig::disabled())
        .build()
}

/// What muster's adapters for this simulator are made from.
async fn account(sim: &Sim) -> Account {
    account_at(&sim.announced.ec2, Clock::scaled(sim.scale, None)).await
}

/// What muster's adapters for this endpoint are made from.
pub async fn account_at(endpoint: &str, clock: Clock) -> Account {
    // On the wall, whatever the scale.
    let call_timeout = Duration::from_secs(60).mul_f64(clock.scale());
    let settings = AwsSettings { call_timeout, ..settings_at(endpoint) };
    Account::new(&settings, fds(), clock).await.unwrap()
}

/// What software that takes any keys is asked with.
pub fn settings_at(endpoint: &str) -> AwsSettings {
    AwsSettings {
        region: "us-east-1".into(),
        endpoint: Some(endpoint.into()),
        call_timeout: Duration::from_secs(60),
        metrics: Protocol::Json,
        keys: Some(AwsKeys { id: "test".into(), secret: "test".into() }),
    }
}

pub fn fds() -> Arc<Fds> {
    Fds::within(1_024, 0, &FdLimits::default()).unwrap()
}

/// Changes what goes wrong from now on.
pub async fn faults(sim: &Sim, change: &str) {
    let url = format!("{}/_sim/faults", sim.announced.ec2);
    let (status, body) = http("POST", &url, &[("content-type", "application/json")], change).await.unwrap();
    assert_eq!(status, 200, "{body}");
}

/// From now on every call of the action is answered by this fault.
async fn script(sim: &Sim, fault: &str, action: &str) {
    let change = format!(r#"{{"script":[{{"fault":"{fault}","action":"{action}"}}]}}"#);
    faults(sim, &change).await;
}
