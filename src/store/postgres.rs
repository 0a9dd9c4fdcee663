//! The server engine, for databases that outlive a machine.

use std::time::Duration;

use futures_util::stream::BoxStream;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Postgres, SqlStr};

use super::engine::Engine;
use super::error::{StoreError, Trouble};
use super::migrate;
use super::{Pools, READERS};
use crate::time::timeout_on_the_wall;

/// How long connecting may take before it is an error.
const CONNECT: Duration = Duration::from_secs(10);

/// Settings of every session.
///
/// A stopped muster that is in the middle of a transaction keeps the ownership's row locked. The
/// server ends such a transaction after 10 s, so that one who wants the ownership and waits 20 s for
/// the lock gets it.
const SESSION: [(&str, &str); 4] = [
    ("synchronous_commit", "on"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("lock_timeout", "20s"),
    ("statement_timeout", "30s"),
];

/// One socket each for the writer and the readers.
pub(super) const DESCRIPTORS: u32 = 1 + READERS;

impl Engine for Postgres {
    const BEGIN_WRITE: &'static str = "BEGIN";
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const JSON_ARRAY: &'static str = "json_build_array";
    const LOCK_ROW: &'static str = "FOR SHARE";
    /// A statement may have 65,535 values; the widest table takes 15 a row, so up to 4,369 rows fit.
    const BATCHES: &'static [usize] = &[512, 64, 8, 1];

    fn placeholder(sql: &mut String, number: usize) {
        sql.push('$');
        sql.push_str(&number.to_string());
    }

    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn trouble(code: &str) -> Trouble {
        match code {
            "55P03" | "57014" | "40P01" => Trouble::Locked,
            "53100" => Trouble::Full,
            "25006" | "42501" => Trouble::ReadOnly,
            "58030" => Trouble::Disk,
            "3D000" => Trouble::Missing,
            "XX001" | "XX002" => Trouble::Damaged,
            _ if code.starts_with("23") => Trouble::Conflict,
            _ if code.starts_with("28") => Trouble::Denied,
            _ if code.starts_with("08") || code.starts_with("57P") || code == "53300" => Trouble::Unreachable,
            _ => Trouble::Other,
        }
    }

    async fn execute(
        connection: &mut PgConnection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> Result<u64, sqlx::Error> {
        Ok(sqlx::query_with(sql, arguments).execute(connection).await?.rows_affected())
    }

    fn fetch(
        connection: &mut PgConnection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> BoxStream<'_, Result<Self::Row, sqlx::Error>> {
        sqlx::query_with(sql, arguments).fetch(connection)
    }
}

/// The connection a URL describes. What is not in it comes from libpq's environment variables
/// (`PGPASSWORD`, `PGSSLMODE`, ...) and password file.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    // The text of a URL that cannot be read may hold a password anywhere, so none of it is shown.
    let unreadable = |problem: String| StoreError::Url { url: "postgres://...".to_string(), problem };
    let parsed = url::Url::parse(url).map_err(|e| unreadable(e.to_string()))?;
    let options = PgConnectOptions::from_url(&parsed).map_err(|_| {
        unreadable(
            "a part of it cannot be read (special characters in a password are written as %XX)".to_string(),
        )
    })?;
    if options.get_database().is_none() {
        return Err(StoreError::Url {
            url: shown(&options),
            problem: "the database's name is missing".to_string(),
        });
    }
    let options =
        if options.get_application_name().is_none() { options.application_name("muster") } else { options };
    Ok(options.options(SESSION).disable_statement_logging())
}

/// The URL without what is secret in it.
fn shown(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or("");
    let (user, port) = (options.get_username(), options.get_port());
    match options.get_socket() {
        Some(socket) => format!("postgres://{user}@{}:{port}/{database}", socket.display()),
        None => format!("postgres://{user}@{}:{port}/{database}", options.get_host()),
    }
}

/// Connects, and brings the schema up to date.
pub(super) async fn open(options: PgConnectOptions) -> Result<Pools<Postgres>, StoreError> {
    let database = shown(&options);
    let failed = |error: &sqlx::Error| StoreError::connecting::<Postgres>(&database, error);
    // Pools hide why they cannot connect, so the first connection is made without one.
    let Some(connected) = timeout_on_the_wall(CONNECT, options.connect()).await else {
        return Err(StoreError::Open {
            problem: format!("no answer within {} s", CONNECT.as_secs()),
            database,
        });
    };
    let mut connection = connected.map_err(|error| failed(&error))?;
    // The migrator holds an advisory lock, so of two that start at once the second finds nothing to do.
    if let Err(error) = migrate::migrator(migrate::POSTGRES).run_direct(None, &mut connection, false).await {
        return Err(match migrate::problem(&error, migrate::POSTGRES) {
            Some(problem) => StoreError::Schema { database, problem },
            None => failed(&error.into()),
        });
    }
    connection.close().await.map_err(|error| failed(&error))?;
    let pool = |size| {
        PgPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(CONNECT)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    Ok(Pools {
        writer: pool(1).connect_lazy_with(options.clone()),
        readers: pool(READERS).connect_lazy_with(options),
        descriptors: DESCRIPTORS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_shows_a_password() {
        for url in [
            "postgres://muster:hunter2@127.0.0.1:5432",
            "postgres://muster:hunter2@127.0.0.1:port/muster",
            "postgres://muster:hunter2@[::1/muster",
            "postgres://muster@127.0.0.1/muster?sslmode=hunter2",
            "postgres://muster:%ff@127.0.0.1/hunter2?port=x",
        ] {
            let error = options(url).unwrap_err();
            let all = format!("{error} {error:?}");
            assert!(!all.contains("hunter2"), "{url}: {all}");
            assert!(error.to_string().contains("postgres://USER:PASSWORD@HOST:PORT/DATABASE"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_without_its_password() {
        // Bound and not listening: nobody else can take the port, and connecting is refused.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let url = format!("postgres://someone:hunter2@127.0.0.1:{port}/books");
        let error = crate::store::Store::open(&url).await.unwrap_err();
        let all = format!("{error} {error:?}");
        assert!(all.contains(&format!("postgres://someone@127.0.0.1:{port}/books")), "{all}");
        assert!(all.contains("there is no connection"), "{all}");
        assert!(!all.contains("hunter2"), "{all}");
    }
}
