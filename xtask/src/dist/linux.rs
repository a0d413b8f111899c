//! The programs for Linux, the agent's package, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{FOLDER, Release, deb, marked, sbom, sums};
use crate::build::cargo;
use crate::dashboard;
use crate::packages::{self, Need};
use crate::step::Steps;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds agent, ingest with its dashboard, the agent's package and the bills of materials into `target/shipped`.
pub fn build(steps: &mut Steps, release: &Release) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("the programs for Linux are built on Linux, on x86_64");
    }
    packages::ensure(steps, &[Need::Compiler, Need::Odbc])?;
    programs(steps, release)?;
    fs::create_dir_all(FOLDER)?;
    let mut made = Vec::new();
    for program in ["fluxion-agent", "fluxion-ingest"] {
        let shipped = shipped(program, release);
        fs::copy(Path::new("target/dist").join(program), &shipped)
            .with_context(|| format!("could not copy to {}", shipped.display()))?;
        let bill = shipped.with_added_extension("cdx.json");
        steps.take(&format!("what is in {program} (CycloneDX)"), || {
            sbom::write(program, &release.version, TARGET, &bill)
        })?;
        made.extend([shipped, bill]);
    }
    let package = deb::place(&release.version);
    steps.take("package of the agent (dpkg-deb)", || {
        deb::build(
            &shipped("fluxion-agent", release),
            &release.version,
            &package,
        )
    })?;
    made.push(package);
    sums::add(&made)
}

/// Where a program ends.
pub fn shipped(program: &str, release: &Release) -> PathBuf {
    Path::new(FOLDER).join(format!("{program}-{}-linux-x86_64", release.version))
}

fn programs(steps: &mut Steps, release: &Release) -> Result<()> {
    steps.take("dashboard (npm)", || {
        dashboard::build()?;
        if Path::new("dashboard/dist/index.html").exists() {
            Ok(())
        } else {
            bail!("what is shipped has a dashboard; install Node.js 20 or newer")
        }
    })?;
    let mut build = cargo(&["build", "--locked", "--profile", "dist"]);
    build.args(["-p", "fluxion-agent", "-p", "fluxion-ingest"]);
    marked(&mut build, release);
    steps.run(
        "agent and ingest for Linux (cargo; takes some minutes)",
        &mut build,
    )
}
