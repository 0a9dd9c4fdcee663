//! What one service tells others of its own accord: a lifecycle action to a queue or a topic, an
//! event to the bus.

use serde_json::Value;

/// One thing told, at the moment in which it happened. Whether and when it arrives is decided where
/// it is delivered (loss, duplication and reordering are settings).
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A message to an SQS queue or an SNS topic.
    Message {
        /// Of the queue or the topic.
        arn: String,
        /// SNS shows it beside the message; SQS has no place for it.
        subject: Option<String>,
        /// JSON.
        body: String,
    },
    /// An event on the account's default `EventBridge` bus.
    Event {
        /// For example `aws.autoscaling`.
        source: &'static str,
        detail_type: &'static str,
        /// ARNs.
        resources: Vec<String>,
        detail: Value,
    },
}
