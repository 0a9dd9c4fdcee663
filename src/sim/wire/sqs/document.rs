//! From SQS's answers to the XML of its query protocol: flat lists, without `member`.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::super::model::call::Failure;
use super::super::super::model::sqs::call::{Action, Answer, Batch, Message, Sent, Value};
use super::super::super::model::sqs::error::Code;
use super::super::query;
use super::super::xml::Xml;

const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer, request_id: &str) -> io::Result<Vec<u8>> {
    let action = action_of(answer);
    if let Answer::Done(_) = answer {
        return query::answer(NAMESPACE, action.as_str(), request_id, None::<fn(&mut Xml) -> io::Result<()>>);
    }
    query::answer(NAMESPACE, action.as_str(), request_id, Some(|x: &mut Xml| result(x, answer)))
}

/// An error's document.
pub(in super::super) fn error(failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
    let code = failure.code.parse().map_or(failure.code, Code::in_query);
    query::error(NAMESPACE, &Failure { code, ..failure.clone() }, request_id)
}

fn action_of(answer: &Answer) -> Action {
    match answer {
        Answer::Done(action) | Answer::QueueUrl { action, .. } | Answer::Batch { action, .. } => *action,
        Answer::Queues { .. } => Action::ListQueues,
        Answer::Attributes(_) => Action::GetQueueAttributes,
        Answer::Sent(_) => Action::SendMessage,
        Answer::SentBatch(_) => Action::SendMessageBatch,
        Answer::Received(_) => Action::ReceiveMessage,
    }
}

fn result(x: &mut Xml, answer: &Answer) -> io::Result<()> {
    match answer {
        Answer::Done(_) => Ok(()),
        Answer::QueueUrl { url, .. } => x.text("QueueUrl", url),
        Answer::Queues { urls, next_token } => {
            urls.iter().try_for_each(|url| x.text("QueueUrl", url))?;
            x.optional("NextToken", next_token.as_deref())
        }
        Answer::Attributes(attributes) => attributes.iter().try_for_each(|(name, value)| {
            x.element("Attribute", |x| {
                x.text("Name", name)?;
                x.text("Value", value)
            })
        }),
        Answer::Sent(message) => sent(x, message),
        Answer::SentBatch(done) => batch(x, Action::SendMessageBatch, done, |x, id, message| {
            x.text("Id", id)?;
            sent(x, message)
        }),
        Answer::Received(received) => received.messages.iter().try_for_each(|m| message(x, m)),
        Answer::Batch { action, batch: done } => batch(x, *action, done, |x, id, ()| x.text("Id", id)),
    }
}

fn sent(x: &mut Xml, sent: &Sent) -> io::Result<()> {
    x.text("MessageId", &sent.id)?;
    x.text("MD5OfMessageBody", &sent.md5_of_body)?;
    x.optional("MD5OfMessageAttributes", sent.md5_of_attributes.as_deref())
}

/// `<DeleteMessageBatchResultEntry>` and the like for each success, `<BatchResultErrorEntry>` for the
/// rest.
fn batch<T>(
    x: &mut Xml,
    action: Action,
    batch: &Batch<T>,
    one: impl Fn(&mut Xml, &str, &T) -> io::Result<()>,
) -> io::Result<()> {
    for (id, done) in &batch.successful {
        x.element(&format!("{action}ResultEntry"), |x| one(x, id, done))?;
    }
    batch.failed.iter().try_for_each(|(id, error)| {
        x.element("BatchResultErrorEntry", |x| {
            x.text("Id", id)?;
            x.text("Code", error.code.in_query())?;
            x.text("Message", &error.message)?;
            x.text("SenderFault", if error.code.http_status() < 500 { "true" } else { "false" })
        })
    })
}

fn message(x: &mut Xml, m: &Message) -> io::Result<()> {
    x.element("Message", |x| {
        x.text("MessageId", &m.id)?;
        x.text("ReceiptHandle", &m.handle)?;
        x.text("MD5OfBody", &m.md5_of_body)?;
        x.text("Body", &m.body)?;
        for (name, value) in &m.system_attributes {
            x.element("Attribute", |x| {
                x.text("Name", name)?;
                x.text("Value", value)
            })?;
        }
        x.optional("MD5OfMessageAttributes", m.md5_of_attributes.as_deref())?;
        m.attributes.iter().try_for_each(|(name, attribute)| {
            x.element("MessageAttribute", |x| {
                x.text("Name", name)?;
                x.element("Value", |x| {
                    match &attribute.value {
                        Value::Text(text) => x.text("StringValue", text)?,
                        Value::Binary(bytes) => x.text("BinaryValue", &STANDARD.encode(bytes))?,
                    }
                    x.text("DataType", &attribute.data_type)
                })
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::sqs::error::ApiError;
    use super::*;

    #[test]
    fn documents_are_as_older_clients_read_them() {
        let text = |bytes: io::Result<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
        let url = Answer::QueueUrl { action: Action::CreateQueue, url: "http://x/0/q".into() };
        assert_eq!(
            text(answer(&url, "ID")),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <CreateQueueResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><CreateQueueResult>\
             <QueueUrl>http://x/0/q</QueueUrl></CreateQueueResult><ResponseMetadata><RequestId>ID</RequestId>\
             </ResponseMetadata></CreateQueueResponse>"
        );
        let error = text(error(&ApiError::no_queue().into(), "ID"));
        assert!(error.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"), "{error}");
    }

    #[test]
    fn entries_are_named_after_their_action() {
        let batch = Batch {
            successful: vec![("a".to_string(), ())],
            failed: vec![("b".to_string(), ApiError::missing("ReceiptHandle"))],
        };
        let document = answer(&Answer::Batch { action: Action::DeleteMessageBatch, batch }, "ID").unwrap();
        let document = String::from_utf8(document).unwrap();
        assert!(
            document.contains("<DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry>")
        );
        assert!(document.contains("<BatchResultErrorEntry><Id>b</Id><Code>MissingParameter</Code>"));
    }
}
