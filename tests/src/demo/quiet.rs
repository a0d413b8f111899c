//! Waits until nothing is on its way any more: the files are taken and the queues are empty.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::time::sleep;

use super::chain::Agent;
use super::narrate::Narrator;

const PATIENCE: Duration = Duration::from_secs(240);

/// Waits until a folder holds no file that is still to be taken.
///
/// # Errors
/// When one stays.
pub async fn folder_taken(folder: &Path, narrator: &Narrator) -> Result<()> {
    let begun = Instant::now();
    loop {
        let waiting: Vec<_> = fs::read_dir(folder)
            .with_context(|| format!("could not read {}", folder.display()))?
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        if waiting.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!(
                "files were not taken from {}: {}",
                folder.display(),
                waiting.join(", ")
            );
        }
        if begun.elapsed().as_millis() % 5_000 < 300 {
            narrator.say(format!(
                "{} files are still to be taken from {}",
                waiting.len(),
                folder.display()
            ));
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// Waits until the queues of all agents are empty and stay so for a while.
///
/// # Errors
/// When they do not come to rest, or a stream waits for a person.
pub async fn at_rest(agents: &[Agent]) -> Result<()> {
    const CALM: Duration = Duration::from_secs(4);
    let begun = Instant::now();
    let mut calm_since: Option<Instant> = None;
    loop {
        let mut busy = None;
        for agent in agents {
            let status = agent.status()?;
            if let Some(halted) = status
                .streams
                .iter()
                .find(|stream| !stream.halted.is_null())
            {
                bail!(
                    "{}: the stream {} waits for a person: {}",
                    agent.store,
                    halted.stream,
                    halted.halted
                );
            }
            if status.queued_batches > 0 || status.streams.iter().any(|stream| stream.scanning) {
                busy = Some(format!("{}: {status:?}", agent.store));
            }
        }
        match (&busy, calm_since) {
            (Some(_), _) => calm_since = None,
            (None, None) => calm_since = Some(Instant::now()),
            (None, Some(since)) if since.elapsed() >= CALM => return Ok(()),
            (None, Some(_)) => {}
        }
        if begun.elapsed() > PATIENCE {
            bail!(
                "the agents do not come to rest: {}",
                busy.unwrap_or_default()
            );
        }
        sleep(Duration::from_millis(500)).await;
    }
}
