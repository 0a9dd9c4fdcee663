//! A queue's attributes: which there are, their ranges, and how they are told (aws-facts 4.3).

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{ApiError, Code};

/// Longest message and batch, bytes.
pub(super) const SIZE_MAX: u32 = 1 << 20;
/// Longest visibility timeout, seconds: 12 hours.
pub(super) const VISIBILITY_MAX_S: u32 = 43_200;
/// Longest delay, seconds: 15 minutes.
pub(super) const DELAY_MAX_S: u32 = 900;
/// Longest poll, seconds.
pub(super) const WAIT_MAX_S: u32 = 20;

/// What can be set about a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) delay_s: u32,
    pub(super) maximum_message_size: u32,
    pub(super) retention_s: u32,
    pub(super) wait_time_s: u32,
    pub(super) visibility_timeout_s: u32,
    pub(super) redrive: Option<Redrive>,
    /// Those without an effect here, as they were set.
    other: BTreeMap<String, String>,
}

/// Where messages go that were received too often (`RedrivePolicy`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redrive {
    /// ARN of a queue.
    pub(super) dead_letter_target: String,
    /// 1 to 1,000.
    pub(super) max_receives: u32,
    /// As it was set.
    text: String,
}

/// What can be set and has no effect: nobody here lacks a permission, and nothing is encrypted.
const WITHOUT_EFFECT: [&str; 5] = [
    "Policy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "RedriveAllowPolicy",
];

impl Default for Attributes {
    fn default() -> Self {
        Attributes {
            delay_s: 0,
            maximum_message_size: SIZE_MAX,
            retention_s: 345_600,
            wait_time_s: 0,
            visibility_timeout_s: 30,
            redrive: None,
            other: BTreeMap::new(),
        }
    }
}

impl Attributes {
    /// These attributes with some set anew.
    ///
    /// # Errors
    /// The first that is unknown or out of its range.
    pub(super) fn with(&self, set: &BTreeMap<String, String>) -> Result<Attributes, ApiError> {
        let mut new = self.clone();
        for (name, value) in set {
            let number = |min, max| number(name, value, min, max);
            match name.as_str() {
                "DelaySeconds" => new.delay_s = number(0, DELAY_MAX_S)?,
                "MaximumMessageSize" => new.maximum_message_size = number(1_024, SIZE_MAX)?,
                "MessageRetentionPeriod" => new.retention_s = number(60, 1_209_600)?,
                "ReceiveMessageWaitTimeSeconds" => new.wait_time_s = number(0, WAIT_MAX_S)?,
                "VisibilityTimeout" => new.visibility_timeout_s = number(0, VISIBILITY_MAX_S)?,
                "RedrivePolicy" if value.is_empty() => new.redrive = None,
                "RedrivePolicy" => new.redrive = Some(redrive(value)?),
                name if WITHOUT_EFFECT.contains(&name) => {
                    new.other.insert(name.into(), value.clone());
                }
                name => {
                    let message = format!("Unknown Attribute {name}.");
                    return Err(ApiError::new(Code::InvalidAttributeName, message));
                }
            }
        }
        Ok(new)
    }

    /// All of them, as they are told.
    pub(super) fn told(&self) -> BTreeMap<String, String> {
        let numbers = [
            ("DelaySeconds", self.delay_s),
            ("MaximumMessageSize", self.maximum_message_size),
            ("MessageRetentionPeriod", self.retention_s),
            ("ReceiveMessageWaitTimeSeconds", self.wait_time_s),
            ("VisibilityTimeout", self.visibility_timeout_s),
        ];
        let mut told: BTreeMap<String, String> =
            numbers.into_iter().map(|(name, n)| (name.into(), n.to_string())).collect();
        told.extend(self.redrive.as_ref().map(|r| ("RedrivePolicy".into(), r.text.clone())));
        told.extend(self.other.clone());
        told
    }
}

fn invalid(name: &str) -> ApiError {
    ApiError::new(Code::InvalidAttributeValue, format!("Invalid value for the parameter {name}."))
}

fn number(name: &str, value: &str, min: u32, max: u32) -> Result<u32, ApiError> {
    value.parse().ok().filter(|n| (min..=max).contains(n)).ok_or_else(|| invalid(name))
}

/// Clients write `maxReceiveCount` as a number or as a string.
fn redrive(text: &str) -> Result<Redrive, ApiError> {
    let fault = || invalid("RedrivePolicy");
    let policy: Value = serde_json::from_str(text).map_err(|_| fault())?;
    let target = policy["deadLetterTargetArn"].as_str().ok_or_else(fault)?;
    let count = &policy["maxReceiveCount"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).ok_or_else(fault)?;
    let max_receives = u32::try_from(count).ok().filter(|n| (1..=1_000).contains(n)).ok_or_else(fault)?;
    Ok(Redrive { dead_letter_target: target.into(), max_receives, text: text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Result<Attributes, Code> {
        let set = BTreeMap::from([(name.to_string(), value.to_string())]);
        Attributes::default().with(&set).map_err(|e| e.code)
    }

    #[test]
    fn ranges_bind_at_both_ends() {
        for (name, min, max) in [
            ("DelaySeconds", 0, 900),
            ("MaximumMessageSize", 1_024, 1_048_576),
            ("MessageRetentionPeriod", 60, 1_209_600),
            ("ReceiveMessageWaitTimeSeconds", 0, 20),
            ("VisibilityTimeout", 0, 43_200),
        ] {
            for n in [min, max] {
                assert_eq!(set(name, &n.to_string()).unwrap().told()[name], n.to_string());
            }
            for n in [(min - 1).to_string(), (max + 1).to_string(), "x".into(), String::new()] {
                assert_eq!(set(name, &n), Err(Code::InvalidAttributeValue), "{name} {n}");
            }
        }
        assert_eq!(set("FifoQueue", "true"), Err(Code::InvalidAttributeName));
    }

    #[test]
    fn a_redrive_policy_is_read_kept_and_taken_away() {
        let text = r#"{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":"3"}"#;
        let with = set("RedrivePolicy", text).unwrap();
        assert_eq!(with.redrive.as_ref().map(|r| r.max_receives), Some(3));
        assert_eq!(with.told()["RedrivePolicy"], text);
        let none = BTreeMap::from([("RedrivePolicy".to_string(), String::new())]);
        assert_eq!(with.with(&none).unwrap().redrive, None);
        for text in ["x", "{}", r#"{"deadLetterTargetArn":"a","maxReceiveCount":0}"#] {
            assert_eq!(set("RedrivePolicy", text), Err(Code::InvalidAttributeValue), "{text}");
        }
    }
}
