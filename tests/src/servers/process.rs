//! A server process that cannot outlive the process that started it, however that one ends.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs the command given as its arguments until its standard input ends, and that is when the owner is gone, even
/// by SIGKILL: the kernel closes the pipe. Then it signals the server, waits for it (ten seconds, before it is killed), and
/// removes the folder that was the server's alone, if there is one.
const KEEPER: &str = r#"
signal=$1; folder=$2; shift 2
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
( cat <&3 >/dev/null; [ -z "$folder" ] || : >"$folder/abandoned"; kill -s "$signal" $server; sleep 10
  kill -s KILL $server ) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait $server
status=$?
kill $watcher 2>/dev/null
[ -z "$folder" ] || [ ! -e "$folder/abandoned" ] || rm -rf -- "$folder"
exit $status
"#;

/// A server and the keeper in front of it.
#[derive(Debug)]
pub(crate) struct Server {
    keeper: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` as `account` (when run as root) with its output in `log`. `stop_signal` is what ends it, and `throwaway` the folder that goes with it.
    pub(crate) fn start(
        command: Command,
        account: Option<&Account>,
        stop_signal: &str,
        log: PathBuf,
        throwaway: Option<&Path>,
    ) -> Result<Self> {
        let out = fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("could not write {}", log.display()))?;
        let command = account.map_or_else(|| plain(&command), |account| account.run(&command));
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh", stop_signal]);
        keeper.arg(throwaway.unwrap_or_else(|| Path::new("")));
        keeper.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                keeper.env(name, value);
            }
        }
        keeper
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out);
        // A group of its own: Ctrl-C reaches the owner alone, which then decides.
        keeper.process_group(0);
        let keeper = keeper.spawn().context("could not start sh")?;
        Ok(Self { keeper, log })
    }

    /// Waits until `ready` says yes.
    pub(crate) fn wait_until(&mut self, what: &str, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if ready() {
                return Ok(());
            }
            if let Some(status) = self.keeper.try_wait()? {
                bail!(
                    "{what} ended at once ({status}); its log says:\n{}",
                    self.tail()
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "{what} was not ready within 60 seconds; its log says:\n{}",
                    self.tail()
                );
            }
            sleep(Duration::from_millis(25));
        }
    }

    /// Process id of the server itself, for benches that measure it.
    pub(crate) fn pid(&self) -> Option<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.keeper.id());
        let children = fs::read_to_string(children).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    fn tail(&self) -> String {
        let text = fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if matches!(self.keeper.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        eprintln!(
            "a private server does not stop; its log is {}",
            self.log.display()
        );
    }
}

/// An operating system account that a server runs under, because it refuses to run as root.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account when this process is root, nothing when it is not: then the server runs as whoever we are.
    pub(crate) fn when_root(name: &str, package: &str) -> Result<Option<Self>> {
        let root = fs::metadata("/proc/self")
            .context("could not read /proc/self")?
            .uid()
            == 0;
        if !root {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("could not read /etc/passwd")?;
        let ids = passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        let Some((uid, gid)) = ids else {
            bail!(
                "there is no account {name:?}; install the package {package}: apt-get install {package}"
            );
        };
        Ok(Some(Self {
            name: name.to_owned(),
            uid,
            gid,
        }))
    }

    /// Hands a path over to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("could not hand {} to {}", path.display(), self.name))
    }

    /// The same command under this account.
    pub(crate) fn run(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("setpriv");
        wrapped
            .arg(format!("--reuid={}", self.name))
            .arg(format!("--regid={}", self.name))
            .arg("--init-groups");
        wrapped
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args());
        wrapped
    }
}

/// The same command once more.
pub(crate) fn plain(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            copy.env(name, value);
        }
    }
    copy
}

/// A temporary folder that the server's account may use.
pub(crate) fn folder(prefix: &str, account: Option<&Account>) -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .context("could not create a temporary folder")?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    if let Some(account) = account {
        account.own(folder.path())?;
    }
    Ok(folder)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Finds a program in PATH or in the folders given, or says which package brings it.
pub(crate) fn program(names: &[&str], folders: &[PathBuf], package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for name in names {
        let found = folders
            .iter()
            .chain(&in_path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file());
        if let Some(found) = found {
            return Ok(found);
        }
    }
    bail!(
        "{} is not installed; install the package {package}: apt-get install {package}",
        names[0]
    )
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let name = Path::new(command.get_program())
        .file_name()
        .map(OsStr::to_string_lossy)
        .unwrap_or_default()
        .into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A database name that no other test uses.
pub(crate) fn unique_name() -> String {
    format!("t{}", uuid::Uuid::new_v4().simple())
}
