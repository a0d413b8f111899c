//! A random key in the data folder, mode 0600, seals with ChaCha20-Poly1305: fast and safe also on old processors
//! that have no AES of their own. The nonce stands in front of what it seals.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::SealError;
use crate::access::create_for_the_agent;

const FILE_NAME: &str = "secret.key";
const KEY_BYTES: usize = 32;
/// The group and everybody else.
const OTHERS: u32 = 0o077;

pub fn seal(folder: &Path, open: &[u8]) -> Result<Vec<u8>, SealError> {
    let key = match read(folder)? {
        Some(key) => key,
        None => {
            make(folder)?;
            read(folder)?.ok_or(SealError::Foreign)?
        }
    };
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut sealed = open.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::empty(),
        &mut sealed,
    )
    .map_err(|_| SealError::Foreign)?;
    Ok([&nonce[..], &sealed].concat())
}

pub fn open(folder: &Path, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    // A new key could open nothing, so none is made here.
    let key = read(folder)?.ok_or(SealError::Foreign)?;
    let (nonce, sealed) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(SealError::Foreign)?;
    let mut open = sealed.to_vec();
    let plain = key
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::empty(),
            &mut open,
        )
        .map_err(|_| SealError::Foreign)?;
    Ok(plain.to_vec())
}

/// `None` when there is no key yet.
fn read(folder: &Path) -> Result<Option<LessSafeKey>, SealError> {
    let path = folder.join(FILE_NAME);
    let problem = |source| SealError::System {
        action: format!(
            "the key {} cannot be read: run as the account that the agent runs as, or as administrator",
            path.display()
        ),
        source,
    };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(error)),
    };
    let mode = file.metadata().map_err(problem)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(SealError::KeyIsOpen { path, mode });
    }
    let mut bytes = [0; KEY_BYTES];
    file.read_exact(&mut bytes).map_err(problem)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| SealError::Foreign)?;
    Ok(Some(LessSafeKey::new(key)))
}

/// Makes a key, unless another process was first. A key is there whole or not at all, and is never replaced, because with it
/// would go every secret.
fn make(folder: &Path) -> Result<(), SealError> {
    let path = folder.join(FILE_NAME);
    let own = u64::from_le_bytes(random()?);
    let draft = folder.join(format!("{FILE_NAME}.{own:016x}.tmp"));
    let bytes: [u8; KEY_BYTES] = random()?;
    let made = create_for_the_agent(&draft).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()?;
        // Unlike renaming, linking fails when there is a key already.
        match std::fs::hard_link(&draft, &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => File::open(folder)?.sync_all(),
        }
    });
    let made = made.and_then(|()| std::fs::remove_file(&draft));
    made.map_err(|source| SealError::System {
        action: format!(
            "the key {} cannot be made: give the agent's account the right to write in that folder",
            path.display()
        ),
        source,
    })
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| SealError::System {
        action: "the system gives no random bytes".to_owned(),
        source: io::ErrorKind::Other.into(),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn the_key_is_for_its_own_account_alone_and_refused_when_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = seal(folder.path(), b"secret").unwrap();
        let key = folder.path().join(FILE_NAME);
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
        for refused in [open(folder.path(), &sealed), seal(folder.path(), b"x")] {
            let said = refused.unwrap_err().to_string();
            assert!(said.contains("chmod 600") && said.contains("640"), "{said}");
        }
    }

    #[test]
    fn a_key_is_made_once_and_another_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = seal(folder.path(), b"secret").unwrap();
        make(folder.path()).unwrap();
        assert_eq!(open(folder.path(), &sealed).unwrap(), b"secret");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::remove_file(folder.path().join(FILE_NAME)).unwrap();
        assert!(matches!(
            open(folder.path(), &sealed),
            Err(SealError::Foreign)
        ));
        assert!(!folder.path().join(FILE_NAME).exists(), "none was made");
    }

    #[test]
    fn many_at_once_agree_on_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let sealed: Vec<_> = std::thread::scope(|scope| {
            let sealing: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| seal(folder.path(), b"secret").unwrap()))
                .collect();
            sealing.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for one in sealed {
            assert_eq!(open(folder.path(), &one).unwrap(), b"secret");
        }
    }
}
