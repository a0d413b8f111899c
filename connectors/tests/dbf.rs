//! Tables that a POS keeps in files, written as FoxPro writes them.

mod damage;
mod shop;
mod torn;
mod types;

use std::path::{Path, PathBuf};

use fluxion_connectors::{Connector, ConnectorKind, registry};
use fluxion_model::stream::StreamSpec;
use fluxion_tests::sim::dbf::{Field, Kind, Table, Version, field};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A company's folder of its own, with an impatient connector.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn table(&self, name: &str, fields: &[Field]) -> Table {
        Table::create(&self.file(name), Version::VisualFoxPro, 3, fields).unwrap()
    }

    pub fn connector(&self) -> Box<dyn Connector> {
        let settings = json!({
            "folder": self.path(), "settle_seconds": 0.02, "give_up_seconds": 0.3, "poll_seconds": 0.05,
        });
        registry::build(ConnectorKind::Files, &settings).unwrap()
    }
}

pub const PRODUCTS: &[Field] = &[
    field("CODE", Kind::C(20)),
    field("NAME", Kind::C(30)),
    field("PRICE", Kind::N(12, 2)),
];

pub fn spec(json: Json) -> StreamSpec {
    serde_json::from_value(json).unwrap()
}

pub fn products() -> StreamSpec {
    table(json!({"name": "products"}), &["CODE"])
}

/// A stream of one table.
pub fn table(source: Json, key: &[&str]) -> StreamSpec {
    spec(json!({
        "name": "products", "key": key, "capture": {"strategy": "diff"}, "source": {"table": source},
    }))
}

pub fn sales() -> StreamSpec {
    spec(json!({
        "name": "sales", "key": ["NUMBER"], "capture": {"strategy": "diff"},
        "source": {"table": {"name": "SALES"}},
        "children": [{
            "name": "lines", "table": {"name": "LINES", "columns": ["PRODUCT", "QUANTITY"]},
            "parent": ["NUMBER"], "order": ["LINE"],
        }],
    }))
}
