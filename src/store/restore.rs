//! What a starting owner reads back.

use std::ops::RangeInclusive;

use sqlx::{Connection, SqlStr};

use super::Pools;
use super::engine::Engine;
use super::error::StoreError;
use super::query::Query;
use super::table::instance::slots;
use super::table::{Reader, Table};
use crate::decide::gateway::calendar::words::ScheduleRow;
use crate::decide::gateway::gate::{GateRow, OverrideRow};
use crate::decide::gateway::words::GatewayRow;
use crate::decide::guard::lease::{FreezeRow, HoldRow, KeepRow};
use crate::decide::quarantine::words::QuarantineRow;
use crate::decide::retire::words::ScaleInState;
use crate::decide::rows::{
    BudgetRow, FactRow, HaltRow, HealthRow, HookRow, InstanceRow, LaunchRow, RemovalRow, Restored,
    ScaleInRow, ScaleUpRow, VersionRow, ZoneRow,
};
use crate::decide::words::{Phase, ScaleUpSeq, ScaleUpState, Time};

/// Everything unfinished, everything that holds a place, and the keys that are still remembered
/// (those of scale-ups accepted, and of lifecycle actions ended, at or after `keys_since`), as of one
/// moment.
pub(super) async fn restore<E: Engine>(pools: &Pools<E>, keys_since: Time) -> Result<Restored, StoreError> {
    let mut connection = pools.reader().await?;
    let mut tx =
        connection.begin_with(SqlStr::from_static(E::BEGIN_READ)).await.map_err(StoreError::of::<E>)?;
    let scale_ups = scale_ups::<E>(&mut tx, keys_since).await?;
    let unfinished = scale_ups.iter().filter(|s| s.state != ScaleUpState::Done).map(|s| s.seq);
    let restored = Restored {
        launches: Query::<E>::of::<LaunchRow>()
            .sql("AND state = 'unsettled' ORDER BY seq")
            .all(&mut tx)
            .await?,
        instances: instances::<E>(&mut tx, unfinished).await?,
        versions: Query::<E>::of::<VersionRow>().sql("ORDER BY group_name, version").all(&mut tx).await?,
        budgets: Query::<E>::of::<BudgetRow>().sql("ORDER BY name").all(&mut tx).await?,
        hooks: hooks::<E>(&mut tx, keys_since).await?,
        // The very words of the indexes' conditions, or they would not be used.
        removals: Query::<E>::of::<RemovalRow>()
            .sql("AND state IN ('waits', 'replaced', 'leaving') ORDER BY id")
            .all(&mut tx)
            .await?,
        scale_ins: scale_ins::<E>(&mut tx, keys_since).await?,
        health: Query::<E>::of::<HealthRow>()
            .sql("AND resumed_at IS NULL ORDER BY group_name")
            .all(&mut tx)
            .await?,
        holds: Query::<E>::of::<HoldRow>().sql("AND state <> 'done' ORDER BY id").all(&mut tx).await?,
        freezes: Query::<E>::of::<FreezeRow>().sql("AND state <> 'done' ORDER BY id").all(&mut tx).await?,
        keeps: keeps::<E>(&mut tx).await?,
        zones: Query::<E>::of::<ZoneRow>().sql("ORDER BY group_name, zone").all(&mut tx).await?,
        halts: Query::<E>::of::<HaltRow>()
            .sql("AND ended_at IS NULL ORDER BY group_name")
            .all(&mut tx)
            .await?,
        quarantine: quarantine::<E>(&mut tx).await?,
        facts: facts::<E>(&mut tx).await?,
        gateways: gateways::<E>(&mut tx).await?,
        gates: gates::<E>(&mut tx).await?,
        overrides: Query::<E>::of::<OverrideRow>()
            .sql("AND state <> 'done' ORDER BY id")
            .all(&mut tx)
            .await?,
        schedules: schedules::<E>(&mut tx).await?,
        last_scale_up: last::<E, ScaleUpRow, _>(&mut tx).await?,
        last_launch: last::<E, LaunchRow, _>(&mut tx).await?,
        last_hook: last::<E, HookRow, _>(&mut tx).await?,
        scale_ups,
    };
    // Nothing was written; ending it only gives the snapshot back.
    tx.rollback().await.map_err(StoreError::of::<E>)?;
    Ok(restored)
}

/// By number. Two queries, because each has its own small index and an `OR` would use neither.
async fn scale_ups<E: Engine>(
    connection: &mut E::Connection,
    keys_since: Time,
) -> Result<Vec<ScaleUpRow>, StoreError> {
    let mut rows: Vec<ScaleUpRow> =
        Query::<E>::of::<ScaleUpRow>().sql("AND state <> 'done'").all(connection).await?;
    let remembered = Query::<E>::of::<ScaleUpRow>()
        .sql("AND idempotency_key IS NOT NULL AND state = 'done'")
        .int("AND accepted_at >=", keys_since.0)?
        .all::<ScaleUpRow>(connection)
        .await?;
    rows.extend(remembered);
    rows.sort_by_key(|row| row.seq);
    Ok(rows)
}

/// By number: the open ones, and those whose notification may come again.
async fn hooks<E: Engine>(
    connection: &mut E::Connection,
    keys_since: Time,
) -> Result<Vec<HookRow>, StoreError> {
    let mut rows: Vec<HookRow> =
        Query::<E>::of::<HookRow>().sql("AND state = 'open'").all(connection).await?;
    let remembered = Query::<E>::of::<HookRow>()
        .sql("AND state <> 'open'")
        .int("AND done_at >=", keys_since.0)?
        .all::<HookRow>(connection)
        .await?;
    rows.extend(remembered);
    rows.sort_by_key(|row| row.seq);
    Ok(rows)
}

/// By id: the open ones, and those whose keys are remembered.
async fn scale_ins<E: Engine>(
    connection: &mut E::Connection,
    keys_since: Time,
) -> Result<Vec<ScaleInRow>, StoreError> {
    let mut rows: Vec<ScaleInRow> =
        Query::<E>::of::<ScaleInRow>().sql("AND state = 'open'").all(connection).await?;
    let remembered = Query::<E>::of::<ScaleInRow>()
        .int("AND asked_at >=", keys_since.0)?
        .all::<ScaleInRow>(connection)
        .await?;
    rows.extend(remembered.into_iter().filter(|row| row.state != ScaleInState::Open));
    // By bytes: databases order text as they were told to.
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rows)
}

/// By subject and marking, in the order of their declaration: engines sort text in ways of their own.
async fn keeps<E: Engine>(connection: &mut E::Connection) -> Result<Vec<KeepRow>, StoreError> {
    let mut rows: Vec<KeepRow> =
        Query::<E>::of::<KeepRow>().sql("AND state <> 'restored'").all(connection).await?;
    rows.sort_by(|a, b| (&a.subject, a.marking).cmp(&(&b.subject, b.marking)));
    Ok(rows)
}

/// By id. By bytes: databases order text as they were told to.
async fn quarantine<E: Engine>(connection: &mut E::Connection) -> Result<Vec<QuarantineRow>, StoreError> {
    let mut rows: Vec<QuarantineRow> =
        Query::<E>::of::<QuarantineRow>().sql("AND state <> 'done'").all(connection).await?;
    rows.sort_by_key(|row| row.id);
    Ok(rows)
}

/// By id. By bytes: databases order text as they were told to.
async fn gateways<E: Engine>(connection: &mut E::Connection) -> Result<Vec<GatewayRow>, StoreError> {
    // The very words of the index's condition, or it would not be used.
    let open = Query::<E>::of::<GatewayRow>().sql("AND state NOT IN ('refused', 'expired', 'released')");
    let mut rows: Vec<GatewayRow> = open.all(connection).await?;
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rows)
}

/// By group and gateway. By bytes: databases order text as they were told to.
async fn gates<E: Engine>(connection: &mut E::Connection) -> Result<Vec<GateRow>, StoreError> {
    let mut rows: Vec<GateRow> =
        Query::<E>::of::<GateRow>().sql("AND ended_at IS NULL").all(connection).await?;
    rows.sort_by(|a, b| (&a.group, &a.gateway).cmp(&(&b.group, &b.gateway)));
    Ok(rows)
}

/// By id, by bytes: databases order text as they were told to.
async fn schedules<E: Engine>(connection: &mut E::Connection) -> Result<Vec<ScheduleRow>, StoreError> {
    let mut rows: Vec<ScheduleRow> =
        Query::<E>::of::<ScheduleRow>().sql("AND removed_at IS NULL").all(connection).await?;
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(rows)
}

/// By subject, by bytes: databases order text as they were told to.
async fn facts<E: Engine>(connection: &mut E::Connection) -> Result<Vec<FactRow>, StoreError> {
    let mut rows: Vec<FactRow> = Query::<E>::of::<FactRow>().all(connection).await?;
    rows.sort_by(|a, b| a.subject.cmp(&b.subject));
    Ok(rows)
}

/// By slot and attempt.
///
/// Slots are numbered by scale-up, so the unfinished ones cut the table into ranges: all of an
/// unfinished scale-up is read, and of what lies between only the instances that hold a place.
async fn instances<E: Engine>(
    connection: &mut E::Connection,
    unfinished: impl Iterator<Item = ScaleUpSeq>,
) -> Result<Vec<InstanceRow>, StoreError> {
    let mut rows = Vec::new();
    let mut from = 0;
    for scale_up in unfinished {
        let slots = slots(scale_up);
        rows.extend(kept::<E>(connection, from..=slots.start() - 1).await?);
        rows.extend(current(whole::<E>(connection, slots.clone()).await?));
        let Some(behind) = slots.end().checked_add(1) else { return Ok(rows) };
        from = behind;
    }
    rows.extend(kept::<E>(connection, from..=i64::MAX).await?);
    Ok(rows)
}

/// Of these slots, the instances that hold a place for good or until they are gone.
async fn kept<E: Engine>(
    connection: &mut E::Connection,
    slots: RangeInclusive<i64>,
) -> Result<Vec<InstanceRow>, StoreError> {
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    // The very words of the index's condition, or it would not be used.
    let query =
        Query::<E>::packed::<InstanceRow>().sql("AND phase IN ('in_service', 'broken', 'terminating')");
    range(query, connection, slots).await
}

/// Every attempt at these slots.
async fn whole<E: Engine>(
    connection: &mut E::Connection,
    slots: RangeInclusive<i64>,
) -> Result<Vec<InstanceRow>, StoreError> {
    range(Query::<E>::packed::<InstanceRow>(), connection, slots).await
}

async fn range<E: Engine>(
    query: Query<E>,
    connection: &mut E::Connection,
    slots: RangeInclusive<i64>,
) -> Result<Vec<InstanceRow>, StoreError> {
    query
        .int("AND slot >=", *slots.start())?
        .int("AND slot <=", *slots.end())?
        .sql("ORDER BY slot, attempt")
        .unpacked(connection)
        .await
}

/// The newest attempt of each slot, and those older ones that still hold a place.
fn current(mut rows: Vec<InstanceRow>) -> Vec<InstanceRow> {
    let newest: Vec<bool> =
        (0..rows.len()).map(|i| rows.get(i + 1).is_none_or(|next| next.slot() != rows[i].slot())).collect();
    let mut newest = newest.into_iter();
    rows.retain(|row| newest.next() == Some(true) || holds_its_place(row.phase));
    rows
}

fn holds_its_place(phase: Phase) -> bool {
    match phase {
        Phase::InService | Phase::Broken | Phase::Terminating => true,
        Phase::Queued
        | Phase::Launching
        | Phase::Booting
        | Phase::Configuring
        | Phase::Verifying
        | Phase::Admitting
        | Phase::Quarantined
        | Phase::Reserved
        | Phase::Gone
        | Phase::Withdrawn => false,
    }
}

/// The largest number given so far; 0 before the first.
async fn last<E: Engine, T: Table, N: TryFrom<i64, Error: std::fmt::Display>>(
    connection: &mut E::Connection,
) -> Result<N, StoreError> {
    let rows = Query::<E>::new("SELECT COALESCE(MAX(seq), 0) FROM")
        .sql(T::NAME)
        .rows(connection, |row| Reader::over(T::NAME, &["seq"], row).number())
        .await?;
    rows.into_iter().next().ok_or(StoreError::Miscounted { table: T::NAME, changed: 0, wanted: 1 })
}
