//! Where each stream stands: cursor, scan, job under way, and why it is halted.

use chrono::{DateTime, SecondsFormat, Utc};
use fluxion_model::id::StreamName;
use fluxion_model::job::JobReport;
use fluxion_model::stream::Cursor;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::SpoolResult;
use super::seen::Seen;
use super::store::{ScanState, Store, StreamMemory, damaged};

/// A stream's number within this spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub i64);

/// Why a stream waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// A short, stable word such as `missing_column` or `delete_brake`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Where a stream stands.
#[derive(Debug, Clone)]
pub struct StreamPosition {
    /// Its number.
    pub id: StreamId,
    /// After the last committed batch; absent before the first.
    pub cursor: Option<Cursor>,
    /// Whether a scan of everything is half done.
    pub scanning: bool,
    /// Whether the rules differ from those of the last run, so that everything must be read again.
    pub rules_changed: bool,
    /// Rows the spool knows.
    pub rows: u64,
    /// Whether a person's confirmation of deletes is not carried out yet.
    pub confirmed: bool,
    /// Where the stream stands after a scan whose deletes wait for a person.
    pub pending_end: Option<Cursor>,
    /// The job that was under way.
    pub job: Option<JobReport>,
    /// Why it waits for a person.
    pub halted: Option<Halt>,
    /// When it last read its source to the end.
    pub last_success: Option<DateTime<Utc>>,
    /// When a scan of everything last ended.
    pub last_scan: Option<DateTime<Utc>>,
    /// The spool's life it belongs to.
    pub generation: u64,
}

impl Store {
    /// Where a stream stands; a stream that is new begins here. `rules` identifies the mapping and all it is compiled
    /// with.
    pub fn stream(
        &mut self,
        pos: &str,
        stream: &StreamName,
        rules: [u8; 16],
    ) -> SpoolResult<StreamPosition> {
        self.db
            .prepare_cached(
                "INSERT OR IGNORE INTO streams (pos, stream, rules, salt) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![pos, stream.as_str(), rules, 0_u128.to_be_bytes()])?;
        let found = self
            .db
            .prepare_cached(
                "SELECT id, cursor, scan, rules, row_count, confirmed, pending_end, job, halted, last_success, last_scan
                 FROM streams WHERE pos = ?1 AND stream = ?2",
            )?
            .query_row(params![pos, stream.as_str()], |row| {
                let kept: Option<Vec<u8>> = row.get(3)?;
                Ok(StreamPosition {
                    id: StreamId(row.get(0)?),
                    cursor: row.get::<_, Option<Vec<u8>>>(1)?.map(|bytes| Cursor(bytes.into())),
                    scanning: row.get::<_, i64>(2)? != 0,
                    rules_changed: kept.as_deref() != Some(&rules[..]),
                    rows: row.get::<_, i64>(4)?.cast_unsigned(),
                    confirmed: row.get::<_, i64>(5)? != 0,
                    pending_end: row.get::<_, Option<Vec<u8>>>(6)?.map(|bytes| Cursor(bytes.into())),
                    job: json(row.get(7)?),
                    halted: json(row.get(8)?),
                    last_success: time(row.get(9)?),
                    last_scan: time(row.get(10)?),
                    generation: self.generation,
                })
            })?;
        Ok(found)
    }

    /// Forgets the cursor, because it is of no use any more or the rules changed: everything is read again.
    pub fn start_over(&mut self, stream: StreamId, rules: [u8; 16]) -> SpoolResult<()> {
        self.memory.remove(&stream);
        let tx = self.db.transaction()?;
        tx.execute(
            "UPDATE streams SET cursor = NULL, scan = 0, pending_end = NULL, rules = ?2 WHERE id = ?1",
            params![stream.0, rules],
        )?;
        tx.execute("DELETE FROM seen WHERE stream = ?1", params![stream.0])?;
        tx.commit()?;
        Ok(())
    }

    /// Notes the rules that are in force, without reading again what cannot be read again.
    pub fn keep_rules(&mut self, stream: StreamId, rules: [u8; 16]) -> SpoolResult<()> {
        self.db.execute(
            "UPDATE streams SET rules = ?2 WHERE id = ?1",
            params![stream.0, rules],
        )?;
        Ok(())
    }

    /// Halts a stream or lets it go on.
    pub fn set_halt(&mut self, stream: StreamId, halt: Option<&Halt>) -> SpoolResult<()> {
        let text = halt.and_then(|halt| serde_json::to_string(halt).ok());
        self.db.execute(
            "UPDATE streams SET halted = ?2 WHERE id = ?1",
            params![stream.0, text],
        )?;
        Ok(())
    }

    /// Notes that the source was read to its end, and where the stream stands.
    pub fn caught_up(
        &mut self,
        stream: StreamId,
        generation: u64,
        end: &Cursor,
    ) -> SpoolResult<()> {
        self.check_generation(generation)?;
        // A poll that found nothing must not cost a flush of the disk each time, not even when others' changes moved the
        // place in the log: after a crash they are passed over once more.
        let now = Utc::now();
        let before = |seconds| stamp(now - chrono::TimeDelta::seconds(seconds));
        let may_wait: bool = self
            .db
            .prepare_cached(
                "SELECT last_success > CASE WHEN cursor IS ?2 THEN ?3 ELSE ?4 END FROM streams WHERE id = ?1",
            )?
            .query_row(params![stream.0, &*end.0, before(60), before(10)], |row| {
                Ok(row.get::<_, Option<bool>>(0)?.unwrap_or(false))
            })?;
        if !may_wait {
            self.db
                .prepare_cached("UPDATE streams SET cursor = ?2, last_success = ?3 WHERE id = ?1")?
                .execute(params![stream.0, &*end.0, stamp(now)])?;
        }
        Ok(())
    }

    /// A person has confirmed the deletes that wait. Deletes of a later scan are not meant.
    pub fn confirm_deletes(&mut self, stream: StreamId) -> SpoolResult<()> {
        self.db.execute(
            "UPDATE streams SET confirmed = 1 WHERE id = ?1 AND pending_end IS NOT NULL",
            params![stream.0],
        )?;
        Ok(())
    }

    /// Keys of rows that were set aside.
    pub fn rejected_keys(&mut self, stream: StreamId) -> SpoolResult<Vec<String>> {
        let keys = self
            .db
            .prepare_cached("SELECT DISTINCT key FROM rejects WHERE stream = ?1")?
            .query_map(params![stream.0], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(keys)
    }

    /// What the cloud calls a POS system, if it has answered this very declaration.
    pub fn pos_system(&mut self, name: &str, declaration: [u8; 16]) -> SpoolResult<Option<String>> {
        Ok(self
            .db
            .prepare_cached("SELECT id FROM pos_systems WHERE name = ?1 AND declaration = ?2")?
            .query_row(params![name, declaration], |row| row.get(0))
            .optional()?)
    }

    /// Keeps the cloud's answer to a declaration.
    pub fn keep_pos_system(
        &mut self,
        name: &str,
        id: &str,
        declaration: [u8; 16],
    ) -> SpoolResult<()> {
        self.db.execute(
            "INSERT INTO pos_systems (name, id, declaration) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET id = excluded.id, declaration = excluded.declaration",
            params![name, id, declaration],
        )?;
        Ok(())
    }

    /// Forgets the cloud's answer, so that the POS system is declared again.
    pub fn forget_pos_system(&mut self, name: &str) -> SpoolResult<()> {
        self.db
            .execute("DELETE FROM pos_systems WHERE name = ?1", params![name])?;
        Ok(())
    }

    /// What the cloud called a POS system last, whatever was declared.
    pub fn known_pos_system(&mut self, name: &str) -> SpoolResult<Option<String>> {
        Ok(self
            .db
            .prepare_cached("SELECT id FROM pos_systems WHERE name = ?1")?
            .query_row(params![name], |row| row.get(0))
            .optional()?)
    }

    pub(super) fn check_generation(&self, generation: u64) -> SpoolResult<()> {
        if generation == self.generation {
            Ok(())
        } else {
            Err(super::SpoolError::NewLife)
        }
    }

    /// Takes the stream's memory out, reading it from the file where it is not in memory. The caller puts it back only
    /// when its transaction was committed.
    pub(super) fn take_memory(&mut self, stream: StreamId) -> SpoolResult<StreamMemory> {
        if let Some(memory) = self.memory.remove(&stream) {
            return Ok(memory);
        }
        let (salt, rows, next, scan): (Vec<u8>, i64, i64, i64) = self
            .db
            .prepare_cached("SELECT salt, row_count, next_row, scan FROM streams WHERE id = ?1")?
            .query_row(params![stream.0], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
        let salt: [u8; 16] = salt
            .try_into()
            .map_err(|_| damaged("a salt is not 16 bytes"))?;
        let scan = if scan == 0 {
            ScanState::No
        } else {
            let mut seen = Seen::default();
            let mut statement = self
                .db
                .prepare_cached("SELECT runs FROM seen WHERE stream = ?1")?;
            let mut rows = statement.query(params![stream.0])?;
            while let Some(row) = rows.next()? {
                if !seen.extend(row.get_ref(0)?.as_blob().unwrap_or_default()) {
                    return Err(damaged("the rows seen by a scan cannot be read"));
                }
            }
            ScanState::Active {
                seen,
                first_load: false,
            }
        };
        Ok(StreamMemory {
            salt: u128::from_be_bytes(salt),
            row_count: rows.cast_unsigned(),
            next_row: next.cast_unsigned(),
            scan,
        })
    }
}

fn json<T: for<'de> Deserialize<'de>>(text: Option<String>) -> Option<T> {
    text.and_then(|text| serde_json::from_str(&text).ok())
}

fn time(text: Option<String>) -> Option<DateTime<Utc>> {
    text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
        .map(|at| at.with_timezone(&Utc))
}

/// Sorts as text in the order of time.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
