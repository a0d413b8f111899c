//! The service process, as a service manager starts it: it keeps the agent running, and neither outlives the other.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Starting a process on a busy machine takes its time.
const SOON: Duration = Duration::from_secs(30);

struct Service {
    folder: tempfile::TempDir,
    process: Child,
}

impl Service {
    fn start(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("fluxion-agent.toml");
        std::fs::write(&config, configuration).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_fluxion-agent"))
            .arg("--config")
            .arg(&config)
            .arg("--data-dir")
            .arg(folder.path().join("datos"))
            .arg("service")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { folder, process }
    }

    fn configure(&self, configuration: &str) {
        std::fs::write(self.folder.path().join("fluxion-agent.toml"), configuration).unwrap();
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("datos").join(name)
    }

    /// The agent's process, once it says how it is, and another than `before`.
    fn agent(&self, before: Option<u64>) -> u64 {
        let file = self.data("state.json");
        until("an agent is at work", || {
            let pid = json(&file)?["pid"].as_u64()?;
            (Some(pid) != before && is_alive(pid)).then_some(pid)
        })
    }

    fn problem(&self) -> String {
        let file = self.data("service.json");
        until("the service says what is wrong", || {
            Some(json(&file)?["problem"].as_str()?.to_owned())
        })
    }

    fn signal(pid: u64, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &pid.to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn own(&self) -> u64 {
        u64::from(self.process.id())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Whether a process runs; one that has ended and was not waited for does not.
fn is_alive(pid: u64) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < SOON, "never seen: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Nobody listens there; the agent works all the same.
const GOOD: &str = "server = \"http://127.0.0.1:9\"\n";

#[test]
fn stopping_the_service_stops_the_agent_within_seconds_and_closes_the_spool() {
    let mut service = Service::start(GOOD);
    let agent = service.agent(None);
    let begun = Instant::now();
    Service::signal(service.own(), "-TERM");
    let status = service.process.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!is_alive(agent));
    assert!(
        !service.data("spool.db-wal").exists(),
        "the spool was not closed"
    );
}

#[test]
fn an_agent_that_is_killed_is_started_again() {
    let service = Service::start(GOOD);
    let first = service.agent(None);
    Service::signal(first, "-KILL");
    let second = service.agent(Some(first));
    assert_ne!(first, second);
    let state = json(&service.data("service.json")).unwrap();
    assert_eq!(state["restarts"], 1, "{state}");
}

#[test]
fn an_agent_whose_service_is_killed_ends_by_itself() {
    let mut service = Service::start(GOOD);
    let agent = service.agent(None);
    service.process.kill().unwrap();
    service.process.wait().unwrap();
    until("the agent has ended", || (!is_alive(agent)).then_some(()));
}

#[test]
fn a_bad_configuration_is_told_and_taken_up_once_it_is_mended() {
    let service = Service::start("servidor = \"http://127.0.0.1:9\"\n");
    let problem = service.problem();
    assert!(
        problem.contains("`servidor`") && problem.contains("line 1"),
        "{problem}"
    );
    assert!(is_alive(service.own()), "the service gave up");
    service.configure(GOOD);
    service.agent(None);
    until("nothing is wrong any more", || {
        json(&service.data("service.json"))?["problem"]
            .is_null()
            .then_some(())
    });
}

#[test]
fn a_changed_configuration_is_taken_up_and_a_bad_one_is_not() {
    let service = Service::start(GOOD);
    let first = service.agent(None);
    service.configure("servidor = \"http://127.0.0.1:9\"\n");
    let log = service.data("logs");
    until("the agent says that it is bad", || {
        let files = std::fs::read_dir(&log).ok()?.flatten();
        let mut texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts
            .any(|text| text.contains("the old one stays in force"))
            .then_some(())
    });
    assert!(is_alive(first), "the agent did not go on with the old one");
    service.configure("server = \"http://127.0.0.1:9\"\n[spool]\nmax_size_mb = 7\n");
    service.agent(Some(first));
}
