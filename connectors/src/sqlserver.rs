//! Microsoft SQL Server 2008 and newer, Express included.
//!
//! Reads with short, flat, keyset-paged queries that give way to the POS, and writes nothing to the POS's tables, ever.
//! Lists of columns are written with casts by each column's type, so that money, text of old code pages and types without
//! a form of their own arrive exact; comparisons use the columns themselves, so that indexes serve.
//!
//! Nothing in the tests can be a real SQL Server. They run against `tests/tds`, which speaks its protocol; the SQL itself is
//! kept as text under `connectors/tests/sqlserver/golden` and was read against Microsoft's documentation.

mod allowed;
pub mod browser;
mod config;
mod dialect;
mod fault;
#[cfg(test)]
mod golden;
mod line;
mod names;
mod outbox;
mod probe;
mod session;
mod tracking;
mod trust;
mod types;

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, StreamSpec, WatermarkKind};

pub use config::{Certificate, Encryption, Login, SqlServerConfig};

use crate::connector::{
    Allowed, Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, OutboxPart,
    OutboxScript, Probe, Said, StartAt,
};
use crate::error::{SourceError, SourceResult};
use crate::registry::ConfigError;
use crate::sql::outbox::OutboxFeed;
use crate::sql::{self, KeptSession, KeyFeed, Opening};
use config::Target;
use session::Session;
use tracking::ChangeTracking;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Sqlserver;

/// Reads one SQL Server database.
#[derive(Debug)]
pub struct SqlServerConnector {
    target: Arc<Target>,
    kept: KeptSession,
}

impl SqlServerConnector {
    /// Checks the settings and reads the password; contacts nothing.
    ///
    /// # Errors
    /// When a setting is wrong or the password cannot be read.
    pub fn new(config: SqlServerConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            target: Arc::new(Target::new(config)?),
            kept: KeptSession::default(),
        })
    }

    /// The databases of the server, but for its own.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn databases(&self) -> SourceResult<Vec<String>> {
        probe::databases(&self.target).await
    }

    async fn feed(
        &self,
        spec: &StreamSpec,
        session: &mut Session,
    ) -> SourceResult<Option<Box<dyn KeyFeed>>> {
        let feed: Box<dyn KeyFeed> = match &spec.capture {
            Capture::Log => Box::new(ChangeTracking::new(spec)),
            Capture::Outbox => {
                if let Allowed::No { why } = outbox::allows(session, spec).await? {
                    return Err(unfollowed(spec, why));
                }
                Box::new(OutboxFeed::new(outbox::spelling(), spec))
            }
            // A rowversion counts for one database, whose transactions alone its bound knows.
            Capture::Watermark {
                columns,
                kind: kind @ WatermarkKind::Rowversion,
                ..
            } => match allowed::watermark(session, spec, columns, *kind).await? {
                Allowed::Yes => return Ok(None),
                Allowed::No { why } => return Err(unfollowed(spec, why)),
            },
            Capture::Diff | Capture::Watermark { .. } | Capture::Arrival | Capture::Push => {
                return Ok(None);
            }
        };
        Ok(Some(feed))
    }
}

fn unfollowed(spec: &StreamSpec, why: Said) -> SourceError {
    let name = &spec.name;
    let hint = format!("Stream \"{name}\" cannot be followed: {}", why.en);
    SourceError::ask(
        KIND,
        format!("open stream {name}"),
        "unsupported",
        hint,
        why.en,
    )
}

#[async_trait]
impl Connector for SqlServerConnector {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    async fn probe(&self) -> SourceResult<Probe> {
        probe::probe(&self.target).await
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        probe::catalog(&self.target).await
    }

    async fn open(
        &self,
        stream: &StreamSpec,
        start: StartAt,
        context: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        let mut session = Session::open(&self.target).await?;
        let feed = self.feed(stream, &mut session).await?;
        sql::open(Opening {
            session: Box::new(session),
            feed,
            spec: stream,
            start,
            context,
            pacing: self.target.limits.pacing,
        })
        .await
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch> {
        let open = Session::open(&self.target);
        self.kept.read_keys(open, stream, keys, &context).await
    }

    async fn allows(&self, stream: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        let mut session = Session::open(&self.target).await?;
        allowed::allows(&mut session, stream, capture).await
    }

    async fn outbox(&self, streams: &[StreamSpec], part: OutboxPart) -> SourceResult<OutboxScript> {
        let mut session = Session::open(&self.target).await?;
        outbox::script(&mut session, streams, part).await
    }

    async fn run_outbox(&self, script: &OutboxScript) -> SourceResult<()> {
        let mut session = Session::open(&self.target).await?;
        outbox::run(&mut session, script).await
    }
}
