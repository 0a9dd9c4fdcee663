//! Whoever waits long for its CONTINUE is probed once more before it goes out: a server that died
//! between its probes and its turn must not be let in.
//!
//! The answer is written down when the instance is verified, and goes out when the bucket that all of Auto
//! Scaling shares has a call for it, which may be minutes later. So a proof of service has an age: from
//! [`RENEWED`] on, it is renewed for those whose turn comes next, and none that is older than
//! [`STALE`] lets anybody in. That is one probe for each turn that was put off by so much, whatever the
//! backlog. An answer that may have been heard is not held back any more: it cannot be taken back either.

use std::time::Duration;

use crate::decide::contacts::timeout;
use crate::decide::event::Contact;
use crate::decide::hook::notice::{HookResult, Transition};
use crate::decide::timers::Due;
use crate::decide::words::{HookSeq, InstanceRef, Phase, Time};
use crate::decide::{Core, Now};

/// A proof of service lets an instance in for so long. Shorter: more probes while a backlog is worked
/// off. Longer: more of those that die meanwhile are let in.
pub(super) const STALE: Duration = Duration::from_secs(30);
/// From this age on it is renewed, so that a probe that is lost can be sent again before it is stale.
const RENEWED: Duration = Duration::from_secs(15);
/// Those whose turn comes within so long are probed: a few tries at a lossy network.
const AHEAD: Duration = Duration::from_secs(5);

impl Core {
    /// Probes those again whose turn is near and whose proof is old.
    pub(in crate::decide) fn plan_proofs(&mut self, now: &Now) {
        let calls = self.auto.yields() * AHEAD.as_secs_f64();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few hundred
        let next = calls.ceil() as usize + self.auto.calls_in_hand(now.time) as usize;
        for instance in self.hooks.unproven(next, now.time, RENEWED) {
            let slot = self.ledger.current(instance);
            // One that failed is asked again in its own time.
            if slot.is_some_and(|s| s.phase == Phase::Admitting && s.contact.passes == 0) {
                self.contact_due(instance);
            }
        }
    }

    /// An instance that is to be let in was probed again.
    pub(in crate::decide) fn proven_again(&mut self, instance: InstanceRef, outcome: Contact, now: &mut Now) {
        let Some(spec) = self.ledger.spec_of(instance.slot).cloned() else { return };
        let needed = self.silences_needed(spec.watchdogs.hangs);
        let Some(slot) = self.ledger.slot_mut(instance.slot).filter(|s| s.contact.busy) else { return };
        slot.contact.busy = false;
        // From a try that failed until one that passes it has a time of its own.
        slot.contact.passes = 1;
        let (spent, failed) = match outcome {
            Contact::Passed => {
                (slot.contact.passes, slot.contact.rejections) = (0, 0);
                if let Some(id) = slot.id {
                    self.hooks.proven(id, now.time);
                }
                return;
            }
            Contact::NotTried(_) => (Duration::ZERO, None),
            Contact::Hung(what) => (timeout(Phase::Verifying, &spec), Some(what)),
            Contact::Rejected(what) | Contact::Unreachable(what) => (Duration::ZERO, Some(what)),
        };
        slot.contact.rejections = slot.contact.rejections.saturating_add(u8::from(failed.is_some()));
        let failures = slot.contact.rejections;
        if let Some(what) = failed.filter(|_| failures >= needed) {
            let reason =
                format!("served, and did not {failures} times in a row before it was let in: {what}");
            self.give_up(instance, reason, now);
            return;
        }
        self.timers.set(now.time.plus(spec.contact_every.saturating_sub(spent)), Due::Contact(instance));
    }

    /// A CONTINUE that nobody can have heard is not said after all.
    pub(in crate::decide) fn take_answer_back(&mut self, seq: HookSeq) {
        if self.hooks.get(seq).is_some_and(|h| h.row.result == Some(HookResult::Continue) && !h.is_said()) {
            let row = self.hooks.change(seq, |h| h.row.result = None);
            self.ledger.changes.hooks.extend(row);
        }
    }

    /// When its instance was last seen serving; none if the answer needs no proof.
    pub(in crate::decide) fn proof_of(&self, seq: HookSeq, result: HookResult) -> Option<Time> {
        let row = &self.hooks.get(seq)?.row;
        if row.transition != Transition::Launching || result != HookResult::Continue {
            return None;
        }
        let slot = self.ledger.current(row.instance?)?;
        // Verified when it came to be admitted; a restart goes on from there.
        (slot.phase == Phase::Admitting).then_some(slot.since)
    }
}
