//! SQS's query protocol, which boto3 spoke until 1.34: the same requests as flat parameters. They are
//! read into the fields of AWS JSON, so that there is one reader of both.

use serde_json::{Map, Value, json};

use super::super::super::model::sqs::call::Call;
use super::super::super::model::sqs::error::{ApiError, Code};
use super::super::form::{Form, FormError, Node};
use super::super::json::Fields;
use super::request;

/// The version of the query protocol.
pub(in super::super) const VERSION: &str = "2012-11-05";

/// Parameters that are texts, and those that are numbers.
const TEXTS: [&str; 8] = [
    "QueueUrl",
    "QueueName",
    "QueueNamePrefix",
    "NextToken",
    "MessageBody",
    "ReceiptHandle",
    "Id",
    "DataType",
];
const NUMBERS: [&str; 5] =
    ["VisibilityTimeout", "DelaySeconds", "MaxNumberOfMessages", "WaitTimeSeconds", "MaxResults"];
/// Lists of texts, and their names in AWS JSON.
const LISTS: [(&str, &str); 3] = [
    ("AttributeName", "AttributeNames"),
    ("MessageSystemAttributeName", "MessageSystemAttributeNames"),
    ("MessageAttributeName", "MessageAttributeNames"),
];
/// Lists of a batch's entries: all of them are `Entries` in AWS JSON.
const BATCHES: [&str; 3] = [
    "SendMessageBatchRequestEntry",
    "DeleteMessageBatchRequestEntry",
    "ChangeMessageVisibilityBatchRequestEntry",
];

/// Reads one request to this path. What cannot be read becomes a call that answers why.
pub(in super::super) fn call(form: &Form, path: &str) -> Call {
    let action = form.root().text("Action").unwrap_or_default();
    if action.is_empty() {
        let message = "The request is missing an action or a required parameter.";
        return Call::Unreadable { action: None, error: ApiError::new(Code::MissingAction, message) };
    }
    request::call(action, fields(form, path))
}

/// A form's parameters as AWS JSON would have them. A queue that only the path names counts as well.
fn fields(form: &Form, path: &str) -> Result<Fields, ApiError> {
    let mut object = read(form.root())?;
    if path.len() > 1 && !object.contains_key("QueueUrl") {
        object.insert("QueueUrl".into(), path.into());
    }
    Ok(Fields::of(object))
}

fn read(node: &Node) -> Result<Map<String, Value>, ApiError> {
    let mut object = Map::new();
    for name in TEXTS {
        object.extend(node.text(name).map(|text| (name.to_string(), text.into())));
    }
    for name in NUMBERS {
        object.extend(node.number::<i64>(name)?.map(|n| (name.to_string(), n.into())));
    }
    for (name, json_name) in LISTS {
        if node.has(name) {
            object.insert(json_name.into(), node.texts(name).into());
        }
    }
    if node.has("Attribute") {
        let pairs = node.list("Attribute").into_iter().filter_map(|pair| {
            Some((pair.text("Name")?.to_string(), pair.text("Value").unwrap_or_default().into()))
        });
        object.insert("Attributes".into(), Value::Object(pairs.collect()));
    }
    if node.has("MessageAttribute") {
        object.insert("MessageAttributes".into(), Value::Object(message_attributes(node)));
    }
    if let Some(name) = BATCHES.into_iter().find(|name| node.has(name)) {
        let entries = node.list(name).into_iter().map(|entry| read(entry).map(Value::Object));
        object.insert("Entries".into(), Value::Array(entries.collect::<Result<_, ApiError>>()?));
    }
    Ok(object)
}

fn message_attributes(node: &Node) -> Map<String, Value> {
    let each = |attribute: &Node| {
        let value = attribute.under("Value");
        let fields = json!({
            "DataType": value.text("DataType"),
            "StringValue": value.text("StringValue"),
            "BinaryValue": value.text("BinaryValue"),
        });
        Some((attribute.text("Name")?.to_string(), fields))
    };
    node.list("MessageAttribute").into_iter().filter_map(each).collect()
}

/// As SQS says what it cannot read.
impl From<FormError> for ApiError {
    fn from(error: FormError) -> ApiError {
        match error {
            FormError::Malformed(message) => ApiError::new(Code::Serialization, message),
            FormError::Value { .. } => ApiError::new(Code::InvalidParameterValue, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, path: &str) -> Call {
        let form = Form::parse(text.as_bytes()).unwrap();
        call(&form, path)
    }

    #[test]
    fn flat_parameters_are_the_same_calls() {
        let text = "Action=CreateQueue&Version=2012-11-05&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5";
        let Call::CreateQueue { name, attributes } = of(text, "/") else { panic!("not read") };
        assert_eq!((name.as_str(), attributes["DelaySeconds"].as_str()), ("q", "5"));
        let text = "Action=ReceiveMessage&MaxNumberOfMessages=3&AttributeName.1=All&MessageAttributeName.1=x";
        let Call::ReceiveMessage(r) = of(text, "/000000000000/q") else { panic!("not read") };
        assert_eq!((r.queue.as_str(), r.max_messages), ("/000000000000/q", Some(3)));
        assert_eq!((r.system_attributes, r.attributes), (vec!["All".to_string()], vec!["x".to_string()]));
    }

    #[test]
    fn batches_and_attributes_are_read() {
        let text = "Action=SendMessageBatch&QueueUrl=q&SendMessageBatchRequestEntry.1.Id=a\
                    &SendMessageBatchRequestEntry.1.MessageBody=b&SendMessageBatchRequestEntry.1.DelaySeconds=2\
                    &SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n\
                    &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String\
                    &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v";
        let Call::SendMessageBatch { entries, .. } = of(text, "/") else { panic!("not read") };
        assert_eq!((entries[0].id.as_str(), entries[0].what.delay_s), ("a", Some(2)));
        assert!(entries[0].what.attributes.contains_key("n"));
        let text = "Action=ChangeMessageVisibilityBatch&QueueUrl=q&ChangeMessageVisibilityBatchRequestEntry.1.Id=a\
                    &ChangeMessageVisibilityBatchRequestEntry.1.ReceiptHandle=h\
                    &ChangeMessageVisibilityBatchRequestEntry.1.VisibilityTimeout=9";
        let Call::ChangeMessageVisibilityBatch { entries, .. } = of(text, "/") else { panic!("not read") };
        assert_eq!(entries[0].what.timeout_s, Some(9));
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let Call::Unreadable { error, .. } = of("Action=ReceiveMessage&QueueUrl=q&WaitTimeSeconds=x", "/")
        else {
            panic!("it was read")
        };
        assert_eq!(error.code, Code::InvalidParameterValue);
        assert!(matches!(of("", "/"), Call::Unreadable { action: None, .. }));
    }
}
