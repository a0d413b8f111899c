//! The folder in which the demo keeps everything.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const MARKER: &str = ".fluxion-demo";

/// Makes the folder empty and marks it as ours. One that holds things that are not ours is left alone.
///
/// # Errors
/// When the folder belongs to somebody else or cannot be written.
pub fn prepare(folder: &Path) -> Result<PathBuf> {
    let shown = folder.display();
    if folder.exists() {
        let empty = fs::read_dir(folder)
            .with_context(|| format!("could not read {shown}"))?
            .next()
            .is_none();
        if !empty && !folder.join(MARKER).exists() {
            bail!(
                "{shown} holds files that this demo did not make; name another folder with --data-dir"
            );
        }
        fs::remove_dir_all(folder).with_context(|| format!("could not empty {shown}"))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("could not create {shown}"))?;
    let marker = folder.join(MARKER);
    let note = "Made by `cargo xtask demo`, which empties this folder each time it starts.\n";
    fs::write(&marker, note).with_context(|| format!("could not write {}", marker.display()))?;
    fs::canonicalize(folder).with_context(|| format!("could not find {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_ours_is_left_alone() {
        let outer = tempfile::tempdir().unwrap();
        let theirs = outer.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("thesis.doc"), "years of work").unwrap();
        assert!(
            prepare(&theirs)
                .unwrap_err()
                .to_string()
                .contains("--data-dir")
        );
        assert!(theirs.join("thesis.doc").exists());

        let ours = prepare(&outer.path().join("ours")).unwrap();
        fs::write(ours.join("old"), "").unwrap();
        prepare(&ours).unwrap();
        assert!(!ours.join("old").exists());
    }
}
