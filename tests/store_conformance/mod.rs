//! What a store must do, told once and run on SQLite and on a real PostgreSQL server.
//!
//! PostgreSQL is found through `MUSTER_TEST_POSTGRES`, the URL of a database whose user may create
//! others; every story gets a new one.
#![allow(clippy::large_enum_variant, clippy::cast_possible_truncation)] // a few of each

use muster::decide::words::Time;
use muster::store::{Epoch, Store};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

/// Where a story's database lives.
enum Place {
    Sqlite(tempfile::TempDir),
    Postgres { server: sqlx::postgres::PgConnectOptions, url: url::Url, name: String },
}

impl Place {
    fn sqlite() -> Place {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    async fn postgres() -> Place {
        let server = std::env::var("MUSTER_TEST_POSTGRES").expect(
            "MUSTER_TEST_POSTGRES is not set: run ./test, which starts a PostgreSQL server and sets it, \
             or set it to the URL of a database whose user may create databases",
        );
        let name = format!("muster_{}", muster::ids::uuid(Time(0)).replace('-', ""));
        let mut url = url::Url::parse(&server).unwrap();
        let server = sqlx::postgres::PgConnectOptions::from_url(&url).unwrap();
        url.set_path(&name);
        let place = Place::Postgres { server, url, name };
        place.at_server("CREATE DATABASE").await;
        place
    }

    async fn at_server(&self, statement: &str) {
        if let Place::Postgres { server, name, .. } = self {
            let mut connection = server.connect().await.unwrap();
            connection.execute(AssertSqlSafe(format!("{statement} {name}"))).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    async fn remove(self) {
        if let Place::Postgres { name, .. } = &self {
            self.at_server(&format!("DROP DATABASE {name} WITH (FORCE) --")).await;
        }
    }

    fn url(&self) -> String {
        match self {
            Place::Sqlite(directory) => format!("sqlite:{}", directory.path().join("muster.db").display()),
            Place::Postgres { url, .. } => url.to_string(),
        }
    }

    async fn open(&self) -> Store {
        Store::open(&self.url()).await.unwrap()
    }

    /// A store and the right to write to it.
    async fn owned(&self) -> (Store, Epoch) {
        let store = self.open().await;
        let epoch = store.take_ownership("story", Time(1)).await.unwrap();
        (store, epoch)
    }

    /// Runs SQL behind the store's back.
    async fn tamper(&self, sql: &'static str) {
        match self {
            Place::Sqlite(_) => {
                let mut c = sqlx::SqliteConnection::connect(&self.url()).await.unwrap();
                c.execute(sql).await.unwrap();
                c.close().await.unwrap();
            }
            Place::Postgres { .. } => {
                let mut c = sqlx::PgConnection::connect(&self.url()).await.unwrap();
                c.execute(sql).await.unwrap();
                c.close().await.unwrap();
            }
        }
    }
}

macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story(&crate::store_conformance::Place::sqlite()).await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    let place = crate::store_conformance::Place::postgres().await;
                    super::$story(&place).await;
                    place.remove().await;
                }
            )+
        }
    };
}

// Behind the macro, which they use.
mod calendar;
mod facts;
mod gateways;
mod halts;
mod holds;
mod hooks;
mod kept;
mod lists;
mod lives;
mod owners;
mod removals;
mod restore;
mod rows;
mod rules;
mod schema;
mod writes;
mod zones;
