//! MySQL 5.5 and newer, and MariaDB.
//!
//! Reads with short, flat, keyset-paged queries over a read-only session, and writes nothing, ever. Each stream has a
//! connection of its own; the next page is read while the caller works on the last one. Generated SQL is always
//! `SELECT <columns> FROM <from> WHERE (<where>) AND <keyset> ORDER BY <key> LIMIT n`, so that the server can walk an
//! index and never holds a long snapshot open.
//!
//! The session speaks UTC (`time_zone = '+00:00'`): a TIMESTAMP arrives as the moment it is, and `NOW()` in a mapping
//! means UTC. DATETIME columns are wall-clock time and stay untouched.

mod catalog;
mod children;
mod config;
mod decode;
mod fault;
mod key;
mod position;
mod reader;
mod session;
mod sql;
mod stream;
mod watermark;

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowChange, RowKey};
use fluxion_model::stream::StreamSpec;

pub use config::{MysqlConfig, Tls, ZeroDates};

use crate::connector::{
    Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, Probe, StartAt,
};
use crate::error::SourceResult;
use crate::registry::ConfigError;
use config::Target;
use position::Position;
use reader::Reader;
use session::Session;
use sql::StreamQuery;
use stream::MysqlStream;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Mysql;

/// Reads one MySQL or MariaDB database.
#[derive(Debug)]
pub struct MysqlConnector {
    target: Arc<Target>,
    /// Kept between calls of `read_keys`, which come one after the other.
    idle: tokio::sync::Mutex<Option<Session>>,
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
        let query = Arc::new(StreamQuery::compile(stream, &context.settings)?);
        let position = match start {
            StartAt::Snapshot => None,
            StartAt::After(cursor) => Some(Position::read(&cursor, &query)?),
        };
        let session = Session::open(&self.target).await?;
        let mut reader = Reader::new(session, query);
        reader.check().await?;
        let position = match position {
            Some(position) => position,
            None => Position::scan_from_start(&mut reader).await?,
        };
        Ok(Box::new(MysqlStream::new(reader, position, &self.target)))
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch> {
        let query = Arc::new(StreamQuery::compile(stream, &context.settings)?);
        let mut idle = self.idle.lock().await;
        let mut kept = idle.take();
        let still_there = match &mut kept {
            Some(session) => session.answers().await,
            None => false,
        };
        let session = match kept {
            Some(session) if still_there => session,
            _ => Session::open(&self.target).await?,
        };
        let mut reader = Reader::new(session, query);
        let changes = reader.keys(keys).await?;
        let shape = reader.query().shape.clone();
        *idle = Some(reader.into_session());
        Ok(RowBatch {
            shape,
            changes: with_deletes(changes, keys),
        })
    }
}

/// A key that was asked for and has no row is gone.
fn with_deletes(mut found: Vec<RowChange>, asked: &[RowKey]) -> Vec<RowChange> {
    let known: std::collections::HashSet<RowKey> =
        found.iter().map(|change| change.key().clone()).collect();
    let gone = asked.iter().filter(|key| !known.contains(key));
    found.extend(gone.map(|key| RowChange::Delete { key: key.clone() }));
    found
}
