//! Every pack against its fixtures: rows as the POS holds them beside what they become, awkward ones included.
//!
//! `FLUXION_WRITE_FIXTURES=1` writes what the rows become now; read the difference before you commit it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

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
        let batch = rows_from_json(stream, &input).unwrap();
        let became = serde_json::to_value(explain(stream, &batch).unwrap().rows).unwrap();
        let path = folder(pack).join(format!("{name}.expected.json"));
        if std::env::var_os("FLUXION_WRITE_FIXTURES").is_some() {
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
fn systimax_rows_become_what_they_mean() {
    check("systimax-mysql");
}

#[test]
fn exported_rows_become_what_they_mean() {
    check("fluxion-export");
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
            !pack.description.is_empty() && !pack.needs.is_empty() && !pack.certainty.is_empty(),
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
