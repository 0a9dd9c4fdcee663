//! The embedded engine: one file, one writer, a few readers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::BoxStream;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqlStr};

use super::engine::Engine;
use super::error::{StoreError, Trouble};
use super::migrate;
use super::{Pools, READERS};
use crate::time::sleep_on_the_wall;

/// How long a statement waits for another process's lock before it is an error. A healthy writer
/// holds it for milliseconds; one that was stopped inside a transaction holds it until it is killed.
const BUSY: Duration = Duration::from_secs(5);

/// Between two tries to get a lock that `SQLite` does not wait for.
const PAUSE: Duration = Duration::from_millis(20);

/// `mstr`: tells muster's files from other `SQLite` databases.
const APPLICATION_ID: i64 = 0x6d73_7472;

/// Pages the WAL may grow by before a commit also moves them into the database file: 16 MiB of
/// 4 KiB pages. Fewer: the same hot page is moved again and again. More: a longer pause when it
/// happens, and a longer replay after a crash.
const CHECKPOINT_PAGES: &str = "4000";

/// The WAL file is cut back to this after a checkpoint that emptied it, bytes: what an exceptional
/// transaction needed is not kept for ever. 64 MiB.
const WAL_LIMIT: &str = "67108864";

/// Page cache of one connection, in KiB (negative by `SQLite`'s convention): 8 MiB holds the indices of
/// 100,000 instances and stays small against the 64 MiB muster may take for them.
const CACHE: &str = "-8192";

/// Files that one connection holds open: the database, its WAL and the WAL's shared memory. Temporary
/// tables and statement journals stay in memory, so that there are no others.
const FILES: u32 = 3;
/// Of the writer and the readers together.
pub(super) const DESCRIPTORS: u32 = FILES * (1 + READERS);

impl Engine for Sqlite {
    /// A transaction that reads first and then wants to write fails at once if another has written
    /// in between; this one waits for its turn at the beginning.
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_READ: &'static str = "BEGIN DEFERRED";
    const JSON_ARRAY: &'static str = "json_array";
    const LOCK_ROW: &'static str = "";
    const BATCHES: &'static [usize] = &[64, 8, 1];

    /// Numbered placeholders have names in `SQLite`, and it looks names up one by one.
    fn placeholder(sql: &mut String, _number: usize) {
        sql.push('?');
    }

    /// <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
    fn trouble(code: &str) -> Trouble {
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Trouble::Locked,
            Ok(8 | 3) => Trouble::ReadOnly,
            Ok(10) => Trouble::Disk,
            Ok(11 | 26) => Trouble::Damaged,
            Ok(13) => Trouble::Full,
            Ok(14) => Trouble::Unopened,
            Ok(19) => Trouble::Conflict,
            Ok(_) | Err(_) => Trouble::Other,
        }
    }

    async fn execute(
        connection: &mut SqliteConnection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> Result<u64, sqlx::Error> {
        Ok(sqlx::query_with(sql, arguments).execute(connection).await?.rows_affected())
    }

    fn fetch(
        connection: &mut SqliteConnection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> BoxStream<'_, Result<Self::Row, sqlx::Error>> {
        sqlx::query_with(sql, arguments).fetch(connection)
    }
}

/// The path in `sqlite:PATH` or `sqlite://PATH`.
pub(super) fn path(url: &str) -> Result<PathBuf, StoreError> {
    let wrong = |problem: &str| StoreError::Url { url: url.to_string(), problem: problem.to_string() };
    let rest = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err(wrong("the path is missing"));
    }
    if path.contains(":memory:") || path.contains("mode=memory") {
        return Err(wrong("a database in memory forgets what was accepted"));
    }
    if path.contains('?') {
        return Err(wrong("options behind '?' are not known here; muster sets SQLite's options itself"));
    }
    Ok(PathBuf::from(path))
}

/// Opens the file, makes it if need be, and brings its schema up to date.
pub(super) async fn open(path: &Path) -> Result<Pools<Sqlite>, StoreError> {
    let database = format!("SQLite file '{}'", path.display());
    let refuse = |problem: String| StoreError::Open { database: database.clone(), problem };
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(refuse(format!("there is no directory '{}'; make it first", directory.display())));
    }
    if path.is_dir() {
        return Err(refuse("it is a directory; name a file in it".to_string()));
    }
    let options = options(path);
    // Pools hide why they cannot connect, so the first connection is made without one.
    prepare(&options).await.map_err(|error| match error {
        Unprepared::Schema(problem) => StoreError::Schema { database: database.clone(), problem },
        Unprepared::Failed(error) => StoreError::connecting::<Sqlite>(&database, &error),
    })?;
    let pool = |size| {
        // A ping before each use would cost as much as the use itself; a file does not hang up.
        SqlitePoolOptions::new()
            .max_connections(size)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
    };
    Ok(Pools {
        writer: pool(1).connect_lazy_with(options.clone()),
        readers: pool(READERS).connect_lazy_with(options.pragma("query_only", "ON").row_buffer_size(1_000)),
        descriptors: DESCRIPTORS,
    })
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", WAL_LIMIT)
        .disable_statement_logging()
}

enum Unprepared {
    Schema(String),
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Unprepared {
    fn from(error: sqlx::Error) -> Self {
        Unprepared::Failed(error)
    }
}

/// Connects. `SQLite` does not wait for the lock it needs to switch a new file to the write-ahead log,
/// so of two processes that start on one, the second has to ask again.
async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut tries = 0;
    loop {
        match options.connect().await {
            Err(e)
                if Trouble::of::<Sqlite>(&e) == Trouble::Locked
                    && tries < BUSY.as_millis() / PAUSE.as_millis() =>
            {
                tries += 1;
                sleep_on_the_wall(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn prepare(options: &SqliteConnectOptions) -> Result<(), Unprepared> {
    let mut connection = connect(options).await?;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
    if mode != "wal" {
        return Err(Unprepared::Schema(format!(
            "its file system allows the journal mode '{mode}' only, and muster needs 'wal': put it on a local disk"
        )));
    }
    // One transaction around all steps: of two processes that start on a new file, the second waits
    // here and then finds nothing to do.
    let mut tx = connection.begin_with(SqlStr::from_static(Sqlite::BEGIN_WRITE)).await?;
    let (application, tables): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT COUNT(*) FROM sqlite_schema)",
    )
    .fetch_one(&mut *tx)
    .await?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(Unprepared::Schema(
            "it is the SQLite database of another program; name another file".to_string(),
        ));
    }
    if let Err(error) = migrate::migrator(migrate::SQLITE).run_direct(None, &mut *tx, false).await {
        return Err(match migrate::problem(&error, migrate::SQLITE) {
            Some(problem) => Unprepared::Schema(problem),
            None => Unprepared::Failed(error.into()),
        });
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::rows::{BudgetRow, Changes};
    use crate::decide::words::Time;
    use crate::store::{CommitError, Opened, Store};
    use sqlx::Executor;

    async fn refused(url: &str) -> String {
        match Store::open(url).await {
            Ok(_) => panic!("{url} was opened"),
            Err(error) => error.to_string(),
        }
    }

    fn budgets(names: std::ops::Range<u32>) -> Changes {
        let budget = |n| BudgetRow { name: format!("a name of some length, number {n}"), full_at_ns: 1 };
        Changes { budgets: names.map(budget).collect(), ..Changes::default() }
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_opened_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path().display();
        for (url, words) in [
            ("muster.db".to_string(), "no scheme"),
            ("mysql://root:secret@db/muster".to_string(), "the scheme 'mysql'"),
            ("sqlite:".to_string(), "the path is missing"),
            ("sqlite::memory:".to_string(), "forgets what was accepted"),
            ("sqlite:muster.db?mode=ro".to_string(), "options behind '?'"),
            (format!("sqlite:{here}/no/such/muster.db"), "there is no directory"),
            (format!("sqlite:{here}"), "it is a directory"),
            // Nobody may make a file there, root included.
            ("sqlite:/proc/muster.db".to_string(), "cannot be opened or made there"),
        ] {
            let error = refused(&url).await;
            assert!(error.contains(words), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_musters_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.txt");
        let text = "not a database, but somebody's notes\n".repeat(100);
        std::fs::write(&path, &text).unwrap();
        let url = format!("sqlite:{}", path.display());
        assert!(refused(&url).await.contains("it is not a database, or it is damaged"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

        let path = directory.path().join("other.db");
        let url = format!("sqlite:{}", path.display());
        let mut other =
            SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
        other.execute("CREATE TABLE photo (id INTEGER PRIMARY KEY)").await.unwrap();
        assert!(refused(&url).await.contains("another program"));
        let tables: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema").fetch_one(&mut other).await.unwrap();
        assert_eq!(tables, 1);
    }

    #[tokio::test]
    async fn every_connection_is_durable_and_strict() {
        let directory = tempfile::tempdir().unwrap();
        let pools = open(&directory.path().join("muster.db")).await.unwrap();
        for pool in [&pools.writer, &pools.readers] {
            for (pragma, value) in
                [("PRAGMA journal_mode", "wal"), ("PRAGMA synchronous", "2"), ("PRAGMA foreign_keys", "1")]
            {
                let row = sqlx::query(pragma).fetch_one(pool).await.unwrap();
                let text = sqlx::Row::try_get::<String, _>(&row, 0);
                let set = text.unwrap_or_else(|_| sqlx::Row::get::<i64, _>(&row, 0).to_string());
                assert_eq!(set, value, "{pragma}");
            }
        }
        let written = sqlx::query("DELETE FROM journal").execute(&pools.readers).await;
        assert!(written.is_err(), "a reading connection cannot write");
    }

    /// A disk that is full: the commit fails as such, leaves nothing behind, and the store goes on
    /// once there is room.
    #[tokio::test]
    async fn a_full_disk_fails_the_commit_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let store =
            Store::open(&format!("sqlite:{}", directory.path().join("muster.db").display())).await.unwrap();
        let epoch = store.take_ownership("test", Time(1)).await.unwrap();
        store.commit(epoch, &budgets(0..10)).await.unwrap();
        let Opened::Sqlite(pools) = &*store.0 else { panic!("it is SQLite") };
        // The limit belongs to the one writing connection, which a failed commit gives up.
        sqlx::query("PRAGMA max_page_count = 1").execute(&pools.writer).await.unwrap();
        let error = store.commit(epoch, &budgets(10..5_000)).await.unwrap_err();
        assert!(
            matches!(&error, CommitError::Storage(StoreError::Database { trouble: Trouble::Full, .. })),
            "{error:?}"
        );
        assert!(error.to_string().contains("full"), "{error}");
        assert_eq!(store.restore(Time(0)).await.unwrap().budgets, budgets(0..10).budgets);
        store.commit(epoch, &budgets(10..5_000)).await.unwrap();
        assert_eq!(store.restore(Time(0)).await.unwrap().budgets.len(), 5_000);
    }

    /// Another process that holds the lock for ever is an error, not a wait for ever.
    #[tokio::test]
    async fn a_lock_that_is_not_given_back_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("muster.db");
        let store = Store::open(&format!("sqlite:{}", path.display())).await.unwrap();
        let epoch = store.take_ownership("test", Time(1)).await.unwrap();
        let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let locked = store.commit(epoch, &budgets(0..1)).await.unwrap_err();
        assert!(
            matches!(&locked, CommitError::Storage(StoreError::Database { trouble: Trouble::Locked, .. })),
            "{locked:?}"
        );
        other.execute("ROLLBACK").await.unwrap();
        store.commit(epoch, &budgets(0..1)).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_files_are_open_than_are_declared() {
        let directory = tempfile::tempdir().unwrap();
        let store =
            Store::open(&format!("sqlite:{}", directory.path().join("muster.db").display())).await.unwrap();
        let epoch = store.take_ownership("test", Time(1)).await.unwrap();
        let reads: Vec<_> = (0..20)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.restore(Time(0)).await.map(drop) })
            })
            .collect();
        store.commit(epoch, &budgets(0..5_000)).await.unwrap();
        for read in reads {
            read.await.unwrap().unwrap();
        }
        let ours = directory.path().canonicalize().unwrap();
        let open = std::fs::read_dir("/proc/self/fd").unwrap().filter(|entry| {
            entry
                .as_ref()
                .is_ok_and(|e| std::fs::read_link(e.path()).is_ok_and(|target| target.starts_with(&ours)))
        });
        let open = u32::try_from(open.count()).unwrap();
        assert!((2..=store.descriptors()).contains(&open), "{open} of {}", store.descriptors());
    }
}
