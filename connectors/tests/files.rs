//! The `files` connector in real folders.

mod arrival;
mod formats;
mod hostile;
mod records;
mod shop;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fluxion_connectors::{BatchLimit, Connector, ConnectorKind, SourceResult, registry};
use fluxion_model::stream::StreamSpec;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::mirror::{Mirror, Step};

/// An export folder of its own, with an impatient connector.
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        self.connector_with(json!({}))
    }

    pub fn connector_with(&self, change: Json) -> Box<dyn Connector> {
        let mut settings = json!({
            "folder": self.path(), "settle_seconds": 0.05, "give_up_seconds": 0.1, "poll_seconds": 0.05,
        });
        settings
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        registry::build(ConnectorKind::Files, &settings).unwrap()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    /// Names in a folder, without the date before them.
    pub fn names(&self, below: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path().join(below)) else {
            return Vec::new();
        };
        let files = entries.flatten().filter(|entry| entry.path().is_file());
        let mut names: Vec<String> = files
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        if !below.is_empty() {
            names
                .iter_mut()
                .for_each(|name| *name = name[11..].to_owned());
        }
        names.sort();
        names
    }

    pub fn report(&self, below: &str) -> String {
        let entries = fs::read_dir(self.path().join(below)).unwrap().flatten();
        let reports: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with(".report.txt"))
            .collect();
        assert_eq!(reports.len(), 1, "{reports:?}");
        fs::read_to_string(&reports[0]).unwrap()
    }
}

pub fn spec(json: Json) -> StreamSpec {
    serde_json::from_value(json).unwrap()
}

pub fn products(source: Json) -> StreamSpec {
    let mut files = json!({"pattern": "productos*.{csv,xlsx}"});
    files
        .as_object_mut()
        .unwrap()
        .extend(source.as_object().unwrap().clone());
    spec(
        json!({"name": "products", "key": ["code"], "capture": {"strategy": "arrival"}, "source": {"files": files}}),
    )
}

pub fn sales() -> StreamSpec {
    spec(json!({
        "name": "sales", "key": ["number"], "capture": {"strategy": "arrival"},
        "source": {"files": {"pattern": "ventas*.csv"}},
        "children": [{"name": "lines", "columns": ["product", "quantity"]}],
    }))
}

/// Follows the stream for a moment, as long as files need to settle or to be given up.
pub async fn follow(
    mirror: &mut Mirror,
    connector: &dyn Connector,
    spec: &StreamSpec,
) -> SourceResult<()> {
    follow_by(mirror, connector, spec, BatchLimit::default()).await
}

pub async fn follow_by(
    mirror: &mut Mirror,
    connector: &dyn Connector,
    spec: &StreamSpec,
    limit: BatchLimit,
) -> SourceResult<()> {
    let mut stream = connector
        .open(spec, mirror.start(), mirror.context())
        .await?;
    let mut quiet = 0;
    while quiet < 8 {
        match mirror.step(stream.as_mut(), limit).await? {
            Step::Batch | Step::ScanComplete => quiet = 0,
            Step::Rest => {
                quiet += 1;
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        }
    }
    Ok(())
}
