//! One batch into the spool: what changed becomes lines of a delivery, what the rows became is remembered.
//!
//! Everything happens in one transaction. A record that a row no longer makes becomes a tombstone, unless another row
//! of the stream holds the same record, as when two products swap their codes.

use std::time::Instant;

use chrono::Utc;
use fluxion_connectors::ScanPart;
use fluxion_model::entity::EntityKind;
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::job::JobReport;
use fluxion_model::wire;
use rusqlite::{OptionalExtension, Transaction, params};

use super::row_state::{self, RowState, salted};
use super::seen::{self, Seen};
use super::store::{ScanState, Store, StreamMemory, WaitingCount, damaged, write_next_seq};
use super::streams::stamp;
use super::{
    Commit, Committed, Prepared, PreparedChange, PreparedRow, RejectNews, SpoolResult, StreamId,
};

impl Store {
    /// Stores a batch: deliveries, cursor, fingerprints and mark, all or nothing.
    ///
    /// # Errors
    /// When it cannot be written; then nothing was changed and the same commit may be tried again.
    pub fn commit(&mut self, commit: &Commit) -> SpoolResult<Committed> {
        self.check_generation(commit.generation)?;
        let begun = Instant::now();
        let mut memory = self.take_memory(commit.stream)?;
        let (job, done) = self.in_transaction(
            commit.stream,
            &mut memory,
            &commit.job,
            commit.mapping_version,
            |writing| {
                writing.begin_scan(commit.scan)?;
                writing.rows(&commit.prepared, commit.reject_news)?;
                for span in &commit.prepared.unreadable {
                    writing.line(commit.prepared.line(*span))?;
                    writing.job.counts.rows_read += 1;
                    writing.job.counts.rejected += 1;
                }
                writing.finish(commit.report)?;
                if let Some(mark) = &commit.mark {
                    writing
                        .tx
                        .prepare_cached("INSERT OR IGNORE INTO marks VALUES (?1, ?2, ?3)")?
                        .execute(params![commit.stream.0, mark, stamp(Utc::now())])?;
                }
                if let Some(end) = &commit.end {
                    writing
                        .tx
                        .prepare_cached("UPDATE streams SET cursor = ?2 WHERE id = ?1")?
                        .execute(params![commit.stream.0, &*end.0])?;
                }
                Ok(())
            },
        )?;
        self.memory.insert(commit.stream, memory);
        tracing::trace!(rows = commit.prepared.rows.len(), elapsed = ?begun.elapsed(), "committed to the spool");
        Ok(Committed { job, batches: done })
    }

    /// Runs `work` in one transaction and keeps its result only when that was committed.
    pub(super) fn in_transaction(
        &mut self,
        stream: StreamId,
        memory: &mut StreamMemory,
        job: &JobReport,
        mapping_version: u32,
        work: impl FnOnce(&mut Writing<'_>) -> SpoolResult<()>,
    ) -> SpoolResult<(JobReport, u32)> {
        let tx = self.db.transaction()?;
        let (pos, name): (String, String) = tx
            .prepare_cached("SELECT pos, stream FROM streams WHERE id = ?1")?
            .query_row(params![stream.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.body.clear();
        let first_seq = self.next_seq;
        let mut writing = Writing {
            tx: &tx,
            stream,
            memory,
            job: job.clone(),
            body: &mut self.body,
            body_lines: 0,
            compressor: &mut self.compressor,
            next_seq: first_seq,
            added: WaitingCount::default(),
            pos: &pos,
            name: &name,
            mapping_version,
            dropped: Vec::new(),
            cleared: Vec::new(),
            saw: Vec::new(),
            fresh: Vec::new(),
        };
        work(&mut writing)?;
        writing.keep_memory()?;
        let Writing {
            job,
            next_seq,
            added,
            ..
        } = writing;
        if next_seq != first_seq {
            write_next_seq(&tx, next_seq)?;
        }
        tx.commit()?;
        self.next_seq = next_seq;
        self.waiting.batches += added.batches;
        self.waiting.bytes += added.bytes;
        Ok((job, u32::try_from(next_seq - first_seq).unwrap_or(u32::MAX)))
    }
}

/// A transaction that stores changes of one stream.
pub(super) struct Writing<'a> {
    pub tx: &'a Transaction<'a>,
    pub stream: StreamId,
    pub memory: &'a mut StreamMemory,
    pub job: JobReport,
    pub(super) body: &'a mut Vec<u8>,
    pub(super) body_lines: u32,
    pub(super) compressor: &'a mut zstd::bulk::Compressor<'static>,
    pub(super) next_seq: u64,
    pub(super) added: WaitingCount,
    pub(super) pos: &'a str,
    pub(super) name: &'a str,
    pub(super) mapping_version: u32,
    /// Records that a row of this transaction no longer makes.
    pub(super) dropped: Vec<Dropped>,
    pub(super) cleared: Vec<String>,
    pub(super) saw: Vec<u64>,
    pub(super) fresh: Vec<u8>,
}

/// A record that a row no longer makes.
pub(super) struct Dropped {
    pub entity: EntityKind,
    pub id: Box<str>,
    pub by: Box<str>,
}

/// What the file knows of a row.
pub(super) struct Known {
    pub id: u64,
    pub state: RowState,
}

enum Found {
    Nothing,
    /// The very same state.
    Same(u64),
    Other(u64, Vec<u8>),
}

impl Writing<'_> {
    fn begin_scan(&mut self, part: ScanPart) -> SpoolResult<()> {
        if part == ScanPart::First {
            self.tx
                .prepare_cached("DELETE FROM seen WHERE stream = ?1")?
                .execute(params![self.stream.0])?;
            self.tx
                .prepare_cached(
                    "UPDATE streams SET pending_end = NULL, confirmed = 0 WHERE id = ?1",
                )?
                .execute(params![self.stream.0])?;
            let first_load = self.memory.row_count == 0;
            self.memory.scan = ScanState::Active {
                seen: Seen::default(),
                first_load,
            };
        }
        Ok(())
    }

    /// Rows sorted by key, because neighbours share pages of the table; equal keys stay in their order.
    fn rows(&mut self, prepared: &Prepared, news: RejectNews) -> SpoolResult<()> {
        let mut order: Vec<&PreparedRow> = prepared.rows.iter().collect();
        order.sort_by(|a, b| a.key.cmp(&b.key));
        for row in order {
            match &row.change {
                PreparedChange::Delete => self.delete(&row.key)?,
                PreparedChange::Upsert { records, rejects } => {
                    self.upsert(prepared, &row.key, records.clone(), rejects.clone(), news)?;
                }
            }
            self.job.counts.rows_read += 1;
        }
        Ok(())
    }

    fn upsert(
        &mut self,
        prepared: &Prepared,
        key: &str,
        records: std::ops::Range<usize>,
        rejects: std::ops::Range<usize>,
        news: RejectNews,
    ) -> SpoolResult<()> {
        let salt = self.memory.salt;
        if !rejects.is_empty() {
            return self.upsert_with_rejects(prepared, key, records, rejects, news);
        }
        let records = &prepared.records[records];
        row_state::begin(&mut self.fresh, None);
        for record in records {
            row_state::push(
                &mut self.fresh,
                key,
                record.entity,
                record.id.as_str(),
                salted(record.fingerprint, salt),
            );
        }
        let known_new = matches!(
            self.memory.scan,
            ScanState::Active {
                first_load: true,
                ..
            }
        );
        if known_new && !records.is_empty() && self.insert(key, InsertMode::UnlessThere)? {
            for record in records {
                self.line(prepared.line(record.line))?;
            }
            self.job.counts.records_sent += records.len() as u64;
            return Ok(());
        }
        match self.find(key)? {
            Found::Same(id) => {
                self.job.counts.records_unchanged += records.len() as u64;
                self.see(id);
            }
            Found::Nothing if records.is_empty() => {}
            Found::Nothing => {
                self.insert(key, InsertMode::New)?;
                for record in records {
                    self.line(prepared.line(record.line))?;
                }
                self.job.counts.records_sent += records.len() as u64;
            }
            Found::Other(id, bytes) => {
                let state = RowState::decode(&bytes, key)
                    .ok_or_else(|| damaged("a row's state cannot be read"))?;
                self.change(prepared, key, &Known { id, state }, records, &[])?;
            }
        }
        Ok(())
    }

    /// A row of which something was set aside: the cloud keeps the old value of that until the row is mended.
    fn upsert_with_rejects(
        &mut self,
        prepared: &Prepared,
        key: &str,
        records: std::ops::Range<usize>,
        rejects: std::ops::Range<usize>,
        news: RejectNews,
    ) -> SpoolResult<()> {
        let records = &prepared.records[records];
        let rejects = &prepared.rejects[rejects];
        let salt = self.memory.salt;
        let fingerprint = rejects_fingerprint(prepared, rejects, salt);
        let old = self.read(key)?;
        let mut state = RowState {
            rejects: Some(fingerprint),
            records: Vec::new(),
        };
        for record in records {
            state.records.push(row_state::Held {
                entity: record.entity,
                id: record.id.as_str().into(),
                fingerprint: salted(record.fingerprint, salt),
            });
        }
        let kept: Vec<_> = old
            .iter()
            .flat_map(|old| &old.state.records)
            .filter(|held| rejects.iter().any(|reject| reject.entity == held.entity))
            .filter(|held| {
                !state
                    .records
                    .iter()
                    .any(|new| new.entity == held.entity && new.id == held.id)
            })
            .cloned()
            .collect();
        state.records.extend(kept.iter().cloned());
        self.fresh.clear();
        let mut fresh = std::mem::take(&mut self.fresh);
        state.encode(key, &mut fresh);
        self.fresh = fresh;
        self.job.counts.rejected += rejects.len() as u64;
        let said_before = old
            .as_ref()
            .is_some_and(|old| old.state.rejects == Some(fingerprint));
        if !said_before || news == RejectNews::All {
            self.say_rejects(prepared, key, rejects)?;
        }
        match old {
            None => {
                self.insert(key, InsertMode::New)?;
                for record in records {
                    self.line(prepared.line(record.line))?;
                }
                self.job.counts.records_sent += records.len() as u64;
            }
            Some(old) => self.change(prepared, key, &old, records, &kept)?,
        }
        Ok(())
    }

    fn say_rejects(
        &mut self,
        prepared: &Prepared,
        key: &str,
        rejects: &[super::PreparedReject],
    ) -> SpoolResult<()> {
        self.forget_rejects(key)?;
        let now = stamp(Utc::now());
        for (number, reject) in (0_i64..).zip(rejects) {
            let line = prepared.line(reject.line);
            self.line(line)?;
            let text = std::str::from_utf8(line).unwrap_or_default();
            self.tx
                .prepare_cached("INSERT OR REPLACE INTO rejects VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![self.stream.0, key, number, now, text])?;
        }
        Ok(())
    }

    fn forget_rejects(&mut self, key: &str) -> SpoolResult<()> {
        self.tx
            .prepare_cached("DELETE FROM rejects WHERE stream = ?1 AND key = ?2")?
            .execute(params![self.stream.0, key])?;
        Ok(())
    }

    /// `self.fresh` is the new state. Says what differs from the old one.
    fn change(
        &mut self,
        prepared: &Prepared,
        key: &str,
        old: &Known,
        records: &[super::PreparedRecord],
        kept: &[row_state::Held],
    ) -> SpoolResult<()> {
        for record in records {
            let fingerprint = salted(record.fingerprint, self.memory.salt);
            let same = old.state.records.iter().any(|held| {
                held.entity == record.entity
                    && *held.id == *record.id.as_str()
                    && held.fingerprint == fingerprint
            });
            if same {
                self.job.counts.records_unchanged += 1;
            } else {
                self.line(prepared.line(record.line))?;
                self.job.counts.records_sent += 1;
            }
        }
        for held in &old.state.records {
            let stays = records
                .iter()
                .any(|new| new.entity == held.entity && *new.id.as_str() == *held.id)
                || kept.contains(held);
            if !stays {
                self.dropped.push(Dropped {
                    entity: held.entity,
                    id: held.id.clone(),
                    by: key.into(),
                });
            }
        }
        let rejects_now = self.fresh.first().is_some_and(|flags| *flags != 0);
        if old.state.rejects.is_some() && !rejects_now {
            self.forget_rejects(key)?;
            self.cleared.push(key.to_owned());
        }
        if self.fresh == [0] {
            self.remove(key, old.id)?;
        } else {
            self.tx
                .prepare_cached("UPDATE rows SET state = ?3 WHERE stream = ?1 AND key = ?2")?
                .execute(params![self.stream.0, key, self.fresh])?;
            self.see(old.id);
        }
        Ok(())
    }

    /// A row is gone: so are the records it made.
    pub fn delete(&mut self, key: &str) -> SpoolResult<()> {
        let Some(old) = self.read(key)? else {
            return Ok(());
        };
        for held in old.state.records {
            self.dropped.push(Dropped {
                entity: held.entity,
                id: held.id,
                by: key.into(),
            });
        }
        if old.state.rejects.is_some() {
            self.forget_rejects(key)?;
            self.cleared.push(key.to_owned());
        }
        self.remove(key, old.id)
    }

    /// Looks a row up and compares it with `self.fresh` without copying it.
    fn find(&self, key: &str) -> SpoolResult<Found> {
        let found = self
            .tx
            .prepare_cached("SELECT id, state FROM rows WHERE stream = ?1 AND key = ?2")?
            .query_row(params![self.stream.0, key], |row| {
                let id = row.get::<_, i64>(0)?.cast_unsigned();
                let state = row.get_ref(1)?.as_blob().unwrap_or_default();
                Ok(if state == self.fresh {
                    Found::Same(id)
                } else {
                    Found::Other(id, state.to_vec())
                })
            })
            .optional()?;
        Ok(found.unwrap_or(Found::Nothing))
    }

    pub(super) fn read(&self, key: &str) -> SpoolResult<Option<Known>> {
        let found: Option<(i64, Vec<u8>)> = self
            .tx
            .prepare_cached("SELECT id, state FROM rows WHERE stream = ?1 AND key = ?2")?
            .query_row(params![self.stream.0, key], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((id, bytes)) = found else {
            return Ok(None);
        };
        let state =
            RowState::decode(&bytes, key).ok_or_else(|| damaged("a row's state cannot be read"))?;
        Ok(Some(Known {
            id: id.cast_unsigned(),
            state,
        }))
    }

    /// Writes `self.fresh` as a new row; false when it was there already.
    fn insert(&mut self, key: &str, mode: InsertMode) -> SpoolResult<bool> {
        let sql = match mode {
            InsertMode::New => "INSERT INTO rows VALUES (?1, ?2, ?3, ?4)",
            InsertMode::UnlessThere => "INSERT OR IGNORE INTO rows VALUES (?1, ?2, ?3, ?4)",
        };
        let id = self.memory.next_row;
        let written = self.tx.prepare_cached(sql)?.execute(params![
            self.stream.0,
            key,
            id.cast_signed(),
            self.fresh
        ])?;
        if written == 0 {
            return Ok(false);
        }
        self.memory.next_row += 1;
        self.memory.row_count += 1;
        self.see(id);
        Ok(true)
    }

    fn remove(&mut self, key: &str, id: u64) -> SpoolResult<()> {
        self.tx
            .prepare_cached("DELETE FROM rows WHERE stream = ?1 AND key = ?2")?
            .execute(params![self.stream.0, key])?;
        self.memory.row_count = self.memory.row_count.saturating_sub(1);
        if let ScanState::Active { seen, .. } = &mut self.memory.scan {
            seen.remove(id);
        }
        self.saw.retain(|seen| *seen != id);
        Ok(())
    }

    fn see(&mut self, id: u64) {
        if let ScanState::Active { seen, .. } = &mut self.memory.scan {
            seen.insert(id);
            self.saw.push(id);
        }
    }

    /// Writes what changed of the stream itself.
    fn keep_memory(&mut self) -> SpoolResult<()> {
        if !self.saw.is_empty() {
            let runs = seen::runs(&mut self.saw);
            self.tx
                .prepare_cached("INSERT INTO seen VALUES (?1, ?2)")?
                .execute(params![self.stream.0, runs])?;
        }
        let scanning = matches!(self.memory.scan, ScanState::Active { .. });
        // Every delivery ends with the job's report, so what is kept is what the cloud was told last.
        let job =
            (self.added.batches > 0).then(|| serde_json::to_string(&self.job).unwrap_or_default());
        self.tx
            .prepare_cached(
                "UPDATE streams SET row_count = ?2, next_row = ?3, scan = ?4, job = coalesce(?5, job) WHERE id = ?1",
            )?
            .execute(params![
                self.stream.0,
                self.memory.row_count.cast_signed(),
                self.memory.next_row.cast_signed(),
                i64::from(scanning),
                job
            ])?;
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum InsertMode {
    New,
    UnlessThere,
}

fn rejects_fingerprint(
    prepared: &Prepared,
    rejects: &[super::PreparedReject],
    salt: u128,
) -> [u8; 16] {
    let mut all = Vec::new();
    for reject in rejects {
        wire_line(&mut all, prepared.line(reject.line));
    }
    salted(Fingerprint::of(&all), salt)
}

fn wire_line(out: &mut Vec<u8>, line: &[u8]) {
    debug_assert!(line.len() < wire::MAX_LINE_BYTES);
    out.extend_from_slice(line);
    out.push(b'\n');
}
