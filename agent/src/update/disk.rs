//! The few changes to the disk that an update is made of, each one whole or not at all.
//!
//! Tests cut the power between any two of them; that is why they are gathered here.

use std::fs;
use std::io;
use std::path::Path;

use crate::folder::{self, Readers};

/// Replaces a file; a power cut leaves the old one or the new one.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    power()?;
    folder::write_whole(path, content, Readers::Folder)?;
    in_its_folder(path)
}

/// Gives something another name.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    power()?;
    fs::rename(from, to)?;
    in_its_folder(to)
}

/// Makes a folder where there is none.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    power()?;
    fs::create_dir_all(path)?;
    in_its_folder(path)
}

/// Takes a folder away with all that is in it. That it is not there is as good.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    power()?;
    gone(fs::remove_dir_all(path))
}

/// Takes a file away. That it is not there is as good.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    power()?;
    gone(fs::remove_file(path))
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// On Unix a new name is durable only once its folder is; Windows keeps names in its journal.
#[cfg(unix)]
fn in_its_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn in_its_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Lets a program be started, where the system asks for that.
#[cfg(unix)]
pub(super) fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    power()?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
pub(super) fn make_executable(_: &Path) -> io::Result<()> {
    power()
}

#[cfg(not(test))]
fn power() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
fn power() -> io::Result<()> {
    outage::step()
}

/// Power cuts for tests: after so many steps nothing reaches the disk any more.
#[cfg(test)]
pub(super) mod outage {
    use std::cell::Cell;
    use std::io;

    thread_local!(static LEFT: Cell<Option<u32>> = const { Cell::new(None) });

    pub(super) fn step() -> io::Result<()> {
        match LEFT.get() {
            Some(0) => Err(io::Error::other("the power was cut")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Lets so many steps happen in here and none after them. Tells whether there was an outage at all.
    pub fn after(steps: u32, act: impl FnOnce()) -> bool {
        LEFT.set(Some(steps));
        act();
        LEFT.replace(None) == Some(0)
    }
}
