//! Overrides: somebody lets a group launch more than its gateways are known to carry, by name and until then.
//!
//! Of a whole group, or of one scale-up: then as much is let through as is queued up to and with it, since older ones
//! go first, and the override ends when that scale-up is done.

use super::gate::{LONGEST_OVERRIDE, MOST_OVERRIDES, OverrideRow};
use crate::decide::action::{Accepted, Refusal};
use crate::decide::guard::hold::{EndAsk, how_it_ends};
use crate::decide::guard::lease::{Lease, LeaseEnd, LeaseState};
use crate::decide::words::{Phase, ScaleUpSeq, ScaleUpState, Time};
use crate::decide::{Core, Now};

/// An override as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideAsk {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    /// A group's name, or the public id of a scale-up that is open.
    pub subject: String,
    pub until: Time,
    pub owner: String,
    pub reason: String,
}

impl Core {
    /// Takes an override, or says why not. The same owner who asks again for the same moves the end.
    pub(in crate::decide) fn override_gates(
        &mut self,
        ask: OverrideAsk,
        now: &Now,
    ) -> Result<Accepted, Refusal> {
        let (group, scale_up) = self.subject_of(&ask.subject)?;
        let name = self.ledger.groups[group].spec.name.clone();
        if self.ledger.groups[group].spec.bounds.gates.is_empty() {
            return Err(Refusal::NoGates { group: name });
        }
        if ask.until <= now.time || ask.until > now.time.plus(LONGEST_OVERRIDE) {
            return Err(Refusal::LeaseEnd { most_s: LONGEST_OVERRIDE.as_secs() });
        }
        let same = |o: &&mut OverrideRow| {
            o.group == name && o.scale_up == scale_up && o.lease.owner == ask.owner && o.lease.holds(now.time)
        };
        if let Some(open) = self.gateways.gates.overrides.values_mut().find(same) {
            open.lease.until = open.lease.until.max(ask.until);
            open.lease.reason = ask.reason;
            self.ledger.changes.overrides.push(open.clone());
            return Ok(Accepted { id: open.lease.id.clone(), repeated: true });
        }
        if self.gateways.gates.overrides.len() >= MOST_OVERRIDES {
            return Err(Refusal::LeasesFull { most: MOST_OVERRIDES });
        }
        let what = scale_up.map_or(String::new(), |seq| format!(", up to scale-up {}", seq.0));
        let text = format!("group {name}{what}: {} overrides its gates: {}", ask.owner, ask.reason);
        self.ledger.journal(now.time, scale_up, None, "gate_override", text);
        let mut lease = Lease::new(ask.id.clone(), ask.owner, ask.reason, now.time, ask.until);
        // Nothing is to be marked at AWS for it.
        (lease.state, lease.in_force_at) = (LeaseState::InForce, Some(now.time));
        let row = OverrideRow { lease, group: name, scale_up };
        self.ledger.changes.overrides.push(row.clone());
        self.gateways.gates.overrides.insert(ask.id.clone(), row);
        Ok(Accepted { id: ask.id, repeated: false })
    }

    fn subject_of(&self, subject: &str) -> Result<(usize, Option<ScaleUpSeq>), Refusal> {
        let by_id = || {
            let seq = self.ledger.scale_up_by_id(subject)?;
            Some((self.ledger.scale_ups.get(&seq)?.group, Some(seq)))
        };
        let found = self.ledger.group_index(subject).map(|group| (group, None)).or_else(by_id);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.ledger.groups.iter().map(|g| g.spec.name.as_str()).collect();
            Refusal::NothingToOverride { subject: subject.to_string(), known: names.join(", ") }
        })
    }

    /// Ends an override before its time.
    pub(in crate::decide) fn end_override(&mut self, ask: EndAsk, now: &Now) -> Result<Accepted, Refusal> {
        let Some(row) = self.gateways.gates.overrides.get(&ask.id) else {
            return Err(Refusal::UnknownLease { what: "override", id: ask.id });
        };
        let how = how_it_ends(&row.lease, &ask)?;
        self.override_ends(&ask.id, how, Some(ask.by), now.time);
        Ok(Accepted { id: ask.id, repeated: false })
    }

    /// Slots that are let through whatever gateways carry.
    pub(super) fn overridden(&self, group: usize, now: Time) -> u32 {
        let name = &self.ledger.groups[group].spec.name;
        let of_it = self.gateways.gates.overrides.values();
        let of_it = of_it.filter(|o| o.group == *name && o.lease.holds(now));
        of_it.map(|o| o.scale_up.map_or(u32::MAX, |seq| self.queued_up_to(group, seq))).max().unwrap_or(0)
    }

    fn queued_up_to(&self, group: usize, last: ScaleUpSeq) -> u32 {
        let of_it = self.ledger.scale_ups.range(..=last).map(|(_, s)| s).filter(|s| s.group == group);
        of_it.map(|s| s.phases.get(Phase::Queued)).sum()
    }

    /// Ends those whose time is over, or that have nothing left to let through.
    pub(super) fn end_overrides(&mut self, now: Time) {
        let is_done = |seq: ScaleUpSeq| {
            self.ledger.scale_ups.get(&seq).is_none_or(|s| s.row.state == ScaleUpState::Done)
        };
        let done = |o: &OverrideRow| o.scale_up.is_some_and(is_done);
        let over = |o: &&OverrideRow| !o.lease.holds(now) || done(o);
        let over: Vec<String> =
            self.gateways.gates.overrides.values().filter(over).map(|o| o.lease.id.clone()).collect();
        for id in over {
            self.override_ends(&id, LeaseEnd::Expired, None, now);
        }
        let next = self.gateways.gates.overrides.values().map(|o| o.lease.until).min();
        self.gateways.gates.wake = self.gateways.gates.wake.into_iter().chain(next).min();
    }

    fn override_ends(&mut self, id: &str, how: LeaseEnd, by: Option<String>, now: Time) {
        let Some(mut row) = self.gateways.gates.overrides.remove(id) else { return };
        let who = by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
        let text = format!("group {}: {}'s override of its gates is {how}{who}", row.group, row.lease.owner);
        row.lease.end(how, by, now);
        (row.lease.state, row.lease.done_at) = (LeaseState::Done, Some(now));
        self.ledger.journal(now, row.scale_up, None, "gate_override_end", text);
        self.ledger.changes.overrides.push(row);
    }
}
