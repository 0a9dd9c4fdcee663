//! SNS: standard topics with subscriptions of queues and of HTTP(S) endpoints (aws-facts 4.1).
//!
//! Filter policies, FIFO topics and other protocols are refused. What a topic sends is posted
//! ([`super::outbox::Post`]) and leaves by the model: to queues at once, to endpoints by the outbox.

pub mod call;
pub mod error;
pub mod message;
mod publish;
mod subscribe;
mod subscription;
#[cfg(test)]
pub(crate) mod testing;
mod topic;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::draw::{Draw, Purpose};
use super::super::settings::Settings;
use super::outbox::Post;
use call::{Answer, Call};
use error::ApiError;
use message::{NoKey, Sign};
use topic::Topic;

/// Fewest parts of an ARN.
const ARN_PARTS: usize = 6;

/// SNS of one account in one region.
#[derive(Debug)]
pub struct Sns {
    settings: Arc<Settings>,
    seed: u64,
    signer: Arc<dyn Sign>,
    /// By ARN.
    topics: BTreeMap<String, Topic>,
    /// By name, of deleted topics too.
    counts: BTreeMap<String, TopicCounts>,
    /// Tokens, ids and messages drawn so far.
    drawn: u64,
    posts: Vec<Post>,
}

/// Counts of one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicCounts {
    pub published: u64,
    /// Messages sent to subscriptions: one counts once for each, and once more for each further copy.
    pub to_queues: u64,
    pub to_endpoints: u64,
    /// Of those, the further copies that the settings ask for.
    pub copies: u64,
    pub confirmations_sent: u64,
    pub confirmed: u64,
}

impl Sns {
    pub(super) fn new(settings: Arc<Settings>, seed: u64) -> Sns {
        Sns {
            settings,
            seed,
            signer: Arc::new(NoKey),
            topics: BTreeMap::new(),
            counts: BTreeMap::new(),
            drawn: 0,
            posts: Vec::new(),
        }
    }

    /// From now on these settings hold.
    pub(super) fn adopt(&mut self, settings: &Arc<Settings>) {
        self.settings = settings.clone();
    }

    /// Messages to queues are signed by this one from now on.
    pub(super) fn sign_with(&mut self, signer: Arc<dyn Sign>) {
        self.signer = signer;
    }

    /// Answers one call.
    pub(super) fn handle(&mut self, call: &Call, now_ms: i64) -> Result<Answer, ApiError> {
        match call {
            Call::CreateTopic { name, attributes } => self.create_topic(name, attributes),
            Call::DeleteTopic { topic } => self.delete_topic(topic),
            Call::ListTopics { next_token } => Ok(self.list_topics(next_token.as_deref())),
            Call::GetTopicAttributes { topic } => self.get_topic_attributes(topic),
            Call::SetTopicAttributes { topic, name, value } => self.set_topic_attributes(topic, name, value),
            Call::Subscribe(subscribe) => self.subscribe(subscribe, now_ms),
            Call::ConfirmSubscription { topic, token } => self.confirm_subscription(topic, token, now_ms),
            Call::Unsubscribe { subscription } => self.unsubscribe(subscription, now_ms),
            Call::ListSubscriptionsByTopic { topic, next_token } => {
                self.list_subscriptions(topic, next_token.as_deref())
            }
            Call::GetSubscriptionAttributes { subscription } => {
                self.get_subscription_attributes(subscription)
            }
            Call::SetSubscriptionAttributes { subscription, name, value } => {
                self.set_subscription_attributes(subscription, name, value)
            }
            Call::Publish { topic, message } => {
                let message_id = self.publish(topic, message, now_ms)?;
                Ok(Answer::Published { message_id })
            }
            Call::PublishBatch { topic, entries } => self.publish_batch(topic, entries, now_ms),
            Call::Unreadable { error, .. } => Err(error.clone()),
        }
    }

    /// What is to leave.
    pub(super) fn take_posts(&mut self) -> Vec<Post> {
        std::mem::take(&mut self.posts)
    }

    /// What went through each topic, by name.
    pub(super) fn counts(&self) -> BTreeMap<String, TopicCounts> {
        self.counts.clone()
    }

    /// The path of the certificate that verifies what is signed: the same for one seed.
    pub(super) fn certificate_path(seed: u64) -> String {
        let id = Draw::new(seed, Purpose::Sns, u64::MAX).uuid().replace('-', "");
        format!("/SimpleNotificationService-{id}.pem")
    }

    /// What the URLs in messages begin with.
    fn url_base(&self) -> String {
        let default = || format!("https://sns.{}.amazonaws.com", self.settings.region);
        self.settings.sns.url_base.as_ref().map_or_else(default, |base| base.trim_end_matches('/').into())
    }

    fn draw(&mut self) -> Draw {
        self.drawn += 1;
        Draw::new(self.seed, Purpose::Sns, self.drawn)
    }

    fn topic(&mut self, arn: &str) -> Result<&mut Topic, ApiError> {
        check_arn(arn)?;
        self.topics.get_mut(arn).ok_or_else(|| ApiError::not_found("Topic"))
    }

    fn counted(&mut self, topic_arn: &str) -> &mut TopicCounts {
        let name = topic_arn.rsplit(':').next().unwrap_or_default();
        self.counts.entry(name.into()).or_default()
    }
}

/// Could this be the ARN of a topic (`arn:aws:sns:REGION:ACCOUNT:NAME`)? Whether there is one is another
/// question, and another answer.
fn check_arn(arn: &str) -> Result<(), ApiError> {
    let parts = arn.split(':').count();
    if parts < ARN_PARTS {
        let why = format!("TopicArn Reason: An ARN must have at least {ARN_PARTS} elements, not {parts}");
        return Err(ApiError::invalid(&why));
    }
    Ok(())
}
