//! Lifecycle actions of Auto Scaling groups.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names;
use super::stamp::Stamp;
use crate::decide::hook::notice::{HookResult, HookState, Transition};
use crate::decide::rows::HookRow;
use crate::decide::words::{Ec2Id, SlotId, Time};
use crate::hooks::inlet::Outcome;

/// What became of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookTaken {
    /// `taken`, `repeated` if it was told of before, `acknowledged` if it asks nothing of anybody.
    #[schema(schema_with = names::hook_outcome)]
    pub outcome: Outcome,
    /// The action's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// One lifecycle action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookItem {
    /// Its number in this database.
    pub seq: u64,
    pub group: String,
    /// The Auto Scaling group's own name.
    pub asg: String,
    pub hook: String,
    #[schema(schema_with = names::transition)]
    pub transition: Transition,
    /// The instance that waits.
    #[schema(value_type = String, examples("i-0123456789abcdef0"))]
    pub id: Ec2Id,
    /// Its place in the books; absent for one that leaves and has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("12-34"))]
    pub slot: Option<SlotId>,
    /// Absent if the action was found by looking at the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[schema(schema_with = names::hook_state)]
    pub state: HookState,
    /// What is answered, once that is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = names::hook_result)]
    pub result: Option<HookResult>,
    pub noticed_at: Stamp,
    /// The group acts on its default result then, unless a heartbeat or an answer comes before.
    pub expires_at: Stamp,
    /// Seconds until then, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// The action's own end, whatever its heartbeats.
    pub ends_at: Stamp,
    /// Answers sent.
    pub completions: u32,
    pub heartbeats: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Stamp>,
    /// What the last call about it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl HookItem {
    #[must_use]
    pub fn of(row: HookRow, now: Time) -> HookItem {
        HookItem {
            seq: row.seq.0,
            group: row.group,
            asg: row.asg,
            hook: row.hook,
            transition: row.transition,
            id: row.id,
            slot: row.instance.map(|i| i.slot),
            token: row.token,
            state: row.state,
            result: row.result,
            noticed_at: Stamp(row.noticed_at),
            expires_at: Stamp(row.expires_at),
            expires_s: (row.state == HookState::Open).then(|| row.expires_at.since(now).as_secs()),
            ends_at: Stamp(row.ends_at),
            completions: row.completions,
            heartbeats: row.heartbeats,
            done_at: row.done_at.map(Stamp),
            error: row.error,
        }
    }
}

/// Lifecycle actions by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookPage {
    pub hooks: Vec<HookItem>,
    /// Ask for `after` this one to go on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}
