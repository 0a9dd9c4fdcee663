//! Instances and the history of their slots.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names;
use super::stamp::Stamp;
use crate::decide::rows::{InstanceRow, JournalRow};
use crate::decide::words::{Ec2Id, Phase, SlotId};

/// One instance: one attempt at filling a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceItem {
    #[schema(value_type = String, examples("12-34"))]
    pub slot: SlotId,
    /// The how-manieth try at filling the slot: 1, 2, ...
    pub attempt: u16,
    pub group: String,
    #[schema(schema_with = names::phase)]
    pub phase: Phase,
    /// When it entered the phase.
    pub since: Stamp,
    /// The launch it came from, by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<u64>,
    /// EC2's id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("i-0123456789abcdef0"))]
    pub id: Option<Ec2Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("10.0.3.17"))]
    pub address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Why it is broken, gone or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<InstanceRow> for InstanceItem {
    fn from(row: InstanceRow) -> Self {
        InstanceItem {
            slot: row.instance.slot,
            attempt: row.instance.attempt,
            group: row.group,
            phase: row.phase,
            since: Stamp(row.since),
            launch: row.launch.map(|l| l.0),
            id: row.id,
            address: row.address,
            zone: row.zone,
            reason: row.reason,
        }
    }
}

/// Instances, ordered by slot and attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstancePage {
    pub instances: Vec<InstanceItem>,
    /// Give it as `after` to read on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("12-34/1"))]
    pub next: Option<String>,
}

/// Everything known of one slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotHistory {
    #[schema(value_type = String, examples("12-34"))]
    pub slot: SlotId,
    pub group: String,
    /// Public id of the scale-up it belongs to.
    pub scale_up: String,
    /// Where its newest attempt stands; `queued` if there is none yet.
    #[schema(schema_with = names::phase)]
    pub phase: Phase,
    /// Every instance that was tried, newest last.
    pub attempts: Vec<InstanceItem>,
    /// What happened, oldest first; at most 1,000 lines.
    pub journal: Vec<JournalLine>,
}

/// One line of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalLine {
    /// Its number in the journal: grows, never comes back.
    pub number: i64,
    pub at: Stamp,
    /// A short fixed word, for example `accepted`, `in_service`, `broken`, `done`.
    pub kind: String,
    /// A sentence for people.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("12-34"))]
    pub slot: Option<SlotId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u16>,
}

impl JournalLine {
    #[must_use]
    pub fn of(number: i64, row: JournalRow) -> JournalLine {
        JournalLine {
            number,
            at: Stamp(row.at),
            kind: row.kind,
            text: row.text,
            slot: row.instance.map(|i| i.slot),
            attempt: row.instance.map(|i| i.attempt),
        }
    }
}
