//! `fluxion-demo bench agent`: what the agent takes of an old computer at the till, each figure beside its bar.
//!
//! The agent is the shipped program with a real MariaDB and a real cloud; everything is read from outside, as the kernel and
//! the cloud count it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::data;
use super::load::{STREAMS, median, mib, section, until_loaded, wire_bytes};
use super::measure::{Resident, Usage, ran};
use crate::demo::api::Api;
use crate::demo::chain::{Agent, Cloud, EMAIL, PASSWORD};
use crate::demo::narrate::{Narrator, thousands};
use crate::demo::table::Table;
use crate::servers::process::free_port;
use crate::servers::{Durability, MariaDb};

const DATABASE: &str = "pos";
const SMALL: &str = "pos_small";
const SMALL_SCALE: f64 = 0.001;
/// A start is measured so often; the median counts.
const STARTS: usize = 5;
/// What was set free is given back within this time, and what is due right after a load is done.
const REST: Duration = Duration::from_secs(20);
/// A change that takes longer is lost.
const LOST: Duration = Duration::from_secs(120);
const SINGLE_CHANGES: i64 = 6;
const MOST_CHANGES: i64 = 2_000;

const START_BAR: Duration = Duration::from_millis(200);
const SIZE_BAR: u64 = 20 * 1_000_000;
const IDLE_BAR: u64 = 20 * 1_000_000;
const PEAK_BAR: u64 = 64 * 1_000_000;
/// Of one processor.
const IDLE_CPU_BAR: f64 = 0.01;
/// Of the same rows as text.
const WIRE_BAR: f64 = 0.10;

/// What `bench agent` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Share of the full size: 200,000 items and 300,000 sales with 900,000 lines.
    #[arg(long, default_value_t = 0.25)]
    pub scale: f64,
    /// How many seconds of rest are measured.
    #[arg(long, default_value_t = 30)]
    pub idle: u64,
    /// The agent that is measured; without it the one beside this program.
    #[arg(long)]
    pub agent: Option<PathBuf>,
}

/// A figure beside its bar.
struct Figure {
    what: String,
    measured: String,
    bar: String,
    good: Option<bool>,
}

/// Runs the bench and prints its table. False when a bar is not reached.
///
/// # Errors
/// When something fails, or a change never arrives.
pub async fn run(options: Options) -> Result<bool> {
    ensure!(options.idle > 0, "--idle must be at least 1");
    let narrator = Narrator::new();
    let source = MariaDb::start(Durability::Relaxed)?;
    source.create_database(DATABASE)?;
    source.create_database(SMALL)?;
    data::fill(&source, SMALL, SMALL_SCALE)?;
    narrator.say(format!("filling MariaDB, scale {}", options.scale));
    let sizes = data::fill(&source, DATABASE, options.scale)?;
    let folder = tempfile::Builder::new()
        .prefix("fluxion-bench-agent-")
        .tempdir()
        .context("could not create a temporary folder")?;
    let mut bench = Bench::new(&source, folder.path(), narrator).await?;
    if let Some(agent) = options.agent {
        bench.agent.program = agent;
    }
    let mut figures = vec![bench.size()?, bench.start_time()?];
    figures.push(bench.fresh().await?);
    figures.extend(bench.load(sizes.rows()).await?);
    figures.push(bench.idle(options.idle).await?);
    let many = MOST_CHANGES.min(sizes.items);
    figures.push(bench.changes(many, 1).await?);
    figures.push(bench.changes(1, SINGLE_CHANGES).await?);
    print(&figures);
    Ok(figures.iter().all(|figure| figure.good != Some(false)))
}

/// A cloud and an agent beside the source.
struct Bench<'a> {
    source: &'a MariaDb,
    narrator: Narrator,
    cloud: Cloud,
    api: Api,
    agent: Agent,
}

impl<'a> Bench<'a> {
    async fn new(source: &'a MariaDb, folder: &Path, narrator: Narrator) -> Result<Self> {
        let mut cloud = Cloud::new(folder, free_port()?, None)?;
        cloud.start()?;
        let api = Api::log_in(&cloud.url, EMAIL, PASSWORD).await?;
        let mapping = include_str!("../../bench/mapping.toml");
        std::fs::write(folder.join("mapping.toml"), mapping)?;
        let section = section(source, SMALL, "");
        let agent = Agent::install(&api, &cloud.url, folder, "Bench", "Caracas", &section).await?;
        Ok(Self {
            source,
            narrator,
            cloud,
            api,
            agent,
        })
    }

    fn size(&self) -> Result<Figure> {
        let size = std::fs::metadata(&self.agent.program)?.len();
        Ok(Figure::bytes("size of the program", size, Some(SIZE_BAR)))
    }

    /// From the start of the process until it tells others that it works.
    fn start_time(&self) -> Result<Figure> {
        let state = self.agent.config.with_file_name("agent").join("state.json");
        let mut times = Vec::new();
        for _ in 0..STARTS {
            if state.exists() {
                std::fs::remove_file(&state)?;
            }
            let begun = Instant::now();
            let process = Process(
                Command::new(&self.agent.program)
                    .arg("run")
                    .arg("--config")
                    .arg(&self.agent.config)
                    .stdin(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .context("could not start fluxion-agent")?,
            );
            while !state.exists() {
                ensure!(
                    begun.elapsed() < LOST,
                    "the agent did not start within {} s",
                    LOST.as_secs()
                );
                std::thread::sleep(Duration::from_millis(1));
            }
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
            drop(process);
        }
        let middle = median(times);
        let bar = START_BAR.as_secs_f64() * 1_000.0;
        Ok(Figure {
            what: format!("start until at work, median of {STARTS}"),
            measured: format!("{middle:.0} ms"),
            bar: format!("{bar:.0} ms"),
            good: Some(middle <= bar),
        })
    }

    async fn fresh(&mut self) -> Result<Figure> {
        self.agent.start()?;
        until_loaded(&self.api, &self.agent.store_id, STREAMS).await?;
        tokio::time::sleep(REST).await;
        let resident = Resident::of(self.pid()?);
        self.agent.stop();
        Ok(Figure::idle(
            "memory at rest, a kiosk of 200 items",
            resident,
        ))
    }

    /// The full POS in place of the small one.
    async fn load(&mut self, rows: i64) -> Result<Vec<Figure>> {
        let text = std::fs::read_to_string(&self.agent.config)?;
        let text = text.replace(&format!("\"{SMALL}\""), &format!("\"{DATABASE}\""));
        let text = text.replace("name = \"bench\"", "name = \"full\"");
        std::fs::write(&self.agent.config, text)?;
        self.narrator
            .say(format!("loading {} rows", thousands(rows)));
        let begun = Instant::now();
        self.agent.start()?;
        // Those of the small POS ended before.
        until_loaded(&self.api, &self.agent.store_id, 2 * STREAMS).await?;
        let took = begun.elapsed();
        let usage = Usage::of(Some(self.pid()?));
        self.narrator.say(format!(
            "loaded in {:.1} s with {:.1} s of processor",
            took.as_secs_f64(),
            usage.cpu
        ));
        tokio::time::sleep(REST).await;
        let resident = Resident::of(self.pid()?);
        Ok(vec![
            Figure::bytes(
                &format!("memory at the most, loading {} rows", thousands(rows)),
                usage.peak,
                Some(PEAK_BAR),
            ),
            Figure::idle("memory at rest, after the load", resident),
        ])
    }

    async fn idle(&self, seconds: u64) -> Result<Figure> {
        self.narrator.say(format!("{seconds} s of rest"));
        let (pid, begun) = (self.pid()?, Instant::now());
        let before = ran(pid);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let share = (ran(pid) - before) / begun.elapsed().as_secs_f64();
        Ok(Figure {
            what: format!("processor at rest, over {seconds} s"),
            measured: format!("{:.2} %, {:.0} s a day", share * 100.0, share * 86_400.0),
            bar: format!("{:.0} %", IDLE_CPU_BAR * 100.0),
            good: Some(share <= IDLE_CPU_BAR),
        })
    }

    /// So many rows get another price, so often.
    async fn changes(&self, rows: i64, times: i64) -> Result<Figure> {
        let before = self.settled().await?;
        let mut text = 0_i64;
        for time in 0..times {
            let sent = self.settled().await?;
            let from = self.source.query(DATABASE, "SELECT NOW()")?;
            self.source.query(
                DATABASE,
                &format!(
                    "UPDATE items SET sale_price = sale_price + 0.37, last_update = NOW()
                     WHERE item_id IN (SELECT item_id FROM
                       (SELECT item_id FROM items ORDER BY RAND({}) LIMIT {rows}) AS some)",
                    42 + time
                ),
            )?;
            let size = self.source.query(
                DATABASE,
                &format!(
                    "SELECT CAST(SUM(LENGTH(CONCAT_WS(',', item_id, item_code, item_name, category_id, barcode, cost,
                       sale_price, tax_rate, active, last_update)) + 1) AS INTEGER)
                     FROM items WHERE last_update >= '{}'",
                    from.trim()
                ),
            )?;
            text += size
                .trim()
                .parse::<i64>()
                .context("the size of the changed rows")?;
            let begun = Instant::now();
            while self.sent().await? == sent {
                if begun.elapsed() > LOST {
                    bail!("a change did not arrive within {} s", LOST.as_secs());
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        let bytes = self.settled().await? - before;
        #[expect(clippy::cast_precision_loss, reason = "for a person")]
        let (each, share) = (
            bytes as f64 / (rows * times) as f64,
            bytes as f64 / text.max(1) as f64,
        );
        let what = if rows == 1 {
            format!("wire for a changed row, one at a time ({times})")
        } else {
            format!("wire for a changed row, {} at once", thousands(rows))
        };
        let many = rows > 1;
        Ok(Figure {
            what,
            measured: format!("{each:.0} bytes, {:.0} % of its text", share * 100.0),
            bar: if many {
                format!("{:.0} %", WIRE_BAR * 100.0)
            } else {
                String::new()
            },
            good: many.then_some(share <= WIRE_BAR),
        })
    }

    async fn sent(&self) -> Result<u64> {
        Ok(wire_bytes(&self.cloud.url).await?.unwrap_or(0))
    }

    /// What was sent, once nothing more comes.
    async fn settled(&self) -> Result<u64> {
        let mut last = self.sent().await?;
        loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let now = self.sent().await?;
            if now == last && self.agent.status()?.queued_batches == 0 {
                return Ok(now);
            }
            last = now;
        }
    }

    fn pid(&self) -> Result<u32> {
        self.agent.pid().context("the agent does not run")
    }
}

/// Ended when nobody needs it any more.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("warning: the agent could not be ended: {error}");
        }
    }
}

impl Figure {
    fn bytes(what: &str, bytes: u64, bar: Option<u64>) -> Self {
        Self {
            what: what.to_owned(),
            measured: mib(bytes),
            bar: bar.map(mib).unwrap_or_default(),
            good: bar.map(|bar| bytes <= bar),
        }
    }

    fn idle(what: &str, resident: Resident) -> Self {
        Self {
            measured: format!(
                "{}, of it {} allocated",
                mib(resident.all),
                mib(resident.own)
            ),
            ..Self::bytes(what, resident.all, Some(IDLE_BAR))
        }
    }
}

fn print(figures: &[Figure]) {
    let mut table = Table::new(1, &["the agent", "measured", "bar", ""]);
    for figure in figures {
        let verdict = match figure.good {
            Some(true) => "good",
            Some(false) => "over",
            None => "",
        };
        table.row([
            figure.what.clone(),
            figure.measured.clone(),
            figure.bar.clone(),
            verdict.to_owned(),
        ]);
    }
    println!("\nWhat the agent takes of a store PC; wire without HTTP's own headers\n\n{table}");
}
