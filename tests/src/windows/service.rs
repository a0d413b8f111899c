//! The service by hand, as a technician sets it up: in a folder with spaces and accents, and through everything that
//! happens to a store's PC.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::store::{MAPPING, SOON, Store};
use super::wine::Wine;
use super::{Options, Trial, until};

const FOLDER: &str = "Archivos de programa/Fluxión Ñandú";

/// The agent as it was put on the PC.
pub struct Pc<'a> {
    pub wine: &'a Wine,
    pub program: PathBuf,
}

impl Pc<'_> {
    /// Runs the agent's program and returns what it printed.
    pub fn agent(&self, arguments: &[&str]) -> Result<String> {
        self.wine.run(&self.program, arguments)
    }

    /// A file of the data folder.
    pub fn data(&self, name: &str) -> PathBuf {
        self.wine.drive_c().join("ProgramData/Fluxion").join(name)
    }

    pub fn status(&self) -> Result<Value> {
        let text = self.agent(&["status", "--json"])?;
        let json = text.find('{').map_or("", |start| &text[start..]);
        serde_json::from_str(json).with_context(|| text.clone())
    }

    pub fn supervisors(&self) -> Vec<u32> {
        let all = self.wine.processes("fluxion-agent.exe", " service");
        let children = self.children();
        all.into_iter()
            .filter(|pid| !children.contains(pid))
            .collect()
    }

    pub fn children(&self) -> Vec<u32> {
        self.wine
            .processes("fluxion-agent.exe", " run --supervised")
    }

    pub async fn is_running(&self) -> Result<()> {
        until(SOON, || async {
            let (parents, children) = (self.supervisors(), self.children());
            ensure!(
                parents.len() == 1 && children.len() == 1,
                "supervisors {parents:?}, agents {children:?}"
            );
            Ok(())
        })
        .await
    }

    pub async fn is_gone(&self) -> Result<()> {
        until(Duration::from_secs(15), || async {
            let (parents, children) = (self.supervisors(), self.children());
            ensure!(
                parents.is_empty() && children.is_empty(),
                "supervisors {parents:?}, agents {children:?}"
            );
            Ok(())
        })
        .await
    }

    pub fn configure(&self, store: &Store) -> Result<()> {
        fs::write(self.data("precios.toml"), MAPPING)?;
        fs::write(self.data("fluxion-agent.toml"), store.configuration())?;
        Ok(())
    }
}

/// Installs, works, stops, is killed, is given nonsense, sees a power cut, is updated, and goes.
pub(super) async fn play(trial: &mut Trial, wine: &Wine, store: &mut Store, options: &Options) {
    let folder = wine.drive_c().join(FOLDER);
    let pc = Pc {
        wine,
        program: folder.join("fluxion-agent.exe"),
    };
    let copied = fs::create_dir_all(&folder).and_then(|()| fs::copy(&options.agent, &pc.program));
    trial.step(
        "the program is put into a folder with spaces and accents",
        copied.map(drop).map_err(Into::into),
    );
    trial.step(
        "install makes the service, enrols the agent and starts it",
        install(&pc, store).await,
    );
    trial.step(
        "a configuration that is written later is taken up, and folder and MariaDB reach the cloud",
        configure(&pc, store).await,
    );
    trial.step(
        "stop ends it within ten seconds and closes the spool",
        stop(&pc).await,
    );
    trial.step(
        "what changed meanwhile is there after start",
        start(&pc, store).await,
    );
    trial.step(
        "an agent that is killed is started again and goes on",
        kill_agent(&pc, store).await,
    );
    trial.step(
        "an agent whose service is killed ends with it",
        kill_service(&pc).await,
    );
    trial.step(
        "a bad configuration is told, and the service still answers and stops",
        bad_configuration(&pc).await,
    );
    trial.step(
        "a bad configuration that is mended is taken up by itself",
        mended(&pc, store).await,
    );
    trial.step(
        "after a power cut the service starts with the PC and goes on",
        power_cut(&pc, store).await,
    );
    super::update::play(trial, &pc, store, options).await;
    trial.step(
        "uninstall takes the service away and keeps the data",
        uninstall(&pc).await,
    );
}

async fn install(pc: &Pc<'_>, store: &Store) -> Result<()> {
    let code = store.code().await?;
    let said = pc.agent(&["install", "--server", &store.cloud.url, "--code", &code])?;
    pc.is_running()
        .await
        .with_context(|| format!("install said: {said}"))?;
    ensure!(
        pc.data("agent-token.json").exists(),
        "there is no token; install said: {said}"
    );
    let listed = pc.wine.builtin(&["sc", "query", "FluxionAgent"])?;
    ensure!(listed.contains("RUNNING"), "sc says: {listed}");
    let events = pc.wine.builtin(&[
        "reg",
        "query",
        r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\FluxionAgent",
    ])?;
    ensure!(events.contains("EventCreate.exe"), "reg says: {events}");
    until(SOON, || async {
        let agents = store.agents().await?;
        ensure!(
            agents.to_string().contains("last_seen_at\":\"20"),
            "the cloud knows: {agents}"
        );
        Ok(())
    })
    .await
}

async fn configure(pc: &Pc<'_>, store: &Store) -> Result<()> {
    let before = pc.children();
    store.export("uno", "1,50")?;
    pc.configure(store)?;
    store.expect_price("1001", "1.5").await?;
    store.expect_price("7591", "12.5").await?;
    ensure!(
        pc.children() != before,
        "the agent did not start anew with the configuration"
    );
    let taken = store.exports.join("processed");
    until(SOON, || async {
        ensure!(taken.exists(), "the export was not put aside");
        Ok(())
    })
    .await
}

async fn stop(pc: &Pc<'_>) -> Result<()> {
    let begun = Instant::now();
    let said = pc.agent(&["stop"])?;
    pc.is_gone()
        .await
        .with_context(|| format!("stop said: {said}"))?;
    ensure!(
        begun.elapsed() < Duration::from_secs(12),
        "it took {:?}",
        begun.elapsed()
    );
    let left = pc.data("spool.db-wal");
    let size = fs::metadata(&left).map_or(0, |file| file.len());
    ensure!(size == 0, "{} still holds {size} bytes", left.display());
    Ok(())
}

async fn start(pc: &Pc<'_>, store: &Store) -> Result<()> {
    store.export("dos", "1,75")?;
    store.sql("update precios set precio = 13.25 where codigo = '7591'")?;
    let said = pc.agent(&["start"])?;
    pc.is_running()
        .await
        .with_context(|| format!("start said: {said}"))?;
    store.expect_price("1001", "1.75").await?;
    store.expect_price("7591", "13.25").await
}

fn kill(pids: &[u32]) -> Result<()> {
    for pid in pids {
        let status = std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()?;
        ensure!(status.success(), "process {pid} could not be killed");
    }
    Ok(())
}

async fn kill_agent(pc: &Pc<'_>, store: &Store) -> Result<()> {
    let before = pc.children();
    ensure!(before.len() == 1, "agents: {before:?}");
    kill(&before)?;
    until(SOON, || async {
        let now = pc.children();
        ensure!(now.len() == 1 && now != before, "agents: {now:?}");
        Ok(())
    })
    .await?;
    store.export("tres", "2,10")?;
    store.expect_price("1002", "2.1").await
}

async fn kill_service(pc: &Pc<'_>) -> Result<()> {
    kill(&pc.supervisors())?;
    pc.is_gone().await
}

async fn bad_configuration(pc: &Pc<'_>) -> Result<()> {
    fs::write(pc.data("fluxion-agent.toml"), "servidor = 'nube'\n")?;
    pc.agent(&["start"])?;
    until(SOON, || async {
        let status = pc.status()?;
        let problem = status["supervisor"]["problem"].to_string();
        ensure!(
            problem.contains("servidor") && status["service"] == "running",
            "status says: {status}"
        );
        Ok(())
    })
    .await?;
    pc.agent(&["stop"])?;
    pc.is_gone().await
}

async fn mended(pc: &Pc<'_>, store: &Store) -> Result<()> {
    pc.agent(&["start"])?;
    until(SOON, || async {
        ensure!(pc.supervisors().len() == 1, "the service does not run");
        Ok(())
    })
    .await?;
    pc.configure(store)?;
    store.sql("update precios set precio = 14.5 where codigo = '7591'")?;
    store.expect_price("7591", "14.5").await
}

async fn power_cut(pc: &Pc<'_>, store: &Store) -> Result<()> {
    store.sql("update precios set precio = 15.5 where codigo = '7591'")?;
    pc.wine.restart()?;
    pc.is_running().await?;
    store.export("cuatro", "2,60")?;
    store.expect_price("1002", "2.6").await?;
    store.expect_price("7591", "15.5").await
}

async fn uninstall(pc: &Pc<'_>) -> Result<()> {
    let said = pc.agent(&["uninstall"])?;
    pc.is_gone()
        .await
        .with_context(|| format!("uninstall said: {said}"))?;
    let listed = pc.wine.builtin(&["sc", "query", "FluxionAgent"])?;
    ensure!(!listed.contains("STATE"), "sc says: {listed}");
    ensure!(
        pc.data("agent-token.json").exists() && pc.data("spool.db").exists(),
        "the data is gone"
    );
    Ok(())
}
