//! How a version on trial tells its supervisor that it works: a file, named anew for each trial.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::plan::Verdict;
use super::{disk, this_build};

/// What a version on trial has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cloud", rename_all = "snake_case")]
pub enum Sign {
    /// The spool is open, and the cloud has answered.
    Answered,
    /// The spool is open, but nobody answers as the cloud would. That may be the line.
    Silent {
        /// What came instead.
        problem: String,
    },
}

impl Sign {
    /// Leaves it for the supervisor.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, file: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        disk::write_whole(file, &text)
    }

    fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    }
}

/// The supervisor's view of a trial under way.
#[derive(Debug)]
pub struct Watched {
    /// Where the version leaves its sign.
    pub file: PathBuf,
    begun: Instant,
    patience: Duration,
}

impl Watched {
    /// A trial that begins now.
    #[must_use]
    pub fn begin(file: PathBuf) -> Self {
        Self {
            file,
            begun: Instant::now(),
            patience: this_build::patience().trial,
        }
    }

    /// The verdict, as soon as there is one.
    #[must_use]
    pub fn verdict(&self, now: DateTime<Utc>) -> Option<Verdict> {
        let sign = Sign::read(&self.file);
        if sign == Some(Sign::Answered) {
            return Some(Verdict::Healthy);
        }
        if self.begun.elapsed() < self.patience {
            return None;
        }
        let seconds = self.patience.as_secs();
        Some(match sign {
            Some(Sign::Silent { problem }) => undecided(
                format!("the cloud did not answer it within {seconds} seconds ({problem})"),
                now,
            ),
            Some(Sign::Answered) | None => Verdict::Bad {
                reason: format!("it did not report that it works within {seconds} seconds"),
            },
        })
    }
}

/// The verdict over a trial that told nothing about the version: it may be tried again.
#[must_use]
pub fn undecided(reason: String, now: DateTime<Utc>) -> Verdict {
    Verdict::Undecided {
        reason,
        again: now + this_build::patience().undecided,
    }
}
