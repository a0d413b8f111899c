//! What was answered with 200 is stored, and stored once.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Agent, Call, sale};

#[tokio::test]
async fn an_event_becomes_a_row_with_its_lines_and_exact_numbers() {
    let agent = Agent::start(json!({})).await;
    let answer = agent.send("evt_1", &sale("A|1")).await;
    assert!(answer.is_new(), "{answer:?}");
    agent.stored(|stored| {
        assert_eq!(stored.keys(), ["A\\|1"]);
        assert_eq!(stored.cell("A\\|1", "total"), "12.3");
        assert_eq!(stored.lines("A\\|1", "lines", "quantity"), ["0.1", "2"]);
    });
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_stored() {
    let agent = Agent::start(json!({})).await;
    agent.hold(true);
    let address = agent.address;
    let sending = tokio::spawn(Call::new("evt_1", &sale("1")).send(address));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!sending.is_finished());
    assert!(agent.stored(|stored| stored.rows.is_empty()));
    agent.hold(false);
    assert!(sending.await.unwrap().is_new());
}

#[tokio::test]
async fn a_call_that_is_sent_again_counts_once_also_after_a_restart() {
    let agent = Agent::start(json!({})).await;
    assert!(agent.send("evt_1", &sale("1")).await.is_new());
    assert!(agent.send("evt_1", &sale("1")).await.is_duplicate());
    let address = agent.address;
    let stored = agent.stop().await;
    let agent = Agent::after(address, json!({}), stored).await;
    assert!(agent.send("evt_1", &sale("1")).await.is_duplicate());
    assert!(agent.send("evt_2", &sale("2")).await.is_new());
    agent.stored(|stored| assert_eq!(stored.batches, 2));
}

#[tokio::test]
async fn copies_that_arrive_at_once_are_stored_once_and_all_answered() {
    let agent = Agent::start(json!({})).await;
    agent.hold(true);
    let address = agent.address;
    let copies: Vec<_> = (0..5)
        .map(|_| tokio::spawn(Call::new("evt_1", &sale("1")).send(address)))
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    agent.hold(false);
    let mut new = 0;
    for copy in copies {
        let answer = copy.await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        new += usize::from(answer.is_new());
    }
    assert_eq!(new, 1);
    agent.stored(|stored| assert_eq!(stored.batches, 1));
}

#[tokio::test]
async fn what_a_stream_that_stopped_left_waiting_is_sent_again_and_kept() {
    let agent = Agent::start(json!({})).await;
    agent.hold(true);
    let address = agent.address;
    let sending = tokio::spawn(Call::new("evt_1", &sale("1")).send(address));
    tokio::time::sleep(Duration::from_millis(300)).await;
    // The connector lives on, as while a stream is halted.
    let connector = agent.connector.clone();
    let stored = agent.stop().await;
    let answer = sending.await.unwrap();
    assert_eq!(
        (answer.status, answer.retry_after),
        (503, Some(5)),
        "{answer:?}"
    );
    let answer = Call::new("evt_1", &sale("1")).send(address).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    drop(connector);
    let agent = Agent::after(address, json!({}), stored).await;
    assert!(agent.send("evt_1", &sale("1")).await.is_new());
    agent.stored(|stored| assert_eq!(stored.batches, 1));
}

#[tokio::test]
async fn an_event_that_is_no_row_is_kept_as_a_reject_and_not_asked_for_again() {
    let agent = Agent::start(json!({})).await;
    for (id, body, reason) in [
        (
            "evt_1",
            r#"{"event_type":"sale_completed","data":{"total":1,"items":[]}}"#,
            "its key number",
        ),
        (
            "evt_2",
            r#"{"event_type":"sale_completed","data":{"number":"7"}}"#,
            "no list at /items",
        ),
        (
            "evt_3",
            r#"{"event_type":"sale_completed"}"#,
            "nothing at \"/data\"",
        ),
        (
            "evt_4",
            r#"{"event_type":"sale_completed","data":{"number":"odd","items":[]}}"#,
            "the total is odd",
        ),
    ] {
        let answer = agent.send(id, body).await;
        assert_eq!(
            (answer.status, &answer.body["rejected"]),
            (200, &json!(true)),
            "{answer:?}"
        );
        assert!(
            answer.body["problems"][0]
                .as_str()
                .unwrap()
                .contains(reason),
            "{answer:?}"
        );
        assert!(agent.send(id, body).await.is_duplicate(), "{id}");
    }
    agent.stored(|stored| {
        assert_eq!((stored.unreadable.len(), stored.batches), (3, 4));
        assert!(
            stored.unreadable[0]
                .raw
                .as_ref()
                .unwrap()
                .contains("sale_completed")
        );
    });
}

#[tokio::test]
async fn an_event_is_stored_within_milliseconds() {
    let agent = Agent::start(json!({})).await;
    let mut took: Vec<Duration> = Vec::new();
    for n in 0..50 {
        let begun = Instant::now();
        assert!(
            agent
                .send(&format!("evt_{n}"), &sale(&n.to_string()))
                .await
                .is_new()
        );
        took.push(begun.elapsed());
    }
    took.sort();
    // A new connection each, on a computer that also builds: the median says that no clock is waited for.
    assert!(took[25] < Duration::from_millis(100), "{took:?}");
}
