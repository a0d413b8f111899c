//! Bodies and senders that mean harm, or are broken in a way that looks like it.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Agent, Call, client, sale};

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_sender_hears_it() {
    let agent = Agent::start(json!({})).await;
    let large = format!(
        r#"{{"event_type":"sale_completed","data":"{}"}}"#,
        "x".repeat(10_000_000)
    );
    let answer = agent.send("evt_1", &large).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(
        answer.body["detail"]
            .as_str()
            .unwrap()
            .contains("max_body_bytes")
    );
    assert!(agent.send("evt_1", &sale("1")).await.is_new());
}

#[tokio::test]
async fn who_asks_first_is_told_before_it_sends() {
    let agent = Agent::start(json!({})).await;
    let mut line = TcpStream::connect(agent.address).await.unwrap();
    line.write_all(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n",
    )
    .await
    .unwrap();
    let mut said = [0; 12];
    tokio::time::timeout(Duration::from_secs(3), line.read_exact(&mut said))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&said, b"HTTP/1.1 413");
}

#[tokio::test]
async fn deep_nesting_costs_nothing() {
    let agent = Agent::start(json!({})).await;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!(
            r#"{{"event_type":"sale_completed","data":{}1{}}}"#,
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let begun = Instant::now();
        let answer = agent.send("evt_1", &deep).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.body["detail"].as_str().unwrap().contains("nested"),
            "{answer:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let agent = Agent::start(json!({})).await;
    let mut line = TcpStream::connect(agent.address).await.unwrap();
    line.write_all(b"POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        .await
        .unwrap();
    let mut said = Vec::new();
    let heard = tokio::time::timeout(Duration::from_secs(20), line.read_to_end(&mut said)).await;
    heard.unwrap().unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.starts_with("HTTP/1.1 408") && said.contains("Too slow"),
        "{said}"
    );
    assert!(agent.send("evt_1", &sale("1")).await.is_new());
}

#[tokio::test]
async fn more_calls_than_can_wait_are_asked_to_come_later_and_nothing_is_lost() {
    let agent = Agent::start(json!({})).await;
    agent.hold(true);
    let address = agent.address;
    let client = client();
    let calls: Vec<_> = (0..90)
        .map(|n| {
            let body = sale(&n.to_string());
            let client = client.clone();
            tokio::spawn(async move {
                let call = Call::new(&format!("evt_{n}"), &body);
                (n, call.send_by(&client, address).await)
            })
        })
        .collect();
    // Those that find no room are answered while the others wait.
    while !calls.iter().any(|call| call.is_finished()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    agent.hold(false);
    let (mut kept, mut later) = (0, Vec::new());
    for call in calls {
        let (n, answer) = call.await.unwrap();
        match answer.status {
            200 => kept += 1,
            503 => {
                assert!(answer.retry_after.is_some());
                later.push(n);
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(
        kept >= 60 && !later.is_empty(),
        "{kept} kept, {} later",
        later.len()
    );
    for n in later {
        assert_eq!(
            agent
                .send(&format!("evt_{n}"), &sale(&n.to_string()))
                .await
                .status,
            200
        );
    }
    agent.stored(|stored| assert_eq!(stored.rows.len(), 90));
}
