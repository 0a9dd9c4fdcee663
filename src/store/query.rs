//! Queries put together from fixed pieces of SQL and bound values.

use futures_util::TryStreamExt;
use sqlx::{Arguments, AssertSqlSafe, SqlSafeStr};

use super::engine::{Bind, Engine};
use super::error::StoreError;
use super::packed::Packed;
use super::table::{Reader, Table};

/// A query under construction.
///
/// Its text consists of `'static` pieces and placeholders only, so no value can become SQL; that is
/// the promise behind the one `AssertSqlSafe` below. Filters that are not asked for are left out of
/// the text, which keeps each variant's plan on its own index.
pub(super) struct Query<E: Engine> {
    text: String,
    arguments: E::Arguments,
}

impl<E: Engine> Query<E> {
    /// `SELECT` of all columns of a table, with a condition that further ones can be added to.
    pub fn of<T: Table>() -> Query<E> {
        let mut query = Query { text: String::from("SELECT "), arguments: E::Arguments::default() };
        for (i, column) in T::COLUMNS.iter().enumerate() {
            query.text.push_str(if i == 0 { "" } else { ", " });
            query.text.push_str(column);
        }
        query.text.push_str(" FROM ");
        query.text.push_str(T::NAME);
        query.text.push_str(" WHERE TRUE");
        query
    }

    /// The same, each row as one text for [`Query::unpacked`].
    pub fn packed<T: Table>() -> Query<E> {
        let text = format!(
            "SELECT CAST({}({}) AS TEXT) FROM {} WHERE TRUE",
            E::JSON_ARRAY,
            T::COLUMNS.join(", "),
            T::NAME
        );
        Query { text, arguments: E::Arguments::default() }
    }

    /// Every row of a query that began with [`Query::packed`].
    pub async fn unpacked<T: Table>(self, connection: &mut E::Connection) -> Result<Vec<T>, StoreError> {
        self.rows(connection, |row| {
            let text = Reader::over(T::NAME, &["(all)"], row).text()?;
            let cells: Packed<'_> = serde_json::from_str(text).map_err(|e| StoreError::Unreadable {
                table: T::NAME,
                column: "(all)",
                value: text.to_string(),
                problem: e.to_string(),
            })?;
            T::read(&mut Reader::new::<T>(&cells, 0))
        })
        .await
    }

    /// Any other query.
    pub fn new(sql: &'static str) -> Query<E> {
        Query { text: sql.to_string(), arguments: E::Arguments::default() }
    }

    pub fn sql(mut self, piece: &'static str) -> Self {
        self.text.push(' ');
        self.text.push_str(piece);
        self
    }

    /// `piece` followed by a value.
    pub fn int(self, piece: &'static str, value: i64) -> Result<Self, StoreError> {
        self.bound(piece, |a| a.int(Some(value)))
    }

    /// `piece` followed by a value.
    pub fn text(self, piece: &'static str, value: &str) -> Result<Self, StoreError> {
        self.bound(piece, |a| a.text(Some(value)))
    }

    fn bound(
        mut self,
        piece: &'static str,
        bind: impl FnOnce(&mut E::Arguments) -> Result<(), sqlx::Error>,
    ) -> Result<Self, StoreError> {
        self = self.sql(piece);
        self.text.push(' ');
        bind(&mut self.arguments).map_err(StoreError::of::<E>)?;
        E::placeholder(&mut self.text, self.arguments.len());
        Ok(self)
    }

    /// Every row of the answer, as `read` understands it.
    pub async fn rows<T>(
        self,
        connection: &mut E::Connection,
        mut read: impl FnMut(&E::Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = E::fetch(connection, AssertSqlSafe(self.text).into_sql_str(), self.arguments);
        let mut answer = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(StoreError::of::<E>)? {
            answer.push(read(&row)?);
        }
        Ok(answer)
    }

    /// Every row of a query that began with [`Query::of`].
    pub async fn all<T: Table>(self, connection: &mut E::Connection) -> Result<Vec<T>, StoreError> {
        self.rows(connection, |row| T::read(&mut Reader::new::<T>(row, 0))).await
    }
}
