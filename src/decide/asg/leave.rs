//! Broken instances leave through their group: by a terminate call of the group's, or by abandoning the
//! lifecycle action that holds them. Never by EC2's own, which the group notices a minute or two later.
//!
//! The terminate call comes first, since it takes a hundred where ABANDON takes one, out of the bucket that
//! the good ones wait for; and since AWS slows a group's launches down while its hooks keep failing
//! (aws-facts 3.6), which is the last thing that a group with broken instances needs. ABANDON is for
//! actions that would end before such a call is through, for warm pools, which that call does not know,
//! and for instances of which AWS says that they are still being launched.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::action::Action;
use crate::decide::boots::ids_in;
use crate::decide::event::CallError;
use crate::decide::hook::door::goes_to_warm_pool;
use crate::decide::hook::notice::{HookResult, Transition};
use crate::decide::removals::WHILE_HELD;
use crate::decide::words::{Ec2Id, ErrorClass, HookSeq, InstanceRef, Origin, Phase, Time};
use crate::decide::{Core, Now};

/// Most ids in one call (aws-facts 3.1).
const MOST_IDS: usize = 100;
/// Broken ones are collected for so long, so that few calls take many. Longer: fewer calls. Shorter: their
/// places are free sooner; D8 wants that within 10 s, and EC2 is asked 2 s after the answer whether they are gone.
const COLLECT: Duration = Duration::from_secs(3);
/// A call that is overdue by this much goes before lifecycle actions that are urgent: it frees the places of up to a
/// hundred, and takes one call in three seconds from them.
const OVERDUE: Duration = Duration::from_secs(1);
/// Pause before those of a call that failed are named again.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// And where it was about none of them: the group itself is not there, or not as the call wants it. As long as
/// people need to mend that; all groups share one bucket.
const AFTER_REJECTION: Duration = Duration::from_secs(15);
/// And of those that were throttled.
const AFTER_THROTTLE: Duration = Duration::from_millis(250);
/// A call that was rejected because of one that is not in the group is followed by a look; without one
/// for so long, it is tried again.
const LOOKED_WITHIN: Duration = Duration::from_secs(10);
/// Looks are eventually consistent: an instance that was launched so long ago is shown.
pub(super) const SHOWN_AFTER: Duration = Duration::from_secs(60);
/// An instance that its group was told to end and that still runs after this is named in a terminate
/// call: the group acts within seconds, and EC2 shows it within a few more.
const PATIENCE: Duration = Duration::from_secs(60);

/// Instances of one group that leave by a terminate call.
#[derive(Debug, Default)]
pub(in crate::decide) struct Leaving {
    waiting: VecDeque<(Time, InstanceRef)>,
    /// When the last call went out.
    left_at: Time,
    /// A call was rejected because of one that is not in the group: whoever a later look does not show is
    /// not named again.
    rejected_at: Option<Time>,
}

/// One terminate call.
struct Call {
    asg: Arc<str>,
    asked: Vec<(Ec2Id, InstanceRef)>,
    /// The group is not to replace them.
    decrement: bool,
}

impl Leaving {
    /// Puts one on the list. It goes at once if nobody has gone for a while, else with the next.
    fn collect(&mut self, instance: InstanceRef, now: Time) {
        let at = self.left_at.plus(COLLECT).max(now);
        self.add(instance, at);
    }

    fn add(&mut self, instance: InstanceRef, at: Time) {
        let place = self.waiting.partition_point(|(t, _)| *t <= at);
        self.waiting.insert(place, (at, instance));
    }

    pub fn next(&self) -> Time {
        self.waiting.front().map_or(Time::NEVER, |(at, _)| *at)
    }
}

impl Core {
    /// Takes a broken instance out of its group.
    pub(in crate::decide) fn leave_group(&mut self, instance: InstanceRef, now: &mut Now) {
        let Some((group, id)) = self.place(instance) else { return };
        let open = self.hooks.of(id, Transition::Launching);
        let must = |seq: &HookSeq| {
            self.hooks.get(*seq).is_some_and(|h| {
                let ends_soon = h.row.ends_at <= now.time.plus(PATIENCE);
                !h.is_said() && (ends_soon || goes_to_warm_pool(h.row.destination))
            })
        };
        // An abandoned one its group replaces; what we launched ourselves we replace ourselves.
        let held = self.hold_on(id, now.time).is_some();
        let must = open.iter().copied().find(must);
        if let Some(seq) = must.filter(|_| !self.is_own(instance) && !held) {
            self.settle_hook(seq, HookResult::Abandon, now);
            return;
        }
        for seq in open {
            self.take_answer_back(seq);
        }
        self.asgs[group].leaving.collect(instance, now.time);
    }

    /// AWS does not take it out while it is being launched: its lifecycle action is what holds it.
    fn abandon(&mut self, instance: InstanceRef, now: &mut Now) -> bool {
        let Some((_, id)) = self.place(instance).filter(|_| !self.is_own(instance)) else { return false };
        if self.hold_on(id, now.time).is_some() {
            return false;
        }
        let open = self.hooks.of(id, Transition::Launching);
        let undecided = open.into_iter().find(|s| self.hooks.get(*s).is_some_and(|h| !h.is_said()));
        if let Some(seq) = undecided {
            self.settle_hook(seq, HookResult::Abandon, now);
        }
        undecided.is_some()
    }

    /// We launched it, and not its group for somebody else.
    pub(in crate::decide) fn is_own(&self, instance: InstanceRef) -> bool {
        let scale_up = self.ledger.scale_ups.get(&instance.slot.scale_up);
        scale_up.is_some_and(|s| s.row.origin != Origin::Adopted) && !self.kept.contains(&instance)
    }

    /// It was to end, and EC2 shows that it has not begun to.
    pub(in crate::decide) fn still_in_group(&mut self, instance: InstanceRef, now: &Now) {
        let Some((group, id)) = self.place(instance) else { return };
        let Some(slot) = self.ledger.current(instance).filter(|s| s.phase == Phase::Terminating) else {
            return;
        };
        if now.time.since(slot.since) < PATIENCE {
            self.look_again(id, instance, now);
        } else {
            self.asgs[group].leaving.add(instance, now.time);
        }
    }

    /// Somebody's place is due to be free, and urgent lifecycle actions left no call for it.
    pub(in crate::decide) fn leaving_is_overdue(&self, now: &Now) -> bool {
        self.asgs
            .iter()
            .any(|a| a.leaving.next() != Time::NEVER && a.leaving.next().plus(OVERDUE) <= now.time)
    }

    /// Sends terminate calls for those that are due, as far as the budget goes.
    pub(in crate::decide) fn plan_leaving(&mut self, now: &mut Now) {
        for group in 0..self.asgs.len() {
            if self.is_raising(group) || self.is_setting_desired(group) {
                continue;
            }
            while self.asgs[group].leaving.next() <= now.time && self.auto.check(now.time).is_ok() {
                if self.waits_for_a_look(group, now) {
                    break;
                }
                let Some(call) = self.next_leaving(group, now) else { continue };
                if self.auto.take(now.time, 0).is_err() {
                    return;
                }
                if call.decrement {
                    self.is_to_shrink(group, &call.asked, now);
                }
                for (_, instance) in &call.asked {
                    self.ledger.enter(instance.slot, Phase::Terminating, now.time, None);
                }
                self.asgs[group].leaving.left_at = now.time;
                self.asgs[group].resizing += 1;
                let Call { asg, asked, decrement } = call;
                now.actions.push(Action::TerminateInGroup { asg, asked, decrement });
            }
        }
    }

    /// The next call's worth: alike in whether the group is to replace them. Those that are held stay.
    fn next_leaving(&mut self, group: usize, now: &mut Now) -> Option<Call> {
        let asg = self.asgs[group].name.clone()?;
        let (mut asked, mut rest, mut decrement) = (Vec::new(), VecDeque::new(), None);
        let mut held = Vec::new();
        while let Some((at, instance)) = self.asgs[group].leaving.waiting.pop_front() {
            let slot = self.ledger.current(instance).filter(|s| may_leave(s.phase));
            let Some(id) = slot.and_then(|s| s.id) else { continue };
            if self.is_not_shown(group, id, instance) {
                self.ledger.enter(instance.slot, Phase::Terminating, now.time, None);
                self.is_not_in_group(&asg, id, instance, now);
                continue;
            }
            let own = self.is_own(instance);
            if self.hold_on(id, now.time).is_some() {
                held.push((now.time.plus(WHILE_HELD), instance));
            } else if asked.len() < MOST_IDS && *decrement.get_or_insert(own) == own {
                asked.push((id, instance));
            } else {
                rest.push_back((at, instance));
            }
        }
        self.asgs[group].leaving.waiting = rest;
        for (at, instance) in held {
            self.asgs[group].leaving.add(instance, at);
        }
        (!asked.is_empty()).then(|| Call { asg, asked, decrement: decrement.unwrap_or(false) })
    }

    /// A call that may change the desired capacity was answered.
    pub(in crate::decide) fn was_resized(&mut self, group: usize, now: &Now) {
        self.asgs[group].resizing = self.asgs[group].resizing.saturating_sub(1);
        self.asgs[group].resized_at = now.time;
    }

    /// Books what a group said of a terminate call: all of them go, or none.
    pub(in crate::decide) fn terminated_in_group(
        &mut self,
        asg: &str,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: Result<(), CallError>,
        now: &mut Now,
    ) {
        self.auto_answered(outcome.as_ref().err(), now);
        let Some(group) = self.ledger.asg_index(asg) else { return };
        self.was_resized(group, now);
        if self.kept_ended_in_group(group, asked, &outcome, now) {
            return;
        }
        self.shrank(group, asked, &outcome, now);
        if self.retired_by_group(group, asked, &outcome, now) {
            return;
        }
        let Err(error) = outcome else {
            for (id, instance) in asked {
                self.hooks_end_with(*id, now);
                self.look_again(*id, *instance, now);
            }
            return;
        };
        if error.class == ErrorClass::Throttle {
            // The bucket decides when it goes again.
            for (_, instance) in asked {
                self.asgs[group].leaving.add(*instance, now.time.plus(AFTER_THROTTLE));
            }
            return;
        }
        // One that is not in the group any more fails the call for all, and is named in the message.
        let named = ids_in(&error.message);
        let blames =
            matches!(error.class, ErrorClass::NotFound | ErrorClass::Configuration | ErrorClass::Size);
        let whole = blames && named.is_empty() && error.class != ErrorClass::Size;
        let pause = if whole { AFTER_REJECTION } else { AFTER_FAILURE };
        for (id, instance) in asked {
            if error.class == ErrorClass::Size {
                // The minimum forbids to shrink: its group replaces it.
                self.kept.insert(*instance);
            }
            let held = error.class == ErrorClass::Contention && (named.is_empty() || named.contains(id));
            if blames && named.contains(id) {
                self.asgs[group].leaving.rejected_at = Some(now.time);
                self.is_not_in_group(asg, *id, *instance, now);
            } else if !(held && self.abandon(*instance, now)) {
                self.asgs[group].leaving.add(*instance, now.time.plus(pause));
            }
        }
    }
}

impl Core {
    /// A call was rejected, and a look tells who else would have it rejected. One after the other would be
    /// a call for each.
    fn waits_for_a_look(&mut self, group: usize, now: &Now) -> bool {
        let Some(rejected_at) = self.asgs[group].leaving.rejected_at else { return false };
        let asked_at = self.asgs[group].seen.as_ref().map(|s| s.asked_at);
        if asked_at.is_some_and(|at| at > rejected_at) || now.time.since(rejected_at) > LOOKED_WITHIN {
            return false;
        }
        self.look_since(group, Time(rejected_at.0.saturating_add(1)), now);
        true
    }

    /// It was launched long ago, and a look after a call that was rejected does not show it.
    fn is_not_shown(&self, group: usize, id: Ec2Id, instance: InstanceRef) -> bool {
        let (state, slot) = (&self.asgs[group], self.ledger.current(instance));
        let (Some(rejected_at), Some(seen), Some(slot)) = (state.leaving.rejected_at, &state.seen, slot)
        else {
            return false;
        };
        seen.asked_at > rejected_at
            && seen.asked_at.since(slot.launched_at) > SHOWN_AFTER
            && !seen.members.contains_key(&id)
    }

    /// The group does not know it: either it has gone already, or somebody took it out and has it now. It
    /// is nobody's place in the group any more.
    fn is_not_in_group(&mut self, asg: &str, id: Ec2Id, instance: InstanceRef, now: &mut Now) {
        if self.ledger.current(instance).is_none_or(|s| s.phase != Phase::Terminating) {
            return;
        }
        let text = format!("{id}: not in {asg} any more");
        self.ledger.journal(now.time, Some(instance.slot.scale_up), Some(instance), "left_group", text);
        self.hooks_end_with(id, now);
        self.is_gone(instance, now);
    }
}

/// Phases out of which a broken instance may be taken. Those in service leave by [`crate::decide::retire`].
fn may_leave(phase: Phase) -> bool {
    match phase {
        Phase::Booting
        | Phase::Configuring
        | Phase::Verifying
        | Phase::Admitting
        | Phase::Broken
        | Phase::Terminating => true,
        Phase::Queued
        | Phase::Launching
        | Phase::InService
        | Phase::Quarantined
        | Phase::Reserved
        | Phase::Gone
        | Phase::Withdrawn => false,
    }
}
