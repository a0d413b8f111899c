//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{FOLDER, output};

const NAME: &str = "SHA256SUMS";

/// Writes the sums of these files of `target/shipped`, and again those of what was listed before and is still there.
pub fn add(files: &[PathBuf]) -> Result<()> {
    let path = Path::new(FOLDER).join(NAME);
    let before = fs::read_to_string(&path).unwrap_or_default();
    let listed = before.lines().filter_map(|line| line.split("  ").nth(1));
    let mut names: BTreeSet<String> = listed
        .filter(|name| Path::new(FOLDER).join(name).is_file())
        .map(str::to_owned)
        .collect();
    let new = files.iter().filter_map(|file| file.file_name()?.to_str());
    names.extend(new.map(str::to_owned));
    let sums = output(
        Command::new("sha256sum")
            .arg("--")
            .args(&names)
            .current_dir(FOLDER),
    )?;
    fs::write(&path, sums).with_context(|| format!("could not write {}", path.display()))
}
