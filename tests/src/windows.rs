//! `fluxion-demo windows`: what a technician and an installer do at a store PC, played through under Wine with the
//! program that is shipped, against a real cloud, a real folder of exports and a real MariaDB.
//!
//! Every step asserts an effect: a process that is there, a file, a row in the cloud. Exit codes prove nothing here,
//! because Wine answers some calls it does not carry out. What Wine cannot show is listed in `deploy/windows/README.md`.

mod installer;
mod service;
mod store;
mod update;
mod wine;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::demo::narrate::Narrator;
use store::Store;
use wine::Wine;

/// What is tried out.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The agent.
    #[arg(long)]
    pub agent: PathBuf,
    /// Its installer.
    #[arg(long)]
    pub installer: PathBuf,
    /// The installer of a newer version.
    #[arg(long)]
    pub newer_installer: PathBuf,
    /// That version's program.
    #[arg(long)]
    pub newer_agent: PathBuf,
    /// The newer version, as it reports itself.
    #[arg(long)]
    pub newer_version: String,
    /// The folder with the key that both believe, as `fluxion-demo release-key` made it.
    #[arg(long)]
    pub release_key: PathBuf,
    /// The unit tests of the Windows calls.
    #[arg(long)]
    pub unit_tests: PathBuf,
}

/// Counts what held and what did not.
struct Trial {
    narrator: Narrator,
    passed: u32,
    failed: u32,
}

impl Trial {
    /// Notes how a step ended, and goes on to the next.
    fn step(&mut self, name: &str, result: Result<()>) {
        match result {
            Ok(()) => {
                self.passed += 1;
                self.narrator.say(format!("ok      {name}"));
            }
            Err(error) => {
                self.failed += 1;
                self.narrator.say(format!("FAILED  {name}: {error:#}"));
            }
        }
    }
}

/// Plays it all through, and returns whether everything held.
///
/// # Errors
/// When the world around it cannot be made: no Wine, no cloud, no database.
pub async fn run(options: Options) -> Result<bool> {
    let mut trial = Trial {
        narrator: Narrator::new(),
        passed: 0,
        failed: 0,
    };
    let folder = tempfile::tempdir()?;
    trial.narrator.say("starting Wine, a cloud and a MariaDB");
    let wine = Wine::start(&folder.path().join("wine"))?;
    let mut store = Store::open(folder.path()).await?;

    trial.step(
        "the unit tests of the Windows calls pass",
        unit_tests(&wine, &options),
    );
    service::play(&mut trial, &wine, &mut store, &options).await;
    installer::play(&mut trial, &wine, &mut store, &options).await;

    println!("{} passed, {} failed", trial.passed, trial.failed);
    Ok(trial.failed == 0 && trial.passed > 0)
}

fn unit_tests(wine: &Wine, options: &Options) -> Result<()> {
    let said = wine.run(&options.unit_tests, &[])?;
    if !said.contains("test result: ok.") || said.contains(" 0 passed") {
        bail!("{said}");
    }
    Ok(())
}

/// Looks again and again until it holds; says what was seen last when it does not in time.
async fn until<F>(time: Duration, mut look: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let begun = Instant::now();
    loop {
        match look().await {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() > time => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    }
}
