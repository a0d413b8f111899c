//! Waits until nothing is on its way any more: the files are taken, the queues are empty, and a last look at
//! everything has ended.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::api::{Api, Job};
use super::narrate::Narrator;

const PATIENCE: Duration = Duration::from_secs(240);

/// `GET /v1/stores/{id}`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Detail {
    overview: Overview,
    streams: Vec<Stream>,
}

#[derive(Debug, Deserialize)]
struct Overview {
    last_seen_at: Option<DateTime<Utc>>,
    queue: Queue,
}

#[derive(Debug, Deserialize)]
struct Queue {
    batches: u64,
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

/// Waits until the agent itself has said, after this moment, that its queue is empty and nothing is under way.
///
/// # Errors
/// When it does not come to rest, or a stream waits for a person.
pub async fn at_rest(api: &Api, store_id: &str) -> Result<()> {
    let since = Utc::now();
    let begun = Instant::now();
    loop {
        let detail: Detail = api.get(&format!("/v1/stores/{store_id}")).await?;
        if let Some(halted) = detail
            .streams
            .iter()
            .find(|stream| stream.phase == "halted")
        {
            bail!(
                "{} waits for a person: {}",
                halted.stream,
                halted.last_error.clone().unwrap_or_default()
            );
        }
        let heard = detail
            .overview
            .last_seen_at
            .is_some_and(|seen| seen > since);
        if heard && detail.overview.queue.batches == 0 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("the agent does not come to rest: {detail:?}");
        }
        sleep(Duration::from_millis(500)).await;
    }
}
