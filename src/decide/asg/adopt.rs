//! An instance that its group launched for somebody else gets a place in the books, and is let in when it
//! is verified.

use crate::decide::hook::door::goes_to_warm_pool;
use crate::decide::hook::notice::{HookResult, Place, Transition};
use crate::decide::rows::ScaleUpRow;
use crate::decide::words::{Ec2Id, InstanceRef, LaunchSeq, Origin, Phase, ScaleUpSeq, ScaleUpState, Time};
use crate::decide::{Core, Now};

use super::replaced::Replaced;

/// Instances that are adopted into one scale-up: beyond, another is opened, so that books can be closed.
const MOST: u32 = 10_000;

impl Core {
    /// Gives an instance a place in the books: in a slot that waits for its group to launch one, or in one of its
    /// own.
    pub(in crate::decide) fn adopt(
        &mut self,
        group: usize,
        id: Ec2Id,
        destination: Option<Place>,
        now: &mut Now,
    ) -> InstanceRef {
        let warm = goes_to_warm_pool(destination);
        if !warm && let Some(instance) = self.fulfil(group, id, now) {
            return instance;
        }
        let waiting = if warm { None } else { self.fills_a_waiting_slot(group, id, now) };
        let instance = if let Some(instance) = waiting {
            instance
        } else {
            let seq = self.adopting(group, now);
            let Some(instance) = self.ledger.add_slot(seq, id, now.time) else { return InstanceRef::NOBODY };
            instance
        };
        if warm {
            let text = format!("{id} is on its way into the warm pool");
            self.ledger.journal(now.time, Some(instance.slot.scale_up), Some(instance), "warm_pool", text);
        }
        self.members.insert(id, instance);
        // If only a few may be tried, this is one of them.
        self.launches.plans[group].guard.launched(&[instance]);
        self.watch_boot(instance, id, now);
        instance
    }

    /// A group that has no place left replaced one of ours by itself: what comes is what a slot of ours waits
    /// for, which nothing else could ever fill.
    fn fills_a_waiting_slot(&mut self, group: usize, id: Ec2Id, now: &Now) -> Option<InstanceRef> {
        // What we launched ourselves and were not answered about has a slot already.
        let unsettled = || self.launches.open.values().any(|l| l.group == group);
        // What is launched for others is not for the reserve.
        if self.ledger.groups[group].queued == self.queued_for_reserve(group) || unsettled() {
            return None;
        }
        let (max, live) = self.occupied(group);
        if live < max {
            return None;
        }
        let instance = self.ledger.assign(group, 1, LaunchSeq(0), u16::MAX, now.time).pop()?;
        let slot = self.ledger.slot_mut(instance.slot)?;
        (slot.id, slot.launched_at) = (Some(id), now.time);
        self.ledger.enter(instance.slot, Phase::Booting, now.time, None)
    }

    /// The scale-up that a group's instances are adopted into; opened if there is none.
    fn adopting(&mut self, group: usize, now: &mut Now) -> ScaleUpSeq {
        let open = self.asgs[group].adopting.filter(|seq| {
            self.ledger
                .scale_ups
                .get(seq)
                .is_some_and(|s| s.row.state == ScaleUpState::Open && s.row.wanted < MOST)
        });
        if let Some(seq) = open {
            return seq;
        }
        let seq = ScaleUpSeq(self.last_scale_up + 1);
        self.last_scale_up = seq.0;
        let name = self.ledger.groups[group].spec.name.clone();
        let row = ScaleUpRow {
            seq,
            id: id_of(now.time, now.rng.next_u64(), now.rng.next_u64()),
            group: name,
            origin: Origin::Adopted,
            wanted: 0,
            planned: 0,
            by: None,
            reason: format!("launched by {}", self.asgs[group].name.as_deref().unwrap_or("its group")),
            idempotency_key: None,
            state: ScaleUpState::Open,
            accepted_at: now.time,
            done_at: None,
            in_service: 0,
            withdrawn: 0,
            eta_ms: -1,
            cancel_reason: None,
        };
        self.ledger.open(row, group);
        self.asgs[group].adopting = Some(seq);
        seq
    }

    /// A launch of ours gave this instance. Its group may have told of it before the answer came, so that it
    /// was adopted: it has one place, and that is the one it was launched for.
    pub(in crate::decide) fn claim(&mut self, id: Ec2Id, instance: InstanceRef, now: &mut Now) {
        let adopted = self.members.insert(id, instance).filter(|old| old.slot != instance.slot);
        let Some(old) = adopted.filter(|old| self.ledger.current(*old).is_some_and(|s| s.id == Some(id)))
        else {
            return;
        };
        for transition in [Transition::Launching, Transition::Terminating] {
            for seq in self.hooks.of(id, transition) {
                let row = self.hooks.change(seq, |h| h.row.instance = Some(instance));
                self.ledger.changes.hooks.extend(row);
            }
        }
        let occupies =
            self.ledger.current(old).is_some_and(|s| s.phase.occupies() && s.phase != Phase::InService);
        if occupies {
            let reason = format!("launched for {instance}");
            self.ledger.enter(old.slot, Phase::Gone, now.time, Some(reason.clone()));
            let old_one = self.ledger.scale_ups.get(&old.slot.scale_up).map(|s| (s.row.origin, s.group));
            if let Some((_, group)) = old_one.filter(|(origin, _)| *origin != Origin::Adopted) {
                // It was taken for the replacement of another of ours, which is still to come.
                self.launches.plans[group].guard.withdrawn(old);
                self.is_replaced(group, old.slot, Replaced::Surely, now);
            } else {
                self.ledger.withdraw(old.slot, now.time, reason);
            }
        }
    }

    /// A restored scale-up goes on taking adopted instances in.
    pub(in crate::decide) fn goes_on_adopting(&mut self, group: usize, seq: ScaleUpSeq) {
        self.asgs[group].adopting = Some(seq);
    }

    /// It is verified: its group is told to go on, now or when we hear of the action that waits for it.
    pub(in crate::decide) fn admit(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some((group, id)) = self.place(instance) else { return };
        self.ledger.enter(instance.slot, Phase::Admitting, now.time, None);
        let open = self.hooks.of(id, Transition::Launching);
        if open.is_empty() {
            // Its notification is late or lost, or the group has no hooks: the group knows.
            self.sweep_soon(group, now);
        }
        for seq in open {
            self.settle_hook(seq, HookResult::Continue, now);
        }
    }

    /// The group and id of an instance that is in our books.
    pub(in crate::decide) fn place(&self, instance: InstanceRef) -> Option<(usize, Ec2Id)> {
        let id = self.ledger.current(instance)?.id?;
        Some((self.ledger.scale_ups.get(&instance.slot.scale_up)?.group, id))
    }
}

/// A UUID of version 7 out of a time and 128 random bits.
pub(in crate::decide) fn id_of(at: Time, high: u64, low: u64) -> String {
    let ms = u64::try_from(at.0).unwrap_or(0) & 0xffff_ffff_ffff;
    let (a, b) = (high & 0x0fff, low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000);
    format!("{:08x}-{:04x}-7{a:03x}-{:04x}-{:012x}", ms >> 16, ms & 0xffff, b >> 48, b & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adopting_scale_up_has_an_id_like_any_other() {
        let id = id_of(Time(1_800_000_000_000), 1, 2);
        assert_eq!(id, "01a3185c-5000-7001-8000-000000000002");
        assert_eq!(id_of(Time(1_800_000_000_000), u64::MAX, u64::MAX).len(), 36);
    }
}
