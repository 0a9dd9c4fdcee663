//! From the query protocol's parameters to SNS's calls.

use std::collections::BTreeMap;

use super::super::super::model::sns::call::{Action, Call, NewMessage, Subscribe};
use super::super::super::model::sns::error::{ApiError, Code};
use super::super::form::{Form, FormError, Node};
use super::super::query::{self, NoAction};

/// The version of the query protocol.
pub(in super::super) const VERSION: &str = "2010-03-31";

/// Is this the query of a link in a message (`SubscribeURL`, `UnsubscribeURL`)? They name no version.
pub(in super::super) fn is_link(query: &str) -> bool {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.any(|(name, value)| name == "Action" && matches!(&*value, "ConfirmSubscription" | "Unsubscribe"))
}

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(form: &Form) -> Call {
    match query::action::<Action>(form, VERSION) {
        Ok(action) => {
            read(action, form.root()).unwrap_or_else(|error| Call::Unreadable { action: Some(action), error })
        }
        Err(error) => Call::Unreadable { action: None, error: error.into() },
    }
}

fn read(action: Action, root: &Node) -> Result<Call, ApiError> {
    let text = |name: &str| root.text(name).map(str::to_string);
    let topic = || required(root, "TopicArn");
    let subscription = || required(root, "SubscriptionArn");
    let value = || text("AttributeValue").unwrap_or_default();
    Ok(match action {
        Action::CreateTopic => {
            Call::CreateTopic { name: required(root, "Name")?, attributes: attributes(root) }
        }
        Action::DeleteTopic => Call::DeleteTopic { topic: topic()? },
        Action::ListTopics => Call::ListTopics { next_token: text("NextToken") },
        Action::GetTopicAttributes => Call::GetTopicAttributes { topic: topic()? },
        Action::SetTopicAttributes => Call::SetTopicAttributes {
            topic: topic()?,
            name: required(root, "AttributeName")?,
            value: value(),
        },
        Action::Subscribe => Call::Subscribe(Subscribe {
            topic: topic()?,
            protocol: required(root, "Protocol")?,
            endpoint: text("Endpoint").unwrap_or_default(),
            attributes: attributes(root),
            return_arn: root.flag("ReturnSubscriptionArn")?,
        }),
        Action::ConfirmSubscription => {
            Call::ConfirmSubscription { topic: topic()?, token: required(root, "Token")? }
        }
        Action::Unsubscribe => Call::Unsubscribe { subscription: subscription()? },
        Action::ListSubscriptionsByTopic => {
            Call::ListSubscriptionsByTopic { topic: topic()?, next_token: text("NextToken") }
        }
        Action::GetSubscriptionAttributes => {
            Call::GetSubscriptionAttributes { subscription: subscription()? }
        }
        Action::SetSubscriptionAttributes => Call::SetSubscriptionAttributes {
            subscription: subscription()?,
            name: required(root, "AttributeName")?,
            value: value(),
        },
        Action::Publish => {
            let topic = text("TopicArn").or_else(|| text("TargetArn"));
            let topic = topic.ok_or_else(|| {
                ApiError::invalid("TopicArn or TargetArn Reason: no value for required parameter")
            })?;
            Call::Publish { topic, message: message(root)? }
        }
        Action::PublishBatch => {
            let entries = root.members("PublishBatchRequestEntries");
            let entry = |node: &Node| Ok((required(node, "Id")?, message(node)?));
            let entries = entries.into_iter().map(entry).collect::<Result<_, ApiError>>()?;
            Call::PublishBatch { topic: topic()?, entries }
        }
    })
}

fn required(node: &Node, name: &str) -> Result<String, ApiError> {
    let given = node.text(name).map(str::to_string);
    given.ok_or_else(|| {
        let mut parameter = name.to_string();
        if let Some(first) = parameter.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        ApiError::missing(&parameter)
    })
}

/// `Attributes.entry.N.key` and `.value`
fn attributes(root: &Node) -> BTreeMap<String, String> {
    let each = |entry: &Node| {
        Some((entry.text("key")?.to_string(), entry.text("value").unwrap_or_default().to_string()))
    };
    root.under("Attributes").list("entry").into_iter().filter_map(each).collect()
}

fn message(node: &Node) -> Result<NewMessage, ApiError> {
    if node.has("MessageStructure") {
        return Err(ApiError::invalid(
            "MessageStructure Reason: one message for each protocol is not simulated",
        ));
    }
    let each = |entry: &Node| {
        let value = entry.under("Value");
        let content = value.text("StringValue").or_else(|| value.text("BinaryValue")).unwrap_or_default();
        let kind = value.text("DataType").unwrap_or_default();
        Some((entry.text("Name")?.to_string(), (kind.to_string(), content.to_string())))
    };
    Ok(NewMessage {
        message: required(node, "Message")?,
        subject: node.text("Subject").map(str::to_string),
        attributes: node.under("MessageAttributes").list("entry").into_iter().filter_map(each).collect(),
    })
}

/// As SNS says what it cannot read.
impl From<FormError> for ApiError {
    fn from(error: FormError) -> ApiError {
        match error {
            FormError::Malformed(message) => ApiError::new(Code::MalformedQueryString, message),
            FormError::Value { .. } => ApiError::invalid(&error.to_string()),
        }
    }
}

impl From<NoAction> for ApiError {
    fn from(error: NoAction) -> ApiError {
        let code = match &error {
            NoAction::Missing => Code::MissingAction,
            NoAction::Unknown { .. } => Code::InvalidAction,
        };
        ApiError::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Call {
        call(&Form::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn requests_are_read() {
        let text = "Action=Subscribe&Version=2010-03-31&TopicArn=t&Protocol=http&Endpoint=http%3A%2F%2Fx\
                    &Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true\
                    &ReturnSubscriptionArn=true";
        let Call::Subscribe(s) = of(text) else { panic!("not read") };
        assert_eq!((s.endpoint.as_str(), s.return_arn), ("http://x", true));
        assert_eq!(s.attributes["RawMessageDelivery"], "true");
        let text = "Action=PublishBatch&TopicArn=t&PublishBatchRequestEntries.member.1.Id=a\
                    &PublishBatchRequestEntries.member.1.Message=m\
                    &PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name=n\
                    &PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.DataType=String\
                    &PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.StringValue=v";
        let Call::PublishBatch { entries, .. } = of(text) else { panic!("not read") };
        assert_eq!(entries[0].1.attributes["n"], ("String".to_string(), "v".to_string()));
    }

    #[test]
    fn a_link_is_one_by_its_action() {
        assert!(is_link("Action=ConfirmSubscription&TopicArn=t&Token=x"));
        assert!(is_link("Action=Unsubscribe&SubscriptionArn=s"));
        assert!(!is_link("Action=DescribeInstances") && !is_link(""));
    }

    #[test]
    fn what_is_missing_or_unknown_says_so() {
        let code = |text: &str| {
            let Call::Unreadable { error, .. } = of(text) else { panic!("it was read") };
            error.code
        };
        assert_eq!(code(""), Code::MissingAction);
        assert_eq!(code("Action=Fly"), Code::InvalidAction);
        assert_eq!(code("Action=DeleteTopic"), Code::ValidationError);
        assert_eq!(code("Action=Publish&Message=m"), Code::InvalidParameter);
        assert_eq!(code("Action=Publish&TopicArn=t&Message=m&MessageStructure=json"), Code::InvalidParameter);
        let Call::Unreadable { error, .. } = of("Action=DeleteTopic") else { panic!("read") };
        assert!(error.message.contains("'topicArn'"), "{error}");
    }
}
