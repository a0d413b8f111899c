//! What runs as the service: starts the agent as a child of its own, and sees to it that it goes on running.
//!
//! Two processes, because a service manager waits for one that answers at once, whatever the agent is doing, and
//! because a program cannot replace itself. The supervisor reads no configuration and opens no spool, so no mistake in
//! them can keep it from answering. It talks to the child through one pipe: when the pipe closes, the child stops. So
//! the child also stops when the supervisor is killed.
//!
//! Before each start it chooses which version runs, as [`crate::update`] tells. It starts one only when nobody works in
//! the data folder any more: a version on trial must not fail because the one before is still ending.

pub(crate) mod child;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fluxion_connectors::held::is_held;
use fluxion_model::Version;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use child::{Agent, STOP_WITHIN, aloud};

use crate::folder::{DataFolder, FolderLock, Readers, write_whole};
use crate::update::plan::Verdict;
use crate::update::this_build;
use crate::update::trial::{Watched, undecided};
use crate::update::versions::{Chosen, Role, Versions};

/// The child wants to be started anew: its configuration changed, or another version is ready. `EX_TEMPFAIL`.
pub const START_ANEW: u8 = 75;
/// The configuration cannot be used; starting again does not help until somebody mends it. `EX_CONFIG`.
pub const BAD_CONFIGURATION: u8 = 78;

/// After a failure the child is started again, each time later, up to the last.
const PAUSES: [u64; 7] = [1, 2, 4, 8, 16, 32, 60];
/// A child that ran so long has shown that it can; its next failure counts as the first.
const RAN_WELL: Duration = Duration::from_secs(600);
/// How often a configuration that cannot be used is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often it is looked whether a version on trial works.
const LOOK_AT_TRIAL: Duration = Duration::from_millis(250);
/// A version that was new lately and fails so often in a row leaves for the one before.
const FAILURES: usize = 5;

/// What the supervisor has to tell: to the event log, the journal, or a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The agent runs.
    Started {
        /// Which version; none for the installed one.
        version: Option<Version>,
    },
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
    /// Another version of the agent runs from now on.
    Updated {
        /// Which one.
        version: String,
    },
    /// A newer version is not used, or something about updates needs somebody.
    Update {
        /// What.
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
    /// The program of the agent as it was installed: what runs where there is no newer version.
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
    /// It was on trial, and is over.
    Trial(Verdict),
    /// By itself.
    Itself { status: ExitStatus, words: String },
}

/// A trial that has not been settled yet, and of which version.
struct Trial {
    version: Version,
    watched: Watched,
}

impl Supervisor<'_> {
    /// Keeps the agent running until `stop`.
    pub async fn supervise(&self, stop: &CancellationToken) {
        let mut failures = 0_usize;
        let mut restarts = 0;
        let mut told = None;
        let versions = Versions::new(Versions::in_data(&self.folder), this_build::release_key());
        let _alone = self.until_alone(DataFolder::try_lock_service, stop).await;
        while !stop.is_cancelled() {
            drop(self.until_alone(DataFolder::try_lock, stop).await);
            if stop.is_cancelled() {
                break;
            }
            let chosen = versions.choose(&self.program, Utc::now());
            for words in &chosen.said {
                let words = words.clone();
                (self.tell)(&Notice::Update { words });
            }
            let trial = chosen
                .version
                .clone()
                .filter(|_| chosen.role == Role::OnTrial);
            let trial = trial.map(|version| Trial {
                version,
                watched: Watched::begin(versions.healthy_file()),
            });
            // Before the child reads it: what is mended while it ends is then noticed.
            let seen = fingerprint(&self.config);
            let begun = Instant::now();
            let sign = trial.as_ref().map(|trial| trial.watched.file.as_path());
            let ended = match Agent::start(self, &chosen, &versions, sign) {
                Ok(agent) => {
                    self.note(restarts, None);
                    let version = chosen.version.clone();
                    (self.tell)(&Notice::Started { version });
                    self.watch(agent, trial, &versions, stop).await
                }
                Err(error) if trial.is_some() => {
                    let reason = format!("it could not be started: {error}");
                    // An antivirus may hold what is new for a moment. That says nothing against it.
                    Ended::Trial(if is_held(&error) {
                        undecided(reason, Utc::now())
                    } else {
                        Verdict::Bad { reason }
                    })
                }
                Err(error) => {
                    let words = format!("{}: {error}", chosen.program.display());
                    self.note(restarts, Some(&words));
                    failures += 1;
                    if is_told(failures) {
                        let words = words.clone();
                        (self.tell)(&Notice::CannotStart { words });
                    }
                    if self.step_back(&versions, &chosen, failures, &words) {
                        failures = 0;
                    }
                    pause(failures, stop).await;
                    continue;
                }
            };
            let (status, words) = match ended {
                Ended::AsAsked => break,
                Ended::Trial(verdict) => {
                    self.trial_failed(&versions, &chosen, &verdict);
                    continue;
                }
                Ended::Itself { status, words } => (status, words),
            };
            if begun.elapsed() >= RAN_WELL {
                failures = 0;
            }
            match own_code(status) {
                Some(START_ANEW) => failures = 0,
                Some(BAD_CONFIGURATION) => {
                    self.note(restarts, Some(&words));
                    // It is tried each minute, and told once.
                    let bad = Some((seen, words.clone()));
                    if bad != told {
                        told = bad;
                        (self.tell)(&Notice::BadConfiguration { words });
                    }
                    self.wait_for_mending(seen, stop).await;
                }
                _ => {
                    failures += 1;
                    restarts += 1;
                    let words = format!("the agent ended by itself ({status})\n{words}");
                    self.note(restarts, Some(&words));
                    if is_told(failures) {
                        let words = words.clone();
                        (self.tell)(&Notice::Failed { words });
                    }
                    if self.step_back(&versions, &chosen, failures, &words) {
                        failures = 0;
                    }
                    pause(failures, stop).await;
                }
            }
        }
        self.note(restarts, Some("the service is stopped"));
        (self.tell)(&Notice::Stopped);
    }

    /// Waits until nobody else works in the data folder. A folder that cannot be used is the child's to complain about.
    async fn until_alone(
        &self,
        lock: impl Fn(&DataFolder) -> anyhow::Result<Option<FolderLock>>,
        stop: &CancellationToken,
    ) -> Option<FolderLock> {
        let begun = Instant::now();
        let mut told = false;
        while !stop.is_cancelled() {
            match DataFolder::open(&self.folder).and_then(|folder| lock(&folder)) {
                Ok(Some(lock)) => return Some(lock),
                Ok(None) => {}
                Err(_) => return None,
            }
            // One that was cut off from its supervisor takes some seconds to end.
            if !told && begun.elapsed() > STOP_WITHIN * 2 {
                let words = format!("another agent works in {}; stop it", self.folder.display());
                self.note(0, Some(&words));
                (self.tell)(&Notice::CannotStart { words });
                told = true;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
        }
        None
    }

    /// Waits until the agent ends, or asks it to: because the service stops, or because its trial has failed.
    async fn watch(
        &self,
        mut agent: Agent,
        mut trial: Option<Trial>,
        versions: &Versions,
        stop: &CancellationToken,
    ) -> Ended {
        let status = loop {
            tokio::select! {
                status = agent.ended() => break status,
                () = stop.cancelled() => {
                    agent.end().await;
                    return Ended::AsAsked;
                }
                () = tokio::time::sleep(LOOK_AT_TRIAL), if trial.is_some() => {
                    match self.settle(&mut trial, versions) {
                        None | Some(Verdict::Healthy) => {}
                        Some(verdict) => {
                            agent.end().await;
                            return Ended::Trial(verdict);
                        }
                    }
                }
            }
        };
        let words = agent.last_words().await;
        let (status, words) = match status {
            Ok(status) => (status, words),
            Err(error) => (ExitStatus::default(), error.to_string()),
        };
        // It may have told that it works, and ended before that was seen.
        self.settle(&mut trial, versions);
        match trial {
            Some(_) if own_code(status) != Some(START_ANEW) => Ended::Trial(Verdict::Bad {
                reason: format!(
                    "it ended before it reported that it works ({status}) {}",
                    last_line(&words)
                ),
            }),
            Some(_) | None => Ended::Itself { status, words },
        }
    }

    /// What has become of the trial by now. One that went well is noted, and over.
    fn settle(&self, trial: &mut Option<Trial>, versions: &Versions) -> Option<Verdict> {
        let now = Utc::now();
        let verdict = trial.as_ref()?.watched.verdict(now)?;
        if verdict != Verdict::Healthy {
            return Some(verdict);
        }
        // When it cannot be noted, the disk is full: it is looked at again, and goes on running meanwhile.
        if versions.end_trial(&verdict, now).is_ok()
            && let Some(trial) = trial.take()
        {
            let version = trial.version.to_string();
            (self.tell)(&Notice::Updated { version });
        }
        None
    }

    /// Notes that the version on trial is not used. When that cannot be noted, its next start counts as another try.
    fn trial_failed(&self, versions: &Versions, chosen: &Chosen, verdict: &Verdict) {
        let version = chosen
            .version
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let words = match verdict {
            Verdict::Healthy => return,
            Verdict::Bad { reason } => {
                format!("Version {version} was tried, and the one before runs again: {reason}.")
            }
            Verdict::Undecided { reason, .. } => {
                format!("Version {version} was tried, and is tried again later: {reason}.")
            }
        };
        (self.tell)(&Notice::Update { words });
        if let Err(error) = versions.end_trial(verdict, Utc::now()) {
            let words = format!("The plan of updates cannot be written ({error}); check the disk.");
            (self.tell)(&Notice::Update { words });
        }
    }

    /// A version that fails again and again, soon after it was tried, leaves for the one before; true when it did.
    fn step_back(
        &self,
        versions: &Versions,
        chosen: &Chosen,
        failures: usize,
        words: &str,
    ) -> bool {
        let Some(version) = chosen.version.as_ref().filter(|_| failures >= FAILURES) else {
            return false;
        };
        let reason = format!("it failed {FAILURES} times in a row: {}", last_line(words));
        let left = versions.step_back(version, &reason, Utc::now());
        let left = left.unwrap_or(false);
        if left {
            let words =
                format!("The agent's version {version} is left for the one before: {reason}.");
            (self.tell)(&Notice::Update { words });
        }
        left
    }

    /// Returns when the configuration changed, or after a minute, because what it names may have been mended as well.
    async fn wait_for_mending(&self, before: Option<Fingerprint>, stop: &CancellationToken) {
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
            aloud(&format!(
                "the state of the service could not be kept: {error}"
            ));
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

/// Whether a failure is told: the first ones in a row, and then about one an hour, so that the event log keeps room for
/// others.
fn is_told(failures: usize) -> bool {
    failures <= PAUSES.len() || failures.is_multiple_of(60)
}

async fn pause(failures: usize, stop: &CancellationToken) {
    let index = failures.clamp(1, PAUSES.len()) - 1;
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(Duration::from_secs(PAUSES[index])) => {}
    }
}

/// The exit code, where it can be one of ours.
fn own_code(status: ExitStatus) -> Option<u8> {
    status.code().and_then(|code| u8::try_from(code).ok())
}

fn last_line(words: &str) -> &str {
    words.trim_end().lines().next_back().unwrap_or_default()
}
