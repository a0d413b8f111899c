//! Random secrets and the hashes by which the database knows them.
//!
//! Tokens carry 256 random bits, so a plain SHA-256 is enough: there is nothing to guess. Looking a token up by its hash
//! in an index takes no longer for a nearly right token than for a wrong one.

use std::fmt;

use fluxion_model::webhook::{Secret, SecretProblem};
use sha2::{Digest, Sha256};

/// SHA-256 of a secret, as the database keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// The hash of a token or cookie, as it was sent.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The hash of an enrolment code, as somebody typed it: dashes, spaces and case do not matter.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        let plain: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        Self::of(&plain)
    }

    /// As the database keeps it.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(Self(hash))
    }

    /// As the database keeps it: hexadecimal.
    #[must_use]
    pub fn to_hex(self) -> String {
        use fmt::Write as _;
        self.0
            .iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                // Writing to a String cannot fail.
                write!(text, "{byte:02x}").ok();
                text
            })
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// Why no secret can be made.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers")]
pub struct NoRandomness(#[source] getrandom::Error);

/// A fresh secret of 256 bits as text, with a prefix that tells secret scanners and people what it is.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn random_token(prefix: &str) -> Result<String, NoRandomness> {
    use fmt::Write as _;
    let mut text = String::with_capacity(prefix.len() + 64);
    text.push_str(prefix);
    for byte in random_bytes::<32>()? {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    Ok(text)
}

/// A fresh secret that a POS signs its calls with. Unlike a token it is kept as it is: who checks an HMAC must be able to
/// make it.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn random_webhook_secret() -> Result<Secret, NoWebhookSecret> {
    Ok(Secret::from_random(&random_bytes::<32>()?)?)
}

/// Why no webhook's secret can be made.
#[derive(Debug, thiserror::Error)]
pub enum NoWebhookSecret {
    /// Nothing to make it of.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// It would be none.
    #[error(transparent)]
    Unfit(#[from] SecretProblem),
}

/// Letters and digits that nobody confuses when they are read out over a bad line: no `0` and `O`, no `1`, `I` and
/// `L`, no `U` that sounds like `Q` in Spanish.
const CODE_ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A fresh code for a person to type: three groups of four, 58 bits.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn random_code() -> Result<String, NoRandomness> {
    let mut code = String::with_capacity(14);
    while code.len() < 14 {
        // 240 is the largest multiple of 30 in a byte; the rest would favour the first letters.
        for byte in random_bytes::<16>()?.into_iter().filter(|byte| *byte < 240) {
            if code.len() == 4 || code.len() == 9 {
                code.push('-');
            }
            code.push(char::from(CODE_ALPHABET[usize::from(byte % 30)]));
            if code.len() == 14 {
                break;
            }
        }
    }
    Ok(code)
}

fn random_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_the_same_however_it_is_typed() {
        let code = random_code().unwrap();
        assert_eq!(code.len(), 14, "{code}");
        let sloppy = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(SecretHash::of_code(&code), SecretHash::of_code(&sloppy));
        assert_ne!(random_code().unwrap(), code);
    }

    #[test]
    fn a_token_is_long_and_says_what_it_is() {
        let token = random_token("fxa_").unwrap();
        assert_eq!(token.len(), 68);
        let hash = SecretHash::of(&token);
        assert_eq!(SecretHash::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(SecretHash::from_hex("ab"), None);
        assert_ne!(
            SecretHash::of(&token),
            SecretHash::of(&random_token("fxa_").unwrap())
        );
    }
}
