//! Lets the till go first: the agent takes the processor and the disk when nobody else wants them.

use crate::config::Priority;

/// As `nice` counts. On Linux the disk follows: with this, its scheduler puts the agent near the end of the ordinary ones.
#[cfg(unix)]
const NICE: i32 = 10;

/// Sets what the configuration says, for this process. To be called before any thread is started, because on Linux threads
/// take it from the one that starts them.
///
/// # Errors
/// When the system refuses. The agent works all the same.
pub fn begin(priority: Priority) -> std::io::Result<()> {
    match priority {
        Priority::BelowNormal => below_normal(),
        Priority::Normal => Ok(()),
    }
}

#[cfg(windows)]
fn below_normal() -> std::io::Result<()> {
    fluxion_system::priority::below_normal()
}

#[cfg(unix)]
fn below_normal() -> std::io::Result<()> {
    use rustix::process::{getpriority_process, setpriority_process};
    // Whoever started it lower knows why, and only an administrator may raise it again.
    if getpriority_process(None)? < NICE {
        setpriority_process(None, NICE)?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn threads_started_afterwards_come_behind_others() {
        let nice = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let (_, fields) = stat.rsplit_once(')').unwrap();
            fields
                .split_whitespace()
                .nth(16)
                .unwrap()
                .parse::<i32>()
                .unwrap()
        };
        let found = std::thread::spawn(move || {
            begin(Priority::BelowNormal).unwrap();
            std::thread::spawn(nice).join().unwrap()
        });
        assert!(found.join().unwrap() >= NICE);
    }
}
