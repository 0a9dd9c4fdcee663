//! Holds and freezes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names;
use super::stamp::Stamp;
use crate::decide::guard::lease::{HoldWay, KeepState, Lease, LeaseEnd, LeaseState, Marking};
use crate::decide::view::{FreezeView, HoldView, PendingMark};
use crate::decide::words::{Ec2Id, Time};

/// A request for a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewHold {
    /// The instance's EC2 id.
    #[schema(value_type = String, examples("i-0123456789abcdef0"))]
    pub instance: Ec2Id,
    /// Its group; looked for if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A time (RFC 3339) or a duration from now; at most 7 days ahead.
    #[schema(examples("2h"))]
    pub until: String,
    /// Who asks: whoever wants to end it before its time and is not the owner has to override it.
    #[schema(min_length = 1, max_length = 64)]
    pub owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
    /// `suspend_replacement` if left out: it goes on serving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = names::hold_way)]
    pub way: Option<HoldWay>,
}

/// A request for a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewFreeze {
    /// All groups if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A time (RFC 3339) or a duration from now; at most a day ahead.
    #[schema(examples("30m"))]
    pub until: String,
    #[schema(min_length = 1, max_length = 64)]
    pub owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// What was taken, and is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaseTaken {
    pub id: String,
    /// It was there before: the same owner's, whose end was moved, or ended already.
    pub repeated: bool,
}

/// Who asked for what until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaseItem {
    pub id: String,
    pub owner: String,
    pub reason: String,
    /// `asked` until everything is marked at AWS; muster itself obeys it from the beginning.
    #[schema(schema_with = names::lease_state)]
    pub state: LeaseState,
    pub asked_at: Stamp,
    pub until: Stamp,
    /// Seconds until then.
    pub left_s: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = names::lease_end)]
    pub end: Option<LeaseEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// What is not marked, or not restored, yet.
    pub pending: Vec<PendingItem>,
}

/// A mark at AWS that is not as it is to be yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PendingItem {
    /// The instance, or the Auto Scaling group whose process it is.
    pub subject: String,
    #[schema(schema_with = names::marking)]
    pub marking: Marking,
    #[schema(schema_with = names::keep_state)]
    pub state: KeepState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldItem {
    #[serde(flatten)]
    pub lease: LeaseItem,
    #[schema(value_type = String, examples("i-0123456789abcdef0"))]
    pub instance: Ec2Id,
    pub group: String,
    #[schema(schema_with = names::hold_way)]
    pub way: HoldWay,
}

/// One freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FreezeItem {
    #[serde(flatten)]
    pub lease: LeaseItem,
    /// Absent: all groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Holds that are not over, and those that are and not wholly restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holds {
    pub holds: Vec<HoldItem>,
}

/// The same of freezes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Freezes {
    pub freezes: Vec<FreezeItem>,
}

impl LeaseItem {
    pub(super) fn of(lease: &Lease, pending: &[PendingMark], now: Time) -> LeaseItem {
        let item = |p: &PendingMark| PendingItem {
            subject: p.subject.clone(),
            marking: p.marking,
            state: p.state,
            error: p.error.clone(),
        };
        LeaseItem {
            id: lease.id.clone(),
            owner: lease.owner.clone(),
            reason: lease.reason.clone(),
            state: lease.state,
            asked_at: Stamp(lease.asked_at),
            until: Stamp(lease.until),
            left_s: if lease.ended_at.is_some() { 0 } else { lease.until.since(now).as_secs() },
            in_force_at: lease.in_force_at.map(Stamp),
            ended_at: lease.ended_at.map(Stamp),
            end: lease.end,
            ended_by: lease.ended_by.clone(),
            pending: pending.iter().map(item).collect(),
        }
    }
}

impl HoldItem {
    #[must_use]
    pub fn of(view: &HoldView, now: Time) -> HoldItem {
        HoldItem {
            lease: LeaseItem::of(&view.row.lease, &view.pending, now),
            instance: view.row.instance,
            group: view.row.group.clone(),
            way: view.row.way,
        }
    }
}

impl FreezeItem {
    #[must_use]
    pub fn of(view: &FreezeView, now: Time) -> FreezeItem {
        FreezeItem {
            lease: LeaseItem::of(&view.row.lease, &view.pending, now),
            group: view.row.group.clone(),
        }
    }
}
