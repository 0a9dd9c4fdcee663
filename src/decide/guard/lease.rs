//! What a hold and a freeze have in common: somebody asked for it, it has an end, and it is in force once
//! everything is marked that it wants marked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decide::words::{Ec2Id, Time, named};

/// Longest from the asking to the end of a hold: an engineer's week. Longer is somebody who forgot.
pub const LONGEST_HOLD: Duration = Duration::from_secs(7 * 86_400);
/// Longest from the asking to the end of a freeze: while nothing is scaled in, everything is paid for.
pub const LONGEST_FREEZE: Duration = Duration::from_secs(86_400);
/// Holds that may be open at once. Each protects one instance by calls of its own: 1,000 take minutes.
pub const MOST_HOLDS: usize = 1_000;
/// Freezes that may be open at once.
pub const MOST_FREEZES: usize = 100;

named! {
    /// How far a hold or a freeze has come.
    pub enum LeaseState {
        /// Stored. Muster itself obeys it; not everything is marked at AWS yet.
        Asked = "asked",
        /// Everything is marked.
        InForce = "in_force",
        /// Over; what was so before is being restored.
        Ending = "ending",
        /// Everything is as it was before.
        Done = "done",
    }
}

named! {
    /// How a hold or a freeze came to its end.
    pub enum LeaseEnd {
        /// By its time.
        Expired = "expired",
        /// By whoever asked for it.
        Released = "released",
        /// By somebody else, who was named.
        Overridden = "overridden",
    }
}

/// Who asked for what until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Public id (UUID v7), given by the shell.
    pub id: String,
    pub owner: String,
    pub reason: String,
    pub asked_at: Time,
    /// It ends by itself then.
    pub until: Time,
    pub state: LeaseState,
    pub in_force_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub end: Option<LeaseEnd>,
    /// Who ended it; none if its time did.
    pub ended_by: Option<String>,
    /// Everything is restored since.
    pub done_at: Option<Time>,
}

impl Lease {
    /// One that was just asked for.
    #[must_use]
    pub fn new(id: String, owner: String, reason: String, asked_at: Time, until: Time) -> Lease {
        Lease {
            id,
            owner,
            reason,
            asked_at,
            until,
            state: LeaseState::Asked,
            in_force_at: None,
            ended_at: None,
            end: None,
            ended_by: None,
            done_at: None,
        }
    }

    /// Nobody has ended it and its time is not over: it is obeyed, whether or not it is in force at AWS.
    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        self.ended_at.is_none() && now < self.until
    }

    /// It ends now.
    pub fn end(&mut self, how: LeaseEnd, by: Option<String>, now: Time) {
        self.state = LeaseState::Ending;
        self.ended_at = Some(now);
        self.end = Some(how);
        self.ended_by = by;
    }
}

named! {
    /// What keeps a group's own health checks from replacing a held instance.
    pub enum HoldWay {
        /// `ReplaceUnhealthy` is suspended for its group. It goes on serving.
        Replacement = "suspend_replacement",
        /// It is in `Standby`: it serves nobody, and its group goes on replacing others.
        Standby = "standby",
    }
}

/// Nobody ends this instance until then. Key: the lease's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    pub lease: Lease,
    pub instance: Ec2Id,
    pub group: String,
    pub way: HoldWay,
}

/// No scale-in of a group, or of any, until then. Key: the lease's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeRow {
    pub lease: Lease,
    /// All of them if none.
    pub group: Option<String>,
}

named! {
    /// Something at AWS that a hold or a freeze sets, and restores when the last of them has ended.
    pub enum Marking {
        /// `SetInstanceProtection`: from scale-in, and from nothing else.
        ScaleInProtection = "scale_in_protection",
        /// `DisableApiTermination`: EC2's own calls do not end it. Auto Scaling's do.
        TerminationProtection = "termination_protection",
        Standby = "standby",
        // Processes of a group that are suspended, in AWS's words.
        AlarmNotification = "AlarmNotification",
        AzRebalance = "AZRebalance",
        InstanceRefresh = "InstanceRefresh",
        ReplaceUnhealthy = "ReplaceUnhealthy",
        ScheduledActions = "ScheduledActions",
    }
}

impl Marking {
    /// It is a process of the group's that is suspended.
    #[must_use]
    pub fn is_process(self) -> bool {
        match self {
            Marking::ScaleInProtection | Marking::TerminationProtection | Marking::Standby => false,
            Marking::AlarmNotification
            | Marking::AzRebalance
            | Marking::InstanceRefresh
            | Marking::ReplaceUnhealthy
            | Marking::ScheduledActions => true,
        }
    }
}

named! {
    /// How far we are with one mark.
    pub enum KeepState {
        /// What is so now, before we change anything, is not known yet.
        Unknown = "unknown",
        /// Calls may be under way that set it.
        Setting = "setting",
        Set = "set",
        /// Calls may be under way that restore what was so before.
        Undoing = "undoing",
        Restored = "restored",
    }
}

/// One mark that is kept. Key: (subject, marking).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepRow {
    /// The instance's id; for processes the Auto Scaling group's name.
    pub subject: String,
    pub marking: Marking,
    /// The Auto Scaling group; none for an instance of a plain fleet.
    pub asg: Option<String>,
    /// What was so before the first who wants it: what is restored after the last.
    pub before: Option<bool>,
    pub state: KeepState,
    /// Since when it is in that state.
    pub since: Time,
    /// The last error's code and message.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_from_the_asking_until_its_end() {
        let mut lease = Lease::new("h".into(), "ann".into(), "a look".into(), Time(0), Time(100));
        assert!(lease.holds(Time(0)) && lease.holds(Time(99)) && !lease.holds(Time(100)));
        lease.end(LeaseEnd::Overridden, Some("bob".into()), Time(50));
        assert!(!lease.holds(Time(50)));
        assert_eq!((lease.state, lease.ended_by.as_deref()), (LeaseState::Ending, Some("bob")));
    }
}
