//! Looking at the groups on a beat: whatever notifications did not tell is found, and goes through the same
//! door as what they did.
//!
//! One look is one call for up to a hundred groups, whatever happens in them: constant work, paid out of
//! what lifecycle actions leave of the budget, and sent anyway when it is overdue.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::Seen;
use super::leave::SHOWN_AFTER;
use super::replaced::ENDED_BY_GROUP;
use super::seen::{GroupSeen, GroupsPage, HookSeen, Lifecycle, MemberSeen};
use crate::decide::action::Action;
use crate::decide::event::CallError;
use crate::decide::hook::door::Noticed;
use crate::decide::hook::notice::{HookNotice, Place, Transition};
use crate::decide::words::{Ec2Id, ErrorClass, InstanceRef, Phase, Time};
use crate::decide::{Core, Now};

/// Most names in one describe (aws-facts 3.1).
const MOST_NAMES: usize = 100;
/// A look that somebody waits for is put off by this much, so that many share it.
const SOON: Duration = Duration::from_secs(3);
/// A look that is overdue by this much goes out before anything else.
const OVERDUE: Duration = Duration::from_secs(5);
/// Pause before a look that failed is tried again.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// Hooks change when people change them. What shows that they did has them described sooner.
const HOOKS_EVERY: Duration = Duration::from_secs(600);
/// An action that we answered so long ago may still be shown as waiting: looks are eventually consistent.
const LAG: Duration = Duration::from_secs(30);

/// When to look next.
#[derive(Debug, Default)]
pub(in crate::decide) struct Sweeps {
    /// Shortest of what the groups ask for.
    every: Duration,
    next_at: Time,
    /// The rest of this round: names, and where to go on among them.
    todo: VecDeque<(Vec<Arc<str>>, Option<String>)>,
    /// Groups whose hooks are to be described.
    hooks: VecDeque<usize>,
    out: u32,
    /// When this round began.
    began: Time,
    /// Nothing is sent again before.
    not_before: Time,
}

impl Sweeps {
    pub fn new(every: impl Iterator<Item = Duration>) -> Sweeps {
        let every = every.min();
        Sweeps {
            every: every.unwrap_or(Duration::MAX),
            next_at: if every.is_some() { Time(0) } else { Time::NEVER },
            ..Sweeps::default()
        }
    }

    fn is_idle(&self) -> bool {
        self.todo.is_empty() && self.hooks.is_empty() && self.out == 0
    }

    /// A call failed: the next one goes out a little later.
    fn pause(&mut self, now: Time) {
        self.not_before = now.plus(AFTER_FAILURE);
    }

    /// When there is something to send.
    pub fn next(&self) -> Time {
        if self.todo.is_empty() && self.hooks.is_empty() {
            if self.out > 0 { Time::NEVER } else { self.next_at }
        } else {
            self.not_before
        }
    }
}

impl Core {
    /// Somebody waits for what a group says.
    pub(in crate::decide) fn sweep_soon(&mut self, group: usize, now: &Now) {
        if self.asgs[group].name.is_some() {
            self.sweeps.next_at = self.sweeps.next_at.min(now.time.plus(SOON));
        }
    }

    /// Something cannot go on before its group was seen again.
    pub(in crate::decide) fn sweep_at_once(&mut self, group: usize, now: &Now) {
        if self.asgs[group].name.is_some() {
            self.sweeps.next_at = self.sweeps.next_at.min(now.time);
        }
    }

    /// Something cannot go on before its group was seen by a look that was asked for since.
    pub(in crate::decide) fn look_since(&mut self, group: usize, since: Time, now: &Now) {
        let on_its_way = !self.sweeps.is_idle() && self.sweeps.began >= since;
        if !on_its_way {
            self.sweep_at_once(group, now);
        }
    }

    /// The group is not as it was seen.
    pub(in crate::decide) fn is_not_as_seen(&mut self, group: usize) {
        if let Some(seen) = &mut self.asgs[group].seen {
            seen.stale = true;
        }
    }

    /// Somebody waits for a hook that the group had not when its hooks were described, ten minutes ago perhaps.
    /// Nobody would find those who are not told of it. They are described again, once in a beat at most.
    pub(in crate::decide) fn hooks_have_changed(&mut self, group: usize, now: &Now) {
        let Some(every) = self.ledger.groups[group].spec.asg.as_ref().map(|a| a.sweep_every) else { return };
        let state = &mut self.asgs[group];
        // Those that were never described are to be, anyhow.
        let lately = state.hooks_doubted_at.is_some_and(|at| now.time.since(at) < every);
        if state.hooks_seen_at.is_some() && !lately {
            state.hooks_doubted_at = Some(now.time);
            self.sweeps.hooks.push_back(group);
        }
    }

    /// Looks, if it is time and lifecycle actions leave something of the budget.
    pub(in crate::decide) fn plan_sweeps(&mut self, now: &mut Now) {
        if self.sweeps.is_idle() && self.sweeps.next_at <= now.time {
            self.begin_sweep(now);
        }
        while self.sweeps.next() <= now.time && self.auto.check(now.time).is_ok() {
            let action = if let Some(group) = self.sweeps.hooks.pop_front() {
                self.asgs[group].name.clone().map(|asg| Action::DescribeHooks { asg })
            } else {
                let next = self.sweeps.todo.pop_front();
                next.map(|(asked, page)| Action::DescribeGroups { asked, page })
            };
            let Some(action) = action else { return };
            if self.auto.take(now.time, 0).is_err() {
                return;
            }
            self.sweeps.out += 1;
            now.actions.push(action);
        }
    }

    fn begin_sweep(&mut self, now: &Now) {
        let names: Vec<Arc<str>> = self.asgs.iter().filter_map(|a| a.name.clone()).collect();
        self.sweeps.todo = names.chunks(MOST_NAMES).map(|c| (c.to_vec(), None)).collect();
        let stale = |at: Option<Time>| at.is_none_or(|at| now.time.since(at) >= HOOKS_EVERY);
        self.sweeps.hooks = (0..self.asgs.len())
            .filter(|g| self.asgs[*g].name.is_some() && stale(self.asgs[*g].hooks_seen_at))
            .collect();
        self.sweeps.next_at = now.time.plus(self.sweeps.every);
        self.sweeps.began = now.time;
    }

    /// A look is so late that it goes before lifecycle actions.
    pub(in crate::decide) fn sweep_is_overdue(&self, now: &Now) -> bool {
        let since = self.sweeps.next_at.plus(OVERDUE);
        let waiting = !self.sweeps.todo.is_empty() || !self.sweeps.hooks.is_empty();
        if waiting {
            // The round began one beat before the next is due.
            self.sweeps.next_at.minus(self.sweeps.every).plus(OVERDUE) <= now.time
        } else {
            self.sweeps.out == 0 && since <= now.time
        }
    }

    /// Books what a group's hooks are.
    pub(in crate::decide) fn hooks_described(
        &mut self,
        asg: &str,
        outcome: Result<Vec<HookSeen>, CallError>,
        now: &mut Now,
    ) {
        self.sweeps.out = self.sweeps.out.saturating_sub(1);
        self.auto_answered(outcome.as_ref().err(), now);
        let Some(group) = self.ledger.asg_index(asg) else { return };
        let hooks = match outcome {
            Ok(hooks) => hooks,
            // A group that is not there is asked about with the next round: all groups share one bucket.
            Err(error) if error.class == ErrorClass::NotFound => return,
            Err(_) => {
                self.sweeps.hooks.push_back(group);
                self.sweeps.pause(now.time);
                return;
            }
        };
        let state = &mut self.asgs[group];
        state.hooks = hooks.into_iter().map(|h| (h.hook.clone(), h)).collect();
        state.hooks_seen_at = Some(now.time);
    }

    /// Books what the groups look like, and takes up what nobody told us.
    pub(in crate::decide) fn groups_described(
        &mut self,
        asked: &[Arc<str>],
        outcome: Result<GroupsPage, CallError>,
        now: &mut Now,
    ) {
        self.sweeps.out = self.sweeps.out.saturating_sub(1);
        self.auto_answered(outcome.as_ref().err(), now);
        let Ok(page) = outcome else {
            self.sweeps.todo.push_back((asked.to_vec(), None));
            self.sweeps.pause(now.time);
            return;
        };
        if page.next.is_some() {
            self.sweeps.todo.push_front((asked.to_vec(), page.next));
        }
        for seen in page.groups {
            if let Some(group) = self.ledger.asg_index(&seen.asg) {
                self.group_seen(group, seen, now);
            }
        }
    }

    fn group_seen(&mut self, group: usize, seen: GroupSeen, now: &mut Now) {
        let before = self.asgs[group].seen.as_ref().map(|s| s.at);
        for member in &seen.members {
            self.member_seen(group, member, before, now);
        }
        let members: BTreeMap<Ec2Id, MemberSeen> = seen.members.into_iter().map(|m| (m.id, m)).collect();
        self.find_those_who_left(group, &members, now);
        let (min, max, desired, suspended) = (seen.min, seen.max, seen.desired, seen.suspended);
        let asked_at = self.sweeps.began;
        self.asgs[group].seen =
            Some(Seen { at: now.time, asked_at, stale: false, min, max, desired, suspended, members });
        self.look_at_quarantine(group, now);
        self.look_at_serving(group, now);
        self.look_at_health(group, now);
        self.look_at_raises(group, now);
        self.guards.look_again();
    }

    fn member_seen(&mut self, group: usize, member: &MemberSeen, before: Option<Time>, now: &mut Now) {
        match member.lifecycle {
            Lifecycle::PendingWait => {
                self.found(group, member, Transition::Launching, Place::Group, before, now);
            }
            Lifecycle::WarmedPendingWait => {
                self.found(group, member, Transition::Launching, Place::WarmPool, before, now);
            }
            Lifecycle::TerminatingWait | Lifecycle::WarmedTerminatingWait => {
                self.found(group, member, Transition::Terminating, Place::Ec2, before, now);
            }
            Lifecycle::InService => self.serves(member.id, now),
            Lifecycle::Terminating
            | Lifecycle::TerminatingProceed
            | Lifecycle::Terminated
            | Lifecycle::WarmedTerminating
            | Lifecycle::WarmedTerminatingProceed
            | Lifecycle::WarmedTerminated => self.ends(member.id, now),
            Lifecycle::Pending => self.is_coming(group, member.id, Place::Group, now),
            Lifecycle::WarmedPending => self.is_coming(group, member.id, Place::WarmPool, now),
            Lifecycle::PendingProceed
            | Lifecycle::EnteringStandby
            | Lifecycle::Standby
            | Lifecycle::Detaching
            | Lifecycle::Detached
            | Lifecycle::TerminatingRetained
            | Lifecycle::Quarantined
            | Lifecycle::ReplacingRootVolume
            | Lifecycle::ReplacingRootVolumeWait
            | Lifecycle::ReplacingRootVolumeProceed
            | Lifecycle::RootVolumeReplaced
            | Lifecycle::WarmedPendingProceed
            | Lifecycle::WarmedPendingRetained
            | Lifecycle::WarmedStopped
            | Lifecycle::WarmedRunning
            | Lifecycle::WarmedHibernated
            | Lifecycle::WarmedTerminatingRetained
            | Lifecycle::Other => {}
        }
    }

    /// The group launches it: from now on somebody answers for it, whether or not it ever gets so far that
    /// a lifecycle action begins.
    fn is_coming(&mut self, group: usize, id: Ec2Id, destination: Place, now: &mut Now) {
        if !self.members.contains_key(&id) {
            self.adopt(group, id, Some(destination), now);
        }
    }

    /// An instance waits for an answer: whoever was not told of it is now.
    fn found(
        &mut self,
        group: usize,
        member: &MemberSeen,
        transition: Transition,
        destination: Place,
        before: Option<Time>,
        now: &mut Now,
    ) {
        let lately = self.hooks.ended_lately(member.id, transition, now.time, LAG);
        let hooks = self.asgs[group].hooks_of(transition);
        if hooks.is_empty() {
            self.hooks_have_changed(group, now);
        }
        for hook in hooks {
            if lately || self.hooks.has(member.id, transition, &hook) {
                continue;
            }
            let Some(asg) = self.asgs[group].name.clone() else { return };
            // It began after we last looked; if we never did, half its time may be over.
            let period = self.asgs[group].heartbeat(&hook);
            let started = before.unwrap_or(now.time.minus(period / 2)).max(now.time.minus(period / 2));
            let text = format!("{}: {transition} by hook {hook} of {asg}, and nobody told us", member.id);
            self.ledger.journal(now.time, None, None, "hook_found", text);
            let notice = HookNotice {
                asg: asg.to_string(),
                hook,
                token: String::new(),
                transition,
                id: member.id,
                origin: None,
                destination: Some(destination),
                sent_at: None,
            };
            self.open_hook(group, Noticed { notice, token: None, started }, now);
        }
    }

    /// The group lets it serve: without a hook, or by an answer whose reply was lost.
    fn serves(&mut self, id: Ec2Id, now: &mut Now) {
        let Some(instance) = self.members.get(&id).copied() else { return };
        let admitting = self.ledger.current(instance).is_some_and(|s| s.phase == Phase::Admitting);
        // One of the reserve's was in service before: an old look may show that still.
        let joining = self.is_joining(instance);
        if admitting && !joining && self.hooks.of(id, Transition::Launching).is_empty() {
            self.in_service(instance, now);
        }
    }

    /// The group ends it, and we were not told or were not asked.
    fn ends(&mut self, id: Ec2Id, now: &mut Now) {
        let Some(instance) = self.members.get(&id).copied() else { return };
        if self.hooks.of(id, Transition::Launching).is_empty() {
            self.goes(instance, ENDED_BY_GROUP, now);
        }
    }

    /// An instance on its way is going: from now on it is watched until EC2 says so.
    pub(in crate::decide) fn goes(&mut self, instance: InstanceRef, why: &str, now: &mut Now) {
        let Some((phase, Some(id))) = self.ledger.current(instance).map(|s| (s.phase, s.id)) else { return };
        match phase {
            Phase::Booting | Phase::Configuring | Phase::Verifying | Phase::Admitting => {
                self.teaches_nothing(instance);
                self.ledger.enter(instance.slot, Phase::Broken, now.time, Some(why.to_string()));
            }
            Phase::Broken => {}
            Phase::Queued
            | Phase::Launching
            | Phase::InService
            | Phase::Terminating
            | Phase::Quarantined
            | Phase::Reserved
            | Phase::Gone
            | Phase::Withdrawn => return,
        }
        self.ledger.enter(instance.slot, Phase::Terminating, now.time, None);
        self.goes_by_itself(instance);
        self.look_again(id, instance, now);
    }

    /// Those on their way who wait for nothing and are not in their group any more: somebody detached them, or the
    /// group has ended them and launches another. The sooner that is known, the surer it is whose place that one takes.
    fn find_those_who_left(&mut self, group: usize, members: &BTreeMap<Ec2Id, MemberSeen>, now: &mut Now) {
        let waits = |i: &InstanceRef| {
            let ours = self.ledger.scale_ups.get(&i.slot.scale_up).is_some_and(|s| s.group == group);
            ours && self.ledger.current(*i).is_some_and(|s| match s.phase {
                // Looks are eventually consistent: whoever was launched so long ago is shown.
                Phase::Booting | Phase::Configuring | Phase::Verifying => {
                    now.time.since(s.launched_at) > SHOWN_AFTER
                }
                Phase::Admitting => now.time.since(s.since) > LAG,
                Phase::Queued
                | Phase::Launching
                | Phase::InService
                | Phase::Broken
                | Phase::Terminating
                | Phase::Quarantined
                | Phase::Reserved
                | Phase::Gone
                | Phase::Withdrawn => false,
            })
        };
        let left: Vec<InstanceRef> = self
            .members
            .iter()
            .filter(|(id, i)| !members.contains_key(id) && waits(i))
            .filter(|(id, _)| self.hooks.of(**id, Transition::Launching).is_empty())
            .map(|(_, i)| *i)
            .collect();
        for instance in left {
            self.goes(instance, "no longer in its group", now);
        }
    }
}
