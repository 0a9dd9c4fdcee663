//! Gateway requests that are made by the calendar.

use std::cmp::Ordering;
use std::time::Duration;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::gateway::calendar::words::ScheduleRow;
use crate::decide::words::Time;

impl Table for ScheduleRow {
    const NAME: &'static str = "gateway_schedule";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "gateway",
        "capacity",
        "cron",
        "zone",
        "except_dates",
        "lead_ms",
        "release_ms",
        "missed_rule",
        "owner",
        "reason",
        "added_at",
        "through_at",
        "waiting_at",
        "last_at",
        "request",
        "asked",
        "passed",
        "note",
        "removed_at",
        "removed_by",
    ];
    const KEY: &'static [&'static str] = &["id"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.id.cmp(&other.id)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        to.text(Some(&self.id))?;
        to.text(Some(&self.name))?;
        to.text(Some(&self.gateway))?;
        to.number(self.capacity)?;
        to.text(Some(&self.cron))?;
        to.text(Some(&self.zone))?;
        to.text(Some(&self.except.join(",")))?;
        to.int(Some(ms(self.lead)))?;
        to.int(Some(ms(self.release_after)))?;
        to.text(Some(self.missed.as_str()))?;
        to.text(Some(&self.owner))?;
        to.text(Some(&self.reason))?;
        to.int(Some(self.added_at.0))?;
        to.int(Some(self.through.0))?;
        to.int(self.waiting.map(|t| t.0))?;
        to.int(self.last.map(|t| t.0))?;
        to.text(self.request.as_deref())?;
        to.number(self.asked)?;
        to.number(self.passed)?;
        to.text(self.note.as_deref())?;
        to.int(self.removed_at.map(|t| t.0))?;
        to.text(self.removed_by.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(ScheduleRow {
            id: from.string()?,
            name: from.string()?,
            gateway: from.string()?,
            capacity: from.number()?,
            cron: from.string()?,
            zone: from.string()?,
            except: from.text()?.split(',').filter(|date| !date.is_empty()).map(str::to_string).collect(),
            lead: Duration::from_millis(from.number()?),
            release_after: Duration::from_millis(from.number()?),
            missed: from.parsed()?,
            owner: from.string()?,
            reason: from.string()?,
            added_at: Time(from.int()?),
            through: Time(from.int()?),
            waiting: from.int_or_none()?.map(Time),
            last: from.int_or_none()?.map(Time),
            request: from.string_or_none()?,
            asked: from.number()?,
            passed: from.number()?,
            note: from.string_or_none()?,
            removed_at: from.int_or_none()?.map(Time),
            removed_by: from.string_or_none()?,
        })
    }
}

/// At most a season, as the core has checked.
fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
