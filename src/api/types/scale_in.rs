//! Scale-ins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names;
use super::stamp::Stamp;
use crate::decide::retire::words::ScaleInState;
use crate::decide::view;

/// Fewer instances in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewScaleIn {
    /// At least 1.
    pub count: u32,
    /// Kept with the scale-in. At most 500 characters.
    pub reason: String,
}

/// One scale-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScaleInItem {
    pub id: String,
    pub group: String,
    pub count: u32,
    /// Instances that have left for it.
    pub removed: u32,
    pub reason: String,
    #[schema(schema_with = names::scale_in_state)]
    pub state: ScaleInState,
    pub asked_at: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Stamp>,
    /// Why it was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the rest of it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<String>,
}

impl ScaleInItem {
    #[must_use]
    pub fn of(s: &view::ScaleInView) -> ScaleInItem {
        ScaleInItem {
            id: s.row.id.clone(),
            group: s.row.group.clone(),
            count: s.row.count,
            removed: s.row.removed,
            reason: s.row.reason.clone(),
            state: s.row.state,
            asked_at: Stamp(s.row.asked_at),
            done_at: s.row.done_at.map(Stamp),
            note: s.row.note.clone(),
            waits: s.doubts.iter().map(|d| d.text.clone()).collect(),
        }
    }
}

/// A scale-in that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScaleInTaken {
    pub id: String,
    /// The same request had been taken before.
    pub repeated: bool,
}

/// Scale-ins that are open, and the last ones that are over, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScaleIns {
    pub scale_ins: Vec<ScaleInItem>,
}
