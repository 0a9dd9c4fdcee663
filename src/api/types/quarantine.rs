//! Broken instances that are kept for people to look at.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names;
use super::stamp::Stamp;
use crate::decide::quarantine::words::{Keeping, QuarantineEnd, QuarantineRow, QuarantineState};
use crate::decide::words::{Ec2Id, Phase, Time};

/// Quarantines that are not over, and those that are while their instances are being ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quarantine {
    pub instances: Vec<KeptItem>,
}

/// One instance in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptItem {
    #[schema(value_type = String, examples("i-0123456789abcdef0"))]
    pub instance: Ec2Id,
    pub group: String,
    /// Its place in the books: slot and attempt; absent for a member that muster did not bring into service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("12-34/1"))]
    pub slot: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The phase in which it broke.
    #[schema(schema_with = names::phase)]
    pub broke_in: Phase,
    /// Why it was given up.
    pub reason: String,
    #[schema(schema_with = names::keeping)]
    pub how: Keeping,
    /// `asked` until its group has let it go.
    #[schema(schema_with = names::quarantine_state)]
    pub state: QuarantineState,
    pub since: Stamp,
    /// It is ended then, unless somebody holds it.
    pub until: Stamp,
    /// Seconds until then.
    pub left_s: u64,
    /// Its tags say why and until when.
    pub tagged: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = names::quarantine_end)]
    pub end: Option<QuarantineEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// What the last call about it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The end of a quarantine, durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseTaken {
    pub instance: String,
    /// It was being ended already.
    pub repeated: bool,
}

impl KeptItem {
    #[must_use]
    pub fn of(row: &QuarantineRow, now: Time) -> KeptItem {
        KeptItem {
            instance: row.id,
            group: row.group.clone(),
            slot: row.instance.map(|i| i.to_string()),
            address: row.address.map(|a| a.to_string()),
            zone: row.zone.clone(),
            broke_in: row.broke_in,
            reason: row.reason.clone(),
            how: row.how,
            state: row.state,
            since: Stamp(row.since),
            until: Stamp(row.until),
            left_s: if row.ended_at.is_some() { 0 } else { row.until.since(now).as_secs() },
            tagged: row.tagged_at.is_some(),
            end: row.end,
            ended_by: row.ended_by.clone(),
            error: row.error.clone(),
        }
    }
}
