//! Whether its group replaces an instance of ours that is gone.
//!
//! A group that was told to end an instance and to shrink does not; a group that ends one by itself (it died, or
//! its lifecycle action timed out) does, at once and without asking. Launching another for its slot as well would be
//! one too many, and so would be giving the slot up: the group goes on wanting one for it. So unless the group
//! has shrunk, the slot waits for what the group launches, whether or not its scale-up still wants it: as one of
//! a raise from what it wants to what it wants. If nothing comes though it has all that it wants, the slot is
//! queued again.
//!
//! That it was told to is not enough to have shrunk: AWS answers as well for one that is on its way out already, and does not
//! count it twice. What the last look before the call showed tells which it was; where nothing does, the slot waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::room::takes_a_place;
use super::seen::Lifecycle;
use crate::decide::event::CallError;
use crate::decide::guard::halt::is_counted;
use crate::decide::hook::notice::Transition;
use crate::decide::words::{Ec2Id, ErrorClass, InstanceRef, Origin, Phase, SlotId};
use crate::decide::{Core, Now};

/// Instances of ours that a group was told to end without replacing them, until they are gone.
#[derive(Debug, Default)]
pub(in crate::decide) struct Shrunk {
    /// Named in a call that is out, and what they were then.
    named: BTreeMap<InstanceRef, Before>,
    /// It does not replace them.
    surely: BTreeSet<InstanceRef>,
    /// The group ended them before it was told to.
    by_itself: BTreeSet<InstanceRef>,
    /// Its answer was lost, or another process asked, or nobody knows what it was then.
    perhaps: BTreeSet<InstanceRef>,
}

/// What one was to its group when that was told to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Held against what the group wants: without it, that is one less.
    Counted,
    /// On its way out, or gone: the group wants another for it.
    Leaving,
    /// No look has shown it, or it may have left since.
    Unknown,
}

/// What the group does about an instance of ours that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::decide) enum Replaced {
    /// It launches another, or has.
    Surely,
    /// Looks will tell.
    Perhaps,
}

/// Why an instance is given up that its group was not told to end. A reason stays with its row, so the next
/// process knows it too.
pub(in crate::decide) const ENDED_BY_GROUP: &str = "its group ends it";
/// Why a slot is withdrawn that has got what it was for.
pub const IN_ITS_STEAD: &str = "others serve in its stead";
/// How long a slot whose instance its group replaced unnoticed waits for a place in a full group where
/// everybody serves: four looks.
const FULL_FOR: Duration = Duration::from_secs(60);
/// An action that ended so long ago may have ended its instance: looks come every 15 s, and lag.
const ENDED_LATELY: Duration = Duration::from_secs(60);

impl Core {
    /// The group is being told to end these and to shrink.
    pub(super) fn is_to_shrink(&mut self, group: usize, asked: &[(Ec2Id, InstanceRef)], now: &Now) {
        for (id, instance) in asked {
            let before = self.is_to_its_group(group, *id, *instance, now);
            self.asgs[group].shrunk.named.insert(*instance, before);
        }
    }

    fn is_to_its_group(&self, group: usize, id: Ec2Id, instance: InstanceRef, now: &Now) -> Before {
        let by_itself = self.asgs[group].shrunk.by_itself.contains(&instance);
        let (Some(seen), Some(slot)) = (&self.asgs[group].seen, self.ledger.current(instance)) else {
            return if by_itself { Before::Leaving } else { Before::Unknown };
        };
        let counted = match seen.members.get(&id) {
            Some(member) => is_counted(member.lifecycle),
            None => slot.launched_at >= seen.asked_at,
        };
        if by_itself || !counted {
            Before::Leaving
        } else if self.hooks.ended_lately(id, Transition::Launching, now.time, ENDED_LATELY) {
            Before::Unknown
        } else {
            Before::Counted
        }
    }

    /// Books what a group said to ending these.
    pub(super) fn shrank(
        &mut self,
        group: usize,
        asked: &[(Ec2Id, InstanceRef)],
        outcome: &Result<(), CallError>,
        now: &Now,
    ) {
        for (id, instance) in asked {
            let Some(before) = self.asgs[group].shrunk.named.remove(instance) else { continue };
            let open = self.hooks.of(*id, Transition::Launching).into_iter();
            let over = open.filter_map(|seq| self.hooks.get(seq)).any(|h| h.row.ends_at <= now.time);
            let before = if over && before == Before::Counted { Before::Unknown } else { before };
            let lost = outcome.as_ref().is_err_and(|error| error.class == ErrorClass::Unknown);
            let shrunk = &mut self.asgs[group].shrunk;
            match before {
                Before::Counted if outcome.is_ok() => drop(shrunk.surely.insert(*instance)),
                Before::Counted | Before::Unknown if outcome.is_ok() || lost => {
                    shrunk.perhaps.insert(*instance);
                }
                Before::Counted | Before::Unknown | Before::Leaving => {}
            }
        }
    }

    /// Its group ends it, and was not told to.
    pub(super) fn goes_by_itself(&mut self, instance: InstanceRef) {
        if let Some((group, _)) = self.place(instance) {
            self.asgs[group].shrunk.by_itself.insert(instance);
        }
    }

    /// It was ending when another process stopped, which may have told its group to, unless that is why it was given up.
    pub(in crate::decide) fn may_have_shrunk(&mut self, instance: InstanceRef, reason: Option<&str>) {
        if reason == Some(ENDED_BY_GROUP) {
            self.goes_by_itself(instance);
        } else if let Some((group, _)) = self.place(instance) {
            self.asgs[group].shrunk.perhaps.insert(instance);
        }
    }

    /// An instance is gone: whether its group replaces it. None if it has shrunk, or if the instance was never
    /// ours.
    pub(in crate::decide) fn replaced(&mut self, group: usize, instance: InstanceRef) -> Option<Replaced> {
        let shrunk = &mut self.asgs[group].shrunk;
        shrunk.named.remove(&instance);
        shrunk.by_itself.remove(&instance);
        let (surely, perhaps) = (shrunk.surely.remove(&instance), shrunk.perhaps.remove(&instance));
        let kept = self.kept.remove(&instance);
        let promised = self.ledger.scale_ups.get(&instance.slot.scale_up);
        if self.asgs[group].name.is_none() || promised.is_none_or(|s| s.row.origin == Origin::Adopted) {
            None
        } else if kept {
            Some(Replaced::Surely)
        } else if surely {
            None
        } else {
            Some(if perhaps { Replaced::Perhaps } else { Replaced::Surely })
        }
    }

    /// The slot of an instance that its group replaces waits for what it launches.
    pub(in crate::decide) fn is_replaced(
        &mut self,
        group: usize,
        slot: SlotId,
        replaced: Replaced,
        now: &mut Now,
    ) {
        self.ledger.requeue_anew(slot, now.time);
        self.await_replacement(group, replaced == Replaced::Surely, now);
        // It may be here already. Whatever comes next is then for whoever waits otherwise.
        self.fill_those_replaced(group, now);
        // Another of the group's slots may have waited for longer: that one is served, and this one goes on queueing.
        self.withdraw_if_unwanted(slot.scale_up, now.time);
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
            "{} has no place left: {IN_ITS_STEAD}",
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

#[cfg(test)]
mod tests;
