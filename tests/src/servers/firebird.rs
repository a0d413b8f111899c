//! A private Firebird.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::process::{Account, Server, folder, free_port, program, run, unique_name};

const PACKAGE: &str = "firebird3.0-server";

/// The administrator of every Firebird.
pub const USER: &str = "SYSDBA";

/// Its password here.
pub const PASSWORD: &str = "masterkey";

/// A Firebird that is gone when this value, or the process that holds it, is gone.
#[derive(Debug)]
pub struct Firebird {
    port: u16,
    isql: PathBuf,
    folder: PathBuf,
    /// Stops before its folder goes.
    _server: Server,
    _folder: tempfile::TempDir,
}

impl Firebird {
    /// Starts one in a temporary folder on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When Firebird is not installed (the message names the package) or does not start.
    pub fn start() -> Result<Self> {
        let sbin = [PathBuf::from("/usr/sbin")];
        let firebird = program(&["firebird"], &sbin, PACKAGE)?;
        let isql = program(&["isql-fb"], &[], PACKAGE)?;
        let account = Account::when_root("firebird", PACKAGE)?;
        let kept = folder("fluxion-firebird-", account.as_ref())?;
        let root = kept.path().to_owned();
        let port = free_port()?;
        furnish(&root, port)?;

        let users = format!(
            "CREATE DATABASE '{0}/security.fdb'; COMMIT;\n\
             CREATE USER {USER} PASSWORD '{PASSWORD}' USING PLUGIN Srp; COMMIT;\n",
            root.display()
        );
        fs::write(root.join("users.sql"), users)?;
        let mut create = at_home(&isql, &root);
        create.args(["-q", "-b", "-user", USER, "-i"]);
        create.arg(root.join("users.sql"));
        let mut create = account.as_ref().map_or_else(
            || super::process::plain(&create),
            |account| account.run(&create),
        );
        run(create.current_dir(&root))?;

        let mut server = Server::start(
            at_home(&firebird, &root),
            account.as_ref(),
            // Asked politely with a client still attached, it stays for good; and nobody wants what it keeps.
            "KILL",
            root.join("server.log"),
            Some(&root),
        )?;
        server.wait_until("Firebird", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(Self {
            port,
            isql,
            folder: root,
            _server: server,
            _folder: kept,
        })
    }

    /// Where it listens on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Creates an empty database with this character set and returns its path.
    ///
    /// # Errors
    /// With the message of the server.
    pub fn fresh_database(&self, charset: &str) -> Result<String> {
        let path = self.folder.join(format!("{}.fdb", unique_name()));
        let path = path.to_str().context("the folder's name is no text")?;
        let create = format!(
            "CREATE DATABASE '127.0.0.1/{}:{path}' USER '{USER}' PASSWORD '{PASSWORD}' DEFAULT CHARACTER SET {charset};\n",
            self.port
        );
        self.isql(&[], &create)?;
        Ok(path.to_owned())
    }

    /// Runs SQL statements, each ended by `;`, and returns what is printed.
    ///
    /// # Errors
    /// With the message of the server.
    pub fn query(&self, database: &str, sql: &str) -> Result<String> {
        ensure!(database.ends_with(".fdb"), "{database:?} is no database");
        let address = format!("127.0.0.1/{}:{database}", self.port);
        self.isql(
            &["-user", USER, "-password", PASSWORD, &address],
            &format!("{sql};\nCOMMIT;\n"),
        )
    }

    fn isql(&self, arguments: &[&str], sql: &str) -> Result<String> {
        let script = self.folder.join(format!("{}.sql", unique_name()));
        fs::write(&script, sql)?;
        let mut isql = at_home(&self.isql, &self.folder);
        isql.args(["-q", "-b", "-ch", "UTF8", "-i"])
            .arg(&script)
            .args(arguments);
        let result = run(&mut isql);
        fs::remove_file(&script)?;
        result
    }
}

/// A root of its own: configuration here, plugins where Debian keeps them.
fn furnish(root: &Path, port: u16) -> Result<()> {
    let installed = Path::new("/usr/lib/x86_64-linux-gnu/firebird/3.0");
    for name in ["plugins", "intl", "plugins.conf", "firebird.msg"] {
        symlink(installed.join(name), root.join(name))
            .with_context(|| format!("could not furnish {}", root.display()))?;
    }
    let security = root.join("security.fdb");
    fs::write(
        root.join("firebird.conf"),
        format!(
            "RemoteServicePort = {port}\nRemoteBindAddress = 127.0.0.1\nAuthServer = Srp\nAuthClient = Srp\n\
             UserManager = Srp\nWireCrypt = Enabled\nServerMode = Super\nDatabaseAccess = Full\n\
             SecurityDatabase = {}\nIpcName = FluxionTest{port}\n",
            security.display()
        ),
    )?;
    fs::write(root.join("databases.conf"), "")?;
    Ok(())
}

/// By `env`, because what changes the account does not pass variables on.
fn at_home(program: &Path, root: &Path) -> Command {
    let mut command = Command::new("env");
    for name in ["FIREBIRD", "FIREBIRD_LOCK", "FIREBIRD_TMP"] {
        command.arg(format!("{name}={}", root.display()));
    }
    command.arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_firebird_starts_and_answers() {
        let server = Firebird::start().unwrap();
        let database = server.fresh_database("UTF8").unwrap();
        let shown = server
            .query(&database, "SELECT 'Café' FROM RDB$DATABASE")
            .unwrap();
        assert!(shown.contains("Café"), "{shown}");
    }
}
