//! What must be installed, and how to get it.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::{self, Steps, say};

/// Something that is not part of the project.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Compiler,
    MariaDb,
    PostgreSql,
    /// The driver manager that the agent is linked with.
    Odbc,
    /// The drivers that the ODBC connector is tested with.
    OdbcDrivers,
    Firebird,
    /// Clients of others that the stand-in for SQL Server is checked with.
    TdsClients,
    /// What plays the server's part of MySQL 8's login.
    OpenSsl,
    Chromium,
    /// A Rust with the sources of its standard library, for targets that have none built.
    WindowsRust,
    Mingw,
    /// What makes installers for Windows elsewhere.
    Wixl,
    Wine,
    Nextest,
    Node,
}

/// The oldest Node that the dashboard builds with.
const NODE: u32 = 20;

impl Need {
    fn present(self) -> bool {
        match self {
            Self::Compiler => in_path(&["cc", "gcc", "clang"]),
            Self::MariaDb => {
                in_path(&["mariadbd", "mysqld"])
                    && in_path(&["mariadb-install-db"])
                    && in_path(&["mariadb"])
            }
            Self::PostgreSql => (in_path(&["postgres"]) || debian_postgres()) && in_path(&["psql"]),
            Self::Odbc => library("libodbc.so"),
            Self::Firebird => in_path(&["firebird"]) && in_path(&["isql-fb"]),
            Self::OdbcDrivers => {
                let drivers = [
                    "libmaodbc.so",
                    "psqlodbcw.so",
                    "libsqlite3odbc.so",
                    "libtdsodbc.so",
                    "libmdbodbc.so",
                ];
                drivers
                    .iter()
                    .all(|driver| library(&format!("odbc/{driver}")))
                    && in_path(&["mdb-ver"])
            }
            Self::TdsClients => in_path(&["tsql"]),
            Self::OpenSsl => in_path(&["openssl"]),
            Self::Chromium => in_path(&["chromium", "chromium-browser", "google-chrome"]),
            Self::WindowsRust => {
                Path::new("/usr/bin/rustc").exists()
                    && Path::new("/usr/bin/cargo").exists()
                    && Path::new("/usr/lib/rustlib/src/rust/library/std").exists()
            }
            Self::Mingw => in_path(&["x86_64-w64-mingw32-gcc"]),
            Self::Wixl => in_path(&["wixl"]) && in_path(&["msibuild"]),
            Self::Wine => in_path(&["wine"]) && in_path(&["wineserver"]),
            Self::Nextest => in_path(&["cargo-nextest"]),
            Self::Node => node_version().is_some_and(|version| version >= NODE),
        }
    }

    /// The Debian packages, where there are some that will do.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Compiler => &["build-essential"],
            Self::MariaDb => &["mariadb-server"],
            Self::PostgreSql => &["postgresql"],
            Self::Odbc => &["unixodbc-dev"],
            Self::Firebird => &["firebird3.0-server"],
            Self::OdbcDrivers => &[
                "odbc-mariadb",
                "odbc-postgresql",
                "libsqliteodbc",
                "tdsodbc",
                "odbc-mdbtools",
                "mdbtools",
            ],
            Self::TdsClients => &["freetds-bin"],
            Self::OpenSsl => &["openssl"],
            Self::Chromium => &["chromium"],
            Self::WindowsRust => &["rustc-web", "cargo-web", "rust-web-src"],
            Self::Mingw => &["gcc-mingw-w64-x86-64"],
            Self::Wixl => &["wixl", "msitools"],
            Self::Wine => &["wine", "wine64"],
            Self::Nextest | Self::Node => &[],
        }
    }

    fn advice(self) -> String {
        match self {
            Self::Nextest => "cargo-nextest: cargo install cargo-nextest --locked".to_owned(),
            Self::Node => match node_version() {
                Some(version) => {
                    format!("Node.js {NODE} or newer (here is {version}): https://nodejs.org")
                }
                None => format!("Node.js {NODE} or newer with npm: https://nodejs.org"),
            },
            Self::Compiler
            | Self::MariaDb
            | Self::PostgreSql
            | Self::Odbc
            | Self::OdbcDrivers
            | Self::Firebird
            | Self::TdsClients
            | Self::OpenSsl
            | Self::Chromium
            | Self::WindowsRust
            | Self::Mingw
            | Self::Wixl
            | Self::Wine => {
                let packages = self.packages().join(" ");
                format!("{packages}: sudo apt-get install {packages}")
            }
        }
    }
}

/// Whether Node is there and new enough to build the dashboard.
pub fn has_node() -> bool {
    Need::Node.present() && in_path(&["npm"])
}

/// Sees to it that everything is there: installs it where we may, else says exactly what to install.
pub fn ensure(steps: &mut Steps, needs: &[Need]) -> Result<()> {
    let missing: Vec<Need> = needs
        .iter()
        .copied()
        .filter(|need| !need.present())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.packages().iter().copied())
        .collect();
    if !packages.is_empty() && is_root() && in_path(&["apt-get"]) {
        let names = packages.join(", ");
        steps.take(&format!("install {names} (apt-get)"), || install(&packages))?;
    }
    if missing.contains(&Need::Nextest) {
        let mut install = Command::new("cargo");
        install.args(["install", "cargo-nextest", "--locked"]);
        steps.run(
            "install cargo-nextest (cargo install; takes some minutes, once)",
            &mut install,
        )?;
    }
    let still: Vec<String> = missing
        .iter()
        .filter(|need| !need.present())
        .map(|need| need.advice())
        .collect();
    if !still.is_empty() {
        bail!(
            "please install, then run this again:\n  {}",
            still.join("\n  ")
        );
    }
    Ok(())
}

/// Installs Debian packages without starting their services: we run private servers of our own.
fn install(packages: &[&str]) -> Result<()> {
    let policy = Policy::no_services()?;
    let apt = |arguments: &[&str]| {
        step::run(
            Command::new("apt-get")
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(packages);
    let result = apt(&arguments);
    drop(policy);
    result
}

/// Debian asks this script before it starts a service of a package it installs.
struct Policy(Option<PathBuf>);

impl Policy {
    fn no_services() -> Result<Self> {
        let script = Path::new("/usr/sbin/policy-rc.d");
        if script.exists() {
            return Ok(Self(None));
        }
        fs::write(script, "#!/bin/sh\nexit 101\n")
            .with_context(|| format!("could not write {}", script.display()))?;
        fs::set_permissions(script, fs::Permissions::from_mode(0o755))?;
        Ok(Self(Some(script.to_owned())))
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let Some(script) = &self.0 else { return };
        if let Err(error) = fs::remove_file(script) {
            say(&format!(
                "could not remove {}: {error}; please remove it",
                script.display()
            ));
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn node_version() -> Option<u32> {
    let text = step::output("node", &["--version"])?;
    text.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Debian keeps the server's programs out of PATH.
fn debian_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql");
    versions.is_ok_and(|versions| {
        versions
            .flatten()
            .any(|version| version.path().join("bin/postgres").exists())
    })
}

/// Whether a library is where Debian puts those of this machine.
fn library(name: &str) -> bool {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut own = folders.map(|folder| folder.path().join(name));
    own.any(|file| file.exists()) || Path::new("/usr/lib").join(name).exists()
}

fn in_path(names: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.push(PathBuf::from("/usr/sbin"));
    names
        .iter()
        .any(|name| folders.iter().any(|folder| folder.join(name).is_file()))
}
