//! SNS's envelope, read strictly (aws-facts 4.1).
//!
//! What is signed is one text with a line for each key and each value, so a line break in a value
//! could move the border between two of them without breaking the signature. `Message` comes first
//! and may have line breaks; no other value that is signed may have any, so that there is one way
//! only to take the signed text apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::object::{Object, WrongKind};
use crate::decide::words::{Time, named};

/// Longest body of a request, bytes. A lifecycle notification is at most about 26 KB of JSON (4,000
/// characters of metadata, each of 6 bytes), whose backslashes the envelope escapes again. SNS
/// itself carries 256 KiB; what is larger than this is no lifecycle notification.
pub const BODY: usize = 128 * 1024;

/// Longest value but for `Message`, characters. SNS's tokens have some 256, its subjects 100.
const VALUE_MAX: usize = 2_048;
/// Longest `MessageId`: they are UUIDs, of 36 characters.
const ID_MAX: usize = 64;
/// Bytes of a signature: RSA keys of 2,048 to 8,192 bits.
const SIGNATURE: std::ops::RangeInclusive<usize> = 256..=1_024;

named! {
    /// The kinds of messages, as `Type` and the header `x-amz-sns-message-type` name them.
    pub enum MessageType {
        SubscriptionConfirmation = "SubscriptionConfirmation",
        Notification = "Notification",
        UnsubscribeConfirmation = "UnsubscribeConfirmation",
    }
}

named! {
    /// How messages are signed: the topic's attribute `SignatureVersion`, 1 if it was not set.
    pub enum SignatureVersion {
        /// `SHA1withRSA`.
        V1 = "1",
        /// `SHA256withRSA`.
        V2 = "2",
    }
}

/// A message as it was sent. Nothing in it is true before its signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) kind: Kind,
    /// The same each time SNS sends it.
    pub(super) id: String,
    pub(super) topic: String,
    pub(super) subject: Option<String>,
    pub(super) message: String,
    /// As it is signed.
    pub(super) timestamp: String,
    /// The same as a time.
    pub(super) at: Time,
    pub(super) version: SignatureVersion,
    pub(super) signature: Vec<u8>,
    pub(super) certificate_url: String,
}

/// What kind of message, with what only that kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Notification,
    SubscriptionConfirmation(Confirm),
    UnsubscribeConfirmation(Confirm),
}

impl Kind {
    pub(super) fn message_type(&self) -> MessageType {
        match self {
            Kind::Notification => MessageType::Notification,
            Kind::SubscriptionConfirmation(_) => MessageType::SubscriptionConfirmation,
            Kind::UnsubscribeConfirmation(_) => MessageType::UnsubscribeConfirmation,
        }
    }

    pub(super) fn confirm(&self) -> Option<&Confirm> {
        match self {
            Kind::Notification => None,
            Kind::SubscriptionConfirmation(confirm) | Kind::UnsubscribeConfirmation(confirm) => Some(confirm),
        }
    }
}

/// What a confirmation asks to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Confirm {
    pub(super) token: String,
    pub(super) subscribe_url: String,
}

/// Why a body is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotMessage {
    #[error("the body is no JSON object: {0}")]
    NotJson(String),
    #[error("Type is '{0}'; must be SubscriptionConfirmation, Notification or UnsubscribeConfirmation")]
    UnknownType(String),
    #[error("{0}")]
    Malformed(String),
}

impl From<WrongKind> for NotMessage {
    fn from(wrong: WrongKind) -> NotMessage {
        NotMessage::Malformed(wrong.to_string())
    }
}

impl Envelope {
    pub(super) fn read(body: &[u8]) -> Result<Envelope, NotMessage> {
        let object = &mut Object::read(body).map_err(|e| NotMessage::NotJson(e.to_string()))?;
        let kind = line(object, "Type", VALUE_MAX)?;
        let kind = kind.parse().map_err(|_| NotMessage::UnknownType(kind.chars().take(64).collect()))?;
        let timestamp = line(object, "Timestamp", ID_MAX)?;
        let version = line(object, "SignatureVersion", ID_MAX)?;
        let signature = STANDARD.decode(line(object, "Signature", VALUE_MAX)?).ok();
        let kind = match kind {
            MessageType::Notification => Kind::Notification,
            MessageType::SubscriptionConfirmation => Kind::SubscriptionConfirmation(Confirm::read(object)?),
            MessageType::UnsubscribeConfirmation => Kind::UnsubscribeConfirmation(Confirm::read(object)?),
        };
        Ok(Envelope {
            kind,
            id: line(object, "MessageId", ID_MAX)?,
            topic: line(object, "TopicArn", VALUE_MAX)?,
            subject: optional_line(object, "Subject")?,
            message: object.text("Message")?.ok_or_else(|| malformed("Message is missing"))?,
            at: time(&timestamp)?,
            timestamp,
            version: version.parse().map_err(|e| malformed(format!("SignatureVersion {e}")))?,
            signature: signature
                .filter(|s| SIGNATURE.contains(&s.len()))
                .ok_or_else(|| malformed("Signature is not 256 to 1,024 bytes in base64"))?,
            certificate_url: line(object, "SigningCertURL", VALUE_MAX)?,
        })
    }
}

impl Confirm {
    fn read(object: &mut Object) -> Result<Confirm, NotMessage> {
        Ok(Confirm {
            token: line(object, "Token", VALUE_MAX)?,
            subscribe_url: line(object, "SubscribeURL", VALUE_MAX)?,
        })
    }
}

/// A value without line breaks, which must be there.
fn line(object: &mut Object, key: &'static str, most: usize) -> Result<String, NotMessage> {
    let text = object.text(key)?.ok_or_else(|| malformed(format!("{key} is missing")))?;
    check(key, text, most)
}

fn optional_line(object: &mut Object, key: &'static str) -> Result<Option<String>, NotMessage> {
    object.text(key)?.map(|text| check(key, text, VALUE_MAX)).transpose()
}

fn check(key: &str, text: String, most: usize) -> Result<String, NotMessage> {
    if text.chars().count() <= most && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        Err(malformed(format!("{key} is longer than {most} characters or has line breaks")))
    }
}

/// SNS writes UTC, `2012-05-02T00:54:06.655Z`.
fn time(text: &str) -> Result<Time, NotMessage> {
    let at = text.ends_with('Z').then(|| text.parse::<jiff::Timestamp>().ok()).flatten();
    let at = at.ok_or_else(|| malformed("Timestamp is not a time such as 2012-05-02T00:54:06.655Z"))?;
    Ok(Time(at.as_millisecond()))
}

fn malformed(what: impl Into<String>) -> NotMessage {
    NotMessage::Malformed(what.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn notification() -> Value {
        json!({
            "Type": "Notification",
            "MessageId": "9d2c5580-b61d-550c-8583-37a582870907",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:t",
            "Message": "several\nlines",
            "Timestamp": "2012-05-02T00:54:06.655Z",
            "SignatureVersion": "2",
            "Signature": STANDARD.encode([7; 256]),
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/x.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
            "MessageAttributes": { "a": { "Type": "String", "Value": "v" } },
        })
    }

    fn read(value: &Value) -> Result<Envelope, NotMessage> {
        Envelope::read(value.to_string().as_bytes())
    }

    fn with(key: &str, value: Value) -> Value {
        let mut message = notification();
        message[key] = value;
        message
    }

    #[test]
    fn a_message_is_read() {
        let message = read(&notification()).unwrap();
        assert_eq!(message.kind, Kind::Notification);
        assert_eq!(message.at, Time(1_335_920_046_655));
        assert_eq!((message.version, message.signature.len()), (SignatureVersion::V2, 256));
        assert_eq!(message.subject, None);
        assert_eq!(read(&with("Subject", json!("S"))).unwrap().subject.as_deref(), Some("S"));
        assert_eq!(read(&with("Subject", Value::Null)).unwrap().subject, None);
        assert_eq!(read(&with("SomethingNew", json!([1, { "a": 2 }]))).unwrap().message, "several\nlines");
    }

    #[test]
    fn a_confirmation_needs_its_token_and_url() {
        for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
            let mut message = with("Type", json!(kind));
            assert_eq!(read(&message).unwrap_err().to_string(), "Token is missing");
            message["Token"] = json!("T");
            assert_eq!(read(&message).unwrap_err().to_string(), "SubscribeURL is missing");
            message["SubscribeURL"] = json!("U");
            let read = read(&message).unwrap();
            assert_eq!(read.kind.message_type().as_str(), kind);
            let confirm = read.kind.confirm().unwrap();
            assert_eq!((confirm.token.as_str(), confirm.subscribe_url.as_str()), ("T", "U"));
        }
    }

    #[test]
    fn each_key_that_is_needed_is_named_when_it_is_missing_or_no_text() {
        for key in [
            "Type",
            "MessageId",
            "TopicArn",
            "Message",
            "Timestamp",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
        ] {
            let mut message = notification();
            message.as_object_mut().unwrap().remove(key);
            assert_eq!(read(&message).unwrap_err().to_string(), format!("{key} is missing"));
            let e = read(&with(key, json!(2))).unwrap_err().to_string();
            assert_eq!(e, format!("{key} is a number; must be text"));
        }
    }

    /// See the file's comment: this is what makes the signed text unambiguous.
    #[test]
    fn only_the_message_may_have_line_breaks() {
        for key in ["Type", "MessageId", "TopicArn", "Subject", "Timestamp", "SigningCertURL"] {
            let e = read(&with(key, json!("a\nb"))).unwrap_err().to_string();
            assert!(e.contains(key) && e.contains("line breaks"), "{e}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (key, value, expected) in [
            ("Type", "Other", "Type is 'Other'; must be SubscriptionConfirmation, Notification or"),
            ("Timestamp", "yesterday", "Timestamp is not a time"),
            ("Timestamp", "2012-05-02T00:54:06.655+01:00", "Timestamp is not a time"),
            ("SignatureVersion", "3", "SignatureVersion '3' is not one of 1, 2"),
            ("Signature", "EXAMPLE", "Signature is not 256 to 1,024 bytes"),
            ("Signature", "AAAA", "Signature is not 256 to 1,024 bytes"),
        ] {
            let e = read(&with(key, json!(value))).unwrap_err().to_string();
            assert!(e.starts_with(expected), "{e}");
        }
        let long = read(&with("MessageId", json!("x".repeat(65)))).unwrap_err().to_string();
        assert!(long.starts_with("MessageId is longer than 64"), "{long}");
    }

    #[test]
    fn a_message_that_two_could_read_differently_is_refused() {
        let text = notification().to_string();
        let twice = format!("{{\"TopicArn\":\"arn:aws:sns:us-east-1:123456789012:other\",{}", &text[1..]);
        assert!(matches!(Envelope::read(twice.as_bytes()), Err(NotMessage::NotJson(_))));
        assert!(Envelope::read(format!("{text}{text}").as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_body_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0..600usize) {
            let _ = Envelope::read(&bytes);
            let mut text = notification().to_string().into_bytes();
            let at = at.min(text.len());
            text.splice(at..at, bytes);
            let _ = Envelope::read(&text);
        }
    }
}
