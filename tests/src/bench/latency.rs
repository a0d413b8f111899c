//! `fluxion-demo bench latency`: how long after a change at the POS it is in the agent's spool, for each way of noticing
//! changes at once.
//!
//! The agent is the real binary with its real cloud; its spool is watched from outside, by a second, reading connection to
//! the file. Time runs from before the change is sent to the POS's database, so the database's own commit is part of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::tills::{Contender, contenders};
use crate::demo::api::Api;
use crate::demo::chain::{Agent, Cloud, EMAIL, PASSWORD};
use crate::demo::narrate::Narrator;
use crate::demo::table::Table;
use crate::servers::process::free_port;
use crate::sim::random::Random;

/// Products of the small shop.
pub(super) const PRODUCTS: i64 = 500;

/// The stream of every contender's mapping.
const STREAM: &str = "products";

/// What p99 must stay below.
const BAR: Duration = Duration::from_secs(1);

/// How often the spool is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A change that takes longer than this is lost.
const LOST: Duration = Duration::from_secs(30);

/// What `bench latency` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How many changes are timed for each way of noticing them.
    #[arg(long, default_value_t = 300)]
    pub changes: usize,
    /// Longest pause between two changes, milliseconds; each is drawn anew.
    #[arg(long, default_value_t = 600)]
    pub pause: i64,
    /// Only ways whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
    /// Which series of changes and pauses.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// Runs the bench and prints its table. False when a way does not reach the bar.
///
/// # Errors
/// When something fails, or a change never arrives.
pub async fn run(options: Options) -> Result<bool> {
    ensure!(options.changes > 0, "--changes must be at least 1");
    let narrator = Narrator::new();
    let mut table = Table::new(1, &["noticed by", "changes", "p50 ms", "p99 ms", "max ms"]);
    let mut good = true;
    let wanted = |name: &str| {
        options
            .only
            .as_deref()
            .is_none_or(|only| name.contains(only))
    };
    for contender in contenders(wanted)? {
        let times = measure(&contender, &options, narrator)
            .await
            .with_context(|| format!("measuring {}", contender.name))?;
        let (p50, p99, max) = (
            percentile(&times, 50),
            percentile(&times, 99),
            percentile(&times, 100),
        );
        narrator.say(format!("{}: p99 {} ms", contender.name, p99.as_millis()));
        good &= p99 < BAR;
        let millis = |time: Duration| format!("{:.0}", time.as_secs_f64() * 1000.0);
        table.row([
            contender.name.to_owned(),
            times.len().to_string(),
            millis(p50),
            millis(p99),
            millis(max),
        ]);
    }
    println!(
        "\nFrom the change at the POS to the agent's spool; p99 must be under {} ms\n\n{table}",
        BAR.as_millis()
    );
    Ok(good)
}

/// One way: a cloud, an agent, and so many changes one after the other.
async fn measure(
    contender: &Contender,
    options: &Options,
    narrator: Narrator,
) -> Result<Vec<Duration>> {
    let folder = tempfile::Builder::new()
        .prefix("fluxion-latency-")
        .tempdir()
        .context("could not create a temporary folder")?;
    let folder = folder.path();
    let mut cloud = Cloud::new(folder, free_port()?, None)?;
    cloud.start()?;
    let api = Api::log_in(&cloud.url, EMAIL, PASSWORD).await?;
    std::fs::write(folder.join("mapping.toml"), &contender.mapping)?;
    let mut agent = Agent::install(
        &api,
        &cloud.url,
        folder,
        "Bench",
        "Caracas",
        &contender.section,
    )
    .await?;
    contender.prepare(&agent)?;
    agent.start()?;
    let logs = || format!("the agent's log says:\n{}", tail(&folder.join("agent.log")));
    let spool = Spool::wait(&folder.join("agent").join("spool.db"), || contender.count())
        .await
        .with_context(logs)?;
    narrator.say(format!("{}: the first load is over", contender.name));

    let mut random = Random::new(options.seed).branch(contender.name);
    let mut till = contender.till()?;
    let mut times = Vec::with_capacity(options.changes);
    for number in 0..options.changes {
        let pause = random.between(0, options.pause.max(1));
        tokio::time::sleep(Duration::from_millis(u64::try_from(pause).unwrap_or(0))).await;
        let product = random.between(1, PRODUCTS);
        let before = spool.state(product)?;
        let begun = Instant::now();
        // A price that this product never had.
        till.change(product, 1_000 + i64::try_from(number)?)?;
        loop {
            if spool.state(product)? != before {
                break;
            }
            if begun.elapsed() > LOST {
                bail!(
                    "change {number} did not arrive within {} s; {}",
                    LOST.as_secs(),
                    logs()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
        times.push(begun.elapsed());
    }
    agent.stop();
    cloud.stop();
    times.sort_unstable();
    Ok(times)
}

/// The agent's spool, read beside it.
struct Spool {
    db: Connection,
}

impl Spool {
    /// Once the first load is over.
    async fn wait(path: &Path, rows: impl Fn() -> Result<i64>) -> Result<Self> {
        let wanted = rows()?;
        let begun = Instant::now();
        loop {
            if let Some(spool) = Self::open(path)
                && spool.is_loaded(wanted)?
            {
                return Ok(spool);
            }
            ensure!(
                begun.elapsed() < Duration::from_secs(60),
                "the first load did not end within a minute"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn open(path: &Path) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = path
            .is_file()
            .then(|| Connection::open_with_flags(path, flags).ok())??;
        db.busy_timeout(Duration::from_secs(2)).ok()?;
        Some(Self { db })
    }

    fn is_loaded(&self, wanted: i64) -> Result<bool> {
        let sql = "SELECT COUNT(*), MAX(s.scan) FROM streams s JOIN rows r ON r.stream = s.id WHERE s.stream = ?1";
        let found = self.db.query_row(sql, params![STREAM], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        });
        match found {
            Ok((rows, scan)) => Ok(rows == wanted && scan == Some(0)),
            // The tables are not there yet.
            Err(rusqlite::Error::SqliteFailure(..)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What the spool knows of a product: another value once a change of it is committed.
    fn state(&self, product: i64) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT r.state FROM streams s JOIN rows r ON r.stream = s.id WHERE s.stream = ?1 AND r.key = ?2";
        let mut statement = self.db.prepare_cached(sql)?;
        let state = statement.query_row(params![STREAM, product.to_string()], |row| row.get(0));
        Ok(state.optional()?)
    }
}

fn tail(path: &PathBuf) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Of sorted times: the smallest that so many of a hundred do not exceed.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    let rank = (times.len() * percent).div_ceil(100);
    times[rank.clamp(1, times.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times, 100), Duration::from_millis(200));
        assert_eq!(percentile(&times[..1], 99), Duration::from_millis(1));
    }
}
