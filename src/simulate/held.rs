//! The judge of holds and freezes: nobody who is held ends, and afterwards everything is as it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::guard::lease::HoldRow;
use crate::decide::hook::notice::{HookResult, Transition};
use crate::decide::words::{Ec2Id, HookSeq, Time};
use crate::sim::Model;
use crate::sim::model::autoscaling::words::LifecycleState;

use super::books::Books;
use super::oracle::{Invariant, Oracle};

/// What holds and freezes may change, by the simulated AWS's own state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Processes suspended, by Auto Scaling group.
    suspended: BTreeMap<String, BTreeSet<String>>,
    /// Of members: protected from scale-in, standing by; of all: protected from termination.
    instances: BTreeMap<String, (bool, bool, bool)>,
}

impl Marks {
    /// As they are now.
    pub fn of(model: &mut Model, now: Time) -> Marks {
        let ledger = model.ledger(now.0);
        let mut marks = Marks::default();
        for entry in ledger.instances.iter().filter(|e| e.state.is_live()) {
            let protected = model.is_termination_protected(&entry.id);
            marks.instances.insert(entry.id.clone(), (false, false, protected));
        }
        for group in ledger.groups {
            let names = group.suspended.iter().map(ToString::to_string).collect();
            marks.suspended.insert(group.name, names);
            for member in group.members {
                let aside = matches!(member.state, LifecycleState::Standby | LifecycleState::EnteringStandby);
                if let Some(of) = marks.instances.get_mut(&member.id) {
                    (of.0, of.1) = (member.protected, aside);
                }
            }
        }
        marks
    }
}

impl Oracle {
    /// Remembers what is marked now; judged at the end.
    pub fn remember_marks(&mut self, now: Time, model: &mut Model) {
        self.before = Some(Marks::of(model, now));
    }

    /// The run is over, and with it every hold and freeze.
    pub fn judge_marks(&mut self, now: Time, model: &mut Model) {
        let Some(before) = self.before.clone() else { return };
        let after = Marks::of(model, now);
        for (asg, processes) in &before.suspended {
            let now_suspended = after.suspended.get(asg);
            if now_suspended != Some(processes) {
                let text = format!("{asg}: {processes:?} were suspended before, {now_suspended:?} are now");
                self.violated(now, Invariant::Restored, text);
            }
        }
        for (id, marks) in &after.instances {
            // One that came later was never marked by anybody else.
            let was = before.instances.get(id).copied().unwrap_or_default();
            if *marks != was {
                let text = format!(
                    "{id}: protected from scale-in, standing by, protected from termination: {was:?} before, {marks:?} now"
                );
                self.violated(now, Invariant::Restored, text);
            }
        }
    }

    /// EC2 ends an instance, whoever asked for that. Muster had said that its hold is in force.
    pub(super) fn was_ended(&mut self, now: Time, ordinal: u32, model: &Model, books: &Books) {
        let Ok(id) = model.id_of(ordinal).parse() else { return };
        if !model.was_ended_by_a_call(ordinal) {
            return;
        }
        let in_force = held(books, id, now).find(|h| h.lease.in_force_at.is_some());
        if let Some(hold) = in_force {
            let text = format!("{id} ends under hold {}", hold.lease.id);
            self.violated(now, Invariant::I5, text);
        }
    }

    /// A call of muster's that ends instances reaches AWS. One that was on its way before the hold was asked for
    /// is nobody's fault.
    pub fn ends_held(&mut self, now: Time, sent: Time, ids: impl Iterator<Item = Ec2Id>, books: &Books) {
        for id in ids {
            if held(books, id, now).any(|h| h.lease.asked_at < sent) {
                self.violated(now, Invariant::I5, format!("muster terminates {id}, which is held"));
            }
        }
    }

    /// An answer of muster's to a lifecycle action reaches AWS: those that end an instance must not be
    /// given while it is held, unless the same answer was given before.
    pub fn answers_held(&mut self, now: Time, sent: Time, hook: HookSeq, result: HookResult, books: &Books) {
        let Some(row) = books.hooks.get(&hook) else { return };
        let ends = match (row.transition, result) {
            (Transition::Terminating, _) | (_, HookResult::Abandon) => true,
            (Transition::Launching, HookResult::Continue) => false,
        };
        if ends && row.completions == 1 && held(books, row.id, now).any(|h| h.lease.asked_at < sent) {
            let text = format!("{} is held, and its lifecycle action is answered {result}", row.id);
            self.violated(now, Invariant::I5, text);
        }
    }
}

fn held(books: &Books, id: Ec2Id, now: Time) -> impl Iterator<Item = &HoldRow> {
    books.holds.values().filter(move |h| h.instance == id && h.lease.holds(now))
}
