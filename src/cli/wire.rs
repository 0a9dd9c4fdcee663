//! What travels between the command line and the service.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::decide::words::{Ec2Id, Phase, ScaleUpState, SlotId};

/// A point in time: RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(pub String);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewScaleUp {
    pub group: String,
    pub count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    pub id: String,
    pub seq: u32,
    pub group: String,
    pub wanted: u32,
    pub state: ScaleUpState,
    #[serde(default)]
    pub eta: Option<Stamp>,
    #[serde(default)]
    pub eta_s: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleUpItem {
    pub id: String,
    pub seq: u32,
    pub group: String,
    pub wanted: u32,
    pub state: ScaleUpState,
    pub accepted_at: Stamp,
    #[serde(default)]
    pub by: Option<Stamp>,
    #[serde(default)]
    pub done_at: Option<Stamp>,
    pub in_service: u32,
    pub withdrawn: u32,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub cancel_reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleUpPage {
    pub scale_ups: Vec<ScaleUpItem>,
    #[serde(default)]
    pub next: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleUp {
    #[serde(flatten)]
    pub item: ScaleUpItem,
    pub phases: BTreeMap<Phase, u32>,
    #[serde(default)]
    pub broken_so_far: Option<u32>,
    pub waits: Vec<WaitLine>,
    #[serde(default)]
    pub eta: Option<Stamp>,
    #[serde(default)]
    pub eta_s: Option<u64>,
    pub shortfall: Vec<Shortfall>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitLine {
    pub count: u32,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    pub reason: String,
    pub count: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub subject: String,
    pub waits: Vec<WaitLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceItem {
    pub slot: SlotId,
    pub attempt: u16,
    pub group: String,
    pub phase: Phase,
    pub since: Stamp,
    #[serde(default)]
    pub id: Option<Ec2Id>,
    #[serde(default)]
    pub address: Option<IpAddr>,
    #[serde(default)]
    pub zone: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstancePage {
    pub instances: Vec<InstanceItem>,
    #[serde(default)]
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalLine {
    pub at: Stamp,
    pub kind: String,
    pub text: String,
    #[serde(default)]
    pub slot: Option<SlotId>,
}

/// RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemBody {
    #[serde(rename = "type", default)]
    pub kind: String,
    pub title: String,
    pub status: u16,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    pub field: String,
    pub detail: String,
}
