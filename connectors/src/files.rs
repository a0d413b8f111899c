//! Folders into which a POS drops its exports: CSV and Excel.
//!
//! A file is taken when it is complete, is read once by its content, and ends in `processed/` or `failed/` beside a
//! report that names each bad row and why. Nothing is remembered here: what was processed is a mark committed with
//! the file's last batch, and how far a file was read is the stream's cursor. So a kill at any moment neither loses a
//! row nor brings one twice.

mod arrival;
mod config;
mod content;
mod document;
mod filing;
mod pattern;
mod position;
mod separated;
mod stream;
mod table;
mod workbook;

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{FileSource, Source, StreamSpec};

pub use config::{AfterReading, FilesConfig};

use crate::connector::{
    Catalog, CatalogColumn, CatalogTable, ChangeStream, Connector, ConnectorKind, Finding, Level,
    OpenContext, Probe, Said, StartAt,
};
use crate::error::{SourceError, SourceResult};
use crate::registry::ConfigError;
use arrival::Inbox;
use content::Digest;
use stream::FilesStream;
use table::Table;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Files;

/// Files listed for a first look.
const CATALOG_FILES: usize = 100;

/// Whether a stream with this pattern takes files of this name.
#[must_use]
pub fn name_fits(pattern: &str, name: &str) -> bool {
    pattern::Pattern::new(pattern).matches(name)
}

/// Reads one folder.
#[derive(Debug)]
pub struct FilesConnector {
    config: Arc<FilesConfig>,
}

impl FilesConnector {
    /// Checks the settings; touches no file.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn new(config: FilesConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config: Arc::new(config),
        })
    }

    fn look(&self) -> SourceResult<fs::ReadDir> {
        let folder = &self.config.folder;
        fs::read_dir(folder).map_err(|error| {
            let hint = format!(
                "Folder {} cannot be read: check `connection.folder`, that the folder exists and that the account the agent runs as may read it.",
                folder.display()
            );
            let code = match error.kind() {
                std::io::ErrorKind::PermissionDenied => "permission_denied",
                _ => "not_found",
            };
            SourceError::ask(KIND, format!("read folder {}", folder.display()), code, hint, error)
        })
    }
}

#[async_trait]
impl Connector for FilesConnector {
    fn kind(&self) -> ConnectorKind {
        KIND
    }

    async fn probe(&self) -> SourceResult<Probe> {
        let waiting = self
            .look()?
            .flatten()
            .filter(|entry| entry.path().is_file())
            .count();
        let mut findings = Vec::new();
        let is_readonly =
            fs::metadata(&self.config.folder).is_ok_and(|found| found.permissions().readonly());
        if is_readonly && self.config.after_reading == AfterReading::Move {
            let folder = self.config.folder.display();
            findings.push(Finding {
                level: Level::Problem,
                what: Said::new(
                    format!("Folder {folder} is read-only, so files cannot be moved to processed/."),
                    format!("La carpeta {folder} es de solo lectura; los archivos no se pueden mover a processed/."),
                ),
                remedy: Some(Said::new(
                    "Allow writing, or set `connection.after_reading` to \"leave\".",
                    "Permita escribir, o ponga `connection.after_reading` en \"leave\".",
                )),
            });
        }
        Ok(Probe {
            product: format!("folder with {waiting} files"),
            findings,
        })
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        let mut names: Vec<_> = self
            .look()?
            .flatten()
            .filter(|entry| entry.path().is_file())
            .collect();
        names.sort_by_key(fs::DirEntry::file_name);
        let mut catalog = Catalog::default();
        for entry in names.into_iter().take(CATALOG_FILES) {
            let source = any_file();
            let opened = Digest::of(&entry.path())
                .and_then(|digest| Table::open(&entry.path(), &source, &digest));
            // What cannot be read as a table is no table.
            if let Ok(table) = opened {
                let columns = table.columns().iter();
                catalog.tables.push(CatalogTable {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    columns: columns
                        .map(|name| CatalogColumn {
                            name: name.to_string(),
                            type_name: "text".to_owned(),
                        })
                        .collect(),
                });
            }
        }
        Ok(catalog)
    }

    async fn open(
        &self,
        stream: &StreamSpec,
        start: StartAt,
        context: OpenContext,
    ) -> SourceResult<Box<dyn ChangeStream>> {
        self.look()?;
        let Source::Files(source) = &stream.source else {
            let hint = format!(
                "Stream {:?} reads a database; its connector is not \"files\".",
                stream.name.to_string()
            );
            let action = format!("open stream {}", stream.name);
            return Err(SourceError::ask(
                KIND,
                action,
                "invalid_mapping",
                hint,
                "not a file source",
            ));
        };
        let inbox = Inbox::new(self.config.clone(), source.clone());
        Ok(Box::new(FilesStream::new(
            stream.clone(),
            source.clone(),
            inbox,
            self.config.clone(),
            start,
            context,
        )?))
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        _: &[RowKey],
        _: OpenContext,
    ) -> SourceResult<RowBatch> {
        let hint = "Files cannot be asked for single rows: export them again.";
        let action = format!("read keys of stream {}", stream.name);
        Err(SourceError::ask(
            KIND,
            action,
            "unsupported",
            hint,
            "files have no index",
        ))
    }
}

/// A source that accepts whatever is there.
fn any_file() -> FileSource {
    FileSource {
        pattern: "*".to_owned(),
        format: None,
        sheet: None,
        delimiter: None,
        encoding: None,
        skip_lines: 0,
        content: fluxion_model::stream::FileContent::Changes,
        required_columns: Vec::new(),
        done_marker: None,
    }
}
