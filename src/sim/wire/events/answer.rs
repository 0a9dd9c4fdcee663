//! From `EventBridge`'s answers to the documents of AWS JSON 1.1.

use std::io;

use serde_json::{Map, Value, json};

use super::super::super::model::call::Failure;
use super::super::super::model::events::call::{Answer, DestinationView, RuleView, Target};
use super::super::json;

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer) -> io::Result<Vec<u8>> {
    let value = match answer {
        Answer::Done => json!({}),
        Answer::Rule { arn } => json!({ "RuleArn": arn }),
        Answer::Rules { all, next_token } => {
            let rules: Vec<Value> = all.iter().map(rule).collect();
            given([("Rules", Some(rules.into())), ("NextToken", text(next_token.as_ref()))])
        }
        Answer::Targets { all, next_token } => {
            let targets: Vec<Value> = all.iter().map(target).collect();
            given([("Targets", Some(targets.into())), ("NextToken", text(next_token.as_ref()))])
        }
        Answer::Entries { failed } => {
            let entries: Vec<Value> = failed
                .iter()
                .map(|(id, e)| json!({ "TargetId": id, "ErrorCode": e.code, "ErrorMessage": e.message }))
                .collect();
            json!({ "FailedEntryCount": entries.len(), "FailedEntries": entries })
        }
        Answer::Events(events) => {
            let entries: Vec<Value> = events
                .iter()
                .map(|event| match event {
                    Ok(id) => json!({ "EventId": id }),
                    Err(e) => json!({ "ErrorCode": e.code, "ErrorMessage": e.message }),
                })
                .collect();
            let failed = events.iter().filter(|event| event.is_err()).count();
            json!({ "FailedEntryCount": failed, "Entries": entries })
        }
        Answer::Connection { arn, created_ms } => json!({
            "ConnectionArn": arn,
            "ConnectionState": "AUTHORIZED",
            "CreationTime": seconds(*created_ms),
            "LastModifiedTime": seconds(*created_ms),
        }),
        Answer::Destination(view) => destination(view),
    };
    json::document(&value)
}

/// An error's document.
pub(in super::super) fn error(failure: &Failure) -> io::Result<Vec<u8>> {
    json::error(failure, None)
}

/// What an error says in headers.
pub(in super::super) fn error_headers(failure: &Failure) -> Vec<(&'static str, String)> {
    vec![(json::ERROR_TYPE, failure.code.to_string())]
}

fn rule(r: &RuleView) -> Value {
    given([
        ("Name", Some(json!(r.name))),
        ("Arn", Some(json!(r.arn))),
        ("EventPattern", Some(json!(r.pattern))),
        ("State", Some(json!(if r.enabled { "ENABLED" } else { "DISABLED" }))),
        ("EventBusName", Some(json!("default"))),
        ("Description", text(r.description.as_ref())),
        ("RoleArn", text(r.role_arn.as_ref())),
    ])
}

fn target(t: &Target) -> Value {
    let pairs = |all: &[(String, String)]| -> Option<Value> {
        let map: Map<String, Value> = all.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        (!map.is_empty()).then_some(Value::Object(map))
    };
    let inside = |value: Value| value.as_object().is_some_and(|o| !o.is_empty()).then_some(value);
    let paths = &t.http.path_values;
    let http = given([
        ("PathParameterValues", (!paths.is_empty()).then(|| json!(paths))),
        ("HeaderParameters", pairs(&t.http.headers)),
        ("QueryStringParameters", pairs(&t.http.query)),
    ]);
    let retry = given([
        ("MaximumRetryAttempts", t.max_retries.map(Value::from)),
        ("MaximumEventAgeInSeconds", t.max_age_s.map(Value::from)),
    ]);
    given([
        ("Id", Some(json!(t.id))),
        ("Arn", Some(json!(t.arn))),
        ("RoleArn", text(t.role_arn.as_ref())),
        ("Input", text(t.input.as_ref())),
        ("InputPath", text(t.input_path.as_ref())),
        ("HttpParameters", inside(http)),
        ("DeadLetterConfig", t.dead_letter.as_ref().map(|arn| json!({ "Arn": arn }))),
        ("RetryPolicy", inside(retry)),
    ])
}

/// Its creation tells less than its description.
fn destination(d: &DestinationView) -> Value {
    let described = |value: Value| (!d.created).then_some(value);
    given([
        ("ApiDestinationArn", Some(json!(d.arn))),
        ("ApiDestinationState", Some(json!("ACTIVE"))),
        ("CreationTime", Some(seconds(d.created_ms))),
        ("LastModifiedTime", Some(seconds(d.created_ms))),
        ("Name", described(json!(d.name))),
        ("Description", text(d.description.as_ref()).filter(|_| !d.created)),
        ("ConnectionArn", described(json!(d.connection_arn))),
        ("InvocationEndpoint", described(json!(d.endpoint))),
        ("HttpMethod", described(json!(d.method))),
        ("InvocationRateLimitPerSecond", described(json!(d.rate))),
    ])
}

fn text(text: Option<&String>) -> Option<Value> {
    text.map(|t| json!(t))
}

/// An object of those fields that have a value.
fn given<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

/// As JSON 1.1 writes times: seconds since the epoch, with a fraction.
fn seconds(ms: i64) -> Value {
    #[allow(clippy::cast_precision_loss)] // exact for 285,000 years of milliseconds
    let seconds = ms as f64 / 1_000.0;
    json!(seconds)
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::events::error::ApiError;
    use super::*;

    #[test]
    fn documents_are_as_the_sdks_read_them() {
        let text = |value: &Answer| String::from_utf8(answer(value).unwrap()).unwrap();
        let connection = Answer::Connection { arn: "a".into(), created_ms: 1_500 };
        assert_eq!(
            text(&connection),
            r#"{"ConnectionArn":"a","ConnectionState":"AUTHORIZED","CreationTime":1.5,"LastModifiedTime":1.5}"#
        );
        assert_eq!(text(&Answer::Done), "{}");
        let failed = [("t".to_string(), ApiError::invalid("no"))].into();
        assert_eq!(
            text(&Answer::Entries { failed }),
            r#"{"FailedEntries":[{"ErrorCode":"ValidationException","ErrorMessage":"no","TargetId":"t"}],"FailedEntryCount":1}"#
        );
        let failure = Failure::from(ApiError::not_found("Rule r"));
        assert_eq!(
            String::from_utf8(error(&failure).unwrap()).unwrap(),
            r#"{"__type":"ResourceNotFoundException","message":"Rule r does not exist."}"#
        );
    }
}
