//! The two things of the service control manager that the crate `windows-service` leaves to its users.

use std::ffi::OsString;
use std::io;
use std::sync::OnceLock;

use windows_service::service::Service;
use windows_service::{define_windows_service, service_dispatcher};
use windows_sys::Win32::Foundation::ERROR_FAILED_SERVICE_CONTROLLER_CONNECT;
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO,
    SERVICE_REQUIRED_PRIVILEGES_INFOW,
};

use crate::wide;

static MAIN: OnceLock<fn()> = OnceLock::new();

define_windows_service!(service_main, call_main);

fn call_main(_: Vec<OsString>) {
    if let Some(main) = MAIN.get() {
        main();
    }
}

/// Whether the service control manager started this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartedBy {
    /// It did; its service has run and ended.
    Manager,
    /// A person did, at a console.
    Person,
}

/// Hands this thread to the service control manager, which calls `main` on another. Only once in a process.
///
/// # Errors
/// When the manager refuses.
pub fn dispatch(name: &str, main: fn()) -> io::Result<StartedBy> {
    MAIN.get_or_init(|| main);
    match service_dispatcher::start(name, service_main) {
        Ok(()) => Ok(StartedBy::Manager),
        Err(windows_service::Error::Winapi(error))
            if error.raw_os_error()
                == Some(ERROR_FAILED_SERVICE_CONTROLLER_CONNECT.cast_signed()) =>
        {
            Ok(StartedBy::Person)
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Has the service run with these privileges and no others that its account would bring, from its next start.
///
/// # Errors
/// When the service was not opened for changes.
pub fn only_privileges(service: &Service, privileges: &[&str]) -> io::Result<()> {
    // Names one after another, each with its zero, and one more at the end.
    let mut names: Vec<u16> = privileges.iter().flat_map(wide).collect();
    names.push(0);
    let info = SERVICE_REQUIRED_PRIVILEGES_INFOW {
        pmszRequiredPrivileges: names.as_mut_ptr(),
    };
    // SAFETY: the handle is open as long as `service` lives; the structure and the names in it outlive the call.
    let done = unsafe {
        ChangeServiceConfig2W(
            service.raw_handle(),
            SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO,
            (&raw const info).cast(),
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
