//! Anything with an ODBC driver: Oracle, Access, Firebird, DBISAM, and whatever a small vendor chose.
//!
//! Drivers block, so each connection has a thread of its own. They are not trusted: rows are fetched many at a time
//! where the driver can, one by one where it cannot; a cell that may have been cut is read again whole; numbers are
//! taken as text and floats as bytes, because that is where drivers agree. A driver without ORDER BY has its rows put in
//! order here.
//!
//! Tried with the drivers of Debian: MariaDB, PostgreSQL, SQLite, FreeTDS (against a stand-in for SQL Server) and mdbtools
//! (single tables; its parser knows neither joins of our kind nor lists, so documents and reading by key need Microsoft's
//! driver). Oracle, DBISAM, Microsoft's Access driver and Firebird's follow their documentation only.
//!
//! On Windows the driver manager is part of the system. Elsewhere it is unixODBC, which a program with this connector
//! needs in order to start; build without the feature `odbc` where it is not to be had.

mod alphabet;
mod catalog;
mod config;
mod decode;
mod dialect;
mod fault;
mod fetch;
mod line;
mod session;

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, StreamSpec};

pub use config::OdbcConfig;
pub use dialect::DialectName;

use crate::connector::{
    Allowed, Catalog, ChangeStream, Connector, ConnectorKind, OpenContext, Probe, Said, StartAt,
};
use crate::error::{SourceError, SourceResult};
use crate::registry::{ConfigError, DataSource, DataSourceOwner};
use crate::sql::{self, KeptSession, Opening};
use alphabet::Alphabet;
use config::Target;
use session::Session;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Odbc;

/// The code page of drivers that know no UTF-16, unless the settings say otherwise.
fn default_alphabet(dialect: DialectName) -> Alphabet {
    Alphabet::Encoding(match dialect {
        DialectName::Dbisam => encoding_rs::WINDOWS_1252,
        _ => encoding_rs::UTF_8,
    })
}

/// Reads one data source.
#[derive(Debug)]
pub struct OdbcConnector {
    target: Arc<Target>,
    kept: KeptSession,
}

impl OdbcConnector {
    /// Checks the settings and reads the password; contacts nothing.
    ///
    /// # Errors
    /// When a setting is wrong or the password cannot be read.
    pub fn new(config: OdbcConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            target: Arc::new(Target::new(config)?),
            kept: KeptSession::default(),
        })
    }
}

/// The data sources that the driver manager knows.
pub(crate) fn data_sources() -> SourceResult<Vec<DataSource>> {
    let failed = |error| SourceError::retry(KIND, "list the data sources of this computer", error);
    let manager = odbc_api::environment().map_err(failed)?;
    let mut sources = Vec::new();
    let lists = [
        (manager.system_data_sources(), DataSourceOwner::System),
        (manager.user_data_sources(), DataSourceOwner::User),
    ];
    for (list, owner) in lists {
        sources.extend(list.map_err(failed)?.into_iter().map(|found| DataSource {
            name: found.server_name,
            driver: found.driver,
            owner,
        }));
    }
    Ok(sources)
}

#[async_trait]
impl Connector for OdbcConnector {
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
        let no = |en: &str, es: &str| Allowed::No {
            why: Said::new(en, es),
        };
        Ok(match capture {
            Capture::Diff => Allowed::Yes,
            Capture::Watermark { .. } => {
                let session = Session::open(&self.target).await?;
                match session.line().dialect.0 {
                    DialectName::Mdbtools => no(
                        "mdbtools cannot compare dates; use \"diff\".",
                        "mdbtools no puede comparar fechas; use \"diff\".",
                    ),
                    _ => Allowed::Yes,
                }
            }
            Capture::Log | Capture::Outbox | Capture::Arrival | Capture::Push => no(
                "Through ODBC a database is read by \"watermark\" or \"diff\".",
                "Por ODBC una base de datos se lee por \"watermark\" o \"diff\".",
            ),
        })
    }
}
