//! The lines of a delivery: appended as they come, closed with tombstones, cleared rejects and the job's report.

use std::collections::HashSet;

use chrono::Utc;
use fluxion_model::delivery::Line;
use fluxion_model::entity::{EntityKind, Tombstone};
use fluxion_model::id::ExternalId;
use fluxion_model::job::JobKind;
use rusqlite::params;

use super::commit::{Dropped, Writing};
use super::row_state::RowState;
use super::store::damaged;
use super::streams::stamp;
use super::{ReportNeed, SpoolResult};

/// Small enough to be sent again cheaply over a line that breaks, large enough to compress well.
const BODY_TARGET_BYTES: usize = 4 * 1024 * 1024;
const BODY_MAX_LINES: u32 = 20_000;
/// What is not a load is small, and goes up all day over the store's line: it is packed as well as can be, which takes a second
/// of a slow processor for the largest, and saves a quarter of the bytes.
const THOROUGH_UP_TO_BYTES: usize = 512 * 1024;
const THOROUGH: i32 = 19;
const KEYS_PER_CLEARED_LINE: usize = 1_000;

impl Writing<'_> {
    /// Appends a line, and starts another delivery when this one is large.
    pub fn line(&mut self, line: &[u8]) -> SpoolResult<()> {
        if self.body.len() + line.len() > BODY_TARGET_BYTES || self.body_lines >= BODY_MAX_LINES {
            self.flush()?;
        }
        self.body.extend_from_slice(line);
        self.body.push(b'\n');
        self.body_lines += 1;
        Ok(())
    }

    fn line_of(&mut self, line: &Line) -> SpoolResult<()> {
        let text =
            serde_json::to_vec(line).map_err(|error| super::SpoolError::Pack(error.into()))?;
        self.line(&text)
    }

    /// Tombstones, cleared rejects and the job's report: after everything else of the batch.
    pub fn finish(&mut self, report: ReportNeed) -> SpoolResult<()> {
        self.tombstones()?;
        let cleared = std::mem::take(&mut self.cleared);
        for keys in cleared.chunks(KEYS_PER_CLEARED_LINE) {
            self.line_of(&Line::Cleared {
                keys: keys.to_vec(),
            })?;
        }
        if self.body_lines > 0 || self.next_seq_moved() || report == ReportNeed::Always {
            let job = self.job.clone();
            self.line_of(&Line::Job(job))?;
        }
        self.flush()
    }

    fn next_seq_moved(&self) -> bool {
        self.added.batches > 0
    }

    fn tombstones(&mut self) -> SpoolResult<()> {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped.is_empty() {
            return Ok(());
        }
        let held = self.held_elsewhere(&dropped)?;
        let mut said = HashSet::new();
        for gone in dropped {
            if held.contains(&(gone.entity, gone.id.clone()))
                || !said.insert((gone.entity, gone.id.clone()))
            {
                continue;
            }
            let Ok(id) = ExternalId::new(gone.id) else {
                continue;
            };
            self.line_of(&Line::Delete(Tombstone {
                entity: gone.entity,
                id,
            }))?;
            self.job.counts.deletes_sent += 1;
        }
        Ok(())
    }

    /// Which of the dropped records another row still makes. A record named like its row is only looked for there; for
    /// others the stream's rows are read once, which is rare and costs a fraction of a second per million rows.
    fn held_elsewhere(
        &mut self,
        dropped: &[Dropped],
    ) -> SpoolResult<HashSet<(EntityKind, Box<str>)>> {
        let mut held = HashSet::new();
        let mut wanted: HashSet<(EntityKind, &str)> = HashSet::new();
        for gone in dropped {
            if gone.id == gone.by {
                let own = self.read(&gone.by)?;
                if own.is_some_and(|own| {
                    own.state
                        .records
                        .iter()
                        .any(|r| r.entity == gone.entity && r.id == gone.id)
                }) {
                    held.insert((gone.entity, gone.id.clone()));
                }
            } else {
                wanted.insert((gone.entity, &gone.id));
            }
        }
        if wanted.is_empty() {
            return Ok(held);
        }
        let mut stale: Vec<(String, RowState)> = Vec::new();
        let mut statement = self
            .tx
            .prepare_cached("SELECT key, state FROM rows WHERE stream = ?1")?;
        let mut rows = statement.query(params![self.stream.0])?;
        while let Some(row) = rows.next()? {
            let key = row.get_ref(0)?.as_str().unwrap_or_default();
            let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
            let mut state = RowState::decode(bytes, key)
                .ok_or_else(|| damaged("a row's state cannot be read"))?;
            let mut found = false;
            for record in &mut state.records {
                if wanted.contains(&(record.entity, &*record.id)) {
                    held.insert((record.entity, record.id.clone()));
                    if !self.just_written(record.entity, &record.id, dropped, key) {
                        // The cloud may hold the other row's values, so this one is sent again when it is next read.
                        record.fingerprint = [0; 16];
                        found = true;
                    }
                }
            }
            if found {
                stale.push((key.to_owned(), state));
            }
        }
        drop(rows);
        drop(statement);
        let mut bytes = Vec::new();
        for (key, state) in stale {
            state.encode(&key, &mut bytes);
            self.tx
                .prepare_cached("UPDATE rows SET state = ?3 WHERE stream = ?1 AND key = ?2")?
                .execute(params![self.stream.0, key, bytes])?;
        }
        Ok(held)
    }

    /// Whether the holder is itself among the rows that changed here: then its value was sent in this batch.
    fn just_written(
        &self,
        entity: EntityKind,
        id: &str,
        dropped: &[Dropped],
        holder: &str,
    ) -> bool {
        dropped
            .iter()
            .any(|gone| &*gone.by == holder && gone.entity == entity && &*gone.id != id)
    }

    fn flush(&mut self) -> SpoolResult<()> {
        if self.body_lines == 0 {
            return Ok(());
        }
        let thorough =
            self.job.kind != JobKind::FullSync && self.body.len() <= THOROUGH_UP_TO_BYTES;
        let packed = if thorough {
            zstd::bulk::compress(self.body, THOROUGH)
        } else {
            self.compressor.compress(self.body)
        }
        .map_err(super::SpoolError::Pack)?;
        self.tx
            .prepare_cached(
                "INSERT INTO batches (seq, pos, stream, job, mapping_version, lines, made_at, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.next_seq.cast_signed(),
                self.pos,
                self.name,
                self.job.id.to_string(),
                self.mapping_version,
                self.body_lines,
                stamp(Utc::now()),
                packed
            ])?;
        self.added.batches += 1;
        self.added.bytes += packed.len() as u64;
        self.next_seq += 1;
        self.body.clear();
        self.body_lines = 0;
        Ok(())
    }
}
