//! `enroll`: exchanges a code from the dashboard for a token of this agent's own.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use fluxion_model::enrolment::EnrolRequest;

use super::Place;
use crate::config;
use crate::folder::{DataFolder, Identity};
use crate::sender::{Cloud, CloudError};

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
    let folder = DataFolder::open(&data_dir)?;
    folder
        .check_writable()
        .context("the token cannot be kept\nhint: run as administrator, or use --data-dir")?;
    let request = EnrolRequest {
        code: code.to_owned(),
        machine: machine_name(),
        os: Some(format!(
            "{} {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        )),
        version: crate::VERSION.to_owned(),
    };
    let network = loaded.as_ref().map(|loaded| loaded.config.network.clone());
    let network = network.unwrap_or_default();
    let reply = Cloud::new(&server, None, &network, folder.path())?.enrol(&request).await.map_err(|error| match error {
        CloudError::Unauthorized { message }
            | CloudError::NotFound { message }
            | CloudError::Refused { message, .. } => anyhow::anyhow!(
            "the code is not accepted: {message}\nhint: a code works once and for a short time; get a new one in the \
                 dashboard under the store"
        ),
        other => other.into(),
    })?;
    folder.keep_identity(&Identity {
        server: server.clone(),
        agent_id: reply.agent_id,
        token: reply.token,
        tenant_name: reply.tenant_name.clone(),
        store_name: reply.store_name.clone(),
    })?;
    println!(
        "This agent now stands in the store {:?} of {:?}.",
        reply.store_name, reply.tenant_name
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

fn machine_name() -> String {
    let named = ["COMPUTERNAME", "HOSTNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let from_file = || std::fs::read_to_string("/etc/hostname").ok();
    named
        .or_else(from_file)
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}
