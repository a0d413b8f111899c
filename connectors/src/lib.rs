//! How to read each kind of POS system.
//!
//! A connector knows a protocol and never meaning: it returns columns and typed values. It is pulled, so the agent
//! sets the pace; it is resumable from the cursor that follows each batch; and it keeps nothing of its own, so
//! dropping any future here loses no data.
//!
//! `ARCHITECTURE.md` tells how to add one.

pub mod connector;
pub mod error;
pub mod files;
pub mod firebird;
pub mod held;
pub mod mysql;
#[cfg(feature = "odbc")]
pub mod odbc;
pub mod postgres;
pub mod registry;
pub mod rest;
pub mod secret;
mod settings;
mod sql;
pub mod sqlserver;
pub mod webhook;

pub use connector::{
    Allowed, Batch, BatchLimit, Catalog, CatalogColumn, CatalogTable, ChangeStream, Connector,
    ConnectorKind, Finding, Level, Marks, Next, OpenContext, OutboxPart, OutboxScript, Probe,
    RowProblem, Said, ScanPart, Settings, Settled, StartAt,
};
pub use error::{Remedy, SourceError, SourceResult};
pub use registry::ConfigError;
pub use secret::Secret;
pub use settings::Tls;
