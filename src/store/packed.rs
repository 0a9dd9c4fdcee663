//! Rows that come as one JSON array each, for reading very many of them.
//!
//! sqlx copies every value of a `SQLite` row on its own, from one thread to another; for the ten columns
//! of an instance that is most of the time a restore takes. One text a row is several times cheaper,
//! the work of writing and reading JSON included.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::engine::Cells;

/// One row.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Packed<'a>(#[serde(borrow)] Vec<Cell<'a>>);

enum Cell<'a> {
    Nothing,
    Int(i64),
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Cell<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Cell<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, a text or null")
            }
            fn visit_unit<X>(self) -> Result<Cell<'de>, X> {
                Ok(Cell::Nothing)
            }
            fn visit_i64<X>(self, v: i64) -> Result<Cell<'de>, X> {
                Ok(Cell::Int(v))
            }
            fn visit_u64<X: serde::de::Error>(self, v: u64) -> Result<Cell<'de>, X> {
                i64::try_from(v).map(Cell::Int).map_err(X::custom)
            }
            fn visit_borrowed_str<X>(self, v: &'de str) -> Result<Cell<'de>, X> {
                Ok(Cell::Text(Cow::Borrowed(v)))
            }
            fn visit_str<X>(self, v: &str) -> Result<Cell<'de>, X> {
                Ok(Cell::Text(Cow::Owned(v.to_string())))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl Cells for Packed<'_> {
    fn int(&self, column: usize) -> Result<Option<i64>, sqlx::Error> {
        match self.0.get(column) {
            Some(Cell::Int(value)) => Ok(Some(*value)),
            Some(Cell::Nothing) => Ok(None),
            Some(Cell::Text(_)) | None => Err(sqlx::Error::Decode("not an integer".into())),
        }
    }

    fn text(&self, column: usize) -> Result<Option<&str>, sqlx::Error> {
        match self.0.get(column) {
            Some(Cell::Text(value)) => Ok(Some(value)),
            Some(Cell::Nothing) => Ok(None),
            Some(Cell::Int(_)) | None => Err(sqlx::Error::Decode("not a text".into())),
        }
    }
}
