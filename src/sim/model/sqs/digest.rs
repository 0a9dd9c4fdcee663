//! The MD5 digests that clients check messages by.

use std::collections::BTreeMap;

use md5::{Digest, Md5};

use super::call::{AttributeValue, Value};

/// Of a body, in hexadecimal.
pub(super) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// Of a message's attributes, as the SQS guide says ("Calculating the MD5 message digest for message
/// attributes"): sorted by name, each as name, data type, a byte for the kind of value, and the value;
/// texts and values behind their length in four bytes. None without attributes.
pub(super) fn of_attributes(attributes: &BTreeMap<String, AttributeValue>) -> Option<String> {
    const TEXT: u8 = 1;
    const BINARY: u8 = 2;
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    let mut add = |kind: Option<u8>, bytes: &[u8]| {
        if let Some(kind) = kind {
            digest.update([kind]);
        }
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in attributes {
        add(None, name.as_bytes());
        add(None, attribute.data_type.as_bytes());
        match &attribute.value {
            Value::Text(text) => add(Some(TEXT), text.as_bytes()),
            Value::Binary(bytes) => add(Some(BINARY), bytes),
        }
    }
    Some(hex(&digest.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_digest_of_the_guides_example() {
        assert_eq!(of_body("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
        assert_eq!(of_body(""), "d41d8cd98f00b204e9800998ecf8427e");
    }

    /// The known answer was computed with Python's hashlib over the bytes that the guide prescribes.
    #[test]
    fn attributes_are_digested_in_the_order_of_their_names() {
        let text = |t: &str| AttributeValue { data_type: "String".into(), value: Value::Text(t.into()) };
        let binary = AttributeValue { data_type: "Binary".into(), value: Value::Binary(vec![0, 1, 255]) };
        let attributes = BTreeMap::from([("b".to_string(), binary), ("a".to_string(), text("x"))]);
        assert_eq!(of_attributes(&attributes).as_deref(), Some("6753e849fd832772dc3f1a9f02a5fb1c"));
        assert_eq!(of_attributes(&BTreeMap::new()), None);
    }
}
