//! What is left when a part of the agent panics: a file beside the logs that says where, in which version, and by which
//! way it came there.
//!
//! The panic's own text is cut short and goes without secrets; nothing else of what the agent held at that moment is
//! written, because it may be rows of the POS.

use std::backtrace::Backtrace;
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

use chrono::Utc;

use crate::folder::{Readers, write_whole};
use crate::redact;

/// Every report's name begins so.
pub const PREFIX: &str = "crash-";
/// An agent that panics in a loop must not fill the disk.
const KEPT: usize = 20;
const LONGEST_TEXT: usize = 500;

/// From now on each panic leaves a report in this folder.
pub fn report_to(folder: &Path) {
    let folder = folder.to_owned();
    std::panic::set_hook(Box::new(move |panic| {
        let report = report(panic);
        let (path, place) = (file(&folder), place(panic));
        let written = write_whole(&path, report.as_bytes(), Readers::Folder);
        tracing::error!(report = %path.display(), "the agent panicked at {place}; the rest goes on");
        // Nobody may be reading standard error, and a panic in here would end the process.
        let told = match written {
            Ok(()) => writeln!(std::io::stderr(), "panicked at {place}: {}", path.display()),
            Err(error) => writeln!(std::io::stderr(), "panicked at {place}, not kept: {error}"),
        };
        drop(told);
        forget_old(&folder);
    }));
}

/// The reports of a folder, oldest first.
#[must_use]
pub fn reports(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = |name: &str| name.starts_with(PREFIX) && name.ends_with(".txt");
    let mut reports: Vec<_> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(ours))
        .map(|entry| entry.path())
        .collect();
    reports.sort();
    reports
}

fn report(panic: &PanicHookInfo<'_>) -> String {
    let said = panic.payload_as_str().unwrap_or("(no text)");
    let said: String = redact::hide(said).chars().take(LONGEST_TEXT).collect();
    let way = Backtrace::force_capture().to_string();
    format!(
        "fluxion-agent {} ({} {})\n{}\nthread {:?} panicked at {}\n{said}\n\n{}\n",
        crate::VERSION,
        std::env::consts::OS,
        std::env::consts::ARCH,
        Utc::now().to_rfc3339(),
        std::thread::current().name().unwrap_or("(no name)"),
        place(panic),
        redact::hide(&way),
    )
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(ToString::to_string);
    place.unwrap_or_else(|| "an unknown place".to_owned())
}

/// Two threads may panic in the same moment.
fn file(folder: &Path) -> PathBuf {
    let (now, process) = (Utc::now(), std::process::id());
    let thread = std::thread::current().id();
    let thread: String = format!("{thread:?}")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    folder.join(format!(
        "{PREFIX}{}-{process}-{thread}.txt",
        now.format("%Y%m%dT%H%M%S%3fZ")
    ))
}

fn forget_old(folder: &Path) {
    let reports = reports(folder);
    for old in reports.iter().rev().skip(KEPT) {
        if let Err(error) = std::fs::remove_file(old) {
            tracing::debug!(%error, "an old crash report could not be deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_leaves_where_and_which_version_and_no_secret_and_old_reports_go() {
        let folder = tempfile::tempdir().unwrap();
        redact::remember("la clave del servidor");
        report_to(folder.path());
        for number in 0..=KEPT {
            let thrown = std::thread::spawn(move || {
                panic!(
                    "{number}: login with la clave del servidor {}",
                    "x".repeat(2_000)
                )
            });
            assert!(thrown.join().is_err());
        }
        drop(std::panic::take_hook());
        let reports = reports(folder.path());
        assert_eq!(reports.len(), KEPT);
        let last = std::fs::read_to_string(&reports[KEPT - 1]).unwrap();
        for expected in [crate::VERSION, "crash.rs:", "20: login with ***"] {
            assert!(last.contains(expected), "{expected}: {last}");
        }
        assert!(
            !last.contains("clave") && !last.contains(&"x".repeat(600)),
            "{last}"
        );
    }
}
