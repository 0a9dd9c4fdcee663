//! Taking away what is broken or cancelled, a batch at a time, each with its reason journalled in
//! the same commit that precedes the call.
//!
//! Nothing in service ever comes here: that takes two signals and a valve, and goes by [`super::retire`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::action::Action;
use super::event::{CallError, Ec2State, Seen};
use super::wait::Wait;
use super::words::{Api, Ec2Id, ErrorClass, InstanceRef, Phase, Time};
use super::{Core, Now};

/// Most ids in one call. EC2 takes 1,000; 500 is what others found to work well (aws-facts 1.3,
/// Karpenter), and one bad id fails only these.
const MOST_IDS: usize = 500;
/// Pause before an id that a failed terminate call named is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// One that is held is looked at again after this: its hold may end before its time.
pub(super) const WHILE_HELD: Duration = Duration::from_secs(10);
/// How long an instance may be unknown to both terminate and describe before it counts as gone.
/// Eventual consistency is over within a few minutes (aws-facts 2.6); a terminated instance stays
/// visible for about an hour, so one that is not is not there.
const MISSING_FOR: Duration = Duration::from_secs(600);

/// What is to be removed, and when at the earliest.
#[derive(Debug)]
pub struct Removals {
    every: Duration,
    /// They leave together.
    fresh: VecDeque<InstanceRef>,
    leave_at: Time,
    /// When the last batch left.
    left_at: Time,
    /// Those whose call failed, in order of time.
    retries: VecDeque<(Time, InstanceRef)>,
    /// Instances no slot owns (a launch that gave more than asked).
    strays: BTreeMap<Ec2Id, Time>,
}

impl Removals {
    #[must_use]
    pub fn new(every: Duration) -> Removals {
        Removals {
            every,
            fresh: VecDeque::new(),
            leave_at: Time::NEVER,
            left_at: Time(0),
            retries: VecDeque::new(),
            strays: BTreeMap::new(),
        }
    }

    /// Puts an instance on the list. It goes at once if no batch has gone for `every`, else with the
    /// next: so few calls take many away, and one that is alone waits for nobody.
    ///
    /// Where there is `no_hurry` (its replacement could not be launched now anyway) it waits `every`
    /// for company.
    pub fn add(&mut self, instance: InstanceRef, now: Time, no_hurry: bool) {
        let since = if no_hurry { now } else { self.left_at };
        let at = since.plus(self.every).max(now);
        self.leave_at = if self.fresh.is_empty() { at } else { self.leave_at.min(at) };
        self.fresh.push_back(instance);
    }

    pub fn add_stray(&mut self, id: Ec2Id, now: Time) {
        self.strays.insert(id, now);
    }

    #[must_use]
    pub fn next(&self) -> Time {
        let fresh = if self.fresh.is_empty() { Time::NEVER } else { self.leave_at };
        let retry = self.retries.front().map_or(Time::NEVER, |(t, _)| *t);
        self.strays.values().copied().min().unwrap_or(Time::NEVER).min(fresh).min(retry)
    }

    /// Takes up to a call's worth off the list. Whatever waits comes along: the call costs the same.
    fn take(&mut self, now: Time) -> BTreeSet<InstanceRef> {
        let mut batch = BTreeSet::new();
        while batch.len() < MOST_IDS && self.retries.front().is_some_and(|(t, _)| *t <= now) {
            batch.extend(self.retries.pop_front().map(|(_, i)| i));
        }
        while batch.len() < MOST_IDS
            && let Some(instance) = self.fresh.pop_front()
        {
            batch.insert(instance);
        }
        self.left_at = now;
        batch
    }

    fn retry(&mut self, instance: InstanceRef, at: Time) {
        let place = self.retries.partition_point(|(t, _)| *t <= at);
        self.retries.insert(place, (at, instance));
    }
}

impl Core {
    /// Puts an instance on the list of those to be removed.
    pub(super) fn remove(&mut self, instance: InstanceRef, now: &mut Now) {
        if self.gives_joining_up(instance, "not wanted any more", now) {
            return;
        }
        if self.ledger.spec_of(instance.slot).is_some_and(|g| g.asg.is_some()) {
            self.leave_group(instance, now);
            return;
        }
        let now = now.time;
        let waits = self.ledger.scale_ups.get(&instance.slot.scale_up);
        let waits = waits.and_then(|s| self.launches.plans[s.group].wait.as_ref());
        let no_hurry = matches!(waits, Some(Wait::InstanceTokens { .. }));
        self.removals.add(instance, now, no_hurry);
    }

    /// Sends one terminate call for everything that is due, as far as the budget goes.
    pub(super) fn plan_removals(&mut self, now: &mut Now) {
        while self.removals.next() <= now.time && self.terminate.check(now.time).is_ok() {
            let asked = self.next_removals(now);
            if asked.is_empty() {
                continue;
            }
            let n = u32::try_from(asked.len()).unwrap_or(u32::MAX);
            if self.terminate.take(now.time, n).is_err() {
                // Not enough instance tokens for so many: all of them again in a moment.
                for (_, instance) in asked {
                    self.removals.retry(instance, now.time.plus(self.removals.every));
                }
                return;
            }
            for (_, instance) in &asked {
                self.ledger.enter(instance.slot, Phase::Terminating, now.time, None);
            }
            now.actions.push(Action::Terminate { asked });
        }
    }

    /// What the next call names: everything due that is still ours to remove.
    fn next_removals(&mut self, now: &Now) -> Vec<(Ec2Id, InstanceRef)> {
        let mut asked = Vec::new();
        for instance in self.removals.take(now.time) {
            let slot = self.ledger.current(instance).filter(|s| s.phase.is_unready());
            let Some(id) = slot.and_then(|s| s.id) else { continue };
            if self.hold_on(id, now.time).is_some() {
                self.removals.retry(instance, now.time.plus(WHILE_HELD));
            } else {
                asked.push((id, instance));
            }
        }
        let strays = self.removals.strays.keys().copied();
        let held: Vec<Ec2Id> = strays.filter(|id| self.hold_on(*id, now.time).is_some()).collect();
        for (id, at) in &mut self.removals.strays {
            if held.contains(id) {
                *at = now.time.plus(WHILE_HELD);
            } else if *at <= now.time {
                *at = now.time.plus(AFTER_FAILURE);
                asked.push((*id, InstanceRef::NOBODY));
            }
        }
        asked
    }

    /// Books what EC2 said of a terminate call.
    pub(super) fn terminated(
        &mut self,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: Result<Vec<(Ec2Id, Ec2State)>, CallError>,
        now: &mut Now,
    ) {
        let n = u32::try_from(asked.len()).unwrap_or(u32::MAX);
        let elsewhere = self.throttled_elsewhere(Api::TerminateInstances);
        self.terminate.answered(now.time, n, outcome.as_ref().err(), elsewhere, &mut now.rng);
        let asked = self.kept_ended(asked, &outcome, now);
        let (retired, asked): (Vec<_>, Vec<_>) =
            asked.iter().copied().partition(|(id, _)| self.retiring.rows.contains_key(id));
        self.retired_by_ec2(&retired, &outcome, now);
        let asked = &asked;
        match outcome {
            Ok(states) => {
                for (id, instance) in asked {
                    let ending = states.iter().any(|(i, s)| i == id && s.is_ending());
                    if ending && *instance == InstanceRef::NOBODY {
                        self.removals.strays.remove(id);
                    } else if ending {
                        self.confirm_gone(*id, *instance, now);
                    } else {
                        self.try_again(*instance, AFTER_FAILURE, now);
                    }
                }
            }
            Err(error) => {
                let pause = if error.class == ErrorClass::Throttle {
                    self.terminate.after_throttle()
                } else {
                    AFTER_FAILURE
                };
                // One unknown id fails the call for all; which ones is in the message. "Not found"
                // here does not mean gone (aws-facts 2.6): a describe has to agree, for long enough.
                let unknown = if error.class == ErrorClass::NotFound { ids_of(&error) } else { Vec::new() };
                for (id, instance) in asked {
                    if unknown.contains(id) {
                        self.look_again(*id, *instance, now);
                    } else {
                        self.try_again(*instance, pause, now);
                    }
                }
            }
        }
    }

    fn confirm_gone(&mut self, id: Ec2Id, instance: InstanceRef, now: &mut Now) {
        let ours =
            self.ledger.current(instance).is_some_and(|s| s.id == Some(id) && s.phase == Phase::Terminating);
        if ours {
            self.is_gone(instance, now);
        }
    }

    fn try_again(&mut self, instance: InstanceRef, pause: Duration, now: &Now) {
        if self.ledger.spec_of(instance.slot).is_some_and(|g| g.asg.is_some()) {
            self.still_in_group(instance, now);
            return;
        }
        if self.ledger.current(instance).is_some_and(|s| s.phase == Phase::Terminating) {
            self.removals.retry(instance, now.time.plus(pause));
        }
    }

    /// A describe shows an instance that terminate did not find.
    pub(super) fn seen_while_terminating(&mut self, instance: InstanceRef, seen: &Seen, now: &mut Now) {
        if seen.state.is_ending() {
            self.confirm_gone(seen.id, instance, now);
        } else {
            self.try_again(instance, AFTER_FAILURE, now);
        }
    }

    /// Neither terminate nor describe knows the instance.
    pub(super) fn missing_while_terminating(&mut self, id: Ec2Id, instance: InstanceRef, now: &mut Now) {
        let Some(slot) = self.ledger.current(instance) else { return };
        if now.time.since(slot.launched_at) < MISSING_FOR {
            self.look_again(id, instance, now);
            return;
        }
        let text = format!("{id}: unknown to EC2 for {} s", MISSING_FOR.as_secs());
        self.ledger.journal(now.time, Some(instance.slot.scale_up), Some(instance), "missing", text);
        self.confirm_gone(id, instance, now);
    }
}

fn ids_of(error: &CallError) -> Vec<Ec2Id> {
    super::boots::ids_in(&error.message)
}
