//! `sync` and `confirm-deletes`: asks the running agent, or does it here when none runs.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use fluxion_model::command::Action;
use fluxion_model::id::StreamName;

use super::ask::ask;
use super::progress::Progress;
use super::{Place, Which, runtime, told_to_stop};
use crate::agent::{Agent, Mode, build_pos, sync_mode};
use crate::capture::Task;
use crate::config::Loaded;
use crate::folder::DataFolder;
use crate::live::StreamLive;
use crate::logs;

pub(super) fn sync(
    place: &Place,
    which: &Which,
    full: bool,
    once: bool,
) -> anyhow::Result<ExitCode> {
    let loaded = place.load()?;
    let folder = DataFolder::open(&loaded.data_dir)?;
    let Some(lock) = folder.try_lock()? else {
        if once {
            bail!(
                "another agent works in {}\nhint: leave --once out to let it do the work, or stop it first",
                folder.path().display()
            );
        }
        let action = Action::Sync {
            pos: which.pos.clone(),
            stream: which.stream.clone(),
            mode: sync_mode(full),
        };
        return runtime()?.block_on(ask(
            &folder,
            action,
            which.pos.as_deref(),
            which.stream.as_ref(),
        ));
    };
    let task = Task::Sync(sync_mode(full));
    let code = here(
        loaded,
        &folder,
        which.pos.as_deref(),
        which.stream.as_ref(),
        &task,
    );
    drop(lock);
    code
}

pub(super) fn confirm_deletes(
    place: &Place,
    pos: &str,
    stream: &StreamName,
) -> anyhow::Result<ExitCode> {
    let loaded = place.load()?;
    let folder = DataFolder::open(&loaded.data_dir)?;
    let Some(lock) = folder.try_lock()? else {
        let action = Action::ConfirmDeletes {
            pos: pos.to_owned(),
            stream: stream.clone(),
        };
        return runtime()?.block_on(ask(&folder, action, Some(pos), Some(stream)));
    };
    let code = here(
        loaded,
        &folder,
        Some(pos),
        Some(stream),
        &Task::ConfirmDeletes,
    );
    drop(lock);
    code
}

/// Does it in this process and waits until the cloud has everything.
fn here(
    loaded: Loaded,
    folder: &DataFolder,
    pos: Option<&str>,
    stream: Option<&StreamName>,
    task: &Task,
) -> anyhow::Result<ExitCode> {
    let guard = logs::begin(&loaded.config.log, &folder.logs(), logs::Screen::Warnings)?;
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let agent = Agent::start(loaded, folder.clone(), Mode::OneShot, build_pos())?;
        let code = drive(&agent, pos, stream, task).await;
        agent.stop().await;
        code
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    drop(guard);
    code
}

async fn drive(
    agent: &Agent,
    pos: Option<&str>,
    stream: Option<&StreamName>,
    task: &Task,
) -> anyhow::Result<ExitCode> {
    let mut waits = agent.sync(pos, stream, task);
    if waits.is_empty() {
        let problems = agent.live.snapshot(&agent.spool.info()).pos_problems;
        let reasons: String = problems
            .iter()
            .map(|(pos, problem)| format!("\n  {pos}: {problem}"))
            .collect();
        bail!(
            "there is nothing to read: no such POS system or stream, or none that can be read{reasons}"
        );
    }
    let mut progress = Progress::new();
    let all_well = tokio::select! {
        well = async {
            let mut well = true;
            for wait in &mut waits {
                well &= wait.await.unwrap_or(false);
            }
            well
        } => well,
        () = watch(agent, &mut progress) => false,
        () = told_to_stop() => {
            eprintln!("stopped; the next run goes on where this one was");
            return Ok(ExitCode::FAILURE);
        }
    };
    let drained = tokio::select! {
        drained = drain(agent, &mut progress) => drained,
        () = told_to_stop() => false,
    };
    let cloud = agent.live.cloud_now();
    progress.finish(
        &agent.live.streams(),
        agent.spool.info().batches,
        cloud.delivered,
    );
    let meant = |live: &StreamLive| {
        pos.is_none_or(|pos| pos == live.state.pos)
            && stream.is_none_or(|stream| *stream == live.state.stream)
    };
    Ok(verdict(agent, meant, all_well, drained))
}

async fn watch(agent: &Agent, progress: &mut Progress) {
    loop {
        progress.show(
            &agent.live.streams(),
            agent.spool.info().batches,
            agent.live.cloud_now().delivered,
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until the spool is empty; false when the cloud does not take it.
async fn drain(agent: &Agent, progress: &mut Progress) -> bool {
    loop {
        let queue = agent.spool.info();
        let cloud = agent.live.cloud_now();
        if queue.batches == 0 {
            return true;
        }
        if cloud.needs_person || agent.cloud_is_silent() {
            return false;
        }
        progress.show(&agent.live.streams(), queue.batches, cloud.delivered);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn verdict(
    agent: &Agent,
    meant: impl Fn(&StreamLive) -> bool,
    all_well: bool,
    drained: bool,
) -> ExitCode {
    for live in agent.live.streams().into_iter().filter(meant) {
        if let Some(error) = &live.state.last_error {
            eprintln!("{}/{}: {error}", live.state.pos, live.state.stream);
            if let Some(hint) = live.halted.as_ref().and_then(|halt| halt.hint.as_ref()) {
                eprintln!("  what to do: {hint}");
            }
        }
    }
    let problems = agent.live.snapshot(&agent.spool.info()).pos_problems;
    for (pos, problem) in &problems {
        eprintln!("{pos}: {problem}");
    }
    if !drained {
        let problem = agent
            .live
            .cloud_now()
            .problem
            .unwrap_or_else(|| "stopped before the end".to_owned());
        eprintln!(
            "{} deliveries wait in the spool: {problem}",
            agent.spool.info().batches
        );
    }
    if all_well && drained && problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
