//! MySQL 5.5 and newer, and MariaDB.
//!
//! Reads with short, flat, keyset-paged queries over a read-only session, and writes nothing, ever. Each stream has a
//! connection of its own; the next page is read while the caller works on the last one. How a stream becomes queries and
//! pages is shared with the other databases, in `sql`; here are the connection, the types and the faults.
//!
//! The session speaks UTC (`time_zone = '+00:00'`): a TIMESTAMP arrives as the moment it is, and `NOW()` in a mapping
//! means UTC. DATETIME columns are wall-clock time and stay untouched.

mod catalog;
mod config;
mod decode;
mod dialect;
mod fault;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::StreamSpec;

pub use config::{MysqlConfig, Tls, ZeroDates};

use crate::connector::{
    Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, Probe, StartAt,
};
use crate::error::SourceResult;
use crate::registry::ConfigError;
use crate::sql::{Opening, SqlSession};
use config::Target;
use session::Session;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Mysql;

/// Reads one MySQL or MariaDB database.
#[derive(Debug)]
pub struct MysqlConnector {
    target: Arc<Target>,
    /// Kept between calls of `read_keys`, which come one after the other.
    idle: tokio::sync::Mutex<Option<Box<dyn SqlSession>>>,
}

impl MysqlConnector {
    /// Checks the settings and reads the password; contacts nothing.
    ///
    /// # Errors
    /// When a setting is wrong or the password cannot be read.
    pub fn new(config: MysqlConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            target: Arc::new(Target::new(config)?),
            idle: tokio::sync::Mutex::new(None),
        })
    }
}

#[async_trait]
impl Connector for MysqlConnector {
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
        crate::sql::open(Opening {
            session: Box::new(session),
            feed: None,
            spec: stream,
            start,
            context,
            pacing: self.target.pacing(),
        })
        .await
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch> {
        let mut idle = self.idle.lock().await;
        let mut kept = idle.take();
        let still_there = match &mut kept {
            Some(session) => session.answers().await,
            None => false,
        };
        let session = match kept {
            Some(session) if still_there => session,
            _ => Box::new(Session::open(&self.target).await?),
        };
        let (rows, session) = crate::sql::read_keys(session, stream, keys, &context).await?;
        *idle = Some(session);
        Ok(rows)
    }
}
