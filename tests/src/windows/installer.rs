//! The installer: silently, over an older version, again, and away.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::service::Pc;
use super::store::{SOON, Store};
use super::wine::Wine;
use super::{Options, Trial, until};

/// Installs over what the service left, upgrades, repairs, and uninstalls both ways.
pub(super) async fn play(trial: &mut Trial, wine: &Wine, store: &mut Store, options: &Options) {
    let pc = Pc {
        wine,
        program: wine
            .drive_c()
            .join("Program Files/Fluxion/fluxion-agent.exe"),
    };
    trial.step(
        "the data of another installation can be removed",
        remove_data(&pc),
    );
    trial.step(
        "the installer installs, enrols and starts, silently",
        install(&pc, store, &options.installer).await,
    );
    trial.step(
        "the installed agent reads and sends",
        work(&pc, store).await,
    );
    trial.step(
        "a newer installer takes its place, and state and token stay",
        upgrade(&pc, store, options).await,
    );
    trial.step(
        "repair puts a lost program back",
        repair(&pc, store, &options.newer_installer).await,
    );
    trial.step(
        "uninstalling keeps the data",
        uninstall(&pc, &options.newer_installer, Data::Kept).await,
    );
    trial.step(
        "installing again goes on where it stopped, without a code",
        again(&pc, store, &options.newer_installer).await,
    );
    trial.step(
        "uninstalling removes the data when told to",
        uninstall(&pc, &options.newer_installer, Data::Removed).await,
    );
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    Kept,
    Removed,
}

fn msiexec(wine: &Wine, verb: &str, installer: &Path, properties: &[&str]) -> Result<String> {
    let installer = format!("Z:{}", installer.display().to_string().replace('/', "\\"));
    let mut arguments = vec!["msiexec", verb, &installer, "/qn"];
    arguments.extend(properties);
    wine.builtin(&arguments)
}

fn remove_data(pc: &Pc<'_>) -> Result<()> {
    fs::remove_dir_all(pc.data("")).context("the data folder")
}

async fn install(pc: &Pc<'_>, store: &Store, installer: &Path) -> Result<()> {
    let server = format!("SERVER={}", store.cloud.url);
    let code = format!("CODE={}", store.code().await?);
    let said = msiexec(pc.wine, "/i", installer, &[&server, &code])?;
    pc.is_running()
        .await
        .with_context(|| format!("msiexec said: {said}"))?;
    ensure!(pc.data("agent-token.json").exists(), "there is no token");
    let path = pc.wine.builtin(&[
        "reg",
        "query",
        r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment",
        "/v",
        "PATH",
    ])?;
    ensure!(path.contains("Fluxion"), "the path is: {path}");
    Ok(())
}

async fn work(pc: &Pc<'_>, store: &Store) -> Result<()> {
    pc.configure(store)?;
    store.export("cinco", "3,15")?;
    store.sql("update precios set precio = 16.5 where codigo = '7592'")?;
    store.expect_price("1001", "3.15").await?;
    store.expect_price("7592", "16.5").await
}

async fn upgrade(pc: &Pc<'_>, store: &Store, options: &Options) -> Result<()> {
    let token = fs::read(pc.data("agent-token.json"))?;
    let before = pc.children();
    let said = msiexec(pc.wine, "/i", &options.newer_installer, &[])?;
    until(SOON, || async {
        let now = pc.children();
        ensure!(
            now.len() == 1 && now != before,
            "agents: {now:?}; msiexec said: {said}"
        );
        let status = pc.status()?;
        ensure!(
            status["state"]["version"] == options.newer_version.as_str()
                && status["running"] == true,
            "status says: {status}"
        );
        Ok(())
    })
    .await?;
    ensure!(
        fs::read(pc.data("agent-token.json"))? == token,
        "the token is another"
    );
    store.sql("update precios set precio = 17.5 where codigo = '7592'")?;
    store.expect_price("7592", "17.5").await?;
    until(SOON, || async {
        let agents = store.agents().await?.to_string();
        ensure!(
            agents.contains(&options.newer_version),
            "the cloud knows: {agents}"
        );
        Ok(())
    })
    .await
}

async fn repair(pc: &Pc<'_>, store: &Store, installer: &Path) -> Result<()> {
    pc.agent(&["stop"])?;
    pc.is_gone().await?;
    fs::remove_file(&pc.program)?;
    // What `/fa` means, spelled out: Wine knows `/fa` for a product's code only, and not for a file.
    let all = ["REINSTALL=ALL", "REINSTALLMODE=a"];
    let said = msiexec(pc.wine, "/i", installer, &all)?;
    pc.is_running()
        .await
        .with_context(|| format!("msiexec said: {said}"))?;
    store.sql("update precios set precio = 18.5 where codigo = '7592'")?;
    store.expect_price("7592", "18.5").await
}

async fn uninstall(pc: &Pc<'_>, installer: &Path, data: Data) -> Result<()> {
    let properties: &[&str] = match data {
        Data::Kept => &[],
        Data::Removed => &["REMOVEDATA=1"],
    };
    let said = msiexec(pc.wine, "/x", installer, properties)?;
    pc.is_gone()
        .await
        .with_context(|| format!("msiexec said: {said}"))?;
    let listed = pc.wine.builtin(&["sc", "query", "FluxionAgent"])?;
    ensure!(!listed.contains("STATE"), "sc says: {listed}");
    ensure!(
        pc.data("spool.db").exists() == (data == Data::Kept),
        "the data folder holds: {:?}",
        fs::read_dir(pc.data(""))
            .map(|entries| entries
                .flatten()
                .map(|entry| entry.file_name())
                .collect::<Vec<_>>())
            .unwrap_or_default()
    );
    Ok(())
}

async fn again(pc: &Pc<'_>, store: &Store, installer: &Path) -> Result<()> {
    let said = msiexec(pc.wine, "/i", installer, &[])?;
    pc.is_running()
        .await
        .with_context(|| format!("msiexec said: {said}"))?;
    store.sql("update precios set precio = 19.5 where codigo = '7592'")?;
    store.expect_price("7592", "19.5").await
}
