//! Short words for `EventBridge`'s tests.

use std::sync::Arc;

use super::super::super::settings::Settings;
use super::Events;
use super::call::{Answer, CreateApiDestination, CreateConnection, PutRule, Target};
use super::error::Code;

pub(super) const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";
pub(super) const URL: &str = "http://127.0.0.1:8080/hooks/*";
pub(super) const ALL: &str = r#"{"source":["aws.autoscaling"]}"#;

pub(super) fn events() -> Events {
    Events::new(Arc::new(Settings::default()), 1)
}

pub(super) fn put_rule(events: &mut Events, name: &str, pattern: &str) -> Result<(), Code> {
    let put = PutRule { name: name.into(), pattern: Some(pattern.into()), ..PutRule::default() };
    events.put_rule(&put).map(|_| ()).map_err(|e| e.code)
}

/// The error's code, of the call or of the entry.
pub(super) fn put_target(events: &mut Events, rule: &str, id: &str, arn: &str) -> Option<Code> {
    let target = Target { id: id.into(), arn: arn.into(), ..Target::default() };
    match events.put_targets(rule, &[target]) {
        Ok(Answer::Entries { failed }) => failed.values().next().map(|e| e.code),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Some(error.code),
    }
}

pub(super) fn connection_named(name: &str) -> CreateConnection {
    CreateConnection {
        name: name.into(),
        authorization: "API_KEY".into(),
        api_key: Some(("x-api-key".into(), "secret".into())),
        headers: Vec::new(),
    }
}

/// The connection's ARN.
pub(super) fn connect(events: &mut Events, name: &str) -> String {
    match events.create_connection(&connection_named(name), 0) {
        Ok(Answer::Connection { arn, .. }) => arn,
        other => panic!("{other:?}"),
    }
}

/// The destination's ARN.
pub(super) fn destination(events: &mut Events, name: &str, rate: i64) -> String {
    let create = CreateApiDestination {
        name: name.into(),
        description: None,
        connection_arn: connect(events, name),
        endpoint: URL.into(),
        method: "POST".into(),
        rate: Some(rate),
    };
    match events.create_api_destination(&create, 0) {
        Ok(Answer::Destination(view)) => view.arn,
        other => panic!("{other:?}"),
    }
}
