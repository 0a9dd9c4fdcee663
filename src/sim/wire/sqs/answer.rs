//! From SQS's answers to the documents of AWS JSON 1.0.

use std::collections::BTreeMap;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::super::model::call::Failure;
use super::super::super::model::sqs::call::{Answer, AttributeValue, Batch, Message, Sent, Value as Held};
use super::super::super::model::sqs::error::Code;
use super::super::json::{self, ERROR_TYPE};

/// An answer's document.
pub(in super::super) fn answer(answer: &Answer) -> io::Result<Vec<u8>> {
    let value = match answer {
        Answer::Done(_) => json!({}),
        Answer::QueueUrl { url, .. } => json!({ "QueueUrl": url }),
        Answer::Queues { urls, next_token } => {
            given([("QueueUrls", Some(json!(urls))), ("NextToken", next_token.as_ref().map(|t| json!(t)))])
        }
        Answer::Attributes(attributes) => json!({ "Attributes": attributes }),
        Answer::Sent(message) => sent(None, message),
        Answer::SentBatch(done) => batch(done, |id, message| sent(Some(id), message)),
        Answer::Received(received) => {
            let messages: Vec<Value> = received.messages.iter().map(message).collect();
            given([("Messages", (!messages.is_empty()).then(|| messages.into()))])
        }
        Answer::Batch { batch: done, .. } => batch(done, |id, ()| json!({ "Id": id })),
    };
    json::document(&value)
}

/// An error's document.
pub(in super::super) fn error(failure: &Failure) -> io::Result<Vec<u8>> {
    json::error(failure, failure.code.parse().ok().map(Code::namespace))
}

/// What an error says in headers: its code, and the one that older clients know it by.
pub(in super::super) fn error_headers(failure: &Failure) -> Vec<(&'static str, String)> {
    let in_query = failure.code.parse().map_or(failure.code, Code::in_query);
    let whose = if failure.http_status < 500 { "Sender" } else { "Receiver" };
    vec![(ERROR_TYPE, failure.code.to_string()), ("x-amzn-query-error", format!("{in_query};{whose}"))]
}

/// An object of those fields that have a value.
fn given<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

fn sent(id: Option<&str>, sent: &Sent) -> Value {
    given([
        ("Id", id.map(Value::from)),
        ("MessageId", Some(json!(sent.id))),
        ("MD5OfMessageBody", Some(json!(sent.md5_of_body))),
        ("MD5OfMessageAttributes", sent.md5_of_attributes.as_ref().map(|d| json!(d))),
    ])
}

fn batch<T>(batch: &Batch<T>, one: impl Fn(&str, &T) -> Value) -> Value {
    let failed = batch.failed.iter().map(|(id, error)| {
        json!({
            "Id": id,
            "SenderFault": error.code.http_status() < 500,
            "Code": error.code.in_query(),
            "Message": error.message,
        })
    });
    json!({
        "Successful": batch.successful.iter().map(|(id, done)| one(id, done)).collect::<Vec<_>>(),
        "Failed": failed.collect::<Vec<_>>(),
    })
}

fn message(m: &Message) -> Value {
    given([
        ("MessageId", Some(json!(m.id))),
        ("ReceiptHandle", Some(json!(m.handle))),
        ("MD5OfBody", Some(json!(m.md5_of_body))),
        ("Body", Some(json!(*m.body))),
        ("Attributes", (!m.system_attributes.is_empty()).then(|| json!(m.system_attributes))),
        ("MD5OfMessageAttributes", m.md5_of_attributes.as_ref().map(|d| json!(d))),
        ("MessageAttributes", (!m.attributes.is_empty()).then(|| attributes(&m.attributes))),
    ])
}

fn attributes(attributes: &BTreeMap<String, AttributeValue>) -> Value {
    let each = |(name, attribute): (&String, &AttributeValue)| {
        let (kind, text) = match &attribute.value {
            Held::Text(text) => ("StringValue", text.clone()),
            Held::Binary(bytes) => ("BinaryValue", STANDARD.encode(bytes)),
        };
        let value = given([("DataType", Some(json!(attribute.data_type))), (kind, Some(json!(text)))]);
        (name.clone(), value)
    };
    Value::Object(attributes.iter().map(each).collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::super::model::sqs::call::{Action, Received};
    use super::super::super::super::model::sqs::error::ApiError;
    use super::*;

    fn text(document: &Answer) -> String {
        String::from_utf8(answer(document).unwrap()).unwrap()
    }

    #[test]
    fn documents_are_as_the_sdks_read_them() {
        let sent = Sent { id: "m".into(), md5_of_body: "d".into(), md5_of_attributes: None };
        assert_eq!(text(&Answer::Sent(sent)), r#"{"MD5OfMessageBody":"d","MessageId":"m"}"#);
        assert_eq!(text(&Answer::Done(Action::DeleteMessage)), "{}");
        let nothing = Received { messages: Vec::new(), waits_until_ms: None };
        assert_eq!(text(&Answer::Received(nothing)), "{}");
        let batch = Batch {
            successful: vec![("a".to_string(), ())],
            failed: vec![("b".to_string(), ApiError::missing("MessageBody"))],
        };
        assert_eq!(
            text(&Answer::Batch { action: Action::DeleteMessageBatch, batch }),
            r#"{"Failed":[{"Code":"MissingParameter","Id":"b","Message":"The request must contain the parameter MessageBody.","SenderFault":true}],"Successful":[{"Id":"a"}]}"#
        );
    }

    #[test]
    fn an_error_has_both_of_its_names() {
        let failure = Failure::from(ApiError::no_queue());
        assert_eq!(
            String::from_utf8(error(&failure).unwrap()).unwrap(),
            r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#
        );
        assert_eq!(error_headers(&failure)[1].1, "AWS.SimpleQueueService.NonExistentQueue;Sender");
    }
}
