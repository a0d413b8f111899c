//! The durable queue between the POS and the cloud, and the memory of what was sent.
//!
//! One SQLite file (WAL, `synchronous=FULL`), one writer thread. A batch, the cursor after it, the fingerprints of its
//! rows and the marks of its files are stored in one transaction: a crash at any point resumes with nothing lost and
//! nothing doubled. The spool never talks to a POS or to the cloud.

mod carried;
mod commit;
mod delivery;
mod handle;
mod peek;
mod queue;
mod row_state;
mod seen;
mod store;
mod streams;
mod sweep;

use fluxion_connectors::{RowProblem, ScanPart};
use fluxion_model::entity::EntityKind;
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::id::{BatchSeq, Epoch, ExternalId};
use fluxion_model::job::JobReport;
use fluxion_model::stream::Cursor;

pub use carried::{Carrying, ReceiptEffect};
pub use handle::Spool;
pub use peek::{Peek, StreamSummary, WaitingSummary};
pub use queue::{Part, Waiting};
pub use store::{Opened, Store};
pub use streams::{Halt, StreamId, StreamPosition};
pub use sweep::{Sweep, Swept};

use chrono::{DateTime, Utc};

/// The database's file name within the data folder.
pub const FILE_NAME: &str = "spool.db";

/// Why the spool could not do it.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// No room. Nothing was changed; the same call succeeds once there is room.
    #[error(
        "the disk of the data folder is full or cannot be written; free some space and the agent goes on by itself"
    )]
    DiskFull(#[source] rusqlite::Error),
    /// The file is damaged. The writer thread moves it aside and begins a new life.
    #[error("the spool file is damaged")]
    Damaged(#[source] rusqlite::Error),
    /// The spool began a new life meanwhile; open the stream again.
    #[error("the spool began a new life; the stream is read again")]
    NewLife,
    /// Anything else.
    #[error("the spool could not be read or written")]
    Other(#[source] rusqlite::Error),
    /// The spool's thread is gone, because the agent is stopping.
    #[error("the spool is closed")]
    Closed,
    /// The data folder cannot be used.
    #[error(
        "cannot use {path}; give the agent's account the right to write there, or name another folder with --data-dir"
    )]
    Folder {
        /// Which file or folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A delivery could not be packed or unpacked.
    #[error("a delivery could not be packed")]
    Pack(#[source] std::io::Error),
}

impl From<rusqlite::Error> for SpoolError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull(error),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error),
            // A write that fails for want of space inside the operating system comes as an I/O error.
            Some(ErrorCode::SystemIoFailure) => Self::DiskFull(error),
            _ => Self::Other(error),
        }
    }
}

/// The result of asking the spool.
pub type SpoolResult<T> = Result<T, SpoolError>;

/// How full the spool is; published after every change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueInfo {
    /// The spool's life.
    pub epoch: Epoch,
    /// How often it began a new life since the agent started; cursors of an earlier one are void.
    pub generation: u64,
    /// The last batch written.
    pub last_seq: Option<BatchSeq>,
    /// Batches waiting.
    pub batches: u64,
    /// Bytes waiting.
    pub bytes: u64,
    /// When the oldest waiting batch was made.
    pub oldest: Option<DateTime<Utc>>,
}

/// Mapped rows, written once as the lines they will travel as.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Lines with their newlines; everything else points into it.
    pub text: Vec<u8>,
    /// In the order the source gave them.
    pub rows: Vec<PreparedRow>,
    /// Records of all rows.
    pub records: Vec<PreparedRecord>,
    /// Rejects of all rows.
    pub rejects: Vec<PreparedReject>,
    /// Lines of what could not even be read as a row.
    pub unreadable: Vec<Span>,
    /// What to tell the connector once the batch is durable.
    pub problems: Vec<RowProblem>,
}

/// A line within [`Prepared::text`], its newline not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte after it: the newline.
    pub end: usize,
}

/// One row.
#[derive(Debug)]
pub struct PreparedRow {
    /// Its key.
    pub key: Box<str>,
    /// What happened to it.
    pub change: PreparedChange,
}

/// What happened to a row.
#[derive(Debug, Clone)]
pub enum PreparedChange {
    /// It is there.
    Upsert {
        /// Its records, as positions in [`Prepared::records`].
        records: std::ops::Range<usize>,
        /// Its rejects, as positions in [`Prepared::rejects`].
        rejects: std::ops::Range<usize>,
    },
    /// It is gone.
    Delete,
}

/// One record of a row.
#[derive(Debug)]
pub struct PreparedRecord {
    /// Its kind.
    pub entity: EntityKind,
    /// Its identity.
    pub id: ExternalId,
    /// Its `put` line.
    pub line: Span,
    /// The fingerprint of that line.
    pub fingerprint: Fingerprint,
}

/// One reject of a row.
#[derive(Debug)]
pub struct PreparedReject {
    /// What it would have become.
    pub entity: EntityKind,
    /// Its `reject` line.
    pub line: Span,
}

impl Prepared {
    /// The bytes of a line.
    #[must_use]
    pub fn line(&self, span: Span) -> &[u8] {
        &self.text[span.start..span.end]
    }
}

/// Whether rejects that did not change are said again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RejectNews {
    /// Only new or changed rejects are sent.
    #[default]
    Changed,
    /// All are sent, because a person asked for them again.
    All,
}

/// Whether the job's report travels even when there is nothing else to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportNeed {
    /// Only together with other lines.
    #[default]
    WithNews,
    /// In any case.
    Always,
}

/// Everything one transaction stores.
#[derive(Debug)]
pub struct Commit {
    /// Which stream.
    pub stream: StreamId,
    /// [`QueueInfo::generation`] when the stream was opened.
    pub generation: u64,
    /// The rows.
    pub prepared: Prepared,
    /// Where the stream stands afterwards; unchanged when absent.
    pub end: Option<Cursor>,
    /// Kept for good.
    pub mark: Option<String>,
    /// Whether it belongs to a scan.
    pub scan: ScanPart,
    /// The run that read it, with its counts before this batch.
    pub job: JobReport,
    /// Version of the mapping that made the records.
    pub mapping_version: u32,
    /// Which rejects are sent.
    pub reject_news: RejectNews,
    /// Whether the job is reported in any case.
    pub report: ReportNeed,
}

/// What a commit did.
#[derive(Debug)]
pub struct Committed {
    /// The job with its counts after the batch.
    pub job: JobReport,
    /// Deliveries it made.
    pub batches: u32,
}
