//! Out of the reserve and into service.
//!
//! One of the reserve's is given to a queued slot: of an emergency first, and of any scale-up for which its group has no
//! other place. From then on it is that slot's instance, and is verified again, since it may have rotted
//! meanwhile; it served before, so that as many failures in a row as make a hang are the end of it. A member of
//! an Auto Scaling group is then let in by `ExitStandby`, which raises the desired capacity by as many, and serves
//! when a look shows it. Whoever is not fit any more, or not wanted, leaves its slot and is ended like those whose
//! quarantine is over; the slot gets another.

use std::collections::BTreeMap;
use std::time::Duration;

use super::calls::{AFTER_FAILURE, AFTER_REFUSED_END, AFTER_THROTTLE, LAG, MOST_MOVED};
use super::words::{Keeping, Purpose, QuarantineEnd, QuarantineState};
use super::{Kept, Try};
use crate::decide::asg::room::takes_a_place;
use crate::decide::asg::seen::Lifecycle;
use crate::decide::boots::ids_in;
use crate::decide::contacts::timeout;
use crate::decide::event::{CallError, Contact};
use crate::decide::mark::Mark;
use crate::decide::timers::Due;
use crate::decide::words::{
    Ec2Id, ErrorClass, Failure, InstanceRef, Origin, Phase, ScaleUpSeq, ScaleUpState, Time,
};
use crate::decide::{Core, Now};

/// A proof of service lets an instance in for so long, as for those that are new.
const STALE: Duration = Duration::from_secs(30);

impl Core {
    /// Gives what is in reserve to those who want it.
    pub(super) fn use_reserve(&mut self, group: usize, now: &mut Now) {
        let mut ready = self.ready_in(group, now.time);
        let fit = self.may_be_let_in(group).min(ready.len());
        ready.drain(..ready.len() - fit);
        if ready.is_empty() {
            return;
        }
        for emergency in [true, false] {
            let short = if emergency { usize::MAX } else { self.places_short(group, 0) as usize };
            for (seq, queued) in self.who_waits(group, emergency) {
                for _ in 0..(queued as usize).min(short) {
                    let Some(id) = ready.pop() else { return };
                    self.give_out(id, group, seq, now);
                }
            }
        }
    }

    /// Those that can be given out, the one that is there longest last.
    fn ready_in(&self, group: usize, now: Time) -> Vec<Ec2Id> {
        let grouped = self.asgs[group].name.is_some();
        let shown = |id: &Ec2Id| {
            let seen = self.asgs[group].seen.as_ref();
            seen.and_then(|s| s.members.get(id)).is_some_and(|m| m.lifecycle == Lifecycle::Standby)
        };
        // Whoever has drained a zone wants nothing new to serve there.
        let name = &self.ledger.groups[group].spec.name;
        let drained =
            |zone: &Option<String>| zone.as_ref().is_some_and(|zone| self.zones.percent(name, zone) == 0);
        let ready = |k: &&Kept| {
            k.is_of_reserve(group)
                && k.row.state == QuarantineState::Kept
                && k.row.address.is_some()
                && !drained(&k.row.zone)
                && self.hold_on(k.row.id, now).is_none()
                && (!grouped || shown(&k.row.id))
        };
        let ready = self.quarantine.rows.values().filter(ready);
        let mut ready: Vec<(Time, Ec2Id)> = ready.map(|k| (k.row.since, k.row.id)).collect();
        ready.sort_unstable_by(|a, b| b.cmp(a));
        ready.into_iter().map(|(_, id)| id).collect()
    }

    /// So many more can come out of standby: each raises the desired capacity by one, which its group's maximum limits.
    fn may_be_let_in(&self, group: usize) -> usize {
        if self.asgs[group].name.is_none() {
            return usize::MAX;
        }
        let coming = self
            .quarantine
            .rows
            .values()
            .filter(|k| k.is_of_reserve(group) && k.row.state == QuarantineState::Joining);
        let seen = self.asgs[group].seen.as_ref();
        let room = seen.map_or(0, |s| s.max.saturating_sub(s.desired) as usize);
        room.saturating_sub(coming.count())
    }

    /// Scale-ups of a group with slots that are queued, the oldest first: those of an emergency, or all others.
    fn who_waits(&self, group: usize, emergency: bool) -> Vec<(ScaleUpSeq, u32)> {
        let of = self.ledger.scale_ups.iter().filter(|(_, s)| s.group == group);
        let of = of.filter(|(_, s)| s.row.state == ScaleUpState::Open && s.phases.get(Phase::Queued) > 0);
        let of = of.filter(|(_, s)| match s.row.origin {
            Origin::Emergency => emergency,
            Origin::Asked | Origin::Replacing => !emergency,
            Origin::Adopted | Origin::Reserving => false,
        });
        of.map(|(seq, s)| (*seq, s.phases.get(Phase::Queued))).collect()
    }

    fn give_out(&mut self, id: Ec2Id, group: usize, to: ScaleUpSeq, now: &mut Now) {
        let Some(instance) = self.ledger.give_reserved(id, to, now.time) else { return };
        let Some(kept) = self.quarantine.rows.get_mut(&id) else { return };
        kept.row.state = QuarantineState::Joining;
        kept.row.instance = Some(instance);
        kept.call = Try::default();
        self.write_quarantine(id);
        if self.asgs[group].name.is_some() {
            self.members.insert(id, instance);
        }
        let text = format!("{id}: out of the reserve; it is verified again before it serves");
        self.ledger.journal(now.time, Some(to), Some(instance), "out_of_reserve", text);
        self.start_verifying(instance, now);
        self.ledger.write(instance, Some("out of the reserve".to_string()));
    }

    /// It comes out of the reserve, and does not serve yet.
    pub(in crate::decide) fn is_joining(&self, instance: InstanceRef) -> bool {
        self.joining(instance).is_some()
    }

    fn joining(&self, instance: InstanceRef) -> Option<Ec2Id> {
        let id = self.ledger.current(instance)?.id?;
        let kept = self.quarantine.rows.get(&id)?;
        let joins = kept.row.state == QuarantineState::Joining && kept.row.instance == Some(instance);
        joins.then_some(id)
    }

    /// A probe of one that comes out of the reserve: it served before.
    pub(in crate::decide) fn reserved_probed(
        &mut self,
        instance: InstanceRef,
        outcome: Contact,
        now: &mut Now,
    ) {
        let Some(spec) = self.ledger.spec_of(instance.slot).cloned() else { return };
        let needed = self.silences_needed(spec.watchdogs.hangs);
        let Some(slot) = self.ledger.slot_mut(instance.slot) else { return };
        let counts = &mut slot.contact;
        let (spent, failed) = match outcome {
            Contact::Passed => {
                (counts.hangs, counts.passes) = (0, counts.passes.saturating_add(1));
                (Duration::ZERO, None)
            }
            Contact::NotTried(_) => (Duration::ZERO, None),
            Contact::Hung(what) => (timeout(Phase::Verifying, &spec), Some(what)),
            Contact::Rejected(what) | Contact::Unreachable(what) => (Duration::ZERO, Some(what)),
        };
        if let Some(what) = failed {
            (counts.hangs, counts.passes) = (counts.hangs.saturating_add(1), 0);
            if counts.hangs >= needed {
                let reason = format!("in reserve, and did not serve {} times in a row: {what}", counts.hangs);
                self.give_up(instance, reason, now);
                return;
            }
        } else if counts.passes >= spec.passes {
            self.verified(instance, now);
            return;
        }
        self.timers.set(now.time.plus(spec.contact_every.saturating_sub(spent)), Due::Contact(instance));
    }

    /// It serves.
    pub(in crate::decide) fn has_joined(&mut self, instance: InstanceRef, now: &Now) {
        if let Some(id) = self.joining(instance) {
            self.is_used(id, now);
        }
        self.quarantine.joined.remove(&instance);
    }

    fn is_used(&mut self, id: Ec2Id, now: &Now) {
        let Some(mut kept) = self.quarantine.rows.remove(&id) else { return };
        kept.end(QuarantineState::Done, QuarantineEnd::Used, now.time);
        self.quarantine.joined.extend(kept.row.instance);
        self.ledger.changes.quarantine.push(kept.row);
    }

    /// One that comes out of the reserve is not fit, or not wanted any more: it leaves its slot and is ended. False if
    /// it is none of those.
    pub(in crate::decide) fn gives_joining_up(
        &mut self,
        instance: InstanceRef,
        reason: &str,
        now: &mut Now,
    ) -> bool {
        let Some(id) = self.joining(instance) else { return false };
        self.ledger.enter(instance.slot, Phase::Broken, now.time, Some(reason.to_string()));
        self.ledger.set_aside(instance, now.time, reason);
        if let Some(kept) = self.quarantine.rows.get_mut(&id) {
            kept.row.reason = reason.to_string();
        }
        self.let_go_of(id, QuarantineEnd::Unfit, None, now);
        self.requeue_or_withdraw(instance.slot, now.time);
        true
    }

    /// Asks groups to let those in that are verified.
    pub(super) fn let_in(&mut self, now: &mut Now) {
        self.forget_those_who_left(now);
        let mut calls: BTreeMap<(usize, Option<Ec2Id>), Vec<Ec2Id>> = BTreeMap::new();
        let mut stale = Vec::new();
        for kept in self.quarantine.rows.values() {
            let waits = kept.call.out || kept.call.refused_at.is_some();
            if kept.row.state != QuarantineState::Joining || kept.row.how == Keeping::Apart || waits {
                continue;
            }
            let slot = kept.row.instance.and_then(|i| Some((i, self.ledger.current(i)?)));
            let Some((instance, slot)) = slot.filter(|(_, s)| s.phase == Phase::Admitting) else { continue };
            if kept.call.not_before > now.time {
                self.quarantine.wake = self.quarantine.wake.min(kept.call.not_before);
            } else if now.time.since(slot.since) > STALE {
                stale.push(instance);
            } else {
                let alone = kept.call.alone.then_some(kept.row.id);
                calls.entry((kept.group, alone)).or_default().push(kept.row.id);
            }
        }
        for instance in stale {
            self.start_verifying(instance, now);
        }
        for ((group, _), ids) in calls {
            // A raise of the desired capacity needs it to stay as it is: the look that shows it wakes us.
            let changing = self.has_raise_to_show(group) || self.is_setting_desired(group);
            let Some(asg) = self.asgs[group].name.clone().filter(|_| !changing) else { continue };
            let (fit, over) = ids.split_at(ids.len().min(self.may_come_back(group)));
            self.are_in_nobodys_place(group, over, now);
            for ids in fit.chunks(MOST_MOVED) {
                let mark = Mark::ExitStandby { asg: asg.clone(), ids: ids.to_vec() };
                if self.send_mark(mark, now).is_err() {
                    self.quarantine.wake = self.quarantine.wake.min(self.auto.next_chance(now.time));
                    return;
                }
                self.asgs[group].resizing += 1;
                self.quarantine.exits.push((group, ids.to_vec()));
                for id in ids {
                    if let Some(kept) = self.quarantine.rows.get_mut(id) {
                        kept.call.out = true;
                    }
                }
            }
        }
    }

    /// So many more can be let in without more of the group existing at once than it may have: whoever is on its way
    /// into standby serves until it is there, though the desired capacity does not count it any more.
    fn may_come_back(&self, group: usize) -> usize {
        let Some(seen) = &self.asgs[group].seen else { return usize::MAX };
        let standing = |lifecycle| matches!(lifecycle, Lifecycle::Standby | Lifecycle::Detaching);
        let here =
            seen.members.values().filter(|m| takes_a_place(m.lifecycle) && !standing(m.lifecycle)).count();
        let told = |k: &&Kept| {
            let told_since = k.exit_at.is_some_and(|at| at >= seen.asked_at);
            k.group == group && (told_since || k.call.out) && k.row.state == QuarantineState::Joining
        };
        let coming = self.quarantine.rows.values().filter(told).count();
        (seen.max as usize).saturating_sub(here.max(seen.desired as usize) + coming)
    }

    /// These are not let in as long as there is no place for them: the next look says what is so.
    fn are_in_nobodys_place(&mut self, group: usize, ids: &[Ec2Id], now: &Now) {
        for id in ids {
            if let Some(kept) = self.quarantine.rows.get_mut(id) {
                kept.call.refused_at = Some(now.time);
            }
        }
        if !ids.is_empty() {
            self.look_since(group, Time(now.time.0.saturating_add(1)), now);
        }
    }

    /// Those whose slot has gone another way: their group, or EC2, ended them.
    fn forget_those_who_left(&mut self, now: &Now) {
        let joins = |k: &&Kept| k.row.state == QuarantineState::Joining;
        let left = |k: &&Kept| {
            let slot = k.row.instance.and_then(|i| self.ledger.current(i));
            let on_its_way = slot.is_some_and(|s| {
                matches!(s.phase, Phase::Verifying | Phase::Admitting) && s.id == Some(k.row.id)
            });
            !on_its_way
        };
        let left = self.quarantine.rows.values().filter(joins).filter(left);
        for id in left.map(|k| k.row.id).collect::<Vec<_>>() {
            let Some(mut kept) = self.quarantine.rows.remove(&id) else { continue };
            kept.end(QuarantineState::Done, QuarantineEnd::Taken, now.time);
            self.ledger.changes.quarantine.push(kept.row);
        }
    }

    /// Books what an `ExitStandby` came to.
    pub(super) fn was_let_in(&mut self, ids: &[Ec2Id], error: Option<&CallError>, now: &mut Now) {
        // One that ends a hold is none of ours.
        let Some(i) = self.quarantine.exits.iter().position(|(_, out)| out == ids) else { return };
        let (group, _) = self.quarantine.exits.remove(i);
        self.was_resized(group, now);
        self.is_not_as_seen(group);
        let named = error.map(|e| ids_in(&e.message)).unwrap_or_default();
        for id in ids {
            let Some(kept) = self.quarantine.rows.get_mut(id) else { continue };
            kept.call.out = false;
            let joins = kept.row.state == QuarantineState::Joining;
            let Some(error) = error else {
                kept.exit_at = Some(now.time);
                if joins {
                    self.is_used(*id, now);
                }
                continue;
            };
            if error.class != ErrorClass::Throttle {
                kept.row.error = Some(error.to_string());
            }
            let blamed = if named.is_empty() { ids.len() == 1 } else { named.contains(id) };
            match error.class.failure() {
                Failure::Throttled => kept.call.not_before = now.time.plus(now.rng.jitter(AFTER_THROTTLE)),
                Failure::Unclear => {
                    kept.exit_at = Some(now.time);
                    kept.call.not_before = now.time.plus(now.rng.jitter(AFTER_FAILURE));
                }
                Failure::Refused => {
                    if blamed {
                        // An earlier one, whose answer was lost, may have done it.
                        kept.call.refused_at = Some(now.time);
                    } else {
                        kept.call.alone = named.is_empty();
                        kept.call.not_before = now.time.plus(now.rng.jitter(AFTER_THROTTLE));
                    }
                }
            }
        }
        self.look_since(group, Time(now.time.0.saturating_add(1)), now);
    }

    /// A look shows one that comes out of the reserve. `refused`: it was asked for after it could not be let in.
    pub(super) fn joining_seen(&mut self, id: Ec2Id, shown: Option<Lifecycle>, refused: bool, now: &mut Now) {
        match shown {
            // An earlier call has done it.
            Some(Lifecycle::InService | Lifecycle::Pending | Lifecycle::PendingProceed) if refused => {
                self.is_used(id, now);
            }
            None | Some(Lifecycle::Terminating | Lifecycle::TerminatingWait | Lifecycle::Terminated) => {
                let instance = self.quarantine.rows.get(&id).and_then(|k| k.row.instance);
                if let Some(instance) = instance {
                    self.give_up(instance, "in reserve, and its group does not have it any more".into(), now);
                }
            }
            Some(_) if refused && self.may_not_grow(id) => {
                // Somebody else has taken the place.
                let instance = self.quarantine.rows.get(&id).and_then(|k| k.row.instance);
                if let Some(instance) = instance {
                    self.give_up(instance, "in reserve, and its group has no place left".into(), now);
                }
            }
            Some(_) => {
                if let Some(kept) = self.quarantine.rows.get_mut(&id).filter(|_| refused) {
                    kept.call.refused_at = None;
                    kept.call.not_before = now.time.plus(AFTER_REFUSED_END);
                    self.quarantine.wake = self.quarantine.wake.min(kept.call.not_before);
                }
            }
        }
    }

    /// Its group wants all that its maximum allows, as the last look shows.
    fn may_not_grow(&self, id: Ec2Id) -> bool {
        let group = self.kept_group(id);
        group.and_then(|g| self.asgs[g].seen.as_ref()).is_some_and(|s| s.desired >= s.max)
    }

    /// Its group counts it in the desired capacity again, as the last look shows.
    pub(super) fn is_back_in_group(&self, kept: &Kept) -> bool {
        let seen = self.asgs[kept.group].seen.as_ref();
        let shown = seen.and_then(|s| s.members.get(&kept.row.id)).map(|m| m.lifecycle);
        matches!(shown, Some(Lifecycle::InService | Lifecycle::Pending | Lifecycle::PendingProceed))
    }

    /// A call that lets it in is out, or was answered so lately that a look may not show it.
    pub(super) fn may_be_on_its_way_back(&self, group: usize, id: Ec2Id, now: Time) -> bool {
        let Some(kept) = self.quarantine.rows.get(&id).filter(|k| k.row.purpose == Purpose::Reserve) else {
            return false;
        };
        let out = self.quarantine.exits.iter().any(|(_, ids)| ids.contains(&id));
        let asked_at = self.asgs[group].seen.as_ref().map(|s| s.asked_at);
        let unseen = |at: Time| now < at.plus(LAG) || asked_at.is_none_or(|asked| asked < at.plus(LAG));
        out || kept.exit_at.is_some_and(unseen)
    }

    /// It came out of the reserve, and its group was told to let it in.
    pub(in crate::decide) fn came_out_of_reserve(&self, instance: InstanceRef) -> bool {
        self.quarantine.joined.contains(&instance)
    }
}
