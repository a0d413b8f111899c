//! Log files, one each day, bounded in number and in size. An agent that fails in a loop must not fill the disk of a till
//! with words.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use fluxion_connectors::held::patiently;

const PREFIX: &str = "fluxion-agent.";
const SUFFIX: &str = ".log";

/// Writes to the file of the day, and begins another when that is large.
#[derive(Debug)]
pub(super) struct RollingLog {
    folder: PathBuf,
    keep_days: usize,
    /// All files together may have so much.
    most: u64,
    day: NaiveDate,
    file: File,
    written: u64,
}

impl RollingLog {
    /// Opens the file of the day, and removes what is too old or too much.
    pub fn open(folder: &Path, keep_days: u16, most: u64) -> io::Result<Self> {
        let day = today();
        let (file, written) = open(folder, day)?;
        let log = Self {
            folder: folder.to_owned(),
            keep_days: usize::from(keep_days.max(1)),
            most,
            day,
            file,
            written,
        };
        log.prune();
        Ok(log)
    }

    /// One file has a quarter of it, so that there is always something left to read when another has begun.
    fn part(&self) -> u64 {
        (self.most / 4).max(1)
    }

    fn roll(&mut self) -> io::Result<()> {
        let day = today();
        if day == self.day {
            let full = self.folder.join(name(day, None));
            let mut free = (1..).map(|part| self.folder.join(name(day, Some(part))));
            let aside = free.find(|aside| !aside.exists()).unwrap_or_default();
            if patiently(|| fs::rename(&full, &aside)).is_err() {
                // Somebody may be reading it. The words to come are worth more than its size; it is tried again a part later.
                self.written = 0;
                return Ok(());
            }
        }
        self.day = day;
        (self.file, self.written) = open(&self.folder, day)?;
        self.prune();
        Ok(())
    }

    /// Removes the oldest files beyond the days and the size. What cannot be removed now is tried again with the next file.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<(String, u64, std::time::SystemTime)> = entries
            .flatten()
            .filter_map(|entry| {
                let file = entry.metadata().ok()?;
                let name = entry
                    .file_name()
                    .to_str()
                    .filter(|name| is_ours(name))?
                    .to_owned();
                Some((name, file.len(), file.modified().ok()?))
            })
            .collect();
        files.sort_by(|a, b| (b.2, &b.0).cmp(&(a.2, &a.0)));
        let current = name(self.day, None);
        let mut days: Vec<String> = Vec::new();
        // The file of the day may still grow by a part.
        let mut total = self.part();
        for (name, size, _) in files.iter().filter(|(name, ..)| *name != current) {
            let day = day_of(name).to_owned();
            if !days.contains(&day) {
                days.push(day);
            }
            total += size;
            if days.len() > self.keep_days || total > self.most {
                // Nowhere to say it: this is where things are said.
                fs::remove_file(self.folder.join(name)).unwrap_or(());
            }
        }
    }
}

impl Write for RollingLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.written >= self.part() || today() != self.day {
            self.roll()?;
        }
        let written = self.file.write(line)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn today() -> NaiveDate {
    chrono::Utc::now().date_naive()
}

fn open(folder: &Path, day: NaiveDate) -> io::Result<(File, u64)> {
    let path = folder.join(name(day, None));
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

/// `fluxion-agent.2026-11-21.log` is written; `fluxion-agent.2026-11-21.2.log` was full.
fn name(day: NaiveDate, part: Option<u32>) -> String {
    match part {
        None => format!("{PREFIX}{day}{SUFFIX}"),
        Some(part) => format!("{PREFIX}{day}.{part}{SUFFIX}"),
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && Path::new(name).extension() == Some(OsStr::new("log"))
}

fn day_of(name: &str) -> &str {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    rest.split('.').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(folder: &Path) -> u64 {
        let files = fs::read_dir(folder).unwrap().flatten();
        files.map(|file| file.metadata().unwrap().len()).sum()
    }

    #[test]
    fn an_agent_that_talks_without_end_keeps_within_its_size_and_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = RollingLog::open(dir.path(), 14, 40_000).unwrap();
        for number in 0..10_000 {
            writeln!(log, "it failed again, for the {number}th time").unwrap();
            assert!(size(dir.path()) <= 41_000, "{}", size(dir.path()));
        }
        log.flush().unwrap();
        assert!(size(dir.path()) > 20_000, "what led to it is still there");
        let newest = fs::read_to_string(dir.path().join(name(today(), None))).unwrap();
        assert!(newest.contains("the 9999th time"), "{newest}");
    }

    #[test]
    fn a_crash_loop_does_not_begin_at_nothing_with_each_start() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..200 {
            let mut log = RollingLog::open(dir.path(), 14, 40_000).unwrap();
            log.write_all(&[b'x'; 1_000]).unwrap();
        }
        assert!(size(dir.path()) <= 41_000, "{}", size(dir.path()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_put_aside_is_written_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = RollingLog::open(dir.path(), 14, 4_000).unwrap();
        let full = dir.path().join(name(today(), None));
        log.write_all(&[b'x'; 2_000]).unwrap();
        // Its name is gone, so it cannot be renamed.
        let held = fs::File::open(&full).unwrap();
        fs::remove_file(&full).unwrap();
        log.write_all(b"what came then").unwrap();
        assert_eq!(held.metadata().unwrap().len(), 2_014);
    }

    #[test]
    fn old_days_go_and_files_of_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        for day in 1..=9 {
            let path = dir.path().join(format!("fluxion-agent.2026-01-0{day}.log"));
            fs::write(&path, "old").unwrap();
            let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(86_400 * day);
            File::open(&path).unwrap().set_modified(when).unwrap();
        }
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        drop(RollingLog::open(dir.path(), 3, 1_000_000).unwrap());
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("2026-01"))
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "fluxion-agent.2026-01-07.log",
                "fluxion-agent.2026-01-08.log",
                "fluxion-agent.2026-01-09.log"
            ]
        );
        assert!(dir.path().join("notes.txt").exists());
    }
}
