//! How an agent becomes known, and how the cloud talks to it.

use std::time::{Duration, Instant};

use axum::http::Method;
use fluxion_ingest::views::account::Role;
use serde_json::{Value, json};

use super::cloud::{Cloud, Who, delivery};

const EPOCH: &str = "0190a000-0000-7000-8000-0000000000aa";

async fn enrol(cloud: &Cloud, code: &str) -> super::cloud::Answer {
    cloud
        .post(
            &Who::Nobody,
            "/v1/agents/enrol",
            json!({ "code": code, "machine": "PC", "version": "0.1.0" }),
        )
        .await
}

#[tokio::test]
async fn an_agent_that_brings_its_own_token_is_answered_again() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let store = cloud.post(&admin, "/v1/stores", json!({ "name": "Centro" }));
    let store = store.await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/stores/{store}/enrolment-codes");
    let code = cloud.post(&admin, &path, json!({})).await.json()["code"].clone();
    let with = async |token: &str| {
        let body = json!({ "code": code, "machine": "PC", "version": "0.1.0", "token": token });
        cloud.post(&Who::Nobody, "/v1/agents/enrol", body).await
    };
    let token = format!("fxa_{}", "0af9".repeat(16));
    for weak in ["", "fxa_", "secret", &token.to_uppercase(), &token[..67]] {
        assert_eq!(with(weak).await.is(400).problem(), "invalid", "{weak}");
    }
    let first = with(&token).await.is(200).json();
    assert_eq!(first["token"], token);
    assert_eq!(with(&token).await.is(200).json(), first);
    let another = format!("fxa_{}", "1af9".repeat(16));
    with(&another).await.is(404);
}

#[tokio::test]
async fn an_enrolment_code_works_once_however_it_is_typed() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let store = cloud
        .post(&admin, "/v1/stores", json!({ "name": "Centro" }))
        .await
        .json()["id"]
        .clone();
    let path = format!("/v1/stores/{}/enrolment-codes", store.as_str().unwrap());
    let code = cloud
        .post(&admin, &path, json!({ "valid_hours": 1 }))
        .await
        .json()["code"]
        .as_str()
        .unwrap()
        .to_owned();

    let enrolled = enrol(&cloud, &code.to_lowercase().replace('-', " "))
        .await
        .is(200)
        .json();
    assert_eq!(
        (&enrolled["store_name"], &enrolled["tenant_name"]),
        (&json!("Centro"), &json!("Abastos Unidos"))
    );
    assert_eq!(enrol(&cloud, &code).await.is(404).problem(), "not_found");
    cloud
        .post(&admin, &path, json!({ "valid_hours": 0 }))
        .await
        .is(400)
        .problem();
}

#[tokio::test]
async fn whoever_guesses_codes_is_slowed_down() {
    let cloud = Cloud::start().await;
    let mut last = enrol(&cloud, "AAAA-AAAA-AAAA").await.is(404);
    for n in 0..40 {
        last = enrol(&cloud, &format!("AAAA-AAAA-{n:04}")).await;
    }
    assert_eq!(last.is(429).problem(), "too_many_requests");
}

#[tokio::test]
async fn a_batch_is_applied_once_and_a_gap_is_told_what_is_expected() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, _) = cloud.agent(&admin, "Centro").await;
    let pos = cloud.pos_system(&agent, "caja").await;
    let line = json!({ "put": { "product": { "id": "A1", "sku": "A1", "name": "Harina" } } });

    let first = delivery(&pos, EPOCH, 1, &[line]);
    assert_eq!(
        cloud.deliver(&agent, first.clone()).await.is(200).json()["result"],
        "applied"
    );
    let again = cloud.deliver(&agent, first).await.is(200).json();
    assert_eq!(
        (&again["result"], &again["last_seq"]),
        (&json!("duplicate"), &json!(1))
    );
    let gap = cloud
        .deliver(&agent, delivery(&pos, EPOCH, 3, &[]))
        .await
        .is(409);
    assert_eq!(gap.header("content-type"), "application/json");
    assert_eq!(gap.json(), json!({ "epoch": EPOCH, "expected": 2 }));
    let resume = cloud
        .get(&agent, "/v1/agents/resume-point")
        .await
        .is(200)
        .json();
    assert_eq!(resume, json!({ "epoch": EPOCH, "last_seq": 1 }));
}

#[tokio::test]
async fn a_command_reaches_the_agent_that_waits_for_it_within_a_second() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, store) = cloud.agent(&admin, "Centro").await;
    cloud.pos_system(&agent, "caja").await;
    let waiting = cloud.get(&agent, "/v1/agents/commands?wait_seconds=20");
    let asking = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answer = cloud
            .post(
                &admin,
                &format!("/v1/stores/{store}/sync"),
                json!({ "mode": "full" }),
            )
            .await;
        assert!(answer.status.is_success(), "{answer:?}");
        (answer.json(), Instant::now())
    };
    let (commands, (queued, asked)) = tokio::join!(waiting, asking);
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    let commands = commands.is(200).json();
    assert_eq!(
        (&commands[0]["action"], &commands[0]["mode"]),
        (&json!("sync"), &json!("full"))
    );
    assert_eq!(commands[0]["id"], queued["commands"][0]);
    let path = format!(
        "/v1/agents/commands/{}/outcome",
        commands[0]["id"].as_str().unwrap()
    );
    cloud
        .post(&agent, &path, json!({ "outcome": "done" }))
        .await
        .is(204);
    let rest = cloud
        .get(&agent, "/v1/agents/commands?wait_seconds=0")
        .await
        .is(200)
        .json();
    assert_eq!(rest, json!([]));
}

#[tokio::test]
async fn a_heartbeat_shows_in_the_store() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, store) = cloud.agent(&admin, "Centro").await;
    let pos = cloud.pos_system(&agent, "caja").await;
    let state = |path: String| {
        let (cloud, admin) = (&cloud, &admin);
        async move { cloud.get(admin, &path).await.is(200).json() }
    };
    let beat = |phase: &'static str, error: Value| {
        json!({
            "version": "0.1.0", "now": chrono::Utc::now(), "epoch": EPOCH, "queued_batches": 2, "queued_bytes": 4096,
            "disk_free_bytes": 1_000_000_000_u64, "streams": [{ "pos": "caja", "stream": "items", "phase": phase,
            "last_success_at": chrono::Utc::now(), "rows_read": 7, "last_error": error }],
        })
    };
    let reply = cloud
        .post(&agent, "/v1/agents/heartbeat", beat("idle", Value::Null))
        .await
        .is(200)
        .json();
    assert!(reply["next_in_seconds"].as_u64().unwrap() >= 5);
    let detail = state(format!("/v1/stores/{store}")).await;
    assert_eq!(detail["overview"]["queue"]["batches"], 2, "{detail}");
    assert_eq!(detail["streams"][0]["pos_system_id"], json!(pos));
    assert_eq!(detail["streams"][0]["phase"], "idle");
    assert!(detail["agents"][0]["clock_skew_ms"].as_i64().unwrap().abs() < 5_000);

    cloud
        .post(
            &agent,
            "/v1/agents/heartbeat",
            beat("halted", json!("column precio is missing")),
        )
        .await
        .is(200);
    let overview = state("/v1/overview".to_owned()).await;
    assert_eq!(overview["stores"][0]["state"], "failing", "{overview}");
    assert_eq!(
        overview["stores"][0]["last_error"]["message"],
        "column precio is missing"
    );
}

#[tokio::test]
async fn a_tripped_delete_brake_is_released_by_a_person() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, _) = cloud.agent(&admin, "Centro").await;
    let pos = cloud.pos_system(&agent, "caja").await;
    let confirm = json!({ "pos_system_id": pos, "stream": "items" });
    let answer = cloud
        .call(
            &admin,
            Method::POST,
            "/v1/streams/confirm-deletes",
            Some(confirm),
        )
        .await;
    assert!(answer.status.is_success(), "{answer:?}");
    let commands = cloud
        .get(&agent, "/v1/agents/commands?wait_seconds=0")
        .await
        .is(200)
        .json();
    assert_eq!(commands[0]["action"], "confirm_deletes");
    assert_eq!(
        (&commands[0]["pos"], &commands[0]["stream"]),
        (&json!("caja"), &json!("items"))
    );
}
