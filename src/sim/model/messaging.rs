//! Messages between the services: long polls that go on, and what one service tells another.

use std::sync::Arc;

use super::super::ledger::Messages;
use super::Model;
use super::call::{Answer, Call, Outcome, Reply, Service};
use super::notice::Notice;
use super::outbox::{Delivery, Outcome as DeliveryOutcome, Post, Sender};
use super::sns::Sns;
use super::sns::message::Sign;
use super::sqs::call::{Answer as SqsAnswer, Call as SqsCall, Received};

/// How a long poll goes on.
#[derive(Clone, Debug)]
pub enum Resumed {
    /// This is its answer.
    Answer(Box<Answer>),
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
        let received = Received { messages, waits_until_ms: None };
        Resumed::Answer(Box::new(Answer::Sqs(SqsAnswer::Received(received))))
    }

    /// Something became visible or due since this was asked last: whoever waits should look again.
    pub fn take_stirred(&mut self) -> bool {
        self.sqs.take_stirred() | self.outbox.take_stirred() | self.playbook.take_stirred()
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
        let due = self.outbox.take(most, now_ms);
        let misses = |delivery: &Delivery| {
            let service = match delivery.sender {
                Sender::Sns => Service::Sns,
                Sender::ApiDestination => Service::Events,
            };
            let number = delivery.id << 8 | u64::from(delivery.attempt & 0xff);
            self.playbook.misses(self.seed, service, number, now_ms)
        };
        let (unreached, taken): (Vec<_>, Vec<_>) = due.into_iter().partition(misses);
        for delivery in unreached {
            self.delivered(delivery.id, DeliveryOutcome::Failed, now_ms);
        }
        taken
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::settings::{Fault, Script};
    use super::super::Change;
    use super::super::ec2::testing::plain;
    use super::super::events::call::{Call as EventsCall, PutRule, Target};
    use super::super::outbox::Body;
    use super::super::sns::call::{Answer as SnsAnswer, Call as SnsCall, Subscribe};
    use super::super::sqs::call::{NewMessage, ReceiveMessage};
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";
    const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:t";

    fn ask(model: &mut Model, call: &Call, now_ms: i64) -> Answer {
        let reply = model.handle(call, now_ms);
        let Outcome::Answer(answer) = reply.outcome else { panic!("{call:?}: {reply:?}") };
        answer
    }

    fn with_queue() -> Model {
        let mut model = plain();
        let create = SqsCall::CreateQueue { name: "q".into(), attributes: [].into() };
        ask(&mut model, &Call::Sqs(create), 0);
        model
    }

    fn receive(wait_time_s: i64) -> Call {
        Call::Sqs(SqsCall::ReceiveMessage(ReceiveMessage {
            queue: "q".into(),
            max_messages: Some(10),
            wait_time_s: Some(wait_time_s),
            ..ReceiveMessage::default()
        }))
    }

    fn bodies(answer: &Answer) -> Vec<String> {
        let Answer::Sqs(SqsAnswer::Received(received)) = answer else { panic!("{answer:?}") };
        received.messages.iter().map(|m| m.body.to_string()).collect()
    }

    fn message(arn: &str) -> Notice {
        Notice::Message { arn: arn.into(), subject: Some("S".into()), body: "M".into() }
    }

    #[test]
    fn a_notice_reaches_queues_topics_and_the_bus() {
        let mut model = with_queue();
        ask(&mut model, &Call::Sns(SnsCall::CreateTopic { name: "t".into(), attributes: [].into() }), 0);
        let subscribe = Subscribe {
            topic: TOPIC.into(),
            protocol: "sqs".into(),
            endpoint: QUEUE.into(),
            attributes: [("RawMessageDelivery".to_string(), "true".to_string())].into(),
            return_arn: false,
        };
        ask(&mut model, &Call::Sns(SnsCall::Subscribe(subscribe)), 0);
        let rule = PutRule {
            name: "r".into(),
            pattern: Some(r#"{"source":["aws.autoscaling"]}"#.into()),
            ..PutRule::default()
        };
        ask(&mut model, &Call::Events(EventsCall::PutRule(rule)), 0);
        let target = Target {
            id: "a".into(),
            arn: QUEUE.into(),
            input_path: Some("$.detail".into()),
            ..Target::default()
        };
        ask(&mut model, &Call::Events(EventsCall::PutTargets { rule: "r".into(), targets: vec![target] }), 0);
        let event = Notice::Event {
            source: "aws.autoscaling",
            detail_type: "x",
            resources: Vec::new(),
            detail: json!({ "n": 1 }),
        };
        for notice in [message(QUEUE), message(TOPIC), event, message("arn:aws:sqs:r:1:none")] {
            model.deliver(notice, 1_000);
        }
        let mut got = bodies(&ask(&mut model, &receive(0), 1_000));
        got.sort();
        assert_eq!(got, ["M", "M", r#"{"n":1}"#]);
        let messages = model.ledger(1_000).messages;
        assert_eq!((messages.queues["q"].sent, messages.astray), (3, 1));
        assert_eq!((messages.topics["t"].to_queues, messages.rules["r"].to_queues), (1, 1));
        assert_eq!(model.ledger(1_000).apis["sqs:ReceiveMessage"].calls, 1);
    }

    #[test]
    fn a_long_poll_goes_on_until_something_comes_or_its_time_is_over() {
        let mut model = with_queue();
        let call = receive(20);
        let until_ms = model.handle(&call, 0).waits_until_ms().unwrap();
        assert_eq!(until_ms, 20_000);
        assert!(matches!(model.resume(&call, until_ms, 5_000), Resumed::Waits { until_ms: 20_000 }));
        model.take_stirred();
        let late = NewMessage { body: Some("x".into()), delay_s: Some(3), ..NewMessage::default() };
        let send = SqsCall::SendMessage { queue: "q".into(), message: late };
        ask(&mut model, &Call::Sqs(send), 6_000);
        assert!(matches!(model.resume(&call, until_ms, 6_000), Resumed::Waits { until_ms: 9_000 }));
        assert!(!model.take_stirred());
        let Resumed::Answer(answer) = model.resume(&call, until_ms, 9_000) else { panic!("it waits on") };
        assert_eq!(bodies(&answer), ["x"]);
        assert!(model.take_stirred());
        let Resumed::Answer(answer) = model.resume(&call, until_ms, 20_000) else { panic!("it waits on") };
        assert!(bodies(&answer).is_empty());
        assert_eq!(model.ledger(20_000).apis["sqs:ReceiveMessage"].calls, 1);
    }

    #[test]
    fn what_cannot_be_delivered_is_tried_again_and_ends_with_the_dead() {
        let mut model = with_queue();
        ask(&mut model, &Call::Sns(SnsCall::CreateTopic { name: "t".into(), attributes: [].into() }), 0);
        let dead = json!({ "deadLetterTargetArn": QUEUE }).to_string();
        let subscribe = Subscribe {
            topic: TOPIC.into(),
            protocol: "http".into(),
            endpoint: "http://127.0.0.1:1/".into(),
            attributes: [("RedrivePolicy".to_string(), dead)].into(),
            return_arn: false,
        };
        let answer = ask(&mut model, &Call::Sns(SnsCall::Subscribe(subscribe)), 0);
        assert!(
            matches!(answer, Answer::Sns(SnsAnswer::Subscription { arn, .. }) if arn == "pending confirmation")
        );
        let asked = model.take_deliveries(10, 0);
        let Body::Sns(confirmation) = &asked[0].body else { panic!("{asked:?}") };
        let token = confirmation.confirm.as_ref().unwrap().token.clone();
        let ok = DeliveryOutcome::Answered { status: 200, retry_after_s: None };
        model.delivered(asked[0].id, ok, 10);
        ask(&mut model, &Call::Sns(SnsCall::ConfirmSubscription { topic: TOPIC.into(), token }), 10);
        model.deliver(message(TOPIC), 1_000);
        let mut ids = Vec::new();
        while let Some(at_ms) = model.next_delivery_ms() {
            let due = model.take_deliveries(10, at_ms);
            let Body::Sns(message) = &due[0].body else { panic!("{due:?}") };
            ids.push(message.message_id.clone());
            model.delivered(due[0].id, DeliveryOutcome::TimedOut, at_ms);
        }
        assert_eq!(ids.len(), 4);
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(bodies(&ask(&mut model, &receive(0), 100_000)), ["M"]);
        let counts = &model.ledger(100_000).messages.deliveries["sns"];
        assert_eq!((counts.delivered, counts.dropped, counts.dead_lettered, counts.attempts), (1, 1, 1, 5));
        assert_eq!(counts.endings["timeout"], 4);
    }

    #[test]
    fn an_endpoint_that_is_not_reached_is_tried_again_as_one_that_does_not_answer() {
        let mut model = plain();
        ask(&mut model, &Call::Sns(SnsCall::CreateTopic { name: "t".into(), attributes: [].into() }), 0);
        let subscribe = Subscribe {
            topic: TOPIC.into(),
            protocol: "http".into(),
            endpoint: "http://127.0.0.1:1/".into(),
            ..Subscribe::default()
        };
        let unreached = |service: &str| Change {
            script: Some(vec![Script {
                service: Some(service.into()),
                for_s: Some(1.0),
                ..Script::always(Fault::Unreached)
            }]),
            ..Change::default()
        };
        model.change(&unreached("events"), 0).unwrap();
        ask(&mut model, &Call::Sns(SnsCall::Subscribe(subscribe)), 0);
        model.change(&unreached("sns"), 0).unwrap();
        assert!(model.take_deliveries(10, 0).is_empty());
        let counts = &model.ledger(0).messages.deliveries["sns"];
        assert_eq!((counts.attempts, counts.endings["failed"]), (1, 1));
        let again_ms = model.next_delivery_ms().unwrap();
        assert!(again_ms >= 1_000, "{again_ms}");
        assert_eq!(model.take_deliveries(10, again_ms)[0].attempt, 2);
    }
}
