//! One standard queue: messages wait, are visible, or are in flight; at least once, in no order.
//!
//! A message that was received is in flight until its visibility timeout is over; it is deleted by
//! the handle of its newest receive. An older handle deletes nothing, and SQS says success to it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::super::draw::{Draw, Purpose};
use super::super::super::settings::SqsSettings;
use super::attributes::Attributes;
use super::call::AttributeValue;
use super::handle::Handle;

/// A queue and everything in it.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) arn: String,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
    pub(super) attributes: Attributes,
    /// When it was last purged.
    pub(super) purged_ms: Option<i64>,
    pub(super) counts: QueueCounts,
    /// Of its handles, and of its chance.
    salt: u64,
    receives: u64,
    /// By their number, so the oldest first.
    messages: BTreeMap<u64, Stored>,
    /// Numbers that can be received. May name one that is gone by now.
    visible: VecDeque<u64>,
    /// When which becomes visible. May name one too early.
    hidden: BinaryHeap<Reverse<(i64, u64)>>,
    in_flight: u32,
    delayed: u32,
}

/// Counts of one queue since it was created. A message is counted once in `sent`, and in the end once
/// in one of `deleted`, `expired`, `purged` and `dead_lettered`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCounts {
    pub sent: u64,
    /// Receives, so more than once for some.
    pub received: u64,
    /// Of those, because a visibility timeout was over.
    pub redelivered: u64,
    /// Of those, while it was in flight: the second copy of at-least-once delivery.
    pub duplicates: u64,
    pub deleted: u64,
    /// Deletes by a handle that was not the newest: success was said, nothing was deleted.
    pub deletes_by_old_handle: u64,
    pub expired: u64,
    pub purged: u64,
    pub dead_lettered: u64,
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) body: Arc<str>,
    pub(super) md5_of_body: String,
    pub(super) attributes: BTreeMap<String, AttributeValue>,
    pub(super) sent_ms: i64,
    pub(super) receives: u32,
    pub(super) first_received_ms: i64,
    state: State,
    /// A second copy of it can be received though it is in flight.
    copy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Sent, and not to be received before this time.
    Delayed {
        until_ms: i64,
    },
    Visible,
    /// Received, and not to be received again before this time.
    InFlight {
        since_ms: i64,
        until_ms: i64,
    },
}

/// How many messages are in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Depth {
    pub(super) visible: usize,
    pub(super) in_flight: u32,
    pub(super) delayed: u32,
}

/// What a handle was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Done.
    Done,
    /// There is no such message any more, or the handle is not its newest.
    Old,
    /// Its visibility timeout is over.
    NotInFlight,
    /// Longer than 12 hours since it was received.
    TooLong,
    /// This queue never gave out such a handle.
    Invalid,
}

/// The longest that a message can be in flight, from its receive on.
const IN_FLIGHT_MAX_MS: i64 = 43_200_000;

impl Queue {
    pub(super) fn new(arn: String, attributes: Attributes, salt: u64, now_ms: i64) -> Queue {
        Queue {
            arn,
            created_ms: now_ms,
            modified_ms: now_ms,
            attributes,
            purged_ms: None,
            counts: QueueCounts::default(),
            salt,
            receives: 0,
            messages: BTreeMap::new(),
            visible: VecDeque::new(),
            hidden: BinaryHeap::new(),
            in_flight: 0,
            delayed: 0,
        }
    }

    /// Takes a message in. True if it is visible at once.
    pub(super) fn put(
        &mut self,
        number: u64,
        (id, body, md5_of_body): (String, Arc<str>, String),
        attributes: BTreeMap<String, AttributeValue>,
        delay_ms: i64,
        now_ms: i64,
    ) -> bool {
        self.counts.sent += 1;
        let at_once = delay_ms == 0;
        let state = if at_once {
            self.visible.push_back(number);
            State::Visible
        } else {
            self.delayed += 1;
            self.hidden.push(Reverse((now_ms + delay_ms, number)));
            State::Delayed { until_ms: now_ms + delay_ms }
        };
        let stored = Stored {
            id,
            body,
            md5_of_body,
            attributes,
            sent_ms: now_ms,
            receives: 0,
            first_received_ms: 0,
            state,
            copy: false,
        };
        self.messages.insert(number, stored);
        at_once
    }

    /// Shows what is due and forgets what is too old. True if something became visible.
    pub(super) fn settle(&mut self, now_ms: i64) -> bool {
        let mut shown = false;
        while let Some(Reverse((at, number))) = self.hidden.peek().copied()
            && at <= now_ms
        {
            self.hidden.pop();
            shown |= self.show(number, at);
        }
        let retention_ms = i64::from(self.attributes.retention_s) * 1_000;
        while let Some((number, oldest)) = self.messages.first_key_value()
            && oldest.sent_ms + retention_ms <= now_ms
        {
            let number = *number;
            self.take_out(number);
            self.counts.expired += 1;
        }
        shown
    }

    /// Makes a message visible that was to become so at this time, if it still is to.
    fn show(&mut self, number: u64, at: i64) -> bool {
        let Some(message) = self.messages.get_mut(&number) else { return false };
        match message.state {
            State::Delayed { until_ms } if until_ms <= at => self.delayed -= 1,
            State::InFlight { until_ms, .. } if until_ms <= at => self.in_flight -= 1,
            State::Delayed { .. } | State::InFlight { .. } | State::Visible => return false,
        }
        message.state = State::Visible;
        // Its second copy is in the list already.
        if !std::mem::take(&mut message.copy) {
            self.visible.push_back(number);
        }
        true
    }

    /// When the next hidden message may become visible, milliseconds.
    pub(super) fn next_visible_ms(&self) -> Option<i64> {
        self.hidden.peek().map(|Reverse((at, _))| *at)
    }

    /// Receives one message, if there is one. It is dead-lettered instead of received if it was
    /// received too often already; then it is handed back as such.
    pub(super) fn receive(
        &mut self,
        visibility_ms: i64,
        settings: &SqsSettings,
        now_ms: i64,
    ) -> Option<Receipt> {
        let mut draw = Draw::new(self.salt, Purpose::Receive, self.receives);
        let number = self.pick(settings, &mut draw)?;
        self.receives += 1;
        let most = self.attributes.redrive.as_ref().map(|r| r.max_receives);
        let message = self.messages.get_mut(&number)?;
        if most.is_some_and(|most| message.receives >= most) {
            self.counts.dead_lettered += 1;
            return self.take_out(number).map(Receipt::Dead);
        }
        message.receives += 1;
        if message.receives == 1 {
            message.first_received_ms = now_ms;
        }
        self.counts.received += 1;
        let handle = Handle { number, receive: message.receives }.write(self.salt);
        if std::mem::take(&mut message.copy) {
            self.counts.duplicates += 1;
        } else {
            self.counts.redelivered += u64::from(message.receives > 1);
            self.in_flight += 1;
            // Received again while it is in flight, some time before it is deleted.
            message.copy = draw.chance(settings.duplicates);
            if message.copy {
                self.visible.push_back(number);
            }
        }
        let until_ms = now_ms + visibility_ms;
        message.state = State::InFlight { since_ms: now_ms, until_ms };
        self.hidden.push(Reverse((until_ms, number)));
        Some(Receipt::Received(handle, message.clone()))
    }

    /// The number of a message that can be received, taken out of the list.
    fn pick(&mut self, settings: &SqsSettings, draw: &mut Draw) -> Option<u64> {
        while !self.visible.is_empty() {
            let number = if settings.in_order {
                self.visible.pop_front()?
            } else {
                let at = draw.below(u32::try_from(self.visible.len()).unwrap_or(u32::MAX));
                self.visible.swap_remove_back(at as usize)?
            };
            if self.messages.get(&number).is_some_and(|m| m.state == State::Visible || m.copy) {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn delete(&mut self, handle: &str) -> Found {
        let Some(handle) = Handle::read(handle, self.salt) else { return Found::Invalid };
        match self.messages.get(&handle.number) {
            Some(message) if message.receives == handle.receive => {
                self.take_out(handle.number);
                self.counts.deleted += 1;
                Found::Done
            }
            Some(_) => {
                self.counts.deletes_by_old_handle += 1;
                Found::Old
            }
            None => Found::Old,
        }
    }

    /// Hides a message in flight for so long from now on; 0 shows it at once.
    pub(super) fn change_visibility(&mut self, handle: &str, timeout_ms: i64, now_ms: i64) -> Found {
        let Some(handle) = Handle::read(handle, self.salt) else { return Found::Invalid };
        let Some(message) = self.messages.get_mut(&handle.number) else { return Found::Old };
        let State::InFlight { since_ms, .. } = message.state else { return Found::NotInFlight };
        if message.receives != handle.receive {
            return Found::Old;
        }
        let until_ms = now_ms + timeout_ms;
        if until_ms > since_ms + IN_FLIGHT_MAX_MS {
            return Found::TooLong;
        }
        message.state = State::InFlight { since_ms, until_ms };
        self.hidden.push(Reverse((until_ms, handle.number)));
        Found::Done
    }

    pub(super) fn purge(&mut self, now_ms: i64) {
        self.counts.purged += self.messages.len() as u64;
        self.messages.clear();
        self.visible.clear();
        self.hidden.clear();
        (self.in_flight, self.delayed) = (0, 0);
        self.purged_ms = Some(now_ms);
    }

    fn take_out(&mut self, number: u64) -> Option<Stored> {
        let message = self.messages.remove(&number)?;
        match message.state {
            State::Delayed { .. } => self.delayed -= 1,
            State::InFlight { .. } => self.in_flight -= 1,
            State::Visible => {}
        }
        Some(message)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight
    }

    pub(super) fn depth(&self) -> Depth {
        let hidden = (self.in_flight + self.delayed) as usize;
        Depth { visible: self.messages.len() - hidden, in_flight: self.in_flight, delayed: self.delayed }
    }
}

/// What a receive came upon.
#[derive(Debug)]
pub(super) enum Receipt {
    /// With its handle.
    Received(String, Stored),
    /// Received too often: it belongs into the dead-letter queue.
    Dead(Stored),
}
