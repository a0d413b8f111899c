//! Who may read a file or folder.

use std::io;
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1, SE_FILE_OBJECT,
    SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, PROTECTED_DACL_SECURITY_INFORMATION,
};

use crate::wide;

/// Leaves a file or folder, and all that is in it, to the system, administrators and one service, and to nobody else.
/// `service` is the service's own identity, as in `S-1-5-80-…`.
///
/// # Errors
/// When the account that asks may not change the rights, or the path is not there.
pub fn only_for(path: &Path, service: &str) -> io::Result<()> {
    // Protected: nothing is inherited from above. Full access, handed on to files and folders inside.
    let rule = format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{service})");
    let rule = wide(rule);
    let mut descriptor = null_mut();
    // SAFETY: `rule` ends with a zero, and `descriptor` receives memory that is freed below.
    let made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rule.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    if made == 0 {
        return Err(io::Error::last_os_error());
    }
    let (mut present, mut defaulted) = (0, 0);
    let mut list: *mut ACL = null_mut();
    // SAFETY: `descriptor` was made just now and lives until it is freed below; so does the list inside it.
    let error = unsafe {
        if GetSecurityDescriptorDacl(
            descriptor,
            &raw mut present,
            &raw mut list,
            &raw mut defaulted,
        ) == 0
        {
            let error = io::Error::last_os_error();
            LocalFree(descriptor);
            return Err(error);
        }
        let name = wide(path);
        let error = SetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
            null_mut(),
            null_mut(),
            list,
            null(),
        );
        LocalFree(descriptor);
        error
    };
    if error == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(error.cast_signed()))
    }
}
