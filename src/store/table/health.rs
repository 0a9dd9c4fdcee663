//! Auto Scaling groups whose health replacement is muster's.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::HealthRow;
use crate::decide::words::Time;

impl Table for HealthRow {
    const NAME: &'static str = "health_care";
    const COLUMNS: &'static [&'static str] = &["group_name", "asg", "suspended_at", "resumed_at"];
    const KEY: &'static [&'static str] = &["group_name"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.group.cmp(&other.group)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.group))?;
        to.text(Some(&self.asg))?;
        to.int(Some(self.suspended_at.0))?;
        to.int(self.resumed_at.map(|t| t.0))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(HealthRow {
            group: from.string()?,
            asg: from.string()?,
            suspended_at: Time(from.int()?),
            resumed_at: from.int_or_none()?.map(Time),
        })
    }
}
