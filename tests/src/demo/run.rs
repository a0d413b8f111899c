//! `fluxion-demo run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::api::Api;
use super::chain::{
    Agent, Cloud, EMAIL, PASSWORD, TENANT, adminpaq_section, export_section, port, stellar_section,
    systimax_section,
};
use super::check::{Comparison, pos_systems};
use super::kill::{self, Fleet};
use super::life::{Closing, Events, Exporter, run_adminpaq, run_exporter, run_stellar, run_till};
use super::narrate::{Narrator, thousands};
use super::{folder, quiet};
use crate::servers::{Durability, MariaDb, PostgreSql};
use crate::sim::adminpaq::Shop;
use crate::sim::export::{ExportPos, Terms};
use crate::sim::export_file::FileKind;
use crate::sim::stellar::{self, Address, Line, Stellar};
use crate::sim::systimax::{self, Till};
use crate::sim::{adminpaq_truth, caracas_now, stellar_truth, systimax_truth};

/// What `fluxion-demo run` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Let the stores work for a while, close them, and compare every record with the cloud; exit 0 when equal.
    #[arg(long)]
    pub check: bool,
    /// Keep the cloud's data in a private PostgreSQL instead of SQLite.
    #[arg(long)]
    pub postgres: bool,
    /// Kill agents and the cloud with SIGKILL at random moments.
    #[arg(long)]
    pub kill: bool,
    /// Where the demo keeps its files. It is emptied at each start.
    #[arg(long, default_value = "demo-data")]
    pub data_dir: PathBuf,
    /// Where the dashboard listens.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// How long the stores work before the check.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// Which chain of events.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Products of the first store.
    #[arg(long, default_value_t = 20_000)]
    pub products: usize,
    /// Sales the first store already has.
    #[arg(long, default_value_t = 100_000)]
    pub sales: usize,
}

const FIRST: &str = "La Candelaria";
const SECOND: &str = "Bella Vista";
const THIRD: &str = "Milla";
const STELLAR: &str = "Naguanagua";
const ADMINPAQ: &str = "Los Cedros";
const DATABASE: &str = "systimax";

/// Runs the demo. True when all went well.
///
/// # Errors
/// When something cannot be set up, or does not come to an end.
pub async fn run(options: Options) -> Result<bool> {
    let narrator = Narrator::new();
    let data = folder::prepare(&options.data_dir)?;
    narrator.say(format!("starting clean in {}", data.display()));
    let mut demo = tokio::select! {
        demo = Demo::set_up(&options, &data, narrator) => demo?,
        () = interrupted() => bail!("interrupted"),
    };
    let outcome = tokio::select! {
        outcome = demo.go_on(&options) => outcome,
        () = interrupted() => {
            narrator.say("closing");
            Ok(true)
        }
    };
    demo.stop().await;
    narrator.say("everything is stopped");
    outcome
}

/// Ctrl-C, or a polite kill.
async fn interrupted() {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

struct Demo {
    narrator: Narrator,
    api: Api,
    fleet: Arc<Mutex<Fleet>>,
    mariadb: MariaDb,
    // Held until the cloud, which uses it, has stopped.
    _postgres: Option<PostgreSql>,
    till: Option<Till>,
    exporters: Vec<Exporter>,
    /// Held while the store is open.
    _sql_server: fluxion_tds::Server,
    stellar_address: Address,
    stellar: Option<Stellar>,
    shop: Option<Shop>,
    /// The stores in the order of their agents, and what happened there.
    stores: Vec<(&'static str, Arc<Events>)>,
    door: watch::Sender<bool>,
    closing: Closing,
}

impl Demo {
    async fn set_up(options: &Options, data: &Path, narrator: Narrator) -> Result<Self> {
        narrator.say("starting a private MariaDB for the first store's POS");
        let mariadb = MariaDb::start(Durability::Relaxed)?;
        mariadb.create_database(DATABASE)?;
        let (products, sales) = (options.products, options.sales);
        let counts = format!(
            "{} products and {} sales",
            thousands(products),
            thousands(sales)
        );
        narrator.say(format!("filling it with {counts}"));
        systimax::fill(
            &mariadb,
            DATABASE,
            options.seed,
            products,
            sales,
            caracas_now(),
        )?;
        let till = Till::open(&mariadb.url(DATABASE), options.seed, 30_000.max(products)).await?;

        narrator
            .say("starting the stand-in for SQL Server for the store with Stellar, and filling it");
        let (sql_server, stellar_address, stellar) = open_stellar(options).await?;

        narrator.say("writing the tables of the store with AdminPAQ");
        let shop = open_adminpaq(options, data)?;

        let postgres = if options.postgres {
            narrator.say("starting a private PostgreSQL for the cloud");
            Some(PostgreSql::start(Durability::Full)?)
        } else {
            None
        };
        let mut cloud = Cloud::new(data, port(options.port, &narrator)?, postgres.as_ref())?;
        narrator.say(format!("starting the cloud at {}", cloud.url));
        cloud.start()?;
        let api = Api::log_in(&cloud.url, EMAIL, PASSWORD)
            .await
            .context("the log is in logs/ingest.log")?;

        let exporters = exporters(options, data)?;
        let systimax = systimax_section(&mariadb, DATABASE);
        let csv = export_section("exportador", &exporters[0].folder, "VES");
        let excel = export_section("planilla", &exporters[1].folder, "USD");
        let (mut agents, mut stores) = (Vec::new(), Vec::new());
        for (store, city, section) in [
            (FIRST, "Caracas", systimax),
            (SECOND, "Maracaibo", csv),
            (THIRD, "Mérida", excel),
            (STELLAR, "Valencia", stellar_section(&stellar_address)),
            (ADMINPAQ, "Barquisimeto", adminpaq_section(&shop.folder)),
        ] {
            narrator.say(format!(
                "adding store {store} ({city}) and enrolling its agent"
            ));
            let folder = data
                .join("stores")
                .join(store.to_lowercase().replace(' ', "-"));
            agents.push(Agent::install(&api, &cloud.url, &folder, store, city, &section).await?);
            stores.push((store, Arc::new(Events::default())));
        }
        let (door, closing) = Closing::new();
        let fleet = Arc::new(Mutex::new(Fleet { cloud, agents }));
        let (till, _postgres) = (Some(till), postgres);
        Ok(Self {
            narrator,
            api,
            fleet,
            mariadb,
            _postgres,
            till,
            exporters,
            _sql_server: sql_server,
            stellar_address,
            stellar: Some(stellar),
            shop: Some(shop),
            stores,
            door,
            closing,
        })
    }

    /// Opens the stores and does what was asked for.
    async fn go_on(&mut self, options: &Options) -> Result<bool> {
        for exporter in &mut self.exporters {
            exporter.drop_sales().await?;
            exporter.drop_products().await?;
        }
        let url = {
            let mut fleet = self.fleet.lock().await;
            for agent in &mut fleet.agents {
                agent.start()?;
            }
            fleet.cloud.url.clone()
        };
        self.narrator.say(format!(
            "{0} agents are running, {0} stores are open",
            self.stores.len()
        ));
        println!(
            "\n    {TENANT}\n    dashboard  {url}\n    e-mail     {EMAIL}\n    password   {PASSWORD}\n"
        );

        let till = self.till.take().context("the till is open already")?;
        let till = run_till(till, options.seed, self.events(FIRST), self.closing.clone());
        let stellar = self
            .stellar
            .take()
            .context("the store with Stellar is open already")?;
        let stellar = run_stellar(
            stellar,
            options.seed,
            self.events(STELLAR),
            self.closing.clone(),
        );
        let shop = self.shop.take().context("the shop is open already")?;
        let events = self.events(ADMINPAQ);
        let shop = run_adminpaq(shop, options.seed, events, self.closing.clone());
        let exporters: Vec<_> = std::mem::take(&mut self.exporters)
            .into_iter()
            .zip([self.events(SECOND), self.events(THIRD)])
            .map(|(exporter, events)| run_exporter(exporter, events, self.closing.clone()))
            .collect();
        let kills = options.kill.then(|| {
            self.narrator
                .say(format!("power cuts follow seed {}", options.seed));
            kill::run(
                self.fleet.clone(),
                options.seed,
                self.narrator,
                self.closing.clone(),
            )
        });
        if !options.check {
            println!("    Ctrl-C stops everything.\n");
            self.watch(None).await?;
            return Ok(true);
        }
        self.watch(Some(Duration::from_secs(options.seconds)))
            .await?;
        self.check(vec![till, stellar], shop, exporters, kills, options)
            .await
    }

    fn events(&self, store: &str) -> Arc<Events> {
        let found = self.stores.iter().find(|(name, _)| *name == store);
        found
            .map(|(_, events)| Arc::clone(events))
            .unwrap_or_default()
    }

    /// Reports every few seconds, for so long or for ever.
    async fn watch(&self, time: Option<Duration>) -> Result<()> {
        let end = time.map(|time| tokio::time::Instant::now() + time);
        loop {
            let pause = Duration::from_secs(5);
            let left = end.map(|end| end.saturating_duration_since(tokio::time::Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            tokio::time::sleep(left.map_or(pause, |left| left.min(pause))).await;
            for (store, events) in &self.stores {
                self.narrator
                    .say(format!("{store:<14} {}", events.summary()));
            }
            match self.api.get::<serde_json::Value>("/v1/overview").await {
                Ok(overview) => {
                    self.narrator
                        .say(format!("{:<14} {}", "cloud", cloud_line(&overview)))
                }
                Err(error) => self.narrator.say(format!("{:<14} {error:#}", "cloud")),
            }
        }
    }

    async fn check(
        &mut self,
        tills: Vec<JoinHandle<Result<()>>>,
        shop: JoinHandle<Result<Shop>>,
        exporters: Vec<JoinHandle<Result<Exporter>>>,
        kills: Option<JoinHandle<Result<u32>>>,
        options: &Options,
    ) -> Result<bool> {
        let narrator = self.narrator;
        narrator.say("closing the stores");
        self.door.send(true).context("nobody is listening")?;
        for till in tills {
            till.await?.context("a till failed")?;
        }
        let shop = shop.await?.context("the shop with AdminPAQ failed")?;
        let shop_closed = tokio::time::Instant::now();
        for exporter in exporters {
            self.exporters
                .push(exporter.await?.context("an export failed")?);
        }
        if let Some(kills) = kills {
            narrator.say(format!(
                "{} kills in all (seed {})",
                kills.await??,
                options.seed
            ));
        }
        narrator.say("waiting until nothing is on its way any more");
        for exporter in &self.exporters {
            quiet::folder_taken(&exporter.folder, &narrator).await?;
        }
        let agents: Vec<(String, String)> = self
            .fleet
            .lock()
            .await
            .agents
            .iter()
            .map(|agent| (agent.store.clone(), agent.store_id.clone()))
            .collect();
        // Nobody is asked to look at everything first: tickets that Systimax annulled come out of MariaDB's binlog, products
        // that Stellar dropped out of Change Tracking, and what is noticed as it happens must be all there is.
        // The agent of the shop with tables in files has looked at them several times by then, without being asked.
        tokio::time::sleep_until(shop_closed + Duration::from_secs(15)).await;
        quiet::at_rest(&self.fleet.lock().await.agents).await?;
        let busy = narrator.seconds();

        narrator.say("comparing every record with the cloud");
        let first = systimax_truth::read(&self.mariadb.url(DATABASE)).await?;
        let stellar = stellar_truth::read(&self.stellar_address).await?;
        let adminpaq = adminpaq_truth::read(&shop, "VES".parse()?)?;
        let truths = [
            (FIRST, &first),
            (SECOND, &self.exporters[0].pos.truth),
            (THIRD, &self.exporters[1].pos.truth),
            (STELLAR, &stellar),
            (ADMINPAQ, &adminpaq),
        ];
        let systems = pos_systems(&self.api).await?;
        let mut comparison = Comparison::default();
        for (store, truth) in truths {
            let id = agents
                .iter()
                .find(|(name, _)| name == store)
                .map(|(_, id)| id);
            let system = id
                .and_then(|id| systems.get(id))
                .with_context(|| format!("{store} has not declared its POS"))?;
            comparison.pos(&self.api, store, system, truth).await?;
        }
        let truths = truths.map(|(_, truth)| truth);
        comparison.inventory(&self.api, &truths).await?;
        println!("\n{}", comparison.report());
        let sales: u64 = self
            .stores
            .iter()
            .map(|(_, events)| events.sales.load(Ordering::Relaxed))
            .sum();
        let summary = format!(
            "{} records compared, {} sold while watching; {busy:.0} s to quiet, {:.0} s in all, seed {}",
            thousands(comparison.records()),
            thousands(sales),
            narrator.seconds(),
            options.seed
        );
        println!(
            "\n  {summary}\n  {}\n",
            if comparison.equal() {
                "EQUAL"
            } else {
                "NOT EQUAL"
            }
        );
        Ok(comparison.equal())
    }

    /// Agents first, so that they hand over what they have.
    async fn stop(self) {
        // Nobody listens any more when the stores are closed already.
        self.door.send_replace(true);
        let mut fleet = self.fleet.lock().await;
        for agent in &mut fleet.agents {
            agent.stop();
        }
        fleet.cloud.stop();
    }
}

/// Stellar's server with its databases, and the store that writes into them.
async fn open_stellar(options: &Options) -> Result<(fluxion_tds::Server, Address, Stellar)> {
    const PRODUCTS: usize = 1_500;
    const SALES: usize = 600;
    let address = |port| Address {
        port,
        user: "sa".to_owned(),
        password: "Stellar-2026".to_owned(),
    };
    let Address { user, password, .. } = address(0);
    let server = fluxion_tds::Options::default()
        .administrator(&user, &password)
        .utc_offset_minutes(-240)
        .start()?;
    let address = address(server.port());
    let (products, now) = (PRODUCTS.min(options.products), caracas_now());
    let mut line = Line::open(&address).await?;
    stellar::fill(&mut line, options.seed, products, SALES, now).await?;
    let store = Stellar::open(&address, options.seed, products, SALES, 60_000).await?;
    Ok((server, address, store))
}

/// The company's folder of a shop with AdminPAQ.
fn open_adminpaq(options: &Options, data: &Path) -> Result<Shop> {
    const PRODUCTS: usize = 3_000;
    const DOCUMENTS: usize = 5_000;
    let folder = data.join("stores").join("los-cedros").join("empresa");
    let products = PRODUCTS.min(options.products);
    Shop::open(
        &folder,
        options.seed,
        products,
        DOCUMENTS,
        70_000,
        caracas_now(),
    )
}

fn exporters(options: &Options, data: &Path) -> Result<Vec<Exporter>> {
    let plans = [
        (
            SECOND,
            FileKind::Csv,
            "VES",
            systimax::RATE,
            "BV",
            3_000,
            40_000,
            1_500,
        ),
        (
            THIRD,
            FileKind::Excel,
            "USD",
            rust_decimal::Decimal::ONE,
            "ML",
            1_200,
            50_000,
            600,
        ),
    ];
    let mut exporters = Vec::new();
    for (store, kind, currency, rate, series, products, own, sales) in plans {
        let folder = data
            .join("stores")
            .join(store.to_lowercase().replace(' ', "-"))
            .join("export");
        std::fs::create_dir_all(&folder)?;
        let terms = Terms {
            currency: currency.parse()?,
            rate,
            series,
        };
        let now = caracas_now();
        let mut pos = ExportPos::new(
            options.seed,
            terms,
            products.min(options.products),
            own,
            now,
        );
        for number in 0..sales {
            pos.sell(now - chrono::Duration::minutes(7 * (sales - number)));
        }
        exporters.push(Exporter::new(pos, kind, folder, options.seed));
    }
    Ok(exporters)
}

fn cloud_line(overview: &serde_json::Value) -> String {
    let metrics = &overview["metrics"];
    let volume = &metrics["data_volume_today"];
    let number = |value: &serde_json::Value| thousands(value.as_i64().unwrap_or(0));
    let states: Vec<_> = overview["stores"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|store| {
            format!(
                "{} {}",
                store["name"].as_str().unwrap_or("?"),
                store["state"].as_str().unwrap_or("?")
            )
        })
        .collect();
    format!(
        "{} products, {} sales arrived; {} rejects, {} conflicts; {}",
        number(&volume["products"]),
        number(&volume["sales"]),
        number(&metrics["rejects_open"]),
        number(&metrics["conflicts_unresolved"]),
        states.join(", ")
    )
}
