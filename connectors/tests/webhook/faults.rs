//! Calls that are refused, each with what to do, and listeners that cannot be.

use std::time::Duration;

use chrono::Utc;
use fluxion_connectors::{ConnectorKind, Level, Remedy, StartAt, registry};
use fluxion_model::row::RowKey;
use serde_json::json;

use super::{
    Agent, Answer, Call, OTHER, SECRET, client, connector, free_address, products, sale, sales,
};
use crate::mirror::Mirror;

#[tokio::test]
async fn what_is_not_believed_is_refused_with_what_to_do_and_not_stored() {
    let agent = Agent::start(json!({})).await;
    let now = Utc::now().timestamp();
    let body = sale("1");
    let good = || Call::new("evt_1", &body);
    let long = "x".repeat(257);
    for (call, status, said) in [
        (Call { id: None, ..good() }, 400, "webhook-id is missing"),
        (
            Call {
                timestamp: None,
                ..good()
            },
            400,
            "webhook-timestamp is missing",
        ),
        (
            Call {
                signature: None,
                ..good()
            },
            400,
            "webhook-signature is missing",
        ),
        (Call::new(&long, &body), 400, "visible ASCII"),
        (
            Call {
                timestamp: Some("2026-01-01".to_owned()),
                ..good()
            },
            400,
            "date +%s",
        ),
        (
            Call::signed("evt_1", now - 400, &body, SECRET),
            401,
            "set the clock of the sender",
        ),
        (
            Call::signed("evt_1", now + 400, &body, SECRET),
            401,
            "s in the future",
        ),
        (
            Call::signed("evt_1", now, &body, OTHER),
            401,
            "id.timestamp.body",
        ),
        (
            Call {
                body: sale("2").into(),
                ..good()
            },
            401,
            "exact bytes",
        ),
        (
            Call {
                id: Some("evt_2".to_owned()),
                ..good()
            },
            401,
            "exact bytes",
        ),
        (Call::new("evt_1", "number=1"), 400, "not JSON"),
        (Call::new("evt_1", ""), 400, "not JSON"),
        (
            Call::new("evt_1", "<html><body>Login</body></html>"),
            400,
            "HTML",
        ),
        (Call::new("evt_1", "[]"), 400, "JSON object"),
        (Call::new("evt_1", r#"{"data": {}}"#), 400, "event_type"),
    ] {
        let answer = call.send(agent.address).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.kind, "application/problem+json");
        assert_eq!(answer.body["status"], status);
        assert!(
            answer.body["detail"].as_str().unwrap().contains(said),
            "{said}: {answer:?}"
        );
        assert_eq!(answer.retry_after, None);
    }
    agent.stored(|stored| assert_eq!(stored.batches, 0));
    assert!(agent.send("evt_1", &body).await.is_new());
}

#[tokio::test]
async fn an_event_that_nobody_takes_is_sent_away_for_good_once_all_streams_are_open() {
    let agent = Agent::start(json!({})).await;
    let body = r#"{"type": "shift_closed", "data": {}}"#;
    let answer = agent.send("evt_1", body).await;
    assert_eq!(
        (answer.status, answer.retry_after),
        (503, Some(5)),
        "{answer:?}"
    );
    tokio::time::sleep(Duration::from_secs(6)).await;
    let answer = agent.send("evt_1", body).await;
    assert_eq!(
        (answer.status, answer.retry_after),
        (422, None),
        "{answer:?}"
    );
    assert_eq!(
        answer.body["known"],
        json!(["product_updated", "sale_completed"])
    );
}

#[tokio::test]
async fn a_secret_is_replaced_without_a_gap() {
    let both = json!({"secret": format!("{OTHER}\n{SECRET}\n")});
    let agent = Agent::start(both).await;
    let now = Utc::now().timestamp();
    for (id, secret) in [("evt_1", SECRET), ("evt_2", OTHER)] {
        let answer = Call::signed(id, now, &sale(id), secret)
            .send(agent.address)
            .await;
        assert!(answer.is_new(), "{answer:?}");
    }
    let address = agent.address;
    let stored = agent.stop().await;
    let agent = Agent::after(address, json!({"secret": OTHER}), stored).await;
    let answer = Call::signed("evt_3", now, &sale("3"), SECRET)
        .send(agent.address)
        .await;
    assert_eq!(answer.status, 401);
    let answer = Call::signed("evt_3", now, &sale("3"), OTHER)
        .send(agent.address)
        .await;
    assert!(answer.is_new(), "{answer:?}");
}

#[tokio::test]
async fn more_events_a_minute_than_allowed_are_asked_to_come_later() {
    let agent = Agent::start(json!({"events_per_minute": 2})).await;
    for n in 0..2 {
        assert!(
            agent
                .send(&format!("evt_{n}"), &sale(&n.to_string()))
                .await
                .is_new()
        );
    }
    let answer = agent.send("evt_2", &sale("2")).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!((1..=60).contains(&answer.retry_after.unwrap()));
}

#[tokio::test]
async fn other_addresses_and_methods_say_where_events_go() {
    let agent = Agent::start(json!({})).await;
    let url = |path: &str| format!("http://{}{path}", agent.address);
    let health = Answer::of(client().get(url("/health")).send().await.unwrap()).await;
    assert_eq!((health.status, &health.body["status"]), (200, &json!("ok")));
    assert!((health.body["time"].as_i64().unwrap() - Utc::now().timestamp()).abs() < 5);
    for (request, status) in [
        (client().get(url("/")), 405),
        (client().post(url("/webhooks")), 404),
    ] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, status);
        assert!(
            answer.body["detail"]
                .as_str()
                .unwrap()
                .contains("POST to /"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_port_in_use_and_a_foreign_address_are_named_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (address, code, said) in [
        (taken.local_addr().unwrap(), "port_in_use", "another port"),
        (
            "192.0.2.1:8770".parse().unwrap(),
            "not_our_address",
            "0.0.0.0",
        ),
    ] {
        let connector = connector(address, json!({}));
        let opened = connector
            .open(&sales(), StartAt::Snapshot, Mirror::default().context())
            .await;
        let Err(error) = opened else {
            panic!("{address} cannot be listened at");
        };
        let Remedy::AskOperator { code: told, hint } = &error.remedy else {
            panic!("{error:?}");
        };
        assert!(*told == code && hint.contains(said), "{error:?}");
        assert!(connector.probe().await.is_err(), "{address}");
    }
}

#[tokio::test]
async fn a_look_beside_a_running_agent_knows_it_and_leaves_it_alone() {
    let agent = Agent::start(json!({})).await;
    let probe = connector(agent.address, json!({})).probe().await.unwrap();
    assert!(probe.product.contains(&agent.address.to_string()));
    let said: Vec<&str> = probe
        .findings
        .iter()
        .map(|finding| finding.what.es.as_str())
        .collect();
    assert!(said[0].contains("ya escucha"), "{said:?}");
    assert!(said.iter().any(|said| said.contains("reloj")), "{said:?}");
    assert!(
        probe
            .findings
            .iter()
            .all(|finding| finding.level == Level::Info)
    );
    let own = agent.connector.probe().await.unwrap();
    assert!(!own.findings[0].what.es.contains("ya escucha"), "{own:?}");
    assert!(agent.send("evt_1", &sale("1")).await.is_new());
}

#[tokio::test]
async fn the_port_is_free_again_when_the_connector_is_gone() {
    let address = free_address();
    for round in 0..3 {
        let agent = Agent::after(address, json!({}), std::sync::Arc::default()).await;
        assert!(
            agent.send("evt_1", &sale("1")).await.is_new(),
            "round {round}"
        );
        drop(agent.stop().await);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn rows_cannot_be_asked_for_and_other_streams_do_not_fit() {
    let connector = connector(free_address(), json!({}));
    let context = Mirror::default().context();
    let keys = [RowKey::join(["1"])];
    let error = connector
        .read_keys(&sales(), &keys, context.clone())
        .await
        .unwrap_err();
    assert!(
        matches!(
            &error.remedy,
            Remedy::AskOperator {
                code: "unsupported",
                ..
            }
        ),
        "{error:?}"
    );
    let mut diff = products();
    diff.capture = fluxion_model::stream::Capture::Diff;
    let mut keyless = products();
    keyless.key = vec!["sku".to_owned()];
    for (spec, said) in [(diff, "\"push\""), (keyless, "\"sku\"")] {
        let opened = connector
            .open(&spec, StartAt::Snapshot, context.clone())
            .await;
        let error = opened.err().unwrap();
        assert!(error.hint().unwrap().contains(said), "{error:?}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_named_and_secrets_stay_hidden() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{SECRET}\r\n")).unwrap();
    let from_file = json!({"secret_file": file.path()});
    assert!(registry::build(ConnectorKind::Webhook, &from_file).is_ok());
    for (settings, setting, said) in [
        (json!({}), "connection.secret", "openssl rand"),
        (json!({"secret": "hunter2"}), "connection.secret", "whsec_"),
        (json!({"secret": ""}), "connection.secret", "0 secrets"),
        (
            json!({"secret": SECRET, "listen": "localhost"}),
            "connection.listen",
            "8770",
        ),
        (
            json!({"secret": SECRET, "max_body_bytes": 0}),
            "connection.max_body_bytes",
            "1 to",
        ),
        (
            json!({"secret": SECRET, "events_per_minute": 0}),
            "connection.events_per_minute",
            "at least 1",
        ),
        (
            json!({"secret": SECRET, "secret_env": "X"}),
            "connection.secret",
            "only one of",
        ),
        (
            json!({"secret_file": "/nowhere/at/all"}),
            "connection.secret_file",
            "cannot be read",
        ),
    ] {
        let Err(error) = registry::build(ConnectorKind::Webhook, &settings) else {
            panic!("{settings} must be refused");
        };
        assert_eq!(error.setting, setting);
        assert!(
            error.message.contains(said) && !error.message.contains("hunter2"),
            "{error}"
        );
    }
    let public =
        registry::public_settings(ConnectorKind::Webhook, &json!({"secret": SECRET})).unwrap();
    assert_eq!(
        public,
        json!({"listen": "127.0.0.1:8770", "max_body_bytes": 1_048_576})
    );
}
