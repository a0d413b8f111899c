//! A private MariaDB.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Durability;
use super::process::{Account, Server, folder, free_port, program, run, unique_name};

const PACKAGE: &str = "mariadb-server";

/// The account that may do everything on a private server.
pub const USER: &str = "fluxion";
/// Its password.
pub const PASSWORD: &str = "fluxion";

/// Names the administrator's URL of a MariaDB that several test processes share.
pub const SHARED_URL: &str = "FLUXION_TEST_MARIADB_URL";

/// A MariaDB that is gone when this value, or the process that holds it, is gone.
#[derive(Debug)]
pub struct MariaDb {
    port: u16,
    client: PathBuf,
    /// None when the server belongs to somebody else. Stops before its folder goes.
    server: Option<Server>,
    _folder: Option<tempfile::TempDir>,
}

impl MariaDb {
    /// Starts one in a temporary folder on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When MariaDB is not installed (the message names the package) or does not start.
    pub fn start(durability: Durability) -> Result<Self> {
        Self::start_with(durability, &[])
    }

    /// The same with more options for the server, such as `--skip-log-bin`.
    ///
    /// # Errors
    /// When MariaDB is not installed, does not start, or does not know an option.
    pub fn start_with(durability: Durability, options: &[&str]) -> Result<Self> {
        let sbin = [PathBuf::from("/usr/sbin")];
        let install = program(&["mariadb-install-db", "mysql_install_db"], &[], PACKAGE)?;
        let daemon = program(&["mariadbd", "mysqld"], &sbin, PACKAGE)?;
        let client = program(&["mariadb", "mysql"], &[], PACKAGE)?;
        let account = Account::when_root("mysql", PACKAGE)?;
        let folder = folder("fluxion-mariadb-", account.as_ref())?;
        let data = folder.path().join("data");

        let mut create = Command::new(install);
        create
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()));
        create.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Two that are made at the same moment would take each other's temporary tables.
        create.arg(format!("--tmpdir={}", folder.path().display()));
        if account.is_some() {
            create.arg("--user=mysql");
        }
        run(create.current_dir("/"))?;

        let grants = folder.path().join("grants.sql");
        let sql = format!(
            "CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
        );
        fs::write(&grants, sql).with_context(|| format!("could not write {}", grants.display()))?;

        let port = free_port()?;
        let mut command = Command::new(daemon);
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", data.display()));
        command.arg(format!("--socket={}", folder.path().join("s").display()));
        command.arg(format!("--tmpdir={}", folder.path().display()));
        command.arg(format!(
            "--pid-file={}",
            folder.path().join("pid").display()
        ));
        command
            .arg(format!("--init-file={}", grants.display()))
            .arg(format!("--port={port}"));
        command.args([
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--local-infile=1",
            "--performance-schema=OFF",
        ]);
        command.args([
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
        ]);
        command.args(settings(durability)).args(options);
        // Nobody will start this folder again, so it need not be left in order.
        let mut server = Server::start(
            command,
            account.as_ref(),
            "KILL",
            folder.path().join("server.log"),
            Some(folder.path()),
        )?;
        server.wait_until("MariaDB", || greets(port))?;
        Ok(Self {
            port,
            client,
            server: Some(server),
            _folder: Some(folder),
        })
    }

    /// The one named by `FLUXION_TEST_MARIADB_URL`, which the test runner starts once for all; one of its own when
    /// that is not set.
    ///
    /// # Errors
    /// As [`MariaDb::start`].
    pub fn shared() -> Result<Self> {
        let Ok(url) = std::env::var(SHARED_URL) else {
            return Self::start(Durability::Relaxed);
        };
        let port = url
            .rsplit_once('/')
            .and_then(|(host, _)| host.rsplit_once(':'))
            .and_then(|(_, port)| port.parse().ok());
        let port = port.with_context(|| {
            format!("{SHARED_URL} must look like mysql://user:password@127.0.0.1:3306/")
        })?;
        let client = program(&["mariadb", "mysql"], &[], PACKAGE)?;
        Ok(Self {
            port,
            client,
            server: None,
            _folder: None,
        })
    }

    /// URL of a database on this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "mysql://{USER}:{PASSWORD}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// URL without a database, for `FLUXION_TEST_MARIADB_URL`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.url("")
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
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
        self.query("", &format!("CREATE DATABASE `{name}`"))?;
        Ok(self.url(name))
    }

    /// Creates an empty database that nobody else uses and returns its name.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn fresh_database(&self) -> Result<String> {
        let name = unique_name();
        self.create_database(&name)?;
        Ok(name)
    }

    /// Runs SQL through the command-line client and returns what it prints: fields separated by tabs, one row per
    /// line, without a header.
    ///
    /// # Errors
    /// With the message of the server.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        run(self.client(database).args(["-e", sql]))
    }

    /// The command-line client, set up for this server: `-N -B`, UTF-8, LOAD DATA LOCAL allowed.
    #[must_use]
    pub fn client(&self, database: &str) -> Command {
        let mut command = Command::new(&self.client);
        command.args([
            "--no-defaults",
            "--protocol=tcp",
            "-h127.0.0.1",
            "-N",
            "-B",
            "--local-infile=1",
        ]);
        command.args(["--default-character-set=utf8mb4"]);
        command.args([
            format!("-P{}", self.port),
            format!("-u{USER}"),
            format!("-p{PASSWORD}"),
        ]);
        if !database.is_empty() {
            command.arg(database);
        }
        command
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
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            "--max-connections=300",
            "--log-bin=binlog",
            "--binlog-format=ROW",
            "--sync-binlog=0",
            "--server-id=1",
        ],
        Durability::Full => &[
            "--innodb-buffer-pool-size=1G",
            "--log-bin=binlog",
            "--binlog-format=ROW",
            "--binlog-row-image=FULL",
            "--server-id=1",
        ],
    }
}

/// A server that takes connections speaks first.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let mut first = [0; 5];
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .is_ok()
        && stream.read_exact(&mut first).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_mariadb_starts_answers_and_is_gone_afterwards() {
        let server = MariaDb::start(Durability::Relaxed).unwrap();
        server.create_database("shop").unwrap();
        assert_eq!(
            server
                .query("shop", "SELECT CONCAT('Café', 1)")
                .unwrap()
                .trim(),
            "Café1"
        );
        let pid = server.pid().unwrap();
        drop(server);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
