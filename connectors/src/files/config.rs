//! Which folder, and how patient to be.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::ConfigError;

/// Connection settings of an export folder, or of the folder in which a POS keeps its tables.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// The folder the POS drops its files into, or keeps its tables in. Folders below it are not searched.
    pub folder: PathBuf,
    /// Where files go that were read. Below `folder` unless absolute.
    #[serde(default = "default_processed")]
    pub processed: PathBuf,
    /// Where files go that cannot be read, with a report that says why. Below `folder` unless absolute.
    #[serde(default = "default_failed")]
    pub failed: PathBuf,
    /// What becomes of a file that was read.
    #[serde(default)]
    pub after_reading: AfterReading,
    /// Seconds a file must stay unchanged before it counts as complete, and tables before a document in them does.
    #[serde(default = "default_settle")]
    pub settle_seconds: f64,
    /// Seconds to wait for a file that cannot be read to become readable, before it goes to `failed`.
    #[serde(default = "default_give_up")]
    pub give_up_seconds: f64,
    /// Seconds between two looks into the folder. Changes are noticed sooner where the system tells of them, which
    /// network shares do not.
    #[serde(default = "default_poll")]
    pub poll_seconds: f64,
}

/// What becomes of a file that was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterReading {
    /// It is moved to `processed`.
    #[default]
    Move,
    /// It stays, for a folder that must not be changed.
    Leave,
}

fn default_processed() -> PathBuf {
    PathBuf::from("processed")
}

fn default_failed() -> PathBuf {
    PathBuf::from("failed")
}

fn default_settle() -> f64 {
    2.0
}

fn default_give_up() -> f64 {
    60.0
}

fn default_poll() -> f64 {
    10.0
}

impl FilesConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.folder.as_os_str().is_empty() {
            return Err(ConfigError::new("folder", "must not be empty".to_owned()));
        }
        for (setting, seconds) in [
            ("settle_seconds", self.settle_seconds),
            ("give_up_seconds", self.give_up_seconds),
            ("poll_seconds", self.poll_seconds),
        ] {
            if !(0.0..=86_400.0).contains(&seconds) {
                let message = format!("{seconds} is not between 0 and 86400 seconds");
                return Err(ConfigError::new(setting, message));
            }
        }
        Ok(())
    }

    pub(super) fn settle(&self) -> Duration {
        Duration::from_secs_f64(self.settle_seconds)
    }

    pub(super) fn give_up(&self) -> Duration {
        Duration::from_secs_f64(self.give_up_seconds)
    }

    pub(super) fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.poll_seconds)
    }
}
