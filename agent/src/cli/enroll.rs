//! `enroll`: exchanges a code from the dashboard for a token of this agent's own.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::Place;
use crate::config;
use crate::enrolment::{Enrolment, Tried};
use crate::folder::DataFolder;

/// What the process ends with when the code waits for the cloud.
const WAITS: u8 = 3;

/// The code, from wherever it is given.
pub(super) fn code(told: Option<&str>, file: Option<&Path>) -> anyhow::Result<String> {
    let code = match (told, file) {
        (Some(code), _) => code.to_owned(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?,
        (None, None) => {
            if std::io::stdin().is_terminal() {
                eprint!("Código / code: ");
            }
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            line
        }
    };
    let code = code.trim_start_matches('\u{feff}').trim();
    if code.is_empty() {
        bail!(
            "there is no code\nhint: get one in the dashboard under the store, and give it with --code or --code-file"
        );
    }
    Ok(code.to_owned())
}

pub(super) async fn enroll(
    place: &Place,
    server: Option<&str>,
    code: &str,
) -> anyhow::Result<ExitCode> {
    let loaded = place.load();
    let data_dir = match (&place.data_dir, &loaded) {
        (Some(dir), _) => dir.clone(),
        (None, Ok(loaded)) => loaded.data_dir.clone(),
        (None, Err(_)) if server.is_some() && !place.config_path().exists() => {
            config::default_data_dir()
        }
        (None, Err(error)) => bail!("{error:#}"),
    };
    let server = match (server, &loaded) {
        (Some(server), _) => server.to_owned(),
        (None, Ok(loaded)) => loaded.config.server.clone(),
        (None, Err(error)) => bail!("{error:#}\nhint: name the server with --server"),
    };
    // Nobody is there any more to see the mistake when it is tried later.
    if reqwest::Url::parse(&server).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        tracing::debug!(server, "the code is tried");
    } else {
        bail!("the server {server:?} must be an address that begins with https:// (or http://)");
    }
    let folder = DataFolder::open(&data_dir)?;
    folder
        .check_writable()
        .context("the token cannot be kept\nhint: run as administrator, or use --data-dir")?;
    let network = loaded.as_ref().map(|loaded| loaded.config.network.clone());
    let network = network.unwrap_or_default();
    let enrolment = Enrolment::begin(&folder, &server, code)?;
    let identity = match enrolment.attempt(&folder, &network).await? {
        Tried::Enrolled(identity) => identity,
        Tried::Refused(why) => {
            Enrolment::forget(&folder)?;
            bail!(
                "the code is not accepted: {why}\nhint: a code works once and for a short time; get a new one in the \
                 dashboard under the store"
            );
        }
        Tried::NotYet(why) => {
            println!("Not enrolled yet: {why}.");
            println!(
                "The code is kept sealed. The agent that runs here tries it again by itself until the cloud answers; \
                 `fluxion-agent status` tells how it stands, and enrolling again takes its place."
            );
            return Ok(ExitCode::from(WAITS));
        }
    };
    println!(
        "This agent now stands in the store {:?} of {:?}.",
        identity.store_name, identity.tenant_name
    );
    println!("Its token is kept in {}.", folder.identity_file().display());
    if let Ok(loaded) = &loaded
        && loaded.config.server.trim_end_matches('/') != server.trim_end_matches('/')
    {
        println!(
            "Note: the configuration names another server ({}); set server = {server:?} in {}.",
            loaded.config.server,
            loaded.path.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
