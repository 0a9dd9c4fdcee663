//! The messages that SNS sends, exactly as it writes and signs them (aws-facts 4.1).

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde_json::Value;

use crate::decide::words::named;

named! {
    /// The kinds of messages, as `Type` and the header `x-amz-sns-message-type` name them.
    pub enum MessageType {
        SubscriptionConfirmation = "SubscriptionConfirmation",
        Notification = "Notification",
        UnsubscribeConfirmation = "UnsubscribeConfirmation",
    }
}

named! {
    /// How messages are signed: a topic's attribute, 1 if it was not set.
    pub enum SignatureVersion {
        /// `SHA1withRSA`.
        V1 = "1",
        /// `SHA256withRSA`.
        V2 = "2",
    }
}

/// What signs messages: PKCS #1 v1.5, in base64.
pub trait Sign: Debug + Send + Sync {
    fn sign(&self, version: SignatureVersion, text: &str) -> String;
}

/// Signs nothing: for those who never look.
#[derive(Debug)]
pub struct NoKey;

impl Sign for NoKey {
    /// What AWS's guide prints in place of a signature.
    fn sign(&self, _version: SignatureVersion, _text: &str) -> String {
        "EXAMPLE".into()
    }
}

/// One message, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnsMessage {
    pub message_type: MessageType,
    pub message_id: String,
    pub topic_arn: String,
    pub subject: Option<String>,
    pub message: String,
    /// As SNS writes it, `2012-05-02T00:54:06.655Z`.
    pub timestamp: String,
    pub signature_version: SignatureVersion,
    pub signing_cert_url: String,
    /// Of the two confirmations.
    pub confirm: Option<Confirm>,
    /// Of a notification.
    pub unsubscribe_url: Option<String>,
    /// Type and value by name; not signed.
    pub attributes: BTreeMap<String, (String, String)>,
}

/// What a confirmation asks to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    pub token: String,
    pub subscribe_url: String,
}

impl SnsMessage {
    /// What is signed: certain keys in a certain order, each with its value on a line of its own.
    #[must_use]
    pub fn string_to_sign(&self) -> String {
        let confirm = |f: fn(&Confirm) -> &String| self.confirm.as_ref().map(|c| f(c).as_str());
        let pairs = [
            ("Message", Some(self.message.as_str())),
            ("MessageId", Some(&self.message_id)),
            ("Subject", self.subject.as_deref().filter(|_| self.confirm.is_none())),
            ("SubscribeURL", confirm(|c| &c.subscribe_url)),
            ("Timestamp", Some(&self.timestamp)),
            ("Token", confirm(|c| &c.token)),
            ("TopicArn", Some(&self.topic_arn)),
            ("Type", Some(self.message_type.as_str())),
        ];
        let given = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
        given.flat_map(|(key, value)| [key, "\n", value, "\n"]).collect()
    }

    /// The document with its signature, in SNS's own layout.
    #[must_use]
    pub fn document(&self, signer: &dyn Sign) -> String {
        let signature = signer.sign(self.signature_version, &self.string_to_sign());
        let confirm = |f: fn(&Confirm) -> &String| self.confirm.as_ref().map(|c| f(c).as_str());
        let pairs = [
            ("Type", Some(self.message_type.as_str())),
            ("MessageId", Some(&self.message_id)),
            ("Token", confirm(|c| &c.token)),
            ("TopicArn", Some(&self.topic_arn)),
            ("Subject", self.subject.as_deref()),
            ("Message", Some(&self.message)),
            ("SubscribeURL", confirm(|c| &c.subscribe_url)),
            ("Timestamp", Some(&self.timestamp)),
            ("SignatureVersion", Some(self.signature_version.as_str())),
            ("Signature", Some(&signature)),
            ("SigningCertURL", Some(&self.signing_cert_url)),
            ("UnsubscribeURL", self.unsubscribe_url.as_deref()),
        ];
        let mut lines: Vec<String> = pairs
            .into_iter()
            .filter_map(|(key, value)| Some(format!("  \"{key}\" : {}", Value::from(value?))))
            .collect();
        if !self.attributes.is_empty() {
            let each = |(name, (kind, value)): (&String, &(String, String))| {
                let (name, kind, value) =
                    (Value::from(name.as_str()), Value::from(kind.as_str()), Value::from(value.as_str()));
                format!("    {name} : {{\"Type\":{kind},\"Value\":{value}}}")
            };
            let all: Vec<String> = self.attributes.iter().map(each).collect();
            lines.push(format!("  \"MessageAttributes\" : {{\n{}\n  }}", all.join(",\n")));
        }
        format!("{{\n{}\n}}", lines.join(",\n"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn notification() -> SnsMessage {
        SnsMessage {
            message_type: MessageType::Notification,
            message_id: "22b80b92".into(),
            topic_arn: "arn:aws:sns:us-west-2:123456789012:MyTopic".into(),
            subject: Some("My First Message".into()),
            message: "Hello \"world\"!".into(),
            timestamp: "2012-05-02T00:54:06.655Z".into(),
            signature_version: SignatureVersion::V1,
            signing_cert_url: "https://sns.us-west-2.amazonaws.com/x.pem".into(),
            confirm: None,
            unsubscribe_url: Some("https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe".into()),
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn a_notification_is_signed_with_its_subject_only_if_there_is_one() {
        let with = notification();
        assert_eq!(
            with.string_to_sign(),
            "Message\nHello \"world\"!\nMessageId\n22b80b92\nSubject\nMy First Message\n\
             Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\narn:aws:sns:us-west-2:123456789012:MyTopic\n\
             Type\nNotification\n"
        );
        let without = SnsMessage { subject: None, ..with };
        assert!(!without.string_to_sign().contains("Subject"));
        assert!(!without.document(&NoKey).contains("Subject"));
    }

    #[test]
    fn confirmations_are_signed_with_their_url_and_token() {
        for message_type in [MessageType::SubscriptionConfirmation, MessageType::UnsubscribeConfirmation] {
            let confirm = Confirm { token: "T".into(), subscribe_url: "U".into() };
            let message = SnsMessage {
                message_type,
                subject: None,
                unsubscribe_url: None,
                confirm: Some(confirm),
                ..notification()
            };
            assert_eq!(
                message.string_to_sign(),
                format!(
                    "Message\nHello \"world\"!\nMessageId\n22b80b92\nSubscribeURL\nU\n\
                     Timestamp\n2012-05-02T00:54:06.655Z\nToken\nT\n\
                     TopicArn\narn:aws:sns:us-west-2:123456789012:MyTopic\nType\n{message_type}\n"
                )
            );
        }
    }

    #[test]
    fn a_document_is_laid_out_as_sns_does() {
        let mut message = notification();
        message.attributes.insert("a".into(), ("String".into(), "v".into()));
        assert_eq!(
            message.document(&NoKey),
            r#"{
  "Type" : "Notification",
  "MessageId" : "22b80b92",
  "TopicArn" : "arn:aws:sns:us-west-2:123456789012:MyTopic",
  "Subject" : "My First Message",
  "Message" : "Hello \"world\"!",
  "Timestamp" : "2012-05-02T00:54:06.655Z",
  "SignatureVersion" : "1",
  "Signature" : "EXAMPLE",
  "SigningCertURL" : "https://sns.us-west-2.amazonaws.com/x.pem",
  "UnsubscribeURL" : "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe",
  "MessageAttributes" : {
    "a" : {"Type":"String","Value":"v"}
  }
}"#
        );
    }
}
