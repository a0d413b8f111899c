//! The `firebird` connector against a real Firebird.

mod faults;
mod shop;
mod types;

use std::sync::OnceLock;

use fluxion_connectors::{Connector, ConnectorKind, registry};
use fluxion_model::stream::StreamSpec;
use fluxion_tests::servers::Firebird;
use fluxion_tests::servers::firebird::{PASSWORD, USER};
use serde_json::{Value as Json, json};

/// A database of its own on a server of its own.
pub struct Database {
    server: &'static Firebird,
    name: String,
}

impl Database {
    pub fn with(sql: &str) -> Self {
        Self::in_charset("UTF8", sql)
    }

    pub fn in_charset(charset: &str, sql: &str) -> Self {
        static SERVER: OnceLock<Firebird> = OnceLock::new();
        let server = SERVER.get_or_init(|| Firebird::start().expect("Firebird must be installed"));
        let name = server.fresh_database(charset).unwrap();
        let database = Self { server, name };
        database.run(sql);
        database
    }

    pub fn run(&self, sql: &str) -> String {
        self.server.query(&self.name, sql).unwrap()
    }

    pub fn settings(&self) -> Json {
        json!({
            "host": "127.0.0.1", "port": self.server.port(), "database": self.name,
            "user": USER, "password": PASSWORD, "poll_seconds": 1,
        })
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        registry::build(ConnectorKind::Firebird, &self.settings()).unwrap()
    }
}

pub fn spec(json: Json) -> StreamSpec {
    serde_json::from_value(json).unwrap()
}

/// A plain table read by diff.
pub fn table(name: &str, key: &[&str], columns: Json) -> StreamSpec {
    spec(json!({
        "name": name.to_lowercase(), "key": key, "capture": {"strategy": "diff"},
        "source": {"query": {"from": name, "columns": columns}},
    }))
}
