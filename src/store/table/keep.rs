//! What is marked at AWS for holds and freezes.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::guard::lease::KeepRow;
use crate::decide::words::Time;

impl Table for KeepRow {
    const NAME: &'static str = "kept_mark";
    const COLUMNS: &'static [&'static str] =
        &["subject", "marking", "asg", "was_set", "state", "since", "error"];
    const KEY: &'static [&'static str] = &["subject", "marking"];

    fn by_key(&self, other: &Self) -> Ordering {
        let key = |row: &KeepRow| (row.subject.clone(), row.marking.as_str());
        key(self).cmp(&key(other))
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.subject))?;
        to.text(Some(self.marking.as_str()))?;
        to.text(self.asg.as_deref())?;
        to.int(self.before.map(i64::from))?;
        to.text(Some(self.state.as_str()))?;
        to.int(Some(self.since.0))?;
        to.text(self.error.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(KeepRow {
            subject: from.string()?,
            marking: from.parsed()?,
            asg: from.string_or_none()?,
            before: from.int_or_none()?.map(|set| set != 0),
            state: from.parsed()?,
            since: Time(from.int()?),
            error: from.string_or_none()?,
        })
    }
}
