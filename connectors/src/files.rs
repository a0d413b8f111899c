//! Export folders.
use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::StreamSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connector::*;
use crate::error::{SourceError, SourceResult};
use crate::registry::ConfigError;
/// An export folder.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
pub struct FilesConfig {
    /// Folder.
    pub folder: std::path::PathBuf,
}
/// Files
#[derive(Debug)]
pub struct FilesConnector;
impl FilesConnector {
    /// New
    pub fn new(_: FilesConfig) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}
#[async_trait]
impl Connector for FilesConnector {
    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Files
    }
    async fn probe(&self) -> SourceResult<Probe> {
        Err(SourceError::retry(ConnectorKind::Files, "x", "x"))
    }
    async fn catalog(&self) -> SourceResult<Catalog> {
        Err(SourceError::retry(ConnectorKind::Files, "x", "x"))
    }
    async fn open(&self, _: &StreamSpec, _: StartAt, _: OpenContext) -> SourceResult<Box<dyn ChangeStream>> {
        Err(SourceError::retry(ConnectorKind::Files, "x", "x"))
    }
    async fn read_keys(&self, _: &StreamSpec, _: &[RowKey], _: OpenContext) -> SourceResult<RowBatch> {
        Err(SourceError::retry(ConnectorKind::Files, "x", "x"))
    }
}
