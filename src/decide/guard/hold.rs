//! Holds: nobody ends this instance until T, since an engineer is on it.
//!
//! Scale-in protection does not stop health replacement, termination protection does not bind Auto
//! Scaling (aws-facts 3.4): so a hold is both, and either a suspended `ReplaceUnhealthy` or `Standby`. Muster
//! itself obeys a hold from the moment it is stored, by every path that ends an instance: [`Core::hold_on`].
//!
//! One that does not serve yet cannot be protected from scale-in (`SetInstanceProtection` is refused), only
//! from everything else: its group takes it when nobody who serves may go.
//!
//! One that waits in a lifecycle action that would end it gets heartbeats until the hold is over: an
//! instance that is leaving its group cannot come back (aws-facts 3.2), but it can be looked at.

use super::lease::{FreezeRow, HoldRow, HoldWay, KeepRow, LONGEST_HOLD, Lease, LeaseEnd, MOST_HOLDS};
use crate::decide::action::{Accepted, Refusal};
use crate::decide::hook::answers::ends_its_instance;
use crate::decide::hook::notice::{HookResult, Transition};
use crate::decide::restore::RestoreError;
use crate::decide::rows::HookRow;
use crate::decide::words::{Ec2Id, HookSeq, InstanceRef, Phase, ScaleUpSeq, Time};
use crate::decide::{Core, Now};

/// A hold as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldAsk {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    pub instance: Ec2Id,
    /// Ours; where it is not known, the instance is looked for among those that are.
    pub group: Option<String>,
    pub until: Time,
    pub owner: String,
    pub reason: String,
    pub way: HoldWay,
}

/// The end of a hold or a freeze before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndAsk {
    pub id: String,
    /// Who asks.
    pub by: String,
    /// Also if it is somebody else's.
    pub overrides: bool,
}

/// A hold that is not done.
#[derive(Clone, Debug)]
pub(in crate::decide) struct Hold {
    pub row: HoldRow,
    pub group: usize,
    /// Its place in the books, if it has one.
    pub place: Option<InstanceRef>,
}

impl Core {
    /// Until when nobody may end this instance.
    #[must_use]
    pub fn hold_on(&self, id: Ec2Id, now: Time) -> Option<Time> {
        let on = self.guards.holds.values().filter(|h| h.row.instance == id && h.row.lease.holds(now));
        on.map(|h| h.row.lease.until).max()
    }

    /// Takes a hold, or says why not. The same owner who asks again for the same instance moves the end.
    pub(in crate::decide) fn hold(&mut self, ask: HoldAsk, now: &mut Now) -> Result<Accepted, Refusal> {
        if ask.until <= now.time || ask.until > now.time.plus(LONGEST_HOLD) {
            return Err(Refusal::LeaseEnd { most_s: LONGEST_HOLD.as_secs() });
        }
        let (group, place) = self.whereabouts(&ask)?;
        let same = |h: &&mut Hold| {
            let lease = &h.row.lease;
            h.row.instance == ask.instance
                && lease.holds(now.time)
                && lease.owner == ask.owner
                && h.row.way == ask.way
        };
        if let Some(hold) = self.guards.holds.values_mut().find(same) {
            let lease = &mut hold.row.lease;
            lease.until = lease.until.max(ask.until);
            lease.reason = ask.reason;
            let (id, row) = (lease.id.clone(), hold.row.clone());
            self.ledger.changes.holds.push(row);
            self.guards.look_again();
            return Ok(Accepted { id, repeated: true });
        }
        if self.guards.holds.len() >= MOST_HOLDS {
            return Err(Refusal::LeasesFull { most: MOST_HOLDS });
        }
        let text = format!("{}: {} holds it: {}", ask.instance, ask.owner, ask.reason);
        self.ledger.journal(now.time, place.map(|i| i.slot.scale_up), place, "hold", text);
        let lease = Lease::new(ask.id.clone(), ask.owner, ask.reason, now.time, ask.until);
        let name = self.ledger.groups[group].spec.name.clone();
        let row = HoldRow { lease, instance: ask.instance, group: name, way: ask.way };
        self.ledger.changes.holds.push(row.clone());
        self.guards.holds.insert(ask.id.clone(), Hold { row, group, place });
        self.guards.look_again();
        self.withhold_answers(ask.instance, now);
        self.mind_hooks(ask.instance, true);
        Ok(Accepted { id: ask.id, repeated: false })
    }

    /// Ends a hold before its time.
    pub(in crate::decide) fn release(&mut self, ask: EndAsk, now: &mut Now) -> Result<Accepted, Refusal> {
        let Some(hold) = self.guards.holds.get(&ask.id) else {
            return Err(Refusal::UnknownLease { what: "hold", id: ask.id });
        };
        if !hold.row.lease.holds(now.time) {
            return Ok(Accepted { id: ask.id, repeated: true });
        }
        let how = how_it_ends(&hold.row.lease, &ask)?;
        self.end_hold(&ask.id, how, Some(ask.by), now);
        Ok(Accepted { id: ask.id, repeated: false })
    }

    /// Ends the holds whose time is over.
    pub(in crate::decide) fn end_expired_holds(&mut self, now: &mut Now) {
        let over = |h: &&Hold| h.row.lease.ended_at.is_none() && h.row.lease.until <= now.time;
        let over: Vec<String> =
            self.guards.holds.values().filter(over).map(|h| h.row.lease.id.clone()).collect();
        for id in over {
            self.end_hold(&id, LeaseEnd::Expired, None, now);
        }
    }

    fn end_hold(&mut self, id: &str, how: LeaseEnd, by: Option<String>, now: &mut Now) {
        let Some(hold) = self.guards.holds.get_mut(id) else { return };
        let text = match &by {
            Some(by) => format!("{}: {how} by {by}", hold.row.instance),
            None => format!("{}: {how}", hold.row.instance),
        };
        hold.row.lease.end(how, by, now.time);
        let (row, place) = (hold.row.clone(), hold.place);
        let instance = row.instance;
        self.ledger.changes.holds.push(row);
        self.ledger.journal(now.time, place.map(|i| i.slot.scale_up), place, "hold_end", text);
        self.guards.look_again();
        if self.hold_on(instance, now.time).is_none() {
            self.mind_hooks(instance, false);
            self.is_held_no_more(instance, now);
        }
    }

    /// The group of the instance and its place in the books.
    fn whereabouts(&self, ask: &HoldAsk) -> Result<(usize, Option<InstanceRef>), Refusal> {
        let place = self.place_by_id(ask.instance);
        if let Some(name) = &ask.group {
            let known = || self.ledger.groups.iter().map(|g| g.spec.name.as_str()).collect::<Vec<_>>();
            let group = self.ledger.group_index(name);
            let unknown = || Refusal::UnknownGroup { group: name.clone(), known: known().join(", ") };
            return group.map(|g| (g, place)).ok_or_else(unknown);
        }
        let by_place =
            place.and_then(|i| self.ledger.scale_ups.get(&i.slot.scale_up)).map(|scale_up| scale_up.group);
        let has = |a: &crate::decide::asg::AsgState| {
            a.seen.as_ref().is_some_and(|s| s.members.contains_key(&ask.instance))
        };
        let known = by_place.or_else(|| self.kept_group(ask.instance));
        let group = known.or_else(|| self.asgs.iter().position(has));
        let unseen = self.asgs.iter().filter(|a| a.name.is_some() && a.seen.is_none()).count();
        group.map(|g| (g, place)).ok_or(Refusal::UnknownInstance { id: ask.instance, unseen })
    }

    /// Where the books have an instance that is under way.
    pub(in crate::decide) fn place_by_id(&self, id: Ec2Id) -> Option<InstanceRef> {
        if let Some(known) = self.members.get(&id) {
            return Some(*known);
        }
        let in_one = |(seq, s): (&ScaleUpSeq, &crate::decide::ledger::ScaleUp)| {
            let mut slots = (0u32..).zip(&s.slots);
            let (ordinal, slot) = slots.find(|(_, slot)| slot.id == Some(id) && slot.phase.occupies())?;
            let slot_id = crate::decide::words::SlotId { scale_up: *seq, ordinal };
            Some(InstanceRef { slot: slot_id, attempt: slot.attempt })
        };
        self.ledger.scale_ups.iter().rev().find_map(in_one)
    }

    /// Answers that would end a held instance and that nobody has sent yet are not sent: heartbeats are. What
    /// was sent may have been heard.
    fn withhold_answers(&mut self, id: Ec2Id, now: &mut Now) {
        for seq in self.hooks_that_end(id) {
            let sent = self.hooks.get(seq).is_none_or(|h| h.row.completions > 0);
            if sent {
                let text = format!("{id}: lifecycle action {} was answered before it was held", seq.0);
                self.ledger.journal(now.time, None, None, "hold_late", text);
                continue;
            }
            let row = self.hooks.change(seq, |h| h.row.result = None);
            self.ledger.changes.hooks.extend(row);
        }
    }

    /// Lifecycle actions of held instances get their heartbeats early: an action that times out ends its
    /// instance, and there may be hours of them.
    pub(in crate::decide) fn mind_hooks(&mut self, id: Ec2Id, held: bool) {
        for transition in [Transition::Launching, Transition::Terminating] {
            for seq in self.hooks.of(id, transition) {
                self.hooks.change(seq, |h| h.held = held);
            }
        }
    }

    /// Open lifecycle actions whose answer, as it is written down, ends the instance.
    fn hooks_that_end(&self, id: Ec2Id) -> Vec<HookSeq> {
        let ends = |row: &HookRow| row.result.is_some_and(|result| ends_its_instance(row.transition, result));
        let all = [Transition::Launching, Transition::Terminating];
        let open = all.into_iter().flat_map(|t| self.hooks.of(id, t));
        open.filter(|s| self.hooks.get(*s).is_some_and(|h| ends(&h.row))).collect()
    }

    /// What waited for the end of its last hold goes on. Those that muster gave up are on the list of those who
    /// leave, and are looked at there.
    fn is_held_no_more(&mut self, id: Ec2Id, now: &mut Now) {
        for seq in self.hooks.of(id, Transition::Terminating) {
            self.settle_hook(seq, HookResult::Continue, now);
        }
        let place = self.place_by_id(id);
        let leaves = place
            .and_then(|i| self.ledger.current(i))
            .is_some_and(|s| s.id == Some(id) && s.phase == Phase::Terminating);
        if leaves {
            for seq in self.hooks.of(id, Transition::Launching) {
                self.settle_hook(seq, HookResult::Abandon, now);
            }
        }
    }

    /// It waits for an answer that we do not have, and its instance is held.
    pub(in crate::decide) fn hook_is_held(&self, seq: HookSeq, now: Time) -> bool {
        let open = self.hooks.get(seq).filter(|h| h.row.result.is_none());
        open.is_some_and(|h| self.hold_on(h.row.id, now).is_some())
    }

    /// The action's own end is near, and a heartbeat cannot draw it out any more. One that is being
    /// launched is let in: its group would end it otherwise. One that is being ended is lost.
    pub(in crate::decide) fn hook_of_held_ends(&mut self, seq: HookSeq, now: &mut Now) {
        let Some(row) = self.hooks.get(seq).map(|h| h.row.clone()) else { return };
        let (kind, text) = match row.transition {
            Transition::Launching => {
                ("hold_let_in", format!("{}: held, and let in: its lifecycle action ends", row.id))
            }
            Transition::Terminating => {
                ("hold_lost", format!("{}: held, and its lifecycle action cannot be drawn out", row.id))
            }
        };
        let scale_up = row.instance.map(|i| i.slot.scale_up);
        self.ledger.journal(now.time, scale_up, row.instance, kind, text);
        if row.transition == Transition::Launching {
            self.settle_hook(seq, HookResult::Continue, now);
        }
    }

    /// Puts stored holds and freezes back, with what is marked for them.
    pub(in crate::decide) fn take_up_guards(
        &mut self,
        holds: Vec<HoldRow>,
        freezes: Vec<FreezeRow>,
        keeps: Vec<KeepRow>,
    ) -> Result<(), RestoreError> {
        for row in holds {
            let group = self.must_have(&row.group, || format!("hold {}", row.lease.id))?;
            let place = self.place_by_id(row.instance);
            self.guards.holds.insert(row.lease.id.clone(), Hold { row, group, place });
        }
        self.guards.freezes = freezes.into_iter().map(|f| (f.lease.id.clone(), f)).collect();
        for row in keeps {
            self.guards.take_up(row);
        }
        self.guards.look_again();
        Ok(())
    }
}

/// How somebody may end this lease.
pub(in crate::decide) fn how_it_ends(lease: &Lease, ask: &EndAsk) -> Result<LeaseEnd, Refusal> {
    if lease.owner == ask.by {
        Ok(LeaseEnd::Released)
    } else if ask.overrides {
        Ok(LeaseEnd::Overridden)
    } else {
        Err(Refusal::NotTheirs { id: lease.id.clone(), owner: lease.owner.clone(), by: ask.by.clone() })
    }
}
