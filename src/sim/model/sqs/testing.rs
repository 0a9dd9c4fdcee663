//! Short words for SQS's tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::super::settings::{Settings, SqsSettings};
pub(crate) use super::Sqs;
use super::call::{Answer, Message, NewMessage, ReceiveMessage};
use super::error::Code;

pub(crate) fn sqs() -> Sqs {
    sqs_with(SqsSettings::default())
}

pub(crate) fn sqs_with(sqs: SqsSettings) -> Sqs {
    Sqs::new(Arc::new(Settings { sqs, ..Settings::default() }), 1)
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect()
}

pub(crate) fn try_create(
    sqs: &mut Sqs,
    name: &str,
    attributes: &[(&str, &str)],
    now_ms: i64,
) -> Result<(), Code> {
    sqs.create_queue(name, &map(attributes), now_ms).map(|_| ()).map_err(|e| e.code)
}

/// The queue's URL.
pub(crate) fn create(sqs: &mut Sqs, name: &str, attributes: &[(&str, &str)]) -> String {
    match sqs.create_queue(name, &map(attributes), 0) {
        Ok(Answer::QueueUrl { url, .. }) => url,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn send(sqs: &mut Sqs, url: &str, body: &str, now_ms: i64) {
    let message = NewMessage { body: Some(body.into()), ..NewMessage::default() };
    sqs.send(url, &message, now_ms).unwrap();
}

/// By a short poll, with every system attribute.
pub(crate) fn receive(sqs: &mut Sqs, url: &str, max_messages: i64, now_ms: i64) -> Vec<Message> {
    sqs.settle(now_ms);
    let call = ReceiveMessage {
        queue: url.into(),
        max_messages: Some(max_messages),
        system_attributes: vec!["All".into()],
        ..ReceiveMessage::default()
    };
    sqs.received(&call, now_ms).unwrap()
}

pub(crate) fn told(sqs: &mut Sqs, url: &str, names: &[&str]) -> Result<BTreeMap<String, String>, Code> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_string()).collect();
    match sqs.get_queue_attributes(url, &names) {
        Ok(Answer::Attributes(told)) => Ok(told),
        Ok(other) => panic!("{other:?}"),
        Err(e) => Err(e.code),
    }
}

/// Visible, and in flight.
pub(crate) fn told_depth(sqs: &mut Sqs, url: &str) -> (String, String) {
    let told = told(sqs, url, &["All"]).unwrap();
    (told["ApproximateNumberOfMessages"].clone(), told["ApproximateNumberOfMessagesNotVisible"].clone())
}
