//! Groups that depend on gateways, and overrides of that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LeaseItem;
use super::names;
use super::stamp::Stamp;
use crate::decide::gateway::gate::{GateMode, OverrideRow};
use crate::decide::gateway::shown::GateView;
use crate::decide::words::Time;

/// Lets a group launch more than its gateways are known to carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewOverride {
    /// A group, or the id of a scale-up that is open: then until that is done, and older ones of its group with it,
    /// since they go first.
    #[schema(min_length = 1, max_length = 64, examples("web"))]
    pub subject: String,
    /// A time (RFC 3339) or a duration from now; at most 24 h ahead, and 1 h if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("2h"))]
    pub until: Option<String>,
    /// Who says so.
    #[schema(min_length = 1, max_length = 64)]
    pub owner: String,
    /// Why; kept with it.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// One override in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverrideItem {
    #[serde(flatten)]
    pub lease: LeaseItem,
    pub group: String,
    /// Number of the scale-up that it is for; none: whatever is asked of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_up: Option<u32>,
}

/// One group that depends on a gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateItem {
    pub group: String,
    #[schema(schema_with = names::gate_mode)]
    pub mode: GateMode,
    /// What one instance brings, in the gateway's unit.
    pub load: f64,
    /// Instances that are there, on their way, or not gone yet.
    pub instances: u32,
    /// Slots that are queued.
    pub queued: u32,
    /// Since when more is wanted than may be planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_since: Option<Stamp>,
    /// When it was said that this lasts too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarmed_at: Option<Stamp>,
}

impl GateItem {
    #[must_use]
    pub fn of(view: &GateView) -> GateItem {
        GateItem {
            group: view.group.clone(),
            mode: view.mode,
            load: f64::from(view.each) / 1_000.0,
            instances: view.instances,
            queued: view.queued,
            short_since: view.short.as_ref().map(|row| Stamp(row.since)),
            alarmed_at: view.short.as_ref().and_then(|row| row.alarmed_at).map(Stamp),
        }
    }
}

impl OverrideItem {
    #[must_use]
    pub fn of(row: &OverrideRow, now: Time) -> OverrideItem {
        OverrideItem {
            lease: LeaseItem::of(&row.lease, &[], now),
            group: row.group.clone(),
            scale_up: row.scale_up.map(|seq| seq.0),
        }
    }
}
