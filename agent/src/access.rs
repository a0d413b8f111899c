//! Files that are for the agent's own account alone: its secrets and its key.
//!
//! This is one of the few places that know which system they are on; both sides have the same signature.

use std::fs::File;
use std::io;
use std::path::Path;

/// Creates a file, or empties one, that only the agent's account may read (and, on Windows, administrators).
///
/// # Errors
/// When it cannot be created.
pub fn create_for_the_agent(path: &Path) -> io::Result<File> {
    system::create(path)
}

/// Creates a file, or empties one, that those may read who may read the model. On Windows the rights of the folder say who.
///
/// # Errors
/// When it cannot be created, or the model is not there.
pub fn create_like(model: &Path, path: &Path) -> io::Result<File> {
    system::create_like(model, path)
}

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
    use std::path::Path;

    pub fn create(path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(0o600);
        let file = options.open(path)?;
        // The mode above counts for new files only.
        file.set_permissions(Permissions::from_mode(0o600))?;
        // A technician works as root, the service as the account that owns the data folder. The file is for the service.
        if let Some(folder) = path.parent() {
            let (owner, mine) = (std::fs::metadata(folder)?, file.metadata()?);
            if owner.uid() != mine.uid() {
                chown(path, Some(owner.uid()), Some(owner.gid())).unwrap_or_else(|error| {
                    tracing::warn!(path = %path.display(), %error, "the file stays with the account that wrote it");
                });
            }
        }
        Ok(file)
    }

    pub fn create_like(model: &Path, path: &Path) -> io::Result<File> {
        let model = std::fs::metadata(model)?;
        // Narrow first: between two calls nobody else may look in.
        let file = create(path)?;
        let made = file.metadata()?;
        if (model.uid(), model.gid()) != (made.uid(), made.gid()) {
            chown(path, Some(model.uid()), Some(model.gid()))?;
        }
        file.set_permissions(model.permissions())?;
        Ok(file)
    }
}

#[cfg(windows)]
mod system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use crate::folder::SERVICE_IDENTITY;

    pub fn create(path: &Path) -> io::Result<File> {
        let file = File::create(path)?;
        // Rights may lock out whoever runs the agent by hand and is no administrator; such a one keeps the folder's.
        let restricted = fluxion_system::access::only_for(path, SERVICE_IDENTITY);
        match restricted.and_then(|()| File::open(path).map(drop)) {
            Ok(()) => Ok(file),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "who may read the file is left to the rights of its folder");
                drop(file);
                std::fs::remove_file(path)?;
                File::create(path)
            }
        }
    }

    pub fn create_like(_: &Path, path: &Path) -> io::Result<File> {
        File::create(path)
    }
}

#[cfg(not(any(unix, windows)))]
compile_error!("this system has no way yet to keep a file from other accounts");
