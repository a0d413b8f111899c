//! PostgreSQL, 9.6 and newer.
//!
//! Reads over a read-only session with short statement and lock limits, and writes nothing but the pruning of its own
//! outbox, where the owner has consented to one. Values come in the binary form of the wire and are decoded here, so
//! that a numeric keeps every digit and NaN stays what it is.
//!
//! The session speaks UTC: a `timestamptz` arrives as the moment it is, and `now()` in a mapping means UTC. A
//! `timestamp` is wall-clock time and stays untouched.

mod array;
mod catalog;
mod config;
mod decode;
mod dialect;
mod fault;
mod feed;
mod outbox;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, StreamSpec};

pub use config::{InfiniteDates, PostgresConfig};

use crate::connector::{
    Allowed, Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, OutboxPart,
    OutboxScript, Probe, Said, StartAt,
};
use crate::error::SourceResult;
use crate::registry::ConfigError;
use crate::sql::{self, KeptSession, KeyFeed, Opening};
use config::Target;
use feed::Outbox;
use session::Session;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Postgres;

/// Reads one PostgreSQL database.
#[derive(Debug)]
pub struct PostgresConnector {
    target: Arc<Target>,
    kept: KeptSession,
}

impl PostgresConnector {
    /// Checks the settings and reads the password; contacts nothing.
    ///
    /// # Errors
    /// When a setting is wrong or the password cannot be read.
    pub fn new(config: PostgresConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            target: Arc::new(Target::new(config)?),
            kept: KeptSession::default(),
        })
    }

    /// The databases that this account may enter, but for the server's own.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn databases(&self) -> SourceResult<Vec<String>> {
        catalog::databases(&self.target).await
    }
}

#[async_trait]
impl Connector for PostgresConnector {
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
        let mut session = Session::open(&self.target).await?;
        let feed: Option<Box<dyn KeyFeed>> = match &stream.capture {
            Capture::Outbox => {
                let watched = outbox::watched(&mut session, stream).await?;
                Some(Box::new(Outbox::new(stream.name.to_string(), &watched)))
            }
            Capture::Diff
            | Capture::Watermark { .. }
            | Capture::Log
            | Capture::Arrival
            | Capture::Push => None,
        };
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
        match capture {
            Capture::Diff | Capture::Watermark { .. } => Ok(Allowed::Yes),
            Capture::Outbox => {
                let mut session = Session::open(&self.target).await?;
                outbox::allows(&mut session, stream).await
            }
            Capture::Log => Ok(no(
                "This connector does not read PostgreSQL's log; use \"outbox\", \"watermark\" or \"diff\".",
                "Este conector no lee el registro de PostgreSQL; use \"outbox\", \"watermark\" o \"diff\".",
            )),
            Capture::Arrival | Capture::Push => Ok(no(
                "A database is read by \"outbox\", \"watermark\" or \"diff\".",
                "Una base de datos se lee por \"outbox\", \"watermark\" o \"diff\".",
            )),
        }
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

fn no(en: &str, es: &str) -> Allowed {
    Allowed::No {
        why: Said::new(en, es),
    }
}
