//! `config check` and `packs`.

use std::process::ExitCode;

use anyhow::bail;
use fluxion_mappings::packs;

use super::Place;
use crate::capture::PosSystem;

pub(super) fn check(place: &Place) -> anyhow::Result<ExitCode> {
    let loaded = place.load()?;
    println!("{}: fine", loaded.path.display());
    println!("data folder: {}", loaded.data_dir.display());
    let mut well = true;
    for config in &loaded.config.pos {
        match PosSystem::prepare(&loaded, config) {
            Ok(pos) => {
                let streams: Vec<_> = pos
                    .streams()
                    .map(|stream| stream.spec().name.to_string())
                    .collect();
                println!(
                    "pos {:?}: {} with mapping {} version {}, streams {}",
                    config.name,
                    config.connector,
                    pos.mapping.name,
                    pos.mapping.version,
                    streams.join(", ")
                );
            }
            Err(problem) => {
                well = false;
                println!("pos {:?}: {}", config.name, crate::chain(&problem));
            }
        }
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

pub(super) fn list_packs() -> anyhow::Result<ExitCode> {
    for name in packs::names() {
        let Some(mapping) = packs::find(name) else {
            continue;
        };
        let first = mapping
            .description
            .split_terminator(['.', '\n'])
            .next()
            .unwrap_or_default();
        println!("{name:20} {:8} {first}", mapping.connector);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show_pack(name: &str, whole: bool) -> anyhow::Result<ExitCode> {
    let Some(mapping) = packs::find(name) else {
        bail!(
            "there is no pack {name:?}; known packs: {}",
            packs::names().join(", ")
        );
    };
    if whole {
        println!("{}", toml::to_string_pretty(&mapping)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} version {} ({}, read by {})",
        mapping.name, mapping.version, mapping.system, mapping.connector
    );
    println!("{}", mapping.description.trim());
    if !mapping.certainty.is_empty() {
        println!("\nCertainty: {}", mapping.certainty.trim());
    }
    println!("\nNeeds:");
    for need in fluxion_mappings::recognise::needs(&mapping) {
        println!("  {need}");
    }
    println!("\nSettings:");
    for (name, setting) in &mapping.settings {
        let default = setting
            .default
            .as_ref()
            .map_or_else(|| "required".to_owned(), |value| format!("default {value}"));
        println!("  {name} ({default}): {}", setting.description);
    }
    if mapping.settings.is_empty() {
        println!("  none");
    }
    println!("\nStreams:");
    for stream in &mapping.streams {
        let records: Vec<_> = stream
            .records
            .iter()
            .map(|record| record.entity.to_string())
            .collect();
        println!("  {} -> {}", stream.name, records.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}
