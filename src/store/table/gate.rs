//! Gates that are short.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::gateway::gate::GateRow;
use crate::decide::words::Time;

impl Table for GateRow {
    const NAME: &'static str = "gate";
    const COLUMNS: &'static [&'static str] =
        &["group_name", "gateway", "since", "filed", "alarmed_at", "ended_at"];
    const KEY: &'static [&'static str] = &["group_name", "gateway"];

    fn by_key(&self, other: &Self) -> Ordering {
        (&self.group, &self.gateway).cmp(&(&other.group, &other.gateway))
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.group))?;
        to.text(Some(&self.gateway))?;
        to.int(Some(self.since.0))?;
        to.number(self.filed)?;
        to.int(self.alarmed_at.map(|t| t.0))?;
        to.int(self.ended_at.map(|t| t.0))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(GateRow {
            group: from.string()?,
            gateway: from.string()?,
            since: Time(from.int()?),
            filed: from.number()?,
            alarmed_at: from.int_or_none()?.map(Time),
            ended_at: from.int_or_none()?.map(Time),
        })
    }
}
