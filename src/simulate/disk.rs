//! The real store under a run's books: `SQLite` in a file of its own, thrown away afterwards.

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::decide::rows::{Changes, Restored};
use crate::decide::words::Time;
use crate::store::{Epoch, Store};

use super::books::Disk;

/// One database.
pub struct Sqlite {
    runtime: Runtime,
    store: Store,
    _folder: TempDir,
}

impl Sqlite {
    /// An empty one.
    ///
    /// # Errors
    /// If there is no place for it.
    pub fn new() -> anyhow::Result<Sqlite> {
        let folder = tempfile::Builder::new().prefix("muster-simulate-").tempdir()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let url = format!("sqlite:{}", folder.path().join("muster.db").display());
        let store = runtime.block_on(Store::open(&url))?;
        Ok(Sqlite { runtime, store, _folder: folder })
    }
}

impl Disk for Sqlite {
    fn take_over(&mut self, now: Time) -> Result<i64, String> {
        let taken = self.runtime.block_on(self.store.take_ownership("simulated", now));
        taken.map(|epoch| epoch.0).map_err(|e| e.to_string())
    }

    fn commit(&mut self, epoch: i64, changes: &Changes) -> Result<(), String> {
        self.runtime.block_on(self.store.commit(Epoch(epoch), changes)).map_err(|e| e.to_string())
    }

    fn restore(&mut self, keys_since: Time) -> Result<Restored, String> {
        self.runtime.block_on(self.store.restore(keys_since)).map_err(|e| e.to_string())
    }
}
