//! `status`, `spool` and `rejects`: what the data folder tells, whether the agent runs or not.

use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use fluxion_model::delivery::Line;

use super::Place;
use crate::folder::DataFolder;
use crate::live::Snapshot;
use crate::service;
use crate::spool::Peek;
use crate::supervise::ServiceState;

pub(super) fn status(place: &Place, json: bool) -> anyhow::Result<ExitCode> {
    // Also when the configuration cannot be used: that is what is to be told then.
    let folder = DataFolder::open(&place.folder_path())?;
    let service = service::state();
    let supervisor = ServiceState::read(&folder);
    let mistake = place.load().err();
    let running = folder.try_lock()?.is_none();
    let state = read_state(&folder);
    let peek = Peek::open(folder.path())?;
    if json {
        let streams: Vec<_> = match &peek {
            Some(peek) => peek
                .streams()?
                .into_iter()
                .map(|s| stream_json(&s))
                .collect(),
            None => Vec::new(),
        };
        let waiting = peek
            .as_ref()
            .map(Peek::waiting)
            .transpose()?
            .unwrap_or_default();
        let value = serde_json::json!({
            "running": running, "state": state, "queued_batches": waiting.0, "queued_bytes": waiting.1,
            "streams": streams, "service": service.map(|state| state.word), "supervisor": supervisor,
            "configuration_problem": mistake.map(|error| format!("{error:#}")),
        });
        println!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("Agent: {}", if running { "running" } else { "not running" });
    if let Some(state) = service {
        println!("Service {}: {}", service::NAME, state.word);
    }
    if let (false, Some(problem)) = (
        running,
        supervisor.and_then(|supervisor| supervisor.problem),
    ) {
        println!("Why: {problem}");
    }
    if let Some(mistake) = mistake {
        println!("Configuration: {mistake:#}");
    }
    match folder.identity() {
        Ok(Some(identity)) => println!(
            "Store: {} ({}), {}",
            identity.store_name, identity.tenant_name, identity.server
        ),
        Ok(None) => {
            println!("Store: not enrolled yet; run `fluxion-agent enroll --server URL --code CODE`")
        }
        Err(error) => println!("Store: {error:#}"),
    }
    if let (true, Some(state)) = (running, &state) {
        show_cloud(state);
    }
    let Some(peek) = peek else {
        println!("Nothing was read yet.");
        return Ok(ExitCode::SUCCESS);
    };
    let (batches, bytes) = peek.waiting()?;
    println!(
        "Waiting for the cloud: {batches} deliveries, {}",
        size(bytes)
    );
    let live = state.as_ref().filter(|_| running);
    for stream in peek.streams()? {
        let now = live.and_then(|state| {
            state
                .streams
                .iter()
                .find(|s| s.state.pos == stream.pos && s.state.stream.as_str() == stream.stream)
        });
        println!(
            "  {}/{}: {} rows, {} set aside, last read {}{}",
            stream.pos,
            stream.stream,
            stream.rows,
            stream.rejects,
            stream
                .last_success
                .or(now.and_then(|now| now.state.last_success_at))
                .map_or_else(|| "never".to_owned(), ago),
            now.map(|now| format!(", {}", super::progress::phase(now)))
                .unwrap_or_default(),
        );
        if let Some(halt) = stream.halted {
            println!("    WAITS FOR YOU ({}): {}", halt.code, halt.message);
            if let Some(hint) = halt.hint {
                println!("    What to do: {hint}");
            }
        } else if let Some(error) = now.and_then(|now| now.state.last_error.as_ref()) {
            println!("    {error}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn stream_json(stream: &crate::spool::StreamSummary) -> serde_json::Value {
    serde_json::json!({
        "pos": stream.pos, "stream": stream.stream, "rows": stream.rows, "rejects": stream.rejects,
        "scanning": stream.scanning, "halted": stream.halted, "last_success": stream.last_success,
        "last_scan": stream.last_scan,
    })
}

fn show_cloud(state: &Snapshot) {
    match (&state.cloud.problem, state.cloud.last_answer) {
        (Some(problem), _) => println!("Cloud: {problem}"),
        (None, Some(at)) => println!("Cloud: answered {}", ago(at)),
        (None, None) => println!("Cloud: not asked yet"),
    }
    if let Some(problem) = &state.page_problem {
        println!("{problem}");
    }
    println!("Version: {}", state.version);
    if let Some(update) = &state.update {
        let how = update.state.as_str().replace('_', " ");
        let message = update.message.as_ref();
        let message = message
            .map(|message| format!(": {message}"))
            .unwrap_or_default();
        println!("Update to {}: {how}{message}", update.target);
    }
    for (pos, problem) in &state.pos_problems {
        println!("POS system {pos} cannot be read: {problem}");
    }
}

pub(super) fn spool(place: &Place, show: Option<u64>, limit: u32) -> anyhow::Result<ExitCode> {
    let folder = place.folder()?;
    let Some(peek) = Peek::open(folder.path())? else {
        println!("The spool is empty: nothing was read yet.");
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(seq) = show {
        match peek.delivery_text(seq)? {
            Some(text) => print!("{text}"),
            None => bail!("no delivery {seq} waits; it was delivered, or never made"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (batches, bytes) = peek.waiting()?;
    println!("{batches} deliveries wait, {}.", size(bytes));
    for waiting in peek.deliveries(limit)? {
        println!(
            "  {:>8}  {}/{}  {} lines, {}, made {}",
            waiting.seq,
            waiting.pos,
            waiting.stream,
            waiting.lines,
            size(waiting.bytes),
            waiting.made_at
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn rejects(place: &Place, limit: u32) -> anyhow::Result<ExitCode> {
    let folder = place.folder()?;
    let Some(peek) = Peek::open(folder.path())? else {
        println!("Nothing was read yet.");
        return Ok(ExitCode::SUCCESS);
    };
    let rejects = peek.rejects(limit)?;
    if rejects.is_empty() {
        println!("No row is set aside.");
    }
    for (pos, stream, at, text) in rejects {
        let line: Line = serde_json::from_str(&text).context("a kept reject cannot be read")?;
        let Line::Reject(reject) = line else { continue };
        let place = reject
            .position
            .as_ref()
            .map(|position| format!(" at {position}"))
            .unwrap_or_default();
        println!("{pos}/{stream} row {}{place} ({at})", reject.key);
        println!(
            "  {}{}: {}",
            reject.entity,
            reject
                .field
                .as_ref()
                .map(|field| format!(".{field}"))
                .unwrap_or_default(),
            reject.message
        );
        if let Some(raw) = &reject.raw {
            println!("  value: {raw:?}, rule: {}", reject.rule);
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn read_state(folder: &DataFolder) -> Option<Snapshot> {
    serde_json::from_slice(&std::fs::read(folder.state_file()).ok()?).ok()
}

pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

pub(super) fn ago(at: DateTime<Utc>) -> String {
    let seconds = (Utc::now() - at).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
