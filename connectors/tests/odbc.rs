//! The `odbc` connector against the drivers that Debian has.

mod drivers;
mod faults;
mod mdbtools;
mod shop;
mod types;

use std::sync::OnceLock;

use fluxion_connectors::{Connector, ConnectorKind, registry};
use fluxion_model::stream::StreamSpec;
use fluxion_tests::servers::mariadb::{PASSWORD, USER};
use fluxion_tests::servers::{MariaDb, PostgreSql};
use serde_json::{Value as Json, json};

/// A driver and a database of its own behind it.
pub enum Source {
    Sqlite(tempfile::TempDir),
    Mariadb(&'static MariaDb, String),
    Postgres(&'static PostgreSql, String),
}

/// Which driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    Sqlite,
    Mariadb,
    Postgres,
}

impl Driver {
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Mariadb, Self::Postgres];
}

impl Source {
    pub fn with(driver: Driver, sql: &str) -> Self {
        let source = match driver {
            Driver::Sqlite => Self::Sqlite(tempfile::tempdir().unwrap()),
            Driver::Mariadb => {
                static SERVER: OnceLock<MariaDb> = OnceLock::new();
                let server =
                    SERVER.get_or_init(|| MariaDb::shared().expect("MariaDB must be installed"));
                Self::Mariadb(server, server.fresh_database().unwrap())
            }
            Driver::Postgres => {
                static SERVER: OnceLock<PostgreSql> = OnceLock::new();
                let server = SERVER
                    .get_or_init(|| PostgreSql::shared().expect("PostgreSQL must be installed"));
                Self::Postgres(server, server.fresh_database().unwrap())
            }
        };
        if !sql.is_empty() {
            source.run(sql);
        }
        source
    }

    fn path(folder: &tempfile::TempDir) -> std::path::PathBuf {
        folder.path().join("pos.db")
    }

    pub fn run(&self, sql: &str) {
        match self {
            Self::Sqlite(folder) => sqlite(&Self::path(folder), sql),
            Self::Mariadb(server, name) => drop(server.query(name, sql).unwrap()),
            Self::Postgres(server, url) => {
                drop(server.query(url.rsplit_once('/').unwrap().1, sql).unwrap());
            }
        }
    }

    /// Runs it elsewhere while the test goes on.
    pub fn run_aside(&self, sql: &str) -> std::thread::JoinHandle<()> {
        let sql = sql.to_owned();
        match self {
            Self::Sqlite(folder) => {
                let path = Self::path(folder);
                std::thread::spawn(move || sqlite(&path, &sql))
            }
            Self::Mariadb(server, name) => {
                let (server, name) = (*server, name.clone());
                std::thread::spawn(move || drop(server.query(&name, &sql).unwrap()))
            }
            Self::Postgres(server, url) => {
                let (server, name) = (*server, url.rsplit_once('/').unwrap().1.to_owned());
                std::thread::spawn(move || drop(server.query(&name, &sql).unwrap()))
            }
        }
    }

    pub fn settings(&self) -> Json {
        match self {
            Self::Sqlite(folder) => json!({
                "connection_string": format!("Driver={{SQLite3}};Database={}", Self::path(folder).display()),
                "poll_seconds": 1,
            }),
            Self::Mariadb(server, name) => json!({
                "connection_string": format!(
                    "Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={};Database={name}", server.port()),
                "user": USER, "password": PASSWORD, "poll_seconds": 1,
            }),
            Self::Postgres(_, url) => {
                let (address, name) = url.rsplit_once('/').unwrap();
                let port = address.rsplit_once(':').unwrap().1;
                json!({
                    "connection_string": format!(
                        "Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database={name}"),
                    "user": "fluxion", "poll_seconds": 1,
                })
            }
        }
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        connector(&self.settings())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        match self {
            Self::Sqlite(_) => {}
            Self::Mariadb(server, name) => {
                drop(server.query(name, &format!("DROP DATABASE IF EXISTS `{name}`")));
            }
            Self::Postgres(server, url) => {
                let name = url.rsplit_once('/').unwrap().1;
                let sql = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
                drop(server.query("postgres", &sql));
            }
        }
    }
}

/// SQLite has no server; whoever writes opens the file.
fn sqlite(path: &std::path::Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    connection
        .create_scalar_function(
            "sleep",
            1,
            rusqlite::functions::FunctionFlags::SQLITE_UTF8,
            |c| {
                std::thread::sleep(std::time::Duration::from_secs(u64::from(c.get::<u32>(0)?)));
                Ok(0)
            },
        )
        .unwrap();
    connection.execute_batch(sql).unwrap();
}

pub fn connector(settings: &Json) -> Box<dyn Connector> {
    registry::build(ConnectorKind::Odbc, settings).unwrap()
}

pub fn spec(json: Json) -> StreamSpec {
    serde_json::from_value(json).unwrap()
}

/// A plain table read by diff.
pub fn table(name: &str, key: &[&str], columns: Json) -> StreamSpec {
    spec(json!({
        "name": name, "key": key, "capture": {"strategy": "diff"},
        "source": {"query": {"from": name, "columns": columns}},
    }))
}
