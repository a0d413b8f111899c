//! MySQL 5.5 and newer, and MariaDB.
//!
//! Reads with short, flat, keyset-paged queries over a read-only session, and writes nothing, ever. Each stream has a
//! connection of its own; the next page is read while the caller works on the last one. How a stream becomes queries and
//! pages is shared with the other databases, in `sql`; here are the connection, the types and the faults.
//!
//! The session speaks UTC (`time_zone = '+00:00'`): a TIMESTAMP arrives as the moment it is, and `NOW()` in a mapping
//! means UTC. DATETIME columns are wall-clock time and stay untouched.

mod binlog;
mod catalog;
mod config;
mod decode;
mod dialect;
mod fault;
mod outbox;
mod session;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, StreamSpec};

pub use config::{MysqlConfig, ZeroDates};

use crate::connector::{
    Allowed, Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, OutboxPart,
    OutboxScript, Probe, StartAt,
};
use crate::error::SourceResult;
use crate::registry::ConfigError;
use crate::sql::outbox::OutboxFeed;
use crate::sql::{KeptSession, KeyFeed, Opening};
use binlog::BinlogFeed;
use config::Target;
use session::Session;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Mysql;

/// Reads one MySQL or MariaDB database.
#[derive(Debug)]
pub struct MysqlConnector {
    target: Arc<Target>,
    kept: KeptSession,
    /// Makes the replica numbers of this connector its own.
    replica: RandomState,
}

impl MysqlConnector {
    /// Checks the settings and reads the password; contacts nothing.
    ///
    /// # Errors
    /// When a setting is wrong or the password cannot be read.
    pub fn new(config: MysqlConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            target: Arc::new(Target::new(config)?),
            kept: KeptSession::default(),
            replica: RandomState::new(),
        })
    }

    /// The databases that this account may enter, but for the server's own.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn databases(&self) -> SourceResult<Vec<String>> {
        catalog::databases(&self.target).await
    }

    /// Which replica a stream claims to be when it follows the log: the same for each of its connections, and hardly
    /// ever that of anybody else. Numbers given by hand are small.
    fn server_id(&self, stream: &StreamSpec) -> u32 {
        let hash = self.replica.hash_one(stream.name.as_str());
        (hash as u32) | 0x4000_0000
    }
}

#[async_trait]
impl Connector for MysqlConnector {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    async fn probe(&self) -> SourceResult<Probe> {
        let mut probe = catalog::probe(&self.target).await?;
        probe.findings.extend(binlog::findings(&self.target).await?);
        Ok(probe)
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        catalog::catalog(&self.target).await
    }

    async fn open(
        &self,
        stream: &StreamSpec,
        start: StartAt,
        context: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        let session = Session::open(&self.target).await?;
        let feed: Option<Box<dyn KeyFeed>> = match &stream.capture {
            Capture::Log => {
                let id = self.server_id(stream);
                Some(Box::new(BinlogFeed::new(&self.target, stream, id)))
            }
            Capture::Outbox => Some(Box::new(OutboxFeed::new(outbox::spelling(), stream))),
            Capture::Diff | Capture::Watermark { .. } | Capture::Arrival | Capture::Push => None,
        };
        crate::sql::open(Opening {
            session: Box::new(session),
            feed,
            spec: stream,
            start,
            context,
            pacing: self.target.limits.pacing,
        })
        .await
    }

    async fn allows(&self, stream: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        match capture {
            Capture::Log => {
                // A trial under the stream's own number would end the connection that follows.
                let id = self.replica.hash_one((stream.name.as_str(), "trial")) as u32;
                binlog::allows(&self.target, stream, id | 0x4000_0000).await
            }
            Capture::Outbox => outbox::allows(&self.target, stream).await,
            Capture::Diff | Capture::Watermark { .. } | Capture::Arrival | Capture::Push => {
                Ok(Allowed::Yes)
            }
        }
    }

    async fn outbox(&self, streams: &[StreamSpec], part: OutboxPart) -> SourceResult<OutboxScript> {
        outbox::script(&self.target, streams, part).await
    }

    async fn run_outbox(&self, script: &OutboxScript) -> SourceResult<()> {
        outbox::run(&self.target, script).await
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
}
