//! A lifecycle action that cannot be met is abandoned as soon as that is known and said so, rather than
//! left to time out: its place is free the sooner.
//!
//! Heartbeats draw an action out up to its own end (100 heartbeats or 48 h, aws-facts 3.6). What is missing
//! is told by the quickest that were ever seen: an instance still needs at least as long as the quickest
//! of its group needed for the phases ahead of it, and one call. Whoever could make it by that is waited for.

use std::time::Duration;

use crate::decide::hook::notice::Transition;
use crate::decide::patience::Patience;
use crate::decide::timers::Due;
use crate::decide::words::{HookSeq, Phase, Time};
use crate::decide::{Core, Now};

/// An action is answered ABANDON so long before its own end if the instance is not through: our
/// answer frees its place; the timeout would come to the same, later and in silence.
const BEFORE_THE_END: Duration = Duration::from_secs(10);
/// So long before its end an action is looked at: the three watchdogs' ceilings, 120, 120 and 150 s. What
/// takes longer is given up by those.
const FROM: Duration = Duration::from_secs(390);
/// And then again this often.
const EVERY: Duration = Duration::from_secs(10);

impl Core {
    /// The action's own end comes near: can it be met?
    pub(in crate::decide) fn hook_ends(&mut self, seq: HookSeq, now: &mut Now) {
        let Some(hook) = self.hooks.get(seq).filter(|h| h.row.result.is_none()) else { return };
        let Some(instance) = hook.row.instance else { return };
        let (ends_at, heartbeats) = (hook.row.ends_at, hook.row.heartbeats);
        if self.hook_is_held(seq, now.time) {
            // Nobody gives up what somebody looks at.
            if now.time >= ends_at.minus(BEFORE_THE_END) {
                self.hook_of_held_ends(seq, now);
            } else {
                self.timers.set(next_look(ends_at, now.time), Due::HookEnd(seq));
            }
        } else if now.time >= ends_at.minus(BEFORE_THE_END) {
            let reason = format!("not through when its lifecycle action ended ({heartbeats} heartbeats)");
            self.give_up(instance, reason, now);
        } else if let Some(reason) = self.cannot_be_met(seq, now.time) {
            self.ledger.journal(
                now.time,
                Some(instance.slot.scale_up),
                Some(instance),
                "hook_hopeless",
                reason.clone(),
            );
            self.teaches_nothing(instance);
            self.give_up(instance, reason, now);
        } else {
            self.timers.set(next_look(ends_at, now.time), Due::HookEnd(seq));
        }
    }

    /// What is missing, and by how much, if that is so.
    fn cannot_be_met(&self, seq: HookSeq, now: Time) -> Option<String> {
        let row = &self.hooks.get(seq).filter(|h| h.row.transition == Transition::Launching)?.row;
        let instance = row.instance?;
        let slot = self.ledger.current(instance)?;
        let scale_up = self.ledger.scale_ups.get(&instance.slot.scale_up)?;
        let least = quickest(&self.patience[scale_up.group], slot.phase, now.since(slot.since))?;
        let call = self.auto.next_chance(now).max(now).since(now)
            + Duration::from_secs_f64(1.0 / self.auto.yields().max(0.01));
        let (left, needed) = (row.ends_at.since(now), least + call);
        (needed > left).then(|| {
            format!(
                "its lifecycle action ends in {} s and cannot be met: {} for {} s, it needs {:.1} s more at the \
                 quickest, and telling its group {:.1} s: {:.1} s short",
                left.as_secs(),
                slot.phase,
                now.since(slot.since).as_secs(),
                least.as_secs_f64(),
                call.as_secs_f64(),
                needed.saturating_sub(left).as_secs_f64()
            )
        })
    }
}

/// When an action with this end is looked at first.
#[must_use]
pub(in crate::decide) fn first_look(ends_at: Time) -> Time {
    ends_at.minus(FROM)
}

fn next_look(ends_at: Time, now: Time) -> Time {
    first_look(ends_at).max(now.plus(EVERY)).min(ends_at.minus(BEFORE_THE_END))
}

/// How much longer an instance takes to be verified that has been in its phase for `age`, were it as quick
/// as the quickest of its group. What is not known counts as nothing. None if it is not on its way.
fn quickest(patience: &Patience, phase: Phase, age: Duration) -> Option<Duration> {
    const WAY: [Phase; 3] = [Phase::Booting, Phase::Configuring, Phase::Verifying];
    let at = WAY.iter().position(|p| *p == phase)?;
    let ahead: Duration = WAY[at + 1..].iter().map(|p| patience.least(*p)).sum();
    Some(patience.least(phase).saturating_sub(age) + ahead)
}
