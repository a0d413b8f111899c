//! The `mysql` connector against a real MariaDB.

mod binlog;
mod faults;
mod logins;
mod outbox;
mod shop;
mod types;
mod watermark;

use std::sync::OnceLock;

use fluxion_connectors::{Connector, ConnectorKind, registry};
use fluxion_model::stream::StreamSpec;
use fluxion_tests::servers::MariaDb;
use fluxion_tests::servers::mariadb::{PASSWORD, USER};
use serde_json::{Value as Json, json};

/// A database of its own on the server all tests share.
pub struct Database {
    server: &'static MariaDb,
    pub name: String,
}

impl Database {
    pub fn with(sql: &str) -> Self {
        static SERVER: OnceLock<MariaDb> = OnceLock::new();
        let server = SERVER.get_or_init(|| MariaDb::shared().expect("MariaDB must be installed"));
        let name = server.fresh_database().unwrap();
        let database = Self { server, name };
        database.run(sql);
        database
    }

    pub fn run(&self, sql: &str) -> String {
        self.server.query(&self.name, sql).unwrap()
    }

    /// The same beside whatever else happens.
    pub fn run_aside(&self, sql: String) -> std::thread::JoinHandle<()> {
        let (server, name) = (self.server, self.name.clone());
        std::thread::spawn(move || {
            server.query(&name, &sql).unwrap();
        })
    }

    /// The same, going on past statements that fail, as a deadlock's victim does.
    pub fn run_past_errors(&self, sql: String) -> std::thread::JoinHandle<()> {
        use std::io::Write as _;
        let mut client = self.server.client(&self.name);
        client
            .arg("--force")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        std::thread::spawn(move || {
            let mut running = client.spawn().unwrap();
            let mut input = running.stdin.take().unwrap();
            input.write_all(sql.as_bytes()).unwrap();
            drop(input);
            running.wait().unwrap();
        })
    }

    pub fn settings(&self) -> Json {
        json!({
            "host": "127.0.0.1", "port": self.server.port(), "database": self.name,
            "user": USER, "password": PASSWORD, "poll_seconds": 1, "follow_milliseconds": 100,
        })
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        registry::build(ConnectorKind::Mysql, &self.settings()).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.run(&format!("DROP DATABASE IF EXISTS `{}`", self.name));
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
