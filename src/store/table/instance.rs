//! Instances: one row for each attempt at a slot.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::InstanceRow;
use crate::decide::words::{Ec2Id, InstanceRef, LaunchSeq, Phase, ScaleUpSeq, SlotId, Time};
use crate::store::Pools;
use crate::store::engine::Engine;
use crate::store::query::Query;

/// Which instances to list. What is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    pub scale_up: Option<ScaleUpSeq>,
    pub group: Option<String>,
    pub phase: Option<Phase>,
    /// EC2's id. Found by looking through the table, 7 ms for 100,000 rows: an index would be written
    /// anew with every change of a row, and measured, that halved the rate of commits.
    pub id: Option<Ec2Id>,
}

impl Table for InstanceRow {
    const NAME: &'static str = "instance";
    const COLUMNS: &'static [&'static str] =
        &["slot", "attempt", "group_name", "phase", "since", "launch", "id", "address", "zone", "reason"];
    const KEY: &'static [&'static str] = &["slot", "attempt"];
    const KEPT: &'static [&'static str] = &["reason"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.instance.cmp(&other.instance)
    }

    fn keep_from(&mut self, older: &Self) {
        if self.reason.is_none() {
            self.reason.clone_from(&older.reason);
        }
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.int(Some(self.instance.slot.to_i64()))?;
        to.number(self.instance.attempt)?;
        to.text(Some(&self.group))?;
        to.text(Some(self.phase.as_str()))?;
        to.int(Some(self.since.0))?;
        to.int(self.launch.map(|l| i64::try_from(l.0).unwrap_or(i64::MAX)))?;
        to.text(self.id.as_ref().map(Ec2Id::as_str))?;
        to.text(self.address.map(|a| a.to_string()).as_deref())?;
        to.text(self.zone.as_deref())?;
        to.text(self.reason.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(InstanceRow {
            instance: InstanceRef { slot: from.slot()?, attempt: from.number()? },
            group: from.string()?,
            phase: from.parsed()?,
            since: Time(from.int()?),
            launch: from.number_or_none()?.map(LaunchSeq),
            id: from.parsed_or_none()?,
            address: from.parsed_or_none()?,
            zone: from.string_or_none()?,
            reason: from.string_or_none()?,
        })
    }
}

/// The slots of a scale-up, as the database numbers them.
pub(in crate::store) fn slots(scale_up: ScaleUpSeq) -> RangeInclusive<i64> {
    let slot = |ordinal| SlotId { scale_up, ordinal }.to_i64();
    slot(0)..=slot(u32::MAX)
}

/// By slot and attempt, those behind `after`.
pub(in crate::store) async fn list<E: Engine>(
    pools: &Pools<E>,
    filter: &InstanceFilter,
    after: Option<InstanceRef>,
    limit: u32,
) -> Result<Vec<InstanceRow>, StoreError> {
    let mut query = Query::<E>::of::<InstanceRow>();
    if let Some(scale_up) = filter.scale_up {
        let slots = slots(scale_up);
        query = query.int("AND slot >=", *slots.start())?.int("AND slot <=", *slots.end())?;
    }
    if let Some(group) = &filter.group {
        query = query.text("AND group_name =", group)?;
    }
    if let Some(phase) = filter.phase {
        query = query.text("AND phase =", phase.as_str())?;
    }
    if let Some(id) = &filter.id {
        query = query.text("AND id =", id.as_str())?;
    }
    if let Some(after) = after {
        query = query.int("AND (slot, attempt) > (", after.slot.to_i64())?;
        query = query.int(",", after.attempt.into())?.sql(")");
    }
    query.int("ORDER BY slot, attempt LIMIT", limit.into())?.all(&mut *pools.reader().await?).await
}

/// Every attempt at a slot, first to last.
pub(in crate::store) async fn attempts<E: Engine>(
    pools: &Pools<E>,
    slot: SlotId,
) -> Result<Vec<InstanceRow>, StoreError> {
    Query::<E>::of::<InstanceRow>()
        .int("AND slot =", slot.to_i64())?
        .sql("ORDER BY attempt")
        .all(&mut *pools.reader().await?)
        .await
}
