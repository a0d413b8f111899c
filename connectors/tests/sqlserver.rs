//! The `sqlserver` connector against `tests/tds`, which speaks SQL Server's protocol and enough of its language.

mod faults;
mod line;
mod outbox;
mod probe;
mod shop;
mod trouble;
mod types;

use std::sync::Arc;
use std::thread::JoinHandle;

use fluxion_connectors::{Connector, ConnectorKind, registry};
use fluxion_model::stream::StreamSpec;
use fluxion_tds::{Options, Server};
use serde_json::{Value as Json, json};

/// The database that every server here has.
const NAME: &str = "till";

/// A server of its own with one database.
pub struct Database {
    pub server: Arc<Server>,
}

impl Database {
    pub fn with(sql: &str) -> Self {
        Self::on(Options::default(), sql)
    }

    pub fn on(options: Options, sql: &str) -> Self {
        let server = Arc::new(options.database(NAME).start().unwrap());
        let database = Self { server };
        database.run(sql);
        database
    }

    /// What the POS does, or whoever owns its database.
    pub fn run(&self, sql: &str) {
        if let Err(error) = self.server.execute(sql) {
            panic!("{error}\n{sql}");
        }
    }

    /// The same beside whatever else happens.
    pub fn run_aside(&self, sql: String) -> JoinHandle<()> {
        let server = self.server.clone();
        std::thread::spawn(move || server.execute(&sql).unwrap())
    }

    /// Switches Change Tracking on.
    pub fn track(&self, tables: &[&str]) {
        self.run(&format!(
            "ALTER DATABASE [{NAME}] SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 DAYS, AUTO_CLEANUP = ON)"
        ));
        for table in tables {
            self.run(&format!("ALTER TABLE {table} ENABLE CHANGE_TRACKING"));
        }
    }

    pub fn allow_snapshots(&self) {
        self.run(&format!(
            "ALTER DATABASE [{NAME}] SET ALLOW_SNAPSHOT_ISOLATION ON"
        ));
    }

    pub fn settings(&self) -> Json {
        json!({
            "host": "127.0.0.1", "port": self.server.port(), "database": NAME,
            "user": "sa", "password": "Secret-1", "poll_seconds": 1, "follow_milliseconds": 50,
        })
    }

    /// With some settings changed.
    pub fn connector_with(&self, change: Json) -> Box<dyn Connector> {
        let mut settings = self.settings();
        let change = change.as_object().unwrap().clone();
        settings.as_object_mut().unwrap().extend(change);
        registry::build(ConnectorKind::Sqlserver, &settings).unwrap()
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        self.connector_with(json!({}))
    }
}

/// Text as a literal.
pub fn quoted(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

pub fn spec(json: Json) -> StreamSpec {
    serde_json::from_value(json).unwrap()
}

/// A plain table read by diff.
pub fn table(name: &str, key: &[&str], columns: Json) -> StreamSpec {
    spec(json!({
        "name": name.trim_start_matches("dbo."), "key": key, "capture": {"strategy": "diff"},
        "source": {"query": {"from": name, "columns": columns}},
    }))
}
