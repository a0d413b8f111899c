//! The `postgres` connector against a real PostgreSQL.

mod faults;
mod outbox;
mod shop;
mod types;
mod watermark;

use std::sync::OnceLock;

use fluxion_connectors::{Connector, ConnectorKind, registry};
use fluxion_model::stream::StreamSpec;
use fluxion_tests::servers::PostgreSql;
use serde_json::{Value as Json, json};

/// A database of its own on the server all tests share.
pub struct Database {
    server: &'static PostgreSql,
    name: String,
    port: u16,
}

impl Database {
    pub fn with(sql: &str) -> Self {
        static SERVER: OnceLock<PostgreSql> = OnceLock::new();
        let server =
            SERVER.get_or_init(|| PostgreSql::shared().expect("PostgreSQL must be installed"));
        let url = server.fresh_database().unwrap();
        let (address, name) = url.rsplit_once('/').unwrap();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let database = Self {
            server,
            name: name.to_owned(),
            port,
        };
        if !sql.is_empty() {
            database.run(sql);
        }
        database
    }

    pub fn run(&self, sql: &str) -> String {
        self.server.query(&self.name, sql).unwrap()
    }

    /// Runs it elsewhere while the test goes on.
    pub fn run_aside(&self, sql: &str) -> std::thread::JoinHandle<()> {
        let (server, name, sql) = (self.server, self.name.clone(), sql.to_owned());
        std::thread::spawn(move || {
            server.query(&name, &sql).unwrap();
        })
    }

    pub fn settings(&self) -> Json {
        json!({
            "host": "127.0.0.1", "port": self.port, "database": self.name,
            "user": "fluxion", "poll_seconds": 1,
        })
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        registry::build(ConnectorKind::Postgres, &self.settings()).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        self.server.query("postgres", &sql).unwrap();
    }
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
