//! The calls that set and restore what is kept, as few as there can be, and what came of them.
//!
//! They go before everything else in their budgets: whoever is held is held within seconds, also while every
//! second call is throttled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::keep::{Keep, Key};
use super::lease::{HoldWay, KeepState, Marking};
use crate::decide::boots::ids_in;
use crate::decide::budget::api::ApiBudget;
use crate::decide::event::CallError;
use crate::decide::mark::{Mark, Marked};
use crate::decide::words::{Ec2Id, ErrorClass, Failure, Time};
use crate::decide::{Core, Now};

/// Most ids of one `SetInstanceProtection` (aws-facts 3.1).
const MOST_PROTECTED: usize = 50;
/// Most ids of one `EnterStandby` or `ExitStandby`.
const MOST_IN_STANDBY: usize = 20;
/// A call that was throttled goes out again after this. With 300 ms for an answer that makes 14 calls in 5 s, of
/// which the two that a hold needs get through where every second one is throttled at random in all but one
/// of 1,000 cases. Longer: fewer are in force in time. Shorter: hardly more, and more throttles for everybody.
const AFTER_THROTTLE: Duration = Duration::from_millis(50);
/// One that was lost, or met another activity of the group.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// One that was refused, for a reason that may pass.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);

/// What is to be set, or restored, in one group.
#[derive(Default)]
struct OfGroup {
    processes: Vec<String>,
    protected: Vec<Ec2Id>,
    standby: Vec<Ec2Id>,
}

impl Core {
    /// Sends what is due, as far as the budgets go. Returns when there is more to send.
    pub(super) fn send_keeps(&mut self, now: &mut Now) -> Time {
        let mut wake = self.patience_ends(now.time);
        self.guards.starved = false;
        for mark in self.next_marks(now.time) {
            let keys = keys_of(&mark);
            let auto = mark.api().is_auto_scaling();
            if self.send_mark(mark, now).is_err() {
                // An answer may make room as well as time.
                self.guards.starved = true;
                let budget: &ApiBudget = if auto { &self.auto } else { &self.attribute };
                wake = wake.min(budget.next_chance(now.time));
                continue;
            }
            for key in keys {
                if let Some(keep) = self.guards.keeps.get_mut(&key) {
                    keep.out = true;
                }
            }
        }
        let later =
            self.guards.keeps.values().filter(|k| !k.out && needs_a_call(k) && k.not_before > now.time);
        later.map(|k| k.not_before).min().unwrap_or(Time::NEVER).min(wake)
    }

    /// The next calls: those that set first, then those that restore.
    fn next_marks(&self, now: Time) -> Vec<Mark> {
        let ready = |k: &&Keep| !k.out && needs_a_call(k) && k.not_before <= now;
        let mut marks = Vec::new();
        let mut by_group: BTreeMap<(bool, &str), OfGroup> = BTreeMap::new();
        for keep in self.guards.keeps.values().filter(ready) {
            let on = keep.row.state != KeepState::Undoing;
            let id = || keep.row.subject.parse().ok();
            let group = || keep.row.asg.as_deref().map(|asg| (!on, asg));
            match keep.row.marking {
                Marking::TerminationProtection => {
                    let Some(id) = id() else { continue };
                    marks.push(match keep.row.state {
                        KeepState::Unknown => Mark::IsTerminationProtected { id },
                        KeepState::Setting | KeepState::Set | KeepState::Undoing | KeepState::Restored => {
                            Mark::TerminationProtection { id, on }
                        }
                    });
                }
                Marking::ScaleInProtection => {
                    let Some((group, id)) = group().zip(id()) else { continue };
                    by_group.entry(group).or_default().protected.push(id);
                }
                Marking::Standby => {
                    // Whoever is on the way back from it takes no protection away.
                    let protection = (keep.row.subject.clone(), Marking::ScaleInProtection);
                    let first = self.guards.keeps.get(&protection);
                    if !on && first.is_some_and(|k| k.row.state == KeepState::Undoing) {
                        continue;
                    }
                    let Some((group, id)) = group().zip(id()) else { continue };
                    by_group.entry(group).or_default().standby.push(id);
                }
                Marking::AlarmNotification
                | Marking::AzRebalance
                | Marking::InstanceRefresh
                | Marking::ReplaceUnhealthy
                | Marking::ScheduledActions => {
                    let Some(group) = group() else { continue };
                    by_group.entry(group).or_default().processes.push(keep.row.marking.to_string());
                }
            }
        }
        let mut groups = Vec::new();
        for ((off, asg), OfGroup { processes, protected, standby }) in by_group {
            let asg: Arc<str> = Arc::from(asg);
            if !processes.is_empty() {
                let asg = asg.clone();
                groups.push(if off {
                    Mark::Resume { asg, processes }
                } else {
                    Mark::Suspend { asg, processes }
                });
            }
            for ids in protected.chunks(MOST_PROTECTED) {
                groups.push(Mark::ScaleInProtection { asg: asg.clone(), ids: ids.to_vec(), on: !off });
            }
            for ids in standby.chunks(MOST_IN_STANDBY) {
                let (asg, ids) = (asg.clone(), ids.to_vec());
                groups.push(if off {
                    Mark::ExitStandby { asg, ids }
                } else {
                    // Its group is not to launch another in its place: there would be one too many when it is back.
                    Mark::EnterStandby { asg, ids, decrement: true }
                });
            }
        }
        groups.append(&mut marks);
        groups
    }

    /// Books what a call came to.
    pub(in crate::decide) fn keep_marked(
        &mut self,
        mark: &Mark,
        outcome: &Result<Marked, CallError>,
        now: &mut Now,
    ) {
        let keys = keys_of(mark);
        let alone = keys.len() == 1;
        for key in keys {
            let Some(keep) = self.guards.keeps.get_mut(&key).filter(|k| k.out) else { continue };
            keep.out = false;
            keep.not_before = Time(0);
            self.guards.look_again();
            match outcome {
                Ok(marked) => self.keep_answered(&key, sets(mark), *marked, now.time),
                Err(error) => self.keep_failed(&key, error, alone, now),
            }
        }
    }

    /// An answer to what is not the aim any more changes nothing: the next call follows.
    fn keep_answered(&mut self, key: &Key, set: Option<bool>, marked: Marked, now: Time) {
        let Some(state) = self.guards.keeps.get(key).map(|k| k.row.state) else { return };
        match (state, set, marked) {
            (KeepState::Unknown, None, Marked::TerminationProtection(on)) => self.before_is(key, on, now),
            (KeepState::Setting, Some(true), _) => self.enter_keep(key, KeepState::Set, now),
            (KeepState::Undoing, Some(false), _) => self.enter_keep(key, KeepState::Restored, now),
            _ => {}
        }
    }

    /// `alone`: nobody else was named in the call.
    fn keep_failed(&mut self, key: &Key, error: &CallError, alone: bool, now: &mut Now) {
        let Some(keep) = self.guards.keeps.get(key) else { return };
        let (state, asg) = (keep.row.state, keep.row.asg.clone());
        let named = ids_in(&error.message);
        let blamed = if named.is_empty() { alone } else { named.iter().any(|id| id.as_str() == key.0) };
        let pause = match error.class.failure() {
            Failure::Throttled => now.rng.jitter(AFTER_THROTTLE),
            Failure::Unclear => now.rng.jitter(AFTER_FAILURE),
            Failure::Refused
                if error.class == ErrorClass::NotFound && state == KeepState::Undoing && blamed =>
            {
                // Nothing is left that could be restored.
                return self.enter_keep(key, KeepState::Restored, now.time);
            }
            Failure::Refused
                if error.class == ErrorClass::Size
                    && state == KeepState::Setting
                    && key.1 == Marking::Standby =>
            {
                return self.hold_without_standby(key, now);
            }
            // One that is to blame fails the call for all: the others are named again at once.
            Failure::Refused
                if matches!(error.class, ErrorClass::NotFound | ErrorClass::Configuration)
                    && !named.is_empty()
                    && !blamed =>
            {
                Duration::ZERO
            }
            Failure::Refused => {
                // Its group may show why, and whether it still matters.
                if let Some(group) = asg.and_then(|asg| self.ledger.asg_index(&asg)) {
                    self.sweep_soon(group, now);
                }
                AFTER_REFUSAL
            }
        };
        let Some(keep) = self.guards.keeps.get_mut(key) else { return };
        keep.not_before = now.time.plus(pause);
        if error.class != ErrorClass::Throttle {
            keep.row.error = Some(error.to_string());
            self.ledger.changes.keeps.push(keep.row.clone());
        }
    }

    /// The group's minimum forbids that it does without this instance: the hold is one that keeps it serving.
    fn hold_without_standby(&mut self, key: &Key, now: &mut Now) {
        for hold in self.guards.holds.values_mut().filter(|h| h.row.instance.as_str() == key.0) {
            if hold.row.way == HoldWay::Standby {
                hold.row.way = HoldWay::Replacement;
                self.ledger.changes.holds.push(hold.row.clone());
            }
        }
        let text = format!("{}: its group's minimum forbids Standby; it goes on serving", key.0);
        self.ledger.journal(now.time, None, None, "hold_serves", text);
        self.enter_keep(key, KeepState::Restored, now.time);
    }
}

/// A call is to be made about it. What group members were before is seen in looks at their group.
fn needs_a_call(keep: &Keep) -> bool {
    match keep.row.state {
        KeepState::Unknown => keep.row.marking == Marking::TerminationProtection,
        KeepState::Setting | KeepState::Undoing => true,
        KeepState::Set | KeepState::Restored => false,
    }
}

/// Whether a call sets what it marks; none if it only asks.
fn sets(mark: &Mark) -> Option<bool> {
    match mark {
        Mark::ScaleInProtection { on, .. } | Mark::TerminationProtection { on, .. } => Some(*on),
        Mark::EnterStandby { .. } | Mark::Suspend { .. } => Some(true),
        Mark::ExitStandby { .. } | Mark::Resume { .. } => Some(false),
        Mark::IsTerminationProtected { .. }
        | Mark::Desired { .. }
        | Mark::Detach { .. }
        | Mark::Quarantined { .. } => None,
    }
}

fn keys_of(mark: &Mark) -> Vec<Key> {
    let of = |ids: &[Ec2Id], marking| ids.iter().map(|id| (id.to_string(), marking)).collect();
    match mark {
        Mark::ScaleInProtection { ids, .. } => of(ids, Marking::ScaleInProtection),
        Mark::EnterStandby { ids, .. } | Mark::ExitStandby { ids, .. } => of(ids, Marking::Standby),
        Mark::TerminationProtection { id, .. } | Mark::IsTerminationProtected { id } => {
            of(&[*id], Marking::TerminationProtection)
        }
        Mark::Suspend { asg, processes } | Mark::Resume { asg, processes } => {
            let keys = processes.iter().filter_map(|p| Some((asg.to_string(), p.parse().ok()?)));
            keys.collect()
        }
        Mark::Desired { .. } | Mark::Detach { .. } | Mark::Quarantined { .. } => Vec::new(),
    }
}
