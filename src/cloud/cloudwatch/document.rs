//! `GetMetricData` in AWS JSON 1.0: times are seconds since 1970, with a fraction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MetricPage, MetricQuery, Series, SeriesStatus};
use crate::decide::words::Time;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    metric_data_queries: Vec<Query<'a>>,
    start_time: f64,
    end_time: f64,
    scan_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Query<'a> {
    id: String,
    metric_stat: Stat<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Stat<'a> {
    metric: Metric<'a>,
    period: u64,
    #[serde(rename = "Stat")]
    statistic: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric<'a> {
    namespace: &'a str,
    #[serde(rename = "MetricName")]
    name: &'a str,
    dimensions: Vec<Dimension<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    metric_data_results: Vec<Found>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    id: String,
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
    #[serde(default)]
    status_code: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
    #[serde(alias = "Message", default)]
    message: String,
}

/// The document of a request.
pub(super) fn request(
    queries: &[MetricQuery],
    from: Time,
    until: Time,
    page: Option<&str>,
) -> Result<Vec<u8>, serde_json::Error> {
    let query = |(n, q)| Query { id: id(n), metric_stat: stat(q) };
    serde_json::to_vec(&Request {
        metric_data_queries: queries.iter().enumerate().map(query).collect(),
        start_time: seconds(from),
        end_time: seconds(until),
        scan_by: "TimestampDescending",
        next_token: page,
    })
}

fn stat(q: &MetricQuery) -> Stat<'_> {
    let dimensions = q.dimensions.iter().map(|(name, value)| Dimension { name, value }).collect();
    Stat {
        metric: Metric { namespace: &q.namespace, name: &q.name, dimensions },
        period: q.period.as_secs(),
        statistic: &q.statistic,
    }
}

/// A query's id: a small letter, then digits. It is how the answer names the query.
pub(super) fn id(n: usize) -> String {
    format!("q{n}")
}

/// The answer to so many queries. `Err` if it does not say what it should.
pub(super) fn answer(document: &[u8], queries: usize) -> Result<MetricPage, String> {
    let answer: Answer = serde_json::from_slice(document).map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    for series in answer.metric_data_results {
        let (times, values) = (series.timestamps.len(), series.values.len());
        if times != values {
            return Err(format!("{} has {times} times and {values} values", series.id));
        }
        let status = series.status_code.as_deref().and_then(|s| s.parse().ok());
        let points = series.timestamps.iter().map(|s| time(*s)).zip(series.values).collect();
        found.push((series.id, Series { points, status: status.unwrap_or(SeriesStatus::Unlisted) }));
    }
    Ok(page_of(found, queries, answer.next_token.filter(|t| !t.is_empty())))
}

/// What was found, in the order of the queries.
pub(super) fn page_of(found: Vec<(String, Series)>, queries: usize, next: Option<String>) -> MetricPage {
    let mut found: BTreeMap<String, Series> = found.into_iter().collect();
    let silent = || Series { points: Vec::new(), status: SeriesStatus::Unlisted };
    let series = (0..queries).map(|n| found.remove(&id(n)).unwrap_or_else(silent)).collect();
    MetricPage { series, next }
}

/// Code and message of an error's document; none if it is not one.
pub(super) fn refusal(document: &[u8]) -> Option<(String, String)> {
    let refusal: Refusal = serde_json::from_slice(document).ok()?;
    // `com.amazonaws.cloudwatch#Throttling`
    let code = refusal.code.rsplit('#').next().unwrap_or_default().to_owned();
    (!code.is_empty()).then_some((code, refusal.message))
}

/// Exact for the times of this millennium: 53 bits hold 285 years of microseconds.
#[allow(clippy::cast_precision_loss)]
fn seconds(t: Time) -> f64 {
    t.0 as f64 / 1_000.0
}

/// Saturates; what is no number becomes 0.
#[allow(clippy::cast_possible_truncation)]
fn time(seconds: f64) -> Time {
    Time((seconds * 1_000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cpu() -> MetricQuery {
        MetricQuery {
            namespace: "AWS/EC2".into(),
            name: "CPUUtilization".into(),
            dimensions: vec![("AutoScalingGroupName".into(), "web".into())],
            period: Duration::from_secs(60),
            statistic: "Average".into(),
        }
    }

    #[test]
    fn a_request_names_the_metric_and_the_time() {
        let out = request(&[cpu()], Time(1_700_000_000_000), Time(1_700_000_300_500), Some("more")).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"{"MetricDataQueries":[{"Id":"q0","MetricStat":{"Metric":{"Namespace":"AWS/EC2","MetricName":"CPUUtilization","Dimensions":[{"Name":"AutoScalingGroupName","Value":"web"}]},"Period":60,"Stat":"Average"}}],"StartTime":1700000000.0,"EndTime":1700000300.5,"ScanBy":"TimestampDescending","NextToken":"more"}"#);
    }

    #[test]
    fn series_come_back_in_the_order_of_the_queries() {
        let text = br#"{"MetricDataResults":[
            {"Id":"q1","Timestamps":[1700000060,1700000000.0],"Values":[2,1.5],"StatusCode":"Complete"},
            {"Id":"q7","Timestamps":[],"Values":[]},
            {"Id":"q0","Timestamps":[],"Values":[],"StatusCode":"Forbidden"}],"NextToken":""}"#;
        let page = answer(text, 3).unwrap();
        assert_eq!(page.next, None);
        assert_eq!(page.series[0], Series { points: vec![], status: SeriesStatus::Forbidden });
        assert_eq!(page.series[1].points, [(Time(1_700_000_060_000), 2.0), (Time(1_700_000_000_000), 1.5)]);
        assert_eq!(page.series[1].newest(), Some((Time(1_700_000_060_000), 2.0)));
        assert_eq!((page.series[2].status, page.series[2].newest()), (SeriesStatus::Unlisted, None));
    }

    #[test]
    fn times_without_values_are_no_answer() {
        let text = br#"{"MetricDataResults":[{"Id":"q0","Timestamps":[1700000060],"Values":[]}]}"#;
        assert_eq!(answer(text, 1), Err("q0 has 1 times and 0 values".into()));
        for text in ["3", "{\"MetricDataResults\":3}", "<html/>", ""] {
            assert!(answer(text.as_bytes(), 1).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_says_its_code_without_its_namespace() {
        let text = br#"{"__type":"com.amazonaws.cloudwatch#ThrottlingException","message":"Rate exceeded"}"#;
        assert_eq!(refusal(text), Some(("ThrottlingException".into(), "Rate exceeded".into())));
        assert_eq!(refusal(br#"{"__type":"X","Message":"m"}"#), Some(("X".into(), "m".into())));
        assert_eq!(refusal(br#"{"__type":""}"#), None);
        assert_eq!(refusal(b"<html></html>"), None);
    }
}
