//! Publishing, and sending to each subscription.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::outbox::{Body, NewDelivery, Post, Sender};
use super::Sns;
use super::call::{Answer, NewMessage};
use super::error::{ApiError, Code};
use super::message::{Confirm, MessageType, SnsMessage};
use super::subscription::{Protocol, Subscription};

/// Longest message, bytes of message and attributes.
const SIZE_MAX: usize = 262_144;
/// Most messages of a batch.
const BATCH_MAX: usize = 10;
/// Longest subject, characters.
const SUBJECT_MAX: usize = 100;
/// An endpoint has so long to answer (aws-facts 4.1).
const TIMEOUT_MS: u32 = 15_000;

/// What a message tells, before it is one.
pub(super) struct Told<'a> {
    pub(super) message_type: MessageType,
    /// Drawn for each message if none is given.
    pub(super) message_id: Option<&'a str>,
    pub(super) subject: Option<&'a str>,
    pub(super) message: &'a str,
    pub(super) confirm: Option<Confirm>,
    pub(super) attributes: BTreeMap<String, (String, String)>,
}

impl Default for Told<'_> {
    fn default() -> Self {
        Told {
            message_type: MessageType::Notification,
            message_id: None,
            subject: None,
            message: "",
            confirm: None,
            attributes: BTreeMap::new(),
        }
    }
}

impl Sns {
    /// Publishes what another service tells the topic with this ARN. False if there is none.
    pub(in super::super) fn put(
        &mut self,
        arn: &str,
        subject: Option<&str>,
        message: &str,
        now_ms: i64,
    ) -> bool {
        let new = NewMessage {
            message: message.into(),
            subject: subject.map(str::to_string),
            attributes: BTreeMap::new(),
        };
        self.publish(arn, &new, now_ms).is_ok()
    }

    /// The message's id.
    pub(super) fn publish(&mut self, topic: &str, new: &NewMessage, now_ms: i64) -> Result<String, ApiError> {
        self.topic(topic)?;
        check(new)?;
        let message_id = self.draw().uuid();
        self.counted(topic).published += 1;
        let all: Vec<Subscription> =
            self.topic(topic)?.subscriptions.values().filter(|s| !s.is_pending()).cloned().collect();
        for subscription in all {
            let told = Told {
                message_id: Some(&message_id),
                subject: new.subject.as_deref(),
                message: &new.message,
                attributes: new.attributes.clone(),
                ..Told::default()
            };
            self.send(topic, &subscription, told, now_ms);
        }
        Ok(message_id)
    }

    pub(super) fn publish_batch(
        &mut self,
        topic: &str,
        entries: &[(String, NewMessage)],
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        self.topic(topic)?;
        let fault = |code, message: &str| Err(ApiError::new(code, message));
        if entries.is_empty() {
            return fault(Code::EmptyBatchRequest, "The batch request doesn't contain any entries.");
        }
        if entries.len() > BATCH_MAX {
            return fault(
                Code::TooManyEntriesInBatchRequest,
                "The batch request contains more entries than permissible (10).",
            );
        }
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        for (i, (id, _)) in entries.iter().enumerate() {
            if id.is_empty() || id.len() > 80 || !id.bytes().all(word) {
                return fault(
                    Code::InvalidBatchEntryId,
                    "The Id of a batch entry in a batch request doesn't abide by the specification.",
                );
            }
            if entries[..i].iter().any(|(before, _)| before == id) {
                return fault(
                    Code::BatchEntryIdsNotDistinct,
                    "Two or more batch entries in the request have the same Id.",
                );
            }
        }
        if entries.iter().map(|(_, m)| size(m)).sum::<usize>() > SIZE_MAX {
            return fault(
                Code::BatchRequestTooLong,
                "The length of all the batch messages put together is more than the limit.",
            );
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (id, message) in entries {
            match self.publish(topic, message, now_ms) {
                Ok(message_id) => successful.push((id.clone(), message_id)),
                Err(error) => failed.push((id.clone(), error)),
            }
        }
        Ok(Answer::PublishedBatch { successful, failed })
    }

    /// Sends to one subscription: a queue gets it now, an endpoint by the outbox.
    pub(super) fn send(&mut self, topic: &str, to: &Subscription, told: Told, now_ms: i64) {
        let message_id = told.message_id.map_or_else(|| self.draw().uuid(), str::to_string);
        let Some(present) = self.topics.get(topic) else { return };
        let (signature_version, policy) = (
            present.signature_version,
            to.delivery_policy.clone().unwrap_or_else(|| present.delivery_policy.clone()),
        );
        let base = self.url_base();
        let notification = told.message_type == MessageType::Notification;
        let message = SnsMessage {
            message_type: told.message_type,
            message_id: message_id.clone(),
            topic_arn: topic.into(),
            subject: told.subject.map(str::to_string),
            message: told.message.into(),
            timestamp: timestamp(now_ms),
            signature_version,
            signing_cert_url: format!("{base}{}", Sns::certificate_path(self.seed)),
            confirm: told.confirm,
            unsubscribe_url: notification
                .then(|| format!("{base}/?Action=Unsubscribe&SubscriptionArn={}", to.arn)),
            attributes: told.attributes,
        };
        let raw = to.raw && notification;
        if to.protocol == Protocol::Sqs {
            let body = if raw { message.message } else { message.document(&*self.signer) };
            self.counted(topic).to_queues += 1;
            self.posts.push(Post::Queue { arn: to.endpoint.clone(), body });
            return;
        }
        let mut headers = vec![
            ("User-Agent", "Amazon Simple Notification Service Agent"),
            ("Content-Type", policy.content_type.as_str()),
            ("x-amz-sns-message-type", told.message_type.as_str()),
            ("x-amz-sns-message-id", &message_id),
            ("x-amz-sns-topic-arn", topic),
        ];
        if told.message_type != MessageType::SubscriptionConfirmation {
            headers.push(("x-amz-sns-subscription-arn", &to.arn));
        }
        if raw {
            headers.push(("x-amz-sns-rawdelivery", "true"));
        }
        let text: Arc<str> = message.message.as_str().into();
        let delivery = NewDelivery {
            sender: Sender::Sns,
            method: "POST".into(),
            url: to.endpoint.clone(),
            headers: headers.into_iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
            body: if raw { Body::Text(text.clone()) } else { Body::Sns(Arc::new(message)) },
            timeout_ms: TIMEOUT_MS,
            policy: policy.policy(),
            dead_letter: to.dead_letter.clone().filter(|_| notification).map(|arn| (arn, text)),
            due_ms: now_ms,
        };
        self.deliver(topic, &delivery, notification, now_ms);
    }

    /// As often, and as late, as the settings say.
    fn deliver(&mut self, topic: &str, delivery: &NewDelivery, notification: bool, now_ms: i64) {
        let settings = self.settings.clone();
        let mut draw = self.draw();
        let copies = if notification { 1 + draw.below(settings.sns.copies_max) } else { 1 };
        for _ in 0..copies {
            let due_ms = now_ms + i64::from(draw.range(settings.sns.spread));
            self.posts.push(Post::Web(Box::new(NewDelivery { due_ms, ..delivery.clone() })));
        }
        if notification {
            let counts = self.counted(topic);
            counts.to_endpoints += u64::from(copies);
            counts.copies += u64::from(copies - 1);
        }
    }
}

fn check(new: &NewMessage) -> Result<(), ApiError> {
    if new.message.is_empty() {
        return Err(ApiError::invalid("Empty message"));
    }
    if size(new) > SIZE_MAX {
        return Err(ApiError::invalid("Message too long"));
    }
    let fine = |s: &str| (1..=SUBJECT_MAX).contains(&s.chars().count()) && !s.chars().any(char::is_control);
    if new.subject.as_deref().is_some_and(|s| !fine(s)) {
        return Err(ApiError::invalid("Subject"));
    }
    Ok(())
}

fn size(new: &NewMessage) -> usize {
    let attributes = new.attributes.iter().map(|(name, (kind, value))| name.len() + kind.len() + value.len());
    new.message.len() + attributes.sum::<usize>()
}

/// To the millisecond.
fn timestamp(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::{Range, SnsSettings};
    use super::super::message::SignatureVersion;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn an_endpoint_gets_the_message_with_its_headers() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[("SignatureVersion", "2")]);
        let arn = confirmed(&mut sns, &topic, URL, &[]);
        let id = publish(&mut sns, &topic, Some("S"), "M", 1_335_920_066_655).unwrap();
        let (delivery, message) = sent(&mut sns);
        assert_eq!(
            (delivery.url.as_str(), delivery.method.as_str(), delivery.timeout_ms),
            (URL, "POST", 15_000)
        );
        let headers: Vec<(&str, &str)> =
            delivery.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            headers,
            [
                ("User-Agent", "Amazon Simple Notification Service Agent"),
                ("Content-Type", "text/plain; charset=UTF-8"),
                ("x-amz-sns-message-type", "Notification"),
                ("x-amz-sns-message-id", id.as_str()),
                ("x-amz-sns-topic-arn", topic.as_str()),
                ("x-amz-sns-subscription-arn", arn.as_str()),
            ]
        );
        assert_eq!((message.message_id, message.signature_version), (id, SignatureVersion::V2));
        assert_eq!((message.subject.as_deref(), message.message.as_str()), (Some("S"), "M"));
        assert_eq!(message.timestamp, "2012-05-02T00:54:26.655Z");
        assert!(
            message
                .signing_cert_url
                .starts_with("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-")
        );
        assert!(message.unsubscribe_url.unwrap().ends_with(&arn));
    }

    #[test]
    fn version_1_is_the_default() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        confirmed(&mut sns, &topic, URL, &[]);
        publish(&mut sns, &topic, None, "M", 0).unwrap();
        assert_eq!(sent(&mut sns).1.signature_version, SignatureVersion::V1);
    }

    #[test]
    fn a_queue_gets_the_document_or_the_message_alone() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        let arn = subscribe(&mut sns, &topic, "sqs", QUEUE, &[], 0).unwrap();
        publish(&mut sns, &topic, None, "M", 0).unwrap();
        sns.set_subscription_attributes(&arn, "RawMessageDelivery", "true").unwrap();
        publish(&mut sns, &topic, None, "M", 0).unwrap();
        let bodies: Vec<String> = sns
            .take_posts()
            .into_iter()
            .map(|post| match post {
                Post::Queue { ref arn, ref body } if arn == QUEUE => body.clone(),
                Post::Queue { .. } | Post::Web(_) => panic!("{post:?}"),
            })
            .collect();
        assert!(
            bodies[0].contains("\"Message\" : \"M\"") && bodies[0].contains("Signature"),
            "{}",
            bodies[0]
        );
        assert_eq!(bodies[1], "M");
    }

    #[test]
    fn a_pending_subscription_gets_nothing() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        subscribe(&mut sns, &topic, "http", URL, &[], 0).unwrap();
        sns.take_posts();
        publish(&mut sns, &topic, None, "M", 0).unwrap();
        assert!(sns.take_posts().is_empty());
        assert_eq!(sns.counts()["t"].published, 1);
    }

    #[test]
    fn copies_have_the_same_id_and_come_apart() {
        let settings = SnsSettings {
            copies_max: 5,
            spread: Range { min_ms: 0, max_ms: 1_000 },
            ..SnsSettings::default()
        };
        let mut sns = sns_with(settings);
        let topic = create(&mut sns, "t", &[]);
        confirmed(&mut sns, &topic, URL, &[]);
        let mut most = 0;
        for _ in 0..100 {
            publish(&mut sns, &topic, None, "M", 0).unwrap();
            let all = deliveries(&mut sns);
            assert!((1..=5).contains(&all.len()));
            assert!(all.iter().all(|(_, m)| m.message_id == all[0].1.message_id));
            assert!(all.iter().all(|(d, _)| (0..=1_000).contains(&d.due_ms)));
            most = most.max(all.len());
        }
        assert_eq!(most, 5);
        let counts = sns.counts()["t"];
        assert_eq!(counts.to_endpoints, 100 + counts.copies);
    }

    #[test]
    fn messages_and_batches_are_checked() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        let mut code =
            |subject: Option<&str>, message: &str| publish(&mut sns, &topic, subject, message, 0).err();
        assert_eq!(code(None, ""), Some(Code::InvalidParameter));
        assert_eq!(code(None, &"x".repeat(SIZE_MAX + 1)), Some(Code::InvalidParameter));
        assert_eq!(code(None, &"x".repeat(SIZE_MAX)), None);
        assert_eq!(code(Some("a\nb"), "x"), Some(Code::InvalidParameter));
        assert_eq!(code(Some(&"x".repeat(101)), "x"), Some(Code::InvalidParameter));
        let entry = |id: &str, n: usize| {
            (id.to_string(), NewMessage { message: "x".repeat(n), ..NewMessage::default() })
        };
        let mut batch =
            |entries: &[(String, NewMessage)]| sns.publish_batch(&topic, entries, 0).map_err(|e| e.code);
        assert_eq!(batch(&[]).unwrap_err(), Code::EmptyBatchRequest);
        let many: Vec<_> = (0..11).map(|i| entry(&i.to_string(), 1)).collect();
        assert_eq!(batch(&many).unwrap_err(), Code::TooManyEntriesInBatchRequest);
        assert_eq!(batch(&[entry("a b", 1)]).unwrap_err(), Code::InvalidBatchEntryId);
        assert_eq!(batch(&[entry("a", 1), entry("a", 1)]).unwrap_err(), Code::BatchEntryIdsNotDistinct);
        assert_eq!(
            batch(&[entry("a", 200_000), entry("b", 200_000)]).unwrap_err(),
            Code::BatchRequestTooLong
        );
        assert!(matches!(batch(&[entry("a", 1), entry("b", 0)]),
            Ok(Answer::PublishedBatch { successful, failed }) if successful.len() == 1 && failed.len() == 1));
    }
}
