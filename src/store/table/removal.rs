//! Instances in service that are taken out of it.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::rows::RemovalRow;
use crate::decide::words::{InstanceRef, ScaleUpSeq, Time};

impl Table for RemovalRow {
    const NAME: &'static str = "removal";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "group_name",
        "slot",
        "attempt",
        "cause",
        "scale_in",
        "scale_up",
        "evidence",
        "state",
        "decided_at",
        "done_at",
    ];
    const KEY: &'static [&'static str] = &["id"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(self.id.as_str()))?;
        to.text(Some(&self.group))?;
        to.int(self.instance.map(|i| i.slot.to_i64()))?;
        to.int(self.instance.map(|i| i.attempt.into()))?;
        to.text(Some(self.cause.as_str()))?;
        to.text(self.scale_in.as_deref())?;
        to.int(self.scale_up.map(|s| s.0.into()))?;
        to.text(Some(&self.evidence))?;
        to.text(Some(self.state.as_str()))?;
        to.int(Some(self.decided_at.0))?;
        to.int(self.done_at.map(|t| t.0))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(RemovalRow {
            id: from.parsed()?,
            group: from.string()?,
            instance: {
                let slot = from.slot_or_none()?;
                let attempt = from.number_or_none()?;
                slot.zip(attempt).map(|(slot, attempt)| InstanceRef { slot, attempt })
            },
            cause: from.parsed()?,
            scale_in: from.string_or_none()?,
            scale_up: from.number_or_none()?.map(ScaleUpSeq),
            evidence: from.string()?,
            state: from.parsed()?,
            decided_at: Time(from.int()?),
            done_at: from.int_or_none()?.map(Time),
        })
    }
}
