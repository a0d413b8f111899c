//! A look into the spool from another process, while the agent runs or not. Never writes.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, params};

use super::{FILE_NAME, Halt, SpoolResult};

/// A spool opened for reading.
pub struct Peek {
    db: Connection,
}

/// One stream, as far as the spool knows.
#[derive(Debug, Clone)]
pub struct StreamSummary {
    /// The POS system.
    pub pos: String,
    /// The stream.
    pub stream: String,
    /// Rows known.
    pub rows: u64,
    /// Whether a scan is half done.
    pub scanning: bool,
    /// Why it waits for a person.
    pub halted: Option<Halt>,
    /// When it last read its source to the end.
    pub last_success: Option<DateTime<Utc>>,
    /// When a scan of everything last ended.
    pub last_scan: Option<DateTime<Utc>>,
    /// Rejects that hold.
    pub rejects: u64,
}

/// One waiting delivery.
#[derive(Debug, Clone)]
pub struct WaitingSummary {
    /// Its number.
    pub seq: u64,
    /// The POS system.
    pub pos: String,
    /// The stream.
    pub stream: String,
    /// Lines in it.
    pub lines: u32,
    /// Compressed size.
    pub bytes: u64,
    /// When it was made.
    pub made_at: String,
}

impl Peek {
    /// Opens the spool of this folder; `None` when there is none yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(folder: &Path) -> SpoolResult<Option<Self>> {
        let path = folder.join(FILE_NAME);
        if !path.exists() {
            return Ok(None);
        }
        let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(Some(Self { db }))
    }

    /// Every stream.
    pub fn streams(&self) -> SpoolResult<Vec<StreamSummary>> {
        let mut statement = self.db.prepare(
            "SELECT pos, stream, row_count, scan, halted, last_success, last_scan,
                    (SELECT count(*) FROM rejects WHERE rejects.stream = streams.id)
             FROM streams ORDER BY pos, id",
        )?;
        let time = |text: Option<String>| {
            text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
                .map(|at| at.with_timezone(&Utc))
        };
        let rows = statement.query_map([], |row| {
            Ok(StreamSummary {
                pos: row.get(0)?,
                stream: row.get(1)?,
                rows: row.get::<_, i64>(2)?.cast_unsigned(),
                scanning: row.get::<_, i64>(3)? != 0,
                halted: row
                    .get::<_, Option<String>>(4)?
                    .and_then(|text| serde_json::from_str(&text).ok()),
                last_success: time(row.get(5)?),
                last_scan: time(row.get(6)?),
                rejects: row.get::<_, i64>(7)?.cast_unsigned(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Waiting batches and their bytes, together.
    pub fn waiting(&self) -> SpoolResult<(u64, u64)> {
        let counted = self.db.query_row(
            "SELECT count(*), coalesce(sum(length(body)), 0) FROM batches",
            [],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?.cast_unsigned(),
                    row.get::<_, i64>(1)?.cast_unsigned(),
                ))
            },
        )?;
        Ok(counted)
    }

    /// The first waiting deliveries.
    pub fn deliveries(&self, limit: u32) -> SpoolResult<Vec<WaitingSummary>> {
        let mut statement = self
            .db
            .prepare("SELECT seq, pos, stream, lines, length(body), made_at FROM batches ORDER BY seq LIMIT ?1")?;
        let rows = statement.query_map(params![limit], |row| {
            Ok(WaitingSummary {
                seq: row.get::<_, i64>(0)?.cast_unsigned(),
                pos: row.get(1)?,
                stream: row.get(2)?,
                lines: row.get(3)?,
                bytes: row.get::<_, i64>(4)?.cast_unsigned(),
                made_at: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The text of one waiting delivery.
    pub fn delivery_text(&self, seq: u64) -> SpoolResult<Option<String>> {
        use rusqlite::OptionalExtension;
        let body: Option<Vec<u8>> = self
            .db
            .query_row(
                "SELECT body FROM batches WHERE seq = ?1",
                params![seq.cast_signed()],
                |row| row.get(0),
            )
            .optional()?;
        let Some(body) = body else { return Ok(None) };
        let text = zstd::stream::decode_all(&*body).map_err(super::SpoolError::Pack)?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    /// Rejects that hold, newest first: POS system, stream, time and the reject as JSON.
    pub fn rejects(&self, limit: u32) -> SpoolResult<Vec<(String, String, String, String)>> {
        let mut statement = self.db.prepare(
            "SELECT s.pos, s.stream, r.at, r.reject FROM rejects r JOIN streams s ON s.id = r.stream
             ORDER BY r.at DESC LIMIT ?1",
        )?;
        let rows = statement.query_map(params![limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
