//! Token buckets.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::BudgetRow;

impl Table for BudgetRow {
    const NAME: &'static str = "budget";
    const COLUMNS: &'static [&'static str] = &["name", "full_at_ns"];
    const KEY: &'static [&'static str] = &["name"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.name))?;
        to.int(Some(self.full_at_ns))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(BudgetRow { name: from.string()?, full_at_ns: from.int()? })
    }
}
