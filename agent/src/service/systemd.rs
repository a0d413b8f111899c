//! Where there is no service control manager: the package's unit runs [`run`], and `systemctl` does the rest.

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

use super::{Data, Entry, NAME, Setup, entry};
use crate::supervise::Supervisor;
use crate::supervise::child::aloud;

/// What the service manager says of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In a word.
    pub word: String,
}

/// Supervises the agent until this process is told to stop.
///
/// # Errors
/// When there are no threads.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start threads")?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let supervisor = Supervisor {
            program: setup.program.clone(),
            place: setup.place.clone(),
            config: setup.config.clone(),
            folder: setup.folder.clone(),
            // The journal keeps what a service writes here; each line of the agent itself came this way already.
            tell: &|notice| {
                let entry = entry(notice);
                let first = entry.text.lines().next().unwrap_or_default();
                aloud(first);
            },
        };
        let asked = stop.clone();
        let ask = tokio::spawn(async move {
            crate::cli::told_to_stop().await;
            asked.cancel();
        });
        supervisor.supervise(&stop).await;
        ask.abort();
    });
    Ok(())
}

/// Not here: the package does it.
///
/// # Errors
/// Always, with what to do instead.
pub fn install(_: &Setup) -> anyhow::Result<()> {
    bail!(
        "there is nothing to install by this command here\nhint: install the package (fluxion-agent_VERSION_amd64.deb), \
         which brings the unit {NAME}.service; or write a unit that runs `fluxion-agent service`"
    );
}

/// Not here: the package does it.
///
/// # Errors
/// Always, with what to do instead.
pub fn uninstall(_: &Setup, data: Data) -> anyhow::Result<()> {
    let command = match data {
        Data::Keep => "remove",
        Data::Remove => "purge",
    };
    bail!(
        "there is nothing to uninstall by this command here\nhint: apt-get {command} fluxion-agent"
    );
}

/// Starts the unit.
///
/// # Errors
/// When systemd refuses.
pub fn start(_: &Setup) -> anyhow::Result<()> {
    systemctl("start")
}

/// Stops the unit.
///
/// # Errors
/// When systemd refuses.
pub fn stop(_: &Setup) -> anyhow::Result<()> {
    systemctl("stop")
}

/// What systemd says; `None` where there is no such unit.
#[must_use]
pub fn state() -> Option<State> {
    let output = std::process::Command::new("systemctl")
        .args(["is-active", NAME])
        .stderr(std::process::Stdio::null())
        .output()
        .ok()?;
    let word = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!word.is_empty() && word != "unknown").then_some(State { word })
}

fn systemctl(verb: &str) -> anyhow::Result<()> {
    let status = std::process::Command::new("systemctl")
        .args([verb, NAME])
        .status()
        .context(
            "systemctl cannot be started\nhint: without systemd, run `fluxion-agent service` by what starts services \
             here",
        )?;
    if !status.success() {
        bail!(
            "systemctl {verb} {NAME} ended with {status}\nhint: run as root, and look at `journalctl -u {NAME}`"
        );
    }
    Ok(())
}

/// An entry of the agent itself. Its log reaches the journal anyway.
pub fn note(_: &Entry) {}
