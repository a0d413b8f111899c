//! How to reach a server, and how gently to treat it.

use std::path::PathBuf;

use encoding_rs::Encoding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::ConfigError;
use crate::secret::Secret;
use crate::settings::{self, Limits};
use crate::sql::Pacing;

/// Connection settings of a Firebird database. The account needs SELECT and nothing else.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirebirdConfig {
    /// Name or address of the PC the Firebird server runs on.
    #[serde(default = "settings::default_host")]
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database's file as that PC sees it, or its alias: `C:\Aspel\SAE8.00\Empresa01\Datos\SAE80EMPRE01.FDB`.
    pub database: String,
    /// Account to log in with. Give it SELECT only.
    #[serde(default = "default_user")]
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
    /// Role to take on, where the account's rights hang on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Code page of text that the database keeps without saying in which (character set NONE).
    #[serde(default = "default_encoding")]
    pub encoding: String,
    /// Reads at most so many rows a second, so that the POS stays fast. No limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_second: Option<u32>,
    /// Seconds between two looks for changes.
    #[serde(default = "settings::default_poll_seconds")]
    pub poll_seconds: u32,
    /// Seconds to wait for a connection.
    #[serde(default = "default_connect")]
    pub connect_timeout_seconds: u32,
    /// Seconds one query may take before it is given up.
    #[serde(default = "default_query")]
    pub query_timeout_seconds: u32,
}

fn default_port() -> u16 {
    3050
}

fn default_user() -> String {
    "SYSDBA".to_owned()
}

fn default_encoding() -> String {
    "windows-1252".to_owned()
}

fn default_connect() -> u32 {
    10
}

fn default_query() -> u32 {
    120
}

/// Checked settings, with the password at hand.
#[derive(Debug)]
pub(super) struct Target {
    pub config: FirebirdConfig,
    pub limits: Limits,
    pub encoding: &'static Encoding,
    password: Option<Secret>,
}

impl Target {
    pub fn new(config: FirebirdConfig) -> Result<Self, ConfigError> {
        settings::check_given(&[
            ("host", &config.host),
            ("database", &config.database),
            ("user", &config.user),
        ])?;
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
        let encoding = Encoding::for_label(config.encoding.trim().as_bytes()).ok_or_else(|| {
            let message = format!(
                "{:?} is unknown: write a name such as windows-1252 or iso-8859-1",
                config.encoding
            );
            ConfigError::new("encoding", message)
        })?;
        let password = Secret::from_one_of(
            config.password.as_ref(),
            config.password_file.as_deref(),
            config.password_env.as_deref(),
        )?;
        Ok(Self {
            config,
            limits,
            encoding,
            password,
        })
    }

    /// `host/port:database`, for messages.
    pub fn name(&self) -> String {
        format!(
            "{}/{}:{}",
            self.config.host, self.config.port, self.config.database
        )
    }

    pub fn password(&self) -> &str {
        self.password.as_ref().map_or("", Secret::reveal)
    }
}
