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

/// Between two tries to get a lock that SQLite does not wait for.
const PAUSE: Duration = Duration::from_millis(20);

/// `mstr`: tells muster's files from other SQLite databases.
const APPLICATION_ID: i64 = 0x6d73_7472;

/// Pages the WAL may grow by before a commit also moves them into the database file: 16 MiB of
/// 4 KiB pages. Fewer: the same hot page is moved again and again. More: a longer pause when it
/// happens, and a longer replay after a crash.
const CHECKPOINT_PAGES: &str = "4000";

/// The WAL file is cut back to this after a checkpoint that emptied it, bytes: what an exceptional
/// transaction needed is not kept for ever. 64 MiB.
const WAL_LIMIT: &str = "67108864";

/// Page cache of one connection, in KiB (negative by SQLite's convention): 8 MiB holds the indices of
/// 100,000 instances and stays small against the 64 MiB muster may take for them.
const CACHE: &str = "-8192";

/// Files that one connection holds open: the database, its WAL and the WAL's shared memory. Temporary
/// tables and statement journals stay in memory, so that there are no others.
const FILES: u32 = 3;

impl Engine for Sqlite {
    /// A transaction that reads first and then wants to write fails at once if another has written
    /// in between; this one waits for its turn at the beginning.
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_READ: &'static str = "BEGIN DEFERRED";
    const JSON_ARRAY: &'static str = "json_array";
    const LOCK_ROW: &'static str = "";
    const BATCHES: &'static [usize] = &[64, 8, 1];

    /// Numbered placeholders have names in SQLite, and it looks names up one by one.
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
    prepare(&options).await.map_err(|source| match source {
        Unprepared::Schema(problem) => StoreError::Schema { database: database.clone(), problem },
        Unprepared::Failed(source) => StoreError::Connect {
            database: database.clone(),
            trouble: Trouble::of::<Sqlite>(&source),
            source,
        },
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
        descriptors: FILES * (1 + READERS),
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

/// Connects. SQLite does not wait for the lock it needs to switch a new file to the write-ahead log,
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
