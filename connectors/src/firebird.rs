//! Firebird 2.5 to 4, which Aspel and Eleventa keep their data in.
//!
//! Speaks the server's own protocol, so nothing needs to be installed at the store. Every statement runs in a short
//! read-only transaction: an open one would keep the server from cleaning up after the POS. The driver blocks and works
//! on a thread of its own.
//!
//! DATE columns arrive as moments at midnight, for the driver does not tell them apart; a TIME column must be written
//! CAST(... AS VARCHAR(13)) in the mapping, because the server adds today's date to it. Exact numbers arrive exactly up to
//! fifteen digits, and beyond them not at all (see `decode`).

mod catalog;
mod config;
mod decode;
mod dialect;
mod fault;
mod line;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, StreamSpec};

pub use config::FirebirdConfig;

use crate::connector::{
    Allowed, Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, Probe, Said, StartAt,
};
use crate::error::SourceResult;
use crate::registry::ConfigError;
use crate::sql::{self, KeptSession, Opening};
use config::Target;
use session::Session;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Firebird;

/// Reads one Firebird database.
#[derive(Debug)]
pub struct FirebirdConnector {
    target: Arc<Target>,
    kept: KeptSession,
}

impl FirebirdConnector {
    /// Checks the settings and reads the password; contacts nothing.
    ///
    /// # Errors
    /// When a setting is wrong or the password cannot be read.
    pub fn new(config: FirebirdConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            target: Arc::new(Target::new(config)?),
            kept: KeptSession::default(),
        })
    }
}

#[async_trait]
impl Connector for FirebirdConnector {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    async fn probe(&self) -> SourceResult<Probe> {
        catalog::probe(&self.target).await
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
        sql::open(Opening {
            session: Box::new(session),
            feed: None,
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

    async fn allows(&self, _stream: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        Ok(match capture {
            Capture::Diff | Capture::Watermark { .. } => Allowed::Yes,
            Capture::Log | Capture::Outbox | Capture::Arrival | Capture::Push => Allowed::No {
                why: Said::new(
                    "Firebird is read by \"watermark\" or \"diff\".",
                    "Firebird se lee por \"watermark\" o \"diff\".",
                ),
            },
        })
    }
}
