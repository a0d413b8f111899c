//! The agent, the computer it stands on, and its folder.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Local, SecondsFormat, Utc};

use super::Places;
use crate::folder::DataFolder;

/// Variables that decide how the agent reaches the cloud or finds its files.
const VARIABLES: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "FLUXION_AGENT_CONFIG",
    "FLUXION_AGENT_DATA",
    "LANG",
    "TZ",
];

pub(super) fn describe(places: &Places, secrets: &[String]) -> String {
    let mut lines = Vec::new();
    let mut line = |label: &str, value: String| lines.push(format!("{label}: {value}"));
    line("agent", crate::VERSION.to_owned());
    line(
        "made at",
        format!(
            "{} ({})",
            Utc::now().to_rfc3339(),
            Local::now().to_rfc3339()
        ),
    );
    line(
        "system",
        format!("{}, {}", system(), std::env::consts::ARCH),
    );
    let processors = std::thread::available_parallelism();
    line(
        "processors",
        processors.map_or_else(|_| "?".to_owned(), |n| n.to_string()),
    );
    if let Ok(program) = std::env::current_exe() {
        line("program", program.display().to_string());
    }
    line("configuration", places.config.display().to_string());
    line("data folder", places.data.display().to_string());
    if let Ok(folder) = DataFolder::open(&places.data) {
        let free = folder.free_bytes();
        line(
            "free on its disk",
            free.map_or_else(|| "?".to_owned(), |free| format!("{free} bytes")),
        );
        let running = folder.try_lock().map(|lock| lock.is_none());
        line(
            "an agent is at work there",
            running.map_or_else(|error| format!("{error:#}"), |yes| yes.to_string()),
        );
        match folder.identity() {
            Ok(Some(identity)) => line(
                "enrolled",
                format!(
                    "agent {} in {:?} of {:?} at {}",
                    identity.agent_id, identity.store_name, identity.tenant_name, identity.server
                ),
            ),
            Ok(None) => line("enrolled", "no".to_owned()),
            Err(error) => line("enrolled", format!("{error:#}")),
        }
    }
    line("names of kept secrets", secrets.join(", "));
    for name in VARIABLES {
        if let Ok(value) = std::env::var(name) {
            line(name, value);
        }
    }
    let mut text = lines.join("\n");
    text.push_str("\n\nfiles of the data folder:\n");
    list(&mut text, &places.data, 0);
    text
}

/// Names, sizes and times; not what is in them.
fn list(out: &mut String, folder: &Path, depth: usize) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries.flatten(),
        Err(error) => {
            writeln!(out, "  {}: {error}", folder.display()).unwrap_or_default();
            return;
        }
    };
    let mut entries: Vec<_> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    // A folder of requests or reports that somebody never emptied.
    for path in entries.iter().take(200) {
        let about = std::fs::metadata(path);
        let changed = about.as_ref().ok().and_then(|about| about.modified().ok());
        let changed = changed.map_or_else(String::new, |at| {
            DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Secs, true)
        });
        let size = about.as_ref().map_or(0, std::fs::Metadata::len);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(out, "  {:depth$}{name}  {size}  {changed}", "").unwrap_or_default();
        if about.is_ok_and(|about| about.is_dir()) && depth < 4 {
            list(out, path, depth + 2);
        }
    }
}

#[cfg(unix)]
fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or(std::env::consts::OS);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{}, kernel {}", name.trim_matches('"'), kernel.trim())
}

#[cfg(windows)]
fn system() -> String {
    const KEY: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    let Ok(key) = windows_registry::LOCAL_MACHINE.open(KEY) else {
        return "Windows".to_owned();
    };
    let text = |name| key.get_string(name).unwrap_or_default();
    let (name, service_pack) = (text("ProductName"), text("CSDVersion"));
    format!("{name} {service_pack} build {}", text("CurrentBuild"))
}
