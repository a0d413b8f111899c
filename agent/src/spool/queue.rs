//! The waiting deliveries: read in order, forgotten once acknowledged.

use chrono::{DateTime, Utc};
use fluxion_model::delivery::DeliveryHeader;
use fluxion_model::id::{BatchSeq, Epoch, JobId, PosSystemId, StreamName};
use fluxion_model::wire;
use rusqlite::{Connection, OptionalExtension, params};

use super::carried::has_left;
use super::store::{Store, damaged, write_next_seq};
use super::{SpoolError, SpoolResult};

/// A delivery that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its life.
    pub epoch: Epoch,
    /// Its number.
    pub seq: BatchSeq,
    /// The POS system by its name in the configuration.
    pub pos: String,
    /// The stream.
    pub stream: StreamName,
    /// The run that read it.
    pub job: JobId,
    /// Version of the mapping that made it.
    pub mapping_version: u32,
    /// How many lines it has.
    pub lines: u32,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The lines, compressed.
    pub body: Vec<u8>,
}

/// Some lines of a delivery, compressed.
#[derive(Debug, Clone)]
pub struct Part {
    /// How many lines.
    pub lines: u32,
    /// The lines, compressed.
    pub body: Vec<u8>,
}

impl Part {
    /// Packs lines without newlines.
    pub fn pack(lines: &[Vec<u8>]) -> SpoolResult<Self> {
        let mut text = Vec::new();
        for line in lines {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let body = zstd::bulk::compress(&text, 1).map_err(SpoolError::Pack)?;
        Ok(Self {
            lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
            body,
        })
    }
}

impl Waiting {
    /// What is posted: a zstd frame with the header line, then the frame of the lines. Decoders read frames one after
    /// the other as one text (RFC 8878, section 3.1).
    pub fn request_body(&self, pos_system: PosSystemId) -> SpoolResult<Vec<u8>> {
        let header = DeliveryHeader {
            fluxion: wire::VERSION,
            epoch: self.epoch,
            seq: self.seq,
            made_at: self.made_at,
            pos_system,
            stream: self.stream.clone(),
            job: self.job,
            mapping_version: self.mapping_version,
            lines: self.lines,
        };
        let mut line = Vec::new();
        wire::write_line(&mut line, &header).map_err(|error| SpoolError::Pack(error.into()))?;
        let mut body = zstd::bulk::compress(&line, 1).map_err(SpoolError::Pack)?;
        body.extend_from_slice(&self.body);
        Ok(body)
    }

    /// The lines, unpacked.
    pub fn lines(&self) -> SpoolResult<Vec<Vec<u8>>> {
        let text = zstd::stream::decode_all(&*self.body).map_err(SpoolError::Pack)?;
        Ok(text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
    }
}

impl Store {
    /// The first batch after this number, if one waits.
    pub fn next_batch(&mut self, after: u64) -> SpoolResult<Option<Waiting>> {
        next_waiting(&self.db, self.epoch, after)
    }

    /// The number of the first batch that is not known to be acknowledged.
    pub fn first_waiting(&mut self) -> SpoolResult<u64> {
        let first: Option<i64> = self
            .db
            .query_row("SELECT min(seq) FROM batches", [], |row| row.get(0))?;
        Ok(first.map_or(self.next_seq, i64::cast_unsigned))
    }

    /// Forgets batches up to this number, because the cloud has them.
    pub fn forget(&mut self, up_to: BatchSeq, epoch: Epoch) -> SpoolResult<()> {
        if epoch != self.epoch {
            return Ok(());
        }
        let tx = self.db.transaction()?;
        let bytes: i64 = tx
            .prepare_cached("SELECT coalesce(sum(length(body)), 0) FROM batches WHERE seq <= ?1")?
            .query_row(params![up_to.0.cast_signed()], |row| row.get(0))?;
        let gone = tx
            .prepare_cached("DELETE FROM batches WHERE seq <= ?1")?
            .execute(params![up_to.0.cast_signed()])?;
        tx.commit()?;
        self.waiting.batches = self.waiting.batches.saturating_sub(gone as u64);
        self.waiting.bytes = self.waiting.bytes.saturating_sub(bytes.cast_unsigned());
        if self.waiting.batches == 0 {
            self.give_back_space()?;
        }
        Ok(())
    }

    /// After days offline the file is large; what is free goes back to the disk a little at a time.
    fn give_back_space(&self) -> SpoolResult<()> {
        let free: i64 = self
            .db
            .query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        if free > 4_096 {
            self.db.execute_batch("PRAGMA incremental_vacuum(2048)")?;
        }
        Ok(())
    }

    /// Puts parts in the place of a batch, numbering those behind it anew. For a batch that the cloud refuses.
    ///
    /// # Errors
    /// [`SpoolError::NewLife`] when a number that would change has left in a file; a new life has begun then.
    pub fn replace_batch(&mut self, waiting: &Waiting, parts: &[Part]) -> SpoolResult<()> {
        if waiting.epoch != self.epoch {
            return Ok(());
        }
        let added = (parts.len() as u64).saturating_sub(1).cast_signed();
        let seq = waiting.seq.0.cast_signed();
        let tx = self.db.transaction()?;
        if added > 0 && has_left(&tx, self.epoch, waiting.seq)? {
            drop(tx);
            self.begin_new_life()?;
            return Err(SpoolError::NewLife);
        }
        tx.execute(
            "UPDATE batches SET seq = -(seq + ?2) WHERE seq > ?1",
            params![seq, added],
        )?;
        tx.execute("UPDATE batches SET seq = -seq WHERE seq < 0", [])?;
        tx.execute("DELETE FROM batches WHERE seq = ?1", params![seq])?;
        for (offset, part) in (0_i64..).zip(parts) {
            tx.execute(
                "INSERT INTO batches (seq, pos, stream, job, mapping_version, lines, made_at, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    seq + offset,
                    waiting.pos,
                    waiting.stream.as_str(),
                    waiting.job.to_string(),
                    waiting.mapping_version,
                    part.lines,
                    super::streams::stamp(waiting.made_at),
                    part.body
                ],
            )?;
        }
        let next = self.next_seq + added.cast_unsigned();
        write_next_seq(&tx, next)?;
        tx.commit()?;
        self.next_seq = next;
        self.read_counts()
    }
}

/// The first batch after this number, if one waits.
pub(super) fn next_waiting(
    db: &Connection,
    epoch: Epoch,
    after: u64,
) -> SpoolResult<Option<Waiting>> {
    let row = db
        .prepare_cached(
            "SELECT seq, pos, stream, job, mapping_version, lines, made_at, body
             FROM batches WHERE seq > ?1 ORDER BY seq LIMIT 1",
        )?
        .query_row(params![after.cast_signed()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, u32>(4)?,
                row.get::<_, u32>(5)?,
                row.get::<_, String>(6)?,
                row.get::<_, Vec<u8>>(7)?,
            ))
        })
        .optional()?;
    let Some((seq, pos, stream, job, mapping_version, lines, made_at, body)) = row else {
        return Ok(None);
    };
    Ok(Some(Waiting {
        epoch,
        seq: BatchSeq(seq.cast_unsigned()),
        pos,
        stream: StreamName::new(stream).map_err(|_| damaged("a stream's name cannot be read"))?,
        job: job
            .parse()
            .map_err(|_| damaged("a job's id cannot be read"))?,
        mapping_version,
        lines,
        made_at: DateTime::parse_from_rfc3339(&made_at)
            .map_err(|_| damaged("a time cannot be read"))?
            .with_timezone(&Utc),
        body,
    }))
}
