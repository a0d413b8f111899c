//! Where the agent's own words go: to a file each day, and to the screen while a person watches.

mod rolling;

use std::path::Path;

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogConfig;
use crate::redact::Hiding;
use rolling::RollingLog;

/// Whether log lines are also written to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Everything the level lets through.
    Everything,
    /// Warnings and errors, because progress is shown.
    Warnings,
}

/// Begins to log. The guard writes what is pending when it is dropped.
///
/// # Errors
/// When the level makes no sense or the folder cannot be written.
pub fn begin(config: &LogConfig, folder: &Path, screen: Screen) -> anyhow::Result<WorkerGuard> {
    let filter = EnvFilter::try_new(&config.level).with_context(|| {
        format!(
            "log.level = {:?} makes no sense\nhint: use error, warn, info, debug or trace",
            config.level
        )
    })?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let most = u64::from(config.max_mb.max(1)) * 1_000_000;
    let files = RollingLog::open(folder, config.keep_days, most)
        .with_context(|| format!("cannot write logs in {}", folder.display()))?;
    // Log lines wait here while the disk is slow; more than that are dropped rather than fill the memory.
    let (writer, guard) = tracing_appender::non_blocking::NonBlockingBuilder::default()
        .buffered_lines_limit(2_000)
        .finish(Hiding(files));
    let to_screen = match screen {
        Screen::Everything => EnvFilter::new(&config.level),
        Screen::Warnings => EnvFilter::new("warn"),
    };
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(writer)
                .with_filter(filter),
        )
        .with(
            tracing_subscriber::fmt::layer()
                .with_target(false)
                .with_writer(|| Hiding(std::io::stderr()))
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .with_filter(to_screen),
        )
        .try_init()
        .context("logging was begun twice")?;
    Ok(guard)
}
