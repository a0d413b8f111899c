//! Settings of an HTTP API.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::ConfigError;
use crate::secret::Secret;

/// How an API is reached.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestConfig {
    /// Where the paths of the mapping begin: `https://pos.example.com` or `http://192.168.1.10:8000`.
    pub base_url: String,
    /// How the agent shows who it is.
    #[serde(default)]
    pub auth: RestAuth,
    /// For `auth = "header"`: the header that carries the key, such as `X-API-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_header: Option<String>,
    /// For `auth = "basic"`: the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The key or password. Better kept in `password_file` or an environment variable.
    #[serde(default, skip_serializing)]
    pub password: Option<Secret>,
    /// A file that holds the key or password and nothing else.
    #[serde(default, skip_serializing)]
    pub password_file: Option<PathBuf>,
    /// Name of an environment variable that holds the key or password.
    #[serde(default, skip_serializing)]
    pub password_env: Option<String>,
    /// Headers of every request, such as `Store-ID`. No secrets: the cloud may see them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Certificate (PEM) of the authority that signed the server's, where it is not a public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ca: Option<PathBuf>,
    /// At most so many requests a minute. What the API itself asks for is honoured as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Seconds between two looks for changes.
    #[serde(default = "default_poll")]
    pub poll_seconds: u32,
    /// Seconds to wait for a connection.
    #[serde(default = "default_connect")]
    pub connect_timeout_seconds: u32,
    /// Seconds one request may take.
    #[serde(default = "default_request")]
    pub request_timeout_seconds: u32,
    /// The largest answer, in MB. It is held in memory, so ask the API for smaller pages instead of raising this.
    #[serde(default = "default_page")]
    pub max_page_mb: u32,
    /// The most pages of one reading. More of them means that the API repeats itself.
    #[serde(default = "default_pages")]
    pub max_pages: u32,
}

/// How the agent shows who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestAuth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer` with the key.
    Bearer,
    /// The key in a header of the API's own.
    Header,
    /// User and password.
    Basic,
}

fn default_poll() -> u32 {
    30
}

fn default_connect() -> u32 {
    10
}

fn default_request() -> u32 {
    60
}

fn default_page() -> u32 {
    8
}

fn default_pages() -> u32 {
    10_000
}

/// Checked settings, with the secret at hand.
#[derive(Debug)]
pub(super) struct Target {
    pub config: RestConfig,
    pub base: Url,
    pub secret: Option<Secret>,
}

impl Target {
    pub fn new(config: RestConfig) -> Result<Self, ConfigError> {
        let base = Url::parse(&config.base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                let message = "is no address; write it like \"https://pos.example.com\"".to_owned();
                ConfigError::new("base_url", message)
            })?;
        let secret = Secret::from_one_of(
            config.password.as_ref(),
            config.password_file.as_deref(),
            config.password_env.as_deref(),
        )?;
        let missing = |setting, message: &str| Err(ConfigError::new(setting, message.to_owned()));
        match config.auth {
            RestAuth::None => {}
            _ if secret.is_none() => {
                return missing(
                    "password_file",
                    "is needed for this kind of `auth`: a file with the key",
                );
            }
            RestAuth::Header if config.auth_header.is_none() => {
                return missing(
                    "auth_header",
                    "is needed for `auth = \"header\"`: the header's name",
                );
            }
            RestAuth::Basic if config.user.is_none() => {
                return missing("user", "is needed for `auth = \"basic\"`");
            }
            RestAuth::Bearer | RestAuth::Header | RestAuth::Basic => {}
        }
        let limits = [
            ("connect_timeout_seconds", config.connect_timeout_seconds),
            ("request_timeout_seconds", config.request_timeout_seconds),
            ("max_page_mb", config.max_page_mb),
            ("max_pages", config.max_pages),
            (
                "requests_per_minute",
                config.requests_per_minute.unwrap_or(1),
            ),
        ];
        if let Some((setting, _)) = limits.iter().find(|(_, value)| *value == 0) {
            return missing(setting, "must be at least 1");
        }
        Ok(Self {
            config,
            base,
            secret,
        })
    }
}
