//! From SNS's answers to the documents of the query protocol.

use std::io;

use super::super::super::model::arn::ACCOUNT;
use super::super::super::model::call::Failure;
use super::super::super::model::sns::call::{Action, Answer, SubscriptionView};
use super::super::query;
use super::super::xml::Xml;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
    let action = match answer {
        Answer::Done(action) | Answer::Attributes { action, .. } | Answer::Subscription { action, .. } => {
            *action
        }
        Answer::Topic { .. } => Action::CreateTopic,
        Answer::Topics { .. } => Action::ListTopics,
        Answer::Subscriptions { .. } => Action::ListSubscriptionsByTopic,
        Answer::Published { .. } => Action::Publish,
        Answer::PublishedBatch { .. } => Action::PublishBatch,
    };
    query::answer(NAMESPACE, action.as_str(), request_id, Some(|x: &mut Xml| result(x, answer)))
}

/// An error's document.
pub(in super::super) fn error(failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
    query::error(NAMESPACE, failure, request_id)
}

fn result(x: &mut Xml, answer: &Answer) -> io::Result<()> {
    match answer {
        Answer::Done(_) => Ok(()),
        Answer::Topic { arn } => x.text("TopicArn", arn),
        Answer::Topics { arns, next_token } => {
            x.members("Topics", arns, |x, arn| x.text("TopicArn", arn))?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Attributes { attributes, .. } => x.element("Attributes", |x| {
            attributes.iter().try_for_each(|(key, value)| {
                x.element("entry", |x| {
                    x.text("key", key)?;
                    x.text("value", value)
                })
            })
        }),
        Answer::Subscription { arn, .. } => x.text("SubscriptionArn", arn),
        Answer::Subscriptions { all, next_token } => {
            x.members("Subscriptions", all, subscription)?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Published { message_id } => x.text("MessageId", message_id),
        Answer::PublishedBatch { successful, failed } => {
            x.members("Successful", successful, |x, (id, message_id)| {
                x.text("Id", id)?;
                x.text("MessageId", message_id)
            })?;
            x.members("Failed", failed, |x, (id, error)| {
                x.text("Id", id)?;
                x.text("Code", error.code.as_str())?;
                x.text("Message", &error.message)?;
                x.text("SenderFault", if error.code.http_status() < 500 { "true" } else { "false" })
            })
        }
    }
}

fn subscription(x: &mut Xml, s: &SubscriptionView) -> io::Result<()> {
    x.text("SubscriptionArn", &s.arn)?;
    x.text("Owner", ACCOUNT)?;
    x.text("Protocol", &s.protocol)?;
    x.text("Endpoint", &s.endpoint)?;
    x.text("TopicArn", &s.topic)
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::sns::error::ApiError;
    use super::*;

    #[test]
    fn documents_are_as_the_sdks_read_them() {
        let text = |bytes: io::Result<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
        let topics = Answer::Topics { arns: vec!["a".into()], next_token: None };
        assert_eq!(
            text(answer(&topics, "ID")),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <ListTopicsResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ListTopicsResult><Topics>\
             <member><TopicArn>a</TopicArn></member></Topics></ListTopicsResult><ResponseMetadata>\
             <RequestId>ID</RequestId></ResponseMetadata></ListTopicsResponse>"
        );
        assert_eq!(
            text(error(&ApiError::not_found("Topic").into(), "ID")),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
             <Code>NotFound</Code><Message>Topic does not exist</Message></Error><RequestId>ID</RequestId>\
             </ErrorResponse>"
        );
    }
}
