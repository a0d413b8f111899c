//! The processes of the demo: one cloud, one agent per store, the databases under them.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;

use super::api::Api;
use super::narrate::Narrator;
use crate::servers::process::{Server, free_port};
use crate::servers::{MariaDb, PostgreSql};
use crate::sim::stellar::Address;

/// The administrator of the demo.
pub const EMAIL: &str = "admin@laesquina.example";
/// The administrator's password; the demo listens on this machine only.
pub const PASSWORD: &str = "la-esquina-2026";
/// The company.
pub const TENANT: &str = "Abastos La Esquina, C.A.";

/// A program of ours, from the folder this one was started from.
///
/// # Errors
/// When it was not built.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("where am I?")?;
    let folder = own.parent().context("where am I?")?;
    // Test binaries live one folder deeper.
    let found = [folder.join(name), folder.join("..").join(name)]
        .into_iter()
        .find(|file| file.is_file());
    found.with_context(|| {
        format!(
            "{name} is not in {}; build it with cargo build -p {name}",
            folder.display()
        )
    })
}

/// The cloud service.
#[derive(Debug)]
pub struct Cloud {
    /// Its address.
    pub url: String,
    port: u16,
    database_url: String,
    logs: PathBuf,
    folder: PathBuf,
    server: Option<Server>,
}

impl Cloud {
    /// The service in this folder, on SQLite unless a PostgreSQL is given. It is not started yet.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(folder: &Path, port: u16, postgres: Option<&PostgreSql>) -> Result<Self> {
        let cloud = folder.join("cloud");
        let logs = folder.join("logs");
        fs::create_dir_all(&cloud)?;
        fs::create_dir_all(&logs)?;
        let database_url = match postgres {
            Some(server) => server.create_database("fluxion")?,
            None => format!("sqlite://{}", cloud.join("fluxion.db").display()),
        };
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            database_url,
            logs,
            folder: cloud,
            server: None,
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn start(&mut self) -> Result<()> {
        let mut command = self.administration()?;
        command.arg("serve");
        command.env("FLUXION_LISTEN", format!("127.0.0.1:{}", self.port));
        command.env("FLUXION_TENANT_NAME", TENANT);
        command
            .env("FLUXION_COOKIES", "plain")
            .env("FLUXION_ADMIN_EMAIL", EMAIL)
            .env("FLUXION_ADMIN_PASSWORD", PASSWORD);
        let mut server = Server::start(command, None, "TERM", self.logs.join("ingest.log"), None)?;
        let port = self.port;
        server.wait_until("fluxion-ingest", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        self.server = Some(server);
        Ok(())
    }

    /// `fluxion-ingest` for its database; the caller says what it shall do.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn administration(&self) -> Result<Command> {
        let mut command = Command::new(program("fluxion-ingest")?);
        command
            .env("FLUXION_DATABASE_URL", &self.database_url)
            .env("FLUXION_DATA_DIR", &self.folder);
        Ok(command)
    }

    /// Stops it the polite way.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref()?.pid()
    }
}

/// An agent at a store.
#[derive(Debug)]
pub struct Agent {
    /// The store it stands in.
    pub store: String,
    /// That store in the cloud.
    pub store_id: String,
    /// Its configuration.
    pub config: PathBuf,
    /// What runs there.
    pub program: PathBuf,
    log: PathBuf,
    server: Option<Server>,
}

/// What `fluxion-agent status --json` says, as far as it matters here.
#[derive(Debug, Deserialize)]
pub struct Status {
    /// Deliveries that wait for the cloud.
    pub queued_batches: u64,
    /// The streams that have been read.
    pub streams: Vec<StreamStatus>,
}

/// A stream in [`Status`].
#[derive(Debug, Deserialize)]
pub struct StreamStatus {
    /// Its name.
    pub stream: String,
    /// Whether a scan of everything is under way.
    pub scanning: bool,
    /// Why it waits for a person, if it does.
    pub halted: serde_json::Value,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Agent {
    /// Adds a store to the cloud, writes the agent's configuration and enrols it.
    ///
    /// # Errors
    /// When the cloud or the agent refuses.
    pub async fn install(
        api: &Api,
        cloud: &str,
        folder: &Path,
        store: &str,
        city: &str,
        pos: &str,
    ) -> Result<Self> {
        let created: Created = api
            .post("/v1/stores", json!({ "name": store, "city": city }))
            .await?;
        let path = format!("/v1/stores/{}/enrolment-codes", created.id);
        let code: Code = api.post(&path, json!({})).await?;
        fs::create_dir_all(folder)?;
        let config = folder.join("fluxion-agent.toml");
        fs::write(
            &config,
            format!("server = \"{cloud}\"\ndata_dir = \"agent\"\n\n{pos}"),
        )?;

        let program = program("fluxion-agent")?;
        let mut enroll = Command::new(&program);
        enroll
            .arg("enroll")
            .arg("--config")
            .arg(&config)
            .args(["--server", cloud, "--code", &code.code]);
        let output = enroll.output().context("could not start fluxion-agent")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned()
                + &String::from_utf8_lossy(&output.stdout);
            bail!(
                "the agent of {store} could not be enrolled: {}",
                said.trim()
            );
        }
        let log = folder.join("agent.log");
        Ok(Self {
            store: store.to_owned(),
            store_id: created.id,
            config,
            program,
            log,
            server: None,
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn start(&mut self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--config").arg(&self.config);
        self.server = Some(Server::start(
            command,
            None,
            "TERM",
            self.log.clone(),
            None,
        )?);
        Ok(())
    }

    /// What it says about itself.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn status(&self) -> Result<Status> {
        let mut command = Command::new(&self.program);
        let output = command
            .arg("status")
            .arg("--json")
            .arg("--config")
            .arg(&self.config)
            .output()?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "the agent's status: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Stops it the polite way.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref()?.pid()
    }
}

/// The `[[pos]]` section of a store whose POS is on MariaDB.
#[must_use]
pub fn systimax_section(server: &MariaDb, database: &str) -> String {
    format!(
        r#"[[pos]]
name = "systimax"
connector = "mysql"
pack = "systimax-mysql"
time_zone = "America/Caracas"
currency = "VES"
country = "VE"
every = "1s"

[pos.connection]
host = "127.0.0.1"
port = {}
user = "{}"
password = "{}"
database = "{database}"

[pos.settings]
location_id = {}
"#,
        server.port(),
        crate::servers::mariadb::USER,
        crate::servers::mariadb::PASSWORD,
        crate::sim::systimax::LOCATION,
    )
}

/// The `[[pos]]` section of a store with Stellar.
#[must_use]
pub fn stellar_section(address: &Address) -> String {
    format!(
        r#"[[pos]]
name = "stellar"
connector = "sqlserver"
pack = "stellar"
time_zone = "America/Caracas"
currency = "VES"
country = "VE"
every = "1s"

[pos.connection]
host = "127.0.0.1"
port = {}
user = "{}"
password = "{}"
database = "VAD10"
"#,
        address.port, address.user, address.password
    )
}

/// The `[[pos]]` section of a store whose POS keeps its tables in files.
#[must_use]
pub fn adminpaq_section(folder: &Path) -> String {
    format!(
        r#"[[pos]]
name = "adminpaq"
connector = "files"
pack = "adminpaq-dbf"
time_zone = "America/Caracas"
currency = "VES"
country = "VE"
every = "2s"

[pos.connection]
folder = '{}'
settle_seconds = 0.3

[pos.settings]
classification = 1
local_currency = "VES"
"#,
        folder.display()
    )
}

/// The `[[pos]]` section of a store whose POS drops files.
#[must_use]
pub fn export_section(name: &str, folder: &Path, currency: &str) -> String {
    format!(
        r#"[[pos]]
name = "{name}"
connector = "files"
pack = "fluxion-export"
time_zone = "America/Caracas"
currency = "{currency}"
country = "VE"
every = "2s"

[pos.connection]
folder = '{}'
"#,
        folder.display()
    )
}

/// The port that was asked for, or a free one when that is 0 or somebody else listens there.
///
/// # Errors
/// When no port is free at all.
pub fn port(wanted: u16, narrator: &Narrator) -> Result<u16> {
    if wanted == 0 {
        return free_port();
    }
    if TcpListener::bind(("127.0.0.1", wanted)).is_ok() {
        return Ok(wanted);
    }
    let port = free_port()?;
    narrator.say(format!(
        "port {wanted} is taken; the dashboard listens on {port} (choose with --port)"
    ));
    Ok(port)
}
