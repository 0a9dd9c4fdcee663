//! Scale-ups: asked for, listed, shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::explain::WaitLine;
use super::names;
use super::preflight::Preflight;
use super::stamp::Stamp;
use crate::decide::rows::ScaleUpRow;
use crate::decide::words::{Origin, Phase, ScaleUpState};

/// "Count more of this group in service, by then, because of this."
///
/// Nothing else may be in the body; what is not wanted is left out, not null or blank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScaleUp {
    /// Name of a configured group.
    #[schema(min_length = 1, max_length = 64, examples("web"))]
    pub group: String,
    /// How many more instances; at most the configured `limits.count`.
    #[schema(minimum = 1, examples(1200))]
    pub count: u32,
    /// In service by then: RFC 3339, or how long from now (`15m`, `1h30m`). At most a year ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, examples("15m", "2026-01-04T15:00:00Z"))]
    pub by: Option<String>,
    /// Why; kept with the scale-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 500, examples("first working day"))]
    pub reason: Option<String>,
    /// Refuse it if not all of them fit, instead of taking what does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub all_or_nothing: bool,
    /// What the group has in reserve is for this one: verified again, it serves before anything that is launched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub emergency: bool,
}

/// An accepted scale-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Created {
    /// Public id.
    #[schema(examples("019b89b4-7c00-7c3e-8f57-1d5f3a1b2c3d"))]
    pub id: String,
    /// Its number in this database: 1, 2, 3, ... Slots are named after it.
    pub seq: u32,
    pub group: String,
    pub wanted: u32,
    #[schema(schema_with = names::scale_up_state)]
    pub state: ScaleUpState,
    /// When the last slot is expected in service; absent if that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Stamp>,
    /// The same in seconds of muster's time from now; 0 if it has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<u64>,
    /// The deadline cannot be met, by what is known. It is taken all the same: what no launch has by
    /// then is dropped.
    #[serde(default)]
    pub late: bool,
    /// What it was told when it was accepted: how many fit, and what keeps the others out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preflight: Option<Preflight>,
    pub links: Links,
}

/// Where to go from here: paths on this service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Links {
    #[serde(rename = "self")]
    pub this: String,
    pub events: String,
    pub cancel: String,
    pub explain: String,
    pub instances: String,
}

impl Links {
    #[must_use]
    pub fn of(id: &str) -> Links {
        let this = Links::of_self(id);
        Links {
            events: format!("{this}/events"),
            cancel: format!("{this}/cancel"),
            explain: format!("/v1/explain/{id}"),
            instances: format!("/v1/instances?scale_up={id}"),
            this,
        }
    }

    /// The path of the scale-up alone.
    #[must_use]
    pub fn of_self(id: &str) -> String {
        format!("/v1/scale-ups/{id}")
    }
}

/// Stop a scale-up: what is not in service yet is undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// Why; kept with the scale-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 500)]
    pub reason: Option<String>,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScaleUpItem {
    pub id: String,
    pub seq: u32,
    pub group: String,
    /// `adopted` if an Auto Scaling group launched instances by itself.
    #[serde(default = "asked")]
    #[schema(schema_with = names::origin)]
    pub origin: Origin,
    pub wanted: u32,
    #[schema(schema_with = names::scale_up_state)]
    pub state: ScaleUpState,
    pub accepted_at: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Stamp>,
    pub in_service: u32,
    /// Slots that ended without an instance.
    pub withdrawn: u32,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
}

/// What an older service does not say.
fn asked() -> Origin {
    Origin::Asked
}

impl From<ScaleUpRow> for ScaleUpItem {
    fn from(row: ScaleUpRow) -> Self {
        ScaleUpItem {
            id: row.id,
            seq: row.seq.0,
            group: row.group,
            origin: row.origin,
            wanted: row.wanted,
            state: row.state,
            accepted_at: Stamp(row.accepted_at),
            by: row.by.map(Stamp),
            done_at: row.done_at.map(Stamp),
            in_service: row.in_service,
            withdrawn: row.withdrawn,
            reason: row.reason,
            cancel_reason: row.cancel_reason,
        }
    }
}

/// Scale-ups, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScaleUpPage {
    pub scale_ups: Vec<ScaleUpItem>,
    /// Give it as `before` to read on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
}

/// A scale-up with its progress. Also the data of the events `progress` and `end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScaleUp {
    #[serde(flatten)]
    pub item: ScaleUpItem,
    /// Slots by the phase of their newest attempt; every phase is named, zero included.
    #[schema(value_type = BTreeMap<String, u32>)]
    pub phases: BTreeMap<Phase, u32>,
    /// Instances that were given up so far; absent for a scale-up that was done long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_so_far: Option<u32>,
    /// What waits and why, most first.
    pub waits: Vec<WaitLine>,
    /// When the last slot is expected in service; absent if that cannot be told, or if it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Stamp>,
    /// The same in seconds of muster's time from now; 0 if it has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<u64>,
    /// The deadline cannot be met, by what is known now.
    #[serde(default)]
    pub late: bool,
    /// Slots that ended without an instance, by reason, most first.
    pub shortfall: Vec<Shortfall>,
    pub links: Links,
}

/// So many slots ended without an instance for this reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shortfall {
    pub reason: String,
    pub count: u32,
}
