//! The agent for Windows, built on Linux: the program, a look at what it imports, and the installer around it.
//!
//! The target is `x86_64-win7-windows-gnu`, so that the program also runs on Windows 7 SP1 and Server 2008 R2, which many
//! tills still have; plain Rust targets need Windows 10. For such a target the standard library is built along, which
//! Debian's Rust (`rustc-web`, beside and not instead of the toolchain of this checkout) brings the sources for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{FOLDER, Release, marked, sbom, sums};
use crate::packages::{self, Need};
use crate::step::{self, Steps, say};

const TARGET: &str = "x86_64-win7-windows-gnu";
/// The target with the same crates that the checkout's own cargo knows.
const CRATES_OF: &str = "x86_64-pc-windows-gnu";
/// A folder of its own: the standard library is built once into it.
const BUILD: &str = "target/windows";
/// The bar for what a store downloads over a slow line.
const LARGEST: u64 = 20_000_000;

/// What every Windows since 7 brings; nothing else may be needed.
const LIBRARIES: &[&str] = &[
    "advapi32.dll",
    "bcrypt.dll",
    "crypt32.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "msvcrt.dll",
    "ntdll.dll",
    "odbc32.dll",
    "ole32.dll",
    "oleaut32.dll",
    "secur32.dll",
    "shell32.dll",
    "user32.dll",
    "userenv.dll",
    "ws2_32.dll",
];

/// Functions that came after Windows 7 and that Rust programs are known to import: the loader of an old Windows
/// would refuse the program. From the "minimum supported client" lines of Microsoft's documentation.
const TOO_NEW: &[&str] = &[
    "CopyFile2",
    "CreateFile2",
    "GetAddrInfoExCancel",
    "GetCurrentThreadStackLimits",
    "GetFileInformationByName",
    "GetHostNameW",
    "GetOverlappedResultEx",
    "GetSystemTimePreciseAsFileTime",
    "GetTempPath2W",
    "GetThreadDescription",
    "PrefetchVirtualMemory",
    "ProcessPrng",
    "QueryUnbiasedInterruptTimePrecise",
    "SetProcessInformation",
    "SetThreadDescription",
    "SetThreadInformation",
    "WaitOnAddress",
    "WakeByAddressAll",
    "WakeByAddressSingle",
];

const NEEDS: &[Need] = &[Need::Compiler, Need::WindowsRust, Need::Mingw];

/// Builds the program and the installer into `target/shipped`.
pub fn build(steps: &mut Steps, release: &Release) -> Result<()> {
    packages::ensure(steps, NEEDS)?;
    packages::ensure(steps, &[Need::Wixl])?;
    let program = program(steps, release)?;
    fs::create_dir_all(FOLDER)?;
    let shipped = Path::new(FOLDER).join(format!(
        "fluxion-agent-{}-windows-x86_64.exe",
        release.version
    ));
    fs::copy(&program, &shipped)
        .with_context(|| format!("could not copy to {}", shipped.display()))?;
    // Always of one name, because the dashboard hands out the line that runs it; the version is inside.
    let installer = Path::new(FOLDER).join("fluxion-agent-x64.msi");
    steps.take("installer for Windows (wixl)", || {
        installer_of(&program, &release.version, &installer)
    })?;
    let bill = shipped.with_added_extension("cdx.json");
    steps.take("what is in fluxion-agent.exe (CycloneDX)", || {
        sbom::write("fluxion-agent", &release.version, CRATES_OF, &bill)
    })?;
    sums::add(&[shipped, installer, bill])
}

/// Builds the program as it is shipped, and returns where it is.
pub fn program(steps: &mut Steps, release: &Release) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--profile", "dist", "-p", "fluxion-agent"]);
    marked(&mut build, release);
    steps.run(
        "agent for Windows (Debian's cargo, mingw; takes some minutes)",
        &mut build,
    )?;
    let program = Path::new(BUILD).join(TARGET).join("dist/fluxion-agent.exe");
    steps.take("what it imports, and its size", || inspect(&program))?;
    Ok(program)
}

/// Type-checks the code that only Windows has. Quick beside a build, and part of every test run.
pub fn check(steps: &mut Steps) -> Result<()> {
    packages::ensure(steps, NEEDS)?;
    let mut check = cargo(&[
        "check",
        "--quiet",
        "-p",
        "fluxion-system",
        "-p",
        "fluxion-agent",
    ]);
    steps.run(
        "code for Windows is type-checked (Debian's cargo)",
        check.env("RUSTFLAGS", "-D warnings"),
    )
}

/// Builds the unit tests of the Windows calls, and returns the program that runs them.
pub fn unit_tests(steps: &mut Steps) -> Result<PathBuf> {
    steps.run(
        "unit tests of the Windows calls",
        &mut cargo(&["test", "--no-run", "--quiet", "-p", "fluxion-system"]),
    )?;
    let folder = Path::new(BUILD).join(TARGET).join("debug/deps");
    let newest = fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("fluxion_system-") && name.ends_with(".exe")
        })
        .max_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
    newest.with_context(|| format!("no test program in {}", folder.display()))
}

/// What `cargo xtask test windows` tries out: two versions of the same source, and what stands around them.
pub struct Trial {
    agent: PathBuf,
    installer: PathBuf,
    newer_installer: PathBuf,
    newer_agent: PathBuf,
    newer_version: String,
    release_key: PathBuf,
    unit_tests: PathBuf,
}

impl Trial {
    /// Builds it all, as it would be shipped, to believe the release key that `demo` keeps.
    pub fn build(steps: &mut Steps, demo: &str) -> Result<Self> {
        packages::ensure(steps, NEEDS)?;
        let folder = PathBuf::from("target/windows-trial");
        let release_key = folder.join("key");
        let public = Command::new(demo)
            .arg("release-key")
            .arg(&release_key)
            .output()
            .with_context(|| format!("could not start {demo}"))?;
        if !public.status.success() {
            bail!("{}", String::from_utf8_lossy(&public.stderr));
        }
        let public = String::from_utf8(public.stdout)?.trim().to_owned();
        let own = super::own_version();
        let newer = "99.0.0".to_owned();
        let mut installers = Vec::new();
        for version in [own, newer.as_str()] {
            let release = Release {
                version: version.to_owned(),
                key: Some(public.clone()),
            };
            let built = program(steps, &release)?;
            let folder = folder.join(version);
            fs::create_dir_all(&folder)?;
            let agent = folder.join("fluxion-agent.exe");
            fs::copy(&built, &agent)?;
            let installer = folder.join("fluxion-agent.msi");
            steps.take(&format!("installer of {version} (wixl)"), || {
                installer_of(&agent, version, &installer)
            })?;
            installers.push((agent, installer));
        }
        let (newer_agent, newer_installer) = installers.pop().context("two were built")?;
        let (agent, installer) = installers.pop().context("two were built")?;
        Ok(Self {
            agent,
            installer,
            newer_installer,
            newer_agent,
            newer_version: newer,
            release_key,
            unit_tests: unit_tests(steps)?,
        })
    }

    /// For `fluxion-demo windows`, with whole paths, because Wine has a working folder of its own.
    pub fn arguments(&self) -> Vec<String> {
        let whole = |path: &Path| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            path.display().to_string()
        };
        [
            ("--agent", whole(&self.agent)),
            ("--installer", whole(&self.installer)),
            ("--newer-installer", whole(&self.newer_installer)),
            ("--newer-agent", whole(&self.newer_agent)),
            ("--newer-version", self.newer_version.clone()),
            ("--release-key", whole(&self.release_key)),
            ("--unit-tests", whole(&self.unit_tests)),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect()
    }
}

/// Debian's cargo for the Windows target.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    command
        .args(arguments)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTDOC", "/usr/bin/rustdoc")
        // Debian's Rust is a stable one; building the standard library needs leave.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_unwind")
        // Without the reader of debug information, of which a shipped program has none.
        .env(
            "CARGO_UNSTABLE_BUILD_STD_FEATURES",
            "panic-unwind,optimize_for_size",
        )
        .env("CARGO_BUILD_TARGET", TARGET)
        .env(
            "CARGO_TARGET_X86_64_WIN7_WINDOWS_GNU_LINKER",
            "x86_64-w64-mingw32-gcc",
        )
        .env("CARGO_TARGET_DIR", BUILD)
        // The toolchain of this checkout sets these for its own cargo.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env_remove("RUSTC_WRAPPER");
    command
}

/// Refuses a program that an old Windows would refuse, or that is too large.
fn inspect(program: &Path) -> Result<()> {
    let size = fs::metadata(program)?.len();
    let imports = step::output(
        "x86_64-w64-mingw32-objdump",
        &["-p", &program.display().to_string()],
    )
    .context("objdump could not read the program")?;
    let (libraries, functions) = read_imports(&imports);
    if libraries.is_empty() || functions.is_empty() {
        bail!("no imports were found, so nothing was proven");
    }
    let foreign: Vec<_> = libraries
        .iter()
        .filter(|name| !LIBRARIES.contains(&name.as_str()))
        .collect();
    let new: Vec<_> = functions
        .iter()
        .filter(|name| TOO_NEW.contains(&name.as_str()))
        .collect();
    if !foreign.is_empty() || !new.is_empty() {
        bail!("it needs what Windows 7 does not have: libraries {foreign:?}, functions {new:?}");
    }
    say(&format!(
        "{} functions of {} libraries that Windows 7 has; {}.{} MB",
        functions.len(),
        libraries.len(),
        size / 1_000_000,
        size % 1_000_000 / 100_000
    ));
    if size > LARGEST {
        bail!("{size} bytes are more than the {LARGEST} that a store should download");
    }
    Ok(())
}

/// The libraries and functions in what `objdump -p` prints.
fn read_imports(text: &str) -> (Vec<String>, Vec<String>) {
    let mut libraries = Vec::new();
    let mut functions = Vec::new();
    for line in text.lines() {
        if let Some((_, name)) = line.split_once("DLL Name: ") {
            libraries.push(name.trim().to_lowercase());
            continue;
        }
        // "\t7f4a2c  <none>  03a1  GetLastError", after the table's header
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [address, .., name] = words.as_slice()
            && !libraries.is_empty()
            && words.len() >= 3
            && line.starts_with('\t')
            && u64::from_str_radix(address, 16).is_ok()
        {
            functions.push((*name).to_owned());
        }
    }
    libraries.sort();
    libraries.dedup();
    functions.sort();
    functions.dedup();
    (libraries, functions)
}

/// What wixl does not know and every installer of ours needs, in the words of the installer's own tables.
const ADDED: &[&str] = &[
    // The old version goes first, within the same transaction, so that it is there again when the new one fails.
    "UPDATE InstallExecuteSequence SET Sequence = 1501 WHERE Action = 'RemoveExistingProducts'",
    "UPDATE Property SET Value = 'SERVER;CODE;REMOVEDATA;WIX_UPGRADE_DETECTED;WIX_DOWNGRADE_DETECTED' WHERE Property = \
     'SecureCustomProperties'",
    // So that a technician can type `fluxion-agent` anywhere.
    "CREATE TABLE Environment (Environment CHAR(72) NOT NULL, Name CHAR(255) NOT NULL, Value CHAR(255), Component_ \
     CHAR(72) NOT NULL PRIMARY KEY Environment)",
    "INSERT INTO Environment (Environment, Name, Value, Component_) VALUES ('Path', '=-*PATH', '[~];[INSTALLDIR]', \
     'Agent')",
    "INSERT INTO InstallExecuteSequence (Action, Sequence) VALUES ('WriteEnvironmentStrings', 5200)",
    "INSERT INTO InstallExecuteSequence (Action, Sequence) VALUES ('RemoveEnvironmentStrings', 3300)",
];

/// Puts the installer around a program. wixl finds the program only by a name relative to its working folder.
pub fn installer_of(program: &Path, version: &str, installer: &Path) -> Result<()> {
    let recipe = std::path::absolute("deploy/windows/fluxion-agent.wxs")?;
    let output = std::path::absolute(installer)?;
    let folder = program.parent().context("a program stands in a folder")?;
    step::run(
        Command::new("wixl")
            .args(["-a", "x64", "-D", &format!("Version={version}"), "-o"])
            .arg(&output)
            .arg(&recipe)
            .current_dir(folder),
    )?;
    step::run(Command::new("msibuild").arg(&output).arg("-q").args(ADDED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_functions_are_read_from_what_objdump_prints() {
        let text = "\tDLL Name: KERNEL32.dll\n\tvma:     Ordinal  Hint  Member-Name  Bound-To\n\
                    \t019f7a2c  <none>  02a1  GetLastError\n\t19f7a30\t  674  WaitOnAddress\n\n\tDLL Name: kernel32.dll\n";
        let (libraries, functions) = read_imports(text);
        assert_eq!(libraries, ["kernel32.dll"]);
        assert_eq!(functions, ["GetLastError", "WaitOnAddress"]);
    }
}
