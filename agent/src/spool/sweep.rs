//! The end of a scan: rows that the spool knows and the scan did not bring are gone, within the delete brake.

use chrono::Utc;
use fluxion_model::job::JobReport;
use fluxion_model::stream::Cursor;
use rusqlite::params;

use super::commit::Writing;
use super::seen::Seen;
use super::store::{ScanState, Store};
use super::streams::stamp;
use super::{ReportNeed, SpoolResult, StreamId};
use crate::config::DeleteBrake;

/// Rows deleted in one transaction.
const CHUNK: usize = 5_000;

/// What to sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Which stream.
    pub stream: StreamId,
    /// The spool's life when the stream was opened.
    pub generation: u64,
    /// Where the stream stands after the scan.
    pub end: Cursor,
    /// When to stop and ask.
    pub brake: DeleteBrake,
    /// The run that scanned.
    pub job: JobReport,
    /// Version of the mapping.
    pub mapping_version: u32,
}

/// What a sweep did.
#[derive(Debug)]
pub enum Swept {
    /// All that was gone is deleted, and the scan is over.
    Done(JobReport),
    /// Some is deleted; call again.
    More(JobReport),
    /// Nothing was deleted: too much is gone, a person must confirm.
    Braked {
        /// Rows that would go.
        gone: u64,
        /// Rows known.
        known: u64,
    },
    /// There is no scan to end, because the spool began a new life in between: scan again.
    NoScan,
}

impl Store {
    /// Deletes what a finished scan did not see, a few thousand rows per call.
    pub fn sweep(&mut self, sweep: &Sweep) -> SpoolResult<Swept> {
        self.check_generation(sweep.generation)?;
        let mut memory = self.take_memory(sweep.stream)?;
        let ScanState::Active { seen, .. } = &memory.scan else {
            self.memory.insert(sweep.stream, memory);
            return Ok(Swept::NoScan);
        };
        let (gone, keys) = self.unseen(sweep.stream, seen)?;
        let known = memory.row_count;
        let confirmed: bool = self.db.query_row(
            "SELECT confirmed FROM streams WHERE id = ?1",
            params![sweep.stream.0],
            |row| Ok(row.get::<_, i64>(0)? != 0),
        )?;
        if sweep.brake.trips(gone, known) && !confirmed {
            self.db.execute(
                "UPDATE streams SET cursor = ?2, pending_end = ?2 WHERE id = ?1",
                params![sweep.stream.0, &*sweep.end.0],
            )?;
            self.memory.insert(sweep.stream, memory);
            return Ok(Swept::Braked { gone, known });
        }
        let last = gone as usize <= keys.len();
        let mapping = sweep.mapping_version;
        let (job, _) =
            self.in_transaction(sweep.stream, &mut memory, &sweep.job, mapping, |writing| {
                for key in &keys {
                    writing.delete(key)?;
                }
                writing.finish(ReportNeed::WithNews)?;
                // Deleting in parts must not let the rest slip under the brake, nor trip it again.
                writing.tx.execute(
                    "UPDATE streams SET confirmed = ?2 WHERE id = ?1",
                    params![sweep.stream.0, i64::from(!last)],
                )?;
                if last {
                    end_scan(writing, &sweep.end)
                } else {
                    Ok(())
                }
            })?;
        self.memory.insert(sweep.stream, memory);
        Ok(if last {
            Swept::Done(job)
        } else {
            Swept::More(job)
        })
    }

    /// How many rows the scan did not see, and the first few thousand of them.
    fn unseen(&self, stream: StreamId, seen: &Seen) -> SpoolResult<(u64, Vec<String>)> {
        let mut gone = 0;
        let mut keys = Vec::new();
        let mut statement = self
            .db
            .prepare_cached("SELECT id, key FROM rows WHERE stream = ?1")?;
        let mut rows = statement.query(params![stream.0])?;
        while let Some(row) = rows.next()? {
            if !seen.contains(row.get::<_, i64>(0)?.cast_unsigned()) {
                gone += 1;
                if keys.len() < CHUNK {
                    keys.push(row.get(1)?);
                }
            }
        }
        Ok((gone, keys))
    }
}

fn end_scan(writing: &mut Writing<'_>, end: &Cursor) -> SpoolResult<()> {
    writing.tx.execute(
        "DELETE FROM seen WHERE stream = ?1",
        params![writing.stream.0],
    )?;
    writing.tx.execute(
        "UPDATE streams SET cursor = ?2, pending_end = NULL, last_success = ?3, last_scan = ?3 WHERE id = ?1",
        params![writing.stream.0, &*end.0, stamp(Utc::now())],
    )?;
    writing.memory.scan = ScanState::No;
    Ok(())
}
