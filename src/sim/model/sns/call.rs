//! What SNS is asked and what it answers, in no wire's words.

use std::collections::BTreeMap;

use crate::decide::words::named;

use super::error::ApiError;

named! {
    /// The actions the model knows.
    pub enum Action {
        CreateTopic = "CreateTopic",
        DeleteTopic = "DeleteTopic",
        ListTopics = "ListTopics",
        GetTopicAttributes = "GetTopicAttributes",
        SetTopicAttributes = "SetTopicAttributes",
        Subscribe = "Subscribe",
        ConfirmSubscription = "ConfirmSubscription",
        Unsubscribe = "Unsubscribe",
        ListSubscriptionsByTopic = "ListSubscriptionsByTopic",
        GetSubscriptionAttributes = "GetSubscriptionAttributes",
        SetSubscriptionAttributes = "SetSubscriptionAttributes",
        Publish = "Publish",
        PublishBatch = "PublishBatch",
    }
}

/// One call. Topics and subscriptions are named by their ARNs.
#[derive(Clone, Debug)]
pub enum Call {
    CreateTopic {
        name: String,
        attributes: BTreeMap<String, String>,
    },
    DeleteTopic {
        topic: String,
    },
    ListTopics {
        next_token: Option<String>,
    },
    GetTopicAttributes {
        topic: String,
    },
    SetTopicAttributes {
        topic: String,
        name: String,
        value: String,
    },
    Subscribe(Subscribe),
    ConfirmSubscription {
        topic: String,
        token: String,
    },
    Unsubscribe {
        subscription: String,
    },
    ListSubscriptionsByTopic {
        topic: String,
        next_token: Option<String>,
    },
    GetSubscriptionAttributes {
        subscription: String,
    },
    SetSubscriptionAttributes {
        subscription: String,
        name: String,
        value: String,
    },
    Publish {
        topic: String,
        message: NewMessage,
    },
    PublishBatch {
        topic: String,
        entries: Vec<(String, NewMessage)>,
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
            Call::CreateTopic { .. } => Action::CreateTopic,
            Call::DeleteTopic { .. } => Action::DeleteTopic,
            Call::ListTopics { .. } => Action::ListTopics,
            Call::GetTopicAttributes { .. } => Action::GetTopicAttributes,
            Call::SetTopicAttributes { .. } => Action::SetTopicAttributes,
            Call::Subscribe(_) => Action::Subscribe,
            Call::ConfirmSubscription { .. } => Action::ConfirmSubscription,
            Call::Unsubscribe { .. } => Action::Unsubscribe,
            Call::ListSubscriptionsByTopic { .. } => Action::ListSubscriptionsByTopic,
            Call::GetSubscriptionAttributes { .. } => Action::GetSubscriptionAttributes,
            Call::SetSubscriptionAttributes { .. } => Action::SetSubscriptionAttributes,
            Call::Publish { .. } => Action::Publish,
            Call::PublishBatch { .. } => Action::PublishBatch,
            Call::Unreadable { action, .. } => return *action,
        })
    }
}

/// `Subscribe`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscribe {
    pub topic: String,
    /// `sqs`, `http` or `https`.
    pub protocol: String,
    /// A queue's ARN, or a URL.
    pub endpoint: String,
    pub attributes: BTreeMap<String, String>,
    /// The ARN is answered though it is not confirmed.
    pub return_arn: bool,
}

/// A message to be published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMessage {
    pub message: String,
    pub subject: Option<String>,
    /// Type and value by name.
    pub attributes: BTreeMap<String, (String, String)>,
}

#[derive(Clone, Debug)]
pub enum Answer {
    /// It is done, and there is nothing more to say.
    Done(Action),
    Topic {
        arn: String,
    },
    Topics {
        arns: Vec<String>,
        next_token: Option<String>,
    },
    /// Of a topic or of a subscription.
    Attributes {
        action: Action,
        attributes: BTreeMap<String, String>,
    },
    /// Of `Subscribe` and `ConfirmSubscription`: an ARN, or `pending confirmation`.
    Subscription {
        action: Action,
        arn: String,
    },
    Subscriptions {
        all: Vec<SubscriptionView>,
        next_token: Option<String>,
    },
    Published {
        message_id: String,
    },
    PublishedBatch {
        successful: Vec<(String, String)>,
        failed: Vec<(String, ApiError)>,
    },
}

/// One subscription of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionView {
    /// `PendingConfirmation` as long as it is.
    pub arn: String,
    pub protocol: String,
    pub endpoint: String,
    pub topic: String,
}
