//! `install`, `uninstall`, `start`, `stop`, and `service`, which the service manager starts.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::{Place, enroll, runtime};
use crate::folder::{DataFolder, Readers, write_whole};
use crate::service::{self, Data, Setup};

impl Place {
    /// What the service needs to know. Paths are made whole, because a service starts in a folder of its own.
    fn setup(&self) -> anyhow::Result<Setup> {
        let config = std::path::absolute(self.config_path()).context("no working folder")?;
        let mut place = vec![OsString::from("--config"), config.clone().into()];
        if let Some(folder) = &self.data_dir {
            let folder = std::path::absolute(folder).context("no working folder")?;
            place.extend([OsString::from("--data-dir"), folder.into()]);
        }
        Ok(Setup {
            program: std::env::current_exe().context("this program does not know where it is")?,
            place,
            config,
            folder: self.folder_path(),
        })
    }
}

pub(super) fn run(place: &Place) -> anyhow::Result<ExitCode> {
    service::run(&place.setup()?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn install(
    place: &Place,
    server: Option<&str>,
    code: Option<&str>,
    no_start: bool,
) -> anyhow::Result<ExitCode> {
    // An installer passes on what it was given, which may be nothing.
    let server = server.filter(|server| !server.is_empty());
    let code = code.filter(|code| !code.is_empty());
    let setup = place.setup()?;
    let configured = first_configuration(&setup, server)?;
    service::install(&setup)?;
    println!("The service {} is installed.", service::NAME);
    println!("Its configuration: {}", setup.config.display());
    println!("Its data and logs: {}", setup.folder.display());
    if !configured {
        println!(
            "Next: `fluxion-agent install --server URL --code CODE`, which names the cloud and starts the service."
        );
        return Ok(ExitCode::SUCCESS);
    }
    // Before anything that a bad line or a used code can fail: the service waits until it is enrolled.
    if !no_start {
        service::start(&setup)?;
        println!("It runs.");
    }
    let enrolled = DataFolder::open(&setup.folder)?.identity()?.is_some();
    match code {
        Some(_) if enrolled => println!("This agent is enrolled already; the code was not used."),
        Some(code) => {
            runtime()?
                .block_on(enroll::enroll(place, server, code))
                .context("the service is installed, but not enrolled")?;
        }
        None if enrolled => {}
        None => println!(
            "Next: `fluxion-agent enroll --server URL --code CODE`, with a code from the dashboard."
        ),
    }
    if place
        .load()
        .is_ok_and(|loaded| loaded.config.pos.is_empty())
    {
        println!(
            "Next: `fluxion-agent discover` finds the POS and writes its section of the configuration."
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a configuration that names the cloud and no POS yet; one that is there is left alone. False when there is
/// neither that nor a server to name.
fn first_configuration(setup: &Setup, server: Option<&str>) -> anyhow::Result<bool> {
    if setup.config.exists() {
        return Ok(true);
    }
    let Some(server) = server else {
        return Ok(false);
    };
    if !server.starts_with("https://") && !server.starts_with("http://") {
        bail!("the server {server:?} must begin with https:// (or http://)");
    }
    let text = format!(
        "# Written by `fluxion-agent install`. `fluxion-agent config sample` shows every setting.\n\
         server = {}\n",
        toml::Value::from(server)
    );
    if let Some(folder) = setup.config.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    write_whole(&setup.config, text.as_bytes(), Readers::Folder)
        .with_context(|| format!("cannot write {}", setup.config.display()))?;
    Ok(true)
}

pub(super) fn uninstall(place: &Place, remove_data: bool) -> anyhow::Result<ExitCode> {
    let setup = place.setup()?;
    let data = if remove_data {
        Data::Remove
    } else {
        Data::Keep
    };
    service::uninstall(&setup, data)?;
    match data {
        Data::Keep => println!(
            "The service is gone. Its data stays in {}; a later installation goes on where this one stopped.",
            setup.folder.display()
        ),
        Data::Remove => println!("The service and its data are gone."),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn start(place: &Place) -> anyhow::Result<ExitCode> {
    service::start(&place.setup()?)?;
    println!("The service {} runs.", service::NAME);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn stop(place: &Place) -> anyhow::Result<ExitCode> {
    service::stop(&place.setup()?)?;
    println!("The service {} is stopped.", service::NAME);
    Ok(ExitCode::SUCCESS)
}
