//! Where an instance in quarantine is in the ledger: it holds its place under the group's maximum, and is no
//! slot's any more.

use crate::decide::ledger::{Ledger, count};
use crate::decide::serving::Served;
use crate::decide::words::{Ec2Id, InstanceRef, LaunchSeq, Phase, Time};

use super::words::{QuarantineRow, QuarantineState};

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

    /// One that was in service is kept out of it.
    pub fn set_served_aside(&mut self, id: Ec2Id, now: Time, reason: &str) {
        let Some(served) = self.serving.get(&id) else { return };
        let from = if served.leaving { Phase::Terminating } else { Phase::InService };
        self.moves(id, from, Phase::Quarantined, now, reason);
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

    /// Puts a stored one back.
    pub fn restore_aside(&mut self, row: &QuarantineRow, group: usize) {
        let Some(instance) = row.instance else { return };
        let pool = self.pool_in(group, row.zone.as_deref());
        let leaving = row.state == QuarantineState::Leaving;
        let phase = if leaving { Phase::Terminating } else { Phase::Quarantined };
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
