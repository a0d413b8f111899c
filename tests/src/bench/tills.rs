//! The POS systems that `bench latency` measures: each a small table of products on a real server, and a till that changes
//! a price.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, bail};

use super::latency::PRODUCTS;
use crate::demo::chain::{Agent, program};
use crate::servers::{Durability, MariaDb, PostgreSql, mariadb, postgres};

const DATABASE: &str = "pos";

/// A way of noticing changes, on one kind of server.
pub(super) struct Contender {
    pub name: &'static str,
    /// The `[[pos]]` section of the agent's configuration.
    pub section: String,
    pub mapping: String,
    server: Server,
    outbox: bool,
}

#[derive(Clone)]
enum Server {
    MariaDb(Rc<MariaDb>),
    PostgreSql(Rc<PostgreSql>),
}

/// A database client that stays open, as a till's does.
pub(super) struct Till {
    client: Child,
    line: ChildStdin,
    server: Server,
}

/// All whose name is wanted; only their servers are started.
pub(super) fn contenders(wanted: impl Fn(&str) -> bool) -> Result<Vec<Contender>> {
    const WAYS: &[(&str, &str)] = &[
        ("MariaDB binlog", "log"),
        ("MariaDB outbox", "outbox"),
        ("PostgreSQL outbox", "outbox"),
    ];
    let (mut mariadb, mut postgres) = (None, None);
    let mut contenders = Vec::new();
    for (name, strategy) in WAYS.iter().filter(|(name, _)| wanted(name)) {
        let server = if name.starts_with("MariaDB") {
            if mariadb.is_none() {
                mariadb = Some(Server::mariadb()?);
            }
            mariadb.clone()
        } else {
            if postgres.is_none() {
                postgres = Some(Server::postgres()?);
            }
            postgres.clone()
        };
        let server = server.context("no server")?;
        contenders.push(Contender {
            name,
            section: server.section(),
            mapping: server.mapping(strategy),
            outbox: *strategy == "outbox",
            server,
        });
    }
    Ok(contenders)
}

impl Contender {
    /// Installs what this way needs at the POS.
    pub fn prepare(&self, agent: &Agent) -> Result<()> {
        if !self.outbox {
            return Ok(());
        }
        let output = Command::new(program("fluxion-agent")?)
            .args(["outbox", "install", "--yes", "--config"])
            .arg(&agent.config)
            .output()?;
        if !output.status.success() {
            bail!(
                "the outbox could not be installed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// How many products there are.
    pub fn count(&self) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM products";
        let text = match &self.server {
            Server::MariaDb(server) => server.query(DATABASE, sql)?,
            Server::PostgreSql(server) => server.query(DATABASE, sql)?,
        };
        Ok(text.trim().parse()?)
    }

    /// Opens a till.
    pub fn till(&self) -> Result<Till> {
        let mut command = match &self.server {
            Server::MariaDb(server) => server.client(DATABASE),
            Server::PostgreSql(server) => server.client(DATABASE),
        };
        let mut client = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("could not start the database's client")?;
        let line = client.stdin.take().context("the client has no input")?;
        Ok(Till {
            client,
            line,
            server: self.server.clone(),
        })
    }
}

impl Till {
    /// Gives a product a price, in hundredths; a transaction by itself.
    pub fn change(&mut self, product: i64, cents: i64) -> Result<()> {
        let end = match &self.server {
            Server::MariaDb(_) | Server::PostgreSql(_) => ";",
        };
        let (whole, part) = (cents / 100, cents % 100);
        writeln!(
            self.line,
            "UPDATE products SET price = {whole}.{part:02} WHERE id = {product}{end}"
        )?;
        self.line.flush()?;
        Ok(())
    }
}

impl Drop for Till {
    fn drop(&mut self) {
        if let Err(error) = self.client.kill().and_then(|()| self.client.wait()) {
            eprintln!("a database client does not end: {error}");
        }
    }
}

impl Server {
    fn mariadb() -> Result<Self> {
        let server = MariaDb::start(Durability::Full)?;
        server.create_database(DATABASE)?;
        server.query(DATABASE, &products("seq_1_to_500", "seq"))?;
        Ok(Self::MariaDb(Rc::new(server)))
    }

    fn postgres() -> Result<Self> {
        let server = PostgreSql::start(Durability::Full)?;
        server.create_database(DATABASE)?;
        server.query(DATABASE, &products("generate_series(1, 500) seq", "seq"))?;
        Ok(Self::PostgreSql(Rc::new(server)))
    }

    fn connector(&self) -> &'static str {
        match self {
            Self::MariaDb(_) => "mysql",
            Self::PostgreSql(_) => "postgres",
        }
    }

    fn section(&self) -> String {
        let (port, user, password) = match self {
            Self::MariaDb(server) => (server.port(), mariadb::USER, mariadb::PASSWORD),
            Self::PostgreSql(server) => (server.port(), postgres::USER, "none"),
        };
        format!(
            "[[pos]]\nname = \"till\"\nconnector = \"{}\"\nmapping = \"mapping.toml\"\n\
             time_zone = \"America/Caracas\"\ncurrency = \"VES\"\n\n[pos.connection]\n\
             host = \"127.0.0.1\"\nport = {port}\nuser = \"{user}\"\npassword = \"{password}\"\ndatabase = \"{DATABASE}\"\n",
            self.connector()
        )
    }

    fn mapping(&self, strategy: &str) -> String {
        format!(
            r#"name = "till"
version = 1
system = "custom"
connector = "{}"
description = "What `cargo xtask bench latency` follows."

[[streams]]
name = "products"
key = ["id"]
capture = {{ strategy = "{strategy}" }}
changes = [{{ table = "products", key = ["id"] }}]

[streams.source.query]
from = "products p"
columns = {{ id = "p.id", name = "p.name", price = "p.price" }}

[[streams.records]]
entity = "product"
fields = {{ id = "id", name = "name" }}

[[streams.records]]
entity = "price"
fields = {{ product = "id", amount = "price" }}
"#,
            self.connector()
        )
    }
}

fn products(series: &str, number: &str) -> String {
    debug_assert_eq!(PRODUCTS, 500);
    format!(
        "CREATE TABLE products (id INT PRIMARY KEY, name VARCHAR(40), price DECIMAL(12,2));
         INSERT INTO products SELECT {number}, CONCAT('Producto ', {number}), 1.00 FROM {series};"
    )
}
