//! Sets the Windows service up and takes it away. Each can be done again at any time, and mends what is half there.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use fluxion_system::{access, event_log, service as system};
use windows_registry::LOCAL_MACHINE;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState,
    ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::{Data, NAME, Setup};
use crate::folder::{self, SERVICE_IDENTITY};

const SHOWN: &str = "Fluxion Sync agent";
const DESCRIPTION: &str = "Reads the point of sale of this store and keeps the cloud in sync with it. Data that has not \
                           been sent yet waits in C:\\ProgramData\\Fluxion.";
/// An account that Windows makes for this service alone: no password, no rights but those it is given.
const ACCOUNT: &str = r"NT SERVICE\FluxionAgent";
/// What every account needs to walk through folders; all others that services usually have are taken away.
const PRIVILEGES: &[&str] = &["SeChangeNotifyPrivilege"];
const EVENT_SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\FluxionAgent";
const WAIT: Duration = Duration::from_secs(30);

const DOES_NOT_EXIST: i32 = 1060;
const ACCESS_DENIED: i32 = 5;
const ALREADY_RUNNING: i32 = 1056;
const NOT_RUNNING: i32 = 1062;
const MARKED_FOR_DELETE: i32 = 1072;

/// What the service control manager says of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In a word.
    pub word: String,
}

/// Makes the service, or makes an old one as it should be.
///
/// # Errors
/// When Windows refuses, with what to do.
pub fn install(setup: &Setup) -> anyhow::Result<()> {
    std::fs::create_dir_all(&setup.folder)
        .with_context(|| format!("cannot create {}", setup.folder.display()))?;
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let mut arguments = setup.place.clone();
    arguments.push(OsString::from("service"));
    let info = ServiceInfo {
        name: OsString::from(NAME),
        display_name: OsString::from(SHOWN),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: setup.program.clone(),
        launch_arguments: arguments,
        dependencies: Vec::new(),
        account_name: Some(OsString::from(ACCOUNT)),
        account_password: None,
    };
    let service = match manager.open_service(NAME, ServiceAccess::ALL_ACCESS) {
        Ok(service) => {
            service
                .change_config(&info)
                .map_err(refused)
                .context("cannot change the service")?;
            service
        }
        Err(error) if code(&error) == Some(DOES_NOT_EXIST) => manager
            .create_service(&info, ServiceAccess::ALL_ACCESS)
            .map_err(refused)
            .context("cannot create the service")?,
        Err(error) => return Err(refused(error).context("cannot open the service")),
    };
    polish(&service);
    make_event_source().context("cannot register the event log source")?;
    if let Err(error) = access::only_for(&setup.folder, SERVICE_IDENTITY) {
        warn(&format!(
            "the rights of {} could not be set ({error}); see to it that only administrators and {ACCOUNT} can read it",
            setup.folder.display()
        ));
    }
    Ok(())
}

/// What makes the service better and is not there in every Windows: said, but no reason to fail.
fn polish(service: &Service) {
    let restart = |seconds| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay: Duration::from_secs(seconds),
    };
    let actions = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_secs(86_400)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![restart(5), restart(30), restart(60)]),
    };
    let tries = [
        ("the description", service.set_description(DESCRIPTION)),
        ("the delayed start", service.set_delayed_auto_start(true)),
        (
            "the recovery actions",
            service.update_failure_actions(actions),
        ),
        (
            "recovery after an error code",
            service.set_failure_actions_on_non_crash_failures(true),
        ),
        (
            "the time for shutdown",
            service.set_preshutdown_timeout(Duration::from_secs(15)),
        ),
    ];
    for (what, result) in tries {
        if let Err(error) = result {
            warn(&format!(
                "{what} of the service could not be set: {}",
                words(&error)
            ));
        }
    }
    if let Err(error) = system::only_privileges(service, PRIVILEGES) {
        warn(&format!(
            "the privileges of the service could not be limited: {error}"
        ));
    }
}

fn make_event_source() -> windows_registry::Result<()> {
    let key = LOCAL_MACHINE.create(EVENT_SOURCE)?;
    key.set_expand_string("EventMessageFile", event_log::MESSAGE_FILE)?;
    key.set_u32("TypesSupported", 7)
}

/// Stops the service and takes it away.
///
/// # Errors
/// When Windows refuses, with what to do.
pub fn uninstall(setup: &Setup, data: Data) -> anyhow::Result<()> {
    match open(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS | ServiceAccess::DELETE)? {
        Some(service) => {
            stop_and_wait(&service)?;
            match service.delete() {
                Ok(()) => {}
                Err(error) if code(&error) == Some(MARKED_FOR_DELETE) => {}
                Err(error) => return Err(refused(error).context("cannot delete the service")),
            }
        }
        None => println!("There is no service {NAME}."),
    }
    // Not there is as good as removed.
    LOCAL_MACHINE.remove_tree(EVENT_SOURCE).ok();
    if data == Data::Remove {
        folder::remove(&setup.folder)?;
    }
    Ok(())
}

/// Starts the service and waits until it runs.
///
/// # Errors
/// When there is none, or it does not run in time.
pub fn start(_: &Setup) -> anyhow::Result<()> {
    let service = needed(ServiceAccess::START | ServiceAccess::QUERY_STATUS)?;
    match service.start::<&str>(&[]) {
        Ok(()) => {}
        Err(error) if code(&error) == Some(ALREADY_RUNNING) => {}
        Err(error) => {
            return Err(refused(error).context(
                "cannot start the service\nhint: look at the event log (Application, FluxionAgent)",
            ));
        }
    }
    wait_for(&service, ServiceState::Running)
}

/// Stops the service and waits until it has stopped.
///
/// # Errors
/// When there is none, or it does not stop in time.
pub fn stop(_: &Setup) -> anyhow::Result<()> {
    stop_and_wait(&needed(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)?)
}

/// What the service control manager says; `None` where there is no such service.
#[must_use]
pub fn state() -> Option<State> {
    let service = open(ServiceAccess::QUERY_STATUS).ok()??;
    let status = service.query_status().ok()?;
    let word = match status.current_state {
        ServiceState::Stopped => "stopped",
        ServiceState::StartPending => "starting",
        ServiceState::StopPending => "stopping",
        ServiceState::Running => "running",
        ServiceState::ContinuePending | ServiceState::PausePending | ServiceState::Paused => {
            "paused"
        }
    };
    Some(State {
        word: word.to_owned(),
    })
}

fn stop_and_wait(service: &Service) -> anyhow::Result<()> {
    match service.stop() {
        Ok(_) => {}
        Err(error) if code(&error) == Some(NOT_RUNNING) => return Ok(()),
        Err(error) => return Err(refused(error).context("cannot stop the service")),
    }
    wait_for(service, ServiceState::Stopped)
}

fn wait_for(service: &Service, wanted: ServiceState) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let now = service.query_status().map_err(refused)?.current_state;
        if now == wanted {
            return Ok(());
        }
        if begun.elapsed() > WAIT {
            bail!(
                "the service is {now:?} and not {wanted:?} after {} seconds\nhint: look at the event log (Application, \
                 FluxionAgent) and at the logs in the data folder",
                WAIT.as_secs()
            );
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn manager(access: ServiceManagerAccess) -> anyhow::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access)
        .map_err(refused)
        .context("the service manager cannot be reached")
}

fn open(access: ServiceAccess) -> anyhow::Result<Option<Service>> {
    match manager(ServiceManagerAccess::CONNECT)?.open_service(NAME, access) {
        Ok(service) => Ok(Some(service)),
        Err(error) if code(&error) == Some(DOES_NOT_EXIST) => Ok(None),
        Err(error) => Err(refused(error).context("cannot open the service")),
    }
}

fn needed(access: ServiceAccess) -> anyhow::Result<Service> {
    open(access)?.with_context(|| {
        format!("there is no service {NAME} here\nhint: `fluxion-agent install` makes it")
    })
}

fn code(error: &windows_service::Error) -> Option<i32> {
    match error {
        windows_service::Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}

fn words(error: &windows_service::Error) -> String {
    match error {
        windows_service::Error::Winapi(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn refused(error: windows_service::Error) -> anyhow::Error {
    let words = words(&error);
    if code(&error) == Some(ACCESS_DENIED) {
        anyhow::anyhow!(
            "{words}\nhint: open the command prompt with \"Run as administrator\" and try again"
        )
    } else {
        anyhow::anyhow!(words)
    }
}

fn warn(text: &str) {
    eprintln!("note: {text}");
}
