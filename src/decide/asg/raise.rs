//! The other way to launch in an Auto Scaling group: its desired capacity is raised, and it launches by itself.
//!
//! For groups that do not allow `LaunchInstances` (with a warm pool, without a launch template, with a mixed
//! policy), or that are configured so. `SetDesiredCapacity` takes no token and an absolute number, so one
//! *raise* is a fenced step: from which number to which is a launch's row, committed first; then the group is
//! looked at; only if it wants what it did is it told, and told again after the next look if the answer was
//! lost. One raise of a group at a time is on its way, and the next begins when a look has shown it.
//!
//! Slots of a raise are in `launching` until the group shows instances that nobody knows; each fills one. All
//! that a group launches is alike, so it does not matter which of two raises, ours or somebody's alarm, an
//! instance came from: their sum is right. So a group needs a launch lifecycle hook, or its instances would be
//! in service before anyone could tell them from those that were there.
//!
//! What this cannot do: AWS has no way to raise a number by so much, or only if it is still what it was. An
//! alarm that raises it between our look and our call is overwritten, and both raises become the larger one;
//! the look after shows whether the group has more than it was told, and then it is told to keep that. A
//! raise is never taken back, and never lowers what a look has shown.

use std::time::Duration;

use crate::decide::event::CallError;
use crate::decide::group::{LaunchBody, Raised};
use crate::decide::guard::halt::is_counted;
use crate::decide::hook::notice::Transition;
use crate::decide::launches::{MOST_IN_GROUP, body_of};
use crate::decide::mark::Mark;
use crate::decide::rows::LaunchRow;
use crate::decide::wait::Wait;
use crate::decide::words::{Api, Ec2Id, ErrorClass, InstanceRef, LaunchSeq, LaunchState, Time};
use crate::decide::{Core, Now};

use super::Seen;

/// A raise goes out only upon a look that was answered so lately. The shorter, the less can happen between;
/// shorter than a call takes, and no look would do.
const FRESHEST: Duration = Duration::from_secs(2);
/// First pause after a call that failed; doubles to 32 times that.
const PAUSE: Duration = Duration::from_secs(1);
/// Looks are eventually consistent: after so long they show what an answered call did, and what a lost one may
/// yet do is done.
const LAG: Duration = Duration::from_secs(60);
/// How long a raise that nobody wants any more is waited for: its instances are looked after as they come.
const UNWANTED_FOR: Duration = Duration::from_secs(600);

/// One raise that is not settled.
#[derive(Debug)]
pub(in crate::decide) struct Raise {
    row: LaunchRow,
    raised: Raised,
    /// Those that have no instance yet.
    slots: Vec<InstanceRef>,
    in_flight: bool,
    /// AWS may have heard it.
    heard: bool,
    /// It took it: by its answer, or by what a look showed.
    taken_at: Option<Time>,
    /// A look has shown it.
    shown: bool,
    failures: u32,
    /// Only a look that was asked for since tells anything of it.
    look_since: Time,
    /// So many more than it wanted the group had when it was told, to balance its zones.
    surplus: u32,
}

impl Raise {
    /// As it was stored. If it was sent, what AWS made of it is not known.
    pub fn stored(row: LaunchRow, raised: Raised, slots: Vec<InstanceRef>, now: Time) -> Raise {
        let taken = row.not_before == Time::NEVER;
        Raise {
            heard: row.sends > 0 || taken,
            taken_at: taken.then_some(now),
            shown: false,
            in_flight: false,
            failures: 0,
            look_since: now,
            surplus: 0,
            row,
            raised,
            slots,
        }
    }

    /// An instance that the group launches may be for it.
    fn may_be_filled(&self) -> bool {
        (self.heard || self.in_flight) && !self.slots.is_empty()
    }

    /// Nothing was raised for it: it waits for what the group launches anyway.
    fn waits_only(&self) -> bool {
        self.raised.from == self.raised.to
    }

    fn take(&mut self, now: Time) {
        self.taken_at = Some(now);
        self.heard = true;
        // It is not to be sent again.
        self.row.not_before = Time::NEVER;
        self.row.error = None;
        self.row.error_class = None;
    }

    /// Why its slots wait.
    pub fn wait(&self) -> Wait {
        Wait::Raising { to: self.raised.to, taken: self.taken_at.is_some() }
    }

    pub fn slots(&self) -> &[InstanceRef] {
        &self.slots
    }
}

impl Seen {
    /// Members that the desired capacity counts.
    fn counted(&self) -> u32 {
        let counted = self.members.values().filter(|m| is_counted(m.lifecycle)).count();
        u32::try_from(counted).unwrap_or(u32::MAX)
    }
}

impl Core {
    /// Begins to raise a group's desired capacity for up to `most` of its queued slots.
    pub(in crate::decide) fn raise_next(
        &mut self,
        group: usize,
        most: u32,
        now: &mut Now,
    ) -> Result<(), Wait> {
        let state = &self.asgs[group];
        if state.hooks_seen_at.is_none() {
            return Err(Wait::Unseen { since: None });
        }
        if state.hooks_of(Transition::Launching).is_empty() {
            return Err(Wait::NoLaunchHook);
        }
        if let Some(open) = state.raises.iter().find(|r| !r.shown) {
            return Err(open.wait());
        }
        // What was launched the other way changes the desired capacity as well.
        if self.launches.open.values().any(|l| l.group == group) {
            return Err(Wait::CallsInFlight { api: Api::LaunchInstances, limit: 1 });
        }
        self.may_raise(group)?;
        let Some(from) = state.seen.as_ref().map(|s| s.desired) else {
            return Err(Wait::Unseen { since: None });
        };
        let n = most.min(MOST_IN_GROUP);
        let raised = Raised { from, to: from.saturating_add(n), replaces: false };
        let seq = LaunchSeq(self.launches.last_seq + 1);
        self.launches.last_seq = seq.0;
        let slots = self.ledger.assign(group, n, seq, u16::MAX, now.time);
        self.launches.plans[group].guard.launched(&slots);
        let row = self.row_of_raise(group, seq, n, raised, now.time);
        self.ledger.changes.launches.push(row.clone());
        self.asgs[group].raises.push(Raise::stored(row, raised, slots, now.time));
        self.look_since(group, now.time, now);
        Ok(())
    }

    fn row_of_raise(&self, group: usize, seq: LaunchSeq, count: u32, raised: Raised, now: Time) -> LaunchRow {
        let spec = &self.ledger.groups[group].spec;
        let body = LaunchBody {
            raised: Some(raised),
            // The group chooses where.
            subnet: String::new(),
            zone: String::new(),
            // It is never sent: the number is enough.
            ..body_of(spec, 0, count, seq, 0)
        };
        LaunchRow {
            seq,
            group: spec.name.clone(),
            version: spec.version.clone(),
            token: body.token.clone(),
            body: serde_json::to_string(&body).unwrap_or_default(),
            count,
            state: LaunchState::Unsettled,
            sends: 0,
            created_at: now,
            not_before: now,
            settled_at: None,
            launched: 0,
            error_class: None,
            error: None,
        }
    }

    /// The next queued slot waits for what the group launches anyway: a raise to what it wants already.
    pub(in crate::decide) fn await_replacement(&mut self, group: usize, replaces: bool, now: &Now) {
        // Not seen since a restart: the first look tells what it wants.
        let desired = self.asgs[group].seen.as_ref().map_or(0, |s| s.desired);
        let seq = LaunchSeq(self.launches.last_seq + 1);
        self.launches.last_seq = seq.0;
        let slots = self.ledger.assign(group, 1, seq, u16::MAX, now.time);
        let raised = Raised { from: desired, to: desired, replaces };
        let mut row = self.row_of_raise(group, seq, 1, raised, now.time);
        row.not_before = Time::NEVER;
        self.ledger.changes.launches.push(row.clone());
        let raise = Raise { shown: true, ..Raise::stored(row, raised, slots, now.time) };
        self.asgs[group].raises.push(raise);
    }

    /// Tells groups what they are to have, where a fresh look shows that it is still a raise.
    pub(in crate::decide) fn plan_raises(&mut self, now: &mut Now) {
        self.raises_wake = Time::NEVER;
        for group in 0..self.asgs.len() {
            let on_its_way = |r: &Raise| r.taken_at.is_none() && !r.in_flight;
            if let Some(i) = self.asgs[group].raises.iter().position(on_its_way) {
                self.plan_raise(group, i, now);
            }
        }
    }

    fn plan_raise(&mut self, group: usize, i: usize, now: &mut Now) {
        let state = &self.asgs[group];
        let raise = &state.raises[i];
        if now.time < raise.row.not_before {
            self.raises_wake = self.raises_wake.min(raise.row.not_before);
            return;
        }
        if state.resizing > 0 {
            return;
        }
        let (heard, raised) = (raise.heard, raise.raised);
        let since = raise.look_since.max(state.resized_at);
        let fresh = |at: Time| now.time.since(at) <= FRESHEST;
        let look = state.seen.as_ref().filter(|s| !s.stale && s.asked_at >= since && fresh(s.at));
        let Some((desired, here)) = look.map(|s| (s.desired, s.counted())) else {
            self.look_since(group, since, now);
            return;
        };
        if !heard {
            let (max, live) = self.occupied(group);
            // Somebody else has changed what it wants, or filled it: planned again with what it is now.
            let unwanted = self.asgs[group].raises[i].slots.iter().all(|s| self.is_cancelling(*s));
            if desired != raised.from || live > max || unwanted || self.may_raise(group).is_err() {
                return self.drop_raise(group, i, now);
            }
        } else if desired >= raised.to {
            self.raise_is_taken(group, i, now);
            return;
        } else if desired < raised.from {
            // Somebody has lowered it since: ours is over, once a late copy of it cannot arrive any more.
            if now.time.since(raise.look_since) < LAG {
                self.sweep_soon(group, now);
                return;
            }
            return self.drop_raise(group, i, now);
        }
        let Some(asg) = self.asgs[group].name.clone() else { return };
        if self.send_mark(Mark::Desired { asg, desired: raised.to }, now).is_err() {
            self.raises_wake = self.raises_wake.min(self.auto.next_chance(now.time));
            return;
        }
        let raise = &mut self.asgs[group].raises[i];
        raise.in_flight = true;
        raise.surplus = here.saturating_sub(desired);
        raise.row.sends += 1;
        self.ledger.changes.launches.push(raise.row.clone());
    }

    fn raise_is_taken(&mut self, group: usize, i: usize, now: &Now) {
        let raise = &mut self.asgs[group].raises[i];
        raise.take(now.time);
        raise.shown = true;
        self.ledger.changes.launches.push(raise.row.clone());
        self.sweep_soon(group, now);
    }

    /// Books the answer to a `SetDesiredCapacity`, if it was a raise.
    pub(in crate::decide) fn raise_marked(&mut self, mark: &Mark, error: Option<&CallError>, now: &mut Now) {
        let Mark::Desired { asg, desired } = mark else { return };
        let Some(group) = self.ledger.asg_index(asg) else { return };
        let ours = |r: &Raise| r.in_flight && r.raised.to == *desired;
        let Some(i) = self.asgs[group].raises.iter().position(ours) else { return };
        let raise = &mut self.asgs[group].raises[i];
        raise.in_flight = false;
        raise.look_since = now.time;
        let Some(error) = error else {
            raise.take(now.time);
            self.ledger.changes.launches.push(raise.row.clone());
            // Was it overtaken? The look after tells.
            self.sweep_at_once(group, now);
            return;
        };
        raise.row.error_class = Some(error.class);
        raise.row.error = Some(error.to_string());
        raise.row.not_before = now.time.plus(now.rng.jitter(PAUSE * 2u32.pow(raise.failures.min(5))));
        raise.failures += 1;
        let heard = raise.heard;
        let row = raise.row.clone();
        match error.class {
            ErrorClass::Throttle | ErrorClass::Contention => self.ledger.changes.launches.push(row),
            ErrorClass::Unknown | ErrorClass::TokenMismatch | ErrorClass::NoAction => {
                self.asgs[group].raises[i].heard = true;
                self.ledger.changes.launches.push(row);
            }
            // Refused, but an earlier copy may have been taken: the next look decides.
            ErrorClass::Size
            | ErrorClass::NotFound
            | ErrorClass::Configuration
            | ErrorClass::Capacity
            | ErrorClass::Unsupported
            | ErrorClass::Addresses
            | ErrorClass::Quota
            | ErrorClass::TooMany
            | ErrorClass::TokenSpent
                if heard =>
            {
                self.ledger.changes.launches.push(row);
            }
            ErrorClass::Size => {
                self.is_not_as_seen(group);
                self.drop_raise(group, i, now);
            }
            ErrorClass::NotFound
            | ErrorClass::Configuration
            | ErrorClass::Capacity
            | ErrorClass::Unsupported
            | ErrorClass::Addresses
            | ErrorClass::Quota
            | ErrorClass::TooMany
            | ErrorClass::TokenSpent => {
                self.drop_raise(group, i, now);
                self.configuration_refused(group, error, now);
            }
        }
    }

    /// A group launches an instance that is nobody's yet: it fills a slot that waits for one.
    pub(in crate::decide) fn fulfil(
        &mut self,
        group: usize,
        id: Ec2Id,
        now: &mut Now,
    ) -> Option<InstanceRef> {
        let raises = &self.asgs[group].raises;
        // What we launched ourselves and were not answered about has a slot already.
        let unsettled = self.launches.open.values().any(|l| l.group == group);
        let fits = |r: &Raise| r.may_be_filled() && !(unsettled && r.waits_only());
        // Who was there before comes first.
        let replaced = raises.iter().position(|r| r.raised.replaces && fits(r));
        let i = replaced.or_else(|| raises.iter().position(fits))?;
        let instance = self.asgs[group].raises[i].slots.pop()?;
        self.asgs[group].raises[i].row.launched += 1;
        // If only a few may be tried, this is one of them.
        self.launches.plans[group].guard.launched(&[instance]);
        self.launched(instance, id, None, now);
        self.settle_raises(group, now);
        Some(instance)
    }

    /// The group was seen: what has become of its raises?
    pub(in crate::decide) fn look_at_raises(&mut self, group: usize, now: &mut Now) {
        let Some(seen) = &self.asgs[group].seen else { return };
        let (asked_at, desired, max, here) = (seen.asked_at, seen.desired, seen.max, seen.counted());
        for raise in self.asgs[group].raises.iter_mut().filter(|r| r.waits_only()) {
            (raise.raised.from, raise.raised.to, raise.shown) = (desired, desired, true);
        }
        let look = |r: &Raise| r.taken_at.filter(|at| !r.shown && asked_at >= *at);
        // It had been told to have more before our call came.
        let overtaken = |r: &Raise| desired == r.raised.to && here.saturating_sub(r.surplus) > desired;
        let overtaken = self.asgs[group].raises.iter().find(|r| look(r).is_some() && overtaken(r));
        let keep = overtaken.map(|r| here.saturating_sub(r.surplus).min(max)).filter(|keep| *keep > desired);
        if let (Some(keep), Some(asg)) = (keep, self.asgs[group].name.clone()) {
            // If its answer is lost, the alarm that asked for them asks again.
            if self.send_mark(Mark::Desired { asg: asg.clone(), desired: keep }, now).is_err() {
                self.sweep_soon(group, now);
                return;
            }
            let text = format!("{asg} has {here} and wants {desired}: it is told to keep {keep}");
            self.ledger.journal(now.time, None, None, "raise", text);
        }
        for raise in &mut self.asgs[group].raises {
            if let Some(taken_at) = look(raise) {
                raise.shown = desired >= raise.raised.to || now.time.since(taken_at) >= LAG;
            }
        }
        if self.asgs[group].raises.iter().any(|r| r.taken_at.is_some()) {
            self.sweep_soon(group, now);
        }
        self.fill_those_replaced(group, now);
        self.fill_those_who_wait_for_nothing(group, desired, here, now);
        self.give_up_waiting(group, here >= desired, now);
        self.settle_raises(group, now);
    }

    /// Slots whose instance their group replaces get what it has launched already.
    pub(super) fn fill_those_replaced(&mut self, group: usize, now: &mut Now) {
        let replaces = |r: &Raise| r.raised.replaces && !r.slots.is_empty();
        while self.asgs[group].raises.iter().any(replaces)
            && let Some(id) = self.lately_adopted(group)
        {
            if self.fulfil(group, id, now).is_none() {
                break;
            }
        }
    }

    /// More slots may wait than the group has still to launch: what it had beside its desired capacity when that was
    /// raised, to balance its zones, or launched for one of them before anybody knew of it. Those that were adopted
    /// instead are theirs: a raise for the slots that are left would be one too many for each.
    fn fill_those_who_wait_for_nothing(&mut self, group: usize, desired: u32, here: u32, now: &mut Now) {
        let unsettled = self.launches.open.values().any(|l| l.group == group);
        let Some(put_off) = self.put_off(group).filter(|_| !unsettled && !self.has_raise_to_show(group))
        else {
            return;
        };
        let to_come = desired.saturating_add(put_off).saturating_sub(here);
        let taken = self.asgs[group].raises.iter().filter(|r| r.taken_at.is_some());
        let waiting: usize = taken.map(|r| r.slots.len()).sum();
        for _ in to_come as usize..waiting {
            let Some(id) = self.lately_adopted(group) else { return };
            if self.fulfil(group, id, now).is_none() {
                return;
            }
        }
    }

    /// Lets slots go for which nothing comes any more: the group has all that it wants, put off included.
    ///
    /// Who is cancelled, or past the deadline, does not wait for a group that is halted, and gives up with its slot
    /// what was put off for it. Where nothing is, the group still wants one for it.
    fn give_up_waiting(&mut self, group: usize, has_all: bool, now: &Now) {
        let unsettled = self.launches.open.values().any(|l| l.group == group);
        let all_here = has_all && !unsettled && self.put_off(group) == Some(0);
        for i in 0..self.asgs[group].raises.len() {
            let raise = &self.asgs[group].raises[i];
            let Some(taken_at) = raise.taken_at.filter(|at| raise.shown && now.time.since(*at) >= LAG) else {
                continue;
            };
            let late = now.time.since(taken_at) >= UNWANTED_FOR;
            let slots = std::mem::take(&mut self.asgs[group].raises[i].slots);
            let (over, left): (Vec<_>, Vec<_>) = slots.into_iter().partition(|slot| {
                let unwanted = self.unwanted(slot.slot.scale_up, now.time).is_some();
                all_here || unwanted && (self.take_from_put_off(group) || late)
            });
            self.asgs[group].raises[i].slots = left;
            for instance in over {
                self.back_to_the_queue(instance, now);
            }
        }
    }

    /// Ends the raises whose last slot has come, or will not.
    fn settle_raises(&mut self, group: usize, now: &Now) {
        let (done, open): (Vec<Raise>, Vec<Raise>) = std::mem::take(&mut self.asgs[group].raises)
            .into_iter()
            .partition(|r| r.slots.is_empty() && r.shown && r.taken_at.is_some());
        self.asgs[group].raises = open;
        for raise in done {
            self.end_raise(raise, LaunchState::Settled, now);
        }
    }

    /// The raise is not made: its slots are free for another.
    fn drop_raise(&mut self, group: usize, i: usize, now: &Now) {
        let mut raise = self.asgs[group].raises.remove(i);
        for instance in std::mem::take(&mut raise.slots) {
            self.back_to_the_queue(instance, now);
        }
        self.end_raise(raise, LaunchState::Refused, now);
    }

    fn end_raise(&mut self, mut raise: Raise, state: LaunchState, now: &Now) {
        raise.row.state = state;
        raise.row.settled_at = Some(now.time);
        self.ledger.changes.launches.push(raise.row);
    }

    /// A raise as it was stored.
    pub(in crate::decide) fn take_up_raise(
        &mut self,
        group: usize,
        row: LaunchRow,
        raised: Raised,
        slots: Vec<InstanceRef>,
        now: Time,
    ) {
        self.asgs[group].raises.push(Raise::stored(row, raised, slots, now));
    }

    /// The group's desired capacity counts these slots already.
    pub(super) fn is_in_desired(&self, group: usize, launch: LaunchSeq) -> bool {
        self.asgs[group].raises.iter().any(|r| r.shown && r.row.seq == launch)
    }

    /// What the group wants is being changed here, and no look has shown it yet.
    pub(in crate::decide) fn has_raise_to_show(&self, group: usize) -> bool {
        self.asgs[group].raises.iter().any(|r| !r.shown && (r.in_flight || r.heard))
    }

    /// A raise is on its way, or its answer was lost and no look has shown yet what came of it: nothing else may
    /// change what the group wants, or the two could not be told apart.
    pub(in crate::decide) fn is_raising(&self, group: usize) -> bool {
        let state = &self.asgs[group];
        let looked = |r: &Raise| state.seen.as_ref().is_some_and(|s| !s.stale && s.asked_at >= r.look_since);
        state.raises.iter().any(|r| r.in_flight || r.heard && r.taken_at.is_none() && !looked(r))
    }

    /// A raise for slots that wait: suspended, the group would not launch for them.
    pub(in crate::decide) fn has_raise_to_fill(&self, group: usize) -> bool {
        self.asgs[group].raises.iter().any(|r| !r.waits_only() && !r.slots.is_empty())
    }

    /// AWS does not let us launch in this group: from now on its desired capacity is raised.
    pub(in crate::decide) fn raises_from_now_on(&mut self, group: usize, error: &CallError, now: &Now) {
        if std::mem::replace(&mut self.asgs[group].raises_desired, true) {
            return;
        }
        let asg = self.asgs[group].name.as_deref().unwrap_or_default();
        let text =
            format!("{asg} does not allow LaunchInstances ({error}): its desired capacity is raised instead");
        self.ledger.journal(now.time, None, None, "raise", text);
    }
}

#[cfg(test)]
pub(super) mod tests;
