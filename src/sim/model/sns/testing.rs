//! Short words for SNS's tests.

use std::sync::Arc;

use super::super::super::settings::{Settings, SnsSettings};
use super::super::outbox::{Body, NewDelivery, Post};
use super::Sns;
use super::call::{Answer, NewMessage, Subscribe, SubscriptionView};
use super::error::Code;
use super::message::SnsMessage;

pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";
pub(crate) const URL: &str = "http://127.0.0.1:8080/sns";

pub(crate) fn sns() -> Sns {
    sns_with(SnsSettings::default())
}

pub(crate) fn sns_with(sns: SnsSettings) -> Sns {
    Sns::new(Arc::new(Settings { sns, ..Settings::default() }), 1)
}

/// The topic's ARN.
pub(crate) fn create(sns: &mut Sns, name: &str, attributes: &[(&str, &str)]) -> String {
    let attributes = attributes.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect();
    match sns.create_topic(name, &attributes) {
        Ok(Answer::Topic { arn }) => arn,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn subscribe(
    sns: &mut Sns,
    topic: &str,
    protocol: &str,
    endpoint: &str,
    attributes: &[(&str, &str)],
    now_ms: i64,
) -> Result<String, Code> {
    let call = Subscribe {
        topic: topic.into(),
        protocol: protocol.into(),
        endpoint: endpoint.into(),
        attributes: attributes.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect(),
        return_arn: false,
    };
    match sns.subscribe(&call, now_ms) {
        Ok(Answer::Subscription { arn, .. }) => Ok(arn),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.code),
    }
}

/// The ARN of a subscription that confirmed.
pub(crate) fn confirmed(sns: &mut Sns, topic: &str, url: &str, attributes: &[(&str, &str)]) -> String {
    subscribe(sns, topic, "http", url, attributes, 0).unwrap();
    let token = sent(sns).1.confirm.unwrap().token;
    match sns.confirm_subscription(topic, &token, 0) {
        Ok(Answer::Subscription { arn, .. }) => arn,
        other => panic!("{other:?}"),
    }
}

/// The message's id.
pub(crate) fn publish(
    sns: &mut Sns,
    topic: &str,
    subject: Option<&str>,
    message: &str,
    now_ms: i64,
) -> Result<String, Code> {
    let new =
        NewMessage { message: message.into(), subject: subject.map(str::to_string), ..NewMessage::default() };
    sns.publish(topic, &new, now_ms).map_err(|e| e.code)
}

pub(crate) fn listed(sns: &mut Sns, topic: &str) -> Vec<SubscriptionView> {
    match sns.list_subscriptions(topic, None) {
        Ok(Answer::Subscriptions { all, .. }) => all,
        other => panic!("{other:?}"),
    }
}

/// Everything that is to leave for endpoints.
pub(super) fn deliveries(sns: &mut Sns) -> Vec<(NewDelivery, SnsMessage)> {
    let one = |post: Post| match post {
        Post::Web(delivery) => {
            let Body::Sns(message) = &delivery.body else { panic!("{delivery:?}") };
            let message = (**message).clone();
            (*delivery, message)
        }
        Post::Queue { .. } => panic!("{post:?}"),
    };
    sns.take_posts().into_iter().map(one).collect()
}

/// The one thing that is to leave.
pub(super) fn sent(sns: &mut Sns) -> (NewDelivery, SnsMessage) {
    let mut all = deliveries(sns);
    assert_eq!(all.len(), 1);
    all.remove(0)
}
