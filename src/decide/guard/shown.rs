//! What is shown of holds and freezes, read off the books.

use std::collections::BTreeMap;

use super::hold::Hold;
use super::keep::{Keep, Key};
use super::lease::{FreezeRow, KeepState, LeaseState};
use crate::decide::Core;
use crate::decide::view::{FreezeView, HoldView, PendingMark};
use crate::decide::words::{Ec2Id, InstanceRef, Phase, ScaleUpSeq, Time};

impl Core {
    /// Until when those of a scale-up stay that muster has given up and somebody holds.
    pub(in crate::decide) fn held_back(&self, scale_up: ScaleUpSeq, now: Time) -> Vec<Time> {
        let held: BTreeMap<InstanceRef, Ec2Id> =
            self.guards.holds.values().filter_map(|h| Some((h.place?, h.row.instance))).collect();
        let stays = |(place, id): (InstanceRef, Ec2Id)| {
            let slot = self.ledger.current(place).filter(|_| place.slot.scale_up == scale_up)?;
            self.hold_on(id, now).filter(|_| slot.phase == Phase::Broken)
        };
        held.into_iter().filter_map(stays).collect()
    }

    pub(in crate::decide) fn hold_views(&self) -> Vec<HoldView> {
        let view = |h: &Hold| {
            let pending = self.pending(&self.keys_of_hold(h), h.row.lease.state);
            HoldView { row: h.row.clone(), pending }
        };
        self.guards.holds.values().map(view).collect()
    }

    pub(in crate::decide) fn freeze_views(&self) -> Vec<FreezeView> {
        let view = |f: &FreezeRow| {
            let keys: Vec<Key> = self.keys_of_freeze(f).into_iter().map(|(_, key)| key).collect();
            FreezeView { row: f.clone(), pending: self.pending(&keys, f.lease.state) }
        };
        self.guards.freezes.values().map(view).collect()
    }

    /// What is still to be set for a lease, or restored after it.
    fn pending(&self, keys: &[Key], lease: LeaseState) -> Vec<PendingMark> {
        let waits = |state: KeepState| match lease {
            LeaseState::Asked | LeaseState::InForce => state != KeepState::Set,
            LeaseState::Ending => state == KeepState::Undoing,
            LeaseState::Done => false,
        };
        let kept = keys.iter().filter_map(|key| self.guards.keeps.get(key));
        let line = |keep: &Keep| PendingMark {
            subject: keep.row.subject.clone(),
            marking: keep.row.marking,
            state: keep.row.state,
            error: keep.row.error.clone(),
        };
        kept.filter(|k| waits(k.row.state)).map(line).collect()
    }
}
