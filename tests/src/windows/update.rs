//! A signed release: the service fetches it, tries it, and stays with it, or leaves it when it does not start.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::service::Pc;
use super::store::Store;
use super::{Options, Trial, until};
use crate::release::ReleaseMaker;

const TARGET: &str = "x86_64-windows";
/// The offer comes with a heartbeat, and the start waits for a quiet moment.
const PATIENCE: Duration = Duration::from_secs(240);

/// Publishes the newer version, and then one that is no program at all.
pub(super) async fn play(trial: &mut Trial, pc: &Pc<'_>, store: &mut Store, options: &Options) {
    trial.step(
        "a signed release is fetched, tried and kept, and the store goes on syncing",
        good(pc, store, options).await,
    );
    trial.step(
        "a release that does not start is left, and the cloud is told why",
        broken(pc, store, options).await,
    );
}

async fn good(pc: &Pc<'_>, store: &Store, options: &Options) -> Result<()> {
    let program = fs::read(&options.newer_agent)?;
    publish(store, options, &options.newer_version, &program)?;
    runs(pc, &options.newer_version).await?;
    until(PATIENCE, || async {
        let plan = plan(pc)?;
        ensure!(
            plan["active"]["version"] == options.newer_version.as_str(),
            "the plan is: {plan}"
        );
        Ok(())
    })
    .await?;
    store.sql("update precios set precio = 20.5 where codigo = '7591'")?;
    store.expect_price("7591", "20.5").await
}

async fn broken(pc: &Pc<'_>, store: &Store, options: &Options) -> Result<()> {
    const VERSION: &str = "99.0.1";
    publish(store, options, VERSION, b"this is no program")?;
    until(PATIENCE, || async {
        let agents = store.agents().await?;
        let update = &agents[0]["update"];
        ensure!(
            update["state"] == "rolled_back" && update["target"] == VERSION,
            "the cloud knows: {agents}"
        );
        Ok(())
    })
    .await?;
    runs(pc, &options.newer_version).await?;
    store.sql("update precios set precio = 21.5 where codigo = '7591'")?;
    store.expect_price("7591", "21.5").await
}

fn publish(store: &Store, options: &Options, version: &str, program: &[u8]) -> Result<()> {
    let maker = ReleaseMaker::kept(&options.release_key)?;
    let folder = tempfile::tempdir()?;
    maker.release(folder.path(), version, TARGET, program)?;
    let key = maker.public_key();
    let output = store
        .cloud
        .administration()?
        .args(["release", "publish"])
        .arg(folder.path())
        .args(["--key", &key, "--waves", "100"])
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

async fn runs(pc: &Pc<'_>, version: &str) -> Result<()> {
    until(PATIENCE, || async {
        let status = pc.status()?;
        ensure!(
            status["state"]["version"] == version && status["running"] == true,
            "status says: {status}, the plan is: {}",
            plan(pc)?
        );
        Ok(())
    })
    .await
}

fn plan(pc: &Pc<'_>) -> Result<Value> {
    let text = fs::read(pc.data("versions/plan.json")).context("versions/plan.json")?;
    Ok(serde_json::from_slice(&text)?)
}
