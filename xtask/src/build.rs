//! Builds the binaries.

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Result, anyhow};

use crate::dashboard;
use crate::step::{self, Steps, say};

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    // This crate stands directly in it.
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}

/// `cargo`, with these arguments.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    command
}

/// Agent, ingest and the demo, optimised. One invocation, so that their dependencies are built once.
fn release_build() -> Command {
    cargo(&[
        "build",
        "--release",
        "-p",
        "fluxion-agent",
        "-p",
        "fluxion-ingest",
        "-p",
        "fluxion-tests",
    ])
}

/// Builds the binaries as they are, with whatever dashboard is there.
pub fn release(steps: &mut Steps) -> Result<()> {
    steps.run(
        "build agent, ingest and bench (cargo, release)",
        &mut release_build(),
    )
}

/// Builds the agent as stores get it, and returns where it is.
pub fn shipped_agent(steps: &mut Steps) -> Result<&'static str> {
    steps.run(
        "build the agent as it is shipped (cargo; takes some minutes)",
        &mut cargo(&["build", "--profile", "dist", "-p", "fluxion-agent"]),
    )?;
    Ok("target/dist/fluxion-agent")
}

/// Builds the dashboard beside the binaries, and then once more the one binary that embeds it if it came too late.
pub fn release_with_dashboard(steps: &mut Steps) -> Result<()> {
    steps.take(
        "build agent, ingest and demo (cargo, release) and the dashboard (npm)",
        || {
            let beside = thread::spawn(dashboard::build);
            let built = step::run(&mut release_build());
            let dashboard = beside
                .join()
                .map_err(|_| anyhow!("the dashboard's build panicked"))?;
            if let Err(error) = dashboard {
                say(&format!(
                    "the dashboard could not be built and is left out: {error:#}"
                ));
            }
            built
        },
    )?;
    steps.run("embed the dashboard", &mut release_build())
}
