//! What the ledger says of groups.

use super::super::super::ledger::{GroupEntry, MemberEntry};
use super::super::ec2::Ec2;
use super::AutoScaling;
use super::group::Group;
use super::hook::HookAction;

impl AutoScaling {
    /// Every group there is.
    pub(in super::super) fn entries(&self, ec2: &Ec2) -> Vec<GroupEntry> {
        self.groups.values().map(|g| entry(g, ec2)).collect()
    }

    /// Every lifecycle action there ever was.
    pub(in super::super) fn hook_actions(&self) -> Vec<HookAction> {
        self.books.actions.all().to_vec()
    }
}

fn entry(group: &Group, ec2: &Ec2) -> GroupEntry {
    let members = group.members.values().map(|m| MemberEntry {
        id: ec2.id_of(m.ordinal),
        ordinal: m.ordinal,
        zone: m.launch.zone.clone(),
        state: m.state,
        since_ms: m.since_ms,
        in_service_ms: m.in_service_ms,
        health: m.health,
        protected: m.protected,
        registered: m.registered,
    });
    GroupEntry {
        name: group.name.to_string(),
        min: group.min,
        max: group.max,
        desired: group.desired,
        deleting: group.deleting,
        suspended: group.suspended.iter().copied().collect(),
        tally: group.tally,
        most_counted: group.peaks.counted,
        most_members: group.peaks.all,
        most_over_max: group.peaks.over_max,
        members: members.collect(),
    }
}
