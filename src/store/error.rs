//! What can go wrong with a database, in words that say what to do about it.

use std::fmt;

use super::engine::Engine;

/// The store could not do what it was asked. Nothing was changed, or nothing is known: read again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "'{url}' does not name a database: {problem}; allowed are sqlite:PATH and \
         postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    )]
    Url { url: String, problem: String },
    #[error("cannot open {database}: {problem}")]
    Open { database: String, problem: String },
    #[error("cannot open {database}: {trouble} ({detail})")]
    Connect { database: String, trouble: Trouble, detail: String },
    #[error("cannot use {database}: {problem}")]
    Schema { database: String, problem: String },
    #[error("{trouble} ({detail})")]
    Database { trouble: Trouble, detail: String },
    #[error(
        "no answer from the database within {seconds} s; whether the transaction took effect is not known"
    )]
    Silent { seconds: u64 },
    #[error("{table}.{column} holds {value}, which this muster cannot read: {problem}")]
    Unreadable { table: &'static str, column: &'static str, value: String, problem: String },
    #[error("{changed} rows of {table} changed where {wanted} should have")]
    Miscounted { table: &'static str, changed: u64, wanted: u64 },
}

impl StoreError {
    /// An error of a database at work.
    #[allow(clippy::needless_pass_by_value)] // it is what `map_err` hands over
    pub(super) fn of<E: Engine>(error: sqlx::Error) -> StoreError {
        StoreError::Database { trouble: Trouble::of::<E>(&error), detail: detail(&error) }
    }

    /// An error on the way to a database.
    pub(super) fn connecting<E: Engine>(database: &str, error: &sqlx::Error) -> StoreError {
        StoreError::Connect {
            database: database.to_string(),
            trouble: Trouble::of::<E>(error),
            detail: detail(error),
        }
    }
}

/// The database's own words, with its code.
fn detail(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(e) => format!("{}, code {}", e.message(), e.code().unwrap_or_default()),
        None => error.to_string(),
    }
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else owns the database now. Nothing was changed, and never will be by this owner.
    #[error("the database is owned by {by} now; nothing was changed")]
    Fenced { by: String },
    /// The database did not confirm the transaction. It may or may not have taken effect, and a
    /// failed sync must not be tried again on the same pages: stop, open anew and restore.
    #[error(transparent)]
    Storage(#[from] StoreError),
}

/// The classes of a database's own errors that call for different hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Somebody else holds the lock for longer than muster waits.
    Locked,
    /// No space left.
    Full,
    /// Writing is not permitted.
    ReadOnly,
    /// The file could not be opened.
    Unopened,
    /// Not a database, or a broken one.
    Damaged,
    /// The disk failed.
    Disk,
    /// A row breaks a rule of the schema: a defect of muster's.
    Conflict,
    /// The server let nobody in under this name.
    Denied,
    /// There is no database of this name.
    Missing,
    /// No connection, or it broke.
    Unreachable,
    /// Anything else.
    Other,
}

impl Trouble {
    pub(super) fn of<E: Engine>(error: &sqlx::Error) -> Trouble {
        if let Some(code) = error.as_database_error().and_then(sqlx::error::DatabaseError::code) {
            return E::trouble(&code);
        }
        if matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ) {
            return Trouble::Unreachable;
        }
        Trouble::Other
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Locked => {
                "the database stayed locked: another process (a second or a stopped muster?) holds it in a transaction"
            }
            Trouble::Full => "the disk or the tablespace of the database is full",
            Trouble::ReadOnly => {
                "the database may not be written: muster needs write access to it (for SQLite: to the file and its directory)"
            }
            Trouble::Unopened => "the file cannot be opened or made there: muster needs a writable directory and file",
            Trouble::Damaged => "it is not a database, or it is damaged: restore it from a backup or name another one",
            Trouble::Disk => "the disk failed while the database read or wrote",
            Trouble::Conflict => "a row breaks a rule of the schema",
            Trouble::Denied => "the server denied access: user name and password must be right and allowed to log in",
            Trouble::Missing => "the server has no database of this name: create it first",
            Trouble::Unreachable => "there is no connection to the database",
            Trouble::Other => "the database answered with an error",
        })
    }
}
