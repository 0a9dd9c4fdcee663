//! Many rows in few statements.
//!
//! One statement a row would cost a round trip to `SQLite`'s thread or to the server for each, several
//! times what the row itself takes. So rows go out in statements of a few fixed sizes
//! ([`Engine::BATCHES`]), which stay prepared.

use std::borrow::Cow;
use std::cmp::Ordering;

use sqlx::{Arguments, AssertSqlSafe, SqlSafeStr};

use super::engine::Engine;
use super::error::StoreError;
use super::table::Table;

/// Inserts rows, or updates those whose key is there already.
///
/// The same key twice counts as written one after the other. They are made one row beforehand, since
/// `PostgreSQL` refuses to touch a row twice in one statement.
pub(super) async fn write<E: Engine, T: Table>(
    connection: &mut E::Connection,
    rows: &[T],
) -> Result<(), StoreError> {
    let rows = newest(rows);
    let mut rest = rows.as_slice();
    for size in E::BATCHES.iter().copied().filter(|size| *size > 0) {
        while let Some((batch, behind)) = rest.split_at_checked(size) {
            write_batch::<E, T>(connection, batch).await?;
            rest = behind;
        }
    }
    Ok(())
}

async fn write_batch<E: Engine, T: Table>(
    connection: &mut E::Connection,
    rows: &[Cow<'_, T>],
) -> Result<(), StoreError> {
    let mut arguments = E::Arguments::default();
    arguments.reserve(rows.len() * T::COLUMNS.len(), 0);
    for row in rows {
        row.bind(&mut arguments).map_err(StoreError::of::<E>)?;
    }
    // The text consists of the tables' constants and placeholders only.
    let sql = AssertSqlSafe(statement::<E, T>(rows.len())).into_sql_str();
    let changed = E::execute(connection, sql, arguments).await.map_err(StoreError::of::<E>)?;
    let wanted = rows.len() as u64;
    if changed == wanted { Ok(()) } else { Err(StoreError::Miscounted { table: T::NAME, changed, wanted }) }
}

fn statement<E: Engine, T: Table>(rows: usize) -> String {
    let columns = T::COLUMNS;
    let mut sql = format!("INSERT INTO {} ({}) VALUES ", T::NAME, columns.join(", "));
    // `($12, $13), ` or less for each row.
    sql.reserve(rows * (columns.len() * 8 + 4) + 512);
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns.len() {
            sql.push_str(if column == 0 { "" } else { ", " });
            E::placeholder(&mut sql, row * columns.len() + column + 1);
        }
        sql.push(')');
    }
    if T::KEY.is_empty() {
        return sql;
    }
    sql.push_str(" ON CONFLICT (");
    sql.push_str(&T::KEY.join(", "));
    sql.push_str(") DO UPDATE SET ");
    let changed: Vec<String> = columns
        .iter()
        .filter(|column| !T::KEY.contains(column))
        .map(|column| {
            if T::KEPT.contains(column) {
                format!("{column} = COALESCE(excluded.{column}, {table}.{column})", table = T::NAME)
            } else {
                format!("{column} = excluded.{column}")
            }
        })
        .collect();
    sql.push_str(&changed.join(", "));
    sql
}

/// The rows in the order of their keys, one for each key: the last one given, with what it keeps of
/// those before it. Sorted, because neighbours share a page.
fn newest<T: Table>(rows: &[T]) -> Vec<Cow<'_, T>> {
    let mut sorted: Vec<&T> = rows.iter().collect();
    // Stable: of equal keys the last one given stays the last.
    sorted.sort_by(|a, b| a.by_key(b));
    let mut newest: Vec<Cow<'_, T>> = Vec::with_capacity(sorted.len());
    for row in sorted {
        match newest.last_mut() {
            Some(older) if !T::KEY.is_empty() && older.by_key(row) == Ordering::Equal => {
                let mut merged = row.clone();
                merged.keep_from(older);
                *older = Cow::Owned(merged);
            }
            Some(_) | None => newest.push(Cow::Borrowed(row)),
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::rows::{BudgetRow, JournalRow};
    use crate::decide::words::Time;
    use sqlx::{Postgres, Sqlite};

    fn budget(name: &str, full_at_ns: i64) -> BudgetRow {
        BudgetRow { name: name.into(), full_at_ns }
    }

    #[test]
    fn of_two_rows_with_one_key_the_last_one_given_counts() {
        let rows = [budget("b", 1), budget("a", 2), budget("b", 3), budget("a", 4), budget("b", 5)];
        let kept: Vec<BudgetRow> = newest(&rows).into_iter().map(Cow::into_owned).collect();
        assert_eq!(kept, [budget("a", 4), budget("b", 5)]);
    }

    #[test]
    fn the_journal_keeps_every_line_in_order() {
        let line = |text: &str| JournalRow {
            at: Time(1),
            scale_up: None,
            instance: None,
            gateway: None,
            kind: "gone".into(),
            text: text.into(),
        };
        let rows = [line("b"), line("a"), line("b")];
        assert_eq!(newest(&rows).iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["b", "a", "b"]);
    }

    #[test]
    fn the_statements_read_so() {
        assert_eq!(
            statement::<Sqlite, BudgetRow>(2),
            "INSERT INTO budget (name, full_at_ns) VALUES (?, ?), (?, ?) \
             ON CONFLICT (name) DO UPDATE SET full_at_ns = excluded.full_at_ns"
        );
        assert_eq!(
            statement::<Postgres, JournalRow>(1),
            "INSERT INTO journal (at, scale_up, slot, attempt, kind, text, gateway) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        );
        assert!(
            statement::<Postgres, crate::decide::rows::InstanceRow>(1)
                .ends_with("reason = COALESCE(excluded.reason, instance.reason)")
        );
    }
}
