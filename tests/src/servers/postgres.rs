//! A private PostgreSQL.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Durability;
use super::process::{Account, Server, folder, free_port, plain, program, run, unique_name};

const PACKAGE: &str = "postgresql";
/// The account that may do everything on a private server; it needs no password.
pub const USER: &str = "fluxion";

/// Names the administrator's URL of a PostgreSQL that several test processes share.
pub const SHARED_URL: &str = "FLUXION_TEST_POSTGRES_URL";

/// A PostgreSQL that is gone when this value, or the process that holds it, is gone.
#[derive(Debug)]
pub struct PostgreSql {
    /// Everything before the name of the database.
    base_url: String,
    psql: PathBuf,
    /// None when the server belongs to somebody else. Stops before its folder goes.
    server: Option<Server>,
    _folder: Option<tempfile::TempDir>,
}

impl PostgreSql {
    /// Starts one in a temporary folder on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When PostgreSQL is not installed (the message names the package) or does not start.
    pub fn start(durability: Durability) -> Result<Self> {
        let binaries = versioned_folders();
        let initdb = program(&["initdb"], &binaries, PACKAGE)?;
        let postgres = program(&["postgres"], &binaries, PACKAGE)?;
        let psql = program(&["psql"], &binaries, PACKAGE)?;
        let account = Account::when_root("postgres", PACKAGE)?;
        let folder = folder("fluxion-postgres-", account.as_ref())?;
        let data = folder.path().join("data");

        let mut create = Command::new(initdb);
        create.arg("-D").arg(&data).args([
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        let mut create = account
            .as_ref()
            .map_or_else(|| plain(&create), |account| account.run(&create));
        run(create.current_dir("/"))?;

        let port = free_port()?;
        let mut command = Command::new(postgres);
        command.arg("-D").arg(&data);
        for setting in settings(durability) {
            command.arg("-c").arg(setting);
        }
        command.args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
        command.arg("-c").arg(format!("port={port}"));
        // INT is the fast shutdown, QUIT the immediate one; nobody will start this folder again.
        let mut server = Server::start(
            command,
            account.as_ref(),
            "QUIT",
            folder.path().join("server.log"),
            Some(folder.path()),
        )?;
        let base_url = format!("postgres://{USER}@127.0.0.1:{port}/");
        let ready = || {
            run(Command::new(&psql).args(["-XAtqc", "SELECT 1", &format!("{base_url}postgres")]))
                .is_ok()
        };
        server.wait_until("PostgreSQL", ready)?;
        Ok(Self {
            base_url,
            psql,
            server: Some(server),
            _folder: Some(folder),
        })
    }

    /// The one named by `FLUXION_TEST_POSTGRES_URL`, which the test runner starts once for all; one of its own when
    /// that is not set.
    ///
    /// # Errors
    /// As [`PostgreSql::start`].
    pub fn shared() -> Result<Self> {
        let Ok(url) = std::env::var(SHARED_URL) else {
            return Self::start(Durability::Relaxed);
        };
        let (base_url, _database) = url
            .rsplit_once('/')
            .with_context(|| format!("{SHARED_URL} is not a URL"))?;
        let psql = program(&["psql"], &versioned_folders(), PACKAGE)?;
        Ok(Self {
            base_url: format!("{base_url}/"),
            psql,
            server: None,
            _folder: None,
        })
    }

    /// URL of a database on this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}{database}", self.base_url)
    }

    /// URL of the administrator's database, for `FLUXION_TEST_POSTGRES_URL`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.url("postgres")
    }

    /// Creates an empty database and returns its URL.
    ///
    /// # Errors
    /// When the name is taken or is not made of letters, digits and underscores.
    pub fn create_database(&self, name: &str) -> Result<String> {
        ensure!(
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "{name:?} is no name for a database"
        );
        self.query("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        Ok(self.url(name))
    }

    /// Creates an empty database that nobody else uses and returns its URL.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn fresh_database(&self) -> Result<String> {
        self.create_database(&unique_name())
    }

    /// Runs SQL through `psql` and returns what it prints: fields separated by `|`, one row per line.
    ///
    /// # Errors
    /// With the message of the server.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        run(Command::new(&self.psql)
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url(database)))
    }

    /// The command-line client on a database, set up to read statements from its standard input.
    #[must_use]
    pub fn client(&self, database: &str) -> Command {
        let mut command = Command::new(&self.psql);
        command
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1"])
            .arg(self.url(database));
        command
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        let address = self.base_url.rsplit_once(':');
        let port = address.map_or("", |(_, port)| port.trim_end_matches('/'));
        port.parse().unwrap_or_default()
    }

    /// Process id of the server, when it is ours.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref()?.pid()
    }
}

fn settings(durability: Durability) -> &'static [&'static str] {
    match durability {
        Durability::Relaxed => &[
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=300",
            "shared_buffers=64MB",
            "autovacuum=off",
        ],
        Durability::Full => &[
            "shared_buffers=512MB",
            "max_wal_size=4GB",
            "checkpoint_timeout=30min",
        ],
    }
}

/// Debian keeps the server's programs out of PATH, one folder per version; the newest first.
fn versioned_folders() -> Vec<PathBuf> {
    let mut folders: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    folders.sort_by(|a, b| b.cmp(a));
    folders.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_postgresql_starts_answers_and_is_gone_afterwards() {
        let server = PostgreSql::start(Durability::Relaxed).unwrap();
        server.create_database("shop").unwrap();
        assert_eq!(
            server.query("shop", "SELECT 'Café' || 1").unwrap().trim(),
            "Café1"
        );
        let pid = server.pid().unwrap();
        drop(server);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
