//! From any of its protocols to the calls of CloudWatch.

use std::collections::BTreeMap;

use http::request::Parts;

use super::super::super::model::cloudwatch::call::{
    Action, Call, Datum, GetMetricData, GetMetricStatistics, ListMetrics, Metric, Query, Span, Stats, What,
};
use super::super::super::model::cloudwatch::error::{ApiError, Code};
use super::super::dialect::parameters;
use super::super::form::Form;
use super::super::value::{Value, ValueError};
use super::super::{cbor, json};
use super::{Protocol, operation};

/// Values in one datum.
const VALUES_MAX: usize = 150;

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(protocol: Protocol, head: &Parts, body: &[u8]) -> Call {
    let malformed = |why: String| ApiError::new(Code::MalformedInput, why);
    let (name, document) = match protocol {
        Protocol::Cbor => {
            let document = cbor::decode(body).map_err(|e| malformed(e.to_string()));
            (operation(head).unwrap_or_default().to_string(), document)
        }
        Protocol::Json => {
            let name = json::target(head).map_or("", |(_, name)| name).to_string();
            let text = if body.is_empty() { b"{}" } else { body };
            let document = serde_json::from_slice(text).map(|json| Value::of_json(&json));
            (name, document.map_err(|e| malformed(e.to_string())))
        }
        Protocol::Query => match Form::parse(parameters(head, body)) {
            Ok(form) => {
                let name = form.root().text("Action").unwrap_or_default().to_string();
                (name, Ok(Value::of_form(form.root())))
            }
            Err(e) => (String::new(), Err(malformed(e.to_string()))),
        },
    };
    let Ok(action) = name.parse::<Action>() else {
        let unknown = ApiError::new(Code::InvalidAction, format!("Could not find operation {name}"));
        return Call::Unreadable { action: None, error: document.err().unwrap_or(unknown) };
    };
    document
        .and_then(|document| read(action, &document))
        .unwrap_or_else(|error| Call::Unreadable { action: Some(action), error })
}

/// A request that could not even be received.
pub(in super::super) fn unreadable(why: String) -> Call {
    Call::Unreadable { action: None, error: ApiError::new(Code::MalformedInput, why) }
}

fn read(action: Action, root: &Value) -> Result<Call, ApiError> {
    Ok(match action {
        Action::GetMetricData => Call::GetMetricData(GetMetricData {
            queries: root.list("MetricDataQueries")?.iter().map(query).collect::<Result<_, _>>()?,
            span: span(root)?,
            ascending: root.text("ScanBy")?.as_deref() == Some("TimestampAscending"),
            max_datapoints: root.number("MaxDatapoints")?,
            next_token: root.text("NextToken")?,
        }),
        Action::GetMetricStatistics => {
            if root.has("ExtendedStatistics") {
                return Err(ApiError::invalid("Percentiles are not in the model"));
            }
            let statistic = |text: String| {
                text.parse().map_err(|_| ApiError::invalid(format!("The statistic {text} is not known")))
            };
            Call::GetMetricStatistics(GetMetricStatistics {
                metric: metric(root)?,
                span: span(root)?,
                period_s: root.number("Period")?.ok_or_else(|| ApiError::missing("Period"))?,
                statistics: root.texts("Statistics")?.into_iter().map(statistic).collect::<Result<_, _>>()?,
            })
        }
        Action::ListMetrics => {
            let dimension = |value: &Value| Ok((required(value, "Name")?, value.text("Value")?));
            let dimensions = root.list("Dimensions")?;
            Call::ListMetrics(ListMetrics {
                namespace: root.text("Namespace")?,
                name: root.text("MetricName")?,
                dimensions: dimensions.iter().map(dimension).collect::<Result<_, ApiError>>()?,
                next_token: root.text("NextToken")?,
            })
        }
        Action::PutMetricData => {
            let data = root.list("MetricData")?;
            if data.is_empty() {
                return Err(ApiError::missing("MetricData"));
            }
            let data = data.iter().map(datum).collect::<Result<_, _>>()?;
            Call::PutMetricData { namespace: required(root, "Namespace")?, data }
        }
    })
}

fn query(value: &Value) -> Result<Query, ApiError> {
    let what = match value.text("Expression")? {
        Some(text) => What::Expression(text),
        None if value.has("MetricStat") => {
            let stat = value.under("MetricStat");
            What::Stat {
                metric: metric(&stat.under("Metric"))?,
                period_s: stat.number("Period")?.ok_or_else(|| ApiError::missing("Period"))?,
                stat: required(&stat, "Stat")?,
            }
        }
        None => {
            let message = "Either MetricStat or Expression must be specified";
            return Err(ApiError::new(Code::ValidationError, message));
        }
    };
    Ok(Query {
        id: required(value, "Id")?,
        label: value.text("Label")?,
        returned: value.flag("ReturnData")?.unwrap_or(true),
        what,
    })
}

fn datum(value: &Value) -> Result<Datum, ApiError> {
    let name = required(value, "MetricName")?;
    let statistics = value.under("StatisticValues");
    let part = |name: &str| statistics.float(name)?.ok_or_else(|| ApiError::missing(name));
    let (values, counts) = (value.floats("Values")?, value.floats("Counts")?);
    let values = match (value.float("Value")?, value.has("StatisticValues"), values.as_slice()) {
        (Some(value), false, []) => Stats::of(value),
        (None, true, []) => Stats {
            count: part("SampleCount")?,
            sum: part("Sum")?,
            minimum: part("Minimum")?,
            maximum: part("Maximum")?,
        },
        (None, false, [first, rest @ ..]) if values.len() <= VALUES_MAX => {
            if !counts.is_empty() && counts.len() != values.len() {
                return Err(ApiError::invalid("The parameters Values and Counts must be of the same size"));
            }
            let count = |i: usize| counts.get(i).copied().unwrap_or(1.0);
            let with = |all: Stats, (i, value): (usize, &f64)| all.and(Stats::times(*value, count(i + 1)));
            rest.iter().enumerate().fold(Stats::times(*first, count(0)), with)
        }
        _ => {
            let message = format!(
                "The parameters Value, StatisticValues and Values (at most {VALUES_MAX}) of {name} are mutually \
                 exclusive, and one is required"
            );
            return Err(ApiError::new(Code::InvalidParameterCombination, message));
        }
    };
    Ok(Datum {
        name,
        dimensions: dimensions(value)?,
        at_ms: value.time("Timestamp")?,
        unit: value.text("Unit")?,
        values,
    })
}

fn metric(value: &Value) -> Result<Metric, ApiError> {
    Ok(Metric {
        namespace: required(value, "Namespace")?,
        name: required(value, "MetricName")?,
        dimensions: dimensions(value)?,
    })
}

fn dimensions(value: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let pair = |d: &Value| Ok((required(d, "Name")?, required(d, "Value")?));
    value.list("Dimensions")?.iter().map(pair).collect()
}

fn span(root: &Value) -> Result<Span, ApiError> {
    let time = |name: &str| root.time(name)?.ok_or_else(|| ApiError::missing(name));
    Ok(Span { start_ms: time("StartTime")?, end_ms: time("EndTime")? })
}

fn required(value: &Value, name: &str) -> Result<String, ApiError> {
    value.text(name)?.ok_or_else(|| ApiError::missing(name))
}

impl From<ValueError> for ApiError {
    fn from(error: ValueError) -> ApiError {
        ApiError::new(Code::MalformedInput, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"MetricDataQueries": [{"Id": "m", "MetricStat": {"Metric": {"Namespace": "N",
        "MetricName": "M", "Dimensions": [{"Name": "a", "Value": "b"}]}, "Period": 60, "Stat": "Sum"}}],
        "StartTime": 1700000000, "EndTime": 1700000600, "ScanBy": "TimestampAscending"}"#;
    const QUERY: &str = "Action=GetMetricData&Version=2010-08-01&MetricDataQueries.member.1.Id=m\
        &MetricDataQueries.member.1.MetricStat.Metric.Namespace=N\
        &MetricDataQueries.member.1.MetricStat.Metric.MetricName=M\
        &MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name=a\
        &MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value=b\
        &MetricDataQueries.member.1.MetricStat.Period=60&MetricDataQueries.member.1.MetricStat.Stat=Sum\
        &StartTime=2023-11-14T22:13:20Z&EndTime=2023-11-14T22:23:20Z&ScanBy=TimestampAscending";

    fn head(action: &str) -> Parts {
        let request = http::Request::builder()
            .uri(format!("/service/GraniteServiceVersion20100801/operation/{action}"))
            .header("smithy-protocol", "rpc-v2-cbor")
            .header("X-Amz-Target", format!("GraniteServiceVersion20100801.{action}"))
            .method("POST");
        request.body(()).unwrap().into_parts().0
    }

    fn json(action: &str, body: &str) -> Call {
        call(Protocol::Json, &head(action), body.as_bytes())
    }

    #[test]
    fn three_protocols_say_the_same() {
        let head = head("GetMetricData");
        let body = cbor::encode(&Value::of_json(&serde_json::from_str(JSON).unwrap()));
        let calls = [
            call(Protocol::Cbor, &head, &body),
            json("GetMetricData", JSON),
            call(Protocol::Query, &head, QUERY.as_bytes()),
        ];
        for read in calls {
            let Call::GetMetricData(get) = read else { panic!("{read:?}") };
            assert_eq!(get.span, Span { start_ms: 1_700_000_000_000, end_ms: 1_700_000_600_000 });
            let metric = Metric {
                namespace: "N".into(),
                name: "M".into(),
                dimensions: [("a".to_string(), "b".to_string())].into(),
            };
            let what = What::Stat { metric, period_s: 60, stat: "Sum".into() };
            assert_eq!(get.queries, [Query { id: "m".into(), label: None, returned: true, what }]);
            assert!(get.ascending);
        }
    }

    #[test]
    fn values_are_put_in_three_ways() {
        let put = |more: &str| {
            let read = json(
                "PutMetricData",
                &format!(r#"{{"Namespace": "N", "MetricData": [{{"MetricName": "M", {more}}}]}}"#),
            );
            let Call::PutMetricData { data, .. } = read else { return None };
            Some(data[0].values)
        };
        assert_eq!(put(r#""Value": 3"#), Some(Stats::of(3.0)));
        let statistics = r#""StatisticValues": {"SampleCount": 2, "Sum": 5, "Minimum": 1, "Maximum": 4}"#;
        assert_eq!(put(statistics), Some(Stats { count: 2.0, sum: 5.0, minimum: 1.0, maximum: 4.0 }));
        let values = Stats { count: 3.0, sum: 9.0, minimum: 1.0, maximum: 4.0 };
        assert_eq!(put(r#""Values": [1, 4], "Counts": [1, 2]"#), Some(values));
        assert_eq!(put(r#""Values": [1, 4], "Counts": [1]"#), None);
        assert_eq!(put(r#""Value": 3, "Values": [1]"#), None);
        assert_eq!(put(r#""Unit": "Bytes""#), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (action, body, known, code) in [
            ("GetNothing", "{}", false, "InvalidAction"),
            ("ListMetrics", "{", true, "MalformedInput"),
            ("ListMetrics", r#"{"Namespace": 7}"#, true, "MalformedInput"),
            ("PutMetricData", "{}", true, "MissingParameter"),
            ("GetMetricData", r#"{"MetricDataQueries": [{"Id": "m"}]}"#, true, "ValidationError"),
            ("GetMetricStatistics", "", true, "MissingParameter"),
            ("GetMetricStatistics", r#"{"ExtendedStatistics": ["p99"]}"#, true, "InvalidParameterValue"),
        ] {
            let Call::Unreadable { action: read, error } = json(action, body) else { panic!("{body}") };
            assert_eq!((read.is_some(), error.code.as_str()), (known, code), "{action} {body}");
        }
    }
}
