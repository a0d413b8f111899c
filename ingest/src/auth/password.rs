//! Passwords: argon2id, computed off the async threads, and never more than a few at once.
//!
//! One hash costs 19 MiB and tens of milliseconds on purpose; the limit keeps a flood of logins from eating the memory.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// The shortest password, in characters.
pub const MIN_CHARS: usize = 10;
/// The longest password, in bytes; hashing megabytes serves nobody.
pub const MAX_BYTES: usize = 1024;

static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// What is verified when nobody has the e-mail address, so that the answer takes as long as for a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too few characters.
    #[error("the password is too short; use at least {MIN_CHARS} characters")]
    TooShort,
    /// Too many.
    #[error("the password is too long; use at most {MAX_BYTES} bytes")]
    TooLong,
    /// The library refused, or the process is ending.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
}

/// Hashes a new password for the database.
///
/// # Errors
/// When the password is too short or too long.
pub async fn hash(password: String) -> Result<String, PasswordError> {
    if password.chars().count() < MIN_CHARS {
        return Err(PasswordError::TooShort);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    in_background(move || {
        let hash = Argon2::default().hash_password(password.as_bytes());
        hash.map(|hash| hash.to_string())
            .map_err(|error| PasswordError::Hashing(error.to_string()))
    })
    .await?
}

/// Whether a password is the one behind `hash`. Without a hash the answer is no, after the same time.
///
/// # Errors
/// When the process is ending.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, PasswordError> {
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    in_background(move || {
        let known = hash.is_some();
        let right = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY)).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
        known && right
    })
    .await
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PasswordError> {
    let closed = |error: String| PasswordError::Hashing(error);
    let permit = AT_ONCE
        .acquire()
        .await
        .map_err(|error| closed(error.to_string()))?;
    let result = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| closed(error.to_string()));
    drop(permit);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_opens_and_every_other_does_not() {
        let stored = hash("correct horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(
            verify("correct horse".to_owned(), Some(stored.clone()))
                .await
                .unwrap()
        );
        assert!(
            !verify("correct horsf".to_owned(), Some(stored))
                .await
                .unwrap()
        );
        assert!(!verify("correct horse".to_owned(), None).await.unwrap());
        assert!(
            !verify("correct horse".to_owned(), Some("garbage".to_owned()))
                .await
                .unwrap()
        );
        assert!(matches!(
            hash("short".to_owned()).await,
            Err(PasswordError::TooShort)
        ));
    }

    #[test]
    fn an_unknown_account_costs_a_real_verification() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert!(hash.hash.is_some() && hash.salt.is_some());
    }
}
