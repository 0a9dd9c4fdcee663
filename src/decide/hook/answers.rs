//! What goes out about lifecycle actions, and what came of it.
//!
//! All calls of Auto Scaling draw on one bucket. First come those whose deadline is near: the earliest is
//! answered if we know the answer, and gets a heartbeat if not. Then what is for many at a time: calls
//! that end, show or launch up to a hundred. Then the answers, earliest deadline first: each takes work
//! away for good, while a heartbeat only puts it off. Only when nothing is left to answer, heartbeats go
//! out before they are due, if there are too many for the last minute.

use std::time::Duration;

use super::door::goes_to_warm_pool;
use super::notice::{HookResult, HookState, Transition};
use crate::decide::action::Action;
use crate::decide::event::CallError;
use crate::decide::words::{Api, Ec2Id, ErrorClass, Failure, HookSeq, InstanceRef, Phase, Time};
use crate::decide::{Core, Now};

/// An action whose time is over by our clock is given up as timed out so much later: AWS's clock
/// decides, and an answer that is too late costs nothing.
const GRACE: Duration = Duration::from_secs(30);

impl Core {
    /// An action is to be answered: written down now, sent in its turn. Not while somebody holds the instance
    /// that the answer would end: it gets heartbeats until then.
    pub(in crate::decide) fn settle_hook(&mut self, seq: HookSeq, result: HookResult, now: &mut Now) {
        let Some(hook) = self.hooks.get(seq) else { return };
        // What was said may have been heard: an answer is never taken back. One that nobody can have heard
        // gives way to an ABANDON.
        let gives_way = result == HookResult::Abandon && !hook.is_said();
        if hook.row.result.is_some() && !gives_way {
            return;
        }
        if ends_its_instance(hook.row.transition, result) && self.hold_on(hook.row.id, now.time).is_some() {
            return;
        }
        let instance = hook.row.instance;
        let proof_at = self.proof_of(seq, result);
        let row = self.hooks.change(seq, |h| {
            h.row.result = Some(result);
            h.proof_at = proof_at;
        });
        self.ledger.changes.hooks.extend(row);
        let scale_up = instance.map(|i| i.slot.scale_up);
        self.ledger.journal(now.time, scale_up, instance, "hook_answer", result.to_string());
    }

    /// Sends what cannot wait about lifecycle actions.
    pub(in crate::decide) fn plan_urgent_hooks(&mut self, now: &mut Now) {
        self.give_up_overdue(now);
        while self.auto.check(now.time).is_ok()
            && let Some(seq) = self.hooks.first_urgent(now.time)
            && self.auto.take(now.time, 0).is_ok()
        {
            self.send_hook(seq, now);
        }
    }

    /// Sends what is due about lifecycle actions, as far as the budget goes.
    pub(in crate::decide) fn plan_hooks(&mut self, now: &mut Now) {
        self.hooks.wake = Time::NEVER;
        if self.hooks.is_empty() {
            return;
        }
        while self.auto.check(now.time).is_ok() {
            let next = self.hooks.first_urgent(now.time).or_else(|| self.hooks.first_decided(now.time));
            let begin = self.hooks.start_by(self.auto.yields(), now.time);
            let early = || if begin <= now.time { self.hooks.first(now.time) } else { None };
            let Some(seq) = next.or_else(early) else {
                // Those that are due and not free have a call out or a time to go out again.
                let begin = if begin <= now.time { Time::NEVER } else { begin };
                self.hooks.wake = begin.min(self.hooks.next_retry(now.time));
                return;
            };
            if self.auto.take(now.time, 0).is_err() {
                break;
            }
            self.send_hook(seq, now);
        }
        self.hooks.wake = self.auto.next_chance(now.time);
    }

    fn send_hook(&mut self, seq: HookSeq, now: &mut Now) {
        let Some(result) = self.hooks.get(seq).map(|h| h.answer(now.time)) else { return };
        let row = self.hooks.change(seq, |h| {
            if result.is_some() {
                h.row.completions += 1;
                h.in_flight = Some(Api::CompleteLifecycleAction);
            } else {
                h.row.heartbeats += 1;
                h.in_flight = Some(Api::RecordLifecycleActionHeartbeat);
            }
        });
        let Some(hook) = self.hooks.get(seq) else { return };
        let action = hook.action.clone();
        match result {
            Some(result) => {
                // A heartbeat is not worth a write: one too many changes nothing.
                self.ledger.changes.hooks.extend(row);
                if let (HookResult::Abandon, Some(instance)) = (result, hook.row.instance)
                    && self.ledger.current(instance).is_some_and(|s| s.phase == Phase::Broken)
                {
                    self.ledger.enter(instance.slot, Phase::Terminating, now.time, None);
                }
                now.actions.push(Action::Complete { hook: seq, action, result });
            }
            None => now.actions.push(Action::Heartbeat { hook: seq, action }),
        }
    }

    /// Books the answer to a call about an action.
    pub(in crate::decide) fn hook_answered(
        &mut self,
        seq: HookSeq,
        api: Api,
        outcome: Result<(), CallError>,
        now: &mut Now,
    ) {
        self.auto_answered(outcome.as_ref().err(), now);
        if self.hooks.get(seq).is_none() {
            return;
        }
        let heartbeat = api == Api::RecordLifecycleActionHeartbeat;
        self.hooks.change(seq, |h| h.in_flight = None);
        match outcome {
            Ok(()) if heartbeat => {
                let row = self.hooks.change(seq, |h| {
                    h.succeeded();
                    h.row.expires_at = now.time.plus(h.period).min(h.row.ends_at);
                });
                self.ledger.changes.hooks.extend(row);
            }
            Ok(()) => self.hook_is_answered(seq, now),
            Err(error) => self.hook_call_failed(seq, heartbeat, &error, now),
        }
    }

    fn hook_call_failed(&mut self, seq: HookSeq, heartbeat: bool, error: &CallError, now: &mut Now) {
        let failure = error.class.failure();
        match failure {
            // Somebody's throttle says nothing of this action: the bucket decides when it goes again.
            Failure::Throttled => {}
            Failure::Refused if error.class == ErrorClass::NoAction => self.hook_is_over(seq, error, now),
            Failure::Unclear | Failure::Refused => {
                let rng = &mut now.rng;
                let row = self.hooks.change(seq, |h| {
                    h.lost |= !heartbeat && failure == Failure::Unclear;
                    h.failed(now.time, |d| rng.jitter(d));
                    h.row.error = Some(error.to_string());
                });
                self.ledger.changes.hooks.extend(row);
            }
        }
    }

    /// Auto Scaling took our answer.
    fn hook_is_answered(&mut self, seq: HookSeq, now: &mut Now) {
        let Some(row) = self.hooks.end(seq, HookState::Answered, now.time, None) else { return };
        let (instance, result, transition) = (row.instance, row.result, row.transition);
        let (id, warm) = (row.id, goes_to_warm_pool(row.destination));
        self.ledger.changes.hooks.push(row);
        let Some(instance) = instance.filter(|i| self.ledger.current(*i).is_some_and(|s| s.id == Some(id)))
        else {
            return;
        };
        match (transition, result) {
            (Transition::Launching, Some(HookResult::Continue)) => self.is_let_in(instance, warm, now),
            (Transition::Launching, Some(HookResult::Abandon)) => {
                // One ABANDON ends the instance; what its other hooks are told changes nothing.
                self.hooks_end_with(id, now);
                self.look_again(id, instance, now);
            }
            (Transition::Terminating, _) | (Transition::Launching, None) => {
                self.look_again(id, instance, now);
            }
        }
    }

    /// Its group ends the instance: what its hooks are told on its way in changes nothing any more.
    pub(in crate::decide) fn hooks_end_with(&mut self, id: Ec2Id, now: &Now) {
        for seq in self.hooks.of(id, Transition::Launching) {
            let row = self.hooks.end(seq, HookState::Over, now.time, None);
            self.ledger.changes.hooks.extend(row);
        }
    }

    /// An instance whose last open hook was told to go on is in service.
    fn is_let_in(&mut self, instance: InstanceRef, warm: bool, now: &mut Now) {
        let Some(slot) = self.ledger.current(instance) else { return };
        let Some(id) = slot.id.filter(|_| slot.phase == Phase::Admitting) else { return };
        if !self.hooks.of(id, Transition::Launching).is_empty() {
            return;
        }
        if warm {
            self.members.remove(&id);
            self.ledger.enter(instance.slot, Phase::Gone, now.time, None);
            let reason = "verified, and put into its group's warm pool".to_string();
            self.ledger.withdraw(instance.slot, now.time, reason);
        } else {
            if let Some((group, _)) = self.place(instance).filter(|_| self.hold_on(id, now.time).is_some()) {
                // From now on it can be protected.
                self.sweep_soon(group, now);
            }
            self.in_service(instance, now);
        }
    }

    /// There is no such action any more. An answer of ours that was lost may have been taken, or the action
    /// timed out: what the group says of the instance decides.
    fn hook_is_over(&mut self, seq: HookSeq, error: &CallError, now: &mut Now) {
        let Some(hook) = self.hooks.get(seq) else { return };
        let (group, id, instance) = (hook.group, hook.row.id, hook.row.instance);
        let state =
            if now.time < hook.row.expires_at || hook.lost { HookState::Over } else { HookState::Expired };
        let row = self.hooks.end(seq, state, now.time, Some(error.to_string()));
        self.ledger.changes.hooks.extend(row);
        self.sweep_soon(group, now);
        let ending = |i: &InstanceRef| self.ledger.current(*i).is_some_and(|s| s.phase == Phase::Terminating);
        if let Some(instance) = instance.filter(ending) {
            self.look_again(id, instance, now);
        }
    }

    /// Actions whose time is over by our clock.
    fn give_up_overdue(&mut self, now: &mut Now) {
        for seq in self.hooks.overdue(now.time, GRACE) {
            let Some(group) = self.hooks.get(seq).map(|h| h.group) else { continue };
            let row = self.hooks.end(seq, HookState::Expired, now.time, None);
            if let Some(row) = &row {
                let text = format!("hook {} of {}: nobody could be told in time", row.hook, row.id);
                let scale_up = row.instance.map(|i| i.slot.scale_up);
                self.ledger.journal(now.time, scale_up, row.instance, "hook_expired", text);
            }
            self.ledger.changes.hooks.extend(row);
            self.sweep_soon(group, now);
        }
    }
}

/// Both answers to an action that ends an instance let it end.
#[must_use]
pub(in crate::decide) fn ends_its_instance(transition: Transition, result: HookResult) -> bool {
    match (transition, result) {
        (Transition::Terminating, HookResult::Continue | HookResult::Abandon)
        | (Transition::Launching, HookResult::Abandon) => true,
        (Transition::Launching, HookResult::Continue) => false,
    }
}
