//! What is written down of an instance in quarantine.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decide::words::{Ec2Id, InstanceRef, LaunchSeq, Phase, Time, named};

named! {
    /// What an instance is kept out of service for.
    pub enum Purpose {
        /// It broke, and people are to look at it.
        Broken = "broken",
        /// It was verified, and an emergency takes it before anything is launched.
        Reserve = "reserve",
    }
}

named! {
    /// How an instance is taken out of service and kept.
    pub enum Keeping {
        /// `EnterStandby`: it stays a member of its Auto Scaling group, which sends it nothing and does not check
        /// its health.
        Standby = "standby",
        /// `DetachInstances`: its Auto Scaling group knows it no more.
        Detach = "detach",
        /// One that its Auto Scaling group has not let in: the lifecycle action that it waits in gets heartbeats
        /// instead of an answer.
        Hook = "hook",
        /// One of a plain fleet's: nobody has to be told.
        Apart = "apart",
    }
}

named! {
    /// How far a quarantine has come.
    pub enum QuarantineState {
        /// Stored; its group has not let it go yet.
        Asked = "asked",
        /// It is out of service, and nobody's slot.
        Kept = "kept",
        /// One of the reserve's that was given to a slot: on its way back into service.
        Joining = "joining",
        /// Over: it is being ended.
        Leaving = "leaving",
        /// EC2 said that it is ending, or it never came to a quarantine.
        Done = "done",
    }
}

named! {
    /// Why a quarantine is over.
    pub enum QuarantineEnd {
        /// By its time.
        Expired = "expired",
        /// By an operator.
        Released = "released",
        /// Its place was wanted for one that serves.
        Capacity = "capacity",
        /// For one that failed in another way, which tells more.
        Variety = "variety",
        /// Its group did not let it go: it was ended as if there were no quarantine.
        Refused = "refused",
        /// Somebody else took it away.
        Taken = "taken",
        /// Somebody put it back into service.
        Returned = "returned",
        /// One of the reserve's that serves now.
        Used = "used",
        /// One of the reserve's that did not serve any more when it was wanted, or was not wanted any more when it
        /// was about to serve.
        Unfit = "unfit",
        /// The reserve is to be smaller.
        Surplus = "surplus",
    }
}

/// How many broken instances of a group are kept for people to look at, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineSpec {
    /// Most at once, 1 to 20.
    pub max: u32,
    /// Of members of an Auto Scaling group that AWS calls `InService`: [`Keeping::Standby`] or [`Keeping::Detach`].
    pub how: Keeping,
    /// So long.
    pub keep_for: Duration,
}

/// Instances that a group keeps in reserve: verified and not serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveSpec {
    /// So many, 1 to 1,000. Each holds a place under the group's maximum, and costs what a server costs.
    pub size: u32,
}

/// Most instances that are being tagged at once: nobody waits for a tag, and each call holds a descriptor.
pub const TAGS_AT_ONCE: u32 = 2;

/// The tag that says why an instance is kept.
pub const TAG: &str = "muster:quarantine";
/// And the one that says until when.
pub const TAG_UNTIL: &str = "muster:quarantine-until";

/// A reason as a tag's value: at most 256 characters (aws-facts 2.5), of those that every service allows in tags.
#[must_use]
pub fn tag_value(reason: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
    reason.chars().take(256).map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// Key: `id`. One instance that is kept out of service: broken, for people to look at, or in reserve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineRow {
    pub id: Ec2Id,
    pub group: String,
    pub purpose: Purpose,
    /// Its place in our books; none for a member that muster did not bring into service. Of one that is
    /// [`QuarantineState::Joining`], the place that it was given.
    pub instance: Option<InstanceRef>,
    pub launch: Option<LaunchSeq>,
    pub address: Option<IpAddr>,
    pub zone: Option<String>,
    /// The phase in which it broke: failures in the same phase are of one kind. One of the reserve's was in service.
    pub broke_in: Phase,
    /// Why it was given up.
    pub reason: String,
    pub how: Keeping,
    pub state: QuarantineState,
    pub since: Time,
    /// It is ended then, unless somebody holds it. Never, in reserve.
    pub until: Time,
    /// Its group let it go.
    pub kept_at: Option<Time>,
    /// `CreateTags` with the reason and the end.
    pub tagged_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub end: Option<QuarantineEnd>,
    /// The operator who released it.
    pub ended_by: Option<String>,
    /// What the last call about it failed with.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::tag_value;

    #[test]
    fn a_reason_fits_a_tag() {
        assert_eq!(tag_value("status 503 (3 of 3): \"no\""), "status 503 _3 of 3_: _no_");
        assert_eq!(tag_value(&"\u{e9}".repeat(300)).chars().count(), 256);
    }
}
