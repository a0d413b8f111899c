//! The agent as a service of this computer: what the service manager starts, and how it is set up and taken away.
//!
//! On Windows this talks to the service control manager. Elsewhere a package brings a unit for systemd, and the
//! commands here only pass on to `systemctl`.

#[cfg_attr(windows, path = "service/windows.rs")]
#[cfg_attr(not(windows), path = "service/systemd.rs")]
mod system;

#[cfg(windows)]
mod setup;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::supervise::Notice;
use crate::update::this_build;

pub use system::{State, install, note, run, start, state, stop, uninstall};

/// The service's name, on every system where it has one.
#[cfg(windows)]
pub const NAME: &str = "FluxionAgent";
/// The service's name, on every system where it has one.
#[cfg(not(windows))]
pub const NAME: &str = "fluxion-agent";

/// What the service manager is told to start, and what it works with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The program.
    pub program: PathBuf,
    /// `--config` and `--data-dir`, as far as they were given.
    pub place: Vec<OsString>,
    /// The configuration.
    pub config: PathBuf,
    /// The data folder.
    pub folder: PathBuf,
}

/// What becomes of the data folder when the service is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Stays, so that a later installation goes on where this one stopped.
    Keep,
    /// Goes, with everything that has not reached the cloud.
    Remove,
}

/// An entry of the event log or the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Stays the same for the same kind of thing, so that a monitor can look for it.
    pub id: u16,
    /// How bad it is.
    pub weight: Weight,
    /// For a person.
    pub text: String,
}

/// How bad an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Good to know.
    Information,
    /// Mends itself.
    Warning,
    /// Somebody must act.
    Error,
}

/// What a notice of the supervisor looks like in the event log.
#[must_use]
pub fn entry(notice: &Notice) -> Entry {
    let (id, weight, text) = match notice {
        Notice::Started { version } => {
            let version = version
                .as_ref()
                .map_or_else(this_build::name, ToString::to_string);
            let text = format!("The Fluxion agent {version} runs.");
            (100, Weight::Information, text)
        }
        Notice::Stopped => (
            101,
            Weight::Information,
            "The Fluxion agent was stopped.".to_owned(),
        ),
        Notice::Failed { words } => (
            200,
            Weight::Warning,
            format!("The Fluxion agent failed and is started again.\n\n{words}"),
        ),
        Notice::Updated { version } => (
            102,
            Weight::Information,
            format!("The Fluxion agent is now {version}."),
        ),
        Notice::Update { words } => (201, Weight::Warning, words.clone()),
        Notice::BadConfiguration { words } => (
            300,
            Weight::Error,
            format!(
                "The Fluxion agent cannot work with its configuration. Mend it; the agent notices by itself.\n\n{words}"
            ),
        ),
        Notice::CannotStart { words } => (
            301,
            Weight::Error,
            format!(
                "The program of the Fluxion agent cannot be started. Install it again; its data is kept.\n\n{words}"
            ),
        ),
    };
    Entry { id, weight, text }
}
