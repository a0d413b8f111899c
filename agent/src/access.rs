//! How files come to be: those for the agent's own account alone, its secrets and its key, and all others.
//!
//! A technician works as root in a folder that belongs to the service's account. So a file is always made anew: what that
//! account laid in its place, such as a link to a file of somebody else's, is taken away and never written through.
//!
//! This is one of the few places that know which system they are on; both sides have the same signature.

use std::fs::File;
use std::io;
use std::path::Path;

/// Creates a file that those may read who may read its folder. One of that name goes first.
///
/// # Errors
/// When it cannot be created.
pub fn create_anew(path: &Path) -> io::Result<File> {
    take_away(path)?;
    File::options().write(true).create_new(true).open(path)
}

/// That it is not there is as good.
fn take_away(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Creates a file that only the agent's account may read (and, on Windows, administrators). One of that name goes first.
///
/// # Errors
/// When it cannot be created.
pub fn create_for_the_agent(path: &Path) -> io::Result<File> {
    system::create(path)
}

/// Creates a file that those may read who may read the model. On Windows the rights of the folder say who. One of that
/// name goes first.
///
/// # Errors
/// When it cannot be created, or the model is not there.
pub fn create_like(model: &Path, path: &Path) -> io::Result<File> {
    system::create_like(model, path)
}

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
    use std::path::Path;

    use super::take_away;

    pub fn create(path: &Path) -> io::Result<File> {
        take_away(path)?;
        let mut options = OpenOptions::new();
        let file = options
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        // A technician works as root, the service as the account that owns the data folder. The file is for the service.
        if let Some(folder) = path.parent() {
            let (owner, mine) = (std::fs::metadata(folder)?, file.metadata()?);
            if owner.uid() != mine.uid() {
                fchown(&file, Some(owner.uid()), Some(owner.gid())).unwrap_or_else(|error| {
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
            fchown(&file, Some(model.uid()), Some(model.gid()))?;
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

    use super::create_anew;
    use crate::folder::SERVICE_IDENTITY;

    pub fn create(path: &Path) -> io::Result<File> {
        let file = create_anew(path)?;
        // Rights may lock out whoever runs the agent by hand and is no administrator; such a one keeps the folder's.
        let restricted = fluxion_system::access::only_for(path, SERVICE_IDENTITY);
        match restricted.and_then(|()| File::open(path).map(drop)) {
            Ok(()) => Ok(file),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "who may read the file is left to the rights of its folder");
                drop(file);
                create_anew(path)
            }
        }
    }

    pub fn create_like(_: &Path, path: &Path) -> io::Result<File> {
        create_anew(path)
    }
}

#[cfg(not(any(unix, windows)))]
compile_error!("this system has no way yet to keep a file from other accounts");
