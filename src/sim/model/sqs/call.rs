//! What SQS is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::words::named;

use super::error::ApiError;

named! {
    /// The actions the model knows.
    pub enum Action {
        CreateQueue = "CreateQueue",
        DeleteQueue = "DeleteQueue",
        GetQueueUrl = "GetQueueUrl",
        ListQueues = "ListQueues",
        GetQueueAttributes = "GetQueueAttributes",
        SetQueueAttributes = "SetQueueAttributes",
        PurgeQueue = "PurgeQueue",
        SendMessage = "SendMessage",
        SendMessageBatch = "SendMessageBatch",
        ReceiveMessage = "ReceiveMessage",
        DeleteMessage = "DeleteMessage",
        DeleteMessageBatch = "DeleteMessageBatch",
        ChangeMessageVisibility = "ChangeMessageVisibility",
        ChangeMessageVisibilityBatch = "ChangeMessageVisibilityBatch",
    }
}

/// One call. `queue` is the queue's URL, of which only the last part counts.
#[derive(Clone, Debug)]
pub enum Call {
    CreateQueue {
        name: String,
        attributes: BTreeMap<String, String>,
    },
    DeleteQueue {
        queue: String,
    },
    GetQueueUrl {
        name: String,
    },
    ListQueues(ListQueues),
    GetQueueAttributes {
        queue: String,
        /// `All` is every one; none is none.
        names: Vec<String>,
    },
    SetQueueAttributes {
        queue: String,
        attributes: BTreeMap<String, String>,
    },
    PurgeQueue {
        queue: String,
    },
    SendMessage {
        queue: String,
        message: NewMessage,
    },
    SendMessageBatch {
        queue: String,
        entries: Vec<Entry<NewMessage>>,
    },
    ReceiveMessage(ReceiveMessage),
    DeleteMessage {
        queue: String,
        handle: String,
    },
    DeleteMessageBatch {
        queue: String,
        entries: Vec<Entry<String>>,
    },
    ChangeMessageVisibility {
        queue: String,
        change: ChangeVisibility,
    },
    ChangeMessageVisibilityBatch {
        queue: String,
        entries: Vec<Entry<ChangeVisibility>>,
    },
    /// The front could not make sense of it.
    Unreadable {
        action: Option<Action>,
        error: ApiError,
    },
}

impl Call {
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match self {
            Call::CreateQueue { .. } => Action::CreateQueue,
            Call::DeleteQueue { .. } => Action::DeleteQueue,
            Call::GetQueueUrl { .. } => Action::GetQueueUrl,
            Call::ListQueues(_) => Action::ListQueues,
            Call::GetQueueAttributes { .. } => Action::GetQueueAttributes,
            Call::SetQueueAttributes { .. } => Action::SetQueueAttributes,
            Call::PurgeQueue { .. } => Action::PurgeQueue,
            Call::SendMessage { .. } => Action::SendMessage,
            Call::SendMessageBatch { .. } => Action::SendMessageBatch,
            Call::ReceiveMessage(_) => Action::ReceiveMessage,
            Call::DeleteMessage { .. } => Action::DeleteMessage,
            Call::DeleteMessageBatch { .. } => Action::DeleteMessageBatch,
            Call::ChangeMessageVisibility { .. } => Action::ChangeMessageVisibility,
            Call::ChangeMessageVisibilityBatch { .. } => Action::ChangeMessageVisibilityBatch,
            Call::Unreadable { action, .. } => return *action,
        })
    }
}

/// `ListQueues`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQueues {
    pub prefix: Option<String>,
    /// 1 to 1,000. Without it there is no next page either.
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

/// `ReceiveMessage`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiveMessage {
    pub queue: String,
    /// 1 to 10; 1 if not given.
    pub max_messages: Option<i64>,
    /// Seconds, 0 to 43,200; the queue's if not given.
    pub visibility_timeout_s: Option<i64>,
    /// Seconds, 0 to 20; the queue's if not given.
    pub wait_time_s: Option<i64>,
    /// Names of system attributes to be told; `All` is every one.
    pub system_attributes: Vec<String>,
    /// Names of the message's own attributes to be told; `All`, and prefixes as `foo.*`.
    pub attributes: Vec<String>,
}

/// A message to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMessage {
    pub body: Option<String>,
    /// Seconds, 0 to 900; the queue's if not given.
    pub delay_s: Option<i64>,
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// A message's own attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeValue {
    /// `String`, `Number` or `Binary`, and what the sender wrote behind a dot.
    pub data_type: String,
    pub value: Value,
}

/// What is in an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Binary(Vec<u8>),
}

/// `ChangeMessageVisibility`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeVisibility {
    pub handle: String,
    /// Seconds from now, 0 to 43,200. None is refused.
    pub timeout_s: Option<i64>,
}

/// One entry of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    pub id: String,
    pub what: T,
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done, and there is nothing more to say.
    Done(Action),
    /// Of `CreateQueue` and `GetQueueUrl`.
    QueueUrl {
        action: Action,
        url: String,
    },
    Queues {
        urls: Vec<String>,
        next_token: Option<String>,
    },
    Attributes(BTreeMap<String, String>),
    Sent(Sent),
    SentBatch(Batch<Sent>),
    Received(Received),
    /// Of the batches that answer nothing but success.
    Batch {
        action: Action,
        batch: Batch<()>,
    },
}

/// What became of a batch's entries, by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T> {
    pub successful: Vec<(String, T)>,
    pub failed: Vec<(String, ApiError)>,
}

/// A sent message. Digests are MD5 in hexadecimal, as the clients check them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub id: String,
    pub md5_of_body: String,
    /// None without attributes.
    pub md5_of_attributes: Option<String>,
}

/// Messages received, or none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub messages: Vec<Message>,
    /// A long poll that found nothing: it goes on until this time, in milliseconds
    /// ([`super::super::Model::resume`]).
    pub waits_until_ms: Option<i64>,
}

/// One message received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub handle: String,
    pub body: Arc<str>,
    pub md5_of_body: String,
    /// Those that were asked for.
    pub system_attributes: BTreeMap<&'static str, String>,
    /// Those that were asked for.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// Of the attributes that are told; none without.
    pub md5_of_attributes: Option<String>,
}
