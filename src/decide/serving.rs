//! Who is in service: every instance that got there, whether or not its scale-up is done.
//!
//! A slot's life ends when its instance is in service: what its scale-up promised is kept. From then on
//! the instance is here, and whatever takes it away goes through [`Ledger::leaves_service`] and
//! [`Ledger::has_left`], which keep the group's counts, the row and the journal line together as
//! [`Ledger::enter`] does for slots. The slot and its scale-up are not touched again.

use std::net::IpAddr;
use std::sync::Arc;

use super::ledger::{Ledger, ScaleUp, Slot, count};
use super::rows::InstanceRow;
use super::words::{Ec2Id, InstanceRef, LaunchSeq, Phase, SlotId, Time};

/// An instance in service, or on its way out of it. About 120 bytes: 100,000 of them are 12 MB.
#[derive(Clone, Debug)]
pub struct Served {
    pub instance: InstanceRef,
    pub group: usize,
    /// Index into the group's pools; `u16::MAX` where its own group launched it.
    pub pool: u16,
    pub address: Option<IpAddr>,
    pub launch: LaunchSeq,
    /// In service since.
    pub since: Time,
    /// First seen running.
    pub running_at: Time,
    /// The launch version that was configured then; empty where that is not known any more.
    pub version: Arc<str>,
    /// A terminate call that names it is committed.
    pub leaving: bool,
}

impl Served {
    /// What a slot's instance is from now on.
    pub(super) fn of(scale_up: &ScaleUp, slot: &Slot, at: SlotId, version: Arc<str>) -> Served {
        Served {
            instance: InstanceRef { slot: at, attempt: slot.attempt },
            group: scale_up.group,
            pool: slot.pool,
            address: slot.address,
            launch: slot.launch,
            since: slot.since,
            running_at: slot.running_at,
            version,
            leaving: false,
        }
    }
}

impl Ledger {
    /// Those of one group that serve, and those that leave.
    pub fn served(&self, group: usize) -> impl Iterator<Item = (Ec2Id, &Served)> + '_ {
        self.serving.iter().filter(move |(_, s)| s.group == group).map(|(id, s)| (*id, s))
    }

    #[must_use]
    pub fn served_zone(&self, served: &Served) -> Arc<str> {
        self.zone_at(served.group, served.pool)
    }

    /// It is to go: booked before the call that ends it. False if it does not serve, or leaves already.
    pub fn leaves_service(&mut self, id: Ec2Id, now: Time, reason: &str) -> bool {
        let Some(served) = self.serving.get_mut(&id).filter(|s| !s.leaving) else { return false };
        served.leaving = true;
        self.moves(id, Phase::InService, Phase::Terminating, now, reason);
        true
    }

    /// It was to go and stays: nothing was done to it.
    pub fn stays_in_service(&mut self, id: Ec2Id, now: Time, reason: &str) {
        if let Some(served) = self.serving.get_mut(&id).filter(|s| s.leaving) {
            served.leaving = false;
            self.moves(id, Phase::Terminating, Phase::InService, now, reason);
        }
    }

    /// It is gone, by us or by somebody else.
    pub fn has_left(&mut self, id: Ec2Id, now: Time, reason: &str) {
        let Some(served) = self.serving.get(&id) else { return };
        let from = if served.leaving { Phase::Terminating } else { Phase::InService };
        self.moves(id, from, Phase::Gone, now, reason);
        self.serving.remove(&id);
    }

    pub(super) fn moves(&mut self, id: Ec2Id, from: Phase, to: Phase, now: Time, reason: &str) {
        let known = self.serving.get(&id).or_else(|| self.aside.get(&id));
        let Some(served) = known.cloned() else { return };
        let zone = self.served_zone(&served);
        let group = &mut self.groups[served.group];
        count(group, from, served.pool, false);
        count(group, to, served.pool, true);
        let row = InstanceRow {
            instance: served.instance,
            group: group.spec.name.clone(),
            phase: to,
            since: now,
            launch: (served.launch.0 != 0).then_some(served.launch),
            id: Some(id),
            address: served.address,
            zone: (!zone.is_empty()).then(|| zone.to_string()),
            reason: Some(reason.to_string()),
        };
        self.changes.instances.push(row);
        let (scale_up, text) = (served.instance.slot.scale_up, reason.to_string());
        self.journal(now, Some(scale_up), Some(served.instance), to.as_str(), text);
    }

    /// Puts a stored instance back that is in service, or is leaving it.
    pub(super) fn restore_served(&mut self, row: &InstanceRow, group: usize, pool: u16, version: Arc<str>) {
        let Some(id) = row.id else { return };
        let served = Served {
            instance: row.instance,
            group,
            pool,
            address: row.address,
            launch: row.launch.unwrap_or(LaunchSeq(0)),
            since: row.since,
            running_at: row.since,
            version,
            leaving: row.phase == Phase::Terminating,
        };
        self.serving.insert(id, served);
    }
}
