//! What is signed, and whether it was.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};

use super::message::{Envelope, SignatureVersion};

/// Is the message signed by this key? It is a certificate's `SubjectPublicKeyInfo`, of which only RSA
/// keys of 2,048 to 8,192 bits ever sign anything here.
pub(super) fn is_by(message: &Envelope, key: &[u8]) -> bool {
    let algorithm: &'static RsaParameters = match message.version {
        SignatureVersion::V1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        SignatureVersion::V2 => &RSA_PKCS1_2048_8192_SHA256,
    };
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(signed_text(message).as_bytes(), &message.signature).is_ok()
}

/// Certain keys in a certain order, each with its value on a line of its own (aws-facts 4.1): for both
/// confirmations the same, as the guide has it. AWS's validator for JavaScript leaves the token of an
/// `UnsubscribeConfirmation` out, and so refuses those that AWS sends.
fn signed_text(message: &Envelope) -> String {
    let confirm = message.kind.confirm();
    let pairs = [
        ("Message", Some(message.message.as_str())),
        ("MessageId", Some(&message.id)),
        ("Subject", message.subject.as_deref().filter(|_| confirm.is_none())),
        ("SubscribeURL", confirm.map(|c| c.subscribe_url.as_str())),
        ("Timestamp", Some(&message.timestamp)),
        ("Token", confirm.map(|c| c.token.as_str())),
        ("TopicArn", Some(&message.topic)),
        ("Type", Some(message.kind.message_type().as_str())),
    ];
    let given = pairs.into_iter().filter_map(|(key, value)| Some((key, value?)));
    given.flat_map(|(key, value)| [key, "\n", value, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::sns::testing::{Sent, TOPIC, aws};
    use crate::sim::model::sns::message::{MessageType, SignatureVersion as Version};

    fn read(sent: &Sent) -> Envelope {
        Envelope::read(sent.body().as_bytes()).unwrap()
    }

    #[test]
    fn every_kind_and_version_that_sns_signs_is_recognised() {
        let key = aws().key();
        for kind in MessageType::ALL {
            for version in Version::ALL {
                for subject in [None, Some("S")] {
                    let sent = Sent { kind: *kind, version: *version, subject, ..Sent::default() };
                    assert!(is_by(&read(&sent), &key), "{kind} {version} {subject:?}");
                }
            }
        }
    }

    #[test]
    fn a_signature_of_the_other_version_is_none() {
        let key = aws().key();
        for (from, to) in [(Version::V1, SignatureVersion::V2), (Version::V2, SignatureVersion::V1)] {
            let mut message = read(&Sent { version: from, ..Sent::default() });
            message.version = to;
            assert!(!is_by(&message, &key));
        }
    }

    #[test]
    fn another_key_and_no_key_verify_nothing() {
        let message = read(&Sent::default());
        assert!(!is_by(&message, &crate::hooks::sns::testing::Aws::new().key()));
        for key in [&[][..], &[0x30, 0x00], b"-----BEGIN PUBLIC KEY-----"] {
            assert!(!is_by(&message, key));
        }
    }

    /// The signed texts of two different messages are never the same; see `message.rs`.
    #[test]
    fn a_message_with_keys_of_its_own_is_another_text() {
        let tricky = "M\nMessageId\nother\nTimestamp\n2026-01-01T00:00:00.000Z";
        let with = read(&Sent { message: tricky, ..Sent::default() });
        let mut without = with.clone();
        without.message = "M".into();
        assert_ne!(signed_text(&with), signed_text(&without));
        assert!(signed_text(&with).ends_with(&format!("TopicArn\n{TOPIC}\nType\nNotification\n")));
    }
}
