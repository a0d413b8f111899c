//! Deliveries in a file, carried on a stick from a store without a line to wherever there is one; and the receipt that is
//! carried back.
//!
//! Whoever finds the stick reads nothing and changes nothing unnoticed. The file begins with one readable line that names
//! the agent and a salt. Then come records, each sealed by ChaCha20-Poly1305 under a key that HKDF-SHA256 derives from
//! the hash of the agent's token, which is all that the cloud keeps of it, from the salt and from that whole first line.
//! The nonce is the record's number and whether it is the last, so none can be left out, moved, or cut off at the end.
//! The receipt is readable and carries an HMAC under a key derived in the same way.
//!
//! Pure functions over bytes: who reads and writes the files, and who applies what is in them, is elsewhere.

mod entry;
mod receipt;
mod seal;

use ring::hkdf;
use sha2::{Digest as _, Sha256};

pub use entry::{CarriedDelivery, CarriedPosSystem, Entry, Manifest};
pub use receipt::Receipt;
pub use seal::{Head, Opener, RecordSize, Sealer};

/// How the name of a file ends.
pub const FILE_EXTENSION: &str = "carry";
/// How the name of a receipt ends.
pub const RECEIPT_EXTENSION: &str = "receipt";
/// The longest first line.
pub const MAX_HEAD_BYTES: usize = 1024;
/// The largest sealed record. A delivery may have 16 MiB.
pub const MAX_RECORD_BYTES: usize = 17 * 1024 * 1024;
/// The largest file: what fits on a stick as it is sold, formatted with FAT32.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024 - 1;

/// Why a file or receipt cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CarryError {
    /// Something else.
    #[error("this is not a file of an agent of Fluxion Sync")]
    NotOurs,
    /// Made by a newer version.
    #[error("the file was written by a newer version; update this side")]
    Newer,
    /// It does not fit the key.
    #[error("the file is damaged, or the agent was enrolled again after it was written")]
    Damaged,
    /// The end is missing.
    #[error("the file is cut off; its end is missing")]
    CutOff,
    /// Beyond a limit.
    #[error("the file is beyond a limit")]
    TooLarge,
    /// No random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

/// What agent and cloud share: the hash of the agent's token. `Debug` does not give it away.
#[derive(Clone)]
pub struct CarryKey([u8; 32]);

impl CarryKey {
    /// From the token, at the agent.
    #[must_use]
    pub fn of_token(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// From its hash, in the cloud.
    #[must_use]
    pub fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    fn derive(&self, salt: &[u8], purpose: &[u8]) -> Result<[u8; 32], CarryError> {
        let mut key = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&self.0)
            .expand(&[purpose], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_| CarryError::Damaged)?;
        Ok(key)
    }
}

impl std::fmt::Debug for CarryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CarryKey(…)")
    }
}

/// A store's name as it can stand in the name of a file on any stick: letters without accents, digits and dashes.
#[must_use]
pub fn file_name_part(name: &str) -> String {
    let lower = name.to_lowercase();
    let plain = lower.chars().map(|letter| match letter {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other if other.is_ascii_alphanumeric() => other,
        _ => '-',
    });
    let plain: String = plain.collect();
    let words: Vec<_> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let short: String = words.join("-").chars().take(60).collect();
    if short.is_empty() {
        "store".to_owned()
    } else {
        short
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stores_name_becomes_part_of_a_files_name() {
        assert_eq!(
            file_name_part("Abastos Ñandú, Nº 3 / Cúa"),
            "abastos-nandu-n-3-cua"
        );
        assert_eq!(file_name_part("¡!"), "store");
    }
}
