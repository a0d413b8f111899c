//! The POS systems that `bench latency` measures: each a small table of products on a real server, and a till that changes
//! a price. SQL Server is the stand-in of `tests/tds`, so what is measured there is the agent, and not SQL Server.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, bail};

use super::latency::PRODUCTS;
use crate::demo::chain::{Agent, program};
use crate::servers::{Durability, MariaDb, PostgreSql, mariadb, postgres};

const DATABASE: &str = "pos";
const TDS_USER: &str = "sa";
const TDS_PASSWORD: &str = "Bench-2026";

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
    MsSql(Rc<fluxion_tds::Server>),
}

/// A connection that stays open, as a till's does.
pub(super) enum Till {
    Client { client: Child, line: ChildStdin },
    Direct(Box<fluxion_tds::Direct>),
}

/// All whose name is wanted; only their servers are started.
pub(super) fn contenders(wanted: impl Fn(&str) -> bool) -> Result<Vec<Contender>> {
    const WAYS: &[(&str, &str)] = &[
        ("MariaDB binlog", "log"),
        ("MariaDB outbox", "outbox"),
        ("PostgreSQL outbox", "outbox"),
        ("SQL Server (stand-in) Change Tracking", "log"),
        ("SQL Server (stand-in) rowversion", "rowversion"),
        ("SQL Server (stand-in) outbox", "outbox"),
    ];
    let mut started: Vec<(&str, Server)> = Vec::new();
    let mut contenders = Vec::new();
    for (name, strategy) in WAYS.iter().filter(|(name, _)| wanted(name)) {
        let kind = name.split(' ').next().unwrap_or_default();
        let known = started.iter().find(|(started, _)| *started == kind);
        let server = match known {
            Some((_, server)) => server.clone(),
            None => {
                let server = match kind {
                    "MariaDB" => Server::mariadb()?,
                    "PostgreSQL" => Server::postgres()?,
                    _ => Server::sql_server()?,
                };
                started.push((kind, server.clone()));
                server
            }
        };
        contenders.push(Contender {
            name,
            section: server.section(),
            mapping: server.mapping(strategy),
            outbox: *strategy == "outbox",
            server,
        });
    }
    if contenders.is_empty() {
        let names: Vec<_> = WAYS.iter().map(|(name, _)| *name).collect();
        bail!("no way of that name; there are: {}", names.join(", "));
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
            Server::MsSql(server) => {
                let rows = server.query(sql)?;
                rows.into_iter().flatten().flatten().collect()
            }
        };
        Ok(text.trim().parse()?)
    }

    /// Opens a till.
    pub fn till(&self) -> Result<Till> {
        let mut command = match &self.server {
            Server::MariaDb(server) => server.client(DATABASE),
            Server::PostgreSql(server) => server.client(DATABASE),
            Server::MsSql(server) => return Ok(Till::Direct(Box::new(server.session()))),
        };
        let mut client = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("could not start the database's client")?;
        let line = client.stdin.take().context("the client has no input")?;
        Ok(Till::Client { client, line })
    }
}

impl Till {
    /// Gives a product a price, in hundredths; a transaction by itself.
    pub fn change(&mut self, product: i64, cents: i64) -> Result<()> {
        let (whole, part) = (cents / 100, cents % 100);
        let sql = format!("UPDATE products SET price = {whole}.{part:02} WHERE id = {product};");
        match self {
            Self::Client { line, .. } => {
                writeln!(line, "{sql}")?;
                line.flush()?;
            }
            Self::Direct(session) => session.execute(&sql)?,
        }
        Ok(())
    }
}

impl Drop for Till {
    fn drop(&mut self) {
        if let Self::Client { client, .. } = self
            && let Err(error) = client.kill().and_then(|()| client.wait())
        {
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

    fn sql_server() -> Result<Self> {
        let server = fluxion_tds::Options::default()
            .administrator(TDS_USER, TDS_PASSWORD)
            .database(DATABASE)
            .start()?;
        let mut sql = "ALTER DATABASE pos SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 DAYS, AUTO_CLEANUP = ON)
            GO
            CREATE TABLE products (id int NOT NULL PRIMARY KEY, name nvarchar(40), price decimal(12, 2), version rowversion)
            GO
            ALTER TABLE products ENABLE CHANGE_TRACKING
            GO
            "
        .replace("            ", "");
        for number in 1..=PRODUCTS {
            sql += &format!(
                "INSERT INTO products (id, name, price) VALUES ({number}, N'Producto {number}', 1.00)\n"
            );
        }
        server.execute(&sql)?;
        Ok(Self::MsSql(Rc::new(server)))
    }

    fn connector(&self) -> &'static str {
        match self {
            Self::MariaDb(_) => "mysql",
            Self::PostgreSql(_) => "postgres",
            Self::MsSql(_) => "sqlserver",
        }
    }

    fn section(&self) -> String {
        let (port, user, password) = match self {
            Self::MariaDb(server) => (server.port(), mariadb::USER, mariadb::PASSWORD),
            Self::PostgreSql(server) => (server.port(), postgres::USER, "none"),
            Self::MsSql(server) => (server.port(), TDS_USER, TDS_PASSWORD),
        };
        format!(
            "[[pos]]\nname = \"till\"\nconnector = \"{}\"\nmapping = \"mapping.toml\"\n\
             time_zone = \"America/Caracas\"\ncurrency = \"VES\"\n\n[pos.connection]\n\
             host = \"127.0.0.1\"\nport = {port}\nuser = \"{user}\"\npassword = \"{password}\"\ndatabase = \"{DATABASE}\"\n",
            self.connector()
        )
    }

    fn mapping(&self, strategy: &str) -> String {
        let capture = match strategy {
            "rowversion" => {
                r#"{ strategy = "watermark", columns = ["p.version"], kind = "rowversion" }"#
                    .to_owned()
            }
            other => format!(r#"{{ strategy = "{other}" }}"#),
        };
        format!(
            r#"name = "till"
version = 1
system = "custom"
connector = "{}"
description = "What `cargo xtask bench latency` follows."

[[streams]]
name = "products"
key = ["id"]
capture = {capture}
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
