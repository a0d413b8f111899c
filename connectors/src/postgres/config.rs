//! How to reach a server, and how gently to treat it.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::registry::ConfigError;
use crate::secret::Secret;
use crate::settings::{self, Limits, Tls};
use crate::sql::Pacing;

/// Connection settings of a PostgreSQL database. The account needs SELECT and nothing else.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// Name or address of the PC the database runs on.
    #[serde(default = "settings::default_host")]
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// Schemas to look for tables in, in order: `["pos", "public"]`. The account's own search path when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema: Vec<String>,
    /// Account to log in with. Give it SELECT only.
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
    pub tls: Tls,
    /// Certificate (PEM) of the authority that signed the server's, for `tls = "verify"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ca: Option<PathBuf>,
    /// Reads at most so many rows a second, so that the POS stays fast. No limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_second: Option<u32>,
    /// Seconds between two looks for changes. An outbox is looked at every second.
    #[serde(default = "settings::default_poll_seconds")]
    pub poll_seconds: u32,
    /// Seconds to wait for a connection.
    #[serde(default = "default_connect")]
    pub connect_timeout_seconds: u32,
    /// Seconds one query may take; the server is told to give up then too.
    #[serde(default = "default_query")]
    pub query_timeout_seconds: u32,
    /// Seconds to wait for a lock before giving way to the POS.
    #[serde(default = "settings::default_lock_seconds")]
    pub lock_timeout_seconds: u32,
    /// What a date `infinity` becomes.
    #[serde(default)]
    pub infinite_dates: InfiniteDates,
}

/// What a date `infinity` or `-infinity` becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InfiniteDates {
    /// A cell that cannot be read: a mapping that uses it sets the row aside and says so.
    #[default]
    Undecodable,
    /// Nothing, as if the column were NULL.
    Null,
}

fn default_port() -> u16 {
    5432
}

fn default_connect() -> u32 {
    10
}

fn default_query() -> u32 {
    60
}

/// Checked settings, with the password at hand.
#[derive(Debug)]
pub(super) struct Target {
    pub config: PostgresConfig,
    pub limits: Limits,
    password: Option<Secret>,
}

impl Target {
    pub fn new(config: PostgresConfig) -> Result<Self, ConfigError> {
        settings::check_given(&[
            ("host", &config.host),
            ("database", &config.database),
            ("user", &config.user),
        ])?;
        let pacing = Pacing {
            rows_per_second: config.rows_per_second,
            poll: settings::every_seconds(config.poll_seconds),
            follow: Duration::from_millis(500),
        };
        let limits = Limits::new(
            config.connect_timeout_seconds,
            config.query_timeout_seconds,
            pacing,
        )?;
        settings::check_authority(config.tls, config.tls_ca.as_deref())?;
        let password = Secret::from_one_of(
            config.password.as_ref(),
            config.password_file.as_deref(),
            config.password_env.as_deref(),
        )?;
        Ok(Self {
            config,
            limits,
            password,
        })
    }

    /// `host:port/database`, for messages.
    pub fn name(&self) -> String {
        format!(
            "{}:{}/{}",
            self.config.host, self.config.port, self.config.database
        )
    }

    /// Whether the database runs on this PC.
    pub fn is_local(&self) -> bool {
        settings::is_loopback(&self.config.host)
    }

    /// The ways to try, best first.
    pub fn attempts(&self) -> Vec<PgConnectOptions> {
        let tls = match self.config.tls {
            Tls::Off => vec![PgSslMode::Disable],
            Tls::Prefer if self.is_local() => {
                vec![PgSslMode::Disable, PgSslMode::Require]
            }
            Tls::Prefer => vec![PgSslMode::Prefer],
            Tls::Require => vec![PgSslMode::Require],
            Tls::Verify => vec![PgSslMode::VerifyFull],
        };
        tls.into_iter().map(|tls| self.options(tls)).collect()
    }

    fn options(&self, tls: PgSslMode) -> PgConnectOptions {
        let config = &self.config;
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&config.host)
            .port(config.port)
            .username(&config.user)
            .database(&config.database)
            .application_name("fluxion-agent")
            .statement_cache_capacity(64)
            .ssl_mode(tls)
            .disable_statement_logging();
        if let Some(password) = &self.password {
            options = options.password(password.reveal());
        }
        if let Some(authority) = &config.tls_ca {
            options = options.ssl_root_cert(authority);
        }
        options
    }
}
