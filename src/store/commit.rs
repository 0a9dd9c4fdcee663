//! One decision, one transaction.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection, SqlStr};

use super::Pools;
use super::engine::Engine;
use super::error::{CommitError, StoreError};
use super::ownership::{self, Epoch};
use super::upsert::write;
use crate::decide::rows::Changes;
use crate::time::timeout_on_the_wall;

/// How long a transaction may take on the wall before it counts as lost.
///
/// Too short: a busy disk's slow sync (seconds, at worst) looks like a loss and costs a restore. Too
/// long: a server behind a dead network holds the engine up; nothing is launched meanwhile, since the
/// intent is not durable. Lock waits end before this (5 s `SQLite`, 20 s `PostgreSQL`).
const PATIENCE: Duration = Duration::from_mins(1);

/// Writes everything or nothing, and only for the newest owner.
///
/// Whatever goes wrong, the connection is given up: after a failed sync the same file handle may
/// report success for pages that never reached the disk, and a transaction in doubt must end.
pub(super) async fn commit<E: Engine>(
    pools: &Pools<E>,
    epoch: Epoch,
    changes: &Changes,
) -> Result<(), CommitError> {
    let mut connection = pools.writer().await?;
    let done = timeout_on_the_wall(PATIENCE, transaction::<E>(&mut connection, epoch, changes)).await;
    let done = done.unwrap_or(Err(StoreError::Silent { seconds: PATIENCE.as_secs() }.into()));
    if let Err(CommitError::Storage(_)) = done {
        connection.close_on_drop();
    }
    done
}

async fn transaction<E: Engine>(
    connection: &mut PoolConnection<E>,
    epoch: Epoch,
    changes: &Changes,
) -> Result<(), CommitError> {
    let mut tx =
        connection.begin_with(SqlStr::from_static(E::BEGIN_WRITE)).await.map_err(StoreError::of::<E>)?;
    ownership::check::<E>(&mut tx, epoch).await?;
    // Launches before the instances that name them.
    write::<E, _>(&mut tx, &changes.scale_ups).await?;
    write::<E, _>(&mut tx, &changes.launches).await?;
    write::<E, _>(&mut tx, &changes.instances).await?;
    write::<E, _>(&mut tx, &changes.versions).await?;
    write::<E, _>(&mut tx, &changes.budgets).await?;
    write::<E, _>(&mut tx, &changes.hooks).await?;
    write::<E, _>(&mut tx, &changes.removals).await?;
    write::<E, _>(&mut tx, &changes.scale_ins).await?;
    write::<E, _>(&mut tx, &changes.health).await?;
    write::<E, _>(&mut tx, &changes.holds).await?;
    write::<E, _>(&mut tx, &changes.freezes).await?;
    write::<E, _>(&mut tx, &changes.keeps).await?;
    write::<E, _>(&mut tx, &changes.zones).await?;
    write::<E, _>(&mut tx, &changes.halts).await?;
    write::<E, _>(&mut tx, &changes.quarantine).await?;
    write::<E, _>(&mut tx, &changes.facts).await?;
    write::<E, _>(&mut tx, &changes.preflights).await?;
    write::<E, _>(&mut tx, &changes.gateways).await?;
    write::<E, _>(&mut tx, &changes.gates).await?;
    write::<E, _>(&mut tx, &changes.overrides).await?;
    write::<E, _>(&mut tx, &changes.schedules).await?;
    write::<E, _>(&mut tx, &changes.journal).await?;
    tx.commit().await.map_err(StoreError::of::<E>)?;
    Ok(())
}
