//! Making, finding, changing and deleting queues.

use std::collections::BTreeMap;

use super::super::super::draw::mix;
use super::super::arn::{ACCOUNT, arn};
use super::attributes::Attributes;
use super::call::{Action, Answer, ListQueues};
use super::error::{ApiError, Code};
use super::queue::Queue;
use super::{Sqs, name_in};

/// A queue's name may not come back so soon after it was deleted, and a queue may not be purged so
/// soon after it was, milliseconds.
const PAUSE_MS: i64 = 60_000;
/// Most queues of one list.
const LIST_MAX: usize = 1_000;
/// What a queue tells beside what can be set.
const OBSERVED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

impl Sqs {
    pub(super) fn create_queue(
        &mut self,
        name: &str,
        set: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        check_name(name)?;
        let attributes = Attributes::default().with(set)?;
        if let Some(present) = self.queues.get(name) {
            // Only what is named is compared.
            return if present.attributes.with(set)? == present.attributes {
                Ok(self.url(Action::CreateQueue, name))
            } else {
                let message =
                    "A queue already exists with the same name and a different value for an attribute";
                Err(ApiError::new(Code::QueueNameExists, message))
            };
        }
        if self.deleted.get(name).is_some_and(|(at, _)| now_ms < at + PAUSE_MS) {
            let message = "You must wait 60 seconds after deleting a queue before you can create another with \
                           the same name.";
            return Err(ApiError::new(Code::QueueDeletedRecently, message));
        }
        let salt = mix(self.seed ^ mix(self.created));
        self.created += 1;
        let mut queue = Queue::new(arn("sqs", &self.settings.region, name), attributes, salt, now_ms);
        if let Some((_, counts)) = self.deleted.remove(name) {
            queue.counts = counts;
        }
        self.queues.insert(name.into(), queue);
        Ok(self.url(Action::CreateQueue, name))
    }

    pub(super) fn delete_queue(&mut self, url: &str, now_ms: i64) -> Result<Answer, ApiError> {
        let name = name_in(url);
        let mut queue = self.queues.remove(name).ok_or_else(ApiError::no_queue)?;
        queue.purge(now_ms);
        self.deleted.insert(name.into(), (now_ms, queue.counts));
        Ok(Answer::Done(Action::DeleteQueue))
    }

    pub(super) fn get_queue_url(&self, name: &str) -> Result<Answer, ApiError> {
        if !self.queues.contains_key(name) {
            return Err(ApiError::no_queue());
        }
        Ok(self.url(Action::GetQueueUrl, name))
    }

    pub(super) fn list_queues(&self, list: &ListQueues) -> Result<Answer, ApiError> {
        let limit = match list.max_results {
            None => LIST_MAX,
            Some(n) => usize::try_from(n).ok().filter(|n| (1..=LIST_MAX).contains(n)).ok_or_else(|| {
                ApiError::invalid(n, "MaxResults", "Must be an integer from 1 to 1000, if provided.")
            })?,
        };
        let prefix = list.prefix.as_deref().unwrap_or_default();
        // A page ends with the name that its token is.
        let after = list.next_token.as_deref().unwrap_or_default();
        let mut names = self.queues.keys().filter(|n| n.starts_with(prefix) && n.as_str() > after);
        let page: Vec<&String> = names.by_ref().take(limit).collect();
        let more = list.max_results.is_some() && names.next().is_some();
        Ok(Answer::Queues {
            next_token: page.last().filter(|_| more).map(|name| (*name).clone()),
            urls: page.into_iter().map(|name| self.url_of(name)).collect(),
        })
    }

    pub(super) fn get_queue_attributes(&mut self, url: &str, names: &[String]) -> Result<Answer, ApiError> {
        let queue = self.queue(url)?;
        let depth = queue.depth();
        let mut all = queue.attributes.told();
        let observed = [
            depth.visible.to_string(),
            depth.delayed.to_string(),
            depth.in_flight.to_string(),
            (queue.created_ms / 1_000).to_string(),
            (queue.modified_ms / 1_000).to_string(),
            queue.arn.clone(),
        ];
        all.extend(OBSERVED.iter().map(|name| (*name).to_string()).zip(observed));
        if names.iter().any(|name| name == "All") {
            return Ok(Answer::Attributes(all));
        }
        // One that is known and was never set is not told.
        let mut told = BTreeMap::new();
        for name in names {
            if let Some((name, value)) = all.remove_entry(name) {
                told.insert(name, value);
            } else if !told.contains_key(name) {
                let probe = BTreeMap::from([(name.clone(), String::new())]);
                let unknown = |e: &ApiError| e.code == Code::InvalidAttributeName;
                Attributes::default().with(&probe).err().filter(unknown).map_or(Ok(()), Err)?;
            }
        }
        Ok(Answer::Attributes(told))
    }

    pub(super) fn set_queue_attributes(
        &mut self,
        url: &str,
        set: &BTreeMap<String, String>,
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        let queue = self.queue(url)?;
        queue.attributes = queue.attributes.with(set)?;
        queue.modified_ms = now_ms;
        Ok(Answer::Done(Action::SetQueueAttributes))
    }

    pub(super) fn purge_queue(&mut self, url: &str, now_ms: i64) -> Result<Answer, ApiError> {
        let queue = self.queue(url)?;
        if queue.purged_ms.is_some_and(|at| now_ms < at + PAUSE_MS) {
            let message =
                format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", name_in(url));
            return Err(ApiError::new(Code::PurgeQueueInProgress, message));
        }
        queue.purge(now_ms);
        Ok(Answer::Done(Action::PurgeQueue))
    }

    fn url(&self, action: Action, name: &str) -> Answer {
        Answer::QueueUrl { action, url: self.url_of(name) }
    }

    fn url_of(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.endpoint)
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    // A suffix, and no file's extension.
    if name.strip_suffix(".fifo").is_some() {
        let message = "FIFO queues are not simulated.";
        return Err(ApiError::new(Code::UnsupportedOperation, message));
    }
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if name.is_empty() || name.len() > 80 || !name.bytes().all(word) {
        let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
        return Err(ApiError::invalid(name, "QueueName", reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_queue_is_made_once_and_found() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        assert_eq!(url, "https://sqs.us-east-1.amazonaws.com/000000000000/q");
        assert_eq!(create(&mut sqs, "q", &[]), url);
        assert_eq!(create(&mut sqs, "q", &[("VisibilityTimeout", "30")]), url);
        assert_eq!(try_create(&mut sqs, "q", &[("VisibilityTimeout", "31")], 0), Err(Code::QueueNameExists));
        sqs.listens_at("http://127.0.0.1:1/");
        assert!(matches!(sqs.get_queue_url("q"), Ok(Answer::QueueUrl { url, .. })
            if url == "http://127.0.0.1:1/000000000000/q"));
        assert_eq!(sqs.get_queue_url("z").unwrap_err().code, Code::QueueDoesNotExist);
    }

    #[test]
    fn names_and_kinds_are_checked() {
        let mut sqs = sqs();
        for name in ["", "a b", "a/b", &"x".repeat(81)] {
            assert_eq!(try_create(&mut sqs, name, &[], 0), Err(Code::InvalidParameterValue), "{name}");
        }
        assert_eq!(try_create(&mut sqs, "a.fifo", &[], 0), Err(Code::UnsupportedOperation));
    }

    #[test]
    fn a_deleted_name_rests_for_a_minute() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        sqs.delete_queue(&url, 1_000).unwrap();
        assert_eq!(sqs.delete_queue(&url, 1_000).unwrap_err().code, Code::QueueDoesNotExist);
        assert_eq!(try_create(&mut sqs, "q", &[], 60_999), Err(Code::QueueDeletedRecently));
        assert_eq!(try_create(&mut sqs, "q", &[], 61_000), Ok(()));
    }

    #[test]
    fn lists_are_by_prefix_and_in_pages() {
        let mut sqs = sqs();
        for name in ["a1", "a2", "a3", "b1"] {
            create(&mut sqs, name, &[]);
        }
        let page = |max_results, next_token: Option<&str>| {
            let list = ListQueues {
                prefix: Some("a".into()),
                max_results,
                next_token: next_token.map(str::to_string),
            };
            match sqs.list_queues(&list) {
                Ok(Answer::Queues { urls, next_token }) => (urls.len(), next_token),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(page(None, None), (3, None));
        assert_eq!(page(Some(2), None), (2, Some("a2".into())));
        assert_eq!(page(Some(2), Some("a2")), (1, None));
        assert!(sqs.list_queues(&ListQueues { max_results: Some(0), ..ListQueues::default() }).is_err());
    }

    #[test]
    fn attributes_are_set_and_told() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[("DelaySeconds", "5")]);
        send(&mut sqs, &url, "x", 0);
        let set = BTreeMap::from([("VisibilityTimeout".to_string(), "7".to_string())]);
        sqs.set_queue_attributes(&url, &set, 9_000).unwrap();
        let all = told(&mut sqs, &url, &["All"]).unwrap();
        for (name, value) in [
            ("DelaySeconds", "5"),
            ("VisibilityTimeout", "7"),
            ("ApproximateNumberOfMessages", "0"),
            ("ApproximateNumberOfMessagesDelayed", "1"),
            ("CreatedTimestamp", "0"),
            ("LastModifiedTimestamp", "9"),
            ("QueueArn", "arn:aws:sqs:us-east-1:000000000000:q"),
        ] {
            assert_eq!(all[name], value, "{name}");
        }
        assert_eq!(told(&mut sqs, &url, &["QueueArn", "Policy", "QueueArn"]).unwrap().len(), 1);
        assert!(told(&mut sqs, &url, &[]).unwrap().is_empty());
        assert_eq!(told(&mut sqs, &url, &["Nope"]), Err(Code::InvalidAttributeName));
    }

    #[test]
    fn a_purge_empties_once_a_minute() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        send(&mut sqs, &url, "x", 0);
        sqs.purge_queue(&url, 1_000).unwrap();
        assert_eq!(told(&mut sqs, &url, &["All"]).unwrap()["ApproximateNumberOfMessages"], "0");
        assert_eq!(sqs.purge_queue(&url, 60_999).unwrap_err().code, Code::PurgeQueueInProgress);
        sqs.purge_queue(&url, 61_000).unwrap();
        assert_eq!(sqs.counts()["q"].purged, 1);
    }
}
