//! The seam: what every connector offers and what the agent may rely on.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, Cursor, StreamSpec};
use fluxion_model::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{SourceError, SourceResult};

/// The name of a connector in configuration, logs and on the wire. Never rename one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// Microsoft SQL Server 2008 and newer.
    Sqlserver,
    /// MySQL 5.5 and newer, MariaDB.
    Mysql,
    /// PostgreSQL 9.6 and newer.
    Postgres,
    /// Anything with an ODBC driver.
    Odbc,
    /// Firebird 2.5 to 4.
    Firebird,
    /// Export folders and tables kept in files.
    Files,
    /// An HTTP API that answers in JSON.
    Rest,
    /// A POS that calls out when something happened.
    Webhook,
}

impl ConnectorKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Sqlserver,
        Self::Mysql,
        Self::Postgres,
        Self::Odbc,
        Self::Firebird,
        Self::Files,
        Self::Rest,
        Self::Webhook,
    ];

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlserver => "sqlserver",
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
            Self::Odbc => "odbc",
            Self::Firebird => "firebird",
            Self::Files => "files",
            Self::Rest => "rest",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for ConnectorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConnectorKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                let known: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
                format!("{text:?} is not a connector; known: {}", known.join(", "))
            })
    }
}

/// Reads one kind of system. One instance reads one POS system.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Which kind.
    fn kind(&self) -> ConnectorKind;

    /// A read-only look: reachable, permitted, which version?
    ///
    /// # Errors
    /// When it cannot be reached or refuses the login.
    async fn probe(&self) -> SourceResult<Probe>;

    /// Tables (or files), columns and types, for discovery, drift checks and the mapping editor.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn catalog(&self) -> SourceResult<Catalog>;

    /// Begins to read a stream. Columns and tables it needs are checked here: one that is missing is a
    /// [`Remedy::AskOperator`](crate::Remedy::AskOperator) naming it.
    ///
    /// # Errors
    /// When it cannot be read, or the cursor cannot be resumed.
    async fn open(
        &self,
        stream: &StreamSpec,
        start: StartAt,
        context: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>>;

    /// The current rows of these keys, read by the same query as the stream; a key that has no row comes back as a
    /// delete. Streams that cannot be read by key (files) return an `unsupported` error.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn read_keys(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch>;

    /// Whether the system allows this way of noticing changes for this stream. The agent asks before it opens a stream
    /// that names a fallback, and `doctor` asks to say what would be better.
    ///
    /// # Errors
    /// When the system cannot be asked.
    async fn allows(&self, stream: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        let (_, _) = (stream, capture);
        Ok(Allowed::Yes)
    }

    /// The statements that install or remove the outbox of these streams, for review. Reads the database and changes
    /// nothing.
    ///
    /// # Errors
    /// When the system cannot be read, or has no triggers (`unsupported`).
    async fn outbox(&self, streams: &[StreamSpec], part: OutboxPart) -> SourceResult<OutboxScript> {
        let (_, _) = (streams, part);
        Err(no_outbox(self.kind()))
    }

    /// Carries out a script that was shown and consented to, with the login of the connection settings.
    ///
    /// # Errors
    /// When a statement is refused; the message names it.
    async fn run_outbox(&self, script: &OutboxScript) -> SourceResult<()> {
        let _: &OutboxScript = script;
        Err(no_outbox(self.kind()))
    }
}

fn no_outbox(kind: ConnectorKind) -> SourceError {
    SourceError::ask(
        kind,
        "work with an outbox",
        "unsupported",
        "An outbox needs triggers; use \"watermark\" or \"diff\" for this system.",
        "this kind of system has no triggers",
    )
}

/// Whether a way of noticing changes can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// It can.
    Yes,
    /// It cannot, and why, and what would have to be done.
    No {
        /// For a person.
        why: Said,
    },
}

/// Which half of an outbox's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxPart {
    /// Makes the table and the triggers.
    Install,
    /// Takes them away again.
    Remove,
}

/// Statements, in order, in the database's own SQL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxScript {
    /// Each is sent by itself.
    pub statements: Vec<String>,
    /// The same for the database's own client, where statements need more than a semicolon between them. Empty where
    /// they do not.
    pub for_client: String,
}

/// A sentence for a person, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
}

impl Said {
    /// In both languages.
    pub fn new(en: impl Into<String>, es: impl Into<String>) -> Self {
        Self {
            en: en.into(),
            es: es.into(),
        }
    }
}

/// Something a first look noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: Said,
    /// What to do about it, where something should be done.
    pub remedy: Option<Said>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Works, but should be seen to.
    Warning,
    /// Does not work.
    Problem,
}

/// What a stream is given besides its description.
#[derive(Clone)]
pub struct OpenContext {
    /// Values for `{name}` in queries, bound as parameters.
    pub settings: Settings,
    /// What was processed for good, asked by content.
    pub marks: Arc<dyn Marks>,
}

/// Settings of the POS system by name, such as `location_id`.
pub type Settings = BTreeMap<String, Value>;

/// The spool's memory of things that must happen once in a lifetime, such as a file by its content.
pub trait Marks: Send + Sync {
    /// Whether a batch with this mark was committed.
    fn contains(&self, mark: &str) -> bool;
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartAt {
    /// Read everything, then follow changes (a diff stream ends each time with [`Next::ScanComplete`]).
    Snapshot,
    /// Go on after this point; a half-done snapshot goes on where it stopped.
    After(Cursor),
}

/// How much one call may return. A connector stays at or below it unless one source transaction or one document is
/// larger.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimit {
    /// Rows, children not counted.
    pub rows: usize,
    /// Rough bytes of values in memory, children counted.
    pub bytes: usize,
}

impl Default for BatchLimit {
    fn default() -> Self {
        Self {
            rows: 5_000,
            bytes: 4 * 1024 * 1024,
        }
    }
}

/// A stream being read. The caller commits each batch before it asks for the next.
#[async_trait]
pub trait ChangeStream: Send {
    /// The next changes. Cancel-safe: dropping the future and opening again after the last committed cursor loses
    /// nothing.
    ///
    /// # Errors
    /// When the source cannot be read; the caller opens again after the last committed cursor.
    async fn next(&mut self, limit: BatchLimit) -> SourceResult<Next>;

    /// Waits until [`next`](Self::next) has something that came by itself, and for ever where nothing does. Cancel-safe.
    async fn ready(&mut self) {
        std::future::pending().await
    }

    /// Tells that the last batch is durable, and which of its rows were set aside. Files are filed away and reported
    /// on here.
    ///
    /// # Errors
    /// When a file cannot be moved. Nothing is lost: its mark was committed, so it is not read again.
    async fn settled(&mut self, settled: Settled<'_>) -> SourceResult<()> {
        let Settled { problems: _ } = settled;
        Ok(())
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    /// Rows that were set aside.
    pub problems: &'a [RowProblem],
}

/// A row that was set aside, for a report that stands beside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// Line or sheet row, from 1.
    pub position: Option<u64>,
    /// Field and column, as in `price (precio_venta)`.
    pub field: Option<String>,
    /// The raw value.
    pub raw: Option<String>,
    /// A sentence a person can act on.
    pub message: String,
}

/// What a call brought.
#[derive(Debug)]
pub enum Next {
    /// Changes, and where the stream stands after them.
    Batch(Batch),
    /// Everything there is was read once: what the spool knows and this scan did not bring is gone.
    ScanComplete {
        /// Where the stream stands after the scan.
        end: Cursor,
    },
    /// Nothing more for now.
    CaughtUp {
        /// Where the stream stands; may have moved without changes.
        end: Cursor,
        /// When to look again at the earliest; a schedule may say later.
        look_again: Duration,
    },
}

/// Changes that are committed together.
#[derive(Debug)]
pub struct Batch {
    /// The rows.
    pub rows: RowBatch,
    /// A point the source can resume from, never inside one of its transactions or documents.
    pub end: Cursor,
    /// Kept for good with the batch, so that the same content is never processed twice.
    pub mark: Option<String>,
    /// Whether it belongs to a scan of everything that will end in [`Next::ScanComplete`].
    pub scan: ScanPart,
    /// Rows that could not even be read as rows, such as a CSV line with an open quote.
    pub unreadable: Vec<RowProblem>,
    /// What is being read, for progress and reports: a table or a file name.
    pub from: Arc<str>,
    /// How many rows the scan or file holds, where that is known.
    pub expected_rows: Option<u64>,
}

/// Whether a batch belongs to a scan of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanPart {
    /// The first batch of a scan: what an earlier, unfinished scan noted is void. A scan that finds no row has one too, empty.
    First,
    /// A later batch of the scan.
    Later,
    /// Not part of a scan: single changes.
    No,
}

/// What a first look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What answered, as in `MariaDB 10.11.14`.
    pub product: String,
    /// Things an operator should know, such as a clock that is off or a missing permission.
    pub findings: Vec<Finding>,
}

/// What a source holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Tables, views or files.
    pub tables: Vec<CatalogTable>,
}

/// One table, view or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogTable {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<CatalogColumn>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Its name.
    pub name: String,
    /// Its type in the source's own words, such as `decimal(12,2)`; `text` for files.
    pub type_name: String,
}
