//! Who may do what. The list of what there is comes from the API's own description, so that no address is forgotten.

use axum::http::{HeaderMap, Method};
use fluxion_ingest::views::account::Role;
use serde_json::json;

use super::cloud::{Cloud, Who, delivery, filled, operations, scheme};

const OPEN_TO_ALL: &[&str] = &[
    "/health",
    "/metrics",
    "/ready",
    "/v1/agents/enrol",
    "/v1/session",
];

#[tokio::test]
async fn nobody_gets_in_anywhere_but_where_everybody_may() {
    let cloud = Cloud::start().await;
    let mut open = Vec::new();
    for (method, path, operation) in operations() {
        if scheme(&operation).is_none() {
            open.push(path);
            continue;
        }
        let body = (method != Method::GET).then(|| json!({}));
        let answer = cloud
            .call(&Who::Nobody, method.clone(), &filled(&path), body)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (401, "unauthenticated"),
            "{method} {path}"
        );
    }
    open.sort();
    open.dedup();
    assert_eq!(open, OPEN_TO_ALL);
}

#[tokio::test]
async fn a_persons_cookie_opens_nothing_of_the_agents_and_an_agents_token_nothing_of_the_peoples() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, _) = cloud.agent(&admin, "Centro").await;
    for (method, path, operation) in operations() {
        let Some(scheme) = scheme(&operation) else {
            continue;
        };
        let wrong = if scheme == "agent" { &admin } else { &agent };
        let body = (method != Method::GET).then(|| json!({}));
        let answer = cloud
            .call(wrong, method.clone(), &filled(&path), body)
            .await;
        assert_eq!(answer.status.as_u16(), 401, "{method} {path}");
    }
}

#[tokio::test]
async fn a_viewer_changes_nothing_and_an_operator_administrates_nothing() {
    let cloud = Cloud::start().await;
    let (viewer, operator) = (
        cloud.person(Role::Viewer).await,
        cloud.person(Role::Operator).await,
    );
    let mut writes = 0;
    for (method, path, operation) in operations() {
        if scheme(&operation) != Some("session") || method == Method::GET || path == "/v1/session" {
            continue;
        }
        writes += 1;
        let answer = cloud
            .call(&viewer, method.clone(), &filled(&path), Some(json!({})))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (403, "forbidden"),
            "{method} {path}"
        );
    }
    assert!(writes >= 7, "only {writes} writes are described");
    for path in [
        "/v1/stores",
        "/v1/stores/0190a000-0000-7000-8000-00000000dead/enrolment-codes",
    ] {
        assert_eq!(
            cloud
                .post(&operator, path, json!({ "name": "Sur" }))
                .await
                .problem(),
            "forbidden",
            "{path}"
        );
    }
}

#[tokio::test]
async fn another_company_sees_neither_a_list_nor_a_thing_of_ours() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, store) = cloud.agent(&admin, "Centro").await;
    let pos = cloud.pos_system(&agent, "caja").await;
    super::story::fill(&cloud, &agent, &pos).await;
    let stranger = cloud
        .person_of(cloud.other_tenant().await, Role::Admin)
        .await;

    let id_of = |path: &'static str| {
        let (cloud, admin) = (&cloud, &admin);
        async move {
            let items = cloud.get(admin, path).await.is(200).json();
            items["items"][0]["id"]
                .as_str()
                .unwrap_or_else(|| panic!("{path} is empty"))
                .to_owned()
        }
    };
    let product = id_of("/v1/products").await;
    let job = id_of("/v1/jobs").await;
    let reject = id_of("/v1/rejects").await;
    for path in [
        format!("/v1/stores/{store}"),
        format!("/v1/jobs/{job}"),
        format!("/v1/products/{product}"),
        format!("/v1/products/{product}/history"),
        format!("/v1/sales/{pos}/S1"),
    ] {
        cloud.get(&admin, &path).await.is(200);
        assert_eq!(
            cloud.get(&stranger, &path).await.is(404).problem(),
            "not_found",
            "{path}"
        );
    }
    for (path, body) in [
        (format!("/v1/stores/{store}/enrolment-codes"), json!({})),
        (format!("/v1/stores/{store}/sync"), json!({})),
        (format!("/v1/rejects/{reject}/dismiss"), json!({})),
        (format!("/v1/rejects/{reject}/replay"), json!({})),
        (
            "/v1/streams/confirm-deletes".to_owned(),
            json!({ "pos_system_id": pos, "stream": "items" }),
        ),
    ] {
        assert_eq!(
            cloud.post(&stranger, &path, body).await.is(404).problem(),
            "not_found",
            "{path}"
        );
    }
    for (method, path, operation) in operations() {
        if method != Method::GET || path.contains('{') || scheme(&operation) != Some("session") {
            continue;
        }
        if matches!(path.as_str(), "/v1/me" | "/v1/overview" | "/v1/events") {
            continue;
        }
        let list = cloud.get(&stranger, &path).await.is(200).json();
        assert_eq!(list["items"], json!([]), "{path}");
    }
    assert_eq!(
        cloud.get(&stranger, "/v1/overview").await.is(200).json()["stores"],
        json!([])
    );
}

#[tokio::test]
async fn an_agent_writes_to_its_own_stores_pos_systems_alone() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, _) = cloud.agent(&admin, "Centro").await;
    let pos = cloud.pos_system(&agent, "caja").await;
    let (neighbour, _) = cloud.agent(&admin, "Sur").await;
    let epoch = "0190a000-0000-7000-8000-0000000000aa";
    let answer = cloud
        .deliver(&neighbour, delivery(&pos, epoch, 1, &[]))
        .await;
    assert!(matches!(answer.status.as_u16(), 403 | 404), "{answer:?}");
    answer.problem();
}

#[tokio::test]
async fn what_another_site_sends_is_refused_and_what_our_own_page_sends_is_not() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let send = |name: &'static str, value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers.insert("content-type", "application/json".parse().unwrap());
        let body = format!(r#"{{"name":"Tienda {value}"}}"#).into_bytes();
        cloud.send(&admin, Method::POST, "/v1/stores", headers, body)
    };
    assert_eq!(
        send("sec-fetch-site", "cross-site").await.problem(),
        "cross_site"
    );
    assert_eq!(
        send("origin", "https://evil.example").await.problem(),
        "cross_site"
    );
    assert!(
        send("sec-fetch-site", "same-origin")
            .await
            .status
            .is_success()
    );
    assert!(
        send("origin", "https://fluxion.example")
            .await
            .status
            .is_success()
    );
}
