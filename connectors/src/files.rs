//! Folders into which a POS drops its exports (CSV, Excel, XML, JSON), and folders in which it keeps its tables (DBF).
//!
//! A file is taken when it is complete, is read once by its content, and ends in `processed/` or `failed/` beside a
//! report that names each bad row and why. Nothing is remembered here: what was processed is a mark committed with
//! the file's last batch, and how far a file was read is the stream's cursor. So a kill at any moment neither loses a
//! row nor brings one twice.

mod arrival;
mod config;
mod content;
mod dbf;
mod document;
mod filing;
mod position;
mod records;
mod separated;
mod stream;
mod table;
mod workbook;

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::row::{RowBatch, RowKey};
use fluxion_model::stream::{Capture, FileSource, Source, StreamSpec};

pub use config::{AfterReading, FilesConfig};

use crate::connector::{
    Allowed, Catalog, CatalogColumn, CatalogTable, ChangeStream, Connector, ConnectorKind, Finding,
    Level, OpenContext, Probe, Said, StartAt,
};
use crate::error::{SourceError, SourceResult};
use crate::registry::ConfigError;
use arrival::Inbox;
use content::Digest;
use dbf::{TableFile, TableStream, Trouble, Wish, find_keys};
use stream::FilesStream;
use table::Table;

/// This connector's name in errors.
const KIND: ConnectorKind = ConnectorKind::Files;

/// Tables listed for a first look.
const CATALOG_TABLES: usize = 300;

/// Files listed for a first look.
const CATALOG_FILES: usize = 100;

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

    /// What to open for a stream of tables.
    fn wish(&self, stream: &StreamSpec, context: OpenContext) -> SourceResult<Wish> {
        match &stream.source {
            Source::Table(source) => Ok(Wish {
                folder: self.config.folder.clone(),
                spec: stream.clone(),
                source: source.clone(),
                settings: context.settings,
            }),
            Source::Query(_) | Source::Files(_) | Source::Http(_) | Source::Event(_) => {
                Err(SourceError::ask(
                    KIND,
                    format!("open stream {}", stream.name),
                    "invalid_mapping",
                    "The stream reads no table kept in a file.",
                    "not a table",
                ))
            }
        }
    }

    async fn table_rows(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch> {
        let (wish, keys) = (self.wish(stream, context)?, keys.to_vec());
        let action = format!("read keys of stream {}", stream.name);
        match tokio::task::spawn_blocking(move || find_keys(&wish, &keys)).await {
            Ok(found) => found.map_err(|trouble| trouble.explain(&action)),
            Err(error) => Err(SourceError::retry(KIND, action, error)),
        }
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
        let tables = dbf::list(&self.config.folder, CATALOG_TABLES);
        if self.config.after_reading == AfterReading::Move && tables.is_empty() {
            findings.extend(filing::obstacle(&self.config));
        }
        let failed = self.config.folder.join(&self.config.failed);
        findings.extend(filing::given_up(&failed));
        findings.extend(
            tables
                .iter()
                .filter_map(|name| look_at_table(&self.config.folder, name)),
        );
        findings.extend(code_pages(&self.config.folder, &tables));
        let product = match tables.len() {
            0 => format!("folder with {waiting} files"),
            count => format!("folder with {waiting} files, {count} DBF tables among them"),
        };
        Ok(Probe { product, findings })
    }

    async fn catalog(&self) -> SourceResult<Catalog> {
        let mut names: Vec<_> = self
            .look()?
            .flatten()
            .filter(|entry| entry.path().is_file())
            .collect();
        names.sort_by_key(fs::DirEntry::file_name);
        let mut catalog = Catalog::default();
        for name in dbf::list(&self.config.folder, CATALOG_TABLES) {
            // What cannot be read is said by `probe`.
            if let Ok(table) = TableFile::open(&self.config.folder, &name) {
                catalog.tables.push(catalog_table(name, &table));
            }
        }
        // Beside tables stand their indexes and memos, which a running POS holds: nobody else opens those.
        let has_tables = !catalog.tables.is_empty();
        names.retain(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            !is_table(&name) && (!has_tables || is_export(&name))
        });
        for entry in names.into_iter().take(CATALOG_FILES) {
            let source = any_file();
            let opened = Digest::of(&entry.path())
                .and_then(|digest| Table::open(&entry.path(), &source, None, &digest));
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
        if let Source::Table(_) = &stream.source {
            let wish = self.wish(stream, context)?;
            let opened = TableStream::open(wish, self.config.clone(), start).await?;
            return Ok(Box::new(opened));
        }
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

    async fn allows(&self, stream: &StreamSpec, capture: &Capture) -> SourceResult<Allowed> {
        let fits = match stream.source {
            Source::Files(_) => *capture == Capture::Arrival,
            Source::Table(_) => *capture == Capture::Diff,
            Source::Query(_) | Source::Http(_) | Source::Event(_) => false,
        };
        if fits {
            return Ok(Allowed::Yes);
        }
        let why = Said::new(
            "Export files are noticed when they arrive (\"arrival\"), and tables kept in files are compared (\"diff\").",
            "Los archivos exportados se notan cuando llegan (\"arrival\") y las tablas en archivos se comparan (\"diff\").",
        );
        Ok(Allowed::No { why })
    }

    async fn read_keys(
        &self,
        stream: &StreamSpec,
        keys: &[RowKey],
        context: OpenContext,
    ) -> SourceResult<RowBatch> {
        if let Source::Table(_) = &stream.source {
            return self.table_rows(stream, keys, context).await;
        }
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

/// Whether a file is of a kind that is exported, by its ending in lower case.
fn is_export(name: &str) -> bool {
    const ENDINGS: [&str; 8] = ["csv", "txt", "xlsx", "xlsm", "xls", "ods", "xml", "json"];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

fn is_table(name: &str) -> bool {
    name.to_lowercase().ends_with(".dbf")
}

fn catalog_table(name: String, table: &TableFile) -> CatalogTable {
    let fields = table.layout.fields.iter();
    CatalogTable {
        // As streams write it.
        name: name[..name.len() - ".dbf".len()].to_owned(),
        columns: fields
            .map(|field| CatalogColumn {
                name: field.name.to_string(),
                type_name: field.type_name(),
            })
            .collect(),
    }
}

/// In which code page the tables say their texts are.
fn code_pages(folder: &std::path::Path, tables: &[String]) -> Option<Finding> {
    let opened = tables
        .iter()
        .filter_map(|name| TableFile::open(folder, name).ok());
    let (mut known, mut unmarked) = (std::collections::BTreeSet::new(), 0);
    for table in opened {
        match table.layout.marked_code_page() {
            Some(name) => drop(known.insert(name)),
            None => unmarked += 1,
        }
    }
    let names = known.into_iter().collect::<Vec<_>>().join(", ");
    match (names.as_str(), unmarked) {
        ("", 0) => None,
        (names, 0) => Some(Finding {
            level: Level::Info,
            what: Said::new(
                format!("The tables say that their text is in {names}."),
                format!("Las tablas dicen que su texto está en {names}."),
            ),
            remedy: None,
        }),
        (_, unmarked) => Some(Finding {
            level: Level::Info,
            what: Said::new(
                format!(
                    "{unmarked} tables do not say their code page; their text is read as windows-1252."
                ),
                format!(
                    "{unmarked} tablas no dicen su página de códigos; su texto se lee como windows-1252."
                ),
            ),
            remedy: Some(Said::new(
                "Name it in the mapping (`encoding`) where accents arrive wrong: DOS programs write cp850 or cp437.",
                "Nómbrela en el mapeo (`encoding`) si los acentos llegan mal: los programas de DOS escriben cp850 o cp437.",
            )),
        }),
    }
}

/// What there is to say of a table.
fn look_at_table(folder: &std::path::Path, name: &str) -> Option<Finding> {
    let finding = |level, en: String, es: String, remedy: Option<Said>| {
        Some(Finding {
            level,
            what: Said::new(en, es),
            remedy,
        })
    };
    let rebuild = Said::new(
        "Let the POS check and rebuild its tables with its own maintenance.",
        "Haga que el sistema revise y reconstruya sus tablas con su propio mantenimiento.",
    );
    match TableFile::open(folder, name) {
        Err(Trouble::Held(_)) => finding(
            Level::Warning,
            format!(
                "Table {name} is held exclusively by another program; it is read once that lets it go."
            ),
            format!(
                "La tabla {name} está abierta en modo exclusivo por otro programa; se leerá cuando la suelte."
            ),
            Some(Said::new(
                "If this lasts, look who has it open: packing and re-indexing need it for a while.",
                "Si esto dura, vea quién la tiene abierta: compactar y reindexar la necesitan un rato.",
            )),
        ),
        Err(trouble) => finding(
            Level::Problem,
            format!("Table {name} cannot be read: {trouble}."),
            format!("La tabla {name} no se puede leer: {trouble}."),
            Some(rebuild),
        ),
        Ok(table) if table.missing > 0 => finding(
            Level::Problem,
            format!(
                "The header of {name} promises {} records more than the file holds.",
                table.missing
            ),
            format!(
                "El encabezado de {name} promete {} registros más de los que el archivo contiene.",
                table.missing
            ),
            Some(rebuild),
        ),
        Ok(table) if table.uncounted > 1 => finding(
            Level::Warning,
            format!(
                "{name} holds {} records behind those its header counts; the POS does not see them, so they are not read.",
                table.uncounted
            ),
            format!(
                "{name} contiene {} registros detrás de los que cuenta su encabezado; el sistema no los ve, así que no se leen.",
                table.uncounted
            ),
            Some(rebuild),
        ),
        Ok(_) => None,
    }
}

/// A source that accepts whatever is there.
fn any_file() -> FileSource {
    FileSource {
        pattern: "*".to_owned(),
        format: None,
        sheet: None,
        record: None,
        delimiter: None,
        encoding: None,
        skip_lines: 0,
        content: fluxion_model::stream::FileContent::Changes,
        required_columns: Vec::new(),
        done_marker: None,
    }
}
