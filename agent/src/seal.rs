//! Seals small secrets so that they can lie on the disk: a copied file tells nothing on another computer.
//!
//! On Windows the system's own key seals (DPAPI, machine scope); elsewhere a random key in the data folder that its
//! owner alone may read. A sealed text says its version, so that another way can come later, and holds the purpose it
//! was sealed for, so that nobody can put the one secret where the other is expected.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// How every sealed text of this version begins.
const PREFIX: &str = "fxs1:";

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key or the system refuses.
    #[error("{action}")]
    System {
        /// What was tried, and what to do.
        action: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may read the key, so what it seals is no secret.
    #[error(
        "the key {} can be read by other accounts (mode {mode:03o}): run `chmod 600` on it, and change the passwords if \
         somebody may have read it",
        path.display()
    )]
    KeyIsOpen {
        /// The key.
        path: PathBuf,
        /// Its rights.
        mode: u32,
    },
    /// It was sealed with another key, on another computer, or is damaged.
    #[error("it was sealed on another computer or with another key, or is damaged")]
    Foreign,
    /// It is sealed in a way this version does not know.
    #[error("it is not a sealed text that this version of the agent knows")]
    Unknown,
    /// It stands in the place of another.
    #[error("it was sealed for another purpose than {0:?}")]
    Misplaced(String),
}

/// Whether a text is meant as a sealed one.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Seals a secret for a purpose. `folder` is the data folder.
///
/// # Errors
/// When there is no key to seal with.
pub fn seal(folder: &Path, purpose: &str, secret: &str) -> Result<String, SealError> {
    let open = [purpose.as_bytes(), b"\0", secret.as_bytes()].concat();
    let sealed = system::seal(folder, &open)?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(sealed)))
}

/// Opens what [`seal`] made on this computer, in this folder and for this purpose.
///
/// # Errors
/// When the text is none of ours, or was sealed elsewhere or for something else.
pub fn open(folder: &Path, purpose: &str, sealed: &str) -> Result<String, SealError> {
    let encoded = sealed.strip_prefix(PREFIX).ok_or(SealError::Unknown)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| SealError::Foreign)?;
    let open = String::from_utf8(system::open(folder, &bytes)?).map_err(|_| SealError::Foreign)?;
    match open.split_once('\0') {
        Some((own, secret)) if own == purpose => Ok(secret.to_owned()),
        _ => Err(SealError::Misplaced(purpose.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_again_for_its_purpose_alone() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = seal(folder.path(), "secret/caja-1", "contraseña: 1\0é").unwrap();
        assert!(is_sealed(&sealed) && !sealed.contains("contra"), "{sealed}");
        let opened = open(folder.path(), "secret/caja-1", &sealed).unwrap();
        assert_eq!(opened, "contraseña: 1\0é");
        let misplaced = open(folder.path(), "secret/caja-2", &sealed).unwrap_err();
        assert!(misplaced.to_string().contains("caja-2"), "{misplaced}");
    }

    #[test]
    fn the_same_secret_never_looks_the_same_twice() {
        let folder = tempfile::tempdir().unwrap();
        let once = seal(folder.path(), "a", "secret").unwrap();
        assert_ne!(once, seal(folder.path(), "a", "secret").unwrap());
    }

    #[test]
    fn a_changed_or_foreign_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = seal(folder.path(), "a", "a secret of some length").unwrap();
        for at in [PREFIX.len(), sealed.len() / 2, sealed.len() - 3] {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(open(folder.path(), "a", &changed).is_err(), "{at}");
        }
        for nothing in ["", "plain", "fxs2:AAAA", "fxs1:", "fxs1:!", "fxs1:AAAA"] {
            assert!(open(folder.path(), "a", nothing).is_err(), "{nothing:?}");
        }
    }
}
