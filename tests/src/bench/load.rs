//! `fluxion-demo bench load`: MariaDB through agent and ingest, against the raw pipe of the same tables.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fluxion_model::entity::{EntityKind, Record};
use rust_decimal::Decimal;

use super::data::{self, Sizes};
use super::measure::Usage;
use super::pipe;
use crate::demo::api::{Api, Job};
use crate::demo::chain::{Agent, Cloud, EMAIL, PASSWORD};
use crate::demo::check::pos_systems;
use crate::demo::narrate::{Narrator, thousands};
use crate::demo::table::Table;
use crate::servers::process::free_port;
use crate::servers::{Durability, MariaDb, PostgreSql, mariadb};

/// What `bench load` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Share of the full size.
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Only into this database; into both when absent.
    #[arg(long)]
    only: Option<Sink>,
    /// Where the files of a run go; in the system's temporary folder when absent.
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
}

const DATABASE: &str = "pos";
/// Of the bench's mapping.
pub(super) const STREAMS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Sink {
    /// PostgreSQL.
    #[value(name = "postgres")]
    PostgreSql,
    /// SQLite.
    Sqlite,
}

/// One load.
#[derive(Debug, Clone, Copy)]
struct Run {
    took: Duration,
    agent: Usage,
    ingest: Usage,
    source: Usage,
    sink: Usage,
    wire: Option<u64>,
}

/// Runs the bench and prints its table.
///
/// # Errors
/// When something fails, or what arrived is not what was sent.
pub async fn run(options: Options) -> Result<bool> {
    let narrator = Narrator::new();
    let source = MariaDb::start(Durability::Full)?;
    source.create_database(DATABASE)?;
    narrator.say(format!("filling MariaDB, scale {}", options.scale));
    let sizes = data::fill(&source, DATABASE, options.scale)?;
    let csv = pipe::csv_bytes(&source, DATABASE)?;
    narrator.say(format!(
        "{} rows, {} as text",
        thousands(sizes.rows()),
        mib(csv)
    ));
    let sink = PostgreSql::start(Durability::Full)?;
    // Whether it happens to run within a few seconds must not decide a measurement.
    sink.query("postgres", "ALTER SYSTEM SET autovacuum = off")?;
    sink.query("postgres", "SELECT pg_reload_conf()")?;

    let (mut pipes, mut on_postgres, mut on_sqlite) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        let took = pipe::run(&source, DATABASE, &sink, round)?;
        narrator.say(format!("round {round}: pipe {:.2} s", took.as_secs_f64()));
        pipes.push(took);
        for (engine, runs) in [
            (Sink::PostgreSql, &mut on_postgres),
            (Sink::Sqlite, &mut on_sqlite),
        ] {
            if options.only.is_some_and(|only| only != engine) {
                continue;
            }
            let bench = Bench {
                source: &source,
                postgres: &sink,
                sizes,
                narrator,
                verify: round == options.rounds,
            };
            let run = bench
                .load(engine, round, options.data_dir.as_deref())
                .await?;
            narrator.say(format!(
                "round {round}: {engine:?} {:.2} s",
                run.took.as_secs_f64()
            ));
            runs.push(run);
        }
    }
    print(
        sizes,
        csv,
        &pipes,
        &[(Sink::PostgreSql, on_postgres), (Sink::Sqlite, on_sqlite)],
    );
    Ok(true)
}

struct Bench<'a> {
    source: &'a MariaDb,
    postgres: &'a PostgreSql,
    sizes: Sizes,
    narrator: Narrator,
    verify: bool,
}

impl Bench<'_> {
    /// A new cloud and a new agent, timed from the agent's start until the end of the last stream is in the cloud.
    async fn load(&self, engine: Sink, round: usize, folder: Option<&Path>) -> Result<Run> {
        let own = match folder {
            Some(folder) => folder.join(format!("{engine:?}-{round}").to_lowercase()),
            None => std::env::temp_dir().join(format!(
                "fluxion-bench-{}-{engine:?}-{round}",
                std::process::id()
            )),
        };
        std::fs::create_dir_all(&own)
            .with_context(|| format!("could not create {}", own.display()))?;
        let run = self.measured(engine, &own).await;
        if folder.is_none() {
            std::fs::remove_dir_all(&own)
                .with_context(|| format!("could not remove {}", own.display()))?;
        }
        run
    }

    async fn measured(&self, engine: Sink, folder: &Path) -> Result<Run> {
        let sink = match engine {
            Sink::PostgreSql => {
                self.postgres
                    .query("postgres", "DROP DATABASE IF EXISTS fluxion")?;
                Some(self.postgres)
            }
            Sink::Sqlite => None,
        };
        let mut cloud = Cloud::new(folder, free_port()?, sink)?;
        cloud.start()?;
        let api = Api::log_in(&cloud.url, EMAIL, PASSWORD).await?;
        let mapping = folder.join("mapping.toml");
        std::fs::write(&mapping, include_str!("../../bench/mapping.toml"))?;
        let section = section(self.source, DATABASE, "every = \"1h\"\n");
        let mut agent =
            Agent::install(&api, &cloud.url, folder, "Bench", "Caracas", &section).await?;
        self.postgres.query("postgres", "CHECKPOINT")?;
        let (source, server) = (Usage::of(self.source.pid()), Usage::of(self.postgres.pid()));

        let begun = Instant::now();
        agent.start()?;
        until_loaded(&api, &agent.store_id, STREAMS)
            .await
            .context(format!("logs are in {}", folder.display()))?;
        let took = begun.elapsed();
        let run = Run {
            took,
            agent: Usage::of(agent.pid()),
            ingest: Usage::of(cloud.pid()),
            source: Usage::of(self.source.pid()).since(source),
            sink: Usage::of(self.postgres.pid()).since(server),
            wire: wire_bytes(&cloud.url).await?,
        };
        agent.stop();
        if self.verify {
            self.narrator
                .say("comparing counts and sums through the API");
            self.compare(&api, &agent.store_id).await?;
        }
        cloud.stop();
        Ok(run)
    }

    async fn compare(&self, api: &Api, store: &str) -> Result<()> {
        let systems = pos_systems(api).await?;
        let system = systems.get(store).context("the POS system is missing")?;
        let sql = "SELECT (SELECT SUM(sale_price) FROM items), (SELECT SUM(qty_on_hand) FROM stock),
                   (SELECT SUM(total_amount) FROM transactions), (SELECT SUM(qty) FROM transaction_details)";
        let row = self.source.query(DATABASE, sql)?;
        let sums: Vec<Decimal> = row
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let expected = [
            (EntityKind::Product, self.sizes.items, Decimal::ZERO),
            (EntityKind::Price, self.sizes.items, sums[0]),
            (EntityKind::StockLevel, self.sizes.items, sums[1]),
            (EntityKind::Sale, self.sizes.sales, sums[2]),
        ];
        for (kind, count, sum) in expected {
            let records = api.records(kind, system).await?;
            let (got, lines) = records
                .values()
                .fold((Decimal::ZERO, 0), |(sum, lines), record| match record {
                    Record::Price(price) => (sum + price.amount, lines),
                    Record::StockLevel(level) => (sum + level.on_hand, lines),
                    Record::Sale(sale) => (sum + sale.total, lines + sale.lines.len()),
                    _ => (sum, lines),
                });
            if records.len() as i64 != count || got != sum {
                bail!(
                    "{kind}: {count} with sum {sum} at the POS, {} with sum {got} in the cloud",
                    records.len()
                );
            }
            if kind == EntityKind::Sale && lines as i64 != self.sizes.lines {
                bail!(
                    "{} lines at the POS, {lines} in the cloud",
                    self.sizes.lines
                );
            }
        }
        Ok(())
    }
}

/// The POS as the agent's configuration names it.
pub(super) fn section(source: &MariaDb, database: &str, every: &str) -> String {
    format!(
        "[[pos]]\nname = \"bench\"\nconnector = \"mysql\"\nmapping = \"mapping.toml\"\n\
         time_zone = \"America/Caracas\"\ncurrency = \"VES\"\n{every}\n[pos.connection]\n\
         host = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\npassword = \"{}\"\ndatabase = \"{database}\"\n",
        source.port(),
        mariadb::USER,
        mariadb::PASSWORD
    )
}

/// Until so many streams have reported their end: reports travel behind the records they are about.
pub(super) async fn until_loaded(api: &Api, store: &str, streams: usize) -> Result<()> {
    let begun = Instant::now();
    loop {
        let jobs: Vec<Job> = api.all(&format!("/v1/jobs?store={store}")).await?;
        if let Some(failed) = jobs.iter().find(|job| job.status == "failed") {
            bail!(
                "{} failed: {}",
                failed.stream,
                failed.error.clone().unwrap_or_default()
            );
        }
        let done: BTreeSet<_> = jobs
            .iter()
            .filter(|job| job.status == "completed")
            .map(|job| (job.pos_system.as_str(), job.stream.as_str()))
            .collect();
        if done.len() == streams {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(1800) {
            bail!("the load did not end within half an hour; done: {done:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Bytes of all deliveries as they came over the wire, by the service's own count.
pub(super) async fn wire_bytes(url: &str) -> Result<Option<u64>> {
    let text = reqwest::get(format!("{url}/metrics")).await?.text().await?;
    let value = text
        .lines()
        .filter(|line| line.starts_with("fluxion_batch_bytes_total"))
        .filter_map(|line| {
            let value: f64 = line.rsplit(' ').next()?.parse().ok()?;
            // A counter of whole bytes, far below 2^53.
            format!("{value:.0}").parse::<u64>().ok()
        });
    Ok(value.reduce(|a, b| a + b))
}

fn print(sizes: Sizes, csv: u64, pipes: &[Duration], engines: &[(Sink, Vec<Run>)]) {
    let base = median(pipes.iter().map(Duration::as_secs_f64).collect());
    let header = [
        "load into",
        "median s",
        "min–max s",
        "x pipe",
        "rows/s",
        "agent cpu",
        "peak",
        "ingest cpu",
        "peak",
        "POS cpu",
        "sink cpu",
        "wire",
    ];
    let mut table = Table::new(1, &header);
    let speed = |seconds: f64| {
        format!(
            "{:.0}",
            f64::from(u32::try_from(sizes.rows()).unwrap_or(0)) / seconds
        )
    };
    let span = |times: &[f64]| {
        let (least, most) = times.iter().fold((f64::MAX, 0.0_f64), |(least, most), t| {
            (least.min(*t), most.max(*t))
        });
        format!("{least:.2}–{most:.2}")
    };
    let times: Vec<f64> = pipes.iter().map(Duration::as_secs_f64).collect();
    let mut row = vec![
        "raw pipe (PostgreSQL)".to_owned(),
        format!("{base:.2}"),
        span(&times),
        "1.00".to_owned(),
        speed(base),
    ];
    row.extend(vec![String::new(); 6]);
    row.push(mib(csv));
    table.row(row);
    for (engine, runs) in engines.iter().filter(|(_, runs)| !runs.is_empty()) {
        let times: Vec<f64> = runs.iter().map(|run| run.took.as_secs_f64()).collect();
        // Each run against the pipe of its own round.
        let ratio = median(
            times
                .iter()
                .zip(pipes)
                .map(|(time, pipe)| time / pipe.as_secs_f64())
                .collect(),
        );
        let of = |value: fn(&Run) -> f64| median(runs.iter().map(value).collect());
        let peak = |value: fn(&Run) -> u64| mib(runs.iter().map(value).max().unwrap_or(0));
        let wire = runs.iter().filter_map(|run| run.wire).max();
        let middle = median(times.clone());
        table.row([
            format!("{engine:?} through agent and ingest"),
            format!("{middle:.2}"),
            span(&times),
            format!("{ratio:.2}"),
            speed(middle),
            format!("{:.2} s", of(|run| run.agent.cpu)),
            peak(|run| run.agent.peak),
            format!("{:.2} s", of(|run| run.ingest.cpu)),
            peak(|run| run.ingest.peak),
            format!("{:.2} s", of(|run| run.source.cpu)),
            format!("{:.2} s", of(|run| run.sink.cpu)),
            wire.map(mib).unwrap_or_default(),
        ]);
    }
    println!(
        "\nFull load: {} items, {} stock rows, {} sales, {} lines\n\n{table}",
        thousands(sizes.items),
        thousands(sizes.items),
        thousands(sizes.sales),
        thousands(sizes.lines)
    );
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "for a person")]
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}
