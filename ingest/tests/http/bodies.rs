//! Hostile and broken requests: each gets a problem of the 400s, and does no harm.

use axum::http::{HeaderMap, Method};
use fluxion_ingest::views::account::Role;
use fluxion_model::wire;
use serde_json::json;

use super::cloud::{Cloud, Who, compressed, delivery};

const EPOCH: &str = "0190a000-0000-7000-8000-0000000000aa";

async fn with_agent() -> (Cloud, Who, String) {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, _) = cloud.agent(&admin, "Centro").await;
    let pos = cloud.pos_system(&agent, "caja").await;
    (cloud, agent, pos)
}

#[tokio::test]
async fn a_small_body_that_unpacks_into_gigabytes_is_too_large() {
    let (cloud, agent, _) = with_agent().await;
    let chunk = vec![0_u8; 64 * 1024 * 1024];
    let mut bomb = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..8 {
        std::io::Write::write_all(&mut bomb, &chunk).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(
        cloud.deliver(&agent, bomb).await.is(413).problem(),
        "too_large"
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_of_the_wire_is_too_large() {
    let (cloud, agent, _) = with_agent().await;
    assert_eq!(
        cloud
            .deliver(&agent, vec![7; 17 * 1024 * 1024])
            .await
            .is(413)
            .problem(),
        "too_large"
    );
    let admin = cloud
        .person_of(cloud.other_tenant().await, Role::Admin)
        .await;
    let large = json!({ "name": "x".repeat(1024 * 1024) });
    assert_eq!(
        cloud
            .post(&admin, "/v1/stores", large)
            .await
            .is(413)
            .problem(),
        "too_large"
    );
}

#[tokio::test]
async fn a_body_that_is_no_delivery_is_refused_whole() {
    let (cloud, agent, pos) = with_agent().await;
    let mut cut = delivery(
        &pos,
        EPOCH,
        1,
        &[json!({ "delete": { "entity": "product", "id": "A1" } })],
    );
    cut.truncate(cut.len() - 4);
    for body in [
        b"not zstd at all".to_vec(),
        Vec::new(),
        compressed(b""),
        compressed(b"{}\n"),
        compressed(b"[1,2,3]\n{}\n"),
        compressed(&[0xff; 1000]),
        cut,
    ] {
        assert_eq!(
            cloud.deliver(&agent, body).await.is(400).problem(),
            "invalid"
        );
    }
    let resume = cloud
        .get(&agent, "/v1/agents/resume-point")
        .await
        .is(200)
        .json();
    assert_eq!(
        resume["last_seq"],
        json!(null),
        "nothing of them was applied"
    );
}

#[tokio::test]
async fn an_encoding_or_a_kind_that_is_not_read_is_named() {
    let (cloud, agent, pos) = with_agent().await;
    let body = delivery(&pos, EPOCH, 1, &[]);
    for (name, value) in [
        ("content-encoding", "br"),
        ("content-encoding", "gzip"),
        ("content-type", "text/html"),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let answer = cloud
            .send(
                &agent,
                Method::POST,
                "/v1/agents/batches",
                headers,
                body.clone(),
            )
            .await;
        assert_eq!(
            answer.is(415).problem(),
            "unsupported_media_type",
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn a_line_that_nobody_understands_is_set_aside_and_the_rest_goes_on() {
    let (cloud, agent, pos) = with_agent().await;
    let mut wide = serde_json::Map::new();
    for n in 0..50_000 {
        wide.insert(format!("f{n}"), json!(n));
    }
    wide.insert("id".to_owned(), json!("W1"));
    let lines = [
        json!({ "put": { "product": { "id": "A1", "sku": "A1", "name": "Harina" } } }),
        json!({ "put": { "product": { "id": "A2", "sku": 7, "name": ["no"] } } }),
        json!({ "put": { "spaceship": wide } }),
        json!({ "conquer": {} }),
    ];
    let ack = cloud
        .deliver(&agent, delivery(&pos, EPOCH, 1, &lines))
        .await
        .is(200)
        .json();
    assert_eq!(
        (ack["result"].as_str(), ack["rejected"].as_u64()),
        (Some("applied"), Some(3))
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let header = delivery(&pos, EPOCH, 2, &[json!(0)]);
    let mut text = zstd::decode_all(header.as_slice()).unwrap();
    text.truncate(text.len() - 2);
    text.extend_from_slice(deep.as_bytes());
    assert!(text.len() < wire::MAX_LINE_BYTES);
    cloud.deliver(&agent, compressed(&text)).await.is(200);
}

#[tokio::test]
async fn json_of_the_wrong_shape_says_what_is_wrong() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    for body in [
        json!([]),
        json!({ "name": 7 }),
        json!({ "nombre": "Centro" }),
        json!({ "name": "" }),
        json!({}),
    ] {
        assert_eq!(
            cloud
                .post(&admin, "/v1/stores", body.clone())
                .await
                .is(400)
                .problem(),
            "invalid",
            "{body}"
        );
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let broken = cloud
        .send(
            &admin,
            Method::POST,
            "/v1/stores",
            headers,
            b"{\"name\":".to_vec(),
        )
        .await;
    assert_eq!(broken.is(400).problem(), "invalid");
    let untyped = cloud
        .send(
            &admin,
            Method::POST,
            "/v1/stores",
            HeaderMap::new(),
            b"{\"name\":\"C\"}".to_vec(),
        )
        .await;
    assert_eq!(untyped.is(415).problem(), "unsupported_media_type");
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem_too() {
    let cloud = Cloud::start().await;
    let viewer = cloud.person(Role::Viewer).await;
    assert_eq!(
        cloud.get(&viewer, "/v1/nothing").await.is(404).problem(),
        "not_found"
    );
    assert_eq!(
        cloud
            .get(&viewer, "/v1/products/not-an-id")
            .await
            .is(404)
            .problem(),
        "not_found"
    );
    let wrong_method = cloud.call(&viewer, Method::PUT, "/v1/stores", None).await;
    assert_eq!(wrong_method.is(405).problem(), "method_not_allowed");
    for query in [
        "limit=0",
        "limit=1001",
        "limit=many",
        "cursor=zz",
        "cursor=5b5d",
        "store=7",
        "status=lost",
    ] {
        let answer = cloud.get(&viewer, &format!("/v1/jobs?{query}")).await;
        assert_eq!(answer.is(400).problem(), "invalid", "{query}");
    }
}
