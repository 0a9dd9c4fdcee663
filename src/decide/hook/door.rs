//! One door for all lifecycle actions, however we came to know of them; each is let in once.

use std::time::Duration;

use super::book::{Hook, Known};
use super::hopeless::first_look;
use super::notice::{HookNotice, HookResult, HookState, Place, Transition};
use crate::decide::action::{Accepted, Refusal};
use crate::decide::asg::ENDED_BY_GROUP;
use crate::decide::rows::HookRow;
use crate::decide::timers::Due;
use crate::decide::words::{HookSeq, InstanceRef, Phase, Time};
use crate::decide::{Core, Now};

impl Core {
    /// Takes in what a door was told.
    pub(in crate::decide) fn hook_noticed(
        &mut self,
        notice: HookNotice,
        now: &mut Now,
    ) -> Result<Accepted, Refusal> {
        let Some(group) = self.ledger.asg_index(&notice.asg) else {
            let known: Vec<&str> = self.ledger.groups.iter().filter_map(|g| g.spec.asg_name()).collect();
            return Err(Refusal::UnknownAsg { asg: notice.asg, known: known.join(", ") });
        };
        let id = notice.token.clone();
        match self.hooks.know(&notice) {
            Known::Same => return Ok(Accepted { id, repeated: true }),
            Known::Found(seq) => {
                let row = self.hooks.learn_token(seq, &notice.token, now.time);
                self.ledger.changes.hooks.extend(row);
                return Ok(Accepted { id, repeated: true });
            }
            Known::New => {}
        }
        if !self.asgs[group].has_hook(&notice.hook) {
            self.hooks_have_changed(group, now);
        }
        let period = self.asgs[group].heartbeat(&notice.hook);
        let started = started(notice.sent_at, period, now.time);
        self.open_hook(group, Noticed { token: Some(notice.token.clone()), notice, started }, now);
        Ok(Accepted { id, repeated: false })
    }

    /// Opens an action and puts its instance on its way.
    pub(in crate::decide) fn open_hook(&mut self, group: usize, noticed: Noticed, now: &mut Now) {
        let Noticed { notice, token, started } = noticed;
        let (period, global) =
            (self.asgs[group].heartbeat(&notice.hook), self.asgs[group].global_timeout(&notice.hook));
        let seq = HookSeq(self.hooks.last_seq + 1);
        let (id, transition) = (notice.id, notice.transition);
        let instance = match transition {
            Transition::Launching => Some(self.place_of(group, id, &notice, now)),
            Transition::Terminating => self.members.get(&id).copied(),
        };
        let row = HookRow {
            seq,
            group: self.ledger.groups[group].spec.name.clone(),
            asg: notice.asg,
            hook: notice.hook,
            token,
            transition,
            id,
            origin: notice.origin,
            destination: notice.destination,
            instance,
            state: HookState::Open,
            result: None,
            noticed_at: now.time,
            expires_at: started.plus(period).min(started.plus(global)),
            ends_at: started.plus(global),
            completions: 0,
            heartbeats: 0,
            done_at: None,
            error: None,
        };
        let text = format!("{} of {id} by hook {} of {}", row.transition, row.hook, row.asg);
        let scale_up = instance.map(|i| i.slot.scale_up);
        self.ledger.journal(now.time, scale_up, instance, "hook", text);
        self.timers.set(first_look(row.ends_at), Due::HookEnd(seq));
        let held = self.hold_on(id, now.time).is_some() || self.kept_place(id).is_some();
        self.hooks.open(Hook::new(row.clone(), group, period).of_held(held));
        self.ledger.changes.hooks.push(row);
        match transition {
            Transition::Launching => self.catch_up(seq, instance, now),
            Transition::Terminating => self.is_leaving(seq, instance, now),
        }
    }

    /// The instance's place in the books; made if nobody knew of it.
    fn place_of(
        &mut self,
        group: usize,
        id: crate::decide::words::Ec2Id,
        notice: &HookNotice,
        now: &mut Now,
    ) -> InstanceRef {
        if let Some(kept) = self.kept_place(id) {
            return kept;
        }
        let known = self.members.get(&id).copied();
        let lives = |i: &InstanceRef| {
            self.ledger.current(*i).is_some_and(|s| s.phase.occupies() && s.phase != Phase::InService)
        };
        match known.filter(lives) {
            Some(instance) => instance,
            None => self.adopt(group, id, notice.destination, now),
        }
    }

    /// The notice may come after the instance was verified, or given up.
    fn catch_up(&mut self, seq: HookSeq, instance: Option<InstanceRef>, now: &mut Now) {
        let phase = instance.and_then(|i| self.ledger.current(i)).map(|s| s.phase);
        match phase {
            Some(Phase::Admitting) => self.settle_hook(seq, HookResult::Continue, now),
            Some(Phase::Broken | Phase::Terminating) => self.settle_hook(seq, HookResult::Abandon, now),
            Some(
                Phase::Queued
                | Phase::Launching
                | Phase::Booting
                | Phase::Configuring
                | Phase::Verifying
                | Phase::InService
                | Phase::Quarantined
                | Phase::Reserved
                | Phase::Gone
                | Phase::Withdrawn,
            )
            | None => {}
        }
    }

    /// Its group ends the instance, whoever wanted that; nothing of ours has to be done first, unless somebody
    /// holds it.
    fn is_leaving(&mut self, seq: HookSeq, instance: Option<InstanceRef>, now: &mut Now) {
        if let Some(instance) = instance {
            self.goes(instance, ENDED_BY_GROUP, now);
        }
        self.settle_hook(seq, HookResult::Continue, now);
    }
}

/// A lifecycle action that we came to know of.
#[derive(Debug)]
pub struct Noticed {
    pub notice: HookNotice,
    /// Unknown if it was found by looking.
    pub token: Option<String>,
    pub started: Time,
}

/// When the action began, by our clock: AWS's own time where that is believable. A notification that
/// came late has used up part of its action's time; one from the future, or one that is older than
/// the whole action, comes from a clock that is not ours.
fn started(sent_at: Option<Time>, period: Duration, now: Time) -> Time {
    match sent_at {
        Some(at) if at <= now && now.since(at) < period => at,
        Some(_) | None => now,
    }
}

/// Where an instance goes that is launched: into service, or into its group's warm pool.
#[must_use]
pub fn goes_to_warm_pool(destination: Option<Place>) -> bool {
    match destination {
        Some(Place::WarmPool) => true,
        Some(Place::Ec2 | Place::Group) | None => false,
    }
}
