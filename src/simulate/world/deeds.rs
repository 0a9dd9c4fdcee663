//! What people do: orders that they give muster until they are answered, and what they do to AWS without it.

use crate::decide::action::{Accepted, Refusal};
use crate::decide::event::{Event, Ticket};
use crate::decide::order::Order;
use crate::decide::words::Time;
use crate::sim::model::autoscaling::call::Call as GroupCall;
use crate::sim::model::call::{Call as AnyCall, Outcome};

use super::{Coming, World, ms};

/// Somebody who got no answer orders the same again after so long.
const AGAIN_MS: u32 = 1_000;
/// Tickets of these begin here; below are those of requests and of the plan's orders, above are messages'.
const FIRST: u64 = 3 << 30;
/// An outsider's call that is throttled or lost is made again, so often at most.
const TRIES: u32 = 1_000;

/// One order.
pub struct Demand {
    pub order: Order,
    /// When it was given first.
    pub at: Time,
    pub answered: Option<Time>,
    pub answer: Option<Result<Accepted, Refusal>>,
}

impl World {
    pub(super) fn do_deed(&mut self, i: usize) {
        self.deeds_to_come -= 1;
        let (_, deed) = self.plan.deeds[i];
        deed(self);
    }

    /// Orders this, until there is an answer.
    pub fn demand(&mut self, order: Order) {
        self.note(|| format!("somebody orders {order:?}"));
        self.demands.push(Demand { order, at: self.now, answered: None, answer: None });
        self.after(0, Coming::Demand(self.demands.len() - 1));
    }

    pub(super) fn demand_again(&mut self, i: usize) {
        if self.demands[i].answered.is_some() {
            return;
        }
        let order = self.demands[i].order.clone();
        if let Some(host) = self.current() {
            host.inbox.push(Event::Ordered { order, ticket: Ticket(FIRST + i as u64) });
            let life = host.life;
            self.turn(life);
        }
        self.after(AGAIN_MS, Coming::Demand(i));
    }

    /// False if the ticket is not an order's.
    pub(super) fn demand_answered(&mut self, ticket: Ticket, answer: &Result<Accepted, Refusal>) -> bool {
        let i = ticket.0.checked_sub(FIRST).and_then(|i| usize::try_from(i).ok());
        let Some(demand) = i.and_then(|i| self.demands.get_mut(i)) else { return false };
        if demand.answered.is_none() {
            demand.answered = Some(self.now);
            demand.answer = Some(answer.clone());
        }
        true
    }

    pub(super) fn demands_unanswered(&self) -> usize {
        self.demands.iter().filter(|d| d.answered.is_none()).count()
    }

    /// Nobody is about to do anything, and what was ordered is over.
    pub(super) fn deeds_are_done(&self) -> bool {
        self.deeds_to_come == 0 && self.demands_unanswered() == 0 && self.books.nothing_is_kept()
    }

    /// Somebody calls AWS until it answers. True if it did what was asked.
    pub fn outsider(&mut self, call: &AnyCall) -> bool {
        self.note(|| format!("an outsider calls {call:?}"));
        for _ in 0..TRIES {
            match self.model.handle(call, self.now.0).outcome {
                Outcome::Answer(_) => return true,
                Outcome::Error(e)
                    if !matches!(e.http_status, 500..)
                        && !e.code.contains("Thrott")
                        && !e.code.contains("LimitExceeded") =>
                {
                    return false;
                }
                Outcome::Error(_) | Outcome::Lost => {}
            }
        }
        false
    }

    /// The same of Auto Scaling.
    pub fn outsider_of_groups(&mut self, call: GroupCall) -> bool {
        self.outsider(&AnyCall::AutoScaling(call))
    }

    /// After so long.
    #[must_use]
    pub fn in_ms(&self, after_ms: u32) -> Time {
        self.now.plus(ms(after_ms))
    }
}
