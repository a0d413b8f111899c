//! Every pack against its fixtures: rows as the POS holds them beside what they become, awkward ones included.
//!
//! `FLUXION_WRITE_FIXTURES=1`, or the name of a pack, writes what the rows become now; read the difference before you commit it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fluxion_model::json::{self, Layout};
use fluxion_model::row::{RowBatch, RowChange};
use fluxion_model::stream::{EventSource, Source, StreamSpec};
use fluxion_model::webhook::Event;
use serde::Deserialize;

use crate::recognise::needs;
use crate::sample::{explain, rows_from_json};
use crate::{Context, Country, Mapping, Rules, Scalar, packs};

#[derive(Deserialize)]
struct Place {
    time_zone: String,
    currency: String,
    country: Option<Country>,
    settings: BTreeMap<String, Scalar>,
}

fn folder(pack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(pack)
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Rows of whole events, read as they are when a POS sends them.
fn events(spec: &StreamSpec, source: &EventSource, input: &serde_json::Value) -> RowBatch {
    let layout = Layout::new(&source.columns, &spec.children, &spec.key).unwrap();
    let mut changes = Vec::new();
    for body in input.as_array().unwrap() {
        let body = body.to_string();
        let event = Event::read(body.as_bytes(), body.len()).unwrap();
        assert_eq!(event.event_type, source.event);
        let item = json::at(event.body, &source.item).unwrap();
        let (key, row) = layout.row(item, None).unwrap();
        changes.push(RowChange::Upsert { key, row });
    }
    RowBatch {
        shape: layout.shape,
        changes,
    }
}

/// Applies the pack to the rows of every one of its streams.
fn check(pack: &str) {
    let mapping = Mapping::from_toml(packs::text(pack).unwrap())
        .unwrap_or_else(|error| panic!("{pack}: {error}"));
    assert_eq!(mapping.name, pack);
    let place: Place = read(&folder(pack).join("context.json"));
    let context = Context::new(
        &mapping,
        place.time_zone.parse().unwrap(),
        place.currency.parse().unwrap(),
        place.country,
        &place.settings,
    )
    .unwrap();
    let rules =
        Rules::compile(&mapping, &context).unwrap_or_else(|error| panic!("{pack}: {error}"));
    for stream in rules.streams() {
        let name = &stream.spec().name;
        let input: serde_json::Value = read(&folder(pack).join(format!("{name}.input.json")));
        let batch = match &stream.spec().source {
            Source::Event(source) => events(stream.spec(), source, &input),
            Source::Query(_) | Source::Files(_) | Source::Table(_) | Source::Http(_) => {
                rows_from_json(stream, &input).unwrap()
            }
        };
        let became = serde_json::to_value(explain(stream, &batch).unwrap().rows).unwrap();
        let path = folder(pack).join(format!("{name}.expected.json"));
        // `1` for all packs, or the name of one.
        let write = std::env::var("FLUXION_WRITE_FIXTURES").unwrap_or_default();
        if write == "1" || write == pack {
            let text = serde_json::to_string_pretty(&became).unwrap();
            fs::write(&path, text + "\n").unwrap();
        }
        let expected: serde_json::Value = read(&path);
        for (at, (became, expected)) in became
            .as_array()
            .unwrap()
            .iter()
            .zip(expected.as_array().unwrap())
            .enumerate()
        {
            assert_eq!(became, expected, "{pack}, {name}, row {}", at + 1);
        }
        assert_eq!(became, expected, "{pack}, {name}");
    }
}

#[test]
fn rows_of_every_pack_become_what_they_mean() {
    let only = std::env::var("FLUXION_WRITE_FIXTURES").unwrap_or_default();
    for name in packs::names() {
        if ["", "1", name].contains(&only.as_str()) {
            check(name);
        }
    }
}

/// The same tables on another database: what a row means must not drift apart.
#[test]
fn packs_for_the_same_tables_differ_in_the_connector_alone() {
    for (one, other) in [
        ("mybusiness", "mybusiness-mysql"),
        ("aspel-sae", "aspel-sae-sqlserver"),
    ] {
        let one = packs::find(one).unwrap();
        let other = packs::find(other).unwrap();
        assert_eq!(one.streams, other.streams);
        assert_eq!(one.settings, other.settings);
        assert_eq!(one.recognise, other.recognise);
        assert_ne!(one.connector, other.connector);
    }
    // Oracle keeps no log that is followed, so its strategies differ as well.
    let one = packs::find("systimax-mysql").unwrap();
    let other = packs::find("systimax-oracle").unwrap();
    for (one, other) in one.streams.iter().zip(&other.streams) {
        assert_eq!(
            (&one.source, &one.key, &one.children, &one.records),
            (&other.source, &other.key, &other.children, &other.records)
        );
    }
}

#[test]
fn every_pack_has_fixtures_and_a_text_for_people() {
    for name in packs::names() {
        assert!(
            folder(name).join("context.json").exists(),
            "{name} has no fixtures"
        );
        let pack = packs::find(name).unwrap();
        assert!(
            !pack.description.is_empty() && !needs(&pack).is_empty() && !pack.certainty.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn every_pack_file_is_embedded() {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("packs")).unwrap();
    let mut names: Vec<String> = files
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, packs::names());
}
