//! Where Windows keeps what belongs to all users.

use std::ffi::{OsString, c_void};
use std::os::windows::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::ptr::null_mut;

use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramData, SHGetKnownFolderPath};

// windows-sys looks for it in `combase.dll`, which Windows 7 does not have; here it is in every Windows.
#[link(name = "ole32")]
unsafe extern "system" {
    fn CoTaskMemFree(memory: *const c_void);
}

/// `C:\ProgramData` on most computers. Asked of Windows and not of the environment, which may differ between a service
/// and the technician who looks for its data. `None` when Windows does not say.
#[must_use]
pub fn program_data() -> Option<PathBuf> {
    let mut path = null_mut();
    // SAFETY: `path` receives a text that ends with a zero; it is copied, and freed whatever the call returned, as its
    // documentation asks.
    unsafe {
        let told = SHGetKnownFolderPath(&FOLDERID_ProgramData, 0, null_mut(), &raw mut path);
        let found = (told >= 0 && !path.is_null()).then(|| {
            let length = (0..).take_while(|at| *path.add(*at) != 0).count();
            OsString::from_wide(std::slice::from_raw_parts(path, length)).into()
        });
        CoTaskMemFree(path.cast());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_there() {
        assert!(program_data().unwrap().is_dir());
    }
}
