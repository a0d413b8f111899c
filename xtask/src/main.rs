//! `cargo xtask demo | test | bench | dist`: sets up what is needed, builds, and runs. Few dependencies, so that it starts at
//! once; what needs more lives in the binary `fluxion-demo` of `tests/`.

mod build;
mod dashboard;
mod dist;
mod packages;
mod step;
mod suite;

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use packages::Need;
use step::Steps;

const HELP: &str = "\
cargo xtask <command>

  demo [options]    build everything and run a chain of five stores with live POS systems
                    --check      let it run, stop the stores, compare every record with the cloud, exit 0 or 1
                    --postgres   keep the cloud's data in a private PostgreSQL instead of SQLite
                    --kill       also kill agents and the cloud at random moments while they sync
                    --data-dir   where the demo keeps its files (default ./demo-data)
                    --port       where the dashboard listens (default 8080)
                    --seconds    how long --check lets the stores sell (default 60)
                    --seed       which chain of events (default 42)
  test              everything CI runs: formats, lints, docs, dashboard, all tests, the browser
  test connectors   every connector, every way of noticing changes, every pack's fixture, with real servers
  test windows      the program and installers for Windows, under Wine: service, faults, upgrade, uninstall
  bench load        full load of 200,000 products and 300,000 sales against the raw pipe
                    --scale 0.1  a tenth of it      --rounds N  how often (default 3)
  bench agent       what the agent takes of a store PC: memory, processor, start, size, bytes for a changed row
                    --scale 0.25 share of the full load      --idle 30  seconds of rest that are measured
  bench latency     from a change at the POS to the agent's spool, for each way of noticing changes at once
                    --changes 300  how many are timed      --only binlog  only ways of that name
  dist              what stores and operators get, in target/shipped: agent and installer for Windows (7 SP1 and newer);
                    agent, its Debian package and ingest for Linux; bills of materials; SHA256SUMS
  dist windows      only that for Windows
  dist linux        only that for Linux
                    --check          also installs, upgrades and purges the package in a throwaway copy of this system
                    --version 1.4.0  what it calls itself (default: that of Cargo.toml)
                    --key FILE       public minisign key; without one the agent takes no updates
  help              this text

Missing packages are installed with apt-get when run as root on Debian or Ubuntu; otherwise they are named.
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    env::set_current_dir(build::workspace())?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(ExitCode::FAILURE);
    };
    match command.as_str() {
        "demo" => demo(rest),
        "test" => suite::run(rest),
        "bench" => bench(rest),
        "dist" => dist::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("{other:?} is not a command of xtask; cargo xtask help lists them"),
    }
}

fn demo(arguments: &[String]) -> Result<ExitCode> {
    let mut steps = Steps::new();
    let mut needs = vec![Need::Compiler, Need::Odbc, Need::MariaDb];
    if arguments.iter().any(|argument| argument == "--postgres") {
        needs.push(Need::PostgreSql);
    }
    packages::ensure(&mut steps, &needs)?;
    build::release_with_dashboard(&mut steps)?;
    hand_over(
        Command::new("target/release/fluxion-demo")
            .arg("run")
            .args(arguments),
    )
}

fn bench(arguments: &[String]) -> Result<ExitCode> {
    let mut steps = Steps::new();
    packages::ensure(
        &mut steps,
        &[Need::Compiler, Need::Odbc, Need::MariaDb, Need::PostgreSql],
    )?;
    build::release(&mut steps)?;
    let mut bench = Command::new("target/release/fluxion-demo");
    bench.arg("bench").args(arguments);
    // What the agent takes of a store PC is asked of the one that is shipped there.
    if arguments.first().is_some_and(|what| what == "agent")
        && !arguments.iter().any(|a| a == "--agent")
    {
        bench.arg("--agent").arg(build::shipped_agent(&mut steps)?);
    }
    hand_over(&mut bench)
}

/// Becomes the program, so that Ctrl-C and its exit code are its own.
fn hand_over(command: &mut Command) -> Result<ExitCode> {
    let error = command.exec();
    Err(error).with_context(|| format!("could not start {}", command.get_program().display()))
}
