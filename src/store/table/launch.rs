//! Launches.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::LaunchRow;
use crate::decide::words::{ErrorClass, LaunchSeq, LaunchState, Time};
use crate::store::Pools;
use crate::store::engine::Engine;
use crate::store::query::Query;

impl Table for LaunchRow {
    const NAME: &'static str = "launch";
    const COLUMNS: &'static [&'static str] = &[
        "seq",
        "group_name",
        "version",
        "token",
        "body",
        "count",
        "state",
        "sends",
        "created_at",
        "not_before",
        "settled_at",
        "launched",
        "error_class",
        "error",
    ];
    const KEY: &'static [&'static str] = &["seq"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.seq.cmp(&other.seq)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.number(self.seq.0)?;
        to.text(Some(&self.group))?;
        to.text(Some(&self.version))?;
        to.text(Some(&self.token))?;
        to.text(Some(&self.body))?;
        to.number(self.count)?;
        to.text(Some(self.state.as_str()))?;
        to.number(self.sends)?;
        to.int(Some(self.created_at.0))?;
        to.int(Some(self.not_before.0))?;
        to.int(self.settled_at.map(|t| t.0))?;
        to.number(self.launched)?;
        to.text(self.error_class.map(ErrorClass::as_str))?;
        to.text(self.error.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(LaunchRow {
            seq: LaunchSeq(from.number()?),
            group: from.string()?,
            version: from.string()?,
            token: from.string()?,
            body: from.string()?,
            count: from.number()?,
            state: from.parsed()?,
            sends: from.number()?,
            created_at: Time(from.int()?),
            not_before: Time(from.int()?),
            settled_at: from.int_or_none()?.map(Time),
            launched: from.number()?,
            error_class: from.parsed_or_none()?,
            error: from.string_or_none()?,
        })
    }
}

/// Newest first.
pub(in crate::store) async fn list<E: Engine>(
    pools: &Pools<E>,
    state: Option<LaunchState>,
    limit: u32,
) -> Result<Vec<LaunchRow>, StoreError> {
    let mut query = Query::<E>::of::<LaunchRow>();
    if let Some(state) = state {
        query = query.text("AND state =", state.as_str())?;
    }
    query.int("ORDER BY seq DESC LIMIT", limit.into())?.all(&mut *pools.reader().await?).await
}
