//! Gateways, and requests that they be scaled ahead of time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::gate::{GateItem, OverrideItem};
use super::instance::JournalLine;
use super::names;
use super::stamp::Stamp;
use crate::decide::gateway::call::{ZoneCapacity, ZoneState};
use crate::decide::gateway::letter::letter;
use crate::decide::gateway::shown::{GatewayRequestView, GatewayView};
use crate::decide::gateway::words::{GatewayEnd, GatewayKind, GatewayRow, GatewayState};
use crate::decide::words::Time;

/// A request that a gateway be scaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewGatewayRequest {
    /// As configured.
    pub gateway: String,
    /// The whole capacity that it is to have, in its unit.
    #[schema(minimum = 1, maximum = 10_000_000)]
    pub capacity: u32,
    /// To be there by then: a time (RFC 3339) or a duration from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("30m"))]
    pub by: Option<String>,
    /// Given back then: a time (RFC 3339) or a duration from now; at most 92 days ahead.
    #[schema(examples("24h"))]
    pub until: String,
    /// Who asks: whoever wants to release it and is not the owner has to override it.
    #[schema(min_length = 1, max_length = 64)]
    pub owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// What people say of a gateway that AWS has no call for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewConfirmation {
    /// What it can carry now, in its unit. 0: it will not be done.
    #[schema(maximum = 10_000_000)]
    pub capacity: u32,
    /// Who says so.
    #[schema(min_length = 1, max_length = 64)]
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// What was taken, and is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GatewayTaken {
    pub id: String,
    /// It was there before: the same owner's for the same capacity, or said or ended already.
    pub repeated: bool,
    /// Of a gateway that people scale: text for them, ready to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<String>,
}

/// One configured gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GatewayItem {
    pub name: String,
    #[schema(schema_with = names::gateway_kind)]
    pub kind: GatewayKind,
    /// Its id (`tgw-...`, `nat-...`); of a load balancer its ARN, of a quota `SERVICE/CODE`.
    pub resource: String,
    /// What capacity is counted in.
    #[schema(examples("LCU"))]
    pub unit: String,
    /// What it carries without being asked; 0: nobody has said.
    pub declared: u32,
    /// What it carries now: what is declared, or what a request brought if that is more.
    pub capacity: u32,
    /// Of that, so much may be planned: 80 %.
    pub may_be_planned: f64,
    /// What its groups plan to send through it.
    pub planned: f64,
    /// The groups that depend on it.
    pub gates: Vec<GateItem>,
    /// Id of its request that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// Reserved capacity in one zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GatewayZone {
    pub zone: String,
    /// In effect there now.
    pub units: f64,
    #[schema(schema_with = names::zone_state)]
    pub state: ZoneState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GatewayRequestItem {
    pub id: String,
    pub gateway: String,
    #[schema(schema_with = names::gateway_kind)]
    pub kind: GatewayKind,
    /// As configured when it was asked for.
    pub resource: String,
    pub unit: String,
    /// The whole capacity that it is to have.
    pub wanted: u32,
    /// Of that, so much is there.
    pub in_effect: u32,
    #[schema(schema_with = names::gateway_state)]
    pub state: GatewayState,
    pub owner: String,
    pub reason: String,
    pub asked_at: Stamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Stamp>,
    pub until: Stamp,
    /// Seconds until then.
    pub left_s: u64,
    /// It was not there by the time that it was needed.
    pub late: bool,
    /// When it was said that nobody has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarmed_at: Option<Stamp>,
    /// When AWS or people were asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Stamp>,
    /// What was reserved before, and is restored at its end. Of a quota or a NAT gateway: what it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// AWS's own name for what is followed: of a quota, the id of its increase; of a NAT gateway, the allocations
    /// that are added to it, with commas; of a transit gateway, the id of its support case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Where that case stands, in AWS's words; or the code of the error for which there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_state: Option<String>,
    /// Times that people were reminded.
    pub reminders: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = names::gateway_end)]
    pub end: Option<GatewayEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// What the last call about it failed with, or what people said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Of a load balancer: zone by zone, as last seen.
    pub zones: Vec<GatewayZone>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// Of a gateway that people scale, while it is not over: text for them, ready to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<String>,
}

/// All configured gateways, and their requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Gateways {
    pub gateways: Vec<GatewayItem>,
    /// The last ones that are over, and all that are not, oldest first.
    pub requests: Vec<GatewayRequestItem>,
    /// Overrides of gates in force, oldest first.
    #[serde(default)]
    pub overrides: Vec<OverrideItem>,
}

/// One request and its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GatewayRequestHistory {
    pub request: GatewayRequestItem,
    /// What happened, oldest first; at most 1,000 lines.
    pub journal: Vec<JournalLine>,
}

/// Thousandths of a unit as units.
#[allow(clippy::cast_precision_loss)] // thousandths of at most ten million units, and some
fn units(milli: u64) -> f64 {
    milli as f64 / 1_000.0
}

impl GatewayItem {
    #[must_use]
    pub fn of(view: &GatewayView) -> GatewayItem {
        GatewayItem {
            name: view.name.clone(),
            kind: view.kind,
            resource: view.resource.clone(),
            unit: view.unit.clone(),
            declared: view.declared,
            capacity: view.capacity,
            may_be_planned: units(view.load.may()),
            planned: units(view.load.planned),
            gates: view.gates.iter().map(GateItem::of).collect(),
            request: view.request.clone(),
        }
    }
}

impl GatewayRequestItem {
    #[must_use]
    pub fn of(view: &GatewayRequestView, now: Time) -> GatewayRequestItem {
        let zone = |z: &ZoneCapacity| GatewayZone {
            zone: z.zone.clone(),
            units: z.units,
            state: z.state,
            reason: z.reason.clone(),
        };
        GatewayRequestItem {
            zones: view.zones.iter().map(zone).collect(),
            waits: view.waits.clone(),
            ..GatewayRequestItem::of_row(&view.row, now)
        }
    }

    /// One of which only the row is known.
    #[must_use]
    pub fn of_row(row: &GatewayRow, now: Time) -> GatewayRequestItem {
        GatewayRequestItem {
            id: row.id.clone(),
            gateway: row.gateway.clone(),
            kind: row.kind,
            resource: row.resource.clone(),
            unit: row.unit.clone(),
            wanted: row.wanted,
            in_effect: row.in_effect,
            state: row.state,
            owner: row.owner.clone(),
            reason: row.reason.clone(),
            asked_at: Stamp(row.asked_at),
            by: row.needed_by.map(Stamp),
            until: Stamp(row.until),
            left_s: if row.ended_at.is_some() { 0 } else { row.until.since(now).as_secs() },
            late: row.late,
            alarmed_at: row.alarmed_at.map(Stamp),
            submitted_at: row.submitted_at.map(Stamp),
            before: row.before,
            confirmed_by: row.confirmed_by.clone(),
            reference: row.reference.clone(),
            reference_state: row.reference_state.clone(),
            reminders: row.reminders,
            ended_at: row.ended_at.map(Stamp),
            end: row.end,
            ended_by: row.ended_by.clone(),
            note: row.note.clone(),
            zones: Vec::new(),
            waits: None,
            letter: letter_of(row),
        }
    }
}

/// The text for people, where people are asked.
#[must_use]
pub fn letter_of(row: &GatewayRow) -> Option<String> {
    (row.kind.is_of_people() && row.state.is_active()).then(|| letter(row))
}
