//! Settings of a listener.

use std::net::SocketAddr;
use std::path::PathBuf;

use fluxion_model::webhook::{self, DEFAULT_MAX_BODY_BYTES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::ConfigError;
use crate::secret::Secret;

/// How a POS reaches the agent.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Address and port the agent listens at. `127.0.0.1` is for programs on this computer alone; for a POS on another one
    /// write this computer's address on the LAN, such as `192.168.1.10:8770`. Never open the port to the internet.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// What sender and agent share: `whsec_` and base64 of 24 to 64 bytes. Two, parted by a blank, while one takes the
    /// place of the other. Better kept in `secret_file` or an environment variable.
    #[serde(default, skip_serializing)]
    pub secret: Option<Secret>,
    /// A file that holds the secret and nothing else; two lines while one takes the place of the other.
    #[serde(default, skip_serializing)]
    pub secret_file: Option<PathBuf>,
    /// Name of an environment variable that holds the secret.
    #[serde(default, skip_serializing)]
    pub secret_env: Option<String>,
    /// The largest event, in bytes.
    #[serde(default = "default_max_body")]
    pub max_body_bytes: u32,
    /// At most so many events a minute; more are asked to come later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_per_minute: Option<u32>,
}

fn default_listen() -> String {
    "127.0.0.1:8770".to_owned()
}

fn default_max_body() -> u32 {
    u32::try_from(DEFAULT_MAX_BODY_BYTES).unwrap_or(u32::MAX)
}

/// An event is held in memory whole.
const LARGEST_BODY: u32 = 16 * 1024 * 1024;
/// One that is in force, one that takes its place, and one that somebody forgot.
const MAX_SECRETS: usize = 3;

/// Checked settings, with the secrets at hand.
#[derive(Debug)]
pub(super) struct Target {
    pub listen: SocketAddr,
    pub secrets: Vec<webhook::Secret>,
    pub max_body: usize,
    pub events_per_minute: Option<u32>,
}

impl Target {
    pub fn new(config: WebhookConfig) -> Result<Self, ConfigError> {
        let listen = config.listen.parse().map_err(|_| {
            let message = format!(
                "{:?} is no address with a port; write it like \"127.0.0.1:8770\" or \"192.168.1.10:8770\"",
                config.listen
            );
            ConfigError::new("listen", message)
        })?;
        let secret = Secret::from_one_of_called(
            ["secret", "secret_file", "secret_env"],
            config.secret.as_ref(),
            config.secret_file.as_deref(),
            config.secret_env.as_deref(),
        )?;
        let wrong = |message: String| ConfigError::new("secret", message);
        let secret = secret.ok_or_else(|| {
            wrong("is needed, or `secret_file`: without it anybody on the network could invent sales. Make one with `openssl rand -base64 32` and write whsec_ in front".to_owned())
        })?;
        let secrets = secret
            .reveal()
            .split_whitespace()
            .map(|text| webhook::Secret::parse(text).map_err(|problem| wrong(problem.to_string())))
            .collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() || secrets.len() > MAX_SECRETS {
            return Err(wrong(format!(
                "holds {} secrets; give one, or two while one takes the place of the other",
                secrets.len()
            )));
        }
        if !(1..=LARGEST_BODY).contains(&config.max_body_bytes) {
            let message = format!("must be 1 to {LARGEST_BODY}");
            return Err(ConfigError::new("max_body_bytes", message));
        }
        if config.events_per_minute == Some(0) {
            let message = "must be at least 1".to_owned();
            return Err(ConfigError::new("events_per_minute", message));
        }
        Ok(Self {
            listen,
            secrets,
            max_body: usize::try_from(config.max_body_bytes).unwrap_or(DEFAULT_MAX_BODY_BYTES),
            events_per_minute: config.events_per_minute,
        })
    }
}
