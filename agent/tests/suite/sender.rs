//! The line to the cloud, with a cloud that answers everything a network can answer.

use std::time::Duration;

use fluxion_agent::agent::{Agent, Mode};
use fluxion_agent::capture::Task;
use fluxion_model::command::{Action, Command, SyncMode};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::CommandId;

use crate::cloud::{Cloud, Mischief};
use crate::pos::{DIFF, Pos, Store, WATERMARK, rows};

async fn sync(agent: &Agent) -> bool {
    let mut well = true;
    for wait in agent.sync(None, None, &Task::Sync(SyncMode::Incremental)) {
        well &= wait.await.unwrap_or(false);
    }
    well
}

async fn drained(agent: &Agent) {
    for _ in 0..600 {
        if agent.spool.info().batches == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!(
        "{} batches still wait: {:?}",
        agent.spool.info().batches,
        agent.live.cloud_now()
    );
}

async fn store(count: usize) -> (Cloud, Store) {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server, Pos::with("items", rows(count)), &[("items", DIFF)]);
    store.enrol();
    (cloud, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_cloud_answers_everything_arrives_once_and_in_order() {
    let (cloud, store) = store(95).await;
    cloud.inner(|inner| {
        inner.mischief = [
            Mischief::Status(500, None),
            Mischief::Html,
            Mischief::Status(429, Some(1)),
            Mischief::LostAnswer,
            Mischief::Slow(Duration::from_millis(300)),
        ]
        .into();
    });
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    cloud.inner(|inner| {
        assert_eq!(inner.model.records.len(), 190);
        assert_eq!(inner.model.puts, 190, "nothing was applied twice");
        assert!(inner.duplicates >= 1, "the lost answer was asked for again");
        assert_eq!(inner.declared, ["caja"]);
    });
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_cloud_refuses_becomes_a_reject_and_the_rest_arrives() {
    let (cloud, store) = store(40).await;
    cloud.inner(|inner| inner.refuses = Some("name 17".to_owned()));
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    cloud.inner(|inner| {
        assert_eq!(inner.model.records.len(), 79);
        assert!(
            !inner
                .model
                .records
                .contains_key(&(EntityKind::Product, "0017".to_owned()))
        );
        assert!(inner.model.rejects.contains("0017"));
    });
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_refuses_everything_loses_nothing() {
    let (cloud, store) = store(8).await;
    cloud.inner(|inner| inner.refuses_all = true);
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    for _ in 0..200 {
        if agent.live.cloud_now().needs_person {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let problem = agent.live.cloud_now().problem.unwrap_or_default();
    assert!(problem.contains("refuses every delivery"), "{problem}");
    agent.stop().await;
    cloud.inner(|inner| inner.refuses_all = false);
    let agent = store.start(Mode::OneShot);
    drained(&agent).await;
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 16);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_restored_from_a_backup_gets_everything_again() {
    let (cloud, store) = store(30).await;
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    agent.stop().await;
    // The backup was made before any of it.
    cloud.inner(|inner| {
        inner.model = crate::rows::CloudModel::default();
        inner.last = 1;
    });
    let agent = store.start(Mode::OneShot);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(sync(&agent).await);
    drained(&agent).await;
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 60);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_is_lost_is_filled_again_under_a_new_epoch() {
    let (cloud, store) = store(30).await;
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    agent.stop().await;
    let before = cloud.inner(|inner| inner.epoch);
    std::fs::write(
        store.spool_file(),
        b"this is no database at all, but long enough to be looked at",
    )
    .unwrap();
    store.pos.set("items", "0007", "another name", "1");
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    assert_ne!(cloud.inner(|inner| inner.epoch), before);
    let seven =
        cloud.inner(|inner| inner.model.records[&(EntityKind::Product, "0007".to_owned())].clone());
    assert!(seven.contains("another name"));
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_refused_asks_for_a_person_and_keeps_everything() {
    let (cloud, store) = store(10).await;
    cloud.inner(|inner| inner.tokens_refused = true);
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    for _ in 0..100 {
        if agent.live.cloud_now().needs_person {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let problem = agent.live.cloud_now().problem.unwrap_or_default();
    assert!(problem.contains("fluxion-agent enroll"), "{problem}");
    assert!(agent.spool.info().batches > 0);
    cloud.inner(|inner| inner.tokens_refused = false);
    drained(&agent).await;
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_carried_out_within_a_moment_and_answered() {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(
        &server,
        Pos::with("items", rows(5)),
        &[("items", WATERMARK)],
    );
    store.enrol();
    let agent = store.start(Mode::Resident);
    cloud
        .until("the first load is there", |inner| {
            inner.model.records.len() == 10
        })
        .await;
    store.pos.inner(|inner| {
        inner
            .tables
            .entry("items".to_owned())
            .or_default()
            .remove("0003");
    });
    let id = CommandId::generate();
    let action = Action::Sync {
        pos: None,
        stream: None,
        mode: SyncMode::Full,
    };
    cloud.inner(|inner| inner.commands.push(Command { id, action }));
    cloud
        .until("the full read found the delete", |inner| {
            inner.model.records.len() == 8
        })
        .await;
    cloud
        .until("the outcome was told", |inner| {
            inner.outcomes.iter().any(|text| text.contains("done"))
        })
        .await;
    store.pos.set("items", "0009", "new", "9");
    cloud
        .until("a change arrives by itself", |inner| {
            inner.model.records.len() == 10
        })
        .await;
    assert!(cloud.inner(|inner| inner.heartbeats) >= 1);
    agent.stop().await;
}
