//! Where Windows keeps what belongs to all users.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::MAX_PATH;
use windows_sys::Win32::UI::Shell::{CSIDL_COMMON_APPDATA, SHGetFolderPathW};

/// `C:\ProgramData` on most computers. Asked of Windows and not of the environment, which may differ between a service
/// and the technician who looks for its data. `None` when Windows does not say.
///
/// The newer `SHGetKnownFolderPath` hands out memory that is freed by a function which windows-sys takes from a library
/// that Windows 7 does not have.
#[must_use]
pub fn program_data() -> Option<PathBuf> {
    let mut path = [0_u16; MAX_PATH as usize];
    // SAFETY: the function writes at most `MAX_PATH` units, which is what the buffer holds, and a zero at the end.
    let told = unsafe {
        SHGetFolderPathW(
            null_mut(),
            CSIDL_COMMON_APPDATA.cast_signed(),
            null_mut(),
            0,
            path.as_mut_ptr(),
        )
    };
    let length = path.iter().position(|unit| *unit == 0)?;
    (told >= 0 && length > 0).then(|| OsString::from_wide(&path[..length]).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_there() {
        assert!(program_data().unwrap().is_dir());
    }
}
