//! The picture that requests are held against, one number a row.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::FactRow;
use crate::decide::words::Time;

impl Table for FactRow {
    const NAME: &'static str = "fact";
    const COLUMNS: &'static [&'static str] = &["subject", "value", "ours", "as_of", "seen_at", "is_default"];
    const KEY: &'static [&'static str] = &["subject"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.subject.cmp(&other.subject)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.subject))?;
        to.int(Some(self.value))?;
        to.number(self.ours)?;
        to.int(Some(self.as_of.0))?;
        to.int(Some(self.seen_at.0))?;
        to.number(u32::from(self.is_default))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(FactRow {
            subject: from.string()?,
            value: from.int()?,
            ours: from.number()?,
            as_of: Time(from.int()?),
            seen_at: Time(from.int()?),
            is_default: from.int()? != 0,
        })
    }
}
