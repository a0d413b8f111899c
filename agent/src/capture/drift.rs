//! Notices when the tables of a POS grow columns: an update of the POS may have brought something worth mapping.
//!
//! A column that the mapping needs and that is gone is none of this module's business: the stream that needs it says so
//! itself, and stops alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fluxion_connectors::Catalog;
use fluxion_model::stream::{Source, StreamSpec};
use tokio_util::sync::CancellationToken;

use super::pos::PosSystem;
use crate::folder::{Readers, write_whole};

/// An update of a POS is a matter of days.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// The first look lets the first reads go before.
const FIRST_LOOK: Duration = Duration::from_secs(120);

/// Columns by table, by POS system.
type Known = BTreeMap<String, Tables>;
type Tables = BTreeMap<String, Vec<String>>;

/// Looks once a day, for as long as the POS system is read.
pub(crate) async fn watch(pos: Arc<PosSystem>, file: PathBuf, cancel: CancellationToken) {
    let mut wait = FIRST_LOOK;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = LOOK_EVERY;
        let catalog = tokio::select! {
            () = cancel.cancelled() => return,
            catalog = pos.connector.catalog() => catalog,
        };
        match catalog {
            Ok(catalog) => look(&pos, &catalog, &file),
            Err(error) => tracing::debug!(
                pos = pos.config.name,
                "the columns of the POS could not be listed: {}",
                crate::chain(&error)
            ),
        }
    }
}

fn look(pos: &PosSystem, catalog: &Catalog, file: &Path) {
    let specs: Vec<_> = pos
        .streams()
        .map(fluxion_mappings::StreamRules::spec)
        .collect();
    let now = tables_of(catalog, &specs);
    let mut known: Known = std::fs::read(file)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let name = &pos.config.name;
    if let Some(before) = known.get(name) {
        for (table, columns) in new_columns(before, &now) {
            tracing::warn!(
                pos = name,
                table,
                "the POS has new columns: {}. Look whether the mapping should use them; nothing else is changed by this",
                columns.join(", ")
            );
        }
        if *before == now {
            return;
        }
    }
    known.insert(name.clone(), now);
    let text = serde_json::to_vec(&known).unwrap_or_default();
    if let Err(error) = write_whole(file, &text, Readers::Folder) {
        tracing::debug!(%error, "the known columns could not be kept");
    }
}

/// The tables that some stream reads, with their columns.
fn tables_of(catalog: &Catalog, specs: &[&StreamSpec]) -> Tables {
    let texts: Vec<String> = specs.iter().flat_map(|spec| from_texts(spec)).collect();
    let is_read = |table: &str| {
        let bare = table.rsplit('.').next().unwrap_or(table).to_lowercase();
        texts.iter().any(|text| {
            text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '#')))
                .any(|word| word == bare)
        })
    };
    let read = catalog.tables.iter().filter(|table| is_read(&table.name));
    read.map(|table| {
        let columns = table.columns.iter().map(|column| column.name.clone());
        (table.name.clone(), columns.collect())
    })
    .collect()
}

fn from_texts(spec: &StreamSpec) -> Vec<String> {
    let children = spec
        .children
        .iter()
        .filter_map(|child| child.query.as_ref())
        .map(|query| &query.from);
    let own = match &spec.source {
        Source::Query(query) => Some(&query.from),
        Source::Files(_) | Source::Table(_) | Source::Http(_) | Source::Event(_) => None,
    };
    own.into_iter()
        .chain(children)
        .map(|from| from.to_lowercase())
        .collect()
}

/// Columns that tables have grown. A table that is new altogether is new to the mapping, not to the POS.
fn new_columns<'a>(before: &Tables, now: &'a Tables) -> Vec<(&'a str, Vec<&'a str>)> {
    now.iter()
        .filter_map(|(table, columns)| {
            let known = before.get(table)?;
            let new: Vec<&str> = columns
                .iter()
                .filter(|column| !known.contains(column))
                .map(String::as_str)
                .collect();
            (!new.is_empty()).then_some((table.as_str(), new))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fluxion_connectors::{CatalogColumn, CatalogTable};
    use serde_json::json;

    fn catalog(tables: &[(&str, &[&str])]) -> Catalog {
        let column = |name: &&str| CatalogColumn {
            name: (*name).to_owned(),
            type_name: "text".to_owned(),
        };
        Catalog {
            tables: tables
                .iter()
                .map(|(name, columns)| CatalogTable {
                    name: (*name).to_owned(),
                    columns: columns.iter().map(column).collect(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_table_that_is_read_and_grew_a_column_is_noticed_and_no_other() {
        let spec: StreamSpec = serde_json::from_value(json!({
            "name": "sales", "key": ["id"], "capture": {"strategy": "diff"},
            "source": {"query": {"from": "dbo.Sales s JOIN till t ON t.id = s.till", "columns": {"id": "s.id"}}},
        }))
        .unwrap();
        let before = catalog(&[
            ("dbo.sales", &["id", "total"]),
            ("till", &["id"]),
            ("staff", &["id"]),
        ]);
        let after = catalog(&[
            ("dbo.sales", &["id", "tip", "total"]),
            ("till", &["id"]),
            ("staff", &["id", "pin"]),
        ]);
        let [before, after] = [&before, &after].map(|catalog| tables_of(catalog, &[&spec]));
        assert_eq!(new_columns(&before, &after), [("dbo.sales", vec!["tip"])]);
        assert_eq!(new_columns(&after, &after), []);
    }
}
