//! The data folder: the lock that keeps a second agent out, the token, requests from other processes, and free space.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use fluxion_connectors::held::patiently;
use fluxion_model::command::Action;
use fluxion_model::id::{AgentId, Epoch};
use serde::{Deserialize, Serialize};

use crate::access::{create_anew, create_for_the_agent, create_like};
use crate::{redact, seal};

/// The identity of the account `NT SERVICE\FluxionAgent`, which Windows makes for the service. It is
/// S-1-5-80 and the SHA-1 of the name in upper case and UTF-16, as five numbers, so it holds on every computer and also
/// before the service is there.
pub const SERVICE_IDENTITY: &str =
    "S-1-5-80-1402388254-3445375211-1135786970-2549215646-1202229142";

/// What the token is sealed for.
const TOKEN: &str = "agent-token";

/// A folder the agent owns.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

/// Who the agent is, kept after enrolment.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The server that gave it.
    pub server: String,
    /// Who it is.
    pub agent_id: AgentId,
    /// Its secret.
    pub token: String,
    /// The company's name.
    pub tenant_name: String,
    /// The store's name.
    pub store_name: String,
}

/// What another process asks of the running agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Names the request in the state file once it is carried out.
    pub ticket: String,
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
}

/// Held while an agent works in the folder; the system lets go of it even when the process is killed.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the lock could not be released; it ends with the process");
        }
    }
}

impl DataFolder {
    /// Uses this folder, creating it where it is missing.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path).with_context(|| {
            format!(
                "cannot create the data folder {}\nhint: give the agent's account the right to write there, or name \
                 another folder with --data-dir or data_dir",
                path.display()
            )
        })?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the logs are.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// What the running agent says about itself.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.0.join("state.json")
    }

    /// Where the token is.
    #[must_use]
    pub fn identity_file(&self) -> PathBuf {
        self.0.join("agent-token.json")
    }

    /// Keeps a second agent out. `None` when one is at work.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn try_lock(&self) -> anyhow::Result<Option<FolderLock>> {
        self.lock("agent.lock")
    }

    /// Keeps a second supervisor out. `None` when one is at work.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn try_lock_service(&self) -> anyhow::Result<Option<FolderLock>> {
        self.lock("service.lock")
    }

    fn lock(&self, name: &str) -> anyhow::Result<Option<FolderLock>> {
        let path = self.0.join(name);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).with_context(|| {
            format!(
                "cannot write in the data folder {}\nhint: give the agent's account the right to write there, or name \
                 another folder with --data-dir or data_dir",
                self.0.display()
            )
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Some(FolderLock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Who the agent is, with its token opened; `None` before enrolment.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn identity(&self) -> anyhow::Result<Option<Identity>> {
        let Some(mut identity) = self.kept_identity()? else {
            return Ok(None);
        };
        // Before tokens were sealed they stood there as they are.
        if seal::is_sealed(&identity.token) {
            let opened = seal::open(&self.0, TOKEN, &identity.token);
            identity.token = opened.with_context(|| {
                format!(
                    "the token in {} cannot be opened\nhint: enrol again with `fluxion-agent enroll`",
                    self.identity_file().display()
                )
            })?;
        }
        redact::remember(&identity.token);
        Ok(Some(identity))
    }

    /// Seals a token that an older agent, or another program, kept as it is.
    ///
    /// # Errors
    /// When it cannot be read, sealed or written.
    pub fn seal_token(&self) -> anyhow::Result<()> {
        match self.kept_identity()? {
            Some(identity) if !seal::is_sealed(&identity.token) => self.keep_identity(&identity),
            Some(_) | None => Ok(()),
        }
    }

    /// As it stands in the file.
    fn kept_identity(&self) -> anyhow::Result<Option<Identity>> {
        let path = self.identity_file();
        let text = match patiently(|| std::fs::read_to_string(&path)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot read {}\nhint: run as the account that enrolled the agent",
                        path.display()
                    )
                });
            }
        };
        let identity = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is damaged\nhint: enrol again with `fluxion-agent enroll`",
                path.display()
            )
        })?;
        Ok(Some(identity))
    }

    /// Keeps who the agent is, its token sealed and the file readable for its own account alone.
    ///
    /// # Errors
    /// When it cannot be sealed or written.
    pub fn keep_identity(&self, identity: &Identity) -> anyhow::Result<()> {
        redact::remember(&identity.token);
        let sealed = Identity {
            token: seal::seal(&self.0, TOKEN, &identity.token)?,
            ..identity.clone()
        };
        let text = serde_json::to_vec_pretty(&sealed)?;
        write_whole(&self.identity_file(), &text, Readers::OnlyMe)
            .with_context(|| format!("cannot write {}", self.identity_file().display()))
    }

    /// Leaves a request for the running agent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave_request(&self, action: Action) -> anyhow::Result<Request> {
        let request = Request {
            ticket: Epoch::generate().to_string(),
            action,
        };
        let folder = self.0.join("requests");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{}.json", request.ticket));
        write_whole(&path, &serde_json::to_vec(&request)?, Readers::Folder)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(request)
    }

    /// Takes the requests that other processes left, oldest first.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Request> {
        let Ok(entries) = std::fs::read_dir(self.0.join("requests")) else {
            return Vec::new();
        };
        let mut paths: Vec<_> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect();
        paths.sort();
        let mut requests = Vec::new();
        for path in paths {
            let read = patiently(|| std::fs::read(&path))
                .ok()
                .and_then(|text| serde_json::from_slice(&text).ok());
            if read.is_none() {
                tracing::warn!(path = %path.display(), "a request of another process cannot be read and is dropped");
            }
            if patiently(|| std::fs::remove_file(&path)).is_ok() {
                requests.extend(read);
            }
        }
        requests
    }

    /// Bytes free on the disk of the folder.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        fs4::available_space(&self.0).ok()
    }

    /// Tries to write, and says what to do when that fails.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn check_writable(&self) -> anyhow::Result<()> {
        let path = self.0.join("write-test.tmp");
        if let Err(error) = create_anew(&path).and_then(|mut file| file.write_all(b"test")) {
            bail!("cannot write in {}: {error}", self.0.display());
        }
        patiently(|| std::fs::remove_file(&path))
            .with_context(|| format!("cannot delete {}", path.display()))
    }
}

/// What stands in a folder in which an agent was installed or has worked.
const SIGNS: &[&str] = &["agent.lock", "service.lock", "fluxion-agent.toml"];

/// Removes a data folder with all that is in it. One in which no agent ever was is left alone: somebody who mistypes
/// `--data-dir` must not lose a disk.
///
/// # Errors
/// When it is no data folder, or cannot be removed.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    if !SIGNS.iter().any(|name| path.join(name).exists()) {
        bail!(
            "{} is no data folder of an agent, so nothing in it was removed",
            path.display()
        );
    }
    std::fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever may read the folder.
    Folder,
    /// Only the account that the agent works as; on Windows also administrators.
    OnlyMe,
}

/// Writes a file so that others see it whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, content: &[u8], readers: Readers) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let mut file = match readers {
        Readers::Folder => patiently(|| create_anew(&temporary))?,
        Readers::OnlyMe => patiently(|| create_for_the_agent(&temporary))?,
    };
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    patiently(|| std::fs::rename(&temporary, path))
}

/// Replaces a text file whole; who may read it stays as it is.
///
/// # Errors
/// When it cannot be read or written.
pub fn replace_text(path: &Path, text: &str) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let mut file = create_like(path, &temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    patiently(|| std::fs::rename(&temporary, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, DataFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&dir.path().join("Datos de la tienda Nº 3")).unwrap();
        (dir, folder)
    }

    #[test]
    fn a_second_agent_is_kept_out_until_the_first_is_gone() {
        let (_dir, folder) = folder();
        let lock = folder.try_lock().unwrap().unwrap();
        assert!(folder.try_lock().unwrap().is_none());
        drop(lock);
        assert!(folder.try_lock().unwrap().is_some());
    }

    #[test]
    fn a_data_folder_is_removed_and_another_folder_is_not() {
        let (dir, folder) = folder();
        let mine = dir.path().join("mine");
        std::fs::create_dir(&mine).unwrap();
        std::fs::write(mine.join("accounts.xls"), "1").unwrap();
        let said = remove(&mine).unwrap_err().to_string();
        assert!(said.contains("no data folder"), "{said}");
        assert!(mine.join("accounts.xls").exists());
        drop(folder.try_lock().unwrap());
        remove(folder.path()).unwrap();
        assert!(!folder.path().exists());
        remove(folder.path()).unwrap();
    }

    #[test]
    fn a_request_is_taken_once() {
        let (_dir, folder) = folder();
        let left = folder.leave_request(Action::ReloadMapping).unwrap();
        let taken = folder.take_requests();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].ticket, left.ticket);
        assert_eq!(taken[0].action, Action::ReloadMapping);
        assert!(folder.take_requests().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_somebody_laid_is_not_written_through() {
        let (dir, folder) = folder();
        let (theirs, path) = (dir.path().join("theirs"), folder.path().join("mine.json"));
        for readers in [Readers::Folder, Readers::OnlyMe] {
            std::fs::write(&theirs, "theirs").unwrap();
            std::os::unix::fs::symlink(&theirs, folder.path().join("mine.json.tmp")).unwrap();
            write_whole(&path, b"mine", readers).unwrap();
            assert_eq!(std::fs::read(&theirs).unwrap(), b"theirs", "{readers:?}");
            assert_eq!(std::fs::read(&path).unwrap(), b"mine");
            assert!(!path.is_symlink());
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_token_is_for_its_own_account_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, folder) = folder();
        assert!(folder.identity().unwrap().is_none());
        let identity = Identity {
            server: "https://x".to_owned(),
            agent_id: AgentId::generate(),
            token: "s3cret".to_owned(),
            tenant_name: "T".to_owned(),
            store_name: "S".to_owned(),
        };
        folder.keep_identity(&identity).unwrap();
        assert_eq!(folder.identity().unwrap().unwrap().token, "s3cret");
        let kept = std::fs::read_to_string(folder.identity_file()).unwrap();
        assert!(!kept.contains("s3cret"), "{kept}");
        let mode = std::fs::metadata(folder.identity_file())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_token_that_an_older_agent_kept_is_read_and_then_sealed() {
        let (_dir, folder) = folder();
        let old = serde_json::json!({
            "server": "https://x", "agent_id": AgentId::generate(), "token": "fxa_plain",
            "tenant_name": "T", "store_name": "S",
        });
        std::fs::write(folder.identity_file(), old.to_string()).unwrap();
        assert_eq!(folder.identity().unwrap().unwrap().token, "fxa_plain");
        for _ in 0..2 {
            folder.seal_token().unwrap();
            let kept = std::fs::read_to_string(folder.identity_file()).unwrap();
            assert!(!kept.contains("fxa_plain"), "{kept}");
            assert_eq!(folder.identity().unwrap().unwrap().token, "fxa_plain");
        }
    }
}
