//! One subscription, and how deliveries to its endpoint are made.

use serde_json::{Value, json};

use super::super::outbox::Policy;
use super::error::ApiError;

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) arn: String,
    pub(super) protocol: Protocol,
    /// A queue's ARN, or a URL.
    pub(super) endpoint: String,
    /// Until it is confirmed; and afterwards, so that the same token is answered again.
    pub(super) token: Option<Token>,
    pub(super) confirmed: bool,
    /// The message alone is delivered, without SNS's own document.
    pub(super) raw: bool,
    /// Its own, if it has one.
    pub(super) delivery_policy: Option<DeliveryPolicy>,
    /// ARN of the queue that gets what could not be delivered.
    pub(super) dead_letter: Option<String>,
}

/// What confirms a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) sent_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Sqs,
    Http,
    Https,
}

impl Protocol {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Protocol::Sqs => "sqs",
            Protocol::Http => "http",
            Protocol::Https => "https",
        }
    }

    pub(super) fn read(text: &str) -> Result<Protocol, ApiError> {
        [Protocol::Sqs, Protocol::Http, Protocol::Https]
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or_else(|| ApiError::invalid(&format!("Protocol Reason: {text} is not simulated")))
    }

    /// Is this an endpoint of this protocol?
    pub(super) fn fits(self, endpoint: &str) -> bool {
        match self {
            Protocol::Sqs => endpoint.starts_with("arn:aws:sqs:"),
            Protocol::Http => endpoint.starts_with("http://"),
            Protocol::Https => endpoint.starts_with("https://"),
        }
    }
}

/// How deliveries over HTTP are tried again, and their media type (aws-facts 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeliveryPolicy {
    retries: u32,
    min_delay_s: u32,
    max_delay_s: u32,
    pub(super) content_type: String,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        DeliveryPolicy {
            retries: 3,
            min_delay_s: 20,
            max_delay_s: 20,
            content_type: "text/plain; charset=UTF-8".into(),
        }
    }
}

impl DeliveryPolicy {
    /// Reads a topic's policy (`{"http": {"defaultHealthyRetryPolicy": ..}}`) or a subscription's
    /// (`{"healthyRetryPolicy": ..}`). Phases and throttling are taken and have no effect.
    ///
    /// # Errors
    /// What is out of its range.
    pub(super) fn read(text: &str, inside: &str) -> Result<DeliveryPolicy, ApiError> {
        let fault = |what: &str| ApiError::invalid(&format!("DeliveryPolicy: {what}"));
        let policy: Value = serde_json::from_str(text).map_err(|_| fault("failed to parse JSON"))?;
        let (scope, retry, request) = if inside.is_empty() {
            (&policy, "healthyRetryPolicy", "requestPolicy")
        } else {
            (&policy[inside], "defaultHealthyRetryPolicy", "defaultRequestPolicy")
        };
        let default = DeliveryPolicy::default();
        let number = |name: &str, default: u32, min: u32, max: u32| {
            let given = &scope[retry][name];
            let fits = |n: u64| u32::try_from(n).ok().filter(|n| (min..=max).contains(n));
            let number = if given.is_null() { Some(default) } else { given.as_u64().and_then(fits) };
            number.ok_or_else(|| fault(&format!("{name} is out of range")))
        };
        let max_delay_s = number("maxDelayTarget", default.max_delay_s, 1, 3_600)?;
        let min_delay_s = number("minDelayTarget", default.min_delay_s.min(max_delay_s), 1, max_delay_s)?;
        let retries = number("numRetries", default.retries, 0, 100)?;
        let content_type = match scope[request]["headerContentType"].as_str() {
            None => default.content_type,
            Some(kind @ ("text/plain" | "application/json" | "application/xml")) => {
                format!("{kind}; charset=UTF-8")
            }
            Some(_) => return Err(fault("headerContentType is not supported")),
        };
        Ok(DeliveryPolicy { retries, min_delay_s, max_delay_s, content_type })
    }

    pub(super) fn policy(&self) -> Policy {
        Policy::Sns {
            retries: self.retries,
            min_delay_ms: i64::from(self.min_delay_s) * 1_000,
            max_delay_ms: i64::from(self.max_delay_s) * 1_000,
        }
    }

    pub(super) fn told(&self) -> String {
        json!({
            "http": {
                "defaultHealthyRetryPolicy": {
                    "minDelayTarget": self.min_delay_s,
                    "maxDelayTarget": self.max_delay_s,
                    "numRetries": self.retries,
                },
                "defaultRequestPolicy": { "headerContentType": self.content_type },
            }
        })
        .to_string()
    }
}

impl Subscription {
    pub(super) fn is_pending(&self) -> bool {
        !self.confirmed
    }

    /// Sets one attribute.
    ///
    /// # Errors
    /// Unknown ones, wrong values, and filter policies, which are not simulated.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "RawMessageDelivery" => {
                self.raw = value.to_ascii_lowercase().parse().map_err(|_| ApiError::invalid(name))?;
            }
            "DeliveryPolicy" if value.is_empty() => self.delivery_policy = None,
            "DeliveryPolicy" => self.delivery_policy = Some(DeliveryPolicy::read(value, "")?),
            "RedrivePolicy" if value.is_empty() => self.dead_letter = None,
            "RedrivePolicy" => {
                let policy: Value = serde_json::from_str(value).map_err(|_| ApiError::invalid(name))?;
                let target = policy["deadLetterTargetArn"].as_str().ok_or_else(|| ApiError::invalid(name))?;
                self.dead_letter = Some(target.into());
            }
            "FilterPolicy" | "FilterPolicyScope" => {
                return Err(ApiError::invalid("Attributes Reason: filter policies are not simulated"));
            }
            _ => return Err(ApiError::invalid("AttributeName")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_in_both_places() {
        let text = r#"{"healthyRetryPolicy":{"numRetries":5,"minDelayTarget":1,"maxDelayTarget":9},
            "requestPolicy":{"headerContentType":"application/json"}}"#;
        let policy = DeliveryPolicy::read(text, "").unwrap();
        let expected = Policy::Sns { retries: 5, min_delay_ms: 1_000, max_delay_ms: 9_000 };
        assert_eq!(
            (policy.policy(), policy.content_type.as_str()),
            (expected, "application/json; charset=UTF-8")
        );
        assert_eq!(
            DeliveryPolicy::read(&policy.told().replace("; charset=UTF-8", ""), "http").unwrap(),
            policy
        );
        let short = DeliveryPolicy::read(r#"{"healthyRetryPolicy":{"maxDelayTarget":5}}"#, "").unwrap();
        assert_eq!(short.policy(), Policy::Sns { retries: 3, min_delay_ms: 5_000, max_delay_ms: 5_000 });
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for text in [
            "x",
            r#"{"healthyRetryPolicy":{"numRetries":101}}"#,
            r#"{"healthyRetryPolicy":{"numRetries":-1}}"#,
            r#"{"healthyRetryPolicy":{"minDelayTarget":30,"maxDelayTarget":20}}"#,
            r#"{"healthyRetryPolicy":{"maxDelayTarget":3601}}"#,
            r#"{"requestPolicy":{"headerContentType":"image/png"}}"#,
        ] {
            assert!(DeliveryPolicy::read(text, "").is_err(), "{text}");
        }
    }
}
