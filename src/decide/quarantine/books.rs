//! Where an instance in quarantine, or in reserve, is in the ledger: it holds its place under the group's maximum, and is no
//! slot's any more.

use crate::decide::ledger::{Ledger, count};
use crate::decide::serving::Served;
use crate::decide::words::{Ec2Id, InstanceRef, LaunchSeq, Phase, ScaleUpSeq, Time};

use super::words::{Purpose, QuarantineRow, QuarantineState};

impl Ledger {
    /// A broken instance leaves its slot, which is gone as far as its scale-up is concerned.
    pub fn set_aside(&mut self, instance: InstanceRef, now: Time, reason: &str) {
        let broken = self.current(instance).filter(|s| s.phase == Phase::Broken);
        let Some(id) = broken.and_then(|s| s.id) else { return };
        self.enter(instance.slot, Phase::Quarantined, now, Some(reason.to_string()));
        let Some(scale_up) = self.scale_ups.get(&instance.slot.scale_up) else { return };
        let version = self.groups[scale_up.group].version.clone();
        let Some(slot) = scale_up.slots.get(instance.slot.ordinal as usize) else { return };
        self.aside.insert(id, Served::of(scale_up, slot, instance.slot, version));
        // The place goes on being taken, by who is aside.
        let Some(scale_up) = self.scale_ups.get_mut(&instance.slot.scale_up) else { return };
        *scale_up.phases.get_mut(Phase::Quarantined) -= 1;
        *scale_up.phases.get_mut(Phase::Gone) += 1;
        if let Some(slot) = scale_up.slots.get_mut(instance.slot.ordinal as usize) {
            slot.phase = Phase::Gone;
        }
    }

    /// One that was in service is kept out of it: in quarantine, or in reserve.
    pub fn set_served_aside(&mut self, id: Ec2Id, to: Phase, now: Time, reason: &str) {
        let Some(served) = self.serving.get(&id) else { return };
        let from = if served.leaving { Phase::Terminating } else { Phase::InService };
        self.moves(id, from, to, now, reason);
        if let Some(served) = self.serving.remove(&id) {
            self.aside.insert(id, Served { leaving: false, since: now, ..served });
        }
    }

    /// It serves after all: somebody put it back.
    pub fn aside_serves(&mut self, id: Ec2Id, now: Time, reason: &str) {
        let Some(served) = self.aside.get(&id) else { return };
        let from = if served.leaving { Phase::Terminating } else { Phase::Quarantined };
        self.moves(id, from, Phase::InService, now, reason);
        if let Some(served) = self.aside.remove(&id) {
            self.serving.insert(id, Served { leaving: false, since: now, ..served });
        }
    }

    /// It is to be ended: booked before the call that does it.
    pub fn aside_leaves(&mut self, id: Ec2Id, now: Time, reason: &str) {
        if let Some(served) = self.aside.get_mut(&id).filter(|s| !s.leaving) {
            served.leaving = true;
            self.moves(id, Phase::Quarantined, Phase::Terminating, now, reason);
        }
    }

    /// It is gone, and its place is free.
    pub fn aside_is_gone(&mut self, id: Ec2Id, now: Time, reason: &str) {
        let Some(served) = self.aside.get(&id) else { return };
        let from = if served.leaving { Phase::Terminating } else { Phase::Quarantined };
        self.moves(id, from, Phase::Gone, now, reason);
        self.aside.remove(&id);
    }

    /// One of the reserve's becomes the next instance of a scale-up that has a slot queued. Where it was before is
    /// free; where it is now is for the caller to say.
    pub fn give_reserved(&mut self, id: Ec2Id, to: ScaleUpSeq, now: Time) -> Option<InstanceRef> {
        let served = self.aside.get(&id).filter(|s| !s.leaving).cloned()?;
        let slot = self.next_queued(to, now)?;
        let attempt = self.slot(slot)?.attempt;
        let instance = InstanceRef { slot, attempt };
        self.moves(id, Phase::Reserved, Phase::Gone, now, &format!("out of the reserve, as {instance}"));
        self.aside.remove(&id);
        let s = self.slot_mut(slot)?;
        (s.id, s.address, s.launch, s.pool) = (Some(id), served.address, served.launch, served.pool);
        (s.launched_at, s.running_at) = (served.since, served.running_at);
        Some(instance)
    }

    /// Puts a stored one back.
    pub fn restore_aside(&mut self, row: &QuarantineRow, group: usize) {
        let Some(instance) = row.instance else { return };
        let pool = self.pool_in(group, row.zone.as_deref());
        let leaving = row.state == QuarantineState::Leaving;
        let phase = match (leaving, row.purpose) {
            (true, _) => Phase::Terminating,
            (false, Purpose::Broken) => Phase::Quarantined,
            (false, Purpose::Reserve) => Phase::Reserved,
        };
        let served = Served {
            instance,
            group,
            pool,
            address: row.address,
            launch: row.launch.unwrap_or(LaunchSeq(0)),
            since: row.kept_at.unwrap_or(row.since),
            running_at: row.kept_at.unwrap_or(row.since),
            version: "".into(),
            leaving,
        };
        count(&mut self.groups[group], phase, pool, true);
        self.aside.insert(row.id, served);
    }
}
