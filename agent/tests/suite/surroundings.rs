//! The old computer at the till: a disk that fills up, a clock that jumps, a night with the lid closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{TimeDelta, Utc};
use fluxion_agent::agent::{Agent, Mode};
use fluxion_agent::surroundings::Surroundings;
use fluxion_model::entity::EntityKind;
use fluxion_model::heartbeat::StreamPhase;

use crate::cloud::{Cloud, Inner};
use crate::pos::{Pos, Store, WATERMARK, rows};

const MB: u64 = 1_000_000;

/// What the test decides about the computer.
#[derive(Clone)]
struct Computer {
    free: Arc<AtomicU64>,
    seconds_ahead: Arc<AtomicI64>,
}

impl Computer {
    fn new() -> Self {
        Self {
            free: Arc::new(AtomicU64::new(50_000 * MB)),
            seconds_ahead: Arc::default(),
        }
    }

    fn surroundings(&self) -> Surroundings {
        let (disk, clock) = (self.clone(), self.clone());
        Surroundings {
            free_bytes: Arc::new(move || Some(disk.free.load(Ordering::Relaxed))),
            cost_of_line: Arc::new(|| None),
            wall: Arc::new(move || {
                Utc::now() + TimeDelta::seconds(clock.seconds_ahead.load(Ordering::Relaxed))
            }),
        }
    }
}

async fn store() -> (Cloud, Store) {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(
        &server,
        Pos::with("items", rows(5)),
        &[("items", WATERMARK)],
    );
    store.enrol();
    (cloud, store)
}

fn name_of(inner: &Inner, key: &str) -> String {
    let key = (EntityKind::Product, key.to_owned());
    inner.model.records.get(&key).cloned().unwrap_or_default()
}

async fn until(agent: &Agent, what: &str, holds: impl Fn(&Agent) -> bool) {
    for _ in 0..400 {
        if holds(agent) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("waited in vain until {what}: {:?}", agent.live.streams());
}

fn phase(agent: &Agent) -> Option<(StreamPhase, String)> {
    let stream = agent.live.streams().into_iter().next()?;
    Some((
        stream.state.phase,
        stream.state.last_error.unwrap_or_default(),
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_nearly_full_stops_reading_and_not_sending_and_reading_goes_on_by_itself() {
    let (cloud, store) = store().await;
    let computer = Computer::new();
    let agent = store.start_among(computer.surroundings(), Mode::Resident);
    let loaded = |inner: &Inner| inner.model.records.len() == 10;
    cloud.until("the first load is there", loaded).await;

    // Something waits for the cloud when the disk gets short.
    cloud.inner(|inner| inner.tokens_refused = true);
    store.pos.set("items", "0003", "read before", "1");
    until(&agent, "a batch waits", |agent| {
        agent.spool.info().batches > 0
    })
    .await;
    computer.free.store(499 * MB, Ordering::Relaxed);
    until(&agent, "it is told", |agent| {
        phase(agent).is_some_and(|(phase, error)| {
            phase == StreamPhase::Retrying && error.contains("only 499 MB are free")
        })
    })
    .await;
    store.pos.set("items", "0004", "read after", "1");
    cloud.inner(|inner| inner.tokens_refused = false);
    cloud
        .until("what was read is sent", |inner| {
            name_of(inner, "0003").contains("read before")
        })
        .await;
    let beats = cloud.inner(|inner| inner.heartbeats);
    assert!(beats > 0);

    // A little more is not enough: it would stop again at once.
    computer.free.store(550 * MB, Ordering::Relaxed);
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert!(!cloud.inner(|inner| name_of(inner, "0004").contains("read after")));
    computer.free.store(700 * MB, Ordering::Relaxed);
    cloud
        .until("reading goes on", |inner| {
            name_of(inner, "0004").contains("read after")
        })
        .await;
    until(&agent, "nothing is wrong any more", |agent| {
        phase(agent).is_some_and(|(phase, error)| phase == StreamPhase::Idle && error.is_empty())
    })
    .await;
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_night_asleep_and_after_a_clock_set_back_changes_are_looked_for_at_once() {
    let (cloud, mut store) = store().await;
    store.loaded.config.pos[0].every = Some("1d".parse().unwrap());
    let computer = Computer::new();
    let agent = store.start_among(computer.surroundings(), Mode::Resident);
    let loaded = |inner: &Inner| inner.model.records.len() == 10;
    cloud.until("the first load is there", loaded).await;
    for (seconds, name) in [
        (8 * 3_600, "after the night"),
        (-365 * 86_400, "a year ago"),
    ] {
        store.pos.set("items", "0003", name, "1");
        computer.seconds_ahead.store(seconds, Ordering::Relaxed);
        let arrived = |inner: &Inner| name_of(inner, "0003").contains(name);
        cloud.until(name, arrived).await;
    }
    // Once for each jump, and not a thousand times for the hours that were missed.
    let looks = store.pos.inner(|inner| inner.looks);
    assert!(looks < 20, "{looks}");
    agent.stop().await;
}
