//! The schema's steps, compiled in.
//!
//! They are listed here by hand rather than found by a macro: a new step is a new line in this file,
//! so that it cannot be missing from a build that did not notice a new file. A test compares the list
//! with the directories.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlStr};

/// One step: number, name, SQL. Steps are only ever added; a published one is never changed.
type Step = (i64, &'static str, &'static str);

pub(super) const SQLITE: &[Step] = &[
    (1, "first", include_str!("../../migrations/sqlite/0001_first.sql")),
    (2, "lifecycle_actions", include_str!("../../migrations/sqlite/0002_lifecycle_actions.sql")),
    (3, "holds", include_str!("../../migrations/sqlite/0003_holds.sql")),
    (4, "removals", include_str!("../../migrations/sqlite/0004_removals.sql")),
    (5, "capacity", include_str!("../../migrations/sqlite/0005_capacity.sql")),
    (6, "halts", include_str!("../../migrations/sqlite/0006_halts.sql")),
    (7, "quarantine", include_str!("../../migrations/sqlite/0007_quarantine.sql")),
    (8, "preflight", include_str!("../../migrations/sqlite/0008_preflight.sql")),
    (9, "reserve", include_str!("../../migrations/sqlite/0009_reserve.sql")),
    (10, "gateways", include_str!("../../migrations/sqlite/0010_gateways.sql")),
    (11, "calendar", include_str!("../../migrations/sqlite/0011_calendar.sql")),
    (12, "gates", include_str!("../../migrations/sqlite/0012_gates.sql")),
    (13, "gateway_reference", include_str!("../../migrations/sqlite/0013_gateway_reference.sql")),
    (14, "support_case", include_str!("../../migrations/sqlite/0014_support_case.sql")),
];

pub(super) const POSTGRES: &[Step] = &[
    (1, "first", include_str!("../../migrations/postgres/0001_first.sql")),
    (2, "lifecycle_actions", include_str!("../../migrations/postgres/0002_lifecycle_actions.sql")),
    (3, "holds", include_str!("../../migrations/postgres/0003_holds.sql")),
    (4, "removals", include_str!("../../migrations/postgres/0004_removals.sql")),
    (5, "capacity", include_str!("../../migrations/postgres/0005_capacity.sql")),
    (6, "halts", include_str!("../../migrations/postgres/0006_halts.sql")),
    (7, "quarantine", include_str!("../../migrations/postgres/0007_quarantine.sql")),
    (8, "preflight", include_str!("../../migrations/postgres/0008_preflight.sql")),
    (9, "reserve", include_str!("../../migrations/postgres/0009_reserve.sql")),
    (10, "gateways", include_str!("../../migrations/postgres/0010_gateways.sql")),
    (11, "calendar", include_str!("../../migrations/postgres/0011_calendar.sql")),
    (12, "gates", include_str!("../../migrations/postgres/0012_gates.sql")),
    (13, "gateway_reference", include_str!("../../migrations/postgres/0013_gateway_reference.sql")),
    (14, "support_case", include_str!("../../migrations/postgres/0014_support_case.sql")),
];

pub(super) fn migrator(steps: &[Step]) -> Migrator {
    let migration = |&(number, name, sql): &Step| {
        let sql: SqlStr = sql.into_sql_str();
        Migration::new(number, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(steps.iter().map(migration).collect())
}

/// What is wrong with the schema, if that is what an error is about.
pub(super) fn problem(error: &MigrateError, steps: &[Step]) -> Option<String> {
    let newest = steps.iter().map(|(number, _, _)| *number).max().unwrap_or(0);
    let problem = if let MigrateError::VersionMissing(step) = error {
        if *step > newest {
            format!(
                "its schema is at step {step}, made by a newer muster; this one knows steps up to {newest}: \
                 run the newer muster, or name another database"
            )
        } else {
            format!("its schema has a step {step} that this muster does not know: name another database")
        }
    } else if let MigrateError::VersionMismatch(step) = error {
        format!(
            "step {step} of its schema is not the one this muster would have made (the record of it was \
             changed, or another build made it): restore it from a backup or name another database"
        )
    } else if let MigrateError::Dirty(step) = error {
        format!("step {step} of its schema was left half done: restore it from a backup")
    } else {
        return None;
    };
    Some(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{Connection, Executor};

    #[test]
    fn every_file_is_listed_and_both_engines_have_the_same_steps() {
        for (engine, steps) in [("sqlite", SQLITE), ("postgres", POSTGRES)] {
            let directory = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<String> = std::fs::read_dir(directory)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            let listed: Vec<String> =
                steps.iter().map(|(number, name, _)| format!("{number:04}_{name}.sql")).collect();
            assert_eq!(listed, files, "migrations/{engine} and the list in this file differ");
        }
        let names = |steps: &[Step]| steps.iter().map(|(n, name, _)| (*n, *name)).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(POSTGRES));
    }

    #[tokio::test]
    async fn what_the_first_release_stored_is_there_after_every_step() {
        let mut db = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        migrator(&SQLITE[..1]).run_direct(None, &mut db, false).await.unwrap();
        let old = "INSERT INTO scale_up (seq, id, group_name, wanted, planned, reason, state, accepted_at, \
                   in_service, withdrawn, eta_ms) VALUES (1, '0191', 'web', 5, 0, '', 'open', 1, 0, 0, 0)";
        db.execute(old).await.unwrap();
        migrator(SQLITE).run_direct(None, &mut db, false).await.unwrap();
        let (id, origin): (String, String) =
            sqlx::query_as("SELECT id, origin FROM scale_up").fetch_one(&mut db).await.unwrap();
        assert_eq!((id.as_str(), origin.as_str()), ("0191", "asked"));
    }
}
