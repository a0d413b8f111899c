//! Which files are there, and which of them are complete.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use fluxion_model::pattern::Pattern;
use fluxion_model::stream::FileSource;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::config::FilesConfig;
use super::filing::{REPORT_ENDING, ROWS_ENDING};
use super::table::Broken;

/// How soon to ask again when the system tells of changes.
const GLANCE: Duration = Duration::from_secs(1);

/// Looks into the folder for one stream.
#[derive(Debug)]
pub(super) struct Inbox {
    config: Arc<FilesConfig>,
    pattern: Pattern,
    done_marker: Option<String>,
    seen: HashMap<PathBuf, Seen>,
    /// Tells of changes where the system can; else the folder is looked at by the clock alone.
    watcher: Option<RecommendedWatcher>,
    has_changed: Arc<AtomicBool>,
    looked: Option<Instant>,
}

/// A file as it looked last.
#[derive(Debug)]
struct Seen {
    size: u64,
    modified: Option<SystemTime>,
    /// Unchanged since then.
    since: Instant,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    New,
    /// It was tried and could not be read.
    Broken(Broken),
    /// It is dealt with and only stays because it must not be moved.
    Done,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Found {
    Complete(PathBuf),
    /// It stayed unreadable for too long.
    Hopeless(PathBuf, Broken),
    /// Nothing before then.
    Wait(Duration),
}

impl Inbox {
    pub fn new(config: Arc<FilesConfig>, source: FileSource) -> Self {
        let has_changed = Arc::new(AtomicBool::new(true));
        let flag = has_changed.clone();
        let watcher = notify::recommended_watcher(move |_| flag.store(true, Ordering::Relaxed));
        let watcher = watcher.and_then(|mut watcher| {
            watcher.watch(&config.folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = watcher
            .inspect_err(
                |error| tracing::debug!(%error, "the folder is looked at by the clock alone"),
            )
            .ok();
        Self {
            config,
            pattern: Pattern::new(&source.pattern),
            done_marker: source.done_marker,
            seen: HashMap::new(),
            watcher,
            has_changed,
            looked: None,
        }
    }

    /// The oldest file that is ready.
    pub fn next(&mut self) -> io::Result<Found> {
        let is_due = self
            .looked
            .is_none_or(|looked| looked.elapsed() >= self.config.poll());
        let is_quiet = self.seen.values().all(|seen| seen.state == State::Done);
        if !self.has_changed.swap(false, Ordering::Relaxed)
            && !is_due
            && is_quiet
            && self.watcher.is_some()
        {
            return Ok(Found::Wait(self.rest()));
        }
        let files = self.list()?;
        self.looked = Some(Instant::now());
        let mut wait = self.rest();
        for path in files {
            let Some(seen) = self.seen.get(&path) else {
                continue;
            };
            let age = seen.since.elapsed();
            let needed = match &seen.state {
                State::Done => continue,
                State::Broken(reason) if age >= self.config.give_up() => {
                    return Ok(Found::Hopeless(path, reason.clone()));
                }
                State::Broken(_) => self.config.give_up(),
                State::New => match &self.done_marker {
                    Some(marker) if marker_of(&path, marker).exists() => {
                        return Ok(Found::Complete(path));
                    }
                    // Without its marker it is incomplete, however long it rests.
                    Some(_) => continue,
                    None if age >= self.config.settle() => return Ok(Found::Complete(path)),
                    None => self.config.settle(),
                },
            };
            wait = wait.min(needed.saturating_sub(age));
        }
        Ok(Found::Wait(wait.max(Duration::from_millis(20))))
    }

    fn rest(&self) -> Duration {
        if self.watcher.is_some() {
            GLANCE.min(self.config.poll())
        } else {
            self.config.poll()
        }
    }

    /// Matching files, oldest first; what is gone is forgotten.
    fn list(&mut self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.config.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_marker = self
                .done_marker
                .as_ref()
                .is_some_and(|marker| name.ends_with(marker.as_str()));
            let is_hidden = name.starts_with('.') || name.starts_with("~$");
            if is_marker
                || is_hidden
                || name.ends_with(REPORT_ENDING)
                || name.ends_with(ROWS_ENDING)
                || !self.pattern.matches(&name)
            {
                continue;
            }
            // A file may go between listing and looking.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() {
                found.push((metadata.modified().ok(), entry.path(), metadata.len()));
            }
        }
        found.sort();
        let now = Instant::now();
        let mut before = std::mem::take(&mut self.seen);
        for (modified, path, size) in &found {
            let unchanged = before
                .remove(path)
                .filter(|seen| seen.size == *size && seen.modified == *modified);
            let seen = unchanged.unwrap_or(Seen {
                size: *size,
                modified: *modified,
                since: now,
                state: State::New,
            });
            self.seen.insert(path.clone(), seen);
        }
        Ok(found.into_iter().map(|(_, path, _)| path).collect())
    }

    /// It could not be read; it may become readable.
    pub fn broken(&mut self, path: &Path, reason: Broken) {
        self.become_(path, State::Broken(reason));
    }

    /// It is dealt with.
    pub fn done(&mut self, path: &Path) {
        self.become_(path, State::Done);
    }

    fn become_(&mut self, path: &Path, state: State) {
        if let Some(seen) = self.seen.get_mut(path) {
            seen.state = state;
        }
    }

    /// The marker that came with a file.
    pub fn marker(&self, path: &Path) -> Option<PathBuf> {
        self.done_marker
            .as_ref()
            .map(|marker| marker_of(path, marker))
    }
}

fn marker_of(path: &Path, marker: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(marker);
    name.into()
}
