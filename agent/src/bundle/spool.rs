//! What the spool tells without telling what is in it: counts, times, and what halts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use fluxion_model::delivery::Line;

use crate::spool::{FILE_NAME, Peek, SpoolResult};

/// Deliveries and rejects that are looked at.
const LIMIT: u32 = 50;
const REJECTS: u32 = 10_000;

pub(super) fn describe(folder: &Path) -> String {
    let mut out = String::new();
    match Peek::open(folder) {
        Ok(Some(peek)) => {
            if let Err(error) = tell(&mut out, &peek) {
                writeln!(out, "the spool cannot be read: {}", crate::chain(&error))
                    .unwrap_or_default();
            }
        }
        Ok(None) => out.push_str("nothing was read yet\n"),
        Err(error) => {
            writeln!(out, "the spool cannot be opened: {}", crate::chain(&error))
                .unwrap_or_default();
        }
    }
    for ending in ["", "-wal", "-shm"] {
        let path = folder.join(format!("{FILE_NAME}{ending}"));
        if let Ok(about) = std::fs::metadata(&path) {
            writeln!(out, "{FILE_NAME}{ending}: {} bytes", about.len()).unwrap_or_default();
        }
    }
    out
}

fn tell(out: &mut String, peek: &Peek) -> SpoolResult<()> {
    let (batches, bytes) = peek.waiting()?;
    writeln!(out, "waiting: {batches} deliveries, {bytes} bytes").unwrap_or_default();
    for stream in peek.streams()? {
        let at = |at: Option<chrono::DateTime<chrono::Utc>>| {
            at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339())
        };
        writeln!(
            out,
            "stream {}/{}: {} rows, {} set aside, last read {}, last compared {}, in the middle of a scan: {}",
            stream.pos,
            stream.stream,
            stream.rows,
            stream.rejects,
            at(stream.last_success),
            at(stream.last_scan),
            stream.scanning
        )
        .unwrap_or_default();
        if let Some(halt) = stream.halted {
            let hint = halt.hint.unwrap_or_default();
            writeln!(
                out,
                "  halted since {} ({}): {} {hint}",
                halt.since, halt.code, halt.message
            )
            .unwrap_or_default();
        }
    }
    for waiting in peek.deliveries(LIMIT)? {
        writeln!(
            out,
            "delivery {} of {}/{}: {} lines, {} bytes, made {}",
            waiting.seq, waiting.pos, waiting.stream, waiting.lines, waiting.bytes, waiting.made_at
        )
        .unwrap_or_default();
    }
    for (what, count) in rejects(peek)? {
        writeln!(out, "set aside, {what}: {count}").unwrap_or_default();
    }
    Ok(())
}

/// How many by field and rule. Keys, values and messages stay here: they are data of the POS.
fn rejects(peek: &Peek) -> SpoolResult<BTreeMap<String, u32>> {
    let mut counts = BTreeMap::new();
    for (pos, stream, _, text) in peek.rejects(REJECTS)? {
        let Ok(Line::Reject(reject)) = serde_json::from_str::<Line>(&text) else {
            continue;
        };
        let field = reject.field.unwrap_or_default();
        let what = format!(
            "{pos}/{stream} {}.{field} by rule {}",
            reject.entity, reject.rule
        );
        *counts.entry(what).or_default() += 1;
    }
    Ok(counts)
}
