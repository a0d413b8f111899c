//! Checks the package by using it: installed, upgraded, removed and purged in a throwaway copy of this very system, an
//! overlay that is gone afterwards. systemd does not run there, so that the service really starts is not shown by this.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{FOLDER, Release, deb, linux, output};
use crate::step::{self, Steps, say};

/// What the package must contain.
const CONTENT: &[&str] = &[
    "-rwxr-xr-x root/root ./usr/bin/fluxion-agent",
    "-rw-r--r-- root/root ./usr/lib/systemd/system/fluxion-agent.service",
    "-rw-r--r-- root/root ./usr/share/fluxion-agent/fluxion-agent.toml",
    "-rw-r--r-- root/root ./usr/share/doc/fluxion-agent/copyright",
];
/// Above this, `systemd-analyze security` speaks of a service that could do harm; of ten, in tenths.
const MOST_EXPOSED: &str = "20";

/// Checks the package that was just made.
pub fn check(steps: &mut Steps, release: &Release) -> Result<()> {
    let agent = linux::shipped("fluxion-agent", release);
    let package = deb::place(&release.version);
    steps.take("check the package: scripts and content", || {
        for script in deb::SCRIPTS.iter().chain(&["check-package.sh"]) {
            output(Command::new("sh").args(["-n", &format!("deploy/linux/{script}")]))?;
        }
        content(&package)
    })?;
    steps.take("check the unit (systemd-analyze)", || unit(&agent))?;
    steps.take("check the package: install, upgrade, remove, purge", || {
        let newer = PathBuf::from(FOLDER).join("deb-newer.deb");
        deb::build(&agent, &format!("{}+newer", release.version), &newer)?;
        let result = use_it(&package, &newer);
        fs::remove_file(newer)?;
        result
    })
}

/// Exactly the files that it must have, with their owners and modes.
fn content(package: &Path) -> Result<()> {
    let listed = output(Command::new("dpkg-deb").arg("--contents").arg(package))?;
    let mut found: Vec<String> = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.len() == 6 && !words[0].starts_with('d'))
        .map(|words| format!("{} {} {}", words[0], words[1], words[5]))
        .collect();
    let mut wanted: Vec<_> = CONTENT.iter().map(ToString::to_string).collect();
    found.sort();
    wanted.sort();
    if found != wanted {
        bail!("the package contains {found:#?} and should contain {wanted:#?}");
    }
    Ok(())
}

/// systemd understands the unit, and finds little that the service could do to the computer.
fn unit(agent: &Path) -> Result<()> {
    if step::output("systemd-analyze", &["--version"]).is_none() {
        say("no systemd-analyze here: the unit is not checked");
        return Ok(());
    }
    // It looks for the program where the unit says, below another root.
    let root = Path::new(FOLDER).join("unit");
    let place = |path: &str, from: &Path| {
        let to = root.join(path);
        fs::create_dir_all(to.parent().unwrap_or(&root))?;
        fs::copy(from, to)
    };
    place("usr/bin/fluxion-agent", agent)?;
    let unit = Path::new("deploy/linux/fluxion-agent.service");
    place("etc/systemd/system/fluxion-agent.service", unit)?;
    let root_argument = format!("--root={}", root.display());
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--recursive-errors=no", &root_argument])
        .arg("fluxion-agent.service")
        .output()?;
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    fs::remove_dir_all(&root)?;
    if said.contains("fluxion-agent") || !verified.status.success() {
        bail!("systemd does not understand the unit: {}", said.trim());
    }
    output(Command::new("systemd-analyze").args([
        "security",
        "--no-pager",
        "--offline=true",
        &format!("--threshold={MOST_EXPOSED}"),
        "deploy/linux/fluxion-agent.service",
    ]))
    .map(drop)
}

/// Runs `check-package.sh` in an overlay of this system.
fn use_it(old: &Path, new: &Path) -> Result<()> {
    let inside = r#"
        mount -t tmpfs none "$1" && mkdir "$1/upper" "$1/work" "$1/system"
        mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/system"
        mount -t proc proc "$1/system/proc" && mount --rbind /dev "$1/system/dev"
        mkdir -p "$1/system/package" && cp "$2" "$1/system/package/old.deb" && cp "$3" "$1/system/package/new.deb"
        cp deploy/linux/check-package.sh "$1/system/package/check.sh"
        exec chroot "$1/system" sh /package/check.sh /package/old.deb /package/new.deb"#;
    let place = Path::new(FOLDER).join("overlay");
    fs::create_dir_all(&place)?;
    let may = Command::new("unshare")
        .args(["--mount", "true"])
        .output()
        .is_ok_and(|done| done.status.success());
    if !may {
        say("not run as root: the package is not installed anywhere for a test");
        return Ok(());
    }
    step::run(
        Command::new("unshare")
            .args(["--mount", "sh", "-euc", inside, "sh"])
            .arg(fs::canonicalize(&place)?)
            .args([old, new]),
    )?;
    Ok(fs::remove_dir(place)?)
}
