//! Those who do not mean well, or do not know better: who asks for fewer, and who calls instances
//! unhealthy.

use crate::decide::action::{Accepted, Refusal};
use crate::decide::event::{Event, Ticket};
use crate::decide::order::Order;
use crate::decide::quarantine::words::{Purpose, QuarantineState};
use crate::decide::retire::scale_in::ScaleInAsk;
use crate::decide::rows::JournalRow;
use crate::decide::words::{Ec2Id, Phase, Time};
use crate::sim::model::autoscaling::call::Call as GroupCall;
use crate::sim::model::autoscaling::words::HealthStatus;
use crate::sim::model::call::{Call as AnyCall, Outcome};
use crate::sim::model::ec2::Health;

use super::{Coming, World, ms};

/// Tickets of scale-ins begin here, above those of the plan's orders and below people's.
const FIRST: u64 = 5 << 29;
/// A call that was throttled is made again after so long.
const SAY_AGAIN_MS: u32 = 500;
/// Nobody waits longer for an answer.
const ASK_AGAIN_MS: u32 = 3_000;

/// How far somebody has come who asks for fewer.
#[derive(Clone, Debug, Default)]
pub struct Scaling {
    pub asked: Option<Time>,
    /// When it was answered, which is after it was journalled.
    pub answered: Option<Time>,
    pub refused: Option<String>,
}

impl World {
    pub(super) fn scale_in(&mut self, i: usize) {
        if self.scaling[i].answered.is_some() {
            return;
        }
        let asked = self.plan.scale_ins[i].clone();
        let group = self.plan.groups[asked.group].name.clone();
        let now = self.now;
        if let Some(host) = self.current() {
            let ask = ScaleInAsk {
                id: format!("scale-in-{i}"),
                group,
                count: asked.count,
                reason: "CPU is low".into(),
                idempotency_key: Some(format!("scale-in-{i}")),
            };
            host.inbox.push(Event::Ordered { order: Order::ScaleIn(ask), ticket: Ticket(FIRST + i as u64) });
            let life = host.life;
            self.scaling[i].asked.get_or_insert(now);
            self.turn(life);
        }
        self.after(ASK_AGAIN_MS, Coming::ScaleIn(i));
    }

    /// False if the ticket is not of a scale-in.
    pub(super) fn scale_in_answered(&mut self, ticket: Ticket, answer: &Result<Accepted, Refusal>) -> bool {
        let place = ticket.0.checked_sub(FIRST).and_then(|i| usize::try_from(i).ok());
        let Some(scaling) = place.and_then(|i| self.scaling.get_mut(i)) else { return false };
        scaling.answered.get_or_insert(self.now);
        scaling.refused = answer.as_ref().err().map(ToString::to_string);
        true
    }

    /// A health check of somebody else's turns against a share of those in service: the dead, and as many
    /// others as that takes.
    pub(super) fn report(&mut self, i: usize) {
        let report = self.plan.reports[i].clone();
        let serving: Vec<(Ec2Id, bool)> = self
            .books
            .instances
            .values()
            .filter(|row| row.phase == Phase::InService)
            .filter_map(|row| Some((row.id?, row.address?)))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(id, address)| (id, self.serves_at(address)))
            .collect();
        let wanted = serving.len() * report.percent as usize / 100;
        let (alive, dead): (Vec<_>, Vec<_>) = serving.into_iter().partition(|(_, serves)| *serves);
        let mut chosen = dead;
        let mut others = alive;
        while chosen.len() < wanted && !others.is_empty() {
            let most = u32::try_from(others.len() - 1).unwrap_or(u32::MAX);
            chosen.push(others.swap_remove(self.dice.between(0, most) as usize));
        }
        for (id, serves) in chosen {
            let at = self.dice.between(0, report.over_ms);
            self.after(at, Coming::Call { id, healthy: false });
            if serves {
                self.after(report.over_ms + report.for_ms, Coming::Call { id, healthy: true });
            }
        }
    }

    pub(super) fn call_health(&mut self, id: Ec2Id, healthy: bool) {
        let status = if healthy { HealthStatus::Healthy } else { HealthStatus::Unhealthy };
        self.note(|| format!("somebody calls {id} {status:?}"));
        let call = GroupCall::SetInstanceHealth { id: id.to_string(), status, respect_grace_period: false };
        match self.model.handle(&AnyCall::AutoScaling(call), self.now.0).outcome {
            // One that has gone meanwhile is nobody's any more.
            Outcome::Error(error) if error.code == "ValidationError" => {}
            Outcome::Answer(_) => {}
            // Theirs is the bucket that is muster's too.
            Outcome::Error(_) | Outcome::Lost => self.after(SAY_AGAIN_MS, Coming::Call { id, healthy }),
        }
    }

    fn serves_at(&mut self, address: std::net::IpAddr) -> bool {
        match address {
            std::net::IpAddr::V4(address) => self.model.health(address, self.now.0) == Some(Health::Serving),
            std::net::IpAddr::V6(_) => false,
        }
    }

    /// What is to be judged about instances in service: would it be right to end this one now?
    ///
    /// By the truth alone: it does not serve, or the group really has more than it needs.
    pub(super) fn judge_removals(&mut self, ids: &[Ec2Id]) {
        let since_ms = self.now.0 - super::START.0;
        let idle =
            self.plan.idle.iter().any(|(from, to)| (i64::from(*from)..i64::from(*to)).contains(&since_ms));
        for id in ids {
            let Some(row) = self.books.holder(*id).cloned() else { continue };
            // What is in reserve served only to be verified.
            let kept = self.books.quarantine.get(id).filter(|q| q.purpose == Purpose::Reserve);
            if kept.is_some_and(|q| matches!(q.state, QuarantineState::Kept | QuarantineState::Leaving)) {
                continue;
            }
            if !self.oracle.has_served(row.instance) {
                continue;
            }
            let serves = row.address.is_some_and(|address| self.serves_at(address));
            self.removed.push((self.now, *id, serves));
            if serves && !idle {
                let text = format!("{id} serves, its group is not idle, and it is ended");
                self.oracle.violated(self.now, super::Invariant::I6, text);
            }
        }
    }

    /// How few members ever were in service, from when the plan wants to know.
    pub(super) fn count_serving(&mut self) {
        if self.plan.watch_from_ms.is_some_and(|from| self.now >= super::START.plus(ms(from))) {
            let serving = self.model.tallies().map(|(_, tally)| tally.in_service).sum();
            self.fewest = self.fewest.min(serving);
        }
    }

    pub(super) fn book_valve(&mut self, row: &JournalRow) {
        if row.kind == "valve_shut" {
            self.valve_shut.push(self.now);
        }
    }
}
