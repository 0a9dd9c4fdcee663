//! Who may write: one row, whose epoch grows with every change of hands.
//!
//! An epoch cannot alias: it is given out by one statement that adds one to the stored value, so two
//! takers never get the same, and it is never lowered. An owner that was paused and wakes up still
//! holds a smaller epoch than the stored one, and [`check`] runs inside the very transaction that
//! writes, under the lock that a taker needs (`SQLite`'s write lock, `PostgreSQL`'s row lock). So either
//! the old owner's commit ends before the ownership changes hands, or it sees the new epoch.

use super::Pools;
use super::engine::Engine;
use super::error::{CommitError, StoreError};
use super::query::Query;
use super::table::Reader;
use crate::decide::words::Time;

/// A term of ownership. Larger is newer; the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub i64);

/// Takes the ownership, whoever has it now.
pub(super) async fn take<E: Engine>(pools: &Pools<E>, holder: &str, now: Time) -> Result<Epoch, StoreError> {
    let epochs = Query::<E>::new("INSERT INTO owner (name, epoch, holder, since) VALUES ('muster', 1,")
        .text("", holder)?
        .int(",", now.0)?
        .sql(
            ") ON CONFLICT (name) DO UPDATE \
             SET epoch = owner.epoch + 1, holder = excluded.holder, since = excluded.since RETURNING epoch",
        )
        .rows(&mut *pools.writer().await?, |row| Reader::over("owner", &["epoch"], row).int())
        .await?;
    match epochs.as_slice() {
        [epoch] => Ok(Epoch(*epoch)),
        other => Err(StoreError::Miscounted { table: "owner", changed: other.len() as u64, wanted: 1 }),
    }
}

/// Goes on only if `epoch` is the newest, and keeps it so until the transaction ends.
pub(super) async fn check<E: Engine>(
    connection: &mut E::Connection,
    epoch: Epoch,
) -> Result<(), CommitError> {
    let owners = Query::<E>::new("SELECT epoch, holder FROM owner WHERE name = 'muster'")
        .sql(E::LOCK_ROW)
        .rows(connection, |row| {
            let mut row = Reader::over("owner", &["epoch", "holder"], row);
            Ok((row.int()?, row.string()?))
        })
        .await?;
    match owners.into_iter().next() {
        Some((stored, _)) if stored == epoch.0 => Ok(()),
        Some((_, holder)) => Err(CommitError::Fenced { by: holder }),
        None => Err(CommitError::Fenced { by: "nobody (the ownership was never taken)".to_string() }),
    }
}
