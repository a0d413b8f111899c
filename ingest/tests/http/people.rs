//! Logging in and out, and what the service says of itself.

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, Method};
use fluxion_ingest::views::account::Role;
use serde_json::json;

use super::cloud::{Cloud, PASSWORD, Who};

#[tokio::test]
async fn a_session_begins_with_the_right_password_and_ends_on_request() {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let me = cloud.get(&admin, "/v1/me").await.is(200).json();
    assert_eq!(
        (me["role"].as_str(), me["tenant_name"].as_str()),
        (Some("admin"), Some("Abastos Unidos"))
    );
    cloud
        .call(&admin, Method::DELETE, "/v1/session", None)
        .await
        .is(204);
    cloud.get(&admin, "/v1/me").await.is(401).problem();
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() {
    let cloud = Cloud::start().await;
    cloud.person(Role::Viewer).await;
    let email = format!("viewer@{}.example", cloud.tenant);
    let login = json!({ "email": email.to_uppercase(), "password": PASSWORD });
    let answer = cloud.post(&Who::Nobody, "/v1/session", login).await.is(200);
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_told_alike_and_slowed_down() {
    let cloud = Cloud::start().await;
    cloud.person(Role::Viewer).await;
    let email = format!("viewer@{}.example", cloud.tenant);
    let try_with = |email: String| {
        cloud.post(
            &Who::Nobody,
            "/v1/session",
            json!({ "email": email, "password": "wrong wrong" }),
        )
    };
    let (wrong, unknown) = (
        try_with(email.clone()).await.is(401),
        try_with("no@one.example".to_owned()).await.is(401),
    );
    assert_eq!(wrong.problem(), "wrong_login");
    assert_eq!(wrong.json()["detail"], unknown.json()["detail"]);
    let mut last = wrong;
    for _ in 0..6 {
        last = try_with(email.clone()).await;
    }
    assert_eq!(last.is(429).problem(), "too_many_requests");
    let throttled = try_with(email).await;
    assert!(throttled.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(throttled.header("ratelimit-remaining"), "0");
}

#[tokio::test]
async fn the_service_says_whether_it_is_alive_ready_and_busy() {
    let cloud = Cloud::start().await;
    assert_eq!(
        cloud.get(&Who::Nobody, "/health").await.is(200).json()["status"],
        "ok"
    );
    cloud.get(&Who::Nobody, "/ready").await.is(200);
    cloud.get(&Who::Nobody, "/metrics").await.is(200);
    cloud.database.close().await;
    let down = cloud.get(&Who::Nobody, "/ready").await.is(503);
    assert_eq!(down.problem(), "unavailable");
    assert!(!down.header("retry-after").is_empty());
}

#[tokio::test]
async fn every_answer_names_its_request_and_is_fenced_in() {
    let cloud = Cloud::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", "till-7".parse().unwrap());
    let answer = cloud
        .send(&Who::Nobody, Method::GET, "/v1/me", headers, Vec::new())
        .await
        .is(401);
    assert_eq!(answer.json()["request_id"], "till-7");
    let page = cloud
        .get(&Who::Nobody, "/any/page/of/the/dashboard")
        .await
        .is(200);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{page:?}"
    );
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_list_that_has_not_changed_is_not_sent_twice() {
    let cloud = Cloud::start().await;
    let viewer = cloud.person(Role::Viewer).await;
    let first = cloud.get(&viewer, "/v1/stores").await.is(200);
    let mut headers = HeaderMap::new();
    headers.insert("if-none-match", first.header("etag").parse().unwrap());
    let again = cloud
        .send(&viewer, Method::GET, "/v1/stores", headers, Vec::new())
        .await
        .is(304);
    assert!(again.body.is_empty());
}
