//! Kills agents and the cloud at random moments, without warning, and starts them again.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::chain::{Agent, Cloud};
use super::life::Closing;
use super::narrate::Narrator;
use crate::sim::random::Random;

/// The processes that can be killed.
#[derive(Debug)]
pub struct Fleet {
    /// The cloud service.
    pub cloud: Cloud,
    /// One agent per store.
    pub agents: Vec<Agent>,
}

/// Ends a process at once, as a power cut would.
fn sigkill(pid: u32) {
    let killed = Command::new("kill")
        .args(["-s", "KILL", &pid.to_string()])
        .status();
    if !killed.is_ok_and(|status| status.success()) {
        eprintln!("process {pid} was gone before it could be killed");
    }
}

/// Beyond every agent's place.
const CLOUD: usize = usize::MAX;

/// Kills and restarts until it is time to close. Returns how often.
#[must_use]
pub fn run(
    fleet: Arc<Mutex<Fleet>>,
    seed: u64,
    narrator: Narrator,
    mut closing: Closing,
) -> JoinHandle<Result<u32>> {
    tokio::spawn(async move {
        let mut random = Random::new(seed).branch("power cuts");
        let mut kills = 0;
        loop {
            closing
                .pause(Duration::from_millis(u64::try_from(
                    random.between(400, 4_000),
                )?))
                .await;
            if closing.now() {
                return Ok(kills);
            }
            let mut fleet = fleet.lock().await;
            // The first store has most to send, and everybody depends on the cloud.
            let victim = *random.pick(&[0, 0, 1, 2, 4, CLOUD, CLOUD]);
            let away = Duration::from_millis(u64::try_from(random.between(100, 1_500))?);
            kills += 1;
            if let Some(agent) = fleet.agents.get_mut(victim) {
                narrator.say(format!("kill -9: the agent of {}", agent.store));
                if let Some(pid) = agent.pid() {
                    sigkill(pid);
                }
                agent.stop();
                tokio::time::sleep(away).await;
                agent.start()?;
            } else {
                narrator.say("kill -9: the cloud");
                if let Some(pid) = fleet.cloud.pid() {
                    sigkill(pid);
                }
                fleet.cloud.stop();
                tokio::time::sleep(away).await;
                fleet.cloud.start()?;
            }
        }
    })
}
