//! What processes used, as the kernel counts it.

use std::fs;

/// CPU and memory of a process so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Seconds of CPU, its threads and its ended children included.
    pub cpu: f64,
    /// Most memory it ever had resident, bytes.
    pub peak: u64,
}

/// The kernel counts in hundredths of a second on every Linux we know.
const TICKS: f64 = 100.0;

impl Usage {
    /// Of this process, and of its children where it is a server that works through them.
    pub fn of(pid: Option<u32>) -> Self {
        let Some(pid) = pid else {
            return Self::default();
        };
        let children =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let cpu = children.split_whitespace().map(cpu).sum::<f64>() + cpu(&pid.to_string());
        Self {
            cpu,
            peak: peak(pid),
        }
    }

    /// CPU since an earlier look.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu - earlier.cpu,
            peak: self.peak,
        }
    }
}

/// Memory that a process has resident now, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Resident {
    /// All of it, its program's pages included, which the system may drop at any time.
    pub all: u64,
    /// What it allocated.
    pub own: u64,
}

impl Resident {
    /// Of this process.
    pub fn of(pid: u32) -> Self {
        Self {
            all: of_status(pid, "VmRSS:"),
            own: of_status(pid, "RssAnon:"),
        }
    }
}

/// Seconds that a process's threads have run, to the nanosecond, where the kernel counts it so finely.
pub fn ran(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let nanoseconds: u64 = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum();
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}

fn cpu(pid: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold blanks; what follows may not.
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return 0.0;
    };
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    ticks.iter().sum::<f64>() / TICKS
}

fn peak(pid: u32) -> u64 {
    of_status(pid, "VmHWM:")
}

fn of_status(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_memory() {
        assert!(Usage::of(Some(std::process::id())).peak > 1_000_000);
    }
}
