//! Topics: making, listing, changing and deleting them.

use std::collections::BTreeMap;

use super::super::arn::{ACCOUNT, arn};
use super::call::{Action, Answer};
use super::error::ApiError;
use super::message::SignatureVersion;
use super::subscription::{DeliveryPolicy, Subscription};
use super::{Sns, check_arn};

/// A topic and its subscriptions.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) arn: String,
    pub(super) signature_version: SignatureVersion,
    /// `DeliveryPolicy`, for subscriptions without one of their own.
    pub(super) delivery_policy: DeliveryPolicy,
    /// As they were set.
    attributes: BTreeMap<String, String>,
    /// By ARN.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    /// Unsubscribed ones whose token can bring them back, by ARN.
    pub(super) departed: BTreeMap<String, Subscription>,
    deleted_subscriptions: u32,
}

/// What can be set and has no effect here.
const WITHOUT_EFFECT: [&str; 5] =
    ["Policy", "DisplayName", "KmsMasterKeyId", "TracingConfig", "DataProtectionPolicy"];
/// Topics, and subscriptions, of one page.
pub(super) const PAGE: usize = 100;

impl Sns {
    pub(super) fn create_topic(
        &mut self,
        name: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Answer, ApiError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() || name.len() > 256 || !name.bytes().all(word) {
            return Err(ApiError::invalid("Topic Name"));
        }
        let arn = arn("sns", &self.settings.region, name);
        let mut topic = Topic {
            arn: arn.clone(),
            signature_version: SignatureVersion::V1,
            delivery_policy: DeliveryPolicy::default(),
            attributes: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            departed: BTreeMap::new(),
            deleted_subscriptions: 0,
        };
        attributes.iter().try_for_each(|(name, value)| topic.set(name, value))?;
        if let Some(present) = self.topics.get(&arn) {
            // Only what is named is compared.
            if topic.attributes.iter().any(|(name, value)| present.attributes.get(name) != Some(value)) {
                return Err(ApiError::invalid(
                    "Attributes Reason: Topic already exists with different attributes",
                ));
            }
        } else {
            self.topics.insert(arn.clone(), topic);
        }
        Ok(Answer::Topic { arn })
    }

    /// One that is not there is deleted too.
    pub(super) fn delete_topic(&mut self, arn: &str) -> Result<Answer, ApiError> {
        check_arn(arn)?;
        self.topics.remove(arn);
        Ok(Answer::Done(Action::DeleteTopic))
    }

    pub(super) fn list_topics(&self, after: Option<&str>) -> Answer {
        let mut arns = self.topics.keys().filter(|arn| after.is_none_or(|after| arn.as_str() > after));
        let page: Vec<String> = arns.by_ref().take(PAGE).cloned().collect();
        Answer::Topics { next_token: page.last().filter(|_| arns.next().is_some()).cloned(), arns: page }
    }

    pub(super) fn get_topic_attributes(&mut self, arn: &str) -> Result<Answer, ApiError> {
        let topic = self.topic(arn)?;
        let count =
            |pending: bool| topic.subscriptions.values().filter(|s| s.is_pending() == pending).count();
        let mut attributes = topic.attributes.clone();
        attributes.extend(
            [
                ("TopicArn", topic.arn.clone()),
                ("Owner", ACCOUNT.to_string()),
                ("SignatureVersion", topic.signature_version.to_string()),
                ("SubscriptionsConfirmed", count(false).to_string()),
                ("SubscriptionsPending", count(true).to_string()),
                ("SubscriptionsDeleted", topic.deleted_subscriptions.to_string()),
                ("EffectiveDeliveryPolicy", topic.delivery_policy.told()),
            ]
            .map(|(name, value)| (name.to_string(), value)),
        );
        attributes.entry("DisplayName".into()).or_default();
        Ok(Answer::Attributes { action: Action::GetTopicAttributes, attributes })
    }

    pub(super) fn set_topic_attributes(
        &mut self,
        arn: &str,
        name: &str,
        value: &str,
    ) -> Result<Answer, ApiError> {
        self.topic(arn)?.set(name, value)?;
        Ok(Answer::Done(Action::SetTopicAttributes))
    }
}

impl Topic {
    fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "SignatureVersion" => {
                self.signature_version = value.parse().map_err(|_| ApiError::invalid("SignatureVersion"))?;
            }
            "DeliveryPolicy" => self.delivery_policy = DeliveryPolicy::read(value, "http")?,
            name if WITHOUT_EFFECT.contains(&name) => {}
            _ => return Err(ApiError::invalid("AttributeName")),
        }
        self.attributes.insert(name.into(), value.into());
        Ok(())
    }

    pub(super) fn remove(&mut self, subscription: &str) -> Option<Subscription> {
        let removed = self.subscriptions.remove(subscription)?;
        self.deleted_subscriptions += 1;
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Code;
    use super::super::testing::*;

    #[test]
    fn what_is_no_arn_is_an_invalid_parameter_and_not_an_unknown_topic() {
        let mut sns = sns();
        let arn = create(&mut sns, "t", &[]);
        let unknown = format!("{arn}2");
        for (arn, code) in
            [("a-topic", Some(Code::InvalidParameter)), (&*unknown, Some(Code::NotFound)), (&*arn, None)]
        {
            assert_eq!(sns.get_topic_attributes(arn).err().map(|e| e.code), code, "{arn}");
        }
        assert_eq!(sns.delete_topic("a-topic").unwrap_err().code, Code::InvalidParameter);
        assert!(sns.delete_topic(&unknown).is_ok(), "gone is gone");
    }
}
