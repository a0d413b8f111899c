//! The demo, the benches, and what the test runner needs around it. `cargo xtask` builds and calls this.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use fluxion_tests::release::ReleaseMaker;
use fluxion_tests::servers::{Durability, MariaDb, PostgreSql, mariadb, postgres};
use fluxion_tests::{bench, demo, windows};

/// A chain of five stores, live.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Start a cloud and five stores with live POS systems.
    Run(demo::Options),
    /// Start a cloud and one store, and run the browser test against them.
    Browser(demo::browser::Options),
    /// Play through under Wine what a technician and an installer do at a store PC.
    Windows(windows::Options),
    /// Print the public key in a folder, with which the releases of a test are signed; made when there is none.
    ReleaseKey {
        /// The folder.
        folder: PathBuf,
    },
    /// Measure.
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Start a private MariaDB and PostgreSQL and run a command that uses them, such as the test runner.
    Servers {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// A full load from MariaDB, against the raw pipe.
    Load(bench::Options),
    /// What the agent takes of a store PC: memory, processor, start, size, bytes for a changed row.
    Agent(bench::agent::Options),
    /// From a change at the POS to the agent's spool.
    Latency(bench::latency::Options),
}

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let good = match Cli::parse().command {
        What::Run(options) => runtime.block_on(demo::run(options))?,
        What::Browser(options) => runtime.block_on(demo::browser::run(options))?,
        What::ReleaseKey { folder } => {
            println!("{}", ReleaseMaker::kept(&folder)?.public_key());
            true
        }
        What::Windows(options) => runtime.block_on(windows::run(options))?,
        What::Bench {
            what: Bench::Load(options),
        } => runtime.block_on(bench::run(options))?,
        What::Bench {
            what: Bench::Agent(options),
        } => runtime.block_on(bench::agent::run(options))?,
        What::Bench {
            what: Bench::Latency(options),
        } => runtime.block_on(bench::latency::run(options))?,
        What::Servers { command } => return servers(&command),
    };
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn servers(command: &[String]) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command")?;
    let postgres = PostgreSql::start(Durability::Relaxed)?;
    let mariadb = MariaDb::start(Durability::Relaxed)?;
    let status = Command::new(program)
        .args(arguments)
        .env(postgres::SHARED_URL, postgres.admin_url())
        .env(mariadb::SHARED_URL, mariadb.admin_url())
        .status()
        .with_context(|| format!("could not start {program}"))?;
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}
