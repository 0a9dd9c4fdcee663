//! Accepted scale-ins.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::ScaleInRow;
use crate::decide::words::Time;

impl Table for ScaleInRow {
    const NAME: &'static str = "scale_in";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "group_name",
        "wanted",
        "removed",
        "reason",
        "idempotency_key",
        "state",
        "asked_at",
        "done_at",
        "note",
    ];
    const KEY: &'static [&'static str] = &["id"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.id))?;
        to.text(Some(&self.group))?;
        to.number(self.count)?;
        to.number(self.removed)?;
        to.text(Some(&self.reason))?;
        to.text(self.idempotency_key.as_deref())?;
        to.text(Some(self.state.as_str()))?;
        to.int(Some(self.asked_at.0))?;
        to.int(self.done_at.map(|t| t.0))?;
        to.text(self.note.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(ScaleInRow {
            id: from.string()?,
            group: from.string()?,
            count: from.number()?,
            removed: from.number()?,
            reason: from.string()?,
            idempotency_key: from.string_or_none()?,
            state: from.parsed()?,
            asked_at: Time(from.int()?),
            done_at: from.int_or_none()?.map(Time),
            note: from.string_or_none()?,
        })
    }
}
