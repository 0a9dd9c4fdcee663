//! Instances that are kept out of service: broken ones, and the reserve.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::quarantine::words::{QuarantineEnd, QuarantineRow};
use crate::decide::words::{InstanceRef, LaunchSeq, Time};

impl Table for QuarantineRow {
    const NAME: &'static str = "quarantine";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "group_name",
        "slot",
        "attempt",
        "launch",
        "address",
        "zone",
        "broke_in",
        "reason",
        "how",
        "state",
        "since",
        "until_at",
        "kept_at",
        "tagged_at",
        "ended_at",
        "ending",
        "ended_by",
        "error",
        "purpose",
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
        to.int(self.launch.map(|l| i64::try_from(l.0).unwrap_or(i64::MAX)))?;
        to.text(self.address.map(|a| a.to_string()).as_deref())?;
        to.text(self.zone.as_deref())?;
        to.text(Some(self.broke_in.as_str()))?;
        to.text(Some(&self.reason))?;
        to.text(Some(self.how.as_str()))?;
        to.text(Some(self.state.as_str()))?;
        to.int(Some(self.since.0))?;
        to.int(Some(self.until.0))?;
        to.int(self.kept_at.map(|t| t.0))?;
        to.int(self.tagged_at.map(|t| t.0))?;
        to.int(self.ended_at.map(|t| t.0))?;
        to.text(self.end.map(QuarantineEnd::as_str))?;
        to.text(self.ended_by.as_deref())?;
        to.text(self.error.as_deref())?;
        to.text(Some(self.purpose.as_str()))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(QuarantineRow {
            id: from.parsed()?,
            group: from.string()?,
            instance: {
                let slot = from.slot_or_none()?;
                let attempt = from.number_or_none()?;
                slot.zip(attempt).map(|(slot, attempt)| InstanceRef { slot, attempt })
            },
            launch: from.number_or_none()?.map(LaunchSeq),
            address: from.parsed_or_none()?,
            zone: from.string_or_none()?,
            broke_in: from.parsed()?,
            reason: from.string()?,
            how: from.parsed()?,
            state: from.parsed()?,
            since: Time(from.int()?),
            until: Time(from.int()?),
            kept_at: from.int_or_none()?.map(Time),
            tagged_at: from.int_or_none()?.map(Time),
            ended_at: from.int_or_none()?.map(Time),
            end: from.parsed_or_none()?,
            ended_by: from.string_or_none()?,
            error: from.string_or_none()?,
            purpose: from.parsed()?,
        })
    }
}
