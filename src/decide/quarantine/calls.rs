//! The calls of a quarantine: the one that takes an instance out of its group, the one that tags it, and at
//! the end the one that ends it. All of them may be sent twice; which of them happened, a look at the group
//! or an answer of EC2's says, never the lack of one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::words::{Keeping, Purpose, QuarantineEnd, QuarantineState, TAGS_AT_ONCE};
use super::{Kept, Try};
use crate::decide::action::Action;
use crate::decide::asg::seen::Lifecycle;
use crate::decide::boots::ids_in;
use crate::decide::event::{CallError, Ec2State};
use crate::decide::mark::{Mark, Marked};
use crate::decide::removals::WHILE_HELD;
use crate::decide::words::{Ec2Id, ErrorClass, Failure, InstanceRef, Time};
use crate::decide::{Core, Now};

/// Most ids of one `EnterStandby` or `DetachInstances` (aws-facts 3.1).
pub(super) const MOST_MOVED: usize = 20;
/// Most ids of one terminate call of a group's (aws-facts 3.1).
const MOST_IN_GROUP: usize = 100;
/// And of one of EC2's, as for broken ones.
const MOST_IDS: usize = 500;
/// A call that was throttled goes out again after this; nobody waits for it but a place that is full.
pub(super) const AFTER_THROTTLE: Duration = Duration::from_millis(500);
/// One that was lost, or met another activity of the group.
pub(super) const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// One that would end it and was refused: a look, or time, has to show why.
pub(super) const AFTER_REFUSED_END: Duration = Duration::from_secs(10);
/// Tags that were refused: for want of a permission, perhaps, which somebody may give.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);
/// A group that was told to end one shows it for so long, longer where it has a lifecycle action of its own.
const UNTIL_GONE: Duration = Duration::from_secs(15);
/// A look may be older than it says (aws-facts 2.6).
pub(super) const LAG: Duration = Duration::from_secs(30);
/// An instance that EC2 does not know so long after it broke is not there: terminated ones stay visible for
/// about an hour, and eventual consistency is over within minutes (aws-facts 2.6).
const MISSING_FOR: Duration = Duration::from_secs(600);

/// How the next call ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    ByGroup,
    ByEc2,
    /// It is on its way.
    Waits,
}

impl Core {
    /// Makes the calls that are due, as far as the budgets go.
    pub(super) fn send_for_quarantine(&mut self, now: &mut Now) {
        self.take_out(now);
        self.let_in(now);
        self.end_those_let_go(now);
        self.tag_kept(now);
    }

    /// Asks groups to let go of those that are to be kept, alike ones together.
    fn take_out(&mut self, now: &mut Now) {
        let mut calls: BTreeMap<(usize, Keeping, bool, Option<Ec2Id>), Vec<Ec2Id>> = BTreeMap::new();
        let mut coming = BTreeSet::new();
        for kept in self.quarantine.rows.values() {
            let waits = kept.call.out || kept.call.refused_at.is_some();
            // A freeze wants nobody out of service who serves.
            let frozen =
                kept.row.purpose == Purpose::Reserve && self.frozen_until(kept.group, now.time).is_some();
            if kept.row.state != QuarantineState::Asked || waits || frozen {
                continue;
            }
            if kept.call.not_before > now.time {
                self.quarantine.wake = self.quarantine.wake.min(kept.call.not_before);
                continue;
            }
            // One that was just let in is a moment on its way yet: those that a look shows go together.
            if kept.row.purpose == Purpose::Reserve && !self.is_shown_in_service(kept) {
                coming.insert(kept.group);
                continue;
            }
            let alone = kept.call.alone.then_some(kept.row.id);
            let key = (kept.group, kept.row.how, self.shrinks(kept), alone);
            calls.entry(key).or_default().push(kept.row.id);
        }
        for group in coming {
            self.sweep_soon(group, now);
        }
        for ((group, how, decrement, _), ids) in calls {
            // A raise of the desired capacity needs it to stay as it is: the look that shows it wakes us.
            if decrement && self.has_raise_to_show(group) {
                continue;
            }
            for ids in ids.chunks(MOST_MOVED) {
                self.move_out(group, how, decrement, ids.to_vec(), now);
            }
        }
    }

    fn is_shown_in_service(&self, kept: &Kept) -> bool {
        let seen = self.asgs[kept.group].seen.as_ref();
        let shown = seen.and_then(|s| s.members.get(&kept.row.id)).map(|m| m.lifecycle);
        shown == Some(Lifecycle::InService)
    }

    fn move_out(&mut self, group: usize, how: Keeping, decrement: bool, ids: Vec<Ec2Id>, now: &mut Now) {
        let Some(asg) = self.asgs[group].name.clone() else { return };
        let mark = match how {
            Keeping::Standby => Mark::EnterStandby { asg, ids: ids.clone(), decrement },
            Keeping::Detach => Mark::Detach { asg, ids: ids.clone(), decrement },
            Keeping::Hook | Keeping::Apart => return,
        };
        if self.send_mark(mark, now).is_err() {
            self.quarantine.wake = self.quarantine.wake.min(self.auto.next_chance(now.time));
            return;
        }
        if decrement {
            self.asgs[group].resizing += 1;
            self.quarantine.shrinking.push((group, ids.clone()));
        }
        for id in ids {
            if let Some(kept) = self.quarantine.rows.get_mut(&id) {
                kept.call.out = true;
            }
        }
    }

    /// Its group is not to launch another in its place: muster does, or has done so.
    fn shrinks(&self, kept: &Kept) -> bool {
        if kept.row.purpose == Purpose::Reserve {
            return true;
        }
        match self.retiring.rows.get(&kept.row.id) {
            Some(leaver) => leaver.decrement(),
            None => kept.row.instance.is_some_and(|i| self.is_own(i)),
        }
    }

    /// Books what a call came to that took instances out of their group, or tagged one.
    pub(in crate::decide) fn quarantine_marked(
        &mut self,
        mark: &Mark,
        outcome: &Result<Marked, CallError>,
        now: &mut Now,
    ) {
        match mark {
            Mark::EnterStandby { asg, ids, decrement } | Mark::Detach { asg, ids, decrement } => {
                self.was_taken_out(asg, ids, *decrement, outcome.as_ref().err(), now);
            }
            Mark::Quarantined { id, .. } => self.was_tagged(*id, outcome.as_ref().err(), now),
            Mark::ExitStandby { ids, .. } => self.was_let_in(ids, outcome.as_ref().err(), now),
            Mark::ScaleInProtection { .. }
            | Mark::Suspend { .. }
            | Mark::Resume { .. }
            | Mark::Desired { .. }
            | Mark::TerminationProtection { .. }
            | Mark::IsTerminationProtected { .. } => {}
        }
    }

    fn was_taken_out(
        &mut self,
        asg: &str,
        ids: &[Ec2Id],
        decrement: bool,
        error: Option<&CallError>,
        now: &mut Now,
    ) {
        // A look may have shown what it came to before its answer was here.
        let shrinking = self.quarantine.shrinking.iter().position(|(_, out)| decrement && out == ids);
        if let Some(i) = shrinking {
            let (group, _) = self.quarantine.shrinking.remove(i);
            self.was_resized(group, now);
        }
        let ours = |id: &Ec2Id| {
            let kept = self.quarantine.rows.get(id);
            kept.is_some_and(|k| k.call.out && k.row.state == QuarantineState::Asked)
        };
        let asked: Vec<Ec2Id> = ids.iter().copied().filter(ours).collect();
        let Some(group) = self.ledger.asg_index(asg).filter(|_| !asked.is_empty()) else { return };
        self.is_not_as_seen(group);
        for id in asked {
            let Some(kept) = self.quarantine.rows.get_mut(&id) else { continue };
            kept.call.out = false;
            let Some(error) = error else {
                self.is_kept(id, now);
                continue;
            };
            let named = ids_in(&error.message);
            let blamed = if named.is_empty() { ids.len() == 1 } else { named.contains(&id) };
            if error.class != ErrorClass::Throttle {
                kept.row.error = Some(error.to_string());
            }
            match error.class.failure() {
                Failure::Throttled => kept.call.not_before = now.time.plus(now.rng.jitter(AFTER_THROTTLE)),
                Failure::Unclear => {
                    kept.call.not_before = now.time.plus(now.rng.jitter(AFTER_FAILURE));
                }
                Failure::Refused => {
                    if blamed {
                        // An earlier one, whose answer was lost, may have done it.
                        kept.call.refused_at = Some(now.time);
                    } else {
                        kept.call.alone = named.is_empty();
                    }
                }
            }
        }
        self.look_since(group, Time(now.time.0.saturating_add(1)), now);
    }

    /// A group was seen: who has been taken out of it, who was put back, and who is gone?
    pub(in crate::decide) fn look_at_quarantine(&mut self, group: usize, now: &mut Now) {
        let Some(seen) = &self.asgs[group].seen else { return };
        let asked_at = seen.asked_at;
        let shown: Vec<(Ec2Id, Option<Lifecycle>)> = self
            .quarantine
            .rows
            .values()
            .filter(|k| k.group == group && k.row.how != Keeping::Apart)
            .map(|k| (k.row.id, seen.members.get(&k.row.id).map(|m| m.lifecycle)))
            .collect();
        for (id, lifecycle) in shown {
            let Some(kept) = self.quarantine.rows.get_mut(&id) else { continue };
            let refused = kept.call.refused_at.is_some_and(|at| asked_at > at);
            let purpose = kept.row.purpose;
            let looked = kept.row.kept_at.is_some_and(|at| asked_at > at.plus(LAG));
            match (kept.row.state, kept.row.how) {
                (QuarantineState::Asked, how) => match is_out(how, lifecycle) {
                    Some(true) => self.is_kept(id, now),
                    // Its group's minimum wants it, perhaps: that may change.
                    Some(false) if refused && purpose == Purpose::Reserve => {
                        kept.call.refused_at = None;
                        kept.call.not_before = now.time.plus(AFTER_REFUSAL);
                    }
                    Some(false) if refused => self.is_not_kept(id, now),
                    Some(false) => {}
                    None => self.is_not_kept(id, now),
                },
                (QuarantineState::Kept, Keeping::Standby | Keeping::Hook) if looked => match lifecycle {
                    Some(Lifecycle::InService) => self.returned_to_service(id, now),
                    None | Some(Lifecycle::Terminating | Lifecycle::TerminatingWait) => {
                        let counted = kept.row.how == Keeping::Hook && !kept.is_replaced;
                        self.let_go_of(id, QuarantineEnd::Taken, None, now);
                        // Its group launches another in its place, which we do already: one of the two.
                        if counted && self.ledger.groups[group].queued > 0 {
                            self.await_replacement(group, true, now);
                        }
                    }
                    Some(_) => {}
                },
                (QuarantineState::Kept, Keeping::Detach) if looked => {
                    // Somebody attached it again.
                    if lifecycle == Some(Lifecycle::InService) {
                        self.returned_to_service(id, now);
                    }
                }
                (QuarantineState::Joining, _) if looked => self.joining_seen(id, lifecycle, refused, now),
                (QuarantineState::Leaving, _) => kept.call.refused_at = None,
                (QuarantineState::Joining | QuarantineState::Kept | QuarantineState::Done, _) => {}
            }
        }
    }

    /// Ends those whose quarantine is over.
    fn end_those_let_go(&mut self, now: &mut Now) {
        let mut by_group: BTreeMap<(usize, bool), Vec<Ec2Id>> = BTreeMap::new();
        let mut by_ec2: Vec<Ec2Id> = Vec::new();
        // Whoever waits in a lifecycle action counts in the desired capacity; standby has lowered it already where
        // it was to be lowered.
        let shrinks = |k: &Kept| {
            let serves = k.row.purpose == Purpose::Reserve && self.is_back_in_group(k);
            (k.row.how == Keeping::Hook || serves) && !k.is_replaced
        };
        let due: Vec<(Ec2Id, usize, bool, Try)> = self
            .quarantine
            .rows
            .values()
            .filter(|k| k.row.state == QuarantineState::Leaving && !k.call.out)
            .map(|k| (k.row.id, k.group, shrinks(k), k.call))
            .collect();
        for (id, group, shrinks, call) in due {
            let mut wakes = call.not_before;
            if call.not_before <= now.time {
                if self.hold_on(id, now.time).is_some() {
                    wakes = now.time.plus(WHILE_HELD);
                } else {
                    match self.ending_of(group, id, now.time) {
                        // As above.
                        Ending::ByGroup if shrinks && self.has_raise_to_show(group) => {}
                        Ending::ByGroup => by_group.entry((group, shrinks)).or_default().push(id),
                        Ending::ByEc2 => by_ec2.push(id),
                        Ending::Waits => self.sweep_soon(group, now),
                    }
                    continue;
                }
            }
            self.quarantine.wake = self.quarantine.wake.min(wakes);
        }
        for ((group, decrement), ids) in by_group {
            let Some(asg) = self.asgs[group].name.clone() else { continue };
            for ids in ids.chunks(MOST_IN_GROUP) {
                if self.auto.take(now.time, 0).is_err() {
                    self.quarantine.wake = self.quarantine.wake.min(self.auto.next_chance(now.time));
                    break;
                }
                self.asgs[group].resizing += 1;
                let asked = self.sent_to_end(ids);
                now.actions.push(Action::TerminateInGroup { asg: asg.clone(), asked, decrement });
            }
        }
        for ids in by_ec2.chunks(MOST_IDS) {
            let n = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            if self.terminate.take(now.time, n).is_err() {
                self.quarantine.wake = self.quarantine.wake.min(self.terminate.next_chance(now.time));
                break;
            }
            let asked = self.sent_to_end(ids);
            now.actions.push(Action::Terminate { asked });
        }
    }

    /// Whoever is a member leaves through its group; who is not, or not any more, is EC2's to end.
    fn ending_of(&self, group: usize, id: Ec2Id, now: Time) -> Ending {
        if self.asgs[group].name.is_none() {
            return Ending::ByEc2;
        }
        if self.may_be_on_its_way_back(group, id, now) {
            return Ending::Waits;
        }
        let Some(seen) = &self.asgs[group].seen else { return Ending::Waits };
        match seen.members.get(&id).map(|m| m.lifecycle) {
            None | Some(Lifecycle::Detached | Lifecycle::Terminated) => Ending::ByEc2,
            Some(
                Lifecycle::Terminating
                | Lifecycle::TerminatingWait
                | Lifecycle::TerminatingProceed
                | Lifecycle::Detaching,
            ) => Ending::Waits,
            Some(_) => Ending::ByGroup,
        }
    }

    fn sent_to_end(&mut self, ids: &[Ec2Id]) -> Vec<(Ec2Id, InstanceRef)> {
        for id in ids {
            if let Some(kept) = self.quarantine.rows.get_mut(id) {
                kept.call.out = true;
            }
        }
        ids.iter().map(|id| (*id, InstanceRef::NOBODY)).collect()
    }

    fn is_ending(&self, id: &Ec2Id) -> bool {
        let kept = self.quarantine.rows.get(id);
        kept.is_some_and(|k| k.row.state == QuarantineState::Leaving && k.call.out)
    }

    /// Takes those out of an answer of EC2's that were in quarantine, and books it for them.
    pub(in crate::decide) fn kept_ended(
        &mut self,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: &Result<Vec<(Ec2Id, Ec2State)>, CallError>,
        now: &mut Now,
    ) -> Vec<(Ec2Id, InstanceRef)> {
        let (ours, others): (Vec<_>, Vec<_>) = asked.iter().copied().partition(|(id, _)| self.is_ending(id));
        for (id, _) in ours {
            let gone = match outcome {
                Ok(states) => states.iter().any(|(i, s)| *i == id && s.is_ending()),
                Err(error) => {
                    let unknown = error.class == ErrorClass::NotFound && ids_in(&error.message).contains(&id);
                    let since = self.quarantine.rows.get(&id).map_or(now.time, |k| k.row.since);
                    unknown && now.time.since(since) > MISSING_FOR
                }
            };
            if gone {
                self.quarantine_is_done(id, now);
            } else {
                self.end_again(id, outcome.as_ref().err(), AFTER_FAILURE, now);
            }
        }
        others
    }

    /// The same of an answer of a group's. True if the call was about those.
    pub(in crate::decide) fn kept_ended_in_group(
        &mut self,
        group: usize,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: &Result<(), CallError>,
        now: &mut Now,
    ) -> bool {
        let ours: Vec<Ec2Id> = asked.iter().map(|(id, _)| *id).filter(|id| self.is_ending(id)).collect();
        let refused = outcome.as_ref().err().is_some_and(|e| e.class == ErrorClass::Size);
        for id in &ours {
            if outcome.is_ok() {
                self.hooks_end_with(*id, now);
            }
            if let Some(kept) = self.quarantine.rows.get_mut(id) {
                kept.is_replaced |= refused;
            }
            self.end_again(*id, outcome.as_ref().err(), UNTIL_GONE, now);
        }
        if !ours.is_empty() {
            // What it shows next says who ends the rest.
            self.sweep_soon(group, now);
        }
        !ours.is_empty()
    }

    fn end_again(&mut self, id: Ec2Id, error: Option<&CallError>, otherwise: Duration, now: &mut Now) {
        let pause = match error {
            None => otherwise,
            Some(error) if error.class == ErrorClass::Size => now.rng.jitter(AFTER_FAILURE),
            Some(error) => match error.class.failure() {
                Failure::Throttled => now.rng.jitter(AFTER_THROTTLE),
                Failure::Unclear => now.rng.jitter(AFTER_FAILURE),
                Failure::Refused => AFTER_REFUSED_END,
            },
        };
        if let Some(kept) = self.quarantine.rows.get_mut(&id) {
            kept.call.out = false;
            kept.call.not_before = now.time.plus(pause);
            self.quarantine.wake = self.quarantine.wake.min(kept.call.not_before);
        }
    }

    /// Tags those that are kept, so that whoever finds one knows what it is.
    fn tag_kept(&mut self, now: &mut Now) {
        let due: Vec<Ec2Id> = self
            .quarantine
            .rows
            .values()
            .filter(|k| k.row.state == QuarantineState::Kept && k.row.tagged_at.is_none() && !k.tag.out)
            .filter(|k| k.row.purpose == Purpose::Broken)
            .map(|k| k.row.id)
            .collect();
        for id in due {
            let Some(kept) = self.quarantine.rows.get(&id) else { continue };
            if kept.tag.not_before > now.time {
                self.quarantine.wake = self.quarantine.wake.min(kept.tag.not_before);
                continue;
            }
            // Whoever is answered lets the next one go.
            if self.quarantine.rows.values().filter(|k| k.tag.out).count() >= TAGS_AT_ONCE as usize {
                return;
            }
            let mark =
                Mark::Quarantined { id, reason: Arc::from(kept.row.reason.as_str()), until: kept.row.until };
            if self.send_mark(mark, now).is_err() {
                self.quarantine.wake = self.quarantine.wake.min(self.attribute.next_chance(now.time));
                return;
            }
            if let Some(kept) = self.quarantine.rows.get_mut(&id) {
                kept.tag.out = true;
            }
        }
    }

    fn was_tagged(&mut self, id: Ec2Id, error: Option<&CallError>, now: &mut Now) {
        let Some(kept) = self.quarantine.rows.get_mut(&id).filter(|k| k.tag.out) else { return };
        kept.tag.out = false;
        let Some(error) = error else {
            kept.row.tagged_at = Some(now.time);
            kept.row.error = None;
            return self.write_quarantine(id);
        };
        let pause = match error.class.failure() {
            Failure::Throttled => AFTER_THROTTLE,
            Failure::Unclear => AFTER_FAILURE,
            // Not visible to this API yet, perhaps.
            Failure::Refused if error.class == ErrorClass::NotFound => AFTER_FAILURE,
            Failure::Refused => AFTER_REFUSAL,
        };
        kept.tag.not_before = now.time.plus(now.rng.jitter(pause));
        if pause == AFTER_REFUSAL {
            kept.row.error = Some(error.to_string());
            self.write_quarantine(id);
        }
    }
}

/// Whether it is out of its group, by what a look shows of it. None if somebody else has ended it.
fn is_out(how: Keeping, shown: Option<Lifecycle>) -> Option<bool> {
    match (how, shown) {
        (Keeping::Standby, Some(Lifecycle::Standby | Lifecycle::EnteringStandby))
        | (Keeping::Detach, None | Some(Lifecycle::Detaching | Lifecycle::Detached)) => Some(true),
        (Keeping::Standby, None) => None,
        (Keeping::Standby | Keeping::Detach | Keeping::Hook | Keeping::Apart, _) => Some(false),
    }
}
