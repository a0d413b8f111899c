//! `fluxion-demo browser`: a cloud and one store for the browser test, which logs in and sees the store turn green.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use tokio::process::Command;

use super::api::Api;
use super::chain::{Agent, Cloud, EMAIL, PASSWORD, export_section};
use super::life::Exporter;
use super::narrate::Narrator;
use crate::servers::process::{free_port, program};
use crate::sim::caracas_now;
use crate::sim::export::{ExportPos, Terms};
use crate::sim::export_file::FileKind;

/// What `fluxion-demo browser` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The dashboard's folder.
    #[arg(long, default_value = "dashboard")]
    pub dashboard: PathBuf,
    /// The npm script to run there.
    #[arg(long, default_value = "e2e")]
    pub script: String,
}

const STORE: &str = "Bella Vista";

/// Starts everything, runs the script and returns whether it passed.
///
/// # Errors
/// When something cannot be started.
pub async fn run(options: Options) -> Result<bool> {
    let narrator = Narrator::new();
    let folder = tempfile::tempdir()?;
    let mut cloud = Cloud::new(folder.path(), free_port()?, None)?;
    narrator.say(format!("starting the cloud at {}", cloud.url));
    cloud.start()?;
    let api = Api::log_in(&cloud.url, EMAIL, PASSWORD).await?;
    let exports = folder.path().join("export");
    std::fs::create_dir_all(&exports)?;
    let terms = Terms {
        currency: "USD".parse()?,
        rate: Decimal::ONE,
        series: "BV",
    };
    let mut pos = ExportPos::new(42, terms, 400, 1_000, caracas_now());
    for _ in 0..120 {
        pos.sell(caracas_now());
    }
    let mut exporter = Exporter::new(pos, FileKind::Csv, exports, 42);
    let section = export_section("exportador", &exporter.folder, "USD");
    let mut agent = Agent::install(
        &api,
        &cloud.url,
        &folder.path().join("store"),
        STORE,
        "Maracaibo",
        &section,
    )
    .await?;

    narrator.say("running the browser");
    let mut browser = Command::new("npm")
        .args(["run", &options.script])
        .current_dir(&options.dashboard)
        .env("FLUXION_URL", &cloud.url)
        .env("FLUXION_EMAIL", EMAIL)
        .env("FLUXION_PASSWORD", PASSWORD)
        .env("FLUXION_STORE", STORE)
        .env("CHROMIUM", chromium()?)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("could not start npm")?;
    // The browser should see the store before it has anything, and then see it come to life.
    tokio::time::sleep(Duration::from_secs(3)).await;
    narrator.say("the store's agent starts, and its POS drops its first files");
    agent.start()?;
    exporter.drop_products().await?;
    exporter.drop_sales().await?;
    let passed = browser.wait().await?.success();
    agent.stop();
    cloud.stop();
    Ok(passed)
}

/// The browser to drive: the one named by `CHROMIUM`, or the first that is installed.
fn chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    program(
        &["chromium", "chromium-browser", "google-chrome"],
        &[],
        "chromium",
    )
}
