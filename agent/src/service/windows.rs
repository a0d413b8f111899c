//! Under the service control manager: answers it at once, tells the event log, and stops within seconds.
//!
//! Nothing here can hang in "start pending": the supervisor reads no configuration and waits for nobody before it says
//! that it runs.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, anyhow};
use fluxion_system::event_log::{EventLog, Level};
use fluxion_system::service::{StartedBy, dispatch};
use tokio_util::sync::CancellationToken;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{
    self, ServiceControlHandlerResult, ServiceStatusHandle,
};

pub use super::setup::{State, install, start, state, stop, uninstall};
use super::{Entry, NAME, Setup, Weight, entry};
use crate::supervise::Supervisor;

static SETUP: OnceLock<Setup> = OnceLock::new();

/// How long the manager may wait for the next sign of life while the service starts or stops.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Supervises the agent, for the service control manager or, at a console, until Ctrl-C.
///
/// # Errors
/// When the manager refuses this process.
pub fn run(setup: &Setup) -> anyhow::Result<()> {
    SETUP.get_or_init(|| setup.clone());
    match dispatch(NAME, under_the_manager).context("the service manager refuses this process")? {
        StartedBy::Manager => Ok(()),
        StartedBy::Person => {
            eprintln!(
                "Nobody but this console started the service: it ends with Ctrl-C. `fluxion-agent start` starts it for \
                 good."
            );
            let stop = CancellationToken::new();
            let asked = stop.clone();
            runtime()?.block_on(async {
                let ask = tokio::spawn(async move {
                    crate::cli::told_to_stop().await;
                    asked.cancel();
                });
                supervise(setup, None, &stop).await;
                ask.abort();
            });
            Ok(())
        }
    }
}

/// What the manager calls. There is nobody to hand an error to but the event log.
fn under_the_manager() {
    let log = EventLog::open(NAME).ok();
    let Some(setup) = SETUP.get() else { return };
    if let Err(error) = serve(setup, log.as_ref()) {
        report(
            log.as_ref(),
            &Entry {
                id: 302,
                weight: Weight::Error,
                text: format!("The Fluxion service cannot run.\n\n{error:#}"),
            },
        );
    }
}

fn serve(setup: &Setup, log: Option<&EventLog>) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let handle = service_control_handler::register(NAME, move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown | ServiceControl::Preshutdown => {
            asked.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    })?;
    say(handle, ServiceState::StartPending, 1)?;
    let runtime = runtime()?;
    say(handle, ServiceState::StartPending, 2)?;
    runtime.block_on(async {
        say(handle, ServiceState::Running, 0)?;
        let stopping = async {
            stop.cancelled().await;
            for check_point in 1.. {
                if let Err(error) = say(handle, ServiceState::StopPending, check_point) {
                    eprintln!("{error:#}");
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            () = supervise(setup, log, &stop) => {}
            () = stopping => {}
        }
        anyhow::Ok(())
    })?;
    say(handle, ServiceState::Stopped, 0)
}

/// An entry of the agent itself, which the service started.
pub fn note(entry: &Entry) {
    report(EventLog::open(NAME).ok().as_ref(), entry);
}

async fn supervise(setup: &Setup, log: Option<&EventLog>, stop: &CancellationToken) {
    let supervisor = Supervisor {
        program: setup.program.clone(),
        place: setup.place.clone(),
        config: setup.config.clone(),
        folder: setup.folder.clone(),
        tell: &|notice| report(log, &entry(notice)),
    };
    supervisor.supervise(stop).await;
}

fn report(log: Option<&EventLog>, entry: &Entry) {
    let level = match entry.weight {
        Weight::Information => Level::Information,
        Weight::Warning => Level::Warning,
        Weight::Error => Level::Error,
    };
    match log.map(|log| log.report(level, entry.id, &entry.text)) {
        Some(Ok(())) => {}
        Some(Err(_)) | None => eprintln!("{}", entry.text),
    }
}

fn say(handle: ServiceStatusHandle, now: ServiceState, check_point: u32) -> anyhow::Result<()> {
    let running = now == ServiceState::Running;
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: now,
        controls_accepted: if running {
            ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN
        } else {
            ServiceControlAccept::empty()
        },
        exit_code: ServiceExitCode::Win32(0),
        checkpoint: check_point,
        wait_hint: if check_point == 0 {
            Duration::ZERO
        } else {
            SIGN_OF_LIFE
        },
        process_id: None,
    };
    handle
        .set_service_status(status)
        .map_err(|error| anyhow!(error).context("the service manager does not listen"))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start threads")
}
