//! Auto Scaling groups that are halted.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::HaltRow;
use crate::decide::words::Time;

impl Table for HaltRow {
    const NAME: &'static str = "halt";
    const COLUMNS: &'static [&'static str] =
        &["group_name", "asg", "since", "suspended", "put_off", "setting_from", "setting_to", "ended_at"];
    const KEY: &'static [&'static str] = &["group_name"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.group.cmp(&other.group)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.group))?;
        to.text(Some(&self.asg))?;
        to.int(Some(self.since.0))?;
        to.number(u32::from(self.suspended))?;
        to.number(self.put_off)?;
        to.int(self.setting.map(|(from, _)| from.into()))?;
        to.int(self.setting.map(|(_, to)| to.into()))?;
        to.int(self.ended_at.map(|t| t.0))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(HaltRow {
            group: from.string()?,
            asg: from.string()?,
            since: Time(from.int()?),
            suspended: from.int()? != 0,
            put_off: from.number()?,
            setting: from.number_or_none()?.zip(from.number_or_none()?),
            ended_at: from.int_or_none()?.map(Time),
        })
    }
}
