//! What the cloud asks for, over a request that is held open. Carrying out the same command twice does no harm, and
//! one that was seen is not carried out again.

use std::collections::VecDeque;
use std::time::Duration;

use fluxion_model::command::{Action, Command, CommandOutcome};
use fluxion_model::id::CommandId;
use tokio::time::Instant;

use super::Link;
use super::client::{CloudError, LONG_POLL};
use crate::breaker::jitter;
use crate::clock;

const REMEMBERED: usize = 256;
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Listens until the agent stops; `carry_out` begins what is asked.
pub async fn listen(link: &Link, mut carry_out: impl FnMut(&Action) -> CommandOutcome) {
    let mut seen: VecDeque<(CommandId, CommandOutcome)> = VecDeque::new();
    let mut jumps = link.jumps.clone();
    loop {
        let Some(cloud) = link.cloud().await else {
            return;
        };
        let begun = Instant::now();
        let answer = tokio::select! {
            () = link.cancel.cancelled() => return,
            () = clock::jump(&mut jumps) => continue,
            answer = cloud.commands() => answer,
        };
        let pause = match answer {
            Ok(commands) => {
                let none = commands.is_empty();
                for Command { id, action } in commands {
                    let outcome = match seen.iter().find(|(old, _)| *old == id) {
                        Some((_, outcome)) => outcome.clone(),
                        None => {
                            tracing::info!(%id, ?action, "the cloud asks");
                            let outcome = carry_out(&action);
                            seen.push_back((id, outcome.clone()));
                            while seen.len() > REMEMBERED {
                                seen.pop_front();
                            }
                            outcome
                        }
                    };
                    if let Err(error) = cloud.outcome(id, &outcome).await {
                        tracing::debug!("{}", crate::chain(&error));
                    }
                }
                // A server that does not hold the request must not be asked in a tight loop.
                if none && begun.elapsed() < LONG_POLL / 2 {
                    Duration::from_secs(5)
                } else {
                    Duration::ZERO
                }
            }
            Err(CloudError::Busy {
                retry_after: Some(after),
                ..
            }) => after,
            Err(error) => {
                tracing::debug!("{}", crate::chain(&error));
                jitter(AFTER_FAILURE)
            }
        };
        tokio::select! {
            () = link.cancel.cancelled() => return,
            () = clock::jump(&mut jumps) => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
