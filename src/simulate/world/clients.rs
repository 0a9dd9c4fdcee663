//! Those who ask, and the faults that come and heal.

use crate::decide::event::{Ask, Event, Ticket};
use crate::sim::model::Change;

use super::super::oracle::Invariant;
use super::super::plan::START;
use super::{Asking, Coming, World, ms};

/// A client that got no answer asks again after so long, with the same idempotency key.
const ASK_AGAIN_MS: u32 = 3_000;
/// Tickets of orders begin here; below are those of requests.
const ORDERS: u64 = 1 << 31;

impl World {
    pub(super) fn ask(&mut self, i: usize) {
        if self.asking[i].answered.is_some() {
            return;
        }
        let asked = self.plan.asks[i].clone();
        let group = self.plan.groups[asked.group].name.clone();
        let n = self.serial;
        let now = self.now;
        let emergency = self.plan.emergencies.contains(&i);
        if let Some(host) = self.current() {
            let ask = Ask {
                id: format!("scale-up-{i}-{n}"),
                group,
                count: asked.count,
                by: asked.by_ms.map(|by| START.plus(ms(by))).filter(|by| *by > now),
                reason: "simulated".into(),
                idempotency_key: Some(format!("ask-{i}")),
                all_or_nothing: false,
                emergency,
            };
            let ticket = Ticket(i as u64 + 1);
            host.inbox.push(Event::ScaleUpAsked { ask, ticket });
            let life = host.life;
            self.turn(life);
        }
        self.after(ASK_AGAIN_MS, Coming::Ask(i));
    }

    pub(super) fn cancel(&mut self, i: usize) {
        let Some(id) = self.asking[self.plan.cancels[i].ask].accepted.clone() else { return };
        if let Some(host) = self.current() {
            host.inbox.push(Event::CancelAsked { id, reason: "simulated".into(), ticket: Ticket(0) });
            let life = host.life;
            self.turn(life);
        }
    }

    /// An operator orders something, until it is answered.
    pub(super) fn order(&mut self, i: usize) {
        if self.ordering[i].answered.is_some() {
            return;
        }
        let order = self.plan.orders[i].1.clone();
        if let Some(host) = self.current() {
            host.inbox.push(Event::Ordered { order, ticket: Ticket(ORDERS + i as u64) });
            let life = host.life;
            self.turn(life);
        }
        self.after(ASK_AGAIN_MS, Coming::Order(i));
    }

    /// What was asked (from 1) or ordered with this ticket; nobody waits for a cancellation's.
    pub(super) fn asker(&mut self, ticket: Ticket) -> Option<&mut Asking> {
        let index = |from: u64| usize::try_from(ticket.0.checked_sub(from)?).ok();
        match index(ORDERS) {
            Some(i) => self.ordering.get_mut(i),
            None => self.asking.get_mut(index(1)?),
        }
    }

    pub(super) fn change(&mut self, i: usize) {
        if !self.healed {
            let change = self.plan.changes[i].1.clone();
            self.apply(&change);
        }
    }

    pub(super) fn apply(&mut self, change: &Change) {
        self.note(|| format!("aws changes: {change:?}"));
        if let Err(error) = self.model.change(change, self.now.0) {
            self.oracle.violated(self.now, Invariant::Store, format!("the plan is wrong: {error}"));
        }
    }

    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.plan.network.loss = 0.0;
        self.apply(&Change::healed());
    }
}
