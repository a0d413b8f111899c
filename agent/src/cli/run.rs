//! `run`: works until it is stopped.

use std::process::ExitCode;

use anyhow::bail;

use super::{Place, runtime, told_to_stop};
use crate::agent::{Agent, Mode, build_pos};
use crate::folder::DataFolder;
use crate::logs;

pub(super) fn run(place: &Place) -> anyhow::Result<ExitCode> {
    let loaded = place.load()?;
    let folder = DataFolder::open(&loaded.data_dir)?;
    let Some(lock) = folder.try_lock()? else {
        bail!(
            "another agent works in {}\nhint: stop it first, or give this one a data folder of its own with --data-dir",
            folder.path().display()
        );
    };
    let guard = logs::begin(&loaded.config.log, &folder.logs(), logs::Screen::Everything)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %loaded.path.display(),
        data = %folder.path().display(),
        server = loaded.config.server,
        "the agent starts"
    );
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let mut agent = Agent::start(loaded, folder, Mode::Resident, build_pos())?;
        agent.serve(told_to_stop()).await;
        tracing::info!("the agent stops");
        agent.stop().await;
        anyhow::Ok(())
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    drop(guard);
    drop(lock);
    result?;
    Ok(ExitCode::SUCCESS)
}
