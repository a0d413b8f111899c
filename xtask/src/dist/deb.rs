//! The agent's Debian package. What it contains is under `deploy/linux`; this puts it together.
//!
//! The configuration is no conffile. It is written once, from the sample that this very version of the agent prints, and
//! belongs to the technician from then on: an upgrade at a store has nobody to ask which of two versions should stay.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{FOLDER, output, source_date};

/// Where the parts are.
const PARTS: &str = "deploy/linux";
/// Every file of the package: its mode, and where it comes from within [`PARTS`].
const FILES: &[(&str, u32, Option<&str>)] = &[
    ("usr/bin/fluxion-agent", 0o755, None),
    (
        "usr/lib/systemd/system/fluxion-agent.service",
        0o644,
        Some("fluxion-agent.service"),
    ),
    ("usr/share/fluxion-agent/fluxion-agent.toml", 0o644, None),
    ("usr/share/doc/fluxion-agent/copyright", 0o644, None),
];
/// The maintainer scripts.
pub const SCRIPTS: &[&str] = &["postinst", "prerm", "postrm"];

/// Where the package of a version ends.
pub fn place(version: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("fluxion-agent_{version}_amd64.deb"))
}

/// Puts the package together from a built agent.
pub fn build(agent: &Path, version: &str, to: &Path) -> Result<()> {
    let root = Path::new(FOLDER).join("deb");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for (path, mode, part) in FILES {
        let content = match (*path, part) {
            (_, Some(part)) => read(part)?,
            ("usr/bin/fluxion-agent", None) => {
                fs::read(agent).with_context(|| format!("could not read {}", agent.display()))?
            }
            ("usr/share/fluxion-agent/fluxion-agent.toml", None) => {
                let agent = fs::canonicalize(agent)?;
                output(Command::new(agent).args(["config", "sample"]))?.into_bytes()
            }
            ("usr/share/doc/fluxion-agent/copyright", None) => fs::read("LICENSE")?,
            (path, None) => bail!("nothing says where {path} comes from"),
        };
        write(&root.join(path), &content, *mode)?;
    }
    let size = FILES.iter().try_fold(0, |size, (path, _, _)| {
        anyhow::Ok(size + fs::metadata(root.join(path))?.len())
    })?;
    let control = String::from_utf8(read("control")?)?
        .replace("@VERSION@", version)
        .replace("@SIZE@", &size.div_ceil(1_024).to_string())
        .replace("@LIBC@", &libc_needed(agent)?);
    write(&root.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    for script in SCRIPTS {
        write(&root.join("DEBIAN").join(script), &read(script)?, 0o755)?;
    }
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zxz", "--build"]);
    if let Some(date) = source_date() {
        pack.env("SOURCE_DATE_EPOCH", date);
    }
    output(pack.arg(&root).arg(to))?;
    Ok(())
}

fn read(part: &str) -> Result<Vec<u8>> {
    let path = Path::new(PARTS).join(part);
    fs::read(&path).with_context(|| format!("could not read {}", path.display()))
}

/// Writes a file, and gives it and the folders above it the modes that the package is to have, whatever the umask.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
        let ours = folder
            .ancestors()
            .take_while(|folder| *folder != Path::new(FOLDER));
        for folder in ours {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
    }
    fs::write(path, content).with_context(|| format!("could not write {}", path.display()))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

/// The oldest C library that has every function the program calls.
fn libc_needed(program: &Path) -> Result<String> {
    let symbols = output(Command::new("readelf").arg("--version-info").arg(program))?;
    let newest = symbols
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("GLIBC_"))
        .filter_map(|version| {
            let mut numbers = version.split('.').map(str::parse::<u32>);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max();
    let (major, minor) =
        newest.context("the program names no version of the C library; is it a Linux program?")?;
    Ok(format!("{major}.{minor}"))
}
