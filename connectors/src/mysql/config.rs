//! How to reach a server, and how gently to treat it.

use std::path::PathBuf;
use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, SslOpts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::ConfigError;
use crate::secret::Secret;
use crate::settings::{self, Limits, Tls};
use crate::sql::Pacing;

/// Connection settings of a MySQL or MariaDB database. The account needs SELECT and nothing else.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlConfig {
    /// Name or address of the PC the database runs on.
    #[serde(default = "settings::default_host")]
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Name of the database.
    pub database: String,
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
    /// Seconds between two looks for changes.
    #[serde(default = "settings::default_poll_seconds")]
    pub poll_seconds: u32,
    /// Milliseconds between two looks at the log or the outbox, where a stream follows one.
    #[serde(default = "settings::default_follow_milliseconds")]
    pub follow_milliseconds: u32,
    /// Seconds to wait for a connection.
    #[serde(default = "default_connect")]
    pub connect_timeout_seconds: u32,
    /// Seconds one query may take. The server is told to give up too, where it knows how.
    #[serde(default = "default_query")]
    pub query_timeout_seconds: u32,
    /// Seconds to wait for a lock before giving way to the POS.
    #[serde(default = "settings::default_lock_seconds")]
    pub lock_timeout_seconds: u32,
    /// What a date such as `0000-00-00` becomes.
    #[serde(default)]
    pub zero_dates: ZeroDates,
}

/// What a date such as `0000-00-00` becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ZeroDates {
    /// A cell that cannot be read: a mapping that uses it sets the row aside and says so.
    #[default]
    Undecodable,
    /// Nothing, as if the column were NULL.
    Null,
}

fn default_port() -> u16 {
    3306
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
    pub config: MysqlConfig,
    pub limits: Limits,
    password: Option<Secret>,
}

impl Target {
    pub fn new(config: MysqlConfig) -> Result<Self, ConfigError> {
        settings::check_given(&[
            ("host", &config.host),
            ("database", &config.database),
            ("user", &config.user),
        ])?;
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

    /// Whether nothing leaves this PC.
    pub fn is_local(&self) -> bool {
        settings::is_loopback(&self.config.host)
    }

    /// The ways to try, best first.
    pub fn attempts(&self) -> Vec<Opts> {
        let lax = || SslOpts::default().with_danger_accept_invalid_certs(true);
        let tls = match self.config.tls {
            Tls::Off => vec![None],
            Tls::Prefer if self.is_local() => vec![None, Some(lax())],
            Tls::Prefer => vec![Some(lax()), None],
            Tls::Require => vec![Some(lax())],
            Tls::Verify => {
                let roots = self
                    .config
                    .tls_ca
                    .iter()
                    .map(|path| path.clone().into())
                    .collect();
                vec![Some(SslOpts::default().with_root_certs(roots))]
            }
        };
        tls.into_iter().map(|tls| self.options(tls)).collect()
    }

    fn options(&self, tls: Option<SslOpts>) -> Opts {
        OptsBuilder::default()
            .ip_or_hostname(self.config.host.clone())
            .tcp_port(self.config.port)
            .user(Some(self.config.user.clone()))
            .pass(
                self.password
                    .as_ref()
                    .map(|password| password.reveal().to_owned()),
            )
            .db_name(Some(self.config.database.clone()))
            .prefer_socket(Some(false))
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .ssl_opts(tls)
            .into()
    }
}
