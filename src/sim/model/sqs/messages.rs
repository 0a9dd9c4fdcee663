//! Sending, receiving and deleting messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::super::draw::{Draw, Purpose};
use super::super::arn::ACCOUNT;
use super::attributes::{DELAY_MAX_S, SIZE_MAX, VISIBILITY_MAX_S, WAIT_MAX_S};
use super::call::{
    Answer, AttributeValue, ChangeVisibility, Entry, Message, NewMessage, ReceiveMessage, Received, Sent,
    Value,
};
use super::error::{ApiError, Code};
use super::queue::{Found, Receipt, Stored};
use super::{Sqs, batch, digest, name_in_arn};

/// Most messages of one receive.
const RECEIVE_MAX: usize = 10;

impl Sqs {
    /// Takes in what another service sends to the queue with this ARN. False if there is none.
    pub(in super::super) fn put(&mut self, arn: &str, body: &str, now_ms: i64) -> bool {
        let Some(name) = name_in_arn(arn, &self.settings.region).map(str::to_string) else { return false };
        let Some(queue) = self.queues.get(&name) else { return false };
        let delay_s = queue.attributes.delay_s;
        self.accept(&name, body.into(), BTreeMap::new(), delay_s, now_ms).is_ok()
    }

    pub(super) fn send(&mut self, url: &str, new: &NewMessage, now_ms: i64) -> Result<Sent, ApiError> {
        let attributes = &self.queue(url)?.attributes;
        let (largest, delay_s) = (attributes.maximum_message_size as usize, attributes.delay_s);
        let delay_s = seconds(new.delay_s, "DelaySeconds", DELAY_MAX_S)?.unwrap_or(delay_s);
        let body = check_body(new)?;
        if size(new) > largest {
            let message = format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {largest} bytes."
            );
            return Err(ApiError::new(Code::InvalidParameterValue, message));
        }
        let name = super::name_in(url).to_string();
        self.accept(&name, body.into(), new.attributes.clone(), delay_s, now_ms)
    }

    pub(super) fn send_batch(
        &mut self,
        url: &str,
        entries: &[Entry<NewMessage>],
        now_ms: i64,
    ) -> Result<Answer, ApiError> {
        self.queue(url)?;
        let total: usize = entries.iter().map(|entry| size(&entry.what)).sum();
        if total > SIZE_MAX as usize {
            let message = format!(
                "Batch requests cannot be longer than {SIZE_MAX} bytes. You have sent {total} bytes."
            );
            return Err(ApiError::new(Code::BatchRequestTooLong, message));
        }
        batch::each(entries, |message| self.send(url, message, now_ms)).map(Answer::SentBatch)
    }

    fn accept(
        &mut self,
        name: &str,
        body: Arc<str>,
        attributes: BTreeMap<String, AttributeValue>,
        delay_s: u32,
        now_ms: i64,
    ) -> Result<Sent, ApiError> {
        let number = self.sent;
        let id = Draw::new(self.seed, Purpose::Message, number).uuid();
        let queue = self.queues.get_mut(name).ok_or_else(ApiError::no_queue)?;
        self.sent += 1;
        let md5_of_body = digest::of_body(&body);
        let md5_of_attributes = digest::of_attributes(&attributes);
        let message = (id.clone(), body, md5_of_body.clone());
        self.stirred |= queue.put(number, message, attributes, i64::from(delay_s) * 1_000, now_ms);
        Ok(Sent { id, md5_of_body, md5_of_attributes })
    }

    /// Receives, or says until when to wait.
    pub(super) fn receive(&mut self, call: &ReceiveMessage, now_ms: i64) -> Result<Answer, ApiError> {
        let settings = self.settings.clone();
        let queue = self.queue(&call.queue)?;
        let wait_s =
            seconds(call.wait_time_s, "WaitTimeSeconds", WAIT_MAX_S)?.unwrap_or(queue.attributes.wait_time_s);
        // Nothing is received beyond the limit: a short poll says so, a long one just finds nothing.
        if queue.in_flight() >= settings.sqs.in_flight_max && wait_s == 0 {
            let message = "Too many messages in flight.";
            return Err(ApiError::new(Code::OverLimit, message));
        }
        let messages = self.received(call, now_ms)?;
        let goes_on = messages.is_empty() && wait_s > 0;
        Ok(Answer::Received(Received {
            messages,
            waits_until_ms: goes_on.then_some(now_ms + i64::from(wait_s) * 1_000),
        }))
    }

    /// Those of the queue's messages that a receive gets now.
    ///
    /// # Errors
    /// If the call is not valid, or its queue was deleted meanwhile.
    pub(in super::super) fn received(
        &mut self,
        call: &ReceiveMessage,
        now_ms: i64,
    ) -> Result<Vec<Message>, ApiError> {
        let settings = self.settings.clone();
        let queue = self.queue(&call.queue)?;
        let most = call.max_messages.unwrap_or(1);
        let most = usize::try_from(most).ok().filter(|n| (1..=RECEIVE_MAX).contains(n)).ok_or_else(|| {
            ApiError::invalid(most, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
        })?;
        let visibility_s = seconds(call.visibility_timeout_s, "VisibilityTimeout", VISIBILITY_MAX_S)?
            .unwrap_or(queue.attributes.visibility_timeout_s);
        let (mut messages, mut dead) = (Vec::new(), Vec::new());
        while messages.len() < most && queue.in_flight() < settings.sqs.in_flight_max {
            match queue.receive(i64::from(visibility_s) * 1_000, &settings.sqs, now_ms) {
                Some(Receipt::Received(handle, stored)) => messages.push(told(call, handle, stored)),
                Some(Receipt::Dead(stored)) => dead.push(stored),
                None => break,
            }
        }
        let target = queue.attributes.redrive.as_ref().map(|r| r.dead_letter_target.clone());
        for message in dead {
            self.bury(target.as_deref().unwrap_or_default(), message, now_ms);
        }
        Ok(messages)
    }

    /// When the next hidden message of a queue may become visible, milliseconds.
    pub(in super::super) fn next_visible_ms(&self, url: &str) -> Option<i64> {
        self.queues.get(super::name_in(url))?.next_visible_ms()
    }

    /// Moves a message to a dead-letter queue; without such a queue it is lost.
    fn bury(&mut self, arn: &str, message: Stored, now_ms: i64) {
        if let Some(name) = name_in_arn(arn, &self.settings.region).map(str::to_string) {
            // Lost if there is no such queue, as its sender was told when it was set.
            drop(self.accept(&name, message.body, message.attributes, 0, now_ms));
        }
    }

    pub(super) fn delete(&mut self, url: &str, handle: &str) -> Result<(), ApiError> {
        match self.queue(url)?.delete(handle) {
            Found::Done | Found::Old => Ok(()),
            Found::NotInFlight | Found::TooLong | Found::Invalid => Err(invalid_handle(handle)),
        }
    }

    pub(super) fn change_visibility(
        &mut self,
        url: &str,
        change: &ChangeVisibility,
        now_ms: i64,
    ) -> Result<(), ApiError> {
        let queue = self.queue(url)?;
        let timeout_s = seconds(change.timeout_s, "VisibilityTimeout", VISIBILITY_MAX_S)?
            .ok_or_else(|| ApiError::missing("VisibilityTimeout"))?;
        match queue.change_visibility(&change.handle, i64::from(timeout_s) * 1_000, now_ms) {
            Found::Done => {
                self.settle(now_ms);
                Ok(())
            }
            Found::TooLong => Err(ApiError::invalid(
                timeout_s,
                "VisibilityTimeout",
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            )),
            Found::Old => Err(ApiError::invalid(
                &change.handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change.",
            )),
            Found::NotInFlight => {
                let message = "The message referred to is not in flight.";
                Err(ApiError::new(Code::MessageNotInflight, message))
            }
            Found::Invalid => Err(invalid_handle(&change.handle)),
        }
    }
}

/// A message as this receive is told of it.
fn told(call: &ReceiveMessage, handle: String, stored: Stored) -> Message {
    let asked = |name: &str| call.system_attributes.iter().any(|a| a == "All" || a == name);
    let system = [
        ("ApproximateFirstReceiveTimestamp", stored.first_received_ms.to_string()),
        ("ApproximateReceiveCount", stored.receives.to_string()),
        ("SenderId", ACCOUNT.to_string()),
        ("SentTimestamp", stored.sent_ms.to_string()),
    ];
    let wanted = |name: &String| {
        call.attributes.iter().any(|a| {
            let prefix = a.strip_suffix(".*");
            a == "All" || a == ".*" || a == name || prefix.is_some_and(|p| name.starts_with(p))
        })
    };
    let attributes: BTreeMap<_, _> = stored.attributes.into_iter().filter(|(name, _)| wanted(name)).collect();
    Message {
        id: stored.id,
        handle,
        body: stored.body,
        md5_of_body: stored.md5_of_body,
        system_attributes: system.into_iter().filter(|(name, _)| asked(name)).collect(),
        md5_of_attributes: digest::of_attributes(&attributes),
        attributes,
    }
}

fn invalid_handle(handle: &str) -> ApiError {
    let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
    ApiError::new(Code::ReceiptHandleIsInvalid, message)
}

/// Seconds from 0 to the most, if they are given.
fn seconds(given: Option<i64>, name: &str, most: u32) -> Result<Option<u32>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    u32::try_from(given)
        .ok()
        .filter(|n| *n <= most)
        .map(Some)
        .ok_or_else(|| ApiError::invalid(given, name, &format!("Must be >= 0 and <= {most}, if provided.")))
}

/// The body, if it is one that a message may have: not empty, and of XML's characters.
fn check_body(new: &NewMessage) -> Result<&str, ApiError> {
    let body =
        new.body.as_deref().filter(|b| !b.is_empty()).ok_or_else(|| ApiError::missing("MessageBody"))?;
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r') || c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}');
    if !body.chars().all(allowed) {
        let message = "Invalid binary character was found in the message body, the set of allowed characters \
                       is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(ApiError::new(Code::InvalidMessageContents, message));
    }
    Ok(body)
}

/// Bytes of a message: its body, and its attributes' names, types and values.
fn size(message: &NewMessage) -> usize {
    let of = |(name, attribute): (&String, &AttributeValue)| {
        let value = match &attribute.value {
            Value::Text(text) => text.len(),
            Value::Binary(bytes) => bytes.len(),
        };
        name.len() + attribute.data_type.len() + value
    };
    message.body.as_ref().map_or(0, String::len) + message.attributes.iter().map(of).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::SqsSettings;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn a_message_comes_back_until_it_is_deleted() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        send(&mut sqs, &url, "x", 0);
        let first = receive(&mut sqs, &url, 10, 1_000);
        assert_eq!((first.len(), &*first[0].body), (1, "x"));
        assert!(receive(&mut sqs, &url, 10, 30_999).is_empty());
        let second = receive(&mut sqs, &url, 10, 31_000);
        assert_eq!(second[0].system_attributes["ApproximateReceiveCount"], "2");
        assert_eq!(second[0].system_attributes["ApproximateFirstReceiveTimestamp"], "1000");
        assert_ne!(second[0].handle, first[0].handle);
        // The old handle deletes nothing, and nobody is told.
        assert_eq!(sqs.delete(&url, &first[0].handle), Ok(()));
        assert_eq!(receive(&mut sqs, &url, 10, 61_000).len(), 1);
        let third = receive(&mut sqs, &url, 10, 91_000);
        assert_eq!(sqs.delete(&url, &third[0].handle), Ok(()));
        assert_eq!(sqs.delete(&url, &third[0].handle), Ok(()));
        assert!(receive(&mut sqs, &url, 10, 500_000).is_empty());
        let counts = sqs.counts()["q"];
        assert_eq!((counts.sent, counts.received, counts.redelivered, counts.deleted), (1, 4, 3, 1));
        assert_eq!((counts.deletes_by_old_handle, counts.duplicates), (1, 0));
    }

    #[test]
    fn a_handle_of_another_queue_is_invalid() {
        let mut sqs = sqs();
        let (a, b) = (create(&mut sqs, "a", &[]), create(&mut sqs, "b", &[]));
        send(&mut sqs, &a, "x", 0);
        let handle = receive(&mut sqs, &a, 1, 0)[0].handle.clone();
        assert_eq!(sqs.delete(&b, &handle).unwrap_err().code, Code::ReceiptHandleIsInvalid);
        assert_eq!(sqs.delete(&a, "x").unwrap_err().code, Code::ReceiptHandleIsInvalid);
        assert_eq!(sqs.delete("nope", &handle).unwrap_err().code, Code::QueueDoesNotExist);
    }

    #[test]
    fn order_is_chance_unless_it_is_set() {
        let bodies = |in_order| {
            let mut sqs = sqs_with(SqsSettings { in_order, ..SqsSettings::default() });
            let url = create(&mut sqs, "q", &[]);
            (0..30).for_each(|i| send(&mut sqs, &url, &i.to_string(), 0));
            let all: Vec<String> =
                (0..3).flat_map(|_| receive(&mut sqs, &url, 10, 0)).map(|m| m.body.to_string()).collect();
            all
        };
        let sent: Vec<String> = (0..30).map(|i| i.to_string()).collect();
        assert_eq!(bodies(true), sent);
        let mut mixed = bodies(false);
        assert_ne!(mixed, sent);
        mixed.sort_by_key(|b| b.parse::<u32>().unwrap());
        assert_eq!(mixed, sent);
    }

    #[test]
    fn at_least_once_means_twice_for_some() {
        let mut sqs = sqs_with(SqsSettings { duplicates: 100.0, ..SqsSettings::default() });
        let url = create(&mut sqs, "q", &[]);
        send(&mut sqs, &url, "x", 0);
        let first = receive(&mut sqs, &url, 1, 0);
        let second = receive(&mut sqs, &url, 1, 1);
        assert_eq!((first[0].id == second[0].id, first[0].handle == second[0].handle), (true, false));
        assert!(receive(&mut sqs, &url, 1, 2).is_empty());
        assert_eq!(sqs.delete(&url, &second[0].handle), Ok(()));
        assert!(receive(&mut sqs, &url, 1, 100_000).is_empty());
        let counts = sqs.counts()["q"];
        assert_eq!((counts.received, counts.duplicates, counts.deleted), (2, 1, 1));
        assert_eq!(told_depth(&mut sqs, &url), ("0".into(), "0".into()));
    }

    #[test]
    fn a_copy_that_nobody_received_in_time_is_one_message_again() {
        let mut sqs = sqs_with(SqsSettings { duplicates: 100.0, ..SqsSettings::default() });
        let url = create(&mut sqs, "q", &[]);
        send(&mut sqs, &url, "x", 0);
        assert_eq!(receive(&mut sqs, &url, 1, 0).len(), 1);
        sqs.settle(30_000);
        assert_eq!(told_depth(&mut sqs, &url), ("1".into(), "0".into()));
        assert_eq!(receive(&mut sqs, &url, 1, 30_000).len(), 1);
        assert_eq!(told_depth(&mut sqs, &url), ("0".into(), "1".into()));
    }

    #[test]
    fn a_delay_hides_and_a_poll_says_until_when_it_waits() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[("ReceiveMessageWaitTimeSeconds", "20")]);
        let late = NewMessage { body: Some("x".into()), delay_s: Some(5), ..NewMessage::default() };
        sqs.send(&url, &late, 0).unwrap();
        let call = ReceiveMessage { queue: url.clone(), ..ReceiveMessage::default() };
        let Ok(Answer::Received(received)) = sqs.receive(&call, 1_000) else { panic!("not received") };
        assert_eq!((received.messages.len(), received.waits_until_ms), (0, Some(21_000)));
        assert_eq!(sqs.next_visible_ms(&url), Some(5_000));
        assert!(!sqs.take_stirred());
        sqs.settle(5_000);
        assert!(sqs.take_stirred());
        let short = ReceiveMessage { wait_time_s: Some(0), ..call };
        let Ok(Answer::Received(received)) = sqs.receive(&short, 5_000) else { panic!("not received") };
        assert_eq!((received.messages.len(), received.waits_until_ms), (1, None));
    }

    #[test]
    fn visibility_is_changed_up_to_twelve_hours() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        send(&mut sqs, &url, "x", 0);
        let handle = receive(&mut sqs, &url, 1, 0)[0].handle.clone();
        let mut change = |timeout_s, now_ms| {
            let change = ChangeVisibility { handle: handle.clone(), timeout_s };
            sqs.change_visibility(&url, &change, now_ms).map_err(|e| e.code)
        };
        assert_eq!(change(Some(43_201), 0), Err(Code::InvalidParameterValue));
        assert_eq!(change(Some(-1), 0), Err(Code::InvalidParameterValue));
        assert_eq!(change(None, 0), Err(Code::MissingParameter));
        assert_eq!(change(Some(43_200), 1_000), Err(Code::InvalidParameterValue));
        assert_eq!(change(Some(100), 20_000), Ok(()));
        assert_eq!(change(Some(0), 90_000), Ok(()));
        assert_eq!(change(Some(5), 90_000), Err(Code::MessageNotInflight));
        assert_eq!(receive(&mut sqs, &url, 1, 90_000).len(), 1);
    }

    #[test]
    fn too_many_in_flight_end_short_polls_only() {
        let mut sqs = sqs_with(SqsSettings { in_flight_max: 2, ..SqsSettings::default() });
        let url = create(&mut sqs, "q", &[]);
        (0..5).for_each(|i| send(&mut sqs, &url, &i.to_string(), 0));
        assert_eq!(receive(&mut sqs, &url, 10, 0).len(), 2);
        let short = ReceiveMessage { queue: url.clone(), ..ReceiveMessage::default() };
        assert_eq!(sqs.receive(&short, 0).unwrap_err().code, Code::OverLimit);
        let long = ReceiveMessage { wait_time_s: Some(20), ..short };
        assert!(matches!(sqs.receive(&long, 0), Ok(Answer::Received(r)) if r.messages.is_empty()));
    }

    #[test]
    fn what_is_received_too_often_goes_to_the_dead_letters() {
        let mut sqs = sqs();
        let dead = create(&mut sqs, "dead", &[]);
        let policy =
            r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;
        let url = create(&mut sqs, "q", &[("RedrivePolicy", policy), ("VisibilityTimeout", "1")]);
        send(&mut sqs, &url, "poison", 0);
        let got: Vec<usize> = (0..4).map(|i| receive(&mut sqs, &url, 10, i * 2_000).len()).collect();
        assert_eq!(got, [1, 1, 0, 0]);
        assert_eq!(&*receive(&mut sqs, &dead, 10, 9_000)[0].body, "poison");
        assert_eq!(sqs.counts()["q"].dead_lettered, 1);
    }

    #[test]
    fn old_messages_are_forgotten() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[("MessageRetentionPeriod", "60")]);
        send(&mut sqs, &url, "x", 0);
        assert_eq!(receive(&mut sqs, &url, 1, 59_999).len(), 1);
        assert!(receive(&mut sqs, &url, 1, 500_000).is_empty());
        assert_eq!(sqs.counts()["q"].expired, 1);
        assert_eq!(told_depth(&mut sqs, &url), ("0".into(), "0".into()));
    }

    #[test]
    fn bodies_and_counts_are_checked() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[("MaximumMessageSize", "1024")]);
        let mut code = |body: Option<&str>| {
            let new = NewMessage { body: body.map(str::to_string), ..NewMessage::default() };
            sqs.send(&url, &new, 0).map_err(|e| e.code).map(|_| ())
        };
        assert_eq!(code(None), Err(Code::MissingParameter));
        assert_eq!(code(Some("")), Err(Code::MissingParameter));
        assert_eq!(code(Some("\u{1}")), Err(Code::InvalidMessageContents));
        assert_eq!(code(Some(&"x".repeat(1_025))), Err(Code::InvalidParameterValue));
        assert_eq!(code(Some(&"x".repeat(1_024))), Ok(()));
        for max_messages in [0, 11, -1] {
            let call = ReceiveMessage {
                queue: url.clone(),
                max_messages: Some(max_messages),
                ..ReceiveMessage::default()
            };
            assert_eq!(sqs.receive(&call, 0).unwrap_err().code, Code::InvalidParameterValue);
        }
    }

    #[test]
    fn a_batch_is_limited_in_its_whole() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        let entry = |id: u32, size: usize| Entry {
            id: id.to_string(),
            what: NewMessage { body: Some("x".repeat(size)), ..NewMessage::default() },
        };
        let over = [entry(1, 600_000), entry(2, 600_000)];
        assert_eq!(sqs.send_batch(&url, &over, 0).unwrap_err().code, Code::BatchRequestTooLong);
        let mixed = [entry(1, 0), entry(2, 1)];
        let Ok(Answer::SentBatch(batch)) = sqs.send_batch(&url, &mixed, 0) else { panic!("refused") };
        assert_eq!((batch.successful.len(), batch.failed[0].1.code), (1, Code::MissingParameter));
    }

    #[test]
    fn attributes_are_told_to_those_who_ask() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        let text = |t: &str| AttributeValue { data_type: "String".into(), value: Value::Text(t.into()) };
        let attributes = BTreeMap::from([("a.b".to_string(), text("1")), ("c".to_string(), text("2"))]);
        let new = NewMessage { body: Some("x".into()), attributes, ..NewMessage::default() };
        let sent = sqs.send(&url, &new, 0).unwrap();
        let mut get = |names: &[&str], now_ms| {
            let call = ReceiveMessage {
                queue: url.clone(),
                visibility_timeout_s: Some(0),
                attributes: names.iter().map(|n| (*n).to_string()).collect(),
                ..ReceiveMessage::default()
            };
            sqs.settle(now_ms);
            sqs.received(&call, now_ms).unwrap().remove(0)
        };
        assert_eq!(get(&["All"], 1).md5_of_attributes, sent.md5_of_attributes);
        assert_eq!(get(&["a.*"], 2).attributes.keys().collect::<Vec<_>>(), ["a.b"]);
        let without = get(&[], 3);
        assert!(without.attributes.is_empty() && without.system_attributes.is_empty());
        assert_eq!(without.md5_of_attributes, None);
    }

    #[test]
    fn others_put_by_arn() {
        let mut sqs = sqs();
        let url = create(&mut sqs, "q", &[]);
        assert!(sqs.put("arn:aws:sqs:us-east-1:000000000000:q", "x", 0));
        assert!(!sqs.put("arn:aws:sqs:us-east-1:000000000000:z", "x", 0));
        assert!(!sqs.put("arn:aws:sns:us-east-1:000000000000:q", "x", 0));
        assert_eq!(receive(&mut sqs, &url, 10, 0).len(), 1);
    }
}
