//! The spool's file: opening it, checking it, and beginning a new life when it cannot be trusted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use fluxion_connectors::held::patiently;
use fluxion_model::Uuid;
use fluxion_model::id::{BatchSeq, Epoch};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::seen::Seen;
use super::{FILE_NAME, QueueInfo, SpoolError, SpoolResult, StreamId};

const SCHEMA_VERSION: i64 = 1;

/// The spool itself; lives on one thread.
pub struct Store {
    pub(super) db: Connection,
    path: PathBuf,
    pub(super) epoch: Epoch,
    pub(super) next_seq: u64,
    pub(super) generation: u64,
    pub(super) memory: HashMap<StreamId, StreamMemory>,
    pub(super) waiting: WaitingCount,
    pub(super) compressor: zstd::bulk::Compressor<'static>,
    pub(super) body: Vec<u8>,
}

/// What is kept in memory of a stream; read again from the file after any failed transaction.
pub(super) struct StreamMemory {
    pub salt: u128,
    pub row_count: u64,
    pub next_row: u64,
    pub scan: ScanState,
}

/// Whether a scan is under way.
pub(super) enum ScanState {
    No,
    Active {
        seen: Seen,
        /// Nothing was known when it began, so rows are new and need no look-up.
        first_load: bool,
    },
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WaitingCount {
    pub batches: u64,
    pub bytes: u64,
}

/// How the file was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It was there and is sound.
    Sound,
    /// There was none.
    New,
    /// It was damaged and now stands under another name; everything is read and sent again.
    Replaced {
        /// Where the damaged file is kept.
        kept: PathBuf,
    },
}

impl Store {
    /// Opens the spool in this folder, or begins one.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path) -> SpoolResult<(Self, Opened)> {
        let usable = |source| SpoolError::Folder {
            path: folder.display().to_string(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(usable)?;
        let path = folder.join(FILE_NAME);
        let existed = path.exists();
        match Self::open_file(&path) {
            Ok(store) => Ok((store, if existed { Opened::Sound } else { Opened::New })),
            Err(SpoolError::Damaged(_)) => {
                let kept = move_aside(&path)?;
                Ok((Self::open_file(&path)?, Opened::Replaced { kept }))
            }
            Err(SpoolError::Other(error))
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) =>
            {
                let source = std::io::Error::other(error);
                Err(SpoolError::Folder {
                    path: path.display().to_string(),
                    source,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Gives back the memory that a load needed: pages, the body of a delivery, the compressor's tables.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn rest(&mut self) -> SpoolResult<()> {
        self.body = Vec::new();
        self.compressor = compressor()?;
        self.db.execute_batch("PRAGMA shrink_memory")?;
        Ok(())
    }

    fn open_file(path: &Path) -> SpoolResult<Self> {
        let mut db = Connection::open(path)?;
        db.set_prepared_statement_cache_capacity(64);
        // An export in another process writes a note into the file. A transaction that is to write from its beginning waits
        // for that; one that only finds out later would fail.
        db.set_transaction_behavior(rusqlite::TransactionBehavior::Immediate);
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.execute_batch(
            "PRAGMA auto_vacuum = INCREMENTAL;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA cache_size = -4000;
             PRAGMA temp_store = MEMORY;
             PRAGMA journal_size_limit = 16777216;",
        )?;
        check_integrity(&db)?;
        let mut store = Self {
            db,
            path: path.to_owned(),
            epoch: Epoch::generate(),
            next_seq: 1,
            generation: 0,
            memory: HashMap::new(),
            waiting: WaitingCount::default(),
            compressor: compressor()?,
            body: Vec::new(),
        };
        store.prepare_schema()?;
        store.read_counts()?;
        Ok(store)
    }

    fn prepare_schema(&mut self) -> SpoolResult<()> {
        let tx = self.db.transaction()?;
        let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 0 {
            tx.execute_batch(include_str!("schema.sql"))?;
            tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            tx.execute(
                "INSERT INTO meta VALUES ('epoch', ?1), ('next_seq', 1), ('clean', 0)",
                params![self.epoch.to_string()],
            )?;
        } else {
            let text: String =
                tx.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| {
                    row.get(0)
                })?;
            self.epoch = text
                .parse()
                .map_err(|_| damaged("the epoch is not an id"))?;
            let next: i64 =
                tx.query_row("SELECT value FROM meta WHERE key = 'next_seq'", [], |row| {
                    row.get(0)
                })?;
            self.next_seq = next.cast_unsigned();
            tx.execute("UPDATE meta SET value = 0 WHERE key = 'clean'", [])?;
        }
        tx.commit()?;
        Ok(())
    }

    pub(super) fn read_counts(&mut self) -> SpoolResult<()> {
        let (batches, bytes): (i64, i64) = self.db.query_row(
            "SELECT count(*), coalesce(sum(length(body)), 0) FROM batches",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        self.waiting = WaitingCount {
            batches: batches.cast_unsigned(),
            bytes: bytes.cast_unsigned(),
        };
        Ok(())
    }

    /// How full it is.
    pub fn info(&self) -> SpoolResult<QueueInfo> {
        let oldest: Option<String> = self
            .db
            .prepare_cached("SELECT made_at FROM batches ORDER BY seq LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        let oldest = oldest
            .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
            .map(|at| at.with_timezone(&Utc));
        Ok(QueueInfo {
            epoch: self.epoch,
            generation: self.generation,
            last_seq: self
                .next_seq
                .checked_sub(1)
                .filter(|seq| *seq > 0)
                .map(BatchSeq),
            batches: self.waiting.batches,
            bytes: self.waiting.bytes,
            oldest,
        })
    }

    /// Begins a new life in the same file: every stream is read again and everything is sent again under a new epoch.
    /// Batches that wait are kept and numbered anew, because a file they came from may be gone.
    pub fn begin_new_life(&mut self) -> SpoolResult<Epoch> {
        // Later than the old one even when the clock was set back: the cloud tells by that which file is out of date.
        let next = Epoch(Uuid::from_u128(self.epoch.0.as_u128().wrapping_add(1)));
        let epoch = Epoch::generate().max(next);
        let tx = self.db.transaction()?;
        tx.execute("UPDATE batches SET seq = -seq", [])?;
        let waiting: Vec<i64> = tx
            .prepare("SELECT seq FROM batches ORDER BY seq DESC")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for (number, seq) in (1_i64..).zip(&waiting) {
            tx.execute(
                "UPDATE batches SET seq = ?1 WHERE seq = ?2",
                params![number, seq],
            )?;
        }
        let next = waiting.len() as u64 + 1;
        tx.execute(
            "UPDATE meta SET value = ?1 WHERE key = 'epoch'",
            params![epoch.to_string()],
        )?;
        write_next_seq(&tx, next)?;
        tx.execute(
            "UPDATE streams SET cursor = NULL, salt = ?1, scan = 0, pending_end = NULL, confirmed = 0",
            params![new_salt().to_be_bytes()],
        )?;
        tx.execute_batch("DELETE FROM marks; DELETE FROM seen;")?;
        tx.commit()?;
        self.epoch = epoch;
        self.next_seq = next;
        self.generation += 1;
        self.memory.clear();
        Ok(epoch)
    }

    /// Moves a damaged file aside and begins a new one in its place.
    pub fn replace(&mut self) -> SpoolResult<PathBuf> {
        // Windows does not rename an open file.
        let closed = std::mem::replace(&mut self.db, Connection::open_in_memory()?);
        drop(closed);
        let kept = move_aside(&self.path)?;
        let generation = self.generation + 1;
        let path = self.path.clone();
        *self = Self::open_file(&path)?;
        self.generation = generation;
        Ok(kept)
    }

    /// Says that the agent stops in an orderly way, so that the next start need not check the file.
    pub fn close(self) {
        let done = self
            .db
            .execute("UPDATE meta SET value = 1 WHERE key = 'clean'", []);
        if let Err(error) = done {
            tracing::debug!(%error, "the spool could not be marked as closed in an orderly way");
        }
    }
}

/// After a crash the whole file is checked; after an orderly end it was fine when it was last written.
fn check_integrity(db: &Connection) -> SpoolResult<()> {
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(());
    }
    let clean: Option<i64> = db
        .query_row("SELECT value FROM meta WHERE key = 'clean'", [], |row| {
            row.get(0)
        })
        .optional()
        .unwrap_or(None);
    if clean == Some(1) {
        return Ok(());
    }
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(damaged(&verdict))
    }
}

pub(super) fn damaged(why: &str) -> SpoolError {
    SpoolError::Damaged(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
        Some(why.to_owned()),
    ))
}

fn compressor() -> SpoolResult<zstd::bulk::Compressor<'static>> {
    zstd::bulk::Compressor::new(1).map_err(SpoolError::Pack)
}

pub(super) fn write_next_seq(tx: &Transaction<'_>, next: u64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'next_seq'")?
        .execute(params![next.cast_signed()])?;
    Ok(())
}

/// Not guessable, not zero; two calls never give the same.
pub(super) fn new_salt() -> u128 {
    Epoch::generate().0.as_u128()
}

fn move_aside(path: &Path) -> SpoolResult<PathBuf> {
    let stamp = Utc::now().format("%Y%m%dT%H%M%S%3f");
    let kept = path.with_file_name(format!("spool-damaged-{stamp}.db"));
    let failed = |source| SpoolError::Folder {
        path: path.display().to_string(),
        source,
    };
    patiently(|| std::fs::rename(path, &kept)).map_err(failed)?;
    for suffix in ["-wal", "-shm"] {
        let mut companion = path.as_os_str().to_owned();
        companion.push(suffix);
        let companion = PathBuf::from(companion);
        match patiently(|| std::fs::remove_file(&companion)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(kept)
}
