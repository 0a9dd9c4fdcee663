//! The journal: what happened, in the order in which it was committed.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::JournalRow;
use crate::decide::words::{InstanceRef, ScaleUpSeq, SlotId, Time};
use crate::store::Pools;
use crate::store::engine::Engine;
use crate::store::query::Query;

/// Which lines to list. What is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    pub scale_up: Option<ScaleUpSeq>,
    pub slot: Option<SlotId>,
    /// Id of a gateway request.
    pub gateway: Option<String>,
}

impl Table for JournalRow {
    const NAME: &'static str = "journal";
    /// The number, `seq`, is the database's to give.
    const COLUMNS: &'static [&'static str] =
        &["at", "scale_up", "slot", "attempt", "kind", "text", "gateway"];
    const KEY: &'static [&'static str] = &[];

    /// No key: no two lines are the same line, and the order they came in stays.
    fn by_key(&self, _other: &Self) -> Ordering {
        Ordering::Equal
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.int(Some(self.at.0))?;
        to.int(self.scale_up.map(|s| s.0.into()))?;
        to.int(self.instance.map(|i| i.slot.to_i64()))?;
        to.int(self.instance.map(|i| i.attempt.into()))?;
        to.text(Some(&self.kind))?;
        to.text(Some(&self.text))?;
        to.text(self.gateway.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        let at = Time(from.int()?);
        let scale_up = from.number_or_none()?.map(ScaleUpSeq);
        let slot = from.slot_or_none()?;
        let attempt = from.number_or_none()?;
        let instance = slot.zip(attempt).map(|(slot, attempt)| InstanceRef { slot, attempt });
        let (kind, text) = (from.string()?, from.string()?);
        Ok(JournalRow { at, scale_up, instance, gateway: from.string_or_none()?, kind, text })
    }
}

/// By number, those behind `after`.
pub(in crate::store) async fn list<E: Engine>(
    pools: &Pools<E>,
    filter: &JournalFilter,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, JournalRow)>, StoreError> {
    let mut query =
        Query::<E>::new("SELECT seq, at, scale_up, slot, attempt, kind, text, gateway FROM journal")
            .int("WHERE seq >", after)?;
    if let Some(scale_up) = filter.scale_up {
        query = query.int("AND scale_up =", scale_up.0.into())?;
    }
    if let Some(slot) = filter.slot {
        query = query.int("AND slot =", slot.to_i64())?;
    }
    if let Some(gateway) = &filter.gateway {
        query = query.text("AND gateway =", gateway)?;
    }
    query
        .int("ORDER BY seq LIMIT", limit.into())?
        .rows(&mut *pools.reader().await?, |row| {
            let seq = Reader::over(JournalRow::NAME, &["seq"], row).int()?;
            Ok((seq, JournalRow::read(&mut Reader::new::<JournalRow>(row, 1))?))
        })
        .await
}
