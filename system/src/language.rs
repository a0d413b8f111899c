//! The language of this computer.

use windows_sys::Win32::Globalization::GetUserDefaultUILanguage;

/// The primary language is in the lower ten bits.
const PRIMARY: u16 = 0x3ff;
const SPANISH: u16 = 0x0a;

/// Whether Windows speaks Spanish to its user.
#[must_use]
pub fn is_spanish() -> bool {
    // SAFETY: takes nothing and touches no memory of ours.
    let language = unsafe { GetUserDefaultUILanguage() };
    language & PRIMARY == SPANISH
}
