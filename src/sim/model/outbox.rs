//! What leaves AWS over HTTP: deliveries that are due, under way, or to be tried again.
//!
//! The services put deliveries in; [`super::super::deliver`] takes those that are due, performs them
//! and says how they ended; whether and when one is tried again is decided here, by its service's
//! policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decide::words::named;

use super::super::draw::{Draw, Purpose};
use super::sns::message::SnsMessage;

named! {
    /// Whose delivery it is.
    pub enum Sender {
        Sns = "sns",
        ApiDestination = "api_destination",
    }
}

named! {
    /// How one attempt ended.
    pub enum Ending {
        Success = "2xx",
        Redirect = "3xx",
        ClientError = "4xx",
        TooManyRequests = "429",
        ServerError = "5xx",
        /// Something else than an HTTP answer of these.
        Strange = "strange",
        TimedOut = "timeout",
        /// No connection, or it broke.
        Failed = "failed",
        /// It was to leave this machine, and nothing does.
        NotLoopback = "not_loopback",
    }
}

/// One attempt to be made: everything that its request says.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: u64,
    pub sender: Sender,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// 1 for the first.
    pub attempt: u32,
    /// From the start of the attempt until its answer, milliseconds of the model's time.
    pub timeout_ms: u32,
}

/// What a delivery carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Text(Arc<str>),
    /// To be signed and written out.
    Sns(Arc<SnsMessage>),
}

/// How an attempt ended, as its performer saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered {
        status: u16,
        /// `Retry-After` in seconds.
        retry_after_s: Option<i64>,
    },
    TimedOut,
    Failed,
    NotLoopback,
}

impl Outcome {
    fn ending(self) -> Ending {
        match self {
            Outcome::Answered { status: 200..300, .. } => Ending::Success,
            Outcome::Answered { status: 300..400, .. } => Ending::Redirect,
            Outcome::Answered { status: 429, .. } => Ending::TooManyRequests,
            Outcome::Answered { status: 400..500, .. } => Ending::ClientError,
            Outcome::Answered { status: 500..600, .. } => Ending::ServerError,
            Outcome::Answered { .. } => Ending::Strange,
            Outcome::TimedOut => Ending::TimedOut,
            Outcome::Failed => Ending::Failed,
            Outcome::NotLoopback => Ending::NotLoopback,
        }
    }
}

/// When an attempt that failed is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// SNS to HTTP(S) (aws-facts 4.1): 5xx, 429 and no answer are tried again, the delay growing
    /// evenly from the first to the last retry, for an hour at most; every other answer is final.
    Sns { retries: u32, min_delay_ms: i64, max_delay_ms: i64 },
    /// EventBridge to an API destination (aws-facts 4.2): 401, 407, 409, 429, 5xx and no answer are
    /// tried again with a growing, jittered pause; everything else is final.
    ApiDestination { retries: u32, max_age_ms: i64, first_pause_ms: i64, longest_pause_ms: i64 },
}

/// No SNS delivery is tried again after so long.
const SNS_TOTAL_MS: i64 = 3_600_000;
/// Most deliveries that wait or are under way: 100,000 hooks, each delivered five times, fit. More
/// are dropped and counted.
const WAITING_MAX: usize = 500_000;

impl Policy {
    /// When to try again after this many attempts; none: not at all.
    fn again(self, outcome: Outcome, attempts: u32, first_ms: i64, now_ms: i64, jitter: f64) -> Option<i64> {
        let (status, retry_after_s) = match outcome {
            Outcome::Answered { status, retry_after_s } => (Some(status), retry_after_s),
            Outcome::TimedOut | Outcome::Failed => (None, None),
            Outcome::NotLoopback => return None,
        };
        let retry = attempts.checked_sub(1)?;
        match self {
            Policy::Sns { retries, min_delay_ms, max_delay_ms } => {
                let temporary = status.is_none_or(|s| s == 429 || (500..600).contains(&s));
                if !temporary || retry >= retries {
                    return None;
                }
                let steps = i64::from(retries.saturating_sub(1).max(1));
                let at_ms = now_ms + min_delay_ms + (max_delay_ms - min_delay_ms) * i64::from(retry) / steps;
                (at_ms <= first_ms + SNS_TOTAL_MS).then_some(at_ms)
            }
            Policy::ApiDestination { retries, max_age_ms, first_pause_ms, longest_pause_ms } => {
                let temporary =
                    status.is_none_or(|s| matches!(s, 401 | 407 | 409 | 429) || (500..600).contains(&s));
                if !temporary || retry >= retries || retry_after_s.is_some_and(|s| s < 0) {
                    return None;
                }
                let pause_ms = first_pause_ms.saturating_mul(1 << retry.min(30)).min(longest_pause_ms);
                // Half of the pause is certain, half is chance.
                #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
                let jittered_ms = pause_ms / 2 + (pause_ms as f64 / 2.0 * jitter) as i64;
                let asked_ms = retry_after_s.unwrap_or(0).saturating_mul(1_000);
                let at_ms = now_ms.saturating_add(jittered_ms.max(asked_ms));
                (at_ms <= first_ms + max_age_ms).then_some(at_ms)
            }
        }
    }
}

/// A delivery to be made.
#[derive(Clone, Debug)]
pub(super) struct NewDelivery {
    pub(super) sender: Sender,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) timeout_ms: u32,
    pub(super) policy: Policy,
    /// ARN of the queue that gets what could not be delivered, and the text it gets.
    pub(super) dead_letter: Option<(String, Arc<str>)>,
    /// When the first attempt is to be made.
    pub(super) due_ms: i64,
}

/// What leaves a service.
#[derive(Clone, Debug)]
pub(super) enum Post {
    /// To a queue of this ARN.
    Queue {
        arn: String,
        body: String,
    },
    Web(Box<NewDelivery>),
}

/// Counts of one sender's deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCounts {
    /// Deliveries, each of which has attempts.
    pub accepted: u64,
    pub attempts: u64,
    /// How attempts ended.
    pub endings: BTreeMap<String, u64>,
    /// How deliveries ended.
    pub delivered: u64,
    pub dropped: u64,
    /// Of those dropped, the ones that went to a dead-letter queue.
    pub dead_lettered: u64,
    /// Not accepted: too many were waiting.
    pub overflowed: u64,
}

#[derive(Debug)]
struct Item {
    new: NewDelivery,
    attempts: u32,
    /// When the first attempt was due.
    first_ms: i64,
}

/// Everything that waits to leave or is leaving.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    seed: u64,
    accepted: u64,
    /// By when it is due.
    waiting: BTreeMap<(i64, u64), Item>,
    under_way: BTreeMap<u64, Item>,
    counts: BTreeMap<Sender, DeliveryCounts>,
    stirred: bool,
}

impl Outbox {
    pub(super) fn new(seed: u64) -> Outbox {
        Outbox { seed, ..Outbox::default() }
    }

    pub(super) fn accept(&mut self, new: NewDelivery) {
        let counts = self.counts.entry(new.sender).or_default();
        if self.waiting.len() + self.under_way.len() >= WAITING_MAX {
            counts.overflowed += 1;
            return;
        }
        counts.accepted += 1;
        let (id, first_ms) = (self.accepted, new.due_ms);
        self.accepted += 1;
        self.stirred = true;
        self.waiting.insert((first_ms, id), Item { new, attempts: 0, first_ms });
    }

    /// Those that are due, the earliest first, at most so many. Each is under way from now on, until
    /// [`Outbox::ended`].
    pub(super) fn take(&mut self, most: usize, now_ms: i64) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(first) = self.waiting.first_entry()
            && first.key().0 <= now_ms
        {
            let ((_, id), mut item) = first.remove_entry();
            item.attempts += 1;
            let counts = self.counts.entry(item.new.sender).or_default();
            counts.attempts += 1;
            let new = &item.new;
            taken.push(Delivery {
                id,
                sender: new.sender,
                method: new.method.clone(),
                url: new.url.clone(),
                headers: new.headers.clone(),
                body: new.body.clone(),
                attempt: item.attempts,
                timeout_ms: new.timeout_ms,
            });
            self.under_way.insert(id, item);
        }
        taken
    }

    /// When the next one is due, milliseconds.
    pub(super) fn next_due_ms(&self) -> Option<i64> {
        self.waiting.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }

    /// An attempt ended: the delivery is done, waits to be tried again, or is dropped. Then its dead
    /// letter is handed back, if it has one: the queue's ARN and the text.
    pub(super) fn ended(&mut self, id: u64, outcome: Outcome, now_ms: i64) -> Option<(String, Arc<str>)> {
        let item = self.under_way.remove(&id)?;
        let ending = outcome.ending();
        let counts = self.counts.entry(item.new.sender).or_default();
        *counts.endings.entry(ending.to_string()).or_default() += 1;
        if ending == Ending::Success {
            counts.delivered += 1;
            return None;
        }
        let number = id << 8 | u64::from(item.attempts & 0xff);
        let jitter = Draw::new(self.seed, Purpose::Attempt, number).share();
        let again_ms = item.new.policy.again(outcome, item.attempts, item.first_ms, now_ms, jitter);
        if let Some(at_ms) = again_ms {
            self.waiting.insert((at_ms, id), item);
            self.stirred = true;
            return None;
        }
        counts.dropped += 1;
        counts.dead_lettered += u64::from(item.new.dead_letter.is_some());
        item.new.dead_letter
    }

    pub(super) fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    pub(super) fn counts(&self) -> BTreeMap<String, DeliveryCounts> {
        self.counts.iter().map(|(sender, counts)| (sender.to_string(), counts.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNS: Policy = Policy::Sns { retries: 3, min_delay_ms: 20_000, max_delay_ms: 20_000 };
    const API: Policy = Policy::ApiDestination {
        retries: 185,
        max_age_ms: 86_400_000,
        first_pause_ms: 1_000,
        longest_pause_ms: 60_000,
    };

    fn status(status: u16) -> Outcome {
        Outcome::Answered { status, retry_after_s: None }
    }

    fn outbox(policy: Policy) -> Outbox {
        let mut outbox = Outbox::new(1);
        outbox.accept(NewDelivery {
            sender: Sender::Sns,
            method: "POST".into(),
            url: "http://127.0.0.1:1/".into(),
            headers: Vec::new(),
            body: Body::Text("x".into()),
            timeout_ms: 15_000,
            policy,
            dead_letter: Some(("arn".into(), "x".into())),
            due_ms: 0,
        });
        outbox
    }

    /// When attempts are made if each ends like this at once, and what is left at the end.
    fn attempts(policy: Policy, outcome: Outcome) -> (Vec<i64>, Option<(String, Arc<str>)>) {
        let mut outbox = outbox(policy);
        let mut at = Vec::new();
        while let Some(now_ms) = outbox.next_due_ms() {
            let taken = outbox.take(10, now_ms);
            at.push(now_ms);
            if let Some(dead) = outbox.ended(taken[0].id, outcome, now_ms) {
                return (at, Some(dead));
            }
        }
        (at, None)
    }

    #[test]
    fn sns_tries_three_more_times_twenty_seconds_apart() {
        let dead = Some(("arn".to_string(), "x".into()));
        for outcome in [status(500), status(503), status(429), Outcome::TimedOut, Outcome::Failed] {
            assert_eq!(attempts(SNS, outcome), (vec![0, 20_000, 40_000, 60_000], dead.clone()));
        }
        for outcome in [status(400), status(403), status(404), status(301), Outcome::NotLoopback] {
            assert_eq!(attempts(SNS, outcome), (vec![0], dead.clone()), "{outcome:?}");
        }
        assert_eq!(attempts(SNS, status(204)), (vec![0], None));
    }

    #[test]
    fn delays_grow_evenly_and_end_after_an_hour() {
        let grows = Policy::Sns { retries: 3, min_delay_ms: 10_000, max_delay_ms: 30_000 };
        assert_eq!(attempts(grows, status(500)).0, [0, 10_000, 30_000, 60_000]);
        let long = Policy::Sns { retries: 100, min_delay_ms: 1_800_000, max_delay_ms: 1_800_000 };
        assert_eq!(attempts(long, status(500)).0, [0, 1_800_000, 3_600_000]);
    }

    #[test]
    fn an_api_destination_is_tried_for_a_day_on_other_answers() {
        for outcome in [401, 407, 409, 429, 500, 599].map(status) {
            let (at, _) = attempts(API, outcome);
            assert_eq!(at.len(), 186, "{outcome:?}");
            assert!(at.windows(2).all(|w| (500..=60_000).contains(&(w[1] - w[0]))));
        }
        for outcome in [400, 403, 404, 302].map(status) {
            assert_eq!(attempts(API, outcome).0, [0], "{outcome:?}");
        }
        let short = Policy::ApiDestination {
            retries: 185,
            max_age_ms: 60_000,
            first_pause_ms: 1_000,
            longest_pause_ms: 60_000,
        };
        assert!(attempts(short, status(500)).0.last().is_some_and(|at| *at <= 60_000));
    }

    #[test]
    fn retry_after_is_honoured_if_it_is_longer() {
        let asks = |s| Outcome::Answered { status: 503, retry_after_s: Some(s) };
        let at = attempts(API, asks(7)).0;
        assert_eq!(at[1], 7_000);
        assert!(at.windows(2).all(|w| w[1] - w[0] >= 7_000));
        assert_eq!(attempts(API, asks(-1)).0, [0]);
    }

    #[test]
    fn what_is_under_way_is_not_taken_twice_and_ends_once() {
        let mut outbox = outbox(SNS);
        assert!(outbox.take(10, -1).is_empty());
        assert_eq!(outbox.take(10, 0).len(), 1);
        assert!(outbox.take(10, 1_000_000).is_empty());
        assert_eq!(outbox.ended(0, status(200), 1), None);
        assert_eq!(outbox.ended(0, status(400), 1), None);
        let counts = &outbox.counts()["sns"];
        assert_eq!((counts.accepted, counts.attempts, counts.delivered, counts.dropped), (1, 1, 1, 0));
        assert_eq!(counts.endings["2xx"], 1);
    }
}
