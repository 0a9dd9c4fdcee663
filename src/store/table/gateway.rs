//! Requests that a gateway be scaled ahead of time.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::gateway::words::{GatewayEnd, GatewayRow};
use crate::decide::words::Time;
use crate::store::Pools;
use crate::store::engine::Engine;
use crate::store::query::Query;

impl Table for GatewayRow {
    const NAME: &'static str = "gateway_request";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "gateway",
        "kind",
        "resource",
        "unit",
        "wanted",
        "needed_by",
        "until_at",
        "reason",
        "owner",
        "state",
        "since",
        "asked_at",
        "submitted_at",
        "units_before",
        "in_effect",
        "confirmed_by",
        "reference",
        "reference_state",
        "calls",
        "unanswered",
        "reminders",
        "reminded_at",
        "late",
        "alarmed_at",
        "ended_at",
        "ending",
        "ended_by",
        "note",
    ];
    const KEY: &'static [&'static str] = &["id"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.id))?;
        to.text(Some(&self.gateway))?;
        to.text(Some(self.kind.as_str()))?;
        to.text(Some(&self.resource))?;
        to.text(Some(&self.unit))?;
        to.number(self.wanted)?;
        to.int(self.needed_by.map(|t| t.0))?;
        to.int(Some(self.until.0))?;
        to.text(Some(&self.reason))?;
        to.text(Some(&self.owner))?;
        to.text(Some(self.state.as_str()))?;
        to.int(Some(self.since.0))?;
        to.int(Some(self.asked_at.0))?;
        to.int(self.submitted_at.map(|t| t.0))?;
        to.int(self.before.map(i64::from))?;
        to.number(self.in_effect)?;
        to.text(self.confirmed_by.as_deref())?;
        to.text(self.reference.as_deref())?;
        to.text(self.reference_state.as_deref())?;
        to.number(self.calls)?;
        to.int(self.unanswered.map(|t| t.0))?;
        to.number(self.reminders)?;
        to.int(self.reminded_at.map(|t| t.0))?;
        to.number(u32::from(self.late))?;
        to.int(self.alarmed_at.map(|t| t.0))?;
        to.int(self.ended_at.map(|t| t.0))?;
        to.text(self.end.map(GatewayEnd::as_str))?;
        to.text(self.ended_by.as_deref())?;
        to.text(self.note.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(GatewayRow {
            id: from.string()?,
            gateway: from.string()?,
            kind: from.parsed()?,
            resource: from.string()?,
            unit: from.string()?,
            wanted: from.number()?,
            needed_by: from.int_or_none()?.map(Time),
            until: Time(from.int()?),
            reason: from.string()?,
            owner: from.string()?,
            state: from.parsed()?,
            since: Time(from.int()?),
            asked_at: Time(from.int()?),
            submitted_at: from.int_or_none()?.map(Time),
            before: from.number_or_none()?,
            in_effect: from.number()?,
            confirmed_by: from.string_or_none()?,
            reference: from.string_or_none()?,
            reference_state: from.string_or_none()?,
            calls: from.number()?,
            unanswered: from.int_or_none()?.map(Time),
            reminders: from.number()?,
            reminded_at: from.int_or_none()?.map(Time),
            late: from.int()? != 0,
            alarmed_at: from.int_or_none()?.map(Time),
            ended_at: from.int_or_none()?.map(Time),
            end: from.parsed_or_none()?,
            ended_by: from.string_or_none()?,
            note: from.string_or_none()?,
        })
    }
}

/// With this id, over or not.
pub(in crate::store) async fn by_id<E: Engine>(
    pools: &Pools<E>,
    id: &str,
) -> Result<Option<GatewayRow>, StoreError> {
    let query = Query::<E>::of::<GatewayRow>().text("AND id =", id)?;
    let rows: Vec<GatewayRow> = query.all(&mut *pools.reader().await?).await?;
    Ok(rows.into_iter().next())
}
