//! What is ordered of zones' weights.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::ZoneRow;
use crate::decide::words::Time;

impl Table for ZoneRow {
    const NAME: &'static str = "zone_weight";
    const COLUMNS: &'static [&'static str] = &["group_name", "zone", "percent", "reason", "at"];
    const KEY: &'static [&'static str] = &["group_name", "zone"];

    fn by_key(&self, other: &Self) -> Ordering {
        (&self.group, &self.zone).cmp(&(&other.group, &other.zone))
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.group))?;
        to.text(Some(&self.zone))?;
        to.int(self.percent.map(i64::from))?;
        to.text(Some(&self.reason))?;
        to.int(Some(self.at.0))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(ZoneRow {
            group: from.string()?,
            zone: from.string()?,
            percent: from.number_or_none()?,
            reason: from.string()?,
            at: Time(from.int()?),
        })
    }
}
