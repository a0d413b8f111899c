//! Deliveries that leave on a stick: read by whichever process exports them while the agent works on, and forgotten by
//! receipt.
//!
//! What was written into a file goes on waiting. It may also be posted over a line that comes back, and the cloud then
//! knows the file's copy as a duplicate, because both have one number. So a number that has left must never come to stand
//! for something else: it is noted how far they left, and a delivery among these is not divided any more, which would
//! number those behind it anew. Then a new life begins instead, with new numbers.

use std::path::Path;

use fluxion_model::carry::Receipt;
use fluxion_model::id::{BatchSeq, Epoch, PosSystemId};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::queue::next_waiting;
use super::store::{Store, damaged};
use super::{FILE_NAME, SpoolError, SpoolResult, Waiting};

/// The spool, opened for one export.
pub struct Carrying {
    db: Connection,
    /// The spool's life when the export began.
    pub epoch: Epoch,
    /// The first delivery that waits.
    pub first: BatchSeq,
    /// The last one that goes into the file.
    pub last: BatchSeq,
    /// What the deliveries have together.
    pub bytes: u64,
}

impl Carrying {
    /// Notes how far deliveries leave. `None` when there is no spool, or nothing waits in it.
    ///
    /// # Errors
    /// When the spool cannot be read or written.
    pub fn begin(folder: &Path) -> SpoolResult<Option<Self>> {
        let path = folder.join(FILE_NAME);
        if !path.exists() {
            return Ok(None);
        }
        let mut db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -2000;")?;
        // At once for writing, so that no delivery is divided between the look and the note.
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let epoch = epoch_of(&tx)?;
        let (first, last, bytes): (Option<i64>, Option<i64>, i64) = tx.query_row(
            "SELECT min(seq), max(seq), coalesce(sum(length(body)), 0) FROM batches",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(None);
        };
        tx.execute(
            "INSERT OR REPLACE INTO meta VALUES ('carried_epoch', ?1), ('carried_seq', ?2)",
            params![epoch.to_string(), last],
        )?;
        tx.commit()?;
        Ok(Some(Self {
            db,
            epoch,
            first: BatchSeq(first.cast_unsigned()),
            last: BatchSeq(last.cast_unsigned()),
            bytes: bytes.cast_unsigned(),
        }))
    }

    /// The POS systems whose deliveries wait, and what the cloud called each when there was a line.
    pub fn pos_systems(&self) -> SpoolResult<Vec<(String, Option<PosSystemId>)>> {
        let mut statement = self.db.prepare(
            "SELECT DISTINCT b.pos, p.id FROM batches b LEFT JOIN pos_systems p ON p.name = b.pos ORDER BY b.pos",
        )?;
        let rows = statement.query_map([], |row| {
            let id: Option<String> = row.get(1)?;
            Ok((row.get(0)?, id.and_then(|id| id.parse().ok())))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The next delivery of the file. What the cloud acknowledged meanwhile is left out.
    ///
    /// # Errors
    /// [`SpoolError::NewLife`] when the numbers stand for something else by now.
    pub fn next(&mut self, after: BatchSeq) -> SpoolResult<Option<Waiting>> {
        // Life and delivery are read from one and the same moment.
        let tx = self.db.transaction()?;
        if epoch_of(&tx)? != self.epoch {
            return Err(SpoolError::NewLife);
        }
        let waiting = next_waiting(&tx, self.epoch, after.0)?;
        Ok(waiting.filter(|waiting| waiting.seq <= self.last))
    }
}

fn epoch_of(db: &Connection) -> SpoolResult<Epoch> {
    let text: String = db.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| {
        row.get(0)
    })?;
    text.parse().map_err(|_| damaged("the epoch is not an id"))
}

/// Whether the delivery of this number left in a file.
pub(super) fn has_left(db: &Connection, epoch: Epoch, seq: BatchSeq) -> SpoolResult<bool> {
    let of: Option<String> = db
        .query_row(
            "SELECT value FROM meta WHERE key = 'carried_epoch'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    let up_to: Option<i64> = db
        .query_row(
            "SELECT value FROM meta WHERE key = 'carried_seq'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    Ok(of == Some(epoch.to_string()) && up_to.is_some_and(|up_to| seq.0 <= up_to.cast_unsigned()))
}

/// What a receipt led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptEffect {
    /// So many deliveries are in the cloud and were forgotten.
    Forgotten(u64),
    /// It speaks of an earlier life, so it says nothing about what waits now.
    OtherLife,
    /// The cloud and the spool cannot both be right, so everything is read and sent again.
    NewLife,
}

impl Store {
    /// Believes a receipt that was verified.
    pub fn take_receipt(&mut self, receipt: &Receipt) -> SpoolResult<ReceiptEffect> {
        if receipt.epoch != self.epoch {
            return Ok(ReceiptEffect::OtherLife);
        }
        let first = self.first_waiting()?;
        let lost = receipt.missing.is_some_and(|missing| missing.0 < first);
        let held = receipt.last_seq.map_or(0, |seq| seq.0);
        if lost || held >= self.next_seq {
            self.begin_new_life()?;
            return Ok(ReceiptEffect::NewLife);
        }
        let before = self.waiting.batches;
        self.forget(BatchSeq(held), receipt.epoch)?;
        Ok(ReceiptEffect::Forgotten(
            before.saturating_sub(self.waiting.batches),
        ))
    }
}
