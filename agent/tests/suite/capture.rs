//! From the POS to the cloud: what goes wrong at the source, and what becomes of it.

use std::time::Duration;

use fluxion_agent::agent::{Agent, Mode};
use fluxion_agent::capture::Task;
use fluxion_model::command::SyncMode;
use fluxion_model::entity::EntityKind;
use fluxion_model::heartbeat::StreamPhase;
use fluxion_model::id::StreamName;
use fluxion_model::stream::Capture;

use crate::cloud::Cloud;
use crate::pos::{DIFF, Fault, LOG, Pos, Store, WATERMARK, rows};

async fn store(count: usize, streams: &[(&str, &str)]) -> (Cloud, Store) {
    let (cloud, server) = Cloud::start().await;
    let store = Store::new(&server, Pos::with(streams[0].0, rows(count)), streams);
    store.enrol();
    (cloud, store)
}

async fn perform(agent: &Agent, task: &Task) -> bool {
    let mut well = true;
    for wait in agent.sync(None, None, task) {
        well &= wait.await.unwrap_or(false);
    }
    well
}

async fn sync(agent: &Agent) -> bool {
    perform(agent, &Task::Sync(SyncMode::Incremental)).await
}

async fn drained(agent: &Agent) {
    for _ in 0..600 {
        if agent.spool.info().batches == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("batches still wait: {:?}", agent.live.cloud_now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_interrupted_at_any_page_goes_on_where_it_was() {
    for stopped_after in 0..6 {
        let (cloud, store) = store(45, &[("items", WATERMARK)]).await;
        store
            .pos
            .fault("items", stopped_after, Fault::Halt("permission_denied"));
        let agent = store.start(Mode::OneShot);
        assert!(!sync(&agent).await);
        agent.stop().await;
        let agent = store.start(Mode::OneShot);
        assert!(sync(&agent).await);
        drained(&agent).await;
        cloud.inner(|inner| {
            assert_eq!(
                inner.model.records.len(),
                90,
                "stopped after {stopped_after}"
            );
            assert_eq!(inner.model.puts, 90, "nothing was sent twice");
        });
        let snapshots = store.pos.inner(|inner| inner.snapshots);
        assert_eq!(
            snapshots,
            if stopped_after == 0 { 2 } else { 1 },
            "stopped after {stopped_after}"
        );
        agent.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_stream_says_why_while_others_go_on() {
    let (cloud, store) = store(12, &[("items", DIFF), ("others", DIFF)]).await;
    store.pos.set("others", "x", "something", "1");
    for _ in 0..3 {
        store.pos.fault("items", 0, Fault::Halt("missing_column"));
    }
    let agent = store.start(Mode::Resident);
    cloud
        .until("the other stream arrived", |inner| {
            inner.model.records.len() == 2
        })
        .await;
    let halted = agent
        .live
        .streams()
        .into_iter()
        .find(|live| live.state.stream.as_str() == "items")
        .unwrap();
    assert_eq!(halted.state.phase, StreamPhase::Halted);
    assert_eq!(halted.halted.as_ref().unwrap().code, "missing_column");
    assert_eq!(
        halted.halted.unwrap().hint.as_deref(),
        Some("add the column again")
    );
    cloud
        .until("the failed job was reported", |inner| inner.model.jobs >= 2)
        .await;
    // Mended: a person asks for it, or the recheck finds it.
    store.pos.inner(|inner| inner.faults.clear());
    assert!(sync(&agent).await);
    cloud
        .until("the mended stream arrived", |inner| {
            inner.model.records.len() == 26
        })
        .await;
    let mended = agent
        .live
        .streams()
        .into_iter()
        .find(|live| live.state.stream.as_str() == "items")
        .unwrap();
    assert!(mended.halted.is_none());
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_table_stops_at_the_brake_and_a_confirmation_lets_it_through() {
    let (cloud, store) = store(50, &[("items", DIFF)]).await;
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    store.pos.inner(|inner| inner.tables.clear());
    assert!(!sync(&agent).await);
    drained(&agent).await;
    assert_eq!(
        cloud.inner(|inner| inner.model.records.len()),
        100,
        "an empty export empties nothing"
    );
    let live = agent.live.streams().remove(0);
    assert_eq!(live.halted.unwrap().code, "delete_brake");
    assert!(perform(&agent, &Task::ConfirmDeletes).await);
    drained(&agent).await;
    assert!(cloud.inner(|inner| inner.model.records.is_empty()));
    assert!(agent.live.streams().remove(0).halted.is_none());
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passing_trouble_is_tried_again_and_a_void_cursor_reads_everything_anew() {
    let (cloud, store) = store(25, &[("items", WATERMARK)]).await;
    store.pos.fault("items", 1, Fault::Retry);
    store.pos.fault("items", 1, Fault::Retry);
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    store.pos.inner(|inner| {
        inner
            .tables
            .entry("items".to_owned())
            .or_default()
            .remove("0005");
    });
    store.pos.fault("items", 0, Fault::Resnapshot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    assert_eq!(
        cloud.inner(|inner| inner.model.records.len()),
        48,
        "the anew-read found the delete"
    );
    assert_eq!(cloud.inner(|inner| inner.model.puts), 50);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_value_is_set_aside_with_its_reason_and_cleared_when_mended() {
    let (cloud, store) = store(3, &[("items", DIFF)]).await;
    store.pos.set("items", "0001", "name 1", "1O.50");
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    cloud.inner(|inner| {
        assert_eq!(inner.model.records.len(), 5);
        assert_eq!(inner.model.rejects.iter().collect::<Vec<_>>(), ["0001"]);
    });
    store.pos.set("items", "0001", "name 1", "10.50");
    assert!(perform(&agent, &Task::Replay(Vec::new())).await);
    drained(&agent).await;
    cloud.inner(|inner| {
        assert!(inner.model.rejects.is_empty());
        assert!(inner.model.records[&(EntityKind::Price, "0001".to_owned())].contains("10.5"));
    });
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_cloud_is_away_everything_waits_and_then_arrives() {
    let store = Store::new(
        "http://127.0.0.1:9",
        Pos::with("items", rows(20)),
        &[("items", DIFF)],
    );
    store.enrol();
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await, "reading does not need the cloud");
    assert!(agent.spool.info().batches > 0);
    agent.stop().await;
    let (cloud, server) = Cloud::start().await;
    let mut store = store;
    store.loaded.config.server = server;
    let agent = store.start(Mode::OneShot);
    drained(&agent).await;
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 40);
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_of_another_process_is_taken_and_its_end_is_shown() {
    let (cloud, store) = store(5, &[("items", DIFF)]).await;
    let folder = store.data();
    let mut agent = store.start(Mode::Resident);
    let serving = async {
        agent.serve(std::future::pending()).await;
    };
    let asking = async {
        cloud
            .until("the first load is there", |inner| {
                inner.model.records.len() == 10
            })
            .await;
        let action = fluxion_model::command::Action::Sync {
            pos: Some("caja".to_owned()),
            stream: Some(StreamName::new("items").unwrap()),
            mode: SyncMode::Full,
        };
        let request = folder.leave_request(action).unwrap();
        for _ in 0..200 {
            let state = std::fs::read_to_string(folder.state_file()).unwrap_or_default();
            if state.contains(&request.ticket) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the request was not carried out");
    };
    tokio::select! {
        () = serving => {}
        () = asking => {}
    }
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_way_that_is_allowed_is_taken_and_a_changed_way_reads_everything_once_more() {
    let (cloud, mut store) = store(25, &[("items", LOG)]).await;
    store.pos.inner(|inner| inner.refused = vec![Capture::Log]);
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await, "there is a fallback");
    agent.stop().await;
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    assert_eq!(store.pos.inner(|inner| inner.snapshots), 1, "it goes on");
    agent.stop().await;

    // While nobody looked a row went, which the old cursor would not tell; and now the log may be followed.
    store.pos.inner(|inner| {
        inner.refused.clear();
        inner
            .tables
            .entry("items".to_owned())
            .or_default()
            .remove("0005");
    });
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    drained(&agent).await;
    assert_eq!(store.pos.inner(|inner| inner.snapshots), 2);
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 48);
    assert_eq!(
        cloud.inner(|inner| inner.model.puts),
        50,
        "what did not change is not sent again"
    );
    agent.stop().await;
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    assert_eq!(store.pos.inner(|inner| inner.snapshots), 2);
    agent.stop().await;

    // The store may prefer another way.
    store.choose("items", "diff");
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await && sync(&agent).await);
    assert_eq!(
        store.pos.inner(|inner| inner.snapshots),
        4,
        "a diff reads everything each time"
    );
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_for_a_stream_that_is_not_there_is_told() {
    let (_cloud, mut store) = store(1, &[("items", DIFF)]).await;
    store.choose("itmes", "log");
    let agent = store.start(Mode::OneShot);
    let problems = agent.live.snapshot(&agent.spool.info()).pos_problems;
    assert!(problems["caja"].contains("items"), "{problems:?}");
    agent.stop().await;
    store.loaded.config.pos[0].capture.clear();
    store.choose("items", "watermark");
    let agent = store.start(Mode::OneShot);
    let problems = agent.live.snapshot(&agent.spool.info()).pos_problems;
    assert!(problems["caja"].contains("strategy"), "{problems:?}");
    agent.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletes_in_bulk_wait_at_the_brake_also_when_a_log_tells_them() {
    let (cloud, store) = store(50, &[("items", LOG)]).await;
    let agent = store.start(Mode::OneShot);
    assert!(sync(&agent).await);
    for code in 0..4 {
        store.pos.remove("items", &format!("{code:04}"));
    }
    assert!(sync(&agent).await);
    drained(&agent).await;
    assert_eq!(
        cloud.inner(|inner| inner.model.records.len()),
        92,
        "a few are carried out at once"
    );

    // The POS empties its table and fills it again.
    for code in 4..50 {
        store.pos.remove("items", &format!("{code:04}"));
    }
    for (code, name, price) in rows(50).skip(4) {
        store.pos.set("items", &code, &name, &price);
    }
    assert!(sync(&agent).await);
    drained(&agent).await;
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 92);
    assert_eq!(
        cloud.inner(|inner| inner.model.puts),
        100,
        "nothing is sent"
    );

    // Now they are really gone.
    for code in 4..50 {
        store.pos.remove("items", &format!("{code:04}"));
    }
    assert!(!sync(&agent).await);
    drained(&agent).await;
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 92);
    let live = agent.live.streams().remove(0);
    assert_eq!(live.halted.unwrap().code, "delete_brake");
    store.pos.set("items", "new", "new", "1.00");
    assert!(sync(&agent).await, "other changes go on meanwhile");
    drained(&agent).await;
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 94);
    assert!(perform(&agent, &Task::ConfirmDeletes).await);
    drained(&agent).await;
    assert_eq!(cloud.inner(|inner| inner.model.records.len()), 2);
    agent.stop().await;
}
