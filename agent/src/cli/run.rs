//! `run`: works until it is stopped.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;

use super::{Place, runtime, told_to_stop};
use crate::agent::{Agent, Mode, build_pos};
use crate::config::{self, Loaded};
use crate::folder::{DataFolder, FolderLock};
use crate::priority;
use crate::supervise::{Fingerprint, START_ANEW, fingerprint};
use crate::update::this_build;
use crate::update::versions::Versions;
use crate::{crash, logs};

/// How often the configuration is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// Who started the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartedBy {
    /// Somebody at a console.
    Person,
    /// The service, which starts it again when it asks for that.
    Service,
}

impl From<bool> for StartedBy {
    fn from(supervised: bool) -> Self {
        if supervised {
            Self::Service
        } else {
            Self::Person
        }
    }
}

/// Why the agent stops.
enum Reason {
    Asked,
    Configuration,
    Update,
}

pub(super) fn run(
    place: &Place,
    started_by: StartedBy,
    versions: Option<&Path>,
    healthy_file: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    // Before it is read: a change in between is then noticed.
    let seen = fingerprint(&place.config_path());
    let loaded = place.load()?;
    // First, because threads take both from the one that starts them.
    fluxion_system::memory::frugal();
    let placed = priority::begin(loaded.config.priority);
    let folder = DataFolder::open(&loaded.data_dir)?;
    let Some(lock) = lock(&folder, started_by)? else {
        bail!(
            "another agent works in {}\nhint: stop it first, or give this one a data folder of its own with --data-dir",
            folder.path().display()
        );
    };
    // The service passes on to the system's log what is written here; the whole log is in the data folder.
    let screen = match started_by {
        StartedBy::Person => logs::Screen::Everything,
        StartedBy::Service => logs::Screen::Warnings,
    };
    let guard = logs::begin(&loaded.config.log, &folder.logs(), screen)?;
    crash::report_to(&folder.logs());
    tracing::info!(
        version = this_build::name(),
        config = %loaded.path.display(),
        data = %folder.path().display(),
        server = loaded.config.server,
        "the agent starts"
    );
    if let Err(error) = placed {
        tracing::warn!(%error, "the priority could not be lowered; the agent works all the same");
    }
    if loaded.config.pos.is_empty() {
        tracing::warn!(
            "there is no [[pos]] section in {}, so there is nothing to read yet; `fluxion-agent discover` writes one",
            loaded.path.display()
        );
    }
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let changed =
            configuration_changed(loaded.clone(), seen, place.data_dir.clone(), started_by);
        let mut agent = Agent::start(loaded, folder, Mode::Resident, build_pos())?;
        let update = update_ready(&agent, versions, healthy_file);
        let mut reason = Reason::Asked;
        agent
            .serve(async {
                tokio::select! {
                    () = told_to_stop() => {}
                    () = service_ended(started_by) => {}
                    () = changed => reason = Reason::Configuration,
                    () = update => reason = Reason::Update,
                }
            })
            .await;
        tracing::info!("the agent stops");
        agent.stop().await;
        anyhow::Ok(reason)
    });
    // A thread may still sit in a driver.
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(guard);
    drop(lock);
    Ok(match result? {
        Reason::Asked => ExitCode::SUCCESS,
        Reason::Configuration | Reason::Update => ExitCode::from(START_ANEW),
    })
}

/// Returns when the service should start another version. Whoever runs by hand takes none: nobody would start it.
fn update_ready(
    agent: &Agent,
    versions: Option<&Path>,
    healthy_file: Option<&Path>,
) -> impl Future<Output = ()> + use<> {
    let updater = versions.map(|folder| {
        let versions = Versions::new(folder.to_owned(), this_build::release_key());
        agent.updater(versions, healthy_file.map(Path::to_owned))
    });
    async {
        match updater {
            Some(updater) => updater.run().await,
            None => std::future::pending().await,
        }
    }
}

/// The service starts an agent only when no other one works; but a command that looks whether one does holds the lock for
/// a moment, and nobody should take that for a failure of this version.
fn lock(folder: &DataFolder, started_by: StartedBy) -> anyhow::Result<Option<FolderLock>> {
    let looks = match started_by {
        StartedBy::Person => 1,
        StartedBy::Service => 20,
    };
    for _ in 1..looks {
        if let Some(lock) = folder.try_lock()? {
            return Ok(Some(lock));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    folder.try_lock()
}

/// The service closes its end of the pipe to ask for the end, and the system does when the service is killed.
async fn service_ended(started_by: StartedBy) {
    match started_by {
        StartedBy::Person => std::future::pending().await,
        StartedBy::Service => {
            let (tell, told) = tokio::sync::oneshot::channel();
            // A thread of its own, which nobody waits for at the end.
            std::thread::spawn(move || {
                let mut rest = [0; 64];
                while matches!(std::io::stdin().read(&mut rest), Ok(read) if read > 0) {}
                tell.send(())
            });
            // An error would mean that the thread is gone, and with it the pipe.
            told.await.unwrap_or(());
        }
    }
}

/// Returns when the service should start the agent anew with a configuration that was changed and is good. One that is
/// not good is told, and the old one stays in force.
async fn configuration_changed(
    loaded: Loaded,
    mut seen: Option<Fingerprint>,
    data_dir: Option<std::path::PathBuf>,
    started_by: StartedBy,
) {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let now = fingerprint(&loaded.path);
        if now == seen || now.is_none() {
            continue;
        }
        seen = now;
        match config::load(&loaded.path, data_dir.as_deref()) {
            Ok(new) if new.config == loaded.config && new.data_dir == loaded.data_dir => {}
            Ok(_) if started_by == StartedBy::Service => {
                tracing::info!("the configuration was changed; the agent starts anew with it");
                return;
            }
            Ok(_) => tracing::warn!(
                "the configuration was changed; stop this agent and start it again to use it"
            ),
            Err(error) => tracing::error!(
                "the configuration was changed and cannot be used, so the old one stays in force: {}",
                crate::chain(&error)
            ),
        }
    }
}
