//! `spool` and `rejects`: what the data folder tells, whether the agent runs or not.

use std::process::ExitCode;

use anyhow::{Context, bail};
use fluxion_model::delivery::Line;

use super::Place;
use crate::folder::DataFolder;
use crate::live::Snapshot;
use crate::spool::Peek;

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
