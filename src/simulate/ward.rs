//! The judge of quarantines and of reserves: few are kept, and none of them is in service.

use crate::decide::quarantine::words::{Purpose, QuarantineState};
use crate::decide::rows::Changes;
use crate::decide::words::{Phase, Time};
use crate::sim::Model;
use crate::sim::ledger::MemberEntry;
use crate::sim::model::autoscaling::words::LifecycleState;

use super::books::Books;
use super::oracle::{Invariant, Oracle};

impl Oracle {
    /// Something was committed: who is kept from now on?
    pub(super) fn judge_quarantine(
        &mut self,
        now: Time,
        changes: &Changes,
        model: &mut Model,
        books: &Books,
    ) {
        // Those that are tagged later are written again; one may be kept and let go of in one decision.
        let last = changes.quarantine.iter().filter(|r| books.quarantine.get(&r.id) == Some(*r));
        let kept: Vec<_> = last.filter(|r| r.state == QuarantineState::Kept).collect();
        if kept.is_empty() {
            return;
        }
        let members: Vec<_> = model.ledger(now.0).groups.into_iter().flat_map(|g| g.members).collect();
        for row in kept {
            let most = self.most_kept(&row.group, row.purpose);
            let of = books.quarantine.values().filter(|r| r.group == row.group && r.purpose == row.purpose);
            let all = of.filter(|r| r.state == QuarantineState::Kept).count();
            if all > most {
                let text = format!("{all} are kept in group {} ({}), {most} allowed", row.group, row.purpose);
                self.violated(now, Invariant::Quarantine, text);
            }
            let serves = |m: &MemberEntry| m.id == row.id.as_str() && m.state == LifecycleState::InService;
            if members.iter().any(serves) {
                let text = format!("{} is kept ({}), and its group has it in service", row.id, row.purpose);
                self.violated(now, Invariant::Quarantine, text);
            }
            let phase = row.instance.and_then(|i| books.instances.get(&i)).map(|r| r.phase);
            let says = match row.purpose {
                Purpose::Broken => Phase::Quarantined,
                Purpose::Reserve => Phase::Reserved,
            };
            if phase.is_some_and(|phase| phase != says) {
                let text = format!("{} is kept ({}), and its place says otherwise", row.id, row.purpose);
                self.violated(now, Invariant::Quarantine, text);
            }
        }
    }
}
