//! How to reach a data source, and how gently to treat it.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alphabet::Alphabet;
use super::dialect::DialectName;
use crate::registry::ConfigError;
use crate::secret::Secret;
use crate::settings::{self, Limits};
use crate::sql::Pacing;

/// Connection settings of a database with an ODBC driver. The account needs SELECT and nothing else.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OdbcConfig {
    /// Name of a data source that is set up on this PC (ODBC Data Source Administrator, or odbc.ini). For the service it
    /// must be a system data source, not a user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<String>,
    /// Instead of `dsn`: what the driver needs, as in
    /// `Driver={Microsoft Access Driver (*.mdb, *.accdb)};Dbq=C:\POS\pos.mdb`. Without user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_string: Option<String>,
    /// Account to log in with, where the driver asks for one. Give it SELECT only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its password. Better kept in `password_file` or `password_env`.
    #[serde(default, skip_serializing)]
    pub password: Option<Secret>,
    /// A file that holds the password and nothing else.
    #[serde(default, skip_serializing)]
    pub password_file: Option<PathBuf>,
    /// Name of an environment variable that holds the password.
    #[serde(default, skip_serializing)]
    pub password_env: Option<String>,
    /// Which SQL the database speaks. `auto` asks the driver.
    #[serde(default)]
    pub dialect: DialectName,
    /// How the driver hands text over. `auto` asks for UTF-16, which every good driver has; write the code page of the
    /// POS (`windows-1252`, `cp850`, `utf-8`) for a driver that has not, or where accents arrive wrong.
    #[serde(default = "default_encoding")]
    pub encoding: String,
    /// How many rows a driver is asked for at once. 1 reads row by row, for drivers that stumble over more.
    #[serde(default = "default_rows")]
    pub rows_at_once: u32,
    /// Reads at most so many rows a second, so that the POS stays fast. No limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_second: Option<u32>,
    /// Seconds between two looks for changes.
    #[serde(default = "settings::default_poll_seconds")]
    pub poll_seconds: u32,
    /// Seconds to wait for a connection.
    #[serde(default = "default_connect")]
    pub connect_timeout_seconds: u32,
    /// Seconds one query may take; the driver is told to give up too, where it knows how.
    #[serde(default = "default_query")]
    pub query_timeout_seconds: u32,
}

fn default_encoding() -> String {
    "auto".to_owned()
}

fn default_rows() -> u32 {
    500
}

fn default_connect() -> u32 {
    15
}

fn default_query() -> u32 {
    120
}

/// Checked settings, with the password at hand.
#[derive(Debug)]
pub(super) struct Target {
    pub config: OdbcConfig,
    pub limits: Limits,
    /// None to ask for UTF-16.
    pub alphabet: Option<Alphabet>,
    password: Option<Secret>,
    /// Set for good when the driver cannot hand over more than one row.
    pub row_by_row: AtomicBool,
}

impl Target {
    pub fn new(config: OdbcConfig) -> Result<Self, ConfigError> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.trim().is_empty());
        if given(&config.dsn) == given(&config.connection_string) {
            return Err(ConfigError::new(
                "dsn",
                "give either `dsn` or `connection_string`".to_owned(),
            ));
        }
        if let Some(text) = &config.connection_string {
            check_connection_string(text)?;
        }
        let pacing = Pacing {
            rows_per_second: config.rows_per_second,
            poll: settings::every_seconds(config.poll_seconds),
            follow: settings::every_seconds(config.poll_seconds),
        };
        let limits = Limits::new(
            config.connect_timeout_seconds,
            config.query_timeout_seconds,
            pacing,
        )?;
        if !(1..=5_000).contains(&config.rows_at_once) {
            let message = "must be between 1 and 5000".to_owned();
            return Err(ConfigError::new("rows_at_once", message));
        }
        let alphabet = match config.encoding.as_str() {
            "auto" | "utf-16" => None,
            name => Some(Alphabet::named(name).ok_or_else(|| {
                let message = format!(
                    "{name:?} is unknown: write \"auto\", or a name such as windows-1252, utf-8 or cp850"
                );
                ConfigError::new("encoding", message)
            })?),
        };
        let password = Secret::from_one_of(
            config.password.as_ref(),
            config.password_file.as_deref(),
            config.password_env.as_deref(),
        )?;
        Ok(Self {
            row_by_row: AtomicBool::new(config.rows_at_once == 1),
            config,
            limits,
            alphabet,
            password,
        })
    }

    /// For messages: the data source, or what the connection string says without its values' secrets (it has none).
    pub fn name(&self) -> String {
        match (&self.config.dsn, &self.config.connection_string) {
            (Some(dsn), _) => format!("data source {dsn}"),
            (None, Some(text)) => format!("\"{text}\""),
            (None, None) => "the data source".to_owned(),
        }
    }

    /// What the driver manager gets. Never shown.
    pub fn connection_string(&self) -> String {
        let mut text = match (&self.config.dsn, &self.config.connection_string) {
            (Some(dsn), _) => format!("DSN={}", odbc_api::escape_attribute_value(dsn.trim())),
            (None, Some(text)) => text.trim().trim_end_matches(';').to_owned(),
            (None, None) => String::new(),
        };
        let mut add = |name: &str, value: &str| {
            text.push_str(&format!(
                ";{name}={}",
                odbc_api::escape_attribute_value(value)
            ));
        };
        if let Some(user) = &self.config.user {
            add("UID", user);
        }
        if let Some(password) = &self.password {
            add("PWD", password.reveal());
        }
        // Some drivers overlook the last attribute without it.
        text + ";"
    }
}

/// A password has its own setting, because the connection string is shown in messages and to the cloud.
fn check_connection_string(text: &str) -> Result<(), ConfigError> {
    let lower = text.to_lowercase();
    let names = lower
        .split(';')
        .filter_map(|part| part.split_once('='))
        .map(|(name, _)| name.trim().to_owned());
    for name in names {
        if matches!(name.as_str(), "pwd" | "password") {
            let message = format!(
                "must not hold `{name}`: write it in `password_file`, `password_env` or `password`"
            );
            return Err(ConfigError::new("connection_string", message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn target(settings: serde_json::Value) -> Result<Target, ConfigError> {
        Target::new(serde_json::from_value(settings).unwrap())
    }

    #[test]
    fn a_password_is_escaped_and_never_part_of_the_name() {
        let target = target(json!({"dsn": "POS", "user": "reader", "password": "a;b}c"})).unwrap();
        assert_eq!(
            target.connection_string(),
            "DSN=POS;UID=reader;PWD={a;b}}c};"
        );
        assert!(!target.name().contains("a;b"));
    }

    #[test]
    fn a_password_in_the_connection_string_is_refused() {
        let error = target(json!({"connection_string": "Driver={X};Uid=a;Pwd=b"})).unwrap_err();
        assert!(error.to_string().contains("password_file"), "{error}");
        let error = target(json!({"dsn": "a", "connection_string": "b=c"})).unwrap_err();
        assert!(error.to_string().contains("either"), "{error}");
    }
}
