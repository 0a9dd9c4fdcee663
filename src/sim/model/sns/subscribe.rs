//! Subscribing, confirming and unsubscribing.

use std::collections::BTreeMap;

use super::super::arn::ACCOUNT;
use super::Sns;
use super::call::{Action, Answer, Subscribe, SubscriptionView};
use super::error::ApiError;
use super::message::{Confirm, MessageType};
use super::publish::Told;
use super::subscription::{Protocol, Subscription, Token};
use super::topic::PAGE;

/// How long a token confirms: two days (aws-facts 4.1).
const TOKEN_MS: i64 = 172_800_000;

impl Sns {
    pub(super) fn subscribe(&mut self, call: &Subscribe, now_ms: i64) -> Result<Answer, ApiError> {
        let protocol = Protocol::read(&call.protocol)?;
        if !protocol.fits(&call.endpoint) {
            return Err(ApiError::invalid("Endpoint must match the specified protocol"));
        }
        let id = self.draw().uuid();
        let topic = self.topic(&call.topic)?;
        let present =
            topic.subscriptions.values().find(|s| s.protocol == protocol && s.endpoint == call.endpoint);
        let mut subscription = present.cloned().unwrap_or_else(|| Subscription {
            arn: format!("{}:{id}", call.topic),
            protocol,
            endpoint: call.endpoint.clone(),
            token: None,
            // A queue of the same account needs no confirmation.
            confirmed: protocol == Protocol::Sqs,
            raw: false,
            delivery_policy: None,
            dead_letter: None,
        });
        call.attributes.iter().try_for_each(|(name, value)| subscription.set(name, value))?;
        let (arn, pending) = (subscription.arn.clone(), subscription.is_pending());
        topic.subscriptions.insert(arn.clone(), subscription);
        if pending {
            self.ask_to_confirm(&call.topic, &arn, now_ms);
        }
        let arn = if pending && !call.return_arn { "pending confirmation".into() } else { arn };
        Ok(Answer::Subscription { action: Action::Subscribe, arn })
    }

    /// Sends a pending subscription's endpoint what it has to confirm, with a new token.
    fn ask_to_confirm(&mut self, topic: &str, subscription: &str, now_ms: i64) {
        let token = self.token(now_ms);
        let confirm = self.confirm(topic, &token);
        let message = format!(
            "You have chosen to subscribe to the topic {topic}.\n\
             To confirm the subscription, visit the SubscribeURL included in this message."
        );
        let Some(present) = self.topics.get_mut(topic).and_then(|t| t.subscriptions.get_mut(subscription))
        else {
            return;
        };
        present.token = Some(token);
        let subscription = present.clone();
        self.counted(topic).confirmations_sent += 1;
        let told = Told {
            message_type: MessageType::SubscriptionConfirmation,
            message: &message,
            confirm: Some(confirm),
            ..Told::default()
        };
        self.send(topic, &subscription, told, now_ms);
    }

    fn token(&mut self, now_ms: i64) -> Token {
        use std::fmt::Write;
        let mut draw = self.draw();
        let text = (0..16).fold(String::new(), |mut text, _| {
            // Writing into a string does not fail.
            let _ = write!(text, "{:016x}", draw.bits());
            text
        });
        Token { text, sent_ms: now_ms }
    }

    fn confirm(&self, topic: &str, token: &Token) -> Confirm {
        let subscribe_url =
            format!("{}/?Action=ConfirmSubscription&TopicArn={topic}&Token={}", self.url_base(), token.text);
        Confirm { token: token.text.clone(), subscribe_url }
    }

    pub(super) fn confirm_subscription(
        &mut self,
        topic: &str,
        token: &str,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let known = |s: &Subscription| {
            s.token.as_ref().is_some_and(|t| t.text == token && now_ms <= t.sent_ms + TOKEN_MS)
        };
        let present = self.topic(topic)?;
        if let Some(arn) = present.departed.values().find(|s| known(s)).map(|s| s.arn.clone()) {
            let back = present.departed.remove(&arn);
            present.subscriptions.extend(back.map(|subscription| (arn, subscription)));
        }
        let subscription = present.subscriptions.values_mut().find(|s| known(s));
        let subscription = subscription.ok_or_else(|| ApiError::invalid("Token"))?;
        let newly = !std::mem::replace(&mut subscription.confirmed, true);
        let arn = subscription.arn.clone();
        self.counted(topic).confirmed += u64::from(newly);
        Ok(Answer::Subscription { action: Action::ConfirmSubscription, arn })
    }

    /// An endpoint is told of it and how to take it back; one that is not there is gone already.
    pub(super) fn unsubscribe(&mut self, arn: &str, now_ms: i64) -> Result<Answer, ApiError> {
        let topic_arn = topic_of(arn).ok_or_else(|| ApiError::invalid("SubscriptionArn"))?;
        let Some(topic) = self.topics.get_mut(topic_arn) else {
            return Ok(Answer::Done(Action::Unsubscribe));
        };
        let Some(mut subscription) = topic.remove(arn) else { return Ok(Answer::Done(Action::Unsubscribe)) };
        if subscription.confirmed && subscription.protocol != Protocol::Sqs {
            let token = self.token(now_ms);
            let confirm = self.confirm(topic_arn, &token);
            subscription.token = Some(token);
            let message = format!(
                "You have chosen to deactivate subscription {arn}.\n\
                 To cancel this operation and restore the subscription, visit the SubscribeURL included in \
                 this message."
            );
            let told = Told {
                message_type: MessageType::UnsubscribeConfirmation,
                message: &message,
                confirm: Some(confirm),
                ..Told::default()
            };
            self.send(topic_arn, &subscription, told, now_ms);
            // Its token brings it back.
            subscription.confirmed = false;
            if let Some(topic) = self.topics.get_mut(topic_arn) {
                topic.departed.insert(arn.into(), subscription);
            }
        }
        Ok(Answer::Done(Action::Unsubscribe))
    }

    pub(super) fn list_subscriptions(
        &mut self,
        topic: &str,
        after: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let topic = self.topic(topic)?;
        let mut rest =
            topic.subscriptions.values().filter(|s| after.is_none_or(|after| s.arn.as_str() > after));
        let page: Vec<&Subscription> = rest.by_ref().take(PAGE).collect();
        let next_token = page.last().filter(|_| rest.next().is_some()).map(|s| s.arn.clone());
        let view = |s: &Subscription| SubscriptionView {
            arn: if s.is_pending() { "PendingConfirmation".into() } else { s.arn.clone() },
            protocol: s.protocol.as_str().into(),
            endpoint: s.endpoint.clone(),
            topic: topic.arn.clone(),
        };
        Ok(Answer::Subscriptions { all: page.into_iter().map(view).collect(), next_token })
    }

    pub(super) fn get_subscription_attributes(&mut self, arn: &str) -> Result<Answer, ApiError> {
        let topic = topic_of(arn).unwrap_or_default().to_string();
        let s = self.subscription(arn)?;
        let mut attributes: BTreeMap<String, String> = [
            ("SubscriptionArn", s.arn.clone()),
            ("TopicArn", topic),
            ("Owner", ACCOUNT.to_string()),
            ("Protocol", s.protocol.as_str().to_string()),
            ("Endpoint", s.endpoint.clone()),
            ("PendingConfirmation", s.is_pending().to_string()),
            ("ConfirmationWasAuthenticated", (!s.is_pending()).to_string()),
            ("RawMessageDelivery", s.raw.to_string()),
        ]
        .map(|(name, value)| (name.to_string(), value))
        .into();
        if let Some(target) = &s.dead_letter {
            let policy = serde_json::json!({ "deadLetterTargetArn": target }).to_string();
            attributes.insert("RedrivePolicy".into(), policy);
        }
        Ok(Answer::Attributes { action: Action::GetSubscriptionAttributes, attributes })
    }

    pub(super) fn set_subscription_attributes(
        &mut self,
        arn: &str,
        name: &str,
        value: &str,
    ) -> Result<Answer, ApiError> {
        self.subscription(arn)?.set(name, value)?;
        Ok(Answer::Done(Action::SetSubscriptionAttributes))
    }

    fn subscription(&mut self, arn: &str) -> Result<&mut Subscription, ApiError> {
        let topic = topic_of(arn).and_then(|topic| self.topics.get_mut(topic));
        topic.and_then(|t| t.subscriptions.get_mut(arn)).ok_or_else(|| ApiError::not_found("Subscription"))
    }
}

/// The ARN of the topic that a subscription's ARN begins with.
fn topic_of(subscription: &str) -> Option<&str> {
    let (topic, _) = subscription.rsplit_once(':')?;
    (topic.starts_with("arn:aws:sns:") && topic.split(':').count() == 6).then_some(topic)
}

#[cfg(test)]
mod tests {
    use super::super::error::Code;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_queue_is_subscribed_at_once_and_once() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        let first = subscribe(&mut sns, &topic, "sqs", QUEUE, &[], 0).unwrap();
        assert!(first.starts_with(&format!("{topic}:")), "{first}");
        assert_eq!(subscribe(&mut sns, &topic, "sqs", QUEUE, &[], 0), Ok(first));
        assert!(sns.take_posts().is_empty());
        assert_eq!(listed(&mut sns, &topic).len(), 1);
    }

    #[test]
    fn an_endpoint_confirms_by_the_token_it_was_sent() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        assert_eq!(subscribe(&mut sns, &topic, "http", URL, &[], 0).as_deref(), Ok("pending confirmation"));
        let (delivery, message) = sent(&mut sns);
        assert_eq!(message.message_type, MessageType::SubscriptionConfirmation);
        assert!(delivery.headers.iter().all(|(name, _)| name != "x-amz-sns-subscription-arn"));
        assert_eq!(listed(&mut sns, &topic)[0].arn, "PendingConfirmation");
        let confirm = message.confirm.unwrap();
        assert_eq!(
            confirm.subscribe_url,
            format!(
                "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token={}",
                confirm.token
            )
        );
        let wrong = sns.confirm_subscription(&topic, "x", 0).unwrap_err();
        assert_eq!(
            (wrong.code, wrong.message.as_str()),
            (Code::InvalidParameter, "Invalid parameter: Token")
        );
        assert!(sns.confirm_subscription(&topic, &confirm.token, TOKEN_MS + 1).is_err());
        for _ in 0..2 {
            assert!(sns.confirm_subscription(&topic, &confirm.token, TOKEN_MS).is_ok());
        }
        assert_eq!(sns.counts()["t"].confirmed, 1);
        assert_ne!(listed(&mut sns, &topic)[0].arn, "PendingConfirmation");
    }

    #[test]
    fn a_pending_one_is_asked_again_with_a_new_token() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        subscribe(&mut sns, &topic, "http", URL, &[], 0).unwrap();
        let first = sent(&mut sns).1.confirm.unwrap().token;
        subscribe(&mut sns, &topic, "http", URL, &[], 0).unwrap();
        let second = sent(&mut sns).1.confirm.unwrap().token;
        assert_ne!(first, second);
        assert!(sns.confirm_subscription(&topic, &first, 0).is_err());
        assert!(sns.confirm_subscription(&topic, &second, 0).is_ok());
    }

    #[test]
    fn an_endpoint_is_told_that_it_is_unsubscribed_and_can_come_back() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        let arn = confirmed(&mut sns, &topic, URL, &[]);
        sns.unsubscribe(&arn, 0).unwrap();
        let (delivery, message) = sent(&mut sns);
        assert_eq!(message.message_type, MessageType::UnsubscribeConfirmation);
        assert!(delivery.headers.iter().any(|(name, _)| name == "x-amz-sns-subscription-arn"));
        assert!(listed(&mut sns, &topic).is_empty());
        sns.unsubscribe(&arn, 0).unwrap();
        assert!(sns.take_posts().is_empty());
        sns.confirm_subscription(&topic, &message.confirm.unwrap().token, 0).unwrap();
        assert_eq!(listed(&mut sns, &topic)[0].arn, arn);
    }

    #[test]
    fn protocols_endpoints_and_attributes_are_checked() {
        let mut sns = sns();
        let topic = create(&mut sns, "t", &[]);
        for (protocol, endpoint) in
            [("email", "a@b.c"), ("http", "https://127.0.0.1/"), ("https", URL), ("sqs", URL)]
        {
            let refused = subscribe(&mut sns, &topic, protocol, endpoint, &[], 0);
            assert_eq!(refused, Err(Code::InvalidParameter), "{protocol}");
        }
        let filter = [("FilterPolicy", "{}")];
        assert_eq!(subscribe(&mut sns, &topic, "sqs", QUEUE, &filter, 0), Err(Code::InvalidParameter));
        assert_eq!(subscribe(&mut sns, "arn:aws:sns:x:1:z", "sqs", QUEUE, &[], 0), Err(Code::NotFound));
        assert_eq!(sns.unsubscribe("x", 0).unwrap_err().code, Code::InvalidParameter);
    }
}
