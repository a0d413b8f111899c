//! Leaves a request for the running agent and shows how it is carried out.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use fluxion_model::command::Action;
use fluxion_model::id::StreamName;
use tokio::time::Instant;

use super::look::read_state;
use super::progress::Progress;
use super::told_to_stop;
use crate::folder::DataFolder;
use crate::live::StreamLive;

const TAKEN_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn ask(
    folder: &DataFolder,
    action: Action,
    pos: Option<&str>,
    stream: Option<&StreamName>,
) -> anyhow::Result<ExitCode> {
    let wanted = |live: &StreamLive| {
        pos.is_none_or(|pos| pos == live.state.pos)
            && stream.is_none_or(|stream| *stream == live.state.stream)
    };
    let Some(before) = read_state(folder) else {
        bail!(
            "the running agent does not say how it is\nhint: wait a moment and try again, or restart it"
        );
    };
    if !before.streams.iter().any(&wanted) {
        let known: Vec<_> = before
            .streams
            .iter()
            .map(|live| format!("{}/{}", live.state.pos, live.state.stream))
            .collect();
        bail!(
            "the running agent reads no such stream; it reads: {}",
            known.join(", ")
        );
    }
    let request = folder.leave_request(action)?;
    eprintln!("The running agent (process {}) was asked.", before.pid);
    let mut progress = Progress::new();
    let begun = Instant::now();
    loop {
        tokio::select! {
            () = told_to_stop() => {
                eprintln!("The agent goes on with it.");
                return Ok(ExitCode::FAILURE);
            }
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
        }
        let Some(state) = read_state(folder) else {
            continue;
        };
        let streams: Vec<_> = state
            .streams
            .iter()
            .filter(|live| wanted(live))
            .cloned()
            .collect();
        let done = streams
            .iter()
            .all(|live| live.last_ticket.as_ref() == Some(&request.ticket));
        progress.show(&streams, state.queued_batches, state.cloud.delivered);
        if done && (state.queued_batches == 0 || state.cloud.problem.is_some()) {
            progress.finish(&streams, state.queued_batches, state.cloud.delivered);
            let mut well = state.queued_batches == 0;
            for live in streams.iter().filter(|live| !live.last_run_ok) {
                well = false;
                let why = live
                    .state
                    .last_error
                    .as_deref()
                    .unwrap_or("it did not end well");
                eprintln!("{}/{}: {why}", live.state.pos, live.state.stream);
            }
            if let Some(problem) = &state.cloud.problem {
                eprintln!(
                    "{} deliveries wait in the spool: {problem}",
                    state.queued_batches
                );
            }
            return Ok(if well {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        if begun.elapsed() > TAKEN_WITHIN && folder.try_lock()?.is_some() {
            bail!(
                "the agent that was asked has stopped\nhint: start it, or run this again without it"
            );
        }
    }
}
