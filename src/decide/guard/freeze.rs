//! Freezes: no scale-in of a group, or of any, until T.
//!
//! Everything of a group's own that takes healthy instances away is suspended ([`FROZEN`]); what somebody
//! else had suspended before stays so after. Muster's own removals ask [`Core::frozen_until`], which is so
//! from the moment the freeze is stored.

use super::hold::{EndAsk, how_it_ends};
use super::lease::{FreezeRow, LONGEST_FREEZE, Lease, LeaseEnd, MOST_FREEZES, Marking};
use crate::decide::action::{Accepted, Refusal};
use crate::decide::words::Time;
use crate::decide::{Core, Now};

/// What a freeze suspends (aws-facts 3.7): policies (also those that would add: a frozen group grows by
/// our scale-ups), scheduled sizes, moves between zones, replacement of the unhealthy, refreshes.
///
/// Not `Terminate`: broken ones that never served would fill the group up to its maximum, and with it
/// suspended rebalancing may go a tenth beyond. So a desired capacity that a person lowers by hand still takes
/// instances away: whoever must not lose one holds it. Not `Launch`: what is on its way goes on. Not
/// `HealthCheck`: who is unhealthy is worth knowing, and suspended replacement leaves them alone.
pub const FROZEN: [Marking; 5] = [
    Marking::AlarmNotification,
    Marking::AzRebalance,
    Marking::InstanceRefresh,
    Marking::ReplaceUnhealthy,
    Marking::ScheduledActions,
];

/// A freeze as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeAsk {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    /// Ours; all of them if none.
    pub group: Option<String>,
    pub until: Time,
    pub owner: String,
    pub reason: String,
}

impl Core {
    /// Until when this group is not to be scaled in.
    #[must_use]
    pub fn frozen_until(&self, group: usize, now: Time) -> Option<Time> {
        let name = &self.ledger.groups.get(group)?.spec.name;
        let of_it = |f: &&FreezeRow| f.group.as_ref().is_none_or(|g| g == name) && f.lease.holds(now);
        self.guards.freezes.values().filter(of_it).map(|f| f.lease.until).max()
    }

    /// Takes a freeze, or says why not. The same owner who asks again for the same groups moves the end.
    pub(in crate::decide) fn freeze(&mut self, ask: FreezeAsk, now: &Now) -> Result<Accepted, Refusal> {
        if ask.until <= now.time || ask.until > now.time.plus(LONGEST_FREEZE) {
            return Err(Refusal::LeaseEnd { most_s: LONGEST_FREEZE.as_secs() });
        }
        if let Some(group) = ask.group.as_ref().filter(|g| self.ledger.group_index(g).is_none()) {
            let names: Vec<&str> = self.ledger.groups.iter().map(|g| g.spec.name.as_str()).collect();
            return Err(Refusal::UnknownGroup { group: group.clone(), known: names.join(", ") });
        }
        let same = |f: &&mut FreezeRow| {
            f.group == ask.group && f.lease.holds(now.time) && f.lease.owner == ask.owner
        };
        if let Some(freeze) = self.guards.freezes.values_mut().find(same) {
            freeze.lease.until = freeze.lease.until.max(ask.until);
            freeze.lease.reason = ask.reason;
            let (id, row) = (freeze.lease.id.clone(), freeze.clone());
            self.ledger.changes.freezes.push(row);
            self.guards.look_again();
            return Ok(Accepted { id, repeated: true });
        }
        if self.guards.freezes.len() >= MOST_FREEZES {
            return Err(Refusal::LeasesFull { most: MOST_FREEZES });
        }
        let text = format!("{}: {} freezes it: {}", whom(ask.group.as_deref()), ask.owner, ask.reason);
        self.ledger.journal(now.time, None, None, "freeze", text);
        let lease = Lease::new(ask.id.clone(), ask.owner, ask.reason, now.time, ask.until);
        let row = FreezeRow { lease, group: ask.group };
        self.ledger.changes.freezes.push(row.clone());
        self.guards.freezes.insert(ask.id.clone(), row);
        self.guards.look_again();
        Ok(Accepted { id: ask.id, repeated: false })
    }

    /// Ends a freeze before its time.
    pub(in crate::decide) fn thaw(&mut self, ask: EndAsk, now: &Now) -> Result<Accepted, Refusal> {
        let Some(freeze) = self.guards.freezes.get(&ask.id) else {
            return Err(Refusal::UnknownLease { what: "freeze", id: ask.id });
        };
        if !freeze.lease.holds(now.time) {
            return Ok(Accepted { id: ask.id, repeated: true });
        }
        let how = how_it_ends(&freeze.lease, &ask)?;
        self.end_freeze(&ask.id, how, Some(ask.by), now);
        Ok(Accepted { id: ask.id, repeated: false })
    }

    /// Ends the freezes whose time is over.
    pub(in crate::decide) fn end_expired_freezes(&mut self, now: &Now) {
        let over = |f: &&FreezeRow| f.lease.ended_at.is_none() && f.lease.until <= now.time;
        let over: Vec<String> =
            self.guards.freezes.values().filter(over).map(|f| f.lease.id.clone()).collect();
        for id in over {
            self.end_freeze(&id, LeaseEnd::Expired, None, now);
        }
    }

    fn end_freeze(&mut self, id: &str, how: LeaseEnd, by: Option<String>, now: &Now) {
        let Some(freeze) = self.guards.freezes.get_mut(id) else { return };
        let group = whom(freeze.group.as_deref());
        let text = match &by {
            Some(by) => format!("{group}: {how} by {by}"),
            None => format!("{group}: {how}"),
        };
        freeze.lease.end(how, by, now.time);
        let row = freeze.clone();
        self.ledger.changes.freezes.push(row);
        self.ledger.journal(now.time, None, None, "freeze_end", text);
        self.guards.look_again();
    }
}

fn whom(group: Option<&str>) -> String {
    group.map_or("all groups".to_string(), |g| format!("group {g}"))
}
