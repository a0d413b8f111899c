//! Waits until nothing is on its way any more: the files are taken, the queues are empty, and a last look at
//! everything has ended.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::api::{Api, Job};
use super::chain::Agent;
use super::narrate::Narrator;

const PATIENCE: Duration = Duration::from_secs(240);

/// `GET /v1/stores/{id}`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Detail {
    streams: Vec<Stream>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    stream: String,
    phase: String,
    last_error: Option<String>,
}

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

/// Asks a store for a full sync and waits until the cloud has the end of each stream's run. Reports travel behind
/// the records they are about, so everything else has arrived by then.
///
/// # Errors
/// When a run fails or does not end.
pub async fn full_sync(api: &Api, store_id: &str, narrator: &Narrator) -> Result<()> {
    let asked = Utc::now();
    let _: Value = api
        .post(
            &format!("/v1/stores/{store_id}/sync"),
            json!({ "mode": "full" }),
        )
        .await?;
    let begun = Instant::now();
    loop {
        let detail: Detail = api.get(&format!("/v1/stores/{store_id}")).await?;
        if let Some(stream) = detail
            .streams
            .iter()
            .find(|stream| stream.phase == "halted")
        {
            bail!(
                "{} waits for a person: {}",
                stream.stream,
                stream.last_error.clone().unwrap_or_default()
            );
        }
        let streams: BTreeSet<_> = detail
            .streams
            .iter()
            .map(|stream| stream.stream.clone())
            .collect();
        let jobs: Vec<Job> = api.all(&format!("/v1/jobs?store={store_id}")).await?;
        let ended = |job: &&Job| {
            job.kind == "full_sync" && job.started_at >= asked && job.completed_at.is_some()
        };
        if let Some(job) = jobs.iter().filter(ended).find(|job| job.status == "failed") {
            bail!(
                "the full sync of {} failed: {}",
                job.stream,
                job.error.clone().unwrap_or_default()
            );
        }
        let done: BTreeSet<_> = jobs
            .iter()
            .filter(ended)
            .map(|job| job.stream.clone())
            .collect();
        if !streams.is_empty() && streams.is_subset(&done) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!(
                "the full sync did not end; streams: {:?}, ended: {done:?}",
                detail.streams
            );
        }
        if begun.elapsed().as_millis() % 10_000 < 500 {
            narrator.say(format!(
                "full sync: {} of {} streams have ended",
                done.len(),
                streams.len()
            ));
        }
        sleep(Duration::from_millis(500)).await;
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
