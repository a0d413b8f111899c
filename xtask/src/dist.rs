//! `cargo xtask dist`: what is handed to stores and operators, in `target/dist`.

pub mod windows;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::step::{Steps, say};

/// Where it all ends up.
pub const FOLDER: &str = "target/dist";

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
        [] | ["windows"] => windows::build(&mut steps, &release)?,
        other => bail!(
            "dist takes \"windows\" or nothing, not {:?}",
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
    Ok(line
        .with_context(|| format!("{file} holds no key"))?
        .to_owned())
}
