//! What the two engines have in common, so that every statement is written once.
//!
//! muster's tables hold 64-bit integers and text, either possibly absent, and its statements use
//! only what `SQLite` and `PostgreSQL` both understand (`ON CONFLICT ... DO UPDATE`, row values,
//! `RETURNING`). So the code above this file is generic over [`Engine`], and what differs (how to
//! begin, how to lock, what an error code means) is a handful of items there. The alternatives were
//! worse: every query written twice drifts apart, and sqlx's `Any` driver converts each value once
//! more.

use futures_util::stream::BoxStream;
use sqlx::{Arguments, Database, Decode, Encode, Row, SqlStr, Type};

use super::error::Trouble;
use super::text::storable;

/// One of the two databases.
pub(super) trait Engine: Database<Arguments: Bind, Row: Cells> {
    /// Begins a transaction that will write, and has the right to from its first statement on.
    const BEGIN_WRITE: &'static str;
    /// Begins a transaction whose reads all see one moment.
    const BEGIN_READ: &'static str;
    /// The function that makes one JSON array of its arguments.
    const JSON_ARRAY: &'static str;
    /// Goes behind a `SELECT` of the owner's row inside a writing transaction, so that nobody can
    /// take the ownership before this transaction ends.
    const LOCK_ROW: &'static str;
    /// How many rows one bulk statement carries: most first, ending with 1. Few sizes, so that the
    /// statements for all of them stay prepared.
    const BATCHES: &'static [usize];

    /// Writes the placeholder of a statement's value number `number`, counted from 1.
    fn placeholder(sql: &mut String, number: usize);

    /// What an error code of this engine means.
    fn trouble(code: &str) -> Trouble;

    /// Runs a statement; the number of rows it changed.
    fn execute(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a query; its rows as they come.
    fn fetch(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> BoxStream<'_, Result<Self::Row, sqlx::Error>>;
}

/// Takes the values of a statement, in the order of its placeholders.
pub(super) trait Bind {
    fn int(&mut self, value: Option<i64>) -> Result<(), sqlx::Error>;
    fn text(&mut self, value: Option<&str>) -> Result<(), sqlx::Error>;

    /// A number of muster's own. Nothing muster counts comes near 2^63; if it did, it would show as
    /// the largest number there is, not as a negative one.
    fn number(&mut self, value: impl TryInto<i64>) -> Result<(), sqlx::Error> {
        self.int(Some(value.try_into().unwrap_or(i64::MAX)))
    }
}

impl<A> Bind for A
where
    A: Arguments,
    for<'t> Option<i64>: Encode<'t, A::Database> + Type<A::Database>,
    for<'t> Option<&'t str>: Encode<'t, A::Database> + Type<A::Database>,
{
    fn int(&mut self, value: Option<i64>) -> Result<(), sqlx::Error> {
        self.add(value).map_err(sqlx::Error::Encode)
    }

    fn text(&mut self, value: Option<&str>) -> Result<(), sqlx::Error> {
        self.add(value.map(storable).as_deref()).map_err(sqlx::Error::Encode)
    }
}

/// Gives the values of a row, by the place of their column.
pub(super) trait Cells {
    fn int(&self, column: usize) -> Result<Option<i64>, sqlx::Error>;
    fn text(&self, column: usize) -> Result<Option<&str>, sqlx::Error>;
}

impl<R> Cells for R
where
    R: Row,
    usize: sqlx::ColumnIndex<R>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<&'r str>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn int(&self, column: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column)
    }

    fn text(&self, column: usize) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column)
    }
}
