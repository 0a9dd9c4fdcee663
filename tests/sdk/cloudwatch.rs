//! muster's CloudWatch adapter. What it reads is put by the simulator's own plain JSON.

use std::time::Duration;

use muster::cloud::cloudwatch::{AwsCloudWatch, CloudWatch, MetricQuery, SeriesStatus};
use muster::decide::words::{ErrorClass, Time};
use muster::time::wall_now;

use super::*;

const MINUTE: i64 = 60_000;

fn load(zone: &str) -> MetricQuery {
    MetricQuery {
        namespace: "Muster/Test".into(),
        name: "Load".into(),
        dimensions: vec![("Zone".into(), zone.into())],
        period: Duration::from_secs(60),
        statistic: "Average".into(),
    }
}

/// Puts one value a minute, the last of them at `newest`.
async fn put(sim: &Sim, zone: &str, newest: Time, values: &[f64]) {
    let minutes = (0..).map(|n: i64| newest.0 - n * MINUTE);
    let data: Vec<_> = minutes
        .zip(values.iter().rev())
        .map(|(at, value)| {
            serde_json::json!({
                "MetricName": "Load", "Timestamp": at / 1_000, "Value": value,
                "Dimensions": [{ "Name": "Zone", "Value": zone }],
            })
        })
        .collect();
    let body = serde_json::json!({ "Namespace": "Muster/Test", "MetricData": data }).to_string();
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "GraniteServiceVersion20100801.PutMetricData"),
        ("authorization", "AWS4-HMAC-SHA256 unchecked"),
    ];
    let (status, said) = http("POST", &format!("{}/", sim.announced.ec2), &headers, &body).await.unwrap();
    assert_eq!(status, 200, "{said}");
}

/// A whole minute in the near past.
fn recent() -> Time {
    let now = wall_now();
    Time(now.0 - now.0 % MINUTE - 5 * MINUTE)
}

#[tokio::test]
async fn metrics_are_read_with_their_times() {
    let sim = simulated("services.toml", 1.0).await;
    let newest = recent();
    put(&sim, "a", newest, &[1.0, 2.0, 3.5]).await;
    put(&sim, "b", newest, &[7.0]).await;
    let cloudwatch = AwsCloudWatch::of(&account(&sim).await);
    let (from, until) = (Time(newest.0 - 10 * MINUTE), Time(newest.0 + MINUTE));
    let queries = [load("b"), load("nowhere"), load("a")];
    let page = cloudwatch.metric_data(&queries, from, until, None).await.unwrap();
    assert_eq!((page.series.len(), page.next), (3, None));
    assert_eq!(page.series[0].points, [(newest, 7.0)]);
    assert_eq!(page.series[1].newest(), None);
    let minute_before = Time(newest.0 - MINUTE);
    assert_eq!(page.series[2].points[..2], [(newest, 3.5), (minute_before, 2.0)]);
    assert!(page.series.iter().all(|s| s.status == SeriesStatus::Complete));
    let none = cloudwatch.metric_data(&[], from, until, None).await.unwrap();
    assert_eq!(none.series, []);
}

#[tokio::test]
async fn its_signature_holds_where_signatures_are_checked() {
    let sim = simulated("signed.toml", 1.0).await;
    let keys = |secret: &str| AwsSettings {
        region: "us-east-1".into(),
        endpoint: Some(sim.announced.ec2.clone()),
        call_timeout: Duration::from_secs(60),
        metrics: Protocol::Json,
        keys: Some(AwsKeys { id: "AKIAIOSFODNN7EXAMPLE".into(), secret: secret.into() }),
    };
    let now = recent();
    let ask = async |secret: &str| {
        let account = Account::new(&keys(secret), fds(), Clock::real()).await.unwrap();
        let (from, until) = (Time(now.0 - MINUTE), now);
        AwsCloudWatch::of(&account).metric_data(&[load("a")], from, until, None).await
    };
    assert_eq!(ask("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").await.unwrap().series.len(), 1);
    let e = ask("another").await.unwrap_err();
    assert_eq!(e.class, ErrorClass::Unknown, "credentials are repaired by people: {e}");
    assert!(e.code.contains("Signature"), "{e}");
}

#[tokio::test]
async fn errors_have_their_classes() {
    let sim = simulated("services.toml", 1.0).await;
    let cloudwatch = AwsCloudWatch::of(&account(&sim).await);
    let now = recent();
    let ask = async |queries: &[MetricQuery], page| {
        let e = cloudwatch.metric_data(queries, Time(now.0 - MINUTE), now, page).await.unwrap_err();
        (e.class, e.code)
    };
    let odd = MetricQuery { period: Duration::from_secs(61), ..load("a") };
    assert_eq!(ask(&[odd], None).await.0, ErrorClass::Configuration);
    assert_eq!(
        ask(&[load("a")], Some("made up")).await,
        (ErrorClass::Configuration, "InvalidNextToken".into())
    );
    let many: Vec<_> = (0..501).map(|n| load(&n.to_string())).collect();
    assert_eq!(ask(&many, None).await.0, ErrorClass::Configuration);
    for (fault, class, code) in [
        ("throttle", ErrorClass::Throttle, "ThrottlingException"),
        ("error", ErrorClass::Unknown, "InternalServiceFault"),
        ("html", ErrorClass::Unknown, "unreadable"),
        ("truncated", ErrorClass::Unknown, "unreadable"),
        ("lost_after", ErrorClass::Unknown, "connection"),
    ] {
        script(&sim, fault, "GetMetricData").await;
        assert_eq!(ask(&[load("a")], None).await, (class, code.to_owned()), "{fault}");
    }
}
