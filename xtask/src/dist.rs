//! `cargo xtask dist`: what is handed to stores and operators, in `target/shipped`.

mod deb;
mod deb_check;
mod linux;
mod sbom;
mod sums;
pub mod windows;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::step::{self, Steps, say};

/// Where it all ends up.
pub const FOLDER: &str = "target/shipped";

/// What is built.
pub struct Release {
    /// As agents report it: three numbers.
    pub version: String,
    /// The public key whose signatures the agent takes updates by; without one it takes none.
    pub key: Option<String>,
}

impl Release {
    /// `--version 1.2.3` and `--key FILE`, and what is left of the arguments.
    fn read(arguments: &[String]) -> Result<(Self, Vec<&str>)> {
        let mut version = own_version().to_owned();
        let mut key = None;
        let mut rest = Vec::new();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .with_context(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--version" => version.clone_from(value()?),
                "--key" => key = Some(public_key(value()?)?),
                other => rest.push(other),
            }
        }
        let numbers: Vec<_> = version.split('.').map(str::parse::<u16>).collect();
        if numbers.len() != 3 || numbers.iter().any(Result::is_err) {
            bail!("the version {version:?} must be three numbers, as in 1.4.0");
        }
        Ok((Self { version, key }, rest))
    }
}

/// Builds what was asked for.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let (release, rest) = Release::read(arguments)?;
    let mut steps = Steps::new();
    if release.key.is_none() {
        say("no --key: the agents built now take no updates");
    }
    match rest.as_slice() {
        [] => {
            windows::build(&mut steps, &release)?;
            linux::build(&mut steps, &release)?;
        }
        ["windows"] => windows::build(&mut steps, &release)?,
        ["linux"] => linux::build(&mut steps, &release)?,
        ["linux", "--check"] => {
            linux::build(&mut steps, &release)?;
            deb_check::check(&mut steps, &release)?;
        }
        other => bail!(
            "dist takes \"windows\", \"linux\", \"linux --check\" or nothing, not {:?}",
            other.join(" ")
        ),
    }
    steps.print();
    eprintln!("\n{FOLDER} is ready");
    Ok(ExitCode::SUCCESS)
}

/// The workspace's version, which all crates share.
pub fn own_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The line of a minisign key file that is the key.
fn public_key(file: &str) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))?;
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("untrusted comment:"));
    let line = line.with_context(|| format!("{file} holds no key"))?;
    // An agent built with something else would take no updates, and say nothing until the first release.
    if line.len() != 56 || !line.starts_with("RW") {
        bail!(
            "{file} holds no public minisign key: its second line begins with RW and has 56 letters"
        );
    }
    Ok(line.to_owned())
}

/// What a command prints.
fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("could not start {name}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{name} ended with {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What the program is told of its release. A key in the environment of whoever builds does not count.
fn marked(build: &mut Command, release: &Release) {
    build.env("FLUXION_VERSION", &release.version);
    match &release.key {
        Some(key) => build.env("FLUXION_RELEASE_KEY", key),
        None => build.env_remove("FLUXION_RELEASE_KEY"),
    };
}

/// The moment of the last commit, so that the same sources make the same package.
fn source_date() -> Option<String> {
    step::output("git", &["log", "-1", "--format=%ct"]).filter(|text| !text.is_empty())
}
