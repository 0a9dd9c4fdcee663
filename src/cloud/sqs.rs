//! SQS over AWS's SDK: receiving, deleting, and giving back later.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, ChangeMessageVisibilityBatchResultEntry,
    DeleteMessageBatchRequestEntry, DeleteMessageBatchResultEntry, Message as SdkMessage,
    MessageSystemAttributeName as Attribute,
};

use super::account::{Account, Calls};
use super::http::Answers;
use super::{Outcome, failure};
use crate::decide::event::CallError;
use crate::decide::words::Time;

/// Most messages of one receive, and entries of one batch (aws-facts 4.3).
pub const BATCH_MOST: usize = 10;
/// The longest that a receive waits for a message.
pub const WAIT_MOST: Duration = Duration::from_secs(20);
/// The longest that a received message can be kept from others.
pub const VISIBILITY_MOST: Duration = Duration::from_secs(12 * 3600);

/// One message, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same each time it is received.
    pub id: String,
    /// Another each time it is received: what it is deleted by.
    pub receipt: String,
    pub body: String,
    /// When it was sent.
    pub sent: Option<Time>,
    /// How many times it has been received, this one included; approximate.
    pub receives: Option<u32>,
}

/// The SQS calls muster makes. One call of a method is one request.
///
/// An outcome of a batch has one entry for each that was asked for, in that order: a batch may succeed
/// in part. An empty batch sends nothing.
pub trait Sqs: Send + Sync + 'static {
    /// `ReceiveMessage`: 1 to [`BATCH_MOST`] messages, waiting up to [`WAIT_MOST`] for the first one.
    /// They are kept from other receivers for `visibility`, up to [`VISIBILITY_MOST`]; both are in whole
    /// seconds. It holds a socket for as long as it waits, so there must be fewer receives at once than
    /// the descriptors of [`crate::net::fds::FdClass::Cloud`], or all other calls wait for them.
    fn receive<'a>(
        &'a self,
        queue_url: &'a str,
        most: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Outcome<'a, Vec<Message>>;

    /// `DeleteMessageBatch` of at most [`BATCH_MOST`] receipts. One that is not deleted comes again.
    fn delete<'a>(
        &'a self,
        queue_url: &'a str,
        receipts: &'a [String],
    ) -> Outcome<'a, Vec<Result<(), CallError>>>;

    /// `ChangeMessageVisibilityBatch` of at most [`BATCH_MOST`] receipts: received again after so long, at
    /// once for zero.
    fn change_visibility<'a>(
        &'a self,
        queue_url: &'a str,
        receipts: &'a [(String, Duration)],
    ) -> Outcome<'a, Vec<Result<(), CallError>>>;
}

/// SQS in one Region.
#[derive(Clone, Debug)]
pub struct AwsSqs {
    client: Client,
    calls: Calls,
}

impl AwsSqs {
    /// A client of this account.
    #[must_use]
    pub fn of(account: &Account) -> AwsSqs {
        AwsSqs { client: Client::new(&account.config(Answers::WholeJson)), calls: account.calls() }
    }
}

impl Sqs for AwsSqs {
    fn receive<'a>(
        &'a self,
        queue_url: &'a str,
        most: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Outcome<'a, Vec<Message>> {
        Box::pin(async move {
            let request = self
                .client
                .receive_message()
                .queue_url(queue_url)
                .max_number_of_messages(i32::try_from(most).unwrap_or(i32::MAX))
                .wait_time_seconds(seconds(wait))
                .visibility_timeout(seconds(visibility))
                .message_system_attribute_names(Attribute::SentTimestamp)
                .message_system_attribute_names(Attribute::ApproximateReceiveCount);
            let answer = self.calls.make_patiently(wait, request.send()).await?;
            answer.messages().iter().map(message).collect::<Result<_, _>>().map_err(failure::unreadable)
        })
    }

    fn delete<'a>(
        &'a self,
        queue_url: &'a str,
        receipts: &'a [String],
    ) -> Outcome<'a, Vec<Result<(), CallError>>> {
        Box::pin(async move {
            if receipts.is_empty() {
                return Ok(Vec::new());
            }
            let entry = |(n, receipt): (usize, &String)| {
                DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(receipt).build()
            };
            let entries = receipts.iter().enumerate().map(entry).collect::<Result<_, _>>();
            let entries = entries.map_err(|e| failure::not_sent(e.to_string()))?;
            let request = self.client.delete_message_batch().queue_url(queue_url).set_entries(Some(entries));
            let answer = self.calls.make(request.send()).await?;
            let done = answer.successful().iter().map(DeleteMessageBatchResultEntry::id);
            Ok(each(receipts.len(), done, answer.failed()))
        })
    }

    fn change_visibility<'a>(
        &'a self,
        queue_url: &'a str,
        receipts: &'a [(String, Duration)],
    ) -> Outcome<'a, Vec<Result<(), CallError>>> {
        Box::pin(async move {
            if receipts.is_empty() {
                return Ok(Vec::new());
            }
            let entry = |(n, (receipt, visibility)): (usize, &(String, Duration))| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(n.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(seconds(*visibility))
                    .build()
            };
            let entries = receipts.iter().enumerate().map(entry).collect::<Result<_, _>>();
            let entries = entries.map_err(|e| failure::not_sent(e.to_string()))?;
            let request =
                self.client.change_message_visibility_batch().queue_url(queue_url).set_entries(Some(entries));
            let answer = self.calls.make(request.send()).await?;
            let done = answer.successful().iter().map(ChangeMessageVisibilityBatchResultEntry::id);
            Ok(each(receipts.len(), done, answer.failed()))
        })
    }
}

fn seconds(d: Duration) -> i32 {
    i32::try_from(d.as_secs()).unwrap_or(i32::MAX)
}

/// Without a receipt it could never be deleted. One that spoils the answer comes again, as the others
/// do.
fn message(m: &SdkMessage) -> Result<Message, String> {
    let of = |what: Option<&str>, name: &str| {
        what.map(str::to_owned).ok_or_else(|| format!("a message in the answer has no {name}"))
    };
    let number = |name: &Attribute| m.attributes()?.get(name)?.parse::<i64>().ok();
    Ok(Message {
        id: of(m.message_id(), "id")?,
        receipt: of(m.receipt_handle(), "receipt handle")?,
        body: of(m.body(), "body")?,
        sent: number(&Attribute::SentTimestamp).map(Time),
        receives: number(&Attribute::ApproximateReceiveCount).and_then(|n| n.try_into().ok()),
    })
}

/// What became of each entry of a batch. The entries were named by their places.
fn each<'a>(
    entries: usize,
    successful: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Vec<Result<(), CallError>> {
    let silent = || Err(failure::unreadable("the answer says nothing of this entry".into()));
    let mut each: Vec<_> = (0..entries).map(|_| silent()).collect();
    let place = |id: &str| id.parse::<usize>().ok().filter(|n| *n < entries);
    for n in successful.filter_map(place) {
        each[n] = Ok(());
    }
    // Last, so that an entry of which both is said has failed.
    for entry in failed {
        let status = if entry.sender_fault() { 400 } else { 500 };
        if let Some(n) = place(entry.id()) {
            each[n] = Err(failure::in_words(entry.code(), status, entry.message().unwrap_or_default()));
        }
    }
    each
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::ec2::testing::settings;
    use super::*;
    use crate::decide::words::ErrorClass;
    use crate::net::fds::FdLimits;
    use crate::net::testing::{Peer, Reply, fds_with};
    use crate::time::Clock;

    const URL: &str = "https://sqs.us-east-1.amazonaws.com/1/hooks";

    async fn client(at: SocketAddr) -> AwsSqs {
        let fds = fds_with(FdLimits::default());
        let settings = settings(at, Duration::from_secs(20));
        AwsSqs::of(&Account::new(&settings, fds, Clock::real()).await.unwrap())
    }

    async fn answering(status: &'static str, text: &str) -> (Peer, AwsSqs) {
        let text = text.to_owned();
        let peer = Peer::answering(move |_| Reply::http(status, &text)).await;
        let sqs = client(peer.address).await;
        (peer, sqs)
    }

    async fn received(status: &'static str, text: &str) -> Result<Vec<Message>, CallError> {
        let (peer, sqs) = answering(status, text).await;
        let outcome = sqs.receive(URL, 10, Duration::from_secs(20), Duration::from_mins(2)).await;
        assert_eq!(peer.requests().len(), 1, "one call is one request");
        outcome
    }

    fn body(request: &str) -> serde_json::Value {
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    #[tokio::test]
    async fn a_receive_says_how_long_to_wait_and_to_hide() {
        let text = r#"{"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":"b",
            "Attributes":{"SentTimestamp":"1700000000123","ApproximateReceiveCount":"3"}}]}"#;
        let (peer, sqs) = answering("200 OK", text).await;
        let got = sqs.receive(URL, 10, Duration::from_secs(20), Duration::from_mins(2)).await.unwrap();
        let message = Message {
            id: "m".into(),
            receipt: "r".into(),
            body: "b".into(),
            sent: Some(Time(1_700_000_000_123)),
            receives: Some(3),
        };
        assert_eq!(got, [message]);
        let request = peer.requests().remove(0);
        assert!(request.contains("x-amz-target: AmazonSQS.ReceiveMessage"), "{request}");
        insta::assert_snapshot!(body(&request), @r#"{"MaxNumberOfMessages":10,"MessageSystemAttributeNames":["SentTimestamp","ApproximateReceiveCount"],"QueueUrl":"https://sqs.us-east-1.amazonaws.com/1/hooks","VisibilityTimeout":120,"WaitTimeSeconds":20}"#);
    }

    #[tokio::test]
    async fn no_messages_are_no_error_and_half_an_answer_is_none() {
        assert_eq!(received("200 OK", "{}").await, Ok(vec![]));
        for (status, text) in [
            ("200 OK", ""),
            ("200 OK", "{\"Messages\":[{\"MessageId\":\"m\""),
            ("200 OK", "<html></html>"),
            ("200 OK", r#"{"Messages":[{"MessageId":"m","Body":"b"}]}"#),
            ("502 X", "<html>bad gateway</html>"),
            ("500 X", "{}"),
        ] {
            let e = received(status, text).await.unwrap_err();
            assert_eq!(
                (e.class, e.code.as_str()),
                (ErrorClass::Unknown, "unreadable"),
                "{status} {text}: {e}"
            );
        }
        assert_eq!(received("429 X", "slow down").await.unwrap_err().class, ErrorClass::Throttle);
    }

    #[tokio::test]
    async fn an_error_has_its_class() {
        for (status, kind, class) in [
            ("400 X", "com.amazonaws.sqs#QueueDoesNotExist", ErrorClass::Configuration),
            ("403 X", "com.amazonaws.sqs#RequestThrottled", ErrorClass::Throttle),
            ("403 X", "com.amazonaws.sqs#OverLimit", ErrorClass::Quota),
            ("400 X", "com.amazonaws.sqs#KmsAccessDenied", ErrorClass::Configuration),
            ("500 X", "com.amazon.coral.service#InternalFailure", ErrorClass::Unknown),
        ] {
            let text = format!(r#"{{"__type":"{kind}","message":"no"}}"#);
            let e = received(status, &text).await.unwrap_err();
            assert_eq!((e.class, e.message.as_str()), (class, "no"), "{kind}");
        }
    }

    #[tokio::test]
    async fn each_entry_of_a_batch_has_an_outcome_of_its_own() {
        let text = r#"{"Successful":[{"Id":"0"},{"Id":"9"},{"Id":"3"}],"Failed":[
            {"Id":"1","SenderFault":true,"Code":"ReceiptHandleIsInvalid","Message":"no"},
            {"Id":"3","SenderFault":false,"Code":"InternalError"}]}"#;
        let (peer, sqs) = answering("200 OK", text).await;
        let receipts = ["a", "b", "c", "d"].map(str::to_owned);
        let each = sqs.delete(URL, &receipts).await.unwrap();
        let each: Vec<_> = each.iter().map(|e| e.as_ref().map_err(|e| (e.class, e.code.as_str()))).collect();
        let expected = [
            Ok(&()),
            Err((ErrorClass::Configuration, "ReceiptHandleIsInvalid")),
            // Nothing is said of it, so it is not taken for deleted.
            Err((ErrorClass::Unknown, "unreadable")),
            Err((ErrorClass::Unknown, "InternalError")),
        ];
        assert_eq!(each, expected);
        let sent = body(&peer.requests()[0]);
        assert_eq!(sent["Entries"][3], serde_json::json!({"Id": "3", "ReceiptHandle": "d"}));
    }

    #[tokio::test]
    async fn each_message_is_hidden_for_its_own_time() {
        let (peer, sqs) = answering("200 OK", r#"{"Successful":[{"Id":"0"},{"Id":"1"}],"Failed":[]}"#).await;
        let receipts = [("a".to_owned(), Duration::ZERO), ("b".to_owned(), VISIBILITY_MOST)];
        assert_eq!(sqs.change_visibility(URL, &receipts).await, Ok(vec![Ok(()), Ok(())]));
        let entries = &body(&peer.requests()[0])["Entries"];
        assert_eq!(entries[0]["VisibilityTimeout"], 0);
        assert_eq!(entries[1]["VisibilityTimeout"], 43_200);
        assert_eq!(sqs.delete(URL, &[]).await, Ok(vec![]));
        assert_eq!(sqs.change_visibility(URL, &[]).await, Ok(vec![]));
        assert_eq!(peer.requests().len(), 1, "an empty batch is not sent");
    }
}
