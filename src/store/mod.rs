//! The books: all SQL, for `SQLite` and for `PostgreSQL`.
//!
//! One owner writes, in whole decisions ([`Store::commit`]); anybody reads. What is absent: no
//! business rule (the core decided already), no retry (a failed commit means restore), no delete (rows
//! end, they do not go away), no time and no randomness of the store's own.
//!
//! `SQLite` runs with a write-ahead log that is synced at every commit, one writing connection and two
//! reading ones. A commit that finds the log longer than 16 MiB also moves it into the database file;
//! readers hold it for a page of rows at most, so it stays about that long.

mod commit;
mod engine;
mod error;
mod migrate;
mod ownership;
mod packed;
mod postgres;
mod query;
mod restore;
#[cfg(test)]
mod speed;
mod sqlite;
mod table;
mod text;
mod upsert;

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Pool, Postgres, Sqlite};

use crate::decide::gateway::words::GatewayRow;
use crate::decide::rows::{
    Changes, HookRow, InstanceRow, JournalRow, LaunchRow, PreflightRow, Restored, ScaleUpRow,
};
use crate::decide::words::{HookSeq, InstanceRef, LaunchState, ScaleUpSeq, SlotId, Time};
use engine::Engine;

pub use error::{CommitError, StoreError, Trouble};
pub use ownership::Epoch;
pub use table::hook::HookFilter;
pub use table::instance::InstanceFilter;
pub use table::journal::JournalFilter;
pub use table::scale_up::ScaleUpFilter;

/// Connections for reading, beside the one for writing. Two: a long list does not hold up a short
/// look, and each costs a thread and three descriptors.
const READERS: u32 = 2;

/// A database, open and with its schema up to date. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Arc<Opened>);

#[derive(Debug)]
enum Opened {
    Sqlite(Pools<Sqlite>),
    Postgres(Pools<Postgres>),
}

#[derive(Debug)]
struct Pools<E: Engine> {
    writer: Pool<E>,
    readers: Pool<E>,
    /// Most descriptors that all connections together hold.
    descriptors: u32,
}

impl<E: Engine> Pools<E> {
    async fn writer(&self) -> Result<PoolConnection<E>, StoreError> {
        self.writer.acquire().await.map_err(StoreError::of::<E>)
    }

    async fn reader(&self) -> Result<PoolConnection<E>, StoreError> {
        self.readers.acquire().await.map_err(StoreError::of::<E>)
    }
}

/// Runs one expression on the pools of whichever engine is open.
macro_rules! on {
    ($store:expr, $pools:ident => $run:expr) => {
        match &*$store.0 {
            Opened::Sqlite($pools) => $run,
            Opened::Postgres($pools) => $run,
        }
    };
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, makes a missing `SQLite`
    /// file, and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let opened = match scheme {
            "sqlite" => Opened::Sqlite(sqlite::open(&sqlite::path(url)?).await?),
            "postgres" | "postgresql" => Opened::Postgres(postgres::open(postgres::options(url)?).await?),
            // Whatever it is, it may hold a password.
            other => {
                let problem =
                    if other.is_empty() { "no scheme".into() } else { format!("the scheme '{other}'") };
                return Err(StoreError::Url { url: "...".to_string(), problem });
            }
        };
        Ok(Store(Arc::new(opened)))
    }

    /// Most descriptors that a store at this URL will hold; for a URL that cannot be opened, what
    /// `SQLite` would.
    #[must_use]
    pub fn most_descriptors(url: &str) -> u32 {
        match url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "postgres" | "postgresql" => postgres::DESCRIPTORS,
            _ => sqlite::DESCRIPTORS,
        }
    }

    /// Most descriptors the store holds at a time; all of them may be open at any moment.
    #[must_use]
    pub fn descriptors(&self) -> u32 {
        on!(self, pools => pools.descriptors)
    }

    /// Closes every connection; `SQLite`'s log is moved into the database file.
    pub async fn close(&self) {
        on!(self, pools => {
            pools.readers.close().await;
            pools.writer.close().await;
        });
    }

    /// Takes the ownership under a new epoch, whoever has it; every commit under an older one fails
    /// from then on. Waits for a commit that is under way, within limits (see [`Trouble::Locked`]).
    pub async fn take_ownership(&self, holder: &str, now: Time) -> Result<Epoch, StoreError> {
        on!(self, pools => ownership::take(pools, holder, now).await)
    }

    /// Writes a whole decision in one transaction, synced, if `epoch` is still the newest.
    ///
    /// Rows are upserts by key, so writing them again changes nothing (but for the journal, which
    /// only grows). Of two rows with the same key the later counts.
    pub async fn commit(&self, epoch: Epoch, changes: &Changes) -> Result<(), CommitError> {
        on!(self, pools => commit::commit(pools, epoch, changes).await)
    }

    /// What a starting owner needs, as of one moment; see [`Restored`].
    pub async fn restore(&self, keys_since: Time) -> Result<Restored, StoreError> {
        // On the heap: with a list for each kind of row it is too large for whoever waits for it.
        on!(self, pools => Box::pin(restore::restore(pools, keys_since)).await)
    }

    /// The scale-up with this public id.
    pub async fn scale_up(&self, id: &str) -> Result<Option<ScaleUpRow>, StoreError> {
        on!(self, pools => table::scale_up::by_id(pools, id).await)
    }

    /// What this scale-up was told when it was accepted.
    pub async fn preflight(&self, scale_up: ScaleUpSeq) -> Result<Option<PreflightRow>, StoreError> {
        on!(self, pools => table::preflight::of(pools, scale_up).await)
    }

    /// The gateway request with this id.
    pub async fn gateway_request(&self, id: &str) -> Result<Option<GatewayRow>, StoreError> {
        on!(self, pools => table::gateway::by_id(pools, id).await)
    }

    /// Scale-ups, newest first: at most `limit`, those accepted before `before`.
    pub async fn scale_ups(
        &self,
        filter: &ScaleUpFilter,
        before: Option<ScaleUpSeq>,
        limit: u32,
    ) -> Result<Vec<ScaleUpRow>, StoreError> {
        on!(self, pools => {
            table::scale_up::list(pools, filter, before, limit).await
        })
    }

    /// Instances by slot and attempt: at most `limit`, those behind `after`.
    pub async fn instances(
        &self,
        filter: &InstanceFilter,
        after: Option<InstanceRef>,
        limit: u32,
    ) -> Result<Vec<InstanceRow>, StoreError> {
        on!(self, pools => {
            table::instance::list(pools, filter, after, limit).await
        })
    }

    /// Every attempt at a slot, first to last.
    pub async fn attempts(&self, slot: SlotId) -> Result<Vec<InstanceRow>, StoreError> {
        on!(self, pools => table::instance::attempts(pools, slot).await)
    }

    /// Journal lines and their numbers, oldest first: at most `limit`, those numbered above `after`.
    ///
    /// Numbers grow in the order of commits (there is one writer), so going on from the last number
    /// seen misses nothing. They may have gaps.
    pub async fn journal(
        &self,
        filter: &JournalFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, JournalRow)>, StoreError> {
        on!(self, pools => {
            table::journal::list(pools, filter, after, limit).await
        })
    }

    /// Launches, newest first: at most `limit`.
    pub async fn launches(
        &self,
        state: Option<LaunchState>,
        limit: u32,
    ) -> Result<Vec<LaunchRow>, StoreError> {
        on!(self, pools => table::launch::list(pools, state, limit).await)
    }

    /// Lifecycle actions, oldest first: at most `limit`, those numbered above `after`.
    pub async fn hooks(
        &self,
        filter: &HookFilter,
        after: Option<HookSeq>,
        limit: u32,
    ) -> Result<Vec<HookRow>, StoreError> {
        on!(self, pools => table::hook::list(pools, filter, after, limit).await)
    }
}
