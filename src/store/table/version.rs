//! What is known of launch versions.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::VersionRow;
use crate::decide::words::Time;

impl Table for VersionRow {
    const NAME: &'static str = "version";
    const COLUMNS: &'static [&'static str] = &["group_name", "version", "proven_at", "open_until", "opened"];
    const KEY: &'static [&'static str] = &["group_name", "version"];

    fn by_key(&self, other: &Self) -> Ordering {
        (&self.group, &self.version).cmp(&(&other.group, &other.version))
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.group))?;
        to.text(Some(&self.version))?;
        to.int(self.proven_at.map(|t| t.0))?;
        to.int(self.open_until.map(|t| t.0))?;
        to.number(self.opened)
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(VersionRow {
            group: from.string()?,
            version: from.string()?,
            proven_at: from.int_or_none()?.map(Time),
            open_until: from.int_or_none()?.map(Time),
            opened: from.number()?,
        })
    }
}
