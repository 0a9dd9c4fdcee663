//! `[hooks]`: the doors by which lifecycle actions of Auto Scaling groups are told of. All may be left
//! out: a group is looked at on its own beat in any case.

use std::collections::BTreeSet;
use std::time::Duration;

use super::env::Variables;
use super::secret;
use super::section::{Read, Section};

/// The doors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    pub sqs: SqsDoor,
    pub sns: SnsTopics,
    pub eventbridge: ApiKey,
}

/// Queues that are polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqsDoor {
    pub queues: Vec<String>,
    /// Receives that wait at once, for each queue.
    pub pollers: u32,
    /// How long a receive waits for a message.
    pub wait: Duration,
    /// A message that was received and not deleted comes again after this.
    pub visibility: Duration,
}

impl SqsDoor {
    /// Calls that wait at once.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        u32::try_from(self.queues.len()).unwrap_or(u32::MAX).saturating_mul(self.pollers)
    }
}

/// Topics whose messages are taken over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnsTopics {
    pub topics: Vec<String>,
    /// Messages signed by SHA-1 are taken too.
    pub signature_version_1: bool,
    /// PEM of the authorities to trust instead of the system's: for a simulated AWS.
    pub roots_file: Option<String>,
}

/// What an `EventBridge` API destination proves to be ours by.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Lower case.
    pub header: String,
    /// SHA-256 of the key; the door is closed without one.
    pub key_sha256: Option<[u8; 32]>,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.key_sha256.map(|_| "...");
        f.debug_struct("ApiKey").field("header", &self.header).field("key_sha256", &key).finish()
    }
}

/// The environment variable that holds the API key itself.
const KEY: &str = "MUSTER_HOOK_KEY";

/// The longest that SQS lets a receive wait (aws-facts 4.3).
const WAIT_MOST: Duration = Duration::from_secs(20);
/// The longest that SQS keeps a received message from others.
const VISIBILITY_MOST: Duration = Duration::from_secs(12 * 3_600);

pub(super) fn read(s: &mut Section<'_>, variables: &Variables) -> Read<Hooks> {
    let sqs = s.table("sqs", sqs);
    let sns = s.table("sns", sns);
    let eventbridge = s.table("eventbridge", |s| eventbridge(s, variables));
    Ok(Hooks { sqs: sqs?, sns: sns?, eventbridge: eventbridge? })
}

fn sqs(s: &mut Section<'_>) -> Read<SqsDoor> {
    let queues = s.list(
        "queues",
        0..=16,
        "a queue's URL such as \"https://sqs.us-east-1.amazonaws.com/123456789012/hooks\"",
        Vec::new(),
        |item| item.text().and_then(queue),
    );
    // Four take 40 messages a round trip: 1,200 in a second or two.
    let pollers = s.number("pollers", 1..=16, 4);
    let wait = s.duration("wait", Duration::ZERO..=WAIT_MOST, WAIT_MOST);
    // Twice a call's longest wait: time enough to commit and to delete, short enough for a hook of 120 s
    // whose receiver died.
    let visibility =
        s.duration("visibility", Duration::from_secs(5)..=VISIBILITY_MOST, Duration::from_mins(1));
    let queues = queues?;
    let mut seen = BTreeSet::new();
    for (i, queue) in queues.iter().enumerate() {
        if !seen.insert(queue) {
            s.refuse(&format!("queues[{i}]"), format!("{queue} is listed twice: name each queue once"));
        }
    }
    Ok(SqsDoor { queues, pollers: pollers?, wait: wait?, visibility: visibility? })
}

fn queue(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let parts: Vec<&str> = url.path_segments()?.collect();
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    // Lifecycle hooks cannot send to FIFO queues (aws-facts 3.6).
    let named =
        parts.last().is_some_and(|name| !name.is_empty() && !name.to_ascii_lowercase().ends_with(".fifo"));
    let fits =
        matches!(url.scheme(), "http" | "https") && url.has_host() && bare && parts.len() >= 2 && named;
    fits.then(|| text.to_string())
}

fn sns(s: &mut Section<'_>) -> Read<SnsTopics> {
    let topics = s.list(
        "topics",
        0..=64,
        "an SNS topic's ARN such as \"arn:aws:sns:us-east-1:123456789012:hooks\"",
        Vec::new(),
        |item| {
            let text = item.text()?;
            let parts: Vec<&str> = text.split(':').collect();
            let topic = matches!(parts[..], ["arn", partition, "sns", region, account, name]
                if [partition, region, account, name].iter().all(|p| !p.is_empty()));
            topic.then(|| text.to_string())
        },
    );
    let signature_version_1 = s.flag("signature_version_1", false);
    let roots_file =
        s.maybe_text("roots_file", "the path of a file", |t| (!t.is_empty()).then(|| t.to_string()));
    Ok(SnsTopics { topics: topics?, signature_version_1: signature_version_1?, roots_file: roots_file? })
}

fn eventbridge(s: &mut Section<'_>, variables: &Variables) -> Read<ApiKey> {
    let allowed = "a header's name, 1 to 64 of A-Z, a-z, 0-9 and -, other than Authorization";
    let header = s.text("header", allowed, "x-api-key".to_string(), |t| {
        let word = (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let lower = t.to_ascii_lowercase();
        (word && lower != "authorization").then_some(lower)
    });
    let key_sha256 = secret::read(s, variables, KEY, "key", "key_file");
    Ok(ApiKey { header: header?, key_sha256: key_sha256? })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::testing::{read, refused, with_env};

    #[test]
    fn every_door_may_be_left_closed() {
        let hooks = read("").unwrap().hooks;
        assert!(hooks.sqs.queues.is_empty() && hooks.sns.topics.is_empty());
        assert_eq!((hooks.sqs.pollers, hooks.sqs.wait), (4, Duration::from_secs(20)));
        assert_eq!((hooks.eventbridge.header.as_str(), hooks.eventbridge.key_sha256), ("x-api-key", None));
        assert!(!hooks.sns.signature_version_1);
    }

    #[test]
    fn doors_are_opened_one_by_one() {
        let text = r#"
[hooks.sqs]
queues = ["https://sqs.us-east-1.amazonaws.com/123456789012/hooks", "http://127.0.0.1:4566/000000000000/hooks"]
pollers = 2
[hooks.sns]
topics = ["arn:aws:sns:us-east-1:123456789012:hooks"]
signature_version_1 = true
[hooks.eventbridge]
header = "X-Muster-Key"
"#;
        let hooks = with_env(text, &[("MUSTER_HOOK_KEY", "0123456789abcdef")]).unwrap().hooks;
        assert_eq!((hooks.sqs.queues.len(), hooks.sqs.in_flight()), (2, 4));
        assert!(hooks.sns.signature_version_1 && hooks.eventbridge.key_sha256.is_some());
        assert_eq!(
            format!("{:?}", hooks.eventbridge),
            "ApiKey { header: \"x-muster-key\", key_sha256: Some(\"...\") }"
        );
    }

    #[test]
    fn what_is_no_queue_no_topic_and_no_header_is_told() {
        let text = r#"[hooks.sqs]
queues = ["hooks", "https://sqs.us-east-1.amazonaws.com/123456789012/hooks.fifo"]
pollers = 17
wait = "21s"
visibility = "1s"
[hooks.sns]
topics = ["arn:aws:sqs:us-east-1:123456789012:hooks"]
[hooks.eventbridge]
header = "Authorization"
key_file = "/nowhere/key""#;
        assert_eq!(
            refused(text),
            r#"muster.toml:2: hooks.sqs.queues[0]: "hooks" is not a queue's URL such as "https://sqs.us-east-1.amazonaws.com/123456789012/hooks"
muster.toml:2: hooks.sqs.queues[1]: "https://sqs.us-east-1.amazonaws.com/123456789012/hooks.fifo" is not a queue's URL such as "https://sqs.us-east-1.amazonaws.com/123456789012/hooks"
muster.toml:3: hooks.sqs.pollers: 17 is not a whole number from 1 to 16
muster.toml:4: hooks.sqs.wait: "21s" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 0s to 20s
muster.toml:5: hooks.sqs.visibility: "1s" is not a duration such as "90s", "5m", "1h30m" or "250ms" from 5s to 12h
muster.toml:7: hooks.sns.topics[0]: "arn:aws:sqs:us-east-1:123456789012:hooks" is not an SNS topic's ARN such as "arn:aws:sns:us-east-1:123456789012:hooks"
muster.toml:9: hooks.eventbridge.header: "Authorization" is not a header's name, 1 to 64 of A-Z, a-z, 0-9 and -, other than Authorization
muster.toml:10: hooks.eventbridge.key_file: the key in "/nowhere/key" cannot be read: No such file or directory (os error 2)"#
        );
    }

    #[test]
    fn a_queue_is_polled_once() {
        let queue = "http://127.0.0.1:4566/000000000000/hooks";
        assert_eq!(
            refused(&format!("[hooks.sqs]\nqueues = [\"{queue}\", \"{queue}\"]")),
            format!("muster.toml:2: hooks.sqs.queues[1]: {queue} is listed twice: name each queue once")
        );
    }
}
