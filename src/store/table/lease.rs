//! Holds, freezes and overrides of gates.

use std::cmp::Ordering;

use super::{Bind, Cells, Reader, StoreError, Table};
use crate::decide::gateway::gate::OverrideRow;
use crate::decide::guard::lease::{FreezeRow, HoldRow, Lease, LeaseEnd};
use crate::decide::words::{ScaleUpSeq, Time};

/// The columns of what all have, in the order of [`bind`], and then a kind's own.
macro_rules! leased {
    ($($own:literal),+) => {
        [
            "id", "owner", "reason", "asked_at", "until_at", "state", "in_force_at", "ended_at", "ending", "ended_by",
            "done_at", $($own),+
        ]
    };
}

impl Table for HoldRow {
    const NAME: &'static str = "instance_hold";
    const COLUMNS: &'static [&'static str] = &leased!["instance", "group_name", "way"];
    const KEY: &'static [&'static str] = &["id"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.lease.id.cmp(&other.lease.id)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        bind(&self.lease, to)?;
        to.text(Some(self.instance.as_str()))?;
        to.text(Some(&self.group))?;
        to.text(Some(self.way.as_str()))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(HoldRow {
            lease: read(from)?,
            instance: from.parsed()?,
            group: from.string()?,
            way: from.parsed()?,
        })
    }
}

impl Table for FreezeRow {
    const NAME: &'static str = "scale_in_freeze";
    const COLUMNS: &'static [&'static str] = &leased!["group_name"];
    const KEY: &'static [&'static str] = &["id"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.lease.id.cmp(&other.lease.id)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        bind(&self.lease, to)?;
        to.text(self.group.as_deref())
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(FreezeRow { lease: read(from)?, group: from.string_or_none()? })
    }
}

impl Table for OverrideRow {
    const NAME: &'static str = "gate_override";
    const COLUMNS: &'static [&'static str] = &leased!["group_name", "scale_up"];
    const KEY: &'static [&'static str] = &["id"];

    fn by_key(&self, other: &Self) -> Ordering {
        self.lease.id.cmp(&other.lease.id)
    }

    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error> {
        bind(&self.lease, to)?;
        to.text(Some(&self.group))?;
        to.int(self.scale_up.map(|seq| i64::from(seq.0)))
    }

    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError> {
        Ok(OverrideRow {
            lease: read(from)?,
            group: from.string()?,
            scale_up: from.number_or_none()?.map(ScaleUpSeq),
        })
    }
}

/// What all have, in the order of their columns.
fn bind(lease: &Lease, to: &mut impl Bind) -> Result<(), sqlx::Error> {
    to.text(Some(&lease.id))?;
    to.text(Some(&lease.owner))?;
    to.text(Some(&lease.reason))?;
    to.int(Some(lease.asked_at.0))?;
    to.int(Some(lease.until.0))?;
    to.text(Some(lease.state.as_str()))?;
    to.int(lease.in_force_at.map(|t| t.0))?;
    to.int(lease.ended_at.map(|t| t.0))?;
    to.text(lease.end.map(LeaseEnd::as_str))?;
    to.text(lease.ended_by.as_deref())?;
    to.int(lease.done_at.map(|t| t.0))
}

fn read(from: &mut Reader<'_, impl Cells>) -> Result<Lease, StoreError> {
    Ok(Lease {
        id: from.string()?,
        owner: from.string()?,
        reason: from.string()?,
        asked_at: Time(from.int()?),
        until: Time(from.int()?),
        state: from.parsed()?,
        in_force_at: from.int_or_none()?.map(Time),
        ended_at: from.int_or_none()?.map(Time),
        end: from.parsed_or_none()?,
        ended_by: from.string_or_none()?,
        done_at: from.int_or_none()?.map(Time),
    })
}
