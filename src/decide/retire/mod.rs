//! Taking instances out of service: the only way in which muster ends anything that serves.
//!
//! Two reasons lead here. [`scale_in`]: fewer are asked for, and every signal agrees that fewer will do.
//! [`dead`]: the group's own health status and muster's probes agree that one does not serve. Both are
//! held up by the same [`doubts`]; [`victims`] says who goes first. Here is what happens to those that
//! are to go: a row and a journal line with the evidence, then the call, then waiting until they are gone.

pub mod dead;
mod doubts;
pub mod scale_in;
mod victims;
pub mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::Action;
use super::event::{CallError, Ec2State};
use super::removals::WHILE_HELD;
use super::rows::RemovalRow;
use super::words::{Ec2Id, ErrorClass, InstanceRef, Time};
use super::{Core, Now};
pub(in crate::decide) use dead::Care;
use scale_in::ScaleIns;
use words::{RemovalCause, RemovalState};

/// Most ids in one call of a group's (aws-facts 3.1).
const MOST_IN_GROUP: usize = 100;
/// Most ids in one call of EC2's, as for broken ones.
const MOST_IDS: usize = 500;
/// Pause before a call that failed is made again.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Every removal that is not over, and every scale-in.
#[derive(Debug, Default)]
pub(in crate::decide) struct Retiring {
    pub rows: BTreeMap<Ec2Id, Leaver>,
    pub scale_ins: ScaleIns,
}

/// One removal that is not over.
#[derive(Debug)]
pub(in crate::decide) struct Leaver {
    pub row: RemovalRow,
    pub group: usize,
    pub call: Call,
    /// A call that names it may have reached AWS.
    sent: bool,
    /// Whether it may be kept in quarantine was asked.
    considered: bool,
}

/// How far the call that ends it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::decide) enum Call {
    /// Not its time yet.
    None,
    /// To be made, not before then. `Known`: an earlier one is known to have done nothing, so that
    /// whatever spoke for it is looked at again.
    Due {
        at: Time,
        again: bool,
    },
    Out,
    /// Its group was told, and still shows it.
    Told,
}

impl Leaver {
    pub fn new(row: RemovalRow, group: usize) -> Leaver {
        // Whether a call went out before a restart is not known: the same one is made again.
        let call = match row.state {
            RemovalState::Leaving => Call::Due { at: Time(0), again: false },
            RemovalState::Waits
            | RemovalState::Replaced
            | RemovalState::Gone
            | RemovalState::Quarantined
            | RemovalState::Kept => Call::None,
        };
        Leaver { row, group, call, sent: true, considered: false }
    }

    /// Its group is not to replace it: it is one too many, or its replacement is there already.
    pub fn decrement(&self) -> bool {
        self.row.cause == RemovalCause::ScaleIn || self.row.scale_up.is_some()
    }

    /// Its group is asked to let it go into quarantine first.
    pub fn waits_for_quarantine(&mut self) {
        self.call = Call::None;
        self.considered = true;
    }

    /// It is not kept: what spoke for its removal is looked at again.
    pub fn goes_after_all(&mut self, now: Time) {
        self.call = Call::Due { at: now, again: true };
    }
}

impl Retiring {
    /// Those of a group that are on their way out for this reason.
    pub fn of(&self, group: usize, cause: RemovalCause) -> impl Iterator<Item = &Leaver> + '_ {
        self.rows.values().filter(move |l| l.group == group && l.row.cause == cause)
    }

    /// When a call is due that this says is one of them.
    fn next(&self, of: impl Fn(&Leaver) -> bool) -> Time {
        let due = |l: &Leaver| if let Call::Due { at, .. } = l.call { at } else { Time::NEVER };
        self.rows.values().filter(|l| of(l)).map(due).min().unwrap_or(Time::NEVER)
    }
}

impl Core {
    /// When there is somebody to take out of service, or a scale-in to look at, and a chance to.
    pub(in crate::decide) fn retiring_wake(&self, time: Time) -> Time {
        let grouped = |l: &Leaver| self.asgs[l.group].name.is_some();
        let calls = |of: bool, chance: Time| {
            let next = self.retiring.next(|l| grouped(l) == of);
            if next == Time::NEVER { next } else { next.max(chance) }
        };
        calls(true, self.auto.next_chance(time))
            .min(calls(false, self.terminate.next_chance(time)))
            .min(self.scale_ins_wake())
            .min(self.care_wake())
    }

    /// Decides who is to go, and makes the calls for those that are.
    pub(in crate::decide) fn plan_retiring(&mut self, now: &mut Now) {
        for group in 0..self.ledger.groups.len() {
            self.treat(group, now);
            self.scale_in(group, now);
            while self.call_for(group, now) {}
        }
    }

    /// Writes down that somebody is to go, with the evidence, before anything is done to it.
    pub(in crate::decide) fn retire(&mut self, row: RemovalRow, group: usize, now: &Now) {
        let (id, evidence) = (row.id, row.evidence.clone());
        self.ledger.leaves_service(id, now.time, &evidence);
        self.ledger.journal(now.time, None, row.instance, "remove", format!("{id}: {evidence}"));
        self.book_removal(row, group, now);
        if let Some(leaver) = self.retiring.rows.get_mut(&id) {
            leaver.call = Call::Due { at: now.time, again: false };
            leaver.sent = false;
        }
    }

    /// Writes a removal's row as it is now.
    pub(in crate::decide) fn book_removal(&mut self, row: RemovalRow, group: usize, now: &Now) {
        let done_at = row.state.is_over().then_some(now.time);
        let row = RemovalRow { done_at, ..row };
        self.ledger.changes.removals.push(row.clone());
        if row.state.is_over() {
            self.retiring.rows.remove(&row.id);
        } else {
            self.retiring.rows.insert(row.id, Leaver::new(row, group));
        }
    }

    /// One call for those of a group whose turn it is. False if nothing can go out.
    fn call_for(&mut self, group: usize, now: &mut Now) -> bool {
        let due = |l: &&Leaver| l.group == group && matches!(l.call, Call::Due { at, .. } if at <= now.time);
        let Some(first) = self.retiring.rows.values().find(due) else { return false };
        if matches!(first.call, Call::Due { again: true, .. }) {
            let id = first.row.id;
            return self.asks_itself_again(id, now);
        }
        let held = |l: &Leaver| self.hold_on(l.row.id, now.time).is_some();
        if held(first) {
            // One that may have been named before is not named again; the others ask themselves again.
            let (id, again) = (first.row.id, !first.sent);
            if let Some(leaver) = self.retiring.rows.get_mut(&id) {
                leaver.call =
                    Call::Due { at: now.time.plus(if again { Duration::ZERO } else { WHILE_HELD }), again };
            }
            return true;
        }
        if first.row.cause == RemovalCause::Dead && !first.considered && !first.sent {
            let id = first.row.id;
            if let Some(leaver) = self.retiring.rows.get_mut(&id) {
                leaver.considered = true;
            }
            if self.keeps_dead(id, now)
                && let Some(leaver) = self.retiring.rows.get_mut(&id)
            {
                leaver.waits_for_quarantine();
            }
            return true;
        }
        let decrement = first.decrement();
        let asg = self.asgs[group].name.clone();
        let most = if asg.is_some() { MOST_IN_GROUP } else { MOST_IDS };
        let alike = |l: &&Leaver| {
            due(l)
                && l.decrement() == decrement
                && !matches!(l.call, Call::Due { again: true, .. })
                && !held(l)
        };
        let asked: Vec<(Ec2Id, InstanceRef)> = self
            .retiring
            .rows
            .values()
            .filter(alike)
            .take(most)
            .map(|l| (l.row.id, l.row.instance.unwrap_or(InstanceRef::NOBODY)))
            .collect();
        let n = u32::try_from(asked.len()).unwrap_or(u32::MAX);
        let paid = if asg.is_some() { self.auto.take(now.time, 0) } else { self.terminate.take(now.time, n) };
        if paid.is_err() {
            // When there is a budget for it, what speaks for it may not hold any more.
            for (id, _) in &asked {
                if let Some(leaver) = self.retiring.rows.get_mut(id).filter(|l| !l.sent) {
                    leaver.call = Call::Due { at: now.time, again: true };
                }
            }
            return false;
        }
        if asg.is_some() {
            self.asgs[group].resizing += 1;
        }
        for (id, _) in &asked {
            if let Some(leaver) = self.retiring.rows.get_mut(id) {
                leaver.call = Call::Out;
                leaver.sent = true;
            }
        }
        now.actions.push(match asg {
            Some(asg) => Action::TerminateInGroup { asg, asked, decrement },
            None => Action::Terminate { asked },
        });
        true
    }

    /// A call for this one is known to have done nothing: does what spoke for it still hold? True if it
    /// goes or stays, which it always does.
    fn asks_itself_again(&mut self, id: Ec2Id, now: &mut Now) -> bool {
        let Some(leaver) = self.retiring.rows.get(&id) else { return true };
        let (group, cause) = (leaver.group, leaver.row.cause);
        let holds = match cause {
            RemovalCause::ScaleIn => self.scale_in_doubts(group, 0, now.time).is_empty(),
            RemovalCause::Dead => {
                self.removal_doubts(group, now.time).is_empty() && self.is_dead(group, id, now.time)
            }
        };
        if holds && self.hold_on(id, now.time).is_none() {
            if let Some(leaver) = self.retiring.rows.get_mut(&id) {
                leaver.call = Call::Due { at: now.time, again: false };
            }
        } else {
            self.keep(id, "what spoke for its removal does no longer", now);
        }
        true
    }

    /// It stays in service; nothing was done to it.
    pub(in crate::decide) fn keep(&mut self, id: Ec2Id, why: &str, now: &Now) {
        let Some(leaver) = self.retiring.rows.remove(&id) else { return };
        self.ledger.stays_in_service(id, now.time, why);
        let text = format!("{id}: stays in service: {why}");
        self.ledger.journal(now.time, None, leaver.row.instance, "kept", text);
        let row = RemovalRow { state: RemovalState::Kept, ..leaver.row };
        self.book_removal(row, leaver.group, now);
    }

    /// It is gone.
    fn has_gone(&mut self, id: Ec2Id, now: &Now) {
        let Some(leaver) = self.retiring.rows.remove(&id) else { return };
        self.ledger.has_left(id, now.time, &leaver.row.evidence);
        let row = RemovalRow { state: RemovalState::Gone, ..leaver.row };
        self.scale_in_lost_one(&row, now.time);
        self.book_removal(row, leaver.group, now);
        self.care[leaver.group].forget(id);
    }

    /// Books what EC2 said of a terminate call; leaves those that are none of ours to the others.
    pub(in crate::decide) fn retired_by_ec2(
        &mut self,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: &Result<Vec<(Ec2Id, Ec2State)>, CallError>,
        now: &Now,
    ) {
        for (id, _) in asked {
            let ending = outcome.as_ref().is_ok_and(|s| s.iter().any(|(i, s)| i == id && s.is_ending()));
            if ending {
                self.has_gone(*id, now);
            } else {
                self.call_failed(*id, outcome.as_ref().err(), now);
            }
        }
    }

    /// Books what a group said of a terminate call. True if the call was one of these.
    pub(in crate::decide) fn retired_by_group(
        &mut self,
        group: usize,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: &Result<(), CallError>,
        now: &Now,
    ) -> bool {
        let mut ours = false;
        for (id, _) in asked {
            let Some(leaver) = self.retiring.rows.get_mut(id) else { continue };
            ours = true;
            match outcome {
                Ok(()) => leaver.call = Call::Told,
                // The minimum was raised meanwhile.
                Err(error) if error.class == ErrorClass::Size => {
                    self.keep(*id, "the group's minimum forbids it", now);
                }
                Err(error) => self.call_failed(*id, Some(error), now),
            }
        }
        if ours {
            self.sweep_soon(group, now);
        }
        ours
    }

    fn call_failed(&mut self, id: Ec2Id, error: Option<&CallError>, now: &Now) {
        let Some(leaver) = self.retiring.rows.get_mut(&id).filter(|l| l.call == Call::Out) else { return };
        let nothing_was_done =
            error.is_some_and(|e| matches!(e.class, ErrorClass::Throttle | ErrorClass::Contention));
        leaver.call = Call::Due { at: now.time.plus(AFTER_FAILURE), again: nothing_was_done };
    }

    /// A group was seen: who has gone, and who was taken out by others?
    pub(in crate::decide) fn look_at_serving(&mut self, group: usize, now: &Now) {
        /// A look may be older than it says (aws-facts 2.6).
        const LAG: Duration = Duration::from_secs(30);
        let Some(seen) = &self.asgs[group].seen else { return };
        let gone: Vec<Ec2Id> = self
            .retiring
            .rows
            .values()
            .filter(|l| l.group == group && l.row.state == RemovalState::Leaving)
            .map(|l| l.row.id)
            .filter(|id| !seen.members.contains_key(id))
            .collect();
        let others: Vec<Ec2Id> = self
            .ledger
            .served(group)
            .filter(|(id, s)| !s.leaving && !seen.members.contains_key(id) && now.time.since(s.since) > LAG)
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.has_gone(id, now);
        }
        for id in others {
            self.retiring.rows.get(&id).map(|l| l.row.id).into_iter().for_each(|id| self.has_gone(id, now));
            self.ledger.has_left(id, now.time, "no longer in its group");
        }
    }

    /// Puts a stored removal back.
    pub(in crate::decide) fn take_up_removal(&mut self, row: RemovalRow, group: usize) {
        self.retiring.rows.insert(row.id, Leaver::new(row, group));
    }
}
