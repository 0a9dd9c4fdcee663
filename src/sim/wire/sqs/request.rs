//! From the fields of AWS JSON to SQS's calls. Requests of the query protocol come here too, see
//! [`super::parameters`].

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::super::model::sqs::call::{
    Action, AttributeValue, Call, ChangeVisibility, Entry, ListQueues, NewMessage, ReceiveMessage, Value,
};
use super::super::super::model::sqs::error::{ApiError, Code};
use super::super::json::{Fields, JsonError};

/// What the target of an AWS JSON request begins with.
pub(in super::super) const TARGET: &str = "AmazonSQS";

/// Reads one request. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(action: &str, fields: Result<Fields, ApiError>) -> Call {
    let Ok(action) = action.parse::<Action>() else {
        let message = format!("The action {action} is not valid for this endpoint.");
        return Call::Unreadable { action: None, error: ApiError::new(Code::UnknownOperation, message) };
    };
    fields
        .and_then(|fields| read(action, &fields))
        .unwrap_or_else(|error| Call::Unreadable { action: Some(action), error })
}

fn read(action: Action, f: &Fields) -> Result<Call, ApiError> {
    let queue = || required(f, "QueueUrl");
    let attributes = || Ok::<_, ApiError>(f.map("Attributes")?.into_iter().collect::<BTreeMap<_, _>>());
    Ok(match action {
        Action::CreateQueue => {
            Call::CreateQueue { name: required(f, "QueueName")?, attributes: attributes()? }
        }
        Action::DeleteQueue => Call::DeleteQueue { queue: queue()? },
        Action::GetQueueUrl => Call::GetQueueUrl { name: required(f, "QueueName")? },
        Action::ListQueues => Call::ListQueues(ListQueues {
            prefix: f.text("QueueNamePrefix")?,
            max_results: f.number("MaxResults")?,
            next_token: f.text("NextToken")?,
        }),
        Action::GetQueueAttributes => {
            Call::GetQueueAttributes { queue: queue()?, names: f.texts("AttributeNames")? }
        }
        Action::SetQueueAttributes => {
            if !f.has("Attributes") {
                return Err(ApiError::missing("Attributes"));
            }
            Call::SetQueueAttributes { queue: queue()?, attributes: attributes()? }
        }
        Action::PurgeQueue => Call::PurgeQueue { queue: queue()? },
        Action::SendMessage => Call::SendMessage { queue: queue()?, message: message(f)? },
        Action::SendMessageBatch => Call::SendMessageBatch { queue: queue()?, entries: entries(f, message)? },
        Action::ReceiveMessage => Call::ReceiveMessage(receive(queue()?, f)?),
        Action::DeleteMessage => {
            Call::DeleteMessage { queue: queue()?, handle: required(f, "ReceiptHandle")? }
        }
        Action::DeleteMessageBatch => Call::DeleteMessageBatch {
            queue: queue()?,
            entries: entries(f, |entry| required(entry, "ReceiptHandle"))?,
        },
        Action::ChangeMessageVisibility => {
            Call::ChangeMessageVisibility { queue: queue()?, change: visibility(f)? }
        }
        Action::ChangeMessageVisibilityBatch => {
            Call::ChangeMessageVisibilityBatch { queue: queue()?, entries: entries(f, visibility)? }
        }
    })
}

fn required(f: &Fields, name: &str) -> Result<String, ApiError> {
    f.text(name)?.ok_or_else(|| ApiError::missing(name))
}

fn entries<T>(f: &Fields, what: impl Fn(&Fields) -> Result<T, ApiError>) -> Result<Vec<Entry<T>>, ApiError> {
    let one = |entry: &Fields| Ok(Entry { id: required(entry, "Id")?, what: what(entry)? });
    f.list("Entries")?.iter().map(one).collect()
}

fn receive(queue: String, f: &Fields) -> Result<ReceiveMessage, ApiError> {
    let mut system_attributes = f.texts("AttributeNames")?;
    system_attributes.extend(f.texts("MessageSystemAttributeNames")?);
    Ok(ReceiveMessage {
        queue,
        max_messages: f.number("MaxNumberOfMessages")?,
        visibility_timeout_s: f.number("VisibilityTimeout")?,
        wait_time_s: f.number("WaitTimeSeconds")?,
        system_attributes,
        attributes: f.texts("MessageAttributeNames")?,
    })
}

fn visibility(f: &Fields) -> Result<ChangeVisibility, ApiError> {
    Ok(ChangeVisibility { handle: required(f, "ReceiptHandle")?, timeout_s: f.number("VisibilityTimeout")? })
}

fn message(f: &Fields) -> Result<NewMessage, ApiError> {
    let attributes = f.objects("MessageAttributes")?;
    Ok(NewMessage {
        body: f.text("MessageBody")?,
        delay_s: f.number("DelaySeconds")?,
        attributes: attributes
            .into_iter()
            .map(|(name, value)| Ok((attribute_name(name)?, attribute(&value)?)))
            .collect::<Result<_, ApiError>>()?,
    })
}

fn attribute_name(name: String) -> Result<String, ApiError> {
    let fine = (1..=256).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fine.then_some(name).ok_or_else(|| {
        let message = "Message (user) attribute name can have at most 256 of A-Z, a-z, 0-9, _, - and .";
        ApiError::new(Code::InvalidParameterValue, message)
    })
}

/// A value of one of the three types.
fn attribute(f: &Fields) -> Result<AttributeValue, ApiError> {
    let fault = |message: &str| ApiError::new(Code::InvalidParameterValue, message);
    let data_type = f.text("DataType")?.unwrap_or_default();
    let value = match data_type.split('.').next() {
        Some("String" | "Number") => f.text("StringValue")?.filter(|t| !t.is_empty()).map(Value::Text),
        Some("Binary") => {
            let text = f.text("BinaryValue")?.unwrap_or_default();
            let bytes = STANDARD.decode(text).map_err(|_| fault("The binary value is not base64."))?;
            Some(bytes).filter(|b| !b.is_empty()).map(Value::Binary)
        }
        Some(_) | None => {
            return Err(fault(
                "The type of message (user) attribute is invalid. You must use only the \
                              following supported type prefixes: Binary, Number, String.",
            ));
        }
    };
    let value = value.ok_or_else(|| fault("The message attribute must contain a non-empty value."))?;
    Ok(AttributeValue { data_type, value })
}

/// As SQS says what it cannot read.
impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> ApiError {
        ApiError::new(Code::Serialization, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(action: &str, body: &str) -> Call {
        call(action, Fields::parse(body.as_bytes()).map_err(ApiError::from))
    }

    #[test]
    fn a_receive_is_read_whole() {
        let body = r#"{"QueueUrl":"http://x/0/q","MaxNumberOfMessages":10,"WaitTimeSeconds":20,
            "VisibilityTimeout":7,"AttributeNames":["A"],"MessageSystemAttributeNames":["B"],
            "MessageAttributeNames":["C"]}"#;
        let Call::ReceiveMessage(r) = of("ReceiveMessage", body) else { panic!("not read") };
        assert_eq!((r.max_messages, r.wait_time_s, r.visibility_timeout_s), (Some(10), Some(20), Some(7)));
        assert_eq!((r.system_attributes.len(), r.attributes.len()), (2, 1));
    }

    #[test]
    fn a_message_is_read_with_its_attributes() {
        let body = r#"{"QueueUrl":"q","MessageBody":"b","DelaySeconds":3,"MessageAttributes":{
            "t":{"DataType":"String.x","StringValue":"v"},"b":{"DataType":"Binary","BinaryValue":"AAE="}}}"#;
        let Call::SendMessage { message, .. } = of("SendMessage", body) else { panic!("not read") };
        assert_eq!((message.body.as_deref(), message.delay_s), (Some("b"), Some(3)));
        assert_eq!(message.attributes["b"].value, Value::Binary(vec![0, 1]));
        assert_eq!(message.attributes["t"].data_type, "String.x");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let code = |action: &str, body: &str| {
            let Call::Unreadable { error, .. } = of(action, body) else { panic!("it was read") };
            error.code
        };
        assert_eq!(code("Fly", "{}"), Code::UnknownOperation);
        assert_eq!(code("DeleteQueue", "{}"), Code::MissingParameter);
        assert_eq!(code("DeleteQueue", "["), Code::Serialization);
        assert_eq!(code("DeleteQueue", r#"{"QueueUrl":7}"#), Code::Serialization);
        assert_eq!(code("SetQueueAttributes", r#"{"QueueUrl":"q"}"#), Code::MissingParameter);
        assert_eq!(
            code("DeleteMessageBatch", r#"{"QueueUrl":"q","Entries":[{"Id":"a"}]}"#),
            Code::MissingParameter
        );
        for value in [
            r#"{"DataType":"Planet","StringValue":"v"}"#,
            r#"{"DataType":"String"}"#,
            r#"{"DataType":"Binary","BinaryValue":"?"}"#,
            r#"{"StringValue":"v"}"#,
        ] {
            let body = format!(r#"{{"QueueUrl":"q","MessageBody":"b","MessageAttributes":{{"a":{value}}}}}"#);
            assert_eq!(code("SendMessage", &body), Code::InvalidParameterValue, "{value}");
        }
    }
}
