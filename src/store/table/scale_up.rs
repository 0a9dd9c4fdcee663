//! Scale-ups.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::ScaleUpRow;
use crate::decide::words::{ScaleUpSeq, ScaleUpState, Time};
use crate::store::Pools;
use crate::store::engine::Engine;
use crate::store::query::Query;

/// Which scale-ups to list. What is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScaleUpFilter {
    pub state: Option<ScaleUpState>,
    pub group: Option<String>,
}

impl Table for ScaleUpRow {
    const NAME: &'static str = "scale_up";
    const COLUMNS: &'static [&'static str] = &[
        "seq",
        "id",
        "group_name",
        "wanted",
        "planned",
        "due_at",
        "reason",
        "idempotency_key",
        "state",
        "accepted_at",
        "done_at",
        "in_service",
        "withdrawn",
        "eta_ms",
        "cancel_reason",
        "origin",
    ];
    const KEY: &'static [&'static str] = &["seq"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.seq.cmp(&other.seq)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.number(self.seq.0)?;
        to.text(Some(&self.id))?;
        to.text(Some(&self.group))?;
        to.number(self.wanted)?;
        to.number(self.planned)?;
        to.int(self.by.map(|t| t.0))?;
        to.text(Some(&self.reason))?;
        to.text(self.idempotency_key.as_deref())?;
        to.text(Some(self.state.as_str()))?;
        to.int(Some(self.accepted_at.0))?;
        to.int(self.done_at.map(|t| t.0))?;
        to.number(self.in_service)?;
        to.number(self.withdrawn)?;
        to.int(Some(self.eta_ms))?;
        to.text(self.cancel_reason.as_deref())?;
        to.text(Some(self.origin.as_str()))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(ScaleUpRow {
            seq: ScaleUpSeq(from.number()?),
            id: from.string()?,
            group: from.string()?,
            wanted: from.number()?,
            planned: from.number()?,
            by: from.int_or_none()?.map(Time),
            reason: from.string()?,
            idempotency_key: from.string_or_none()?,
            state: from.parsed()?,
            accepted_at: Time(from.int()?),
            done_at: from.int_or_none()?.map(Time),
            in_service: from.number()?,
            withdrawn: from.number()?,
            eta_ms: from.int()?,
            cancel_reason: from.string_or_none()?,
            origin: from.parsed()?,
        })
    }
}

/// The scale-up with this public id.
pub(in crate::store) async fn by_id<E: Engine>(
    pools: &Pools<E>,
    id: &str,
) -> Result<Option<ScaleUpRow>, StoreError> {
    let rows = Query::<E>::of::<ScaleUpRow>()
        .text("AND id =", id)?
        .all::<ScaleUpRow>(&mut *pools.reader().await?)
        .await?;
    Ok(rows.into_iter().next())
}

/// Newest first, those older than `before`.
pub(in crate::store) async fn list<E: Engine>(
    pools: &Pools<E>,
    filter: &ScaleUpFilter,
    before: Option<ScaleUpSeq>,
    limit: u32,
) -> Result<Vec<ScaleUpRow>, StoreError> {
    let mut query = Query::<E>::of::<ScaleUpRow>();
    if let Some(state) = filter.state {
        query = query.text("AND state =", state.as_str())?;
    }
    if let Some(group) = &filter.group {
        query = query.text("AND group_name =", group)?;
    }
    if let Some(before) = before {
        query = query.int("AND seq <", before.0.into())?;
    }
    query.int("ORDER BY seq DESC LIMIT", limit.into())?.all(&mut *pools.reader().await?).await
}
