//! Who occupies the places of an Auto Scaling group: everything that it has or will have, and what we
//! launched since it was last seen.

use std::time::Duration;

use crate::decide::wait::Wait;
use crate::decide::words::Phase;
use crate::decide::{Core, Now};

use super::seen::Lifecycle;

/// A group that was seen longer ago than this may have changed: it is looked at before anything is
/// launched into it. Three looks, of which two are throttled, take less.
const FRESH: Duration = Duration::from_secs(10);

impl Core {
    /// As many more as may exist in a group now, or why that is none.
    pub(in crate::decide) fn room_in_group(&mut self, group: usize, now: &Now) -> Result<u32, Wait> {
        let seen = self.asgs[group].seen.as_ref();
        let seen_at = seen.map(|s| s.at);
        if seen.is_none_or(|s| s.stale || now.time.since(s.at) > FRESH) {
            self.sweep_at_once(group, now);
            return Err(Wait::Unseen { since: seen_at });
        }
        let (max, live) = self.occupied(group);
        match max.saturating_sub(live) {
            0 => {
                self.sweep_soon(group, now);
                Err(Wait::GroupMax { max, live })
            }
            room => Ok(room),
        }
    }

    /// The group's maximum, and the places that are taken under it.
    ///
    /// Whatever the group's desired capacity asks for counts, whether or not it exists yet: the group
    /// launches it. Those that leave count until the group does not show them any more.
    pub(in crate::decide) fn occupied(&self, group: usize) -> (u32, u32) {
        let g = &self.ledger.groups[group];
        let Some(seen) = &self.asgs[group].seen else { return (g.spec.max, g.taken) };
        let members = seen.members.values().filter(|m| takes_a_place(m.lifecycle)).count();
        // The desired capacity does not ask for those, or asks for others in their place.
        let aside = seen.members.values().filter(|m| is_aside(m.lifecycle)).count();
        let unseen = self.ledger.scale_ups.values().filter(|s| s.group == group).flat_map(|s| &s.slots);
        let unseen = unseen.filter(|s| match s.id {
            None => s.phase == Phase::Launching && !self.is_in_desired(group, s.launch),
            // What was launched before it was last seen and is not there has left.
            Some(id) => s.phase.occupies() && s.launched_at >= seen.at && !seen.members.contains_key(&id),
        });
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let live = count(members - aside).max(seen.desired);
        let beside = aside + self.kept_beside(group) + unseen.count();
        let live = live.saturating_add(count(beside));
        (g.spec.max.min(seen.max), live)
    }
}

/// It is in the group, and was taken out of service.
fn is_aside(lifecycle: Lifecycle) -> bool {
    matches!(lifecycle, Lifecycle::EnteringStandby | Lifecycle::Standby | Lifecycle::Detaching)
}

/// Warm ones wait beside the group; the rest is in it, on its way in or on its way out.
pub(in crate::decide) fn takes_a_place(lifecycle: Lifecycle) -> bool {
    match lifecycle {
        Lifecycle::Pending
        | Lifecycle::PendingWait
        | Lifecycle::PendingProceed
        | Lifecycle::InService
        | Lifecycle::EnteringStandby
        | Lifecycle::Standby
        | Lifecycle::Detaching
        | Lifecycle::Terminating
        | Lifecycle::TerminatingWait
        | Lifecycle::TerminatingProceed
        | Lifecycle::TerminatingRetained
        | Lifecycle::Quarantined
        | Lifecycle::ReplacingRootVolume
        | Lifecycle::ReplacingRootVolumeWait
        | Lifecycle::ReplacingRootVolumeProceed
        | Lifecycle::RootVolumeReplaced
        | Lifecycle::Other => true,
        Lifecycle::Detached
        | Lifecycle::Terminated
        | Lifecycle::WarmedPending
        | Lifecycle::WarmedPendingWait
        | Lifecycle::WarmedPendingProceed
        | Lifecycle::WarmedPendingRetained
        | Lifecycle::WarmedStopped
        | Lifecycle::WarmedRunning
        | Lifecycle::WarmedHibernated
        | Lifecycle::WarmedTerminating
        | Lifecycle::WarmedTerminatingWait
        | Lifecycle::WarmedTerminatingProceed
        | Lifecycle::WarmedTerminatingRetained
        | Lifecycle::WarmedTerminated => false,
    }
}
