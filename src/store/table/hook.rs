//! Lifecycle actions of Auto Scaling groups.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::hook::notice::{HookResult, HookState, Place};
use crate::decide::rows::HookRow;
use crate::decide::words::{Ec2Id, HookSeq, InstanceRef, Time};
use crate::store::Pools;
use crate::store::engine::Engine;
use crate::store::query::Query;

/// Which lifecycle actions to list. What is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookFilter {
    pub state: Option<HookState>,
    /// Ours, not the Auto Scaling group's.
    pub group: Option<String>,
    /// EC2's id. Found by looking through the table, as for instances.
    pub id: Option<Ec2Id>,
}

impl Table for HookRow {
    const NAME: &'static str = "lifecycle_action";
    const COLUMNS: &'static [&'static str] = &[
        "seq",
        "group_name",
        "asg",
        "hook",
        "token",
        "transition",
        "id",
        "origin",
        "destination",
        "slot",
        "attempt",
        "state",
        "result",
        "noticed_at",
        "expires_at",
        "ends_at",
        "completions",
        "heartbeats",
        "done_at",
        "error",
    ];
    const KEY: &'static [&'static str] = &["seq"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.seq.cmp(&other.seq)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.number(self.seq.0)?;
        to.text(Some(&self.group))?;
        to.text(Some(&self.asg))?;
        to.text(Some(&self.hook))?;
        to.text(self.token.as_deref())?;
        to.text(Some(self.transition.as_str()))?;
        to.text(Some(self.id.as_str()))?;
        to.text(self.origin.map(Place::as_str))?;
        to.text(self.destination.map(Place::as_str))?;
        to.int(self.instance.map(|i| i.slot.to_i64()))?;
        to.int(self.instance.map(|i| i.attempt.into()))?;
        to.text(Some(self.state.as_str()))?;
        to.text(self.result.map(HookResult::as_str))?;
        to.int(Some(self.noticed_at.0))?;
        to.int(Some(self.expires_at.0))?;
        to.int(Some(self.ends_at.0))?;
        to.number(self.completions)?;
        to.number(self.heartbeats)?;
        to.int(self.done_at.map(|t| t.0))?;
        to.text(self.error.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(HookRow {
            seq: HookSeq(from.number()?),
            group: from.string()?,
            asg: from.string()?,
            hook: from.string()?,
            token: from.string_or_none()?,
            transition: from.parsed()?,
            id: from.parsed()?,
            origin: from.parsed_or_none()?,
            destination: from.parsed_or_none()?,
            instance: {
                let slot = from.slot_or_none()?;
                let attempt = from.number_or_none()?;
                slot.zip(attempt).map(|(slot, attempt)| InstanceRef { slot, attempt })
            },
            state: from.parsed()?,
            result: from.parsed_or_none()?,
            noticed_at: Time(from.int()?),
            expires_at: Time(from.int()?),
            ends_at: Time(from.int()?),
            completions: from.number()?,
            heartbeats: from.number()?,
            done_at: from.int_or_none()?.map(Time),
            error: from.string_or_none()?,
        })
    }
}

/// By number, those behind `after`.
pub(in crate::store) async fn list<E: Engine>(
    pools: &Pools<E>,
    filter: &HookFilter,
    after: Option<HookSeq>,
    limit: u32,
) -> Result<Vec<HookRow>, StoreError> {
    let mut query = Query::<E>::of::<HookRow>();
    if let Some(state) = filter.state {
        // The very words of the index's condition, or it would not be used.
        query = match state {
            HookState::Open => query.sql("AND state = 'open'"),
            HookState::Answered | HookState::Over | HookState::Expired => {
                query.text("AND state =", state.as_str())?
            }
        };
    }
    if let Some(group) = &filter.group {
        query = query.text("AND group_name =", group)?;
    }
    if let Some(id) = &filter.id {
        query = query.text("AND id =", id.as_str())?;
    }
    if let Some(after) = after {
        query = query.int("AND seq >", i64::try_from(after.0).unwrap_or(i64::MAX))?;
    }
    query.int("ORDER BY seq LIMIT", limit.into())?.all(&mut *pools.reader().await?).await
}
