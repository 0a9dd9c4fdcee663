//! How each of the core's rows lies in its table: columns, values and reads, one noun a file.

use std::cmp::Ordering;
use std::fmt::Display;
use std::str::FromStr;

pub(super) mod budget;
pub(super) mod fact;
pub(super) mod gate;
pub(super) mod gateway;
pub(super) mod halt;
pub(super) mod health;
pub(super) mod hook;
pub(super) mod instance;
pub(super) mod journal;
pub(super) mod keep;
pub(super) mod launch;
pub(super) mod lease;
pub(super) mod preflight;
pub(super) mod quarantine;
pub(super) mod removal;
pub(super) mod scale_in;
pub(super) mod scale_up;
pub(super) mod schedule;
pub(super) mod version;
pub(super) mod zone;

use super::engine::{Bind, Cells};
use super::error::StoreError;
use crate::decide::words::SlotId;

/// A row type and its table.
pub(super) trait Table: Clone + Send + Sync {
    const NAME: &'static str;
    /// In the order in which [`Table::bind`] gives and [`Table::read`] takes them.
    const COLUMNS: &'static [&'static str];
    /// The columns that tell two rows apart. None: rows are only ever added.
    const KEY: &'static [&'static str];
    /// Columns that keep their value where a newer row has none.
    const KEPT: &'static [&'static str] = &[];

    /// Orders rows by their key.
    fn by_key(&self, other: &Self) -> Ordering;
    /// Takes over from an older row with the same key what [`Table::KEPT`] says.
    fn keep_from(&mut self, _older: &Self) {}
    fn bind(&self, to: &mut impl Bind) -> Result<(), sqlx::Error>;
    fn read(from: &mut Reader<'_, impl Cells>) -> Result<Self, StoreError>;
}

/// Reads a row's columns one after the other, naming the one that cannot be read.
pub(super) struct Reader<'r, R> {
    row: &'r R,
    table: &'static str,
    columns: &'static [&'static str],
    /// Place of the table's first column in the row.
    first: usize,
    next: usize,
}

impl<'r, R: Cells> Reader<'r, R> {
    pub fn new<T: Table>(row: &'r R, first: usize) -> Reader<'r, R> {
        Reader { row, table: T::NAME, columns: T::COLUMNS, first, next: 0 }
    }

    /// Columns that are not a whole row of a table.
    pub fn over(table: &'static str, columns: &'static [&'static str], row: &'r R) -> Reader<'r, R> {
        Reader { row, table, columns, first: 0, next: 0 }
    }

    pub fn int_or_none(&mut self) -> Result<Option<i64>, StoreError> {
        let value = self.row.int(self.first + self.next).map_err(|e| self.unreadable(&e))?;
        self.next += 1;
        Ok(value)
    }

    pub fn text_or_none(&mut self) -> Result<Option<&'r str>, StoreError> {
        let value = self.row.text(self.first + self.next).map_err(|e| self.unreadable(&e))?;
        self.next += 1;
        Ok(value)
    }

    pub fn int(&mut self) -> Result<i64, StoreError> {
        self.int_or_none()?.ok_or_else(|| self.missing())
    }

    pub fn text(&mut self) -> Result<&'r str, StoreError> {
        self.text_or_none()?.ok_or_else(|| self.missing())
    }

    pub fn string(&mut self) -> Result<String, StoreError> {
        self.text().map(str::to_string)
    }

    pub fn string_or_none(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.text_or_none()?.map(str::to_string))
    }

    /// A whole number of a narrower type.
    pub fn number<N: TryFrom<i64, Error: Display>>(&mut self) -> Result<N, StoreError> {
        let value = self.int()?;
        N::try_from(value).map_err(|e| self.wrong(&value, &e))
    }

    pub fn number_or_none<N: TryFrom<i64, Error: Display>>(&mut self) -> Result<Option<N>, StoreError> {
        self.int_or_none()?.map(|value| N::try_from(value).map_err(|e| self.wrong(&value, &e))).transpose()
    }

    pub fn slot_or_none(&mut self) -> Result<Option<SlotId>, StoreError> {
        match self.int_or_none()? {
            Some(value) if value < 0 => Err(self.wrong(&value, &"it must not be negative")),
            value => Ok(value.map(SlotId::from_i64)),
        }
    }

    pub fn slot(&mut self) -> Result<SlotId, StoreError> {
        self.slot_or_none()?.ok_or_else(|| self.missing())
    }

    /// Something that is written as text: an enum's fixed name, an address, an id.
    pub fn parsed<P: FromStr<Err: Display>>(&mut self) -> Result<P, StoreError> {
        let value = self.text()?;
        value.parse().map_err(|e| self.wrong(&value, &e))
    }

    pub fn parsed_or_none<P: FromStr<Err: Display>>(&mut self) -> Result<Option<P>, StoreError> {
        self.text_or_none()?.map(|value| value.parse().map_err(|e| self.wrong(&value, &e))).transpose()
    }

    fn missing(&self) -> StoreError {
        self.wrong(&"nothing", &"it must have a value")
    }

    /// The column that was just taken.
    fn wrong(&self, value: &impl Display, problem: &impl Display) -> StoreError {
        self.error(self.next.saturating_sub(1), value, problem)
    }

    /// The column that is being taken.
    fn unreadable(&self, problem: &impl Display) -> StoreError {
        self.error(self.next, &"something", problem)
    }

    fn error(&self, column: usize, value: &impl Display, problem: &impl Display) -> StoreError {
        StoreError::Unreadable {
            table: self.table,
            column: self.columns.get(column).copied().unwrap_or("?"),
            value: value.to_string(),
            problem: problem.to_string(),
        }
    }
}
