//! Quarantine: a few broken instances of a group are not ended but kept for people to look at, out of
//! service, tagged, with a reason and an end.
//!
//! Who broke before it served leaves its slot, which gets another instance; who served and is dead leaves as
//! it would otherwise, by [`super::retire`]. A member of an Auto Scaling group that AWS calls `InService` is taken
//! out of it by [`calls`] first, and until its group has let it go it is as broken as any other. AWS takes nobody
//! out who waits in a lifecycle action: that one goes on waiting, kept alive by heartbeats, until shortly before
//! the action's own end, and muster launches the one that comes in its place. A plain fleet's is left out of the
//! calls that end instances.
//!
//! What a group has in [`reserve`] is kept in the same book, by the same calls: verified, out of service, and nobody's
//! slot. [`join`] brings one of those back into service.
//!
//! What this cannot do: take a raise back. If the group ends one that waits in its lifecycle action (its heartbeats
//! were lost for as long as that takes) after it was told to have another, it has one more than was wanted.
//!
//! Whoever is in quarantine holds a place under the group's maximum, and is never in the way of capacity:
//! nobody is kept while the places left are all wanted, and who is kept is ended as soon as they are.

mod books;
mod calls;
mod join;
mod reserve;
mod shown;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::action::{Accepted, Refusal};
use super::asg::Replaced;
use super::asg::seen::Lifecycle;
use super::hook::book::Hook;
use super::hook::door::goes_to_warm_pool;
use super::hook::notice::Transition;
use super::removals::WHILE_HELD;
use super::restore::RestoreError;
use super::retire::words::RemovalState;
use super::wait::Wait;
use super::words::{Ec2Id, InstanceRef, Phase, Time};
use super::{Core, Now};
use words::{Keeping, Purpose, QuarantineEnd, QuarantineRow, QuarantineState};

/// Whoever waits in a lifecycle action is ended so long before the action's own end: a call that takes a few
/// tries is through by then.
const BEFORE_THE_END: Duration = Duration::from_secs(120);
/// A quarantine that could only be shorter than this is none: nobody would be there in time.
const SHORTEST: Duration = Duration::from_secs(600);

/// The end of a quarantine before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseAsk {
    pub instance: Ec2Id,
    /// Who asks.
    pub by: String,
}

/// Every quarantine that is not done.
#[derive(Debug, Default)]
pub(in crate::decide) struct Quarantine {
    rows: BTreeMap<Ec2Id, Kept>,
    /// When to look at it again.
    pub wake: Time,
    /// Those that came out of the reserve, and that no look has shown in service yet. After a restart they count as
    /// new.
    joined: BTreeSet<InstanceRef>,
    /// Calls that are out and shrink their group, whatever becomes of those they name before the answer is here.
    shrinking: Vec<(usize, Vec<Ec2Id>)>,
    /// `ExitStandby` calls that are out, by group.
    exits: Vec<(usize, Vec<Ec2Id>)>,
    /// The reserve of a group is not filled before, after so many tries in a row that it could not be.
    fill_after: BTreeMap<usize, (Time, u32)>,
}

/// One quarantine that is not done.
#[derive(Debug)]
struct Kept {
    row: QuarantineRow,
    group: usize,
    /// Of the call that takes it out of its group, and later of the one that ends it.
    call: Try,
    tag: Try,
    /// Its group's minimum forbids to shrink: the group replaces it.
    is_replaced: bool,
    /// When a call that brings it back into service was last answered, or may have been: what a look shows that was
    /// asked for since says where it is.
    exit_at: Option<Time>,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default)]
struct Try {
    out: bool,
    not_before: Time,
    /// A call that named others too was refused, and did not say for whom.
    alone: bool,
    /// It was refused: what a look shows that was asked for since says what is so.
    refused_at: Option<Time>,
}

impl Core {
    /// Keeps one that broke before it served, for this reason. False: it is to be ended.
    pub(in crate::decide) fn keeps_broken(
        &mut self,
        instance: InstanceRef,
        broke_in: Phase,
        reason: String,
        now: &mut Now,
    ) -> bool {
        let Some((group, id)) = self.place(instance) else { return false };
        // Its slot wants another.
        let Some(how) = self.way_to_keep(group, id, broke_in, 1, now) else { return false };
        let Some(slot) = self.ledger.current(instance) else { return false };
        let (launch, address) = ((slot.launch.0 != 0).then_some(slot.launch), slot.address);
        let zone = self.ledger.zone_of(instance.slot);
        let row = QuarantineRow {
            instance: Some(instance),
            launch,
            address,
            zone: (!zone.is_empty()).then(|| zone.to_string()),
            ..self.asked(id, group, broke_in, reason, how, now)
        };
        self.ask_for(row, group, now);
        true
    }

    /// Keeps one that served and is to be ended as dead. False: it is.
    pub(in crate::decide) fn keeps_dead(&mut self, id: Ec2Id, now: &mut Now) -> bool {
        let Some(leaver) = self.retiring.rows.get(&id) else { return false };
        let group = leaver.group;
        let (evidence, more) = (leaver.row.evidence.clone(), u32::from(!leaver.decrement()));
        let Some(how) = self.way_to_keep(group, id, Phase::InService, more, now) else { return false };
        let mut row = self.asked(id, group, Phase::InService, evidence, how, now);
        if let Some(served) = self.ledger.serving.get(&id) {
            let zone = self.ledger.served_zone(served);
            row.instance = Some(served.instance);
            row.launch = (served.launch.0 != 0).then_some(served.launch);
            row.address = served.address;
            row.zone = (!zone.is_empty()).then(|| zone.to_string());
        }
        self.ask_for(row, group, now);
        true
    }

    /// How it can be kept, if it is to be: `more` instances are to come in its place.
    fn way_to_keep(
        &mut self,
        group: usize,
        id: Ec2Id,
        broke_in: Phase,
        more: u32,
        now: &Now,
    ) -> Option<Keeping> {
        let spec = self.ledger.groups[group].spec.quarantine?;
        let how = self.way_out(group, id, spec.how, now)?;
        if self.hold_on(id, now.time).is_some() || self.places_short(group, more) > 0 {
            return None;
        }
        let broken = |k: &&Kept| k.row.purpose == Purpose::Broken;
        let kept = self.quarantine.rows.values().filter(|k| k.group == group && k.is_kept()).filter(broken);
        let kept: Vec<(Ec2Id, Phase, Time)> = kept.map(|k| (k.row.id, k.row.broke_in, k.row.since)).collect();
        if kept.len() < spec.max as usize {
            return Some(how);
        }
        // Full: one that failed in a new way takes the place of one of several that failed alike.
        let alike = |phase: Phase| kept.iter().filter(move |(_, p, _)| *p == phase);
        if alike(broke_in).next().is_some() {
            return None;
        }
        let twins = kept.iter().filter(|(_, p, _)| alike(*p).nth(1).is_some());
        let gives_way = twins
            .filter(|(id, ..)| {
                self.quarantine.rows.get(id).is_some_and(|k| k.row.state == QuarantineState::Kept)
            })
            .filter(|(id, ..)| self.hold_on(*id, now.time).is_none())
            .max_by_key(|(_, _, since)| *since)?
            .0;
        self.let_go_of(gives_way, QuarantineEnd::Variety, None, now);
        Some(how)
    }

    /// How it can be taken out of service, if it can.
    fn way_out(&self, group: usize, id: Ec2Id, how: Keeping, now: &Now) -> Option<Keeping> {
        let state = &self.asgs[group];
        if state.name.is_none() {
            return Some(Keeping::Apart);
        }
        let shown = state.seen.as_ref().and_then(|s| s.members.get(&id)).map(|m| m.lifecycle);
        if shown == Some(Lifecycle::InService) {
            return Some(how);
        }
        let ends_at = self.ends_of_hooks(id)?;
        (ends_at > now.time.plus(SHORTEST)).then_some(Keeping::Hook)
    }

    /// When the first of its lifecycle actions ends that it waits in; none if it waits in none, or if one of them
    /// may have been answered.
    fn ends_of_hooks(&self, id: Ec2Id) -> Option<Time> {
        let open = self.hooks.of(id, Transition::Launching);
        let hooks: Vec<_> = open.into_iter().filter_map(|seq| self.hooks.get(seq)).collect();
        let waits =
            |h: &Hook| !h.is_said() && h.row.completions == 0 && !goes_to_warm_pool(h.row.destination);
        let ends = hooks.iter().filter(|h| waits(h)).map(|h| h.row.ends_at.minus(BEFORE_THE_END));
        hooks.iter().all(|h| waits(h)).then(|| ends.min()).flatten()
    }

    /// Places that the group lacks for all that is wanted of it and so many more.
    fn places_short(&self, group: usize, more: u32) -> u32 {
        let g = &self.ledger.groups[group];
        // The reserve takes what nobody else wants.
        let wanted = (g.queued - self.queued_for_reserve(group)).saturating_add(more);
        let (max, live) =
            if self.asgs[group].name.is_some() { self.occupied(group) } else { (g.spec.max, g.taken) };
        let short = wanted.saturating_add(live).saturating_sub(max);
        match self.launches.plans[group].wait {
            // Who is kept takes of the account's limits too.
            Some(Wait::Quota { .. }) => short.max(wanted),
            Some(_) | None => short,
        }
    }

    fn asked(
        &self,
        id: Ec2Id,
        group: usize,
        broke_in: Phase,
        reason: String,
        how: Keeping,
        now: &Now,
    ) -> QuarantineRow {
        let spec = &self.ledger.groups[group].spec;
        let keep_for = spec.quarantine.map(|q| q.keep_for).unwrap_or_default();
        QuarantineRow {
            id,
            group: spec.name.clone(),
            purpose: Purpose::Broken,
            instance: None,
            launch: None,
            address: None,
            zone: None,
            broke_in,
            reason,
            how,
            state: QuarantineState::Asked,
            since: now.time,
            until: now.time.plus(keep_for),
            kept_at: None,
            tagged_at: None,
            ended_at: None,
            end: None,
            ended_by: None,
            error: None,
        }
    }

    fn ask_for(&mut self, mut row: QuarantineRow, group: usize, now: &mut Now) {
        let (id, how) = (row.id, row.how);
        if how == Keeping::Hook {
            row.until = self.ends_of_hooks(id).map_or(row.until, |ends| ends.min(row.until));
            for seq in self.hooks.of(id, Transition::Launching) {
                self.take_answer_back(seq);
            }
            self.mind_hooks(id, true);
        }
        self.quarantine.rows.insert(id, Kept::new(row, group));
        match how {
            Keeping::Apart | Keeping::Hook => self.is_kept(id, now),
            Keeping::Standby | Keeping::Detach => self.write_quarantine(id),
        }
    }

    /// It is out of service: from now on it is nobody's slot.
    fn is_kept(&mut self, id: Ec2Id, now: &mut Now) {
        let Some(kept) = self.quarantine.rows.get_mut(&id) else { return };
        kept.row.state = QuarantineState::Kept;
        kept.row.kept_at = Some(now.time);
        kept.call = Try::default();
        let (row, group) = (kept.row.clone(), kept.group);
        if row.purpose == Purpose::Reserve {
            return self.is_in_reserve(id, &row, now);
        }
        let text = format!("{id}: kept in quarantine ({}) after it broke: {}", row.how, row.reason);
        self.write_quarantine(id);
        self.ledger.journal(now.time, row.scale_up(), row.instance, "quarantine", text);
        if let Some(leaver) = self.retiring.rows.remove(&id) {
            self.ledger.set_served_aside(id, Phase::Quarantined, now.time, &row.reason);
            let over = RemovalState::Quarantined;
            self.book_removal(super::rows::RemovalRow { state: over, ..leaver.row }, group, now);
            self.care[group].forget(id);
        } else if let Some(instance) = row.instance {
            self.ledger.set_aside(instance, now.time, &row.reason);
            if row.how == Keeping::Hook && !self.is_own(instance) {
                // Its group goes on counting on it, and replaces nobody.
                let reason = format!("in the place of {id}, which is kept in quarantine");
                let seq = self.open_replacing(group, 1, reason, now);
                let reason = format!("kept in quarantine; scale-up {} brings another", seq.0);
                self.ledger.withdraw(instance.slot, now.time, reason);
            } else if self.kept.remove(&instance) {
                self.is_replaced(group, instance.slot, Replaced::Surely, now);
            } else {
                self.requeue_or_withdraw(instance.slot, now.time);
            }
        }
    }

    /// Its group does not let it go: it is ended as ever.
    fn is_not_kept(&mut self, id: Ec2Id, now: &mut Now) {
        let Some(mut kept) = self.quarantine.rows.remove(&id) else { return };
        kept.end(QuarantineState::Done, QuarantineEnd::Refused, now.time);
        if kept.row.purpose == Purpose::Reserve {
            // It is gone, or on its way out: that goes its own way.
            return self.ledger.changes.quarantine.push(kept.row);
        }
        let (row, still) = (kept.row.clone(), self.is_still_broken(&kept));
        self.ledger.changes.quarantine.push(kept.row);
        let why = row.error.as_deref().unwrap_or("it is not in service there");
        let text = format!("{id}: not kept in quarantine, its group does not let it go: {why}");
        self.ledger.journal(now.time, row.scale_up(), row.instance, "quarantine_refused", text);
        if let Some(leaver) = self.retiring.rows.get_mut(&id) {
            leaver.goes_after_all(now.time);
        } else if let Some(instance) = row.instance.filter(|_| still) {
            self.remove(instance, now);
        }
    }

    /// It is asked for, and as broken as it was; or it serves, where it is for the reserve.
    fn is_still_broken(&self, kept: &Kept) -> bool {
        if kept.row.purpose == Purpose::Reserve {
            return self.ledger.serving.get(&kept.row.id).is_some_and(|s| !s.leaving);
        }
        let leaves = self.retiring.rows.get(&kept.row.id);
        let slot = kept.row.instance.and_then(|i| self.ledger.current(i));
        leaves.is_some_and(|l| l.row.state == RemovalState::Leaving)
            || slot.is_some_and(|s| s.phase == Phase::Broken && s.id == Some(kept.row.id))
    }

    /// It is to be ended, and its place to be free.
    fn let_go_of(&mut self, id: Ec2Id, end: QuarantineEnd, by: Option<String>, now: &Now) {
        let Some(kept) = self.quarantine.rows.get_mut(&id) else { return };
        kept.end(QuarantineState::Leaving, end, now.time);
        kept.row.ended_by.clone_from(&by);
        let row = kept.row.clone();
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let what = match row.purpose {
            Purpose::Broken => "quarantine over",
            Purpose::Reserve => "in reserve no longer",
        };
        let text = format!("{id}: {what}: {end}{by}; it is ended");
        self.write_quarantine(id);
        self.ledger.aside_leaves(id, now.time, &row.reason);
        self.ledger.journal(now.time, row.scale_up(), row.instance, "quarantine_end", text);
    }

    /// Nothing is left of it: EC2 says that it is ending, or does not know it.
    fn quarantine_is_done(&mut self, id: Ec2Id, now: &Now) {
        let Some(mut kept) = self.quarantine.rows.remove(&id) else { return };
        kept.row.state = QuarantineState::Done;
        self.ledger.aside_is_gone(id, now.time, &kept.row.reason);
        if self.members.get(&id).copied() == kept.row.instance {
            self.members.remove(&id);
        }
        self.sweep_soon(kept.group, now);
        self.ledger.changes.quarantine.push(kept.row);
    }

    /// Somebody put it back into service: it is a member like any other.
    fn returned_to_service(&mut self, id: Ec2Id, now: &Now) {
        let Some(mut kept) = self.quarantine.rows.remove(&id) else { return };
        kept.end(QuarantineState::Done, QuarantineEnd::Returned, now.time);
        let text = match kept.row.purpose {
            Purpose::Broken => format!("{id}: somebody put it back into service, and its quarantine is over"),
            Purpose::Reserve => format!("{id}: somebody put it into service out of the reserve"),
        };
        self.ledger.aside_serves(id, now.time, &text);
        let (scale_up, instance) = (kept.row.scale_up(), kept.row.instance);
        self.ledger.journal(now.time, scale_up, instance, "quarantine_end", text);
        self.ledger.changes.quarantine.push(kept.row);
    }

    fn write_quarantine(&mut self, id: Ec2Id) {
        if let Some(kept) = self.quarantine.rows.get(&id) {
            self.ledger.changes.quarantine.push(kept.row.clone());
        }
    }

    /// Ends a quarantine by an operator's order.
    pub(in crate::decide) fn release_kept(
        &mut self,
        ask: ReleaseAsk,
        now: &Now,
    ) -> Result<Accepted, Refusal> {
        let id = ask.instance;
        let kept = self.quarantine.rows.get(&id).filter(|k| k.row.purpose == Purpose::Broken);
        let Some(kept) = kept else {
            return Err(Refusal::NotInQuarantine { id });
        };
        match kept.row.state {
            QuarantineState::Kept => {}
            QuarantineState::Leaving => return Ok(Accepted { id: id.to_string(), repeated: true }),
            QuarantineState::Asked | QuarantineState::Joining | QuarantineState::Done => {
                return Err(Refusal::NotInQuarantine { id });
            }
        }
        if self.hold_on(id, now.time).is_some() {
            return Err(Refusal::IsHeld { id });
        }
        self.let_go_of(id, QuarantineEnd::Released, Some(ask.by), now);
        Ok(Accepted { id: id.to_string(), repeated: false })
    }

    /// Ends what is over, and makes the calls that are due.
    pub(in crate::decide) fn plan_quarantine(&mut self, now: &mut Now) {
        self.quarantine.wake = Time::NEVER;
        self.plan_reserve(now);
        if self.quarantine.rows.is_empty() {
            return;
        }
        let asked = |k: &&Kept| k.row.state == QuarantineState::Asked;
        let lost: Vec<Ec2Id> = self
            .quarantine
            .rows
            .values()
            .filter(asked)
            .filter(|k| !self.is_still_broken(k))
            .map(|k| k.row.id)
            .collect();
        for id in lost {
            self.is_not_kept(id, now);
        }
        self.end_expired_quarantines(now);
        for group in 0..self.ledger.groups.len() {
            self.give_places_back(group, now);
        }
        self.send_for_quarantine(now);
    }

    fn end_expired_quarantines(&mut self, now: &Now) {
        let kept = |k: &&Kept| k.row.state == QuarantineState::Kept;
        let over = self.quarantine.rows.values().filter(kept);
        let over: Vec<(Ec2Id, Time)> = over.map(|k| (k.row.id, k.row.until)).collect();
        for (id, until) in over {
            if until > now.time {
                self.quarantine.wake = self.quarantine.wake.min(until);
            } else if self.hold_on(id, now.time).is_some() {
                // A hold goes on for as long as it goes on.
                self.quarantine.wake = self.quarantine.wake.min(now.time.plus(WHILE_HELD));
            } else {
                self.let_go_of(id, QuarantineEnd::Expired, None, now);
            }
        }
    }

    /// Whose place is wanted for one that serves is ended, the one that is there longest first.
    fn give_places_back(&mut self, group: usize, now: &Now) {
        // Places are wanted by those who are queued, or taken by others as a look shows.
        let looked = self.asgs[group].seen.as_ref().is_some_and(|seen| seen.at == now.time);
        if self.ledger.groups[group].queued == self.queued_for_reserve(group) && !looked {
            return;
        }
        let of = |k: &&Kept| k.group == group;
        if !self.quarantine.rows.values().any(|k| of(&k) && k.row.state == QuarantineState::Kept) {
            return;
        }
        let leaving = |k: &&Kept| of(k) && k.row.state == QuarantineState::Leaving;
        let leaving = self.quarantine.rows.values().filter(leaving).count();
        let short = (self.places_short(group, 0) as usize).saturating_sub(leaving);
        let kept = |k: &&Kept| of(k) && k.row.state == QuarantineState::Kept;
        // One that broke tells something; one of the reserve's is like any other.
        let mut kept: Vec<(bool, Time, Ec2Id)> = self
            .quarantine
            .rows
            .values()
            .filter(kept)
            .map(|k| (k.row.purpose == Purpose::Broken, k.row.since, k.row.id))
            .collect();
        kept.retain(|(_, _, id)| self.hold_on(*id, now.time).is_none());
        kept.sort_unstable();
        for (_, _, id) in kept.into_iter().take(short) {
            self.let_go_of(id, QuarantineEnd::Capacity, None, now);
        }
    }

    /// So many places of a group come free as soon as they are wanted.
    pub(in crate::decide) fn gives_way(&self, group: usize, now: Time) -> u32 {
        let gives_way = |k: &&Kept| {
            k.group == group
                && match (k.row.state, k.row.purpose) {
                    (QuarantineState::Kept, _) | (QuarantineState::Asked, Purpose::Reserve) => {
                        self.hold_on(k.row.id, now).is_none()
                    }
                    (QuarantineState::Leaving, _) => true,
                    (QuarantineState::Asked | QuarantineState::Joining | QuarantineState::Done, _) => false,
                }
        };
        let kept = u32::try_from(self.quarantine.rows.values().filter(gives_way).count());
        // What is on its way into the reserve goes to whoever wants it.
        kept.unwrap_or(u32::MAX).saturating_add(self.coming_for_reserve(group))
    }

    /// Members of a group that the last look does not count as what they are: those it no longer shows, and
    /// those it shows in service though they were taken out since.
    pub(in crate::decide) fn kept_beside(&self, group: usize) -> usize {
        let Some(seen) = &self.asgs[group].seen else { return 0 };
        let beside = |k: &&Kept| {
            k.group == group
                && match k.row.state {
                    QuarantineState::Asked | QuarantineState::Joining | QuarantineState::Done => false,
                    QuarantineState::Kept | QuarantineState::Leaving => {
                        let shown = seen.members.get(&k.row.id).map(|m| m.lifecycle);
                        shown.is_none_or(|l| l == Lifecycle::InService)
                    }
                }
        };
        self.quarantine.rows.values().filter(beside).count()
    }

    /// Instances whose rows are a quarantine's to put back.
    pub(in crate::decide) fn kept_of(rows: &[QuarantineRow]) -> BTreeSet<InstanceRef> {
        let aside = |row: &&QuarantineRow| match row.state {
            QuarantineState::Kept | QuarantineState::Leaving => true,
            QuarantineState::Asked | QuarantineState::Joining | QuarantineState::Done => false,
        };
        rows.iter().filter(aside).filter_map(|row| row.instance).collect()
    }

    /// The place of one that is out of service, whoever tells of it.
    pub(in crate::decide) fn kept_place(&self, id: Ec2Id) -> Option<InstanceRef> {
        let kept = self.quarantine.rows.get(&id)?;
        match kept.row.state {
            QuarantineState::Kept | QuarantineState::Leaving => kept.row.instance,
            QuarantineState::Asked | QuarantineState::Joining | QuarantineState::Done => None,
        }
    }

    /// The group of one that is kept.
    pub(in crate::decide) fn kept_group(&self, id: Ec2Id) -> Option<usize> {
        self.quarantine.rows.get(&id).map(|kept| kept.group)
    }

    /// Puts stored quarantines back.
    pub(in crate::decide) fn take_up_quarantine(
        &mut self,
        rows: Vec<QuarantineRow>,
        now: Time,
    ) -> Result<(), RestoreError> {
        for row in rows {
            let group = self.must_have(&row.group, || format!("the quarantine of {}", row.id))?;
            match row.state {
                QuarantineState::Asked => {
                    let leaver = self.retiring.rows.get_mut(&row.id);
                    if let Some(leaver) = leaver.filter(|_| row.purpose == Purpose::Broken) {
                        leaver.waits_for_quarantine();
                    }
                }
                QuarantineState::Kept | QuarantineState::Leaving => {
                    self.ledger.restore_aside(&row, group);
                    if let Some(instance) = row.instance.filter(|_| self.asgs[group].name.is_some()) {
                        self.members.entry(row.id).or_insert(instance);
                    }
                }
                // Its slot has it.
                QuarantineState::Joining => {}
                QuarantineState::Done => continue,
            }
            // A call that brings it back into service may have been out.
            let exit_at = (row.purpose == Purpose::Reserve).then_some(now);
            self.quarantine.rows.insert(row.id, Kept { exit_at, ..Kept::new(row, group) });
        }
        Ok(())
    }

    /// It is broken, and its group is asked to let it go into quarantine.
    pub(in crate::decide) fn is_asked_for(&self, instance: InstanceRef) -> bool {
        let mut rows = self.quarantine.rows.values();
        rows.any(|k| k.row.state == QuarantineState::Asked && k.row.instance == Some(instance))
    }
}

impl Kept {
    fn new(row: QuarantineRow, group: usize) -> Kept {
        Kept { row, group, call: Try::default(), tag: Try::default(), is_replaced: false, exit_at: None }
    }

    /// It takes one of the places of the quarantine.
    fn is_kept(&self) -> bool {
        match self.row.state {
            QuarantineState::Asked | QuarantineState::Kept => true,
            QuarantineState::Joining | QuarantineState::Leaving | QuarantineState::Done => false,
        }
    }

    fn end(&mut self, state: QuarantineState, end: QuarantineEnd, now: Time) {
        self.row.state = state;
        self.row.end = Some(end);
        self.row.ended_at = Some(now);
        self.call = Try::default();
    }
}

impl QuarantineRow {
    pub(in crate::decide) fn scale_up(&self) -> Option<super::words::ScaleUpSeq> {
        self.instance.map(|i| i.slot.scale_up)
    }
}
