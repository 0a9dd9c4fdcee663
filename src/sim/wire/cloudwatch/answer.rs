//! From the answers of CloudWatch to any of its protocols.

use std::io;

use super::super::super::model::call::Failure;
use super::super::super::model::cloudwatch::call::{Answer, Metric, ResultView, Statistic, Stats};
use super::super::super::model::cloudwatch::error::Code;
use super::super::value::Value;
use super::super::{cbor, json, query};
use super::{NAMESPACE, Protocol};

/// An answer's document.
pub(in super::super) fn answer(protocol: Protocol, answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
    let value = value(answer);
    match (protocol, value) {
        (Protocol::Cbor, Some(value)) => Ok(cbor::encode(&value)),
        (Protocol::Json, Some(value)) => json::document(&value.to_json()),
        (Protocol::Cbor | Protocol::Json, None) => Ok(Vec::new()),
        (Protocol::Query, value) => {
            let result = value.map(|value| move |x: &mut super::super::xml::Xml| value.write_fields(x));
            query::answer(NAMESPACE, answer.action().as_str(), request_id, result)
        }
    }
}

/// An error's document.
pub(in super::super) fn error(
    protocol: Protocol,
    failure: &Failure,
    request_id: &str,
) -> io::Result<Vec<u8>> {
    let shape = shape(failure);
    match protocol {
        Protocol::Cbor => Ok(cbor::encode(&Value::map([
            ("__type", Some(Value::Text(format!("com.amazonaws.cloudwatch#{shape}")))),
            ("message", Some(Value::text_of(&failure.message))),
        ]))),
        Protocol::Json => json::document(&serde_json::json!({ "__type": shape, "message": failure.message })),
        Protocol::Query => query::error(NAMESPACE, failure, request_id),
    }
}

/// The code of the query protocol, for those that knew it before the others: `Code;Sender`.
pub(in super::super) fn error_headers(protocol: Protocol, failure: &Failure) -> Vec<(&'static str, String)> {
    let fault = if failure.http_status < 500 { "Sender" } else { "Receiver" };
    let query_error = ("x-amzn-query-error", format!("{};{fault}", failure.code));
    match protocol {
        Protocol::Cbor => vec![query_error],
        Protocol::Json => vec![(json::ERROR_TYPE, shape(failure).into()), query_error],
        Protocol::Query => Vec::new(),
    }
}

fn shape(failure: &Failure) -> &'static str {
    failure.code.parse::<Code>().map_or(failure.code, Code::shape)
}

/// None if there is nothing to say.
fn value(answer: &Answer) -> Option<Value> {
    let text = |text: &Option<String>| text.as_deref().map(Value::text_of);
    Some(match answer {
        Answer::MetricData { results, next_token } => Value::map([
            ("MetricDataResults", Some(Value::List(results.iter().map(result).collect()))),
            ("NextToken", text(next_token)),
            ("Messages", Some(Value::List(Vec::new()))),
        ]),
        Answer::Statistics { label, statistics, points, unit } => {
            let point = |(at, stats): &(i64, Stats)| datapoint(*at, stats, statistics, text(unit));
            Value::map([
                ("Label", Some(Value::text_of(label))),
                ("Datapoints", Some(Value::List(points.iter().map(point).collect()))),
            ])
        }
        Answer::Metrics { metrics, next_token } => Value::map([
            ("Metrics", Some(Value::List(metrics.iter().map(metric).collect()))),
            ("NextToken", text(next_token)),
        ]),
        Answer::Put => return None,
    })
}

fn result(r: &ResultView) -> Value {
    let times = r.points.iter().map(|(at, _)| Value::Time(*at)).collect();
    let values = r.points.iter().map(|(_, value)| Value::Float(*value)).collect();
    Value::map([
        ("Id", Some(Value::text_of(&r.id))),
        ("Label", Some(Value::text_of(&r.label))),
        ("Timestamps", Some(Value::List(times))),
        ("Values", Some(Value::List(values))),
        ("StatusCode", Some(Value::text_of(if r.complete { "Complete" } else { "PartialData" }))),
    ])
}

fn datapoint(at_ms: i64, stats: &Stats, statistics: &[Statistic], unit: Option<Value>) -> Value {
    let mut fields = vec![("Timestamp".to_string(), Value::Time(at_ms))];
    let asked = statistics.iter().map(|s| (s.as_str().to_string(), Value::Float(stats.value(*s))));
    fields.extend(asked);
    fields.push(("Unit".into(), unit.unwrap_or_else(|| Value::text_of("None"))));
    Value::Map(fields)
}

fn metric(m: &Metric) -> Value {
    let dimension = |(name, value): (&String, &String)| {
        Value::map([("Name", Some(Value::text_of(name))), ("Value", Some(Value::text_of(value)))])
    };
    Value::map([
        ("Namespace", Some(Value::text_of(&m.namespace))),
        ("MetricName", Some(Value::text_of(&m.name))),
        ("Dimensions", Some(Value::List(m.dimensions.iter().map(dimension).collect()))),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::cloudwatch::error::ApiError;
    use super::*;

    fn statistics() -> Answer {
        Answer::Statistics {
            label: "BytesIn".into(),
            statistics: vec![Statistic::Sum],
            points: vec![(1_700_000_000_000, Stats::of(7.0))],
            unit: Some("Bytes".into()),
        }
    }

    fn text(bytes: io::Result<Vec<u8>>) -> String {
        String::from_utf8(bytes.unwrap()).unwrap()
    }

    #[test]
    fn a_datapoint_is_written_in_each_protocol() {
        assert_eq!(
            text(answer(Protocol::Query, &statistics(), "ID")),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><GetMetricStatisticsResponse \
             xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><GetMetricStatisticsResult>\
             <Label>BytesIn</Label><Datapoints><member><Timestamp>2023-11-14T22:13:20.000Z</Timestamp>\
             <Sum>7.0</Sum><Unit>Bytes</Unit></member></Datapoints></GetMetricStatisticsResult>\
             <ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetMetricStatisticsResponse>"
        );
        assert_eq!(
            text(answer(Protocol::Json, &statistics(), "ID")),
            r#"{"Datapoints":[{"Sum":7.0,"Timestamp":1700000000.0,"Unit":"Bytes"}],"Label":"BytesIn"}"#
        );
        let read = cbor::decode(&answer(Protocol::Cbor, &statistics(), "ID").unwrap()).unwrap();
        assert_eq!(read.list("Datapoints").unwrap()[0].time("Timestamp"), Ok(Some(1_700_000_000_000)));
    }

    #[test]
    fn an_error_has_its_shape_and_its_older_code() {
        let failure: Failure = ApiError::invalid("no").into();
        let read = cbor::decode(&error(Protocol::Cbor, &failure, "ID").unwrap()).unwrap();
        let expected = "com.amazonaws.cloudwatch#InvalidParameterValueException";
        assert_eq!(read.text("__type"), Ok(Some(expected.into())));
        let header = ("x-amzn-query-error", "InvalidParameterValue;Sender".to_string());
        assert_eq!(error_headers(Protocol::Cbor, &failure), [header]);
        let json = text(error(Protocol::Json, &failure, "ID"));
        assert_eq!(json, r#"{"__type":"InvalidParameterValueException","message":"no"}"#);
        let xml = text(error(Protocol::Query, &failure, "ID"));
        assert!(xml.contains("<Code>InvalidParameterValue</Code>"), "{xml}");
    }

    #[test]
    fn a_put_says_nothing() {
        assert_eq!(text(answer(Protocol::Cbor, &Answer::Put, "ID")), "");
        let xml = text(answer(Protocol::Query, &Answer::Put, "ID"));
        assert!(xml.contains("PutMetricDataResponse") && !xml.contains("PutMetricDataResult"), "{xml}");
    }
}
