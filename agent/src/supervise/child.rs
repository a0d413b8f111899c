//! The agent's process, as its supervisor sees it: started on a leash, a pipe, and asked to end by letting go of it.

use std::io::Write as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::task::JoinHandle;

use super::Supervisor;
use crate::update::versions::{Chosen, Versions};

/// A child that is asked to stop has this long; then it is cut off, which loses nothing.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(9);
/// How much of what the child said last is kept: some lines, and never more than so many bytes.
const LAST_LINES: usize = 12;
const LAST_BYTES: usize = 8 * 1024;

/// A running agent. It ends when this is dropped.
pub(super) struct Agent {
    child: Child,
    /// Taken out, because waiting for a child closes what is left of its pipes, and this one asks it to stop.
    leash: Option<ChildStdin>,
    words: JoinHandle<String>,
}

impl Agent {
    /// Starts the program that was chosen; one on trial is told where to leave its sign.
    pub fn start(
        supervisor: &Supervisor<'_>,
        chosen: &Chosen,
        versions: &Versions,
        healthy_file: Option<&Path>,
    ) -> std::io::Result<Self> {
        let mut command = Command::new(&chosen.program);
        command
            .args(&supervisor.place)
            .args(["run", "--supervised", "--versions"])
            .arg(versions.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(file) = healthy_file {
            command.arg("--healthy-file").arg(file);
        }
        without_window(&mut command);
        let mut child = command.spawn()?;
        Ok(Self {
            leash: child.stdin.take(),
            words: tokio::spawn(last_words(child.stderr.take())),
            child,
        })
    }

    /// Returns when it has ended. May be given up and asked again.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// What it said last, once it has ended. A grandchild may hold the pipe open; its words are not worth waiting for.
    pub async fn last_words(self) -> String {
        let words = tokio::time::timeout(Duration::from_secs(2), self.words).await;
        words.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Asks it to end, and cuts it off when it does not.
    pub async fn end(mut self) {
        drop(self.leash.take());
        if tokio::time::timeout(STOP_WITHIN, self.child.wait())
            .await
            .is_err()
        {
            aloud("the agent did not stop in time and is cut off; nothing is lost by that");
            if let Err(error) = self.child.kill().await {
                aloud(&format!("the agent could not be cut off: {error}"));
            }
        }
    }
}

/// Says something where the service manager listens. Nobody may be listening, and that must not end the service.
pub(crate) fn aloud(text: &str) {
    pass_on(format!("{text}\n").as_bytes());
}

fn pass_on(bytes: &[u8]) {
    std::io::stderr().write_all(bytes).ok();
}

/// Passes on what the child says, and keeps the end of it.
async fn last_words(pipe: Option<ChildStderr>) -> String {
    let Some(mut pipe) = pipe else {
        return String::new();
    };
    let mut kept = Vec::new();
    let mut piece = [0; 4 * 1024];
    while let Ok(length @ 1..) = pipe.read(&mut piece).await {
        pass_on(&piece[..length]);
        kept.extend_from_slice(&piece[..length]);
        kept.drain(..kept.len().saturating_sub(LAST_BYTES));
    }
    let said = String::from_utf8_lossy(&kept);
    let lines: Vec<_> = said.trim_end().lines().map(str::trim_end).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// A service has no screen; without this Windows would make one for the child.
#[cfg(windows)]
fn without_window(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn without_window(_: &mut Command) {}
