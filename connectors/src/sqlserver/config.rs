//! How to reach a server, and how gently to treat it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::ConfigError;
use crate::secret::Secret;
use crate::settings::{self, Limits};
use crate::sql::Pacing;

/// The port of an instance that has no name.
const DEFAULT_PORT: u16 = 1433;

/// Connection settings of a Microsoft SQL Server database, 2008 and newer, Express included. The account needs SELECT,
/// VIEW CHANGE TRACKING where Change Tracking is used, and nothing else.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlServerConfig {
    /// Name or address of the PC the database runs on.
    #[serde(default = "settings::default_host")]
    pub host: String,
    /// TCP port. When absent: 1433, or what the SQL Server Browser says where `instance` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Name of the instance, such as `COMPAC` or `SQLEXPRESS`. Its port is asked of the SQL Server Browser (UDP 1434) unless
    /// `port` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// UDP port of the SQL Server Browser.
    #[serde(default = "default_browser_port")]
    pub browser_port: u16,
    /// Name of the database.
    pub database: String,
    /// How the account is checked.
    #[serde(default)]
    pub login: Login,
    /// Account to log in with; `DOMAIN\user` for `login = "windows"`. Give it SELECT only.
    #[serde(default)]
    pub user: String,
    /// Its password. Better kept in `password_file` or `password_env`.
    #[serde(default, skip_serializing)]
    pub password: Option<Secret>,
    /// A file that holds the password and nothing else.
    #[serde(default, skip_serializing)]
    pub password_file: Option<PathBuf>,
    /// Name of an environment variable that holds the password.
    #[serde(default, skip_serializing)]
    pub password_env: Option<String>,
    /// Whether the line is encrypted. On this PC (127.0.0.1) `prefer` means no, for nothing leaves it.
    #[serde(default)]
    pub encryption: Encryption,
    /// Whether the server must prove who it is. Servers make themselves a certificate that nobody signed, hence `any`.
    #[serde(default)]
    pub certificate: Certificate,
    /// Certificate (PEM) of the authority that signed the server's, for `certificate = "verify"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<PathBuf>,
    /// The name in the server's certificate, where it is not `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_name: Option<String>,
    /// Reads at most so many rows a second, so that the POS stays fast. No limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_second: Option<u32>,
    /// Seconds between two looks for changes.
    #[serde(default = "settings::default_poll_seconds")]
    pub poll_seconds: u32,
    /// Milliseconds between two looks at Change Tracking or the outbox, where a stream follows one.
    #[serde(default = "settings::default_follow_milliseconds")]
    pub follow_milliseconds: u32,
    /// Seconds to wait for a connection.
    #[serde(default = "default_connect")]
    pub connect_timeout_seconds: u32,
    /// Seconds one query may take before it is given up.
    #[serde(default = "default_query")]
    pub query_timeout_seconds: u32,
    /// Seconds to wait for a lock before giving way to the POS.
    #[serde(default = "settings::default_lock_seconds")]
    pub lock_timeout_seconds: u32,
}

/// How the account is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    /// By SQL Server itself: a user and a password that only it knows.
    #[default]
    Sql,
    /// By Windows (NTLM), with the user and password given here. Needs the agent to run on Windows.
    Windows,
    /// By Windows (NTLM), as the account the agent runs as. Needs the agent to run on Windows.
    Account,
}

/// Whether the line is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// Always (TLS 1.2); a server that cannot is not read.
    Required,
    /// Where the server can. Otherwise not, which `doctor` points out.
    #[default]
    Prefer,
    /// Never, which `doctor` points out. For old servers on a trusted network.
    None,
}

/// Whether the server must prove who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// Any certificate will do.
    #[default]
    Any,
    /// It must be valid for the host and signed by `certificate_authority`.
    Verify,
}

fn default_browser_port() -> u16 {
    1434
}

fn default_connect() -> u32 {
    15
}

fn default_query() -> u32 {
    60
}

/// Checked settings, with the password at hand.
#[derive(Debug)]
pub(super) struct Target {
    pub config: SqlServerConfig,
    pub limits: Limits,
    pub password: Option<Secret>,
    /// The database turned out not to serve snapshots for all that is read; reads are committed reads from then on.
    no_snapshot: AtomicBool,
}

impl Target {
    pub fn new(config: SqlServerConfig) -> Result<Self, ConfigError> {
        settings::check_given(&[("host", &config.host), ("database", &config.database)])?;
        let pacing = Pacing {
            rows_per_second: config.rows_per_second,
            poll: settings::every_seconds(config.poll_seconds),
            follow: settings::every_milliseconds(config.follow_milliseconds),
        };
        let limits = Limits::new(
            config.connect_timeout_seconds,
            config.query_timeout_seconds,
            pacing,
        )?;
        check_instance(&config)?;
        check_login(&config)?;
        check_certificate(&config)?;
        let password = Secret::from_one_of(
            config.password.as_ref(),
            config.password_file.as_deref(),
            config.password_env.as_deref(),
        )?;
        Ok(Self {
            config,
            limits,
            password,
            no_snapshot: AtomicBool::new(false),
        })
    }

    /// `host:port/database` or `host\instance/database`, for messages.
    pub fn name(&self) -> String {
        let config = &self.config;
        let place = match (&config.instance, config.port) {
            (Some(instance), None) => format!("{}\\{instance}", config.host),
            (_, port) => format!("{}:{}", config.host, port.unwrap_or(DEFAULT_PORT)),
        };
        format!("{place}/{}", config.database)
    }

    /// The port to go to without asking the Browser.
    pub fn fixed_port(&self) -> Option<u16> {
        match (&self.config.instance, self.config.port) {
            (Some(_), None) => None,
            (_, port) => Some(port.unwrap_or(DEFAULT_PORT)),
        }
    }

    /// Whether an encrypted line is tried, and whether a plain one may do.
    pub fn ways(&self) -> Vec<Way> {
        match self.config.encryption {
            Encryption::Required => vec![Way::Encrypted],
            Encryption::None => vec![Way::Plain],
            Encryption::Prefer if is_local(&self.config.host) => {
                vec![Way::Plain, Way::Encrypted]
            }
            Encryption::Prefer => vec![Way::Encrypted, Way::Plain],
        }
    }

    pub fn may_snapshot(&self) -> bool {
        !self.no_snapshot.load(Ordering::Relaxed)
    }

    pub fn forgo_snapshot(&self) {
        self.no_snapshot.store(true, Ordering::Relaxed);
    }
}

/// One way to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Encrypted,
    Plain,
}

fn check_instance(config: &SqlServerConfig) -> Result<(), ConfigError> {
    let message = match &config.instance {
        Some(name) if name.trim().is_empty() => "must not be empty; leave it out instead",
        Some(name) if name.contains(['\\', '/', ';', '\0']) || name.len() > 32 => {
            "is the name after the backslash alone, such as COMPAC; the PC belongs in `host`"
        }
        Some(_) => return Ok(()),
        None if config.host.contains('\\') => {
            let message = "is the PC alone; write what follows the backslash as `instance`";
            return Err(ConfigError::new("host", message.to_owned()));
        }
        None => return Ok(()),
    };
    Err(ConfigError::new("instance", message.to_owned()))
}

fn check_login(config: &SqlServerConfig) -> Result<(), ConfigError> {
    let windows_only = "Windows accounts (NTLM) are checked by Windows, where the agent does not run here: use `login = \"sql\"` with an SQL Server login";
    let has_user = !config.user.trim().is_empty();
    match config.login {
        Login::Sql | Login::Windows if !has_user => {
            Err(ConfigError::new("user", "must not be empty".to_owned()))
        }
        Login::Account if has_user || config.password.is_some() => {
            let message =
                "is not used with `login = \"account\"`, which logs in as the agent's own account";
            Err(ConfigError::new("user", message.to_owned()))
        }
        Login::Windows | Login::Account if !cfg!(windows) => {
            Err(ConfigError::new("login", windows_only.to_owned()))
        }
        Login::Sql | Login::Windows | Login::Account => Ok(()),
    }
}

fn check_certificate(config: &SqlServerConfig) -> Result<(), ConfigError> {
    let verifies = config.certificate == Certificate::Verify;
    if verifies && config.encryption != Encryption::Required {
        let message = "is only of use with `encryption = \"required\"`; set that too";
        return Err(ConfigError::new("certificate", message.to_owned()));
    }
    if verifies && config.certificate_authority.is_none() {
        let message = "needs `certificate_authority`: the PEM file of who signed the server's";
        return Err(ConfigError::new("certificate", message.to_owned()));
    }
    if !verifies && config.certificate_authority.is_some() {
        let message = "is only used with `certificate = \"verify\"`; set that too";
        return Err(ConfigError::new(
            "certificate_authority",
            message.to_owned(),
        ));
    }
    Ok(())
}

/// SQL Server has two more names for this PC.
fn is_local(host: &str) -> bool {
    matches!(host, "." | "(local)") || settings::is_loopback(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn target(settings: serde_json::Value) -> Result<Target, ConfigError> {
        Target::new(serde_json::from_value(settings).unwrap())
    }

    #[test]
    fn a_named_instance_is_asked_of_the_browser_unless_its_port_is_known() {
        let by_name = json!({"host": "till", "instance": "COMPAC", "database": "d", "user": "u"});
        let by_name = target(by_name).unwrap();
        assert_eq!(by_name.fixed_port(), None);
        assert_eq!(by_name.name(), "till\\COMPAC/d");
        let known =
            target(json!({"instance": "COMPAC", "port": 14348, "database": "d", "user": "u"}));
        assert_eq!(known.unwrap().fixed_port(), Some(14348));
        let plain = target(json!({"database": "d", "user": "u"})).unwrap();
        assert_eq!(plain.fixed_port(), Some(1433));
    }

    #[test]
    fn settings_that_do_not_fit_together_say_what_to_write() {
        for (settings, expected) in [
            (
                json!({"database": "d", "user": "u", "host": "till\\COMPAC"}),
                "`instance`",
            ),
            (
                json!({"database": "d", "user": "u", "instance": "till\\COMPAC"}),
                "`host`",
            ),
            (json!({"database": "d"}), "connection.user"),
            (
                json!({"database": "d", "user": "u", "certificate": "verify"}),
                "encryption",
            ),
            (
                json!({"database": "d", "user": "u", "certificate_authority": "ca.pem"}),
                "certificate = \"verify\"",
            ),
            (
                json!({"database": "d", "user": "u", "rows_per_second": 0}),
                "at least 1",
            ),
        ] {
            let error = target(settings).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn on_this_pc_a_plain_line_is_tried_first_and_elsewhere_last() {
        let ways = |host: &str| {
            let settings = json!({"host": host, "database": "d", "user": "u"});
            target(settings).unwrap().ways()
        };
        assert_eq!(ways("127.0.0.1"), [Way::Plain, Way::Encrypted]);
        assert_eq!(ways("192.168.1.10"), [Way::Encrypted, Way::Plain]);
    }
}
