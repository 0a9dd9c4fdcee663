//! Messages between the services: long polls that go on, and what one service tells another.

use std::sync::Arc;

use super::super::ledger::Messages;
use super::Model;
use super::call::{Answer, Call, Outcome, Reply};
use super::notice::Notice;
use super::outbox::{Delivery, Outcome as DeliveryOutcome, Post};
use super::sns::Sns;
use super::sns::message::Sign;
use super::sqs::call::{Answer as SqsAnswer, Call as SqsCall, Received};

/// How a long poll goes on.
#[derive(Clone, Debug)]
pub enum Resumed {
    /// This is its answer.
    Answer(Answer),
    /// Nothing yet. To be asked again at this time (milliseconds) or when something stirred.
    Waits { until_ms: i64 },
}

impl Reply {
    /// Until when this reply waits for messages, in milliseconds: the empty answer of a long poll that
    /// is not to leave before ([`Model::resume`]).
    #[must_use]
    pub fn waits_until_ms(&self) -> Option<i64> {
        match &self.outcome {
            Outcome::Answer(Answer::Sqs(SqsAnswer::Received(received))) => received.waits_until_ms,
            Outcome::Answer(_) | Outcome::Error(_) | Outcome::Lost => None,
        }
    }
}

impl Model {
    /// Goes on with a long poll that found nothing so far and waits until the given time. It is the
    /// same call still: it is neither counted nor drawn for again.
    pub fn resume(&mut self, call: &Call, until_ms: i64, now_ms: i64) -> Resumed {
        let now_ms = self.settle(now_ms);
        let Call::Sqs(SqsCall::ReceiveMessage(receive)) = call else {
            return Resumed::Waits { until_ms };
        };
        // A queue that was deleted meanwhile has nothing more to say.
        let messages = self.sqs.received(receive, now_ms).unwrap_or_default();
        if messages.is_empty() && now_ms < until_ms {
            let next = self.sqs.next_visible_ms(&receive.queue).unwrap_or(until_ms);
            return Resumed::Waits { until_ms: until_ms.min(next) };
        }
        Resumed::Answer(Answer::Sqs(SqsAnswer::Received(Received { messages, waits_until_ms: None })))
    }

    /// Something became visible or due since this was asked last: whoever waits should look again.
    pub fn take_stirred(&mut self) -> bool {
        self.sqs.take_stirred() | self.outbox.take_stirred()
    }

    /// Where the services are spoken to: what the URLs in their answers begin with.
    pub fn listens_at(&mut self, endpoint: &str) {
        self.sqs.listens_at(endpoint);
    }

    /// A notice arrives. What is told to nobody is lost, as at AWS.
    pub(super) fn deliver(&mut self, notice: Notice, now_ms: i64) {
        match notice {
            Notice::Message { arn, subject, body } => {
                let arrived = self.sqs.put(&arn, &body, now_ms)
                    || self.sns.put(&arn, subject.as_deref(), &body, now_ms);
                self.astray += u64::from(!arrived);
            }
            Notice::Event { source, detail_type, resources, detail } => {
                self.events.emit(source, detail_type, &resources, &detail, now_ms);
            }
        }
        self.post(now_ms);
    }

    /// Messages of SNS are signed by this one from now on.
    pub fn sign_with(&mut self, signer: Arc<dyn Sign>) {
        self.sns.sign_with(signer);
    }

    /// The path at which the certificate that verifies SNS's messages is to be served.
    #[must_use]
    pub fn certificate_path(&self) -> String {
        Sns::certificate_path(self.seed)
    }

    /// Deliveries over HTTP that are due, the earliest first, at most so many. How each of them ended
    /// is to be told ([`Model::delivered`]).
    pub fn take_deliveries(&mut self, most: usize, now_ms: i64) -> Vec<Delivery> {
        let now_ms = self.settle(now_ms);
        self.outbox.take(most, now_ms)
    }

    /// When the next delivery is due, milliseconds.
    #[must_use]
    pub fn next_delivery_ms(&self) -> Option<i64> {
        self.outbox.next_due_ms()
    }

    /// How an attempt of a delivery ended. Whether it is tried again is decided here.
    pub fn delivered(&mut self, id: u64, outcome: DeliveryOutcome, now_ms: i64) {
        let now_ms = self.settle(now_ms);
        if let Some((arn, text)) = self.outbox.ended(id, outcome, now_ms) {
            self.astray += u64::from(!self.sqs.put(&arn, &text, now_ms));
        }
    }

    /// Lets leave what services have posted.
    pub(super) fn post(&mut self, now_ms: i64) {
        for post in self.sns.take_posts().into_iter().chain(self.events.take_posts()) {
            match post {
                Post::Queue { arn, body } => {
                    self.astray += u64::from(!self.sqs.put(&arn, &body, now_ms));
                }
                Post::Web(delivery) => self.outbox.accept(*delivery),
            }
        }
    }

    pub(super) fn messages(&self) -> Messages {
        Messages {
            queues: self.sqs.counts(),
            topics: self.sns.counts(),
            rules: self.events.counts(),
            deliveries: self.outbox.counts(),
            astray: self.astray,
        }
    }
}
