//! What runs as the service: starts the agent as a child of its own, and sees to it that it goes on running.
//!
//! Two processes, because a service manager waits for one that answers at once, whatever the agent is doing, and
//! because a program cannot replace itself. The supervisor reads no configuration and opens no spool, so no mistake in
//! them can keep it from answering. It talks to the child through one pipe: when the pipe closes, the child stops. So
//! the child also stops when the supervisor is killed.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::folder::{DataFolder, Readers, write_whole};

/// The child wants to be started anew: its configuration changed, or another version is ready. `EX_TEMPFAIL`.
pub const START_ANEW: u8 = 75;
/// The configuration cannot be used; starting again does not help until somebody mends it. `EX_CONFIG`.
pub const BAD_CONFIGURATION: u8 = 78;

/// A child that is asked to stop has this long; then it is cut off, which loses nothing.
const STOP_WITHIN: Duration = Duration::from_secs(9);
/// After a failure the child is started again, each time later, up to the last.
const PAUSES: [u64; 7] = [1, 2, 4, 8, 16, 32, 60];
/// A child that ran so long has shown that it can; its next failure counts as the first.
const RAN_WELL: Duration = Duration::from_secs(600);
/// How often a configuration that cannot be used is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How many of the child's last words are kept, in lines.
const LAST_WORDS: usize = 12;

/// What the supervisor has to tell: to the event log, the journal, or a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The agent runs.
    Started,
    /// It was asked to stop, and did.
    Stopped,
    /// It ended by itself and is started again.
    Failed {
        /// How it ended and what it said last.
        words: String,
    },
    /// It cannot work until somebody mends the configuration.
    BadConfiguration {
        /// What is wrong.
        words: String,
    },
    /// It cannot even be started.
    CannotStart {
        /// Why.
        words: String,
    },
}

/// What the service is doing, for `status` and for support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// The supervisor's process.
    pub pid: u32,
    /// Since when it is as it is.
    pub since: DateTime<Utc>,
    /// How often the agent was started again after it had failed.
    pub restarts: u32,
    /// Why the agent does not run, if it does not.
    pub problem: Option<String>,
}

impl ServiceState {
    fn file(folder: &Path) -> PathBuf {
        folder.join("service.json")
    }

    /// What the service wrote last; `None` when there is none here.
    #[must_use]
    pub fn read(folder: &DataFolder) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::file(folder.path())).ok()?).ok()
    }
}

/// How to start the agent, and whom to tell.
pub struct Supervisor<'a> {
    /// The program of the agent.
    pub program: PathBuf,
    /// What comes before `run` on its command line: where configuration and data are.
    pub place: Vec<OsString>,
    /// The configuration, to see when somebody mends it.
    pub config: PathBuf,
    /// The data folder, as far as it can be known without the configuration.
    pub folder: PathBuf,
    /// Is told what happens.
    pub tell: &'a (dyn Fn(&Notice) + Sync),
}

/// How a child ended.
enum Ended {
    /// It was asked to.
    AsAsked,
    /// By itself.
    Itself { status: ExitStatus, words: String },
}

impl Supervisor<'_> {
    /// Keeps the agent running until `stop`.
    pub async fn supervise(&self, stop: &CancellationToken) {
        let mut failures = 0_usize;
        let mut restarts = 0;
        while !stop.is_cancelled() {
            let begun = Instant::now();
            let ended = match self.start() {
                Ok(child) => {
                    self.note(restarts, None);
                    (self.tell)(&Notice::Started);
                    watch(child, stop).await
                }
                Err(error) => {
                    let words = format!("{}: {error}", self.program.display());
                    self.note(restarts, Some(&words));
                    (self.tell)(&Notice::CannotStart { words });
                    failures += 1;
                    pause(failures, stop).await;
                    continue;
                }
            };
            let Ended::Itself { status, words } = ended else {
                break;
            };
            if begun.elapsed() >= RAN_WELL {
                failures = 0;
            }
            match status.code().and_then(|code| u8::try_from(code).ok()) {
                Some(START_ANEW) => failures = 0,
                Some(BAD_CONFIGURATION) => {
                    self.note(restarts, Some(&words));
                    (self.tell)(&Notice::BadConfiguration { words });
                    self.wait_for_mending(stop).await;
                }
                _ => {
                    failures += 1;
                    restarts += 1;
                    let words = format!("the agent ended by itself ({status})\n{words}");
                    self.note(restarts, Some(&words));
                    (self.tell)(&Notice::Failed { words });
                    pause(failures, stop).await;
                }
            }
        }
        self.note(restarts, Some("the service is stopped"));
        (self.tell)(&Notice::Stopped);
    }

    fn start(&self) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.place)
            .args(["run", "--supervised"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        without_window(&mut command);
        command.spawn()
    }

    /// Returns when the configuration changed, or after a minute, because what it names may have been mended as well.
    async fn wait_for_mending(&self, stop: &CancellationToken) {
        let before = fingerprint(&self.config);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            if fingerprint(&self.config) != before {
                return;
            }
        }
    }

    fn note(&self, restarts: u32, problem: Option<&str>) {
        let state = ServiceState {
            pid: std::process::id(),
            since: Utc::now(),
            restarts,
            problem: problem.map(str::to_owned),
        };
        let written = std::fs::create_dir_all(&self.folder).and_then(|()| {
            let text = serde_json::to_vec_pretty(&state).map_err(std::io::Error::other)?;
            write_whole(&ServiceState::file(&self.folder), &text, Readers::Folder)
        });
        if let Err(error) = written {
            eprintln!("the state of the service could not be kept: {error}");
        }
    }
}

/// A file's size and time.
pub type Fingerprint = (u64, std::time::SystemTime);

/// Tells whether a file is still the same, as far as a look at its folder can; `None` while it cannot be looked at.
#[must_use]
pub fn fingerprint(path: &Path) -> Option<Fingerprint> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Waits until the child ends, or asks it to.
async fn watch(mut child: Child, stop: &CancellationToken) -> Ended {
    let words = tokio::spawn(last_words(child.stderr.take()));
    // Taken out, because waiting for a child closes what is left of its pipes, and this one asks it to stop.
    let leash = child.stdin.take();
    let status = tokio::select! {
        status = child.wait() => status,
        () = stop.cancelled() => {
            drop(leash);
            if tokio::time::timeout(STOP_WITHIN, child.wait()).await.is_err() {
                eprintln!("the agent did not stop in time and is cut off; nothing is lost by that");
                if let Err(error) = child.kill().await {
                    eprintln!("the agent could not be cut off: {error}");
                }
            }
            return Ended::AsAsked;
        }
    };
    // A grandchild may hold the pipe open; its words are not worth waiting for.
    let words = tokio::time::timeout(Duration::from_secs(2), words).await;
    match status {
        Ok(status) => Ended::Itself {
            status,
            words: words.ok().and_then(Result::ok).unwrap_or_default(),
        },
        Err(error) => Ended::Itself {
            status: ExitStatus::default(),
            words: error.to_string(),
        },
    }
}

/// Passes on what the child says, and keeps the end of it.
async fn last_words(pipe: Option<ChildStderr>) -> String {
    let Some(pipe) = pipe else {
        return String::new();
    };
    let mut kept = VecDeque::new();
    let mut lines = BufReader::new(pipe).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        eprintln!("{line}");
        if kept.len() == LAST_WORDS {
            kept.pop_front();
        }
        kept.push_back(line);
    }
    Vec::from(kept).join("\n")
}

async fn pause(failures: usize, stop: &CancellationToken) {
    let index = failures.clamp(1, PAUSES.len()) - 1;
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(Duration::from_secs(PAUSES[index])) => {}
    }
}

/// A service has no screen; without this Windows would make one for the child.
#[cfg(windows)]
fn without_window(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn without_window(_: &mut Command) {}
