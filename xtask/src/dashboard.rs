//! Builds the dashboard when its sources changed.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::packages;
use crate::step::{self, say};

const FOLDER: &str = "dashboard";
const STAMP: &str = "target/dashboard.stamp";
const MODULES_STAMP: &str = "target/dashboard-modules.stamp";

/// Builds `dashboard/dist` unless it is fresh. Without Node the service is built without it, and says so.
pub fn build() -> Result<()> {
    if !Path::new(FOLDER).join("package.json").exists() {
        return Ok(());
    }
    let stamp = hash_of(&sources()?)?;
    if Path::new(FOLDER).join("dist/index.html").exists()
        && fs::read_to_string(STAMP).is_ok_and(|old| old == stamp)
    {
        return Ok(());
    }
    if !packages::has_node() {
        say("no Node.js 20 or newer here: the dashboard is left out; everything else works");
        return Ok(());
    }
    install()?;
    step::run(&mut npm(&["run", "build"]))?;
    fs::create_dir_all("target")?;
    fs::write(STAMP, stamp).with_context(|| format!("could not write {STAMP}"))
}

/// `npm ci`, unless the modules there are those of the lock file.
pub fn install() -> Result<()> {
    let stamp = hash_of(&[Path::new(FOLDER).join("package-lock.json")])?;
    let fresh = fs::read_to_string(MODULES_STAMP).is_ok_and(|old| old == stamp);
    if fresh && Path::new(FOLDER).join("node_modules").exists() {
        return Ok(());
    }
    step::run(&mut npm(&["ci", "--no-audit", "--no-fund"]))?;
    fs::create_dir_all("target")?;
    fs::write(MODULES_STAMP, stamp).with_context(|| format!("could not write {MODULES_STAMP}"))
}

/// An npm command in the dashboard's folder. What it prints goes where cargo's output goes.
pub fn npm(arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(FOLDER).env("CI", "1");
    command
}

/// Every file that the build reads.
fn sources() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(FOLDER)];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("could not read {}", folder.display()))?
        {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "node_modules" | "dist" | "e2e")
                    && !name.starts_with('.')
                {
                    folders.push(path);
                }
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn hash_of(files: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(file)
            .with_context(|| format!("could not read {}", file.display()))?
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
