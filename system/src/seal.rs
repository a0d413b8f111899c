//! Seals small secrets with DPAPI in machine scope: what is sealed can be opened on this computer and on no other.
//!
//! Machine scope, because the service runs as an account of its own, and a technician seals as another. So whoever can
//! read the file *and* runs programs on this computer could open it; [`access`](crate::access) keeps the file from them.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData,
    CryptUnprotectData,
};

const FLAGS: u32 = CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN;

/// Seals.
///
/// # Errors
/// When Windows refuses, with its reason.
pub fn seal(open: &[u8]) -> io::Result<Vec<u8>> {
    let input = blob(open)?;
    let mut output = CRYPT_INTEGER_BLOB {
        cbData: 0,
        pbData: null_mut(),
    };
    // SAFETY: `input` describes a slice that outlives the call, `output` is ours, and the optional arguments are null.
    let done = unsafe {
        CryptProtectData(
            &raw const input,
            null(),
            null(),
            null(),
            null(),
            FLAGS,
            &raw mut output,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(take(output))
}

/// Opens what [`seal`] made on this computer.
///
/// # Errors
/// When it was sealed on another computer or is damaged.
pub fn open(sealed: &[u8]) -> io::Result<Vec<u8>> {
    let input = blob(sealed)?;
    let mut output = CRYPT_INTEGER_BLOB {
        cbData: 0,
        pbData: null_mut(),
    };
    // SAFETY: as in `seal`.
    let done = unsafe {
        CryptUnprotectData(
            &raw const input,
            null_mut(),
            null(),
            null(),
            null(),
            FLAGS,
            &raw mut output,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(take(output))
}

fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    Ok(CRYPT_INTEGER_BLOB {
        cbData: u32::try_from(bytes.len()).map_err(io::Error::other)?,
        // The calls only read through it.
        pbData: bytes.as_ptr().cast_mut(),
    })
}

/// Copies what Windows allocated and gives it back.
fn take(blob: CRYPT_INTEGER_BLOB) -> Vec<u8> {
    if blob.pbData.is_null() {
        return Vec::new();
    }
    // SAFETY: Windows says that `cbData` bytes stand at `pbData`; they are copied before they are freed, once.
    unsafe {
        let bytes = std::slice::from_raw_parts(blob.pbData, blob.cbData as usize).to_vec();
        LocalFree(blob.pbData.cast());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_again_and_does_not_show() {
        let secret = "contraseña de la caja".as_bytes();
        let sealed = seal(secret).unwrap();
        assert!(!sealed.windows(secret.len()).any(|part| part == secret));
        assert_eq!(open(&sealed).unwrap(), secret);
    }

    #[test]
    fn a_damaged_seal_is_refused() {
        let mut sealed = seal(b"secret").unwrap();
        let middle = sealed.len() / 2;
        sealed.truncate(middle);
        assert!(open(&sealed).is_err());
    }
}
