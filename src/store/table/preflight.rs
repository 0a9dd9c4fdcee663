//! What scale-ups were told when they were accepted.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::PreflightRow;
use crate::decide::words::ScaleUpSeq;
use crate::store::Pools;
use crate::store::engine::Engine;
use crate::store::query::Query;

impl Table for PreflightRow {
    const NAME: &'static str = "preflight";
    const COLUMNS: &'static [&'static str] = &["scale_up", "verdict"];
    const KEY: &'static [&'static str] = &["scale_up"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.scale_up.cmp(&other.scale_up)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.number(self.scale_up.0)?;
        to.text(Some(&self.verdict))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(PreflightRow { scale_up: ScaleUpSeq(from.number()?), verdict: from.string()? })
    }
}

/// Of this scale-up; none if it was accepted before there was any, or by nobody's asking.
pub(in crate::store) async fn of<E: Engine>(
    pools: &Pools<E>,
    scale_up: ScaleUpSeq,
) -> Result<Option<PreflightRow>, StoreError> {
    let rows = Query::<E>::of::<PreflightRow>()
        .int("AND scale_up =", scale_up.0.into())?
        .all::<PreflightRow>(&mut *pools.reader().await?)
        .await?;
    Ok(rows.into_iter().next())
}
