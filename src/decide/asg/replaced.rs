//! Whether its group replaces an instance of ours that is gone.
//!
//! A group that was told to end an instance and to shrink does not; a group that finds one dead by itself does,
//! at once and without asking. Launching another for its slot as well would be one too many. So unless the
//! group has said that it shrank, the slot waits for what the group launches: as one of a raise from what it
//! wants to what it wants. If nothing comes though it has all that it wants, the slot is queued again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::room::takes_a_place;
use super::seen::Lifecycle;
use crate::decide::event::CallError;
use crate::decide::words::{Ec2Id, ErrorClass, InstanceRef, Origin, Phase};
use crate::decide::{Core, Now};

/// Instances of ours that a group was told to end without replacing them, until they are gone.
#[derive(Debug, Default)]
pub(in crate::decide) struct Shrunk {
    /// It said that it does.
    surely: BTreeSet<InstanceRef>,
    /// Its answer was lost, or another process asked.
    perhaps: BTreeSet<InstanceRef>,
}

/// How long a slot whose instance its group replaced unnoticed waits for a place in a full group where
/// everybody serves: four looks.
const FULL_FOR: Duration = Duration::from_secs(60);

impl Core {
    /// Books what a group said to ending these.
    pub(super) fn shrank(
        &mut self,
        group: usize,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: &Result<(), CallError>,
    ) {
        let own: Vec<InstanceRef> = asked.iter().map(|(_, i)| *i).filter(|i| self.is_own(*i)).collect();
        let shrunk = &mut self.asgs[group].shrunk;
        match outcome {
            Ok(()) => shrunk.surely.extend(own),
            Err(error) if error.class == ErrorClass::Unknown => shrunk.perhaps.extend(own),
            Err(_) => {}
        }
    }

    /// It was ending when another process stopped.
    pub(in crate::decide) fn may_have_shrunk(&mut self, instance: InstanceRef) {
        if let Some((group, _)) = self.place(instance) {
            self.asgs[group].shrunk.perhaps.insert(instance);
        }
    }

    /// An instance of ours is gone, and its slot queued again if it is still wanted.
    pub(in crate::decide) fn may_be_replaced(&mut self, group: usize, instance: InstanceRef, now: &Now) {
        let shrunk = &mut self.asgs[group].shrunk;
        let (surely, perhaps) = (shrunk.surely.remove(&instance), shrunk.perhaps.remove(&instance));
        let queued = self.ledger.slot(instance.slot).is_some_and(|s| s.phase == Phase::Queued);
        if queued && !surely {
            self.await_replacement(group, !perhaps, now);
        }
    }

    /// The group is full and all of it serves, so no place comes free for those of our slots that had an instance:
    /// what its group launched in their place came before we knew of it, and serves as one that was adopted.
    pub(in crate::decide) fn let_go_of_replaced(&mut self, group: usize, now: &Now) {
        let Some(seen) = &self.asgs[group].seen else { return };
        let mut places = seen.members.values().filter(|m| takes_a_place(m.lifecycle));
        if !places.all(|m| m.lifecycle == Lifecycle::InService) {
            return;
        }
        let reason = format!(
            "{} has no place left: others serve in its stead",
            self.asgs[group].name.as_deref().unwrap_or_default()
        );
        let open = self.ledger.scale_ups.iter().filter(|(_, s)| s.group == group);
        let open: Vec<_> = open.map(|(seq, _)| *seq).collect();
        for seq in open {
            self.ledger.withdraw_requeued(seq, now.time, FULL_FOR, &reason);
        }
    }

    /// The instance that was adopted last of those that are on their way: it may be a replacement that came before we
    /// knew that there had to be one.
    pub(super) fn lately_adopted(&self, group: usize) -> Option<Ec2Id> {
        let fits = |instance: &InstanceRef| {
            let scale_up = self.ledger.scale_ups.get(&instance.slot.scale_up);
            let adopted = scale_up.is_some_and(|s| s.group == group && s.row.origin == Origin::Adopted);
            let slot = self.ledger.current(*instance);
            adopted
                && slot.is_some_and(|s| {
                    matches!(s.phase, Phase::Booting | Phase::Configuring | Phase::Verifying)
                })
        };
        let of = self.members.iter().filter(|(_, instance)| fits(instance));
        of.max_by_key(|(_, i)| self.ledger.current(**i).map(|s| s.launched_at)).map(|(id, _)| *id)
    }
}
