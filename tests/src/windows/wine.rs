//! A Windows of our own: a Wine prefix that begins empty and ends with its folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running Wine.
pub struct Wine {
    prefix: PathBuf,
}

/// How long a program may take: an installer with a service in it takes a while on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

impl Wine {
    /// Makes the prefix and starts its server, which then stays: without that, services end with the last program.
    ///
    /// # Errors
    /// When Wine is not installed or does not come up.
    pub fn start(prefix: &Path) -> Result<Self> {
        fs::create_dir_all(prefix)?;
        let wine = Self {
            prefix: prefix.to_owned(),
        };
        wine.call("wineboot", &["-i"])?;
        // The server that came with it would end soon after the last program; the next one stays.
        wine.restart()?;
        if !wine.drive_c().join("windows/system32").exists() {
            bail!("Wine did not set its prefix up");
        }
        Ok(wine)
    }

    /// The folder that programs see as `C:\`.
    #[must_use]
    pub fn drive_c(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// Runs a program to its end and returns what it printed. How it ended is not looked at.
    ///
    /// # Errors
    /// When it cannot be started, or does not end in time.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> Result<String> {
        let mut all = vec![program.as_os_str()];
        all.extend(arguments.iter().map(OsStr::new));
        self.call("wine", &all)
    }

    /// Runs a program of Windows itself.
    ///
    /// # Errors
    /// As [`Wine::run`].
    pub fn builtin(&self, arguments: &[&str]) -> Result<String> {
        self.call("wine", arguments)
    }

    /// Ends everything at once, as a power cut does, and starts again.
    ///
    /// # Errors
    /// When it does not come up again.
    pub fn restart(&self) -> Result<()> {
        self.call("wineserver", &["-k"])?;
        self.call("wineserver", &["-w"])?;
        self.call("wineserver", &["-p"])?;
        // The first program starts the services that start by themselves.
        self.builtin(&["cmd", "/c", "ver"])?;
        Ok(())
    }

    fn call<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Result<String> {
        // Into a file: Wine's server keeps a pipe open, and whoever reads it would wait for ever.
        let output = tempfile::NamedTempFile::new()?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("WINEPREFIX", &self.prefix)
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            // No dialogs about Mono and Gecko, and no menu entries in this user's desktop.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe=d")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .stdout(output.reopen()?)
            .stderr(output.reopen()?)
            .spawn()
            .with_context(|| format!("could not start {program}"))?;
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill()?;
                bail!(
                    "{program} did not end: {}",
                    String::from_utf8_lossy(&fs::read(output.path())?)
                );
            }
            sleep(Duration::from_millis(50));
        }
        Ok(String::from_utf8_lossy(&fs::read(output.path())?).into_owned())
    }

    /// The Linux processes of this prefix that run a program of this name with these words on its command line.
    #[must_use]
    pub fn processes(&self, name: &str, words: &str) -> Vec<u32> {
        // Wine writes the command line over its environment, but the program stays mapped from the prefix.
        let program = self.drive_c().display().to_string();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let command = String::from_utf8_lossy(&command).replace('\0', " ");
                let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
                let maps = String::from_utf8_lossy(&maps);
                command.contains(words)
                    && maps
                        .lines()
                        .any(|line| line.contains(&program) && line.ends_with(name))
            })
            .collect()
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        if let Err(error) = self.call("wineserver", &["-k"]) {
            eprintln!("Wine could not be stopped: {error:#}");
        }
    }
}
