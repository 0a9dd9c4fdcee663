//! muster's CloudWatch adapter on a CloudWatch that others wrote.

use std::time::Duration;

use muster::cloud::account::{Account, AwsSettings};
use muster::cloud::cloudwatch::{AwsCloudWatch, CloudWatch, MetricQuery, Protocol};
use muster::decide::words::Time;
use muster::time::{Clock, wall_now};

use crate::harness::http;
use crate::sdk::{fds, settings_at};

const MINUTE: i64 = 60_000;
const NAMESPACE: &str = "Muster/Counterpart";

/// What a gateway carries is put there, minute by minute, and read with its times; what nobody has put is unknown, and
/// no zero.
pub async fn walkthrough(variable: &str) {
    let endpoint = super::endpoint(variable);
    // Another run's are another gateway's.
    let gateway = format!("tgw-{:x}", wall_now().0);
    let now = wall_now().0;
    let newest = Time(now - now % MINUTE - 2 * MINUTE);
    for (minutes_ago, bytes) in [(0, 7.5e9), (1, 6e9), (9, 1e9)] {
        put(&endpoint, &gateway, Time(newest.0 - minutes_ago * MINUTE), bytes).await;
    }
    let settings = AwsSettings { metrics: Protocol::Query, ..settings_at(&endpoint) };
    let account = Account::new(&settings, fds(), Clock::real()).await.unwrap();
    let cloudwatch = AwsCloudWatch::of(&account);
    let queries = [carried(&gateway), carried("tgw-0")];
    let (from, until) = (Time(newest.0 - 5 * MINUTE), Time(newest.0 + 2 * MINUTE));
    let page = cloudwatch.metric_data(&queries, from, until, None).await.unwrap();
    assert_eq!(page.series.len(), 2);
    assert_eq!(page.series[0].newest(), Some((newest, 7.5e9)), "a Gbit/s for a minute, and since when");
    let before = Time(newest.0 - MINUTE);
    assert_eq!(page.series[0].points, [(newest, 7.5e9), (before, 6e9)], "what is older was not asked for");
    assert_eq!(page.series[1].newest(), None);
    // An hour later nothing of it is fresh.
    let (from, until) = (Time(newest.0 + 60 * MINUTE), Time(newest.0 + 70 * MINUTE));
    let page = cloudwatch.metric_data(&queries, from, until, None).await.unwrap();
    assert_eq!(page.series[0].newest(), None);
}

fn carried(gateway: &str) -> MetricQuery {
    MetricQuery {
        namespace: NAMESPACE.into(),
        name: "BytesIn".into(),
        dimensions: vec![("TransitGateway".into(), gateway.into())],
        period: Duration::from_secs(60),
        statistic: "Sum".into(),
    }
}

async fn put(endpoint: &str, gateway: &str, at: Time, value: f64) {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap().to_string();
    for (name, value) in [
        ("Action", "PutMetricData"),
        ("Version", "2010-08-01"),
        ("Namespace", NAMESPACE),
        ("MetricData.member.1.MetricName", "BytesIn"),
        ("MetricData.member.1.Timestamp", &at),
        ("MetricData.member.1.Value", &value.to_string()),
        ("MetricData.member.1.Dimensions.member.1.Name", "TransitGateway"),
        ("MetricData.member.1.Dimensions.member.1.Value", gateway),
    ] {
        form.append_pair(name, value);
    }
    let signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, \
                  Signature=unchecked";
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", signed)];
    let (status, said) = http("POST", &format!("{endpoint}/"), &headers, &form.finish()).await.unwrap();
    assert_eq!(status, 200, "{said}");
}
