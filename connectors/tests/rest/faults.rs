//! What an API does wrong: each time a message that says what to do, and nothing lost.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use fluxion_connectors::{BatchLimit, Remedy, SourceError};
use serde_json::{Value as Json, json};

use super::{Api, build, items};
use crate::mirror::{Mirror, Restart};

async fn fails(api: &Api, paging: Json) -> SourceError {
    let settings = json!({"base_url": api.url, "max_page_mb": 1});
    let mut mirror = Mirror::default();
    let connector = build(settings);
    mirror
        .follow(
            connector.as_ref(),
            &items(paging),
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap_err()
}

fn code(error: &SourceError) -> &'static str {
    match &error.remedy {
        Remedy::AskOperator { code, .. } => code,
        Remedy::Retry => "retry",
        Remedy::Resnapshot => "resnapshot",
    }
}

fn html() -> Response {
    (
        [(CONTENT_TYPE, "text/html")],
        "<!doctype html><title>Portal</title>",
    )
        .into_response()
}

#[tokio::test]
async fn each_answer_that_is_no_list_is_named_for_what_it_is() {
    type Make = fn() -> Response;
    let cases: [(&str, Make, &str, &str); 12] = [
        ("a login page", html, "not_json", "captive portal"),
        (
            "HTML that calls itself JSON",
            || ([(CONTENT_TYPE, "application/json")], "  <html>").into_response(),
            "not_json",
            "HTML",
        ),
        (
            "something else",
            || "ok!".into_response(),
            "not_json",
            "no JSON",
        ),
        (
            "broken off",
            || "{\"items\": [{\"code\": \"A\"".into_response(),
            "retry",
            "",
        ),
        (
            "no list",
            || axum::Json(json!({"error": "no"})).into_response(),
            "invalid_mapping",
            "`items`",
        ),
        (
            "not UTF-8",
            || Body::from(vec![0xff_u8, 0xfe]).into_response(),
            "not_json",
            "UTF-8",
        ),
        (
            "no key",
            || StatusCode::UNAUTHORIZED.into_response(),
            "login_refused",
            "key",
        ),
        (
            "no right",
            || StatusCode::FORBIDDEN.into_response(),
            "permission_denied",
            "right",
        ),
        (
            "nothing there",
            || StatusCode::NOT_FOUND.into_response(),
            "not_found",
            "path",
        ),
        (
            "trouble",
            || (StatusCode::BAD_GATEWAY, html()).into_response(),
            "retry",
            "",
        ),
        (
            "not understood",
            || StatusCode::UNPROCESSABLE_ENTITY.into_response(),
            "invalid_query",
            "parameters",
        ),
        (
            "elsewhere",
            || {
                (
                    StatusCode::FOUND,
                    [(LOCATION, "http://127.0.0.2:1/login?to=x")],
                )
                    .into_response()
            },
            "redirected",
            "another host",
        ),
    ];
    for (what, make, expected, hint) in cases {
        let api = Api::start(move |_| async move { make() }).await;
        let error = fails(&api, Json::Null).await;
        assert_eq!(code(&error), expected, "{what}: {error:?}");
        assert!(
            error.hint().unwrap_or_default().contains(hint),
            "{what}: {error:?}"
        );
        assert!(error.source().is_some());
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off_and_one_cut_short_is_asked_for_again() {
    let api = Api::start(|_| async {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 65_536]));
        Body::from_stream(endless).into_response()
    })
    .await;
    let error = fails(&api, Json::Null).await;
    assert_eq!(code(&error), "answer_too_large");
    let api = Api::start(|_| async {
        let parts = [
            Ok(vec![b'['; 10]),
            Err(std::io::Error::other("the line breaks")),
        ];
        let body = Body::from_stream(futures::stream::iter(parts));
        ([(CONTENT_LENGTH, "1000")], body).into_response()
    })
    .await;
    assert_eq!(code(&fails(&api, Json::Null).await), "retry");
}

#[tokio::test]
async fn a_page_that_repeats_and_a_cursor_that_stands_still_are_noticed() {
    let api = Api::start(|_| async {
        axum::Json(json!({"items": [{"code": "A", "price": 1}], "next": "same"})).into_response()
    })
    .await;
    for paging in [
        json!({"by": "page", "parameter": "p"}),
        json!({"by": "cursor", "parameter": "c", "next": "/next"}),
    ] {
        let error = fails(&api, paging).await;
        assert_eq!(code(&error), "page_repeats", "{error:?}");
    }
    assert!(api.count() <= 5, "{}", api.count());
    let count = Arc::new(AtomicUsize::new(0));
    let api = Api::start(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        async move { axum::Json(json!({"items": [{"code": n, "price": 1}]})).into_response() }
    })
    .await;
    let connector = build(json!({"base_url": api.url, "max_pages": 20}));
    let stream = items(json!({"by": "page", "parameter": "p"}));
    let followed = Mirror::default()
        .follow(
            connector.as_ref(),
            &stream,
            BatchLimit::default(),
            Restart::Never,
        )
        .await;
    assert_eq!(code(&followed.unwrap_err()), "page_repeats");
}

#[tokio::test]
async fn an_item_that_is_no_row_is_set_aside_alone_and_numbers_stay_exact() {
    let api = Api::start(|_| async {
        let body = r#"{"items": [
            {"code": "A", "price": 1234567890123.456789}, 7, {"code": null, "price": 1}, {"code": ["x"], "price": 1},
            {"code": "B", "price": {"amount": 1}}, {"code": "\ud800", "price": 1}, {"code": "C", "price": 1e400}]}"#;
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    })
    .await;
    let mut mirror = Mirror::default();
    mirror
        .scan(api.connector().as_ref(), &items(Json::Null))
        .await
        .unwrap();
    assert_eq!(mirror.keys(), ["A", "B", "C"]);
    assert_eq!(mirror.cell("A", "price"), "1234567890123.456789");
    let positions: Vec<_> = mirror
        .unreadable
        .iter()
        .map(|problem| problem.position.unwrap())
        .collect();
    assert_eq!(positions, [2, 3, 4, 6]);
}

#[tokio::test]
async fn a_list_that_shrinks_while_it_is_read_is_read_anew() {
    let count = Arc::new(AtomicUsize::new(0));
    let api = Api::start(move |request| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        async move {
            // B goes away right after the first page: C moves to where nobody would have looked.
            let all: &[&str] = if n == 0 {
                &["A", "B", "C"]
            } else {
                &["A", "C"]
            };
            let page: usize = super::parameter(&request, "p").unwrap().parse().unwrap();
            let part: Vec<Json> = all
                .iter()
                .skip((page - 1) * 2)
                .take(2)
                .map(|code| json!({"code": code, "price": 1}))
                .collect();
            axum::Json(json!({"items": part, "total": all.len()})).into_response()
        }
    })
    .await;
    let mut mirror = Mirror::default();
    let stream = items(json!({"by": "page", "parameter": "p", "total": "/total"}));
    mirror
        .scan(api.connector().as_ref(), &stream)
        .await
        .unwrap();
    assert_eq!(mirror.keys(), ["A", "C"]);
}

#[tokio::test]
async fn an_api_that_asks_for_patience_gets_it() {
    let count = Arc::new(AtomicUsize::new(0));
    let api = Api::start(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match n {
                0 => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")]).into_response(),
                1 => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "3600")]).into_response(),
                _ => axum::Json(json!({"items": []})).into_response(),
            }
        }
    })
    .await;
    let connector = api.connector();
    let mut mirror = Mirror::default();
    let begun = Instant::now();
    for _ in 0..2 {
        assert_eq!(
            code(
                &mirror
                    .scan(connector.as_ref(), &items(Json::Null))
                    .await
                    .unwrap_err()
            ),
            "retry"
        );
    }
    assert!(begun.elapsed() >= Duration::from_millis(950));
    let error = mirror
        .scan(connector.as_ref(), &items(Json::Null))
        .await
        .unwrap_err();
    assert!(error.source.to_string().contains("left alone"), "{error:?}");
    assert_eq!(api.count(), 2, "it was not asked again");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    use fluxion_connectors::{ConnectorKind, registry};
    for (settings, named) in [
        (json!({"base_url": "pos.example.com"}), "base_url"),
        (
            json!({"base_url": "http://x", "auth": "bearer"}),
            "password_file",
        ),
        (
            json!({"base_url": "http://x", "auth": "header", "password": "k"}),
            "auth_header",
        ),
        (json!({"base_url": "http://x", "max_pages": 0}), "max_pages"),
        (
            json!({"base_url": "http://x", "headers": {"a b": "c"}}),
            "headers",
        ),
    ] {
        let Err(error) = registry::build(ConnectorKind::Rest, &settings) else {
            panic!("{settings} must be refused");
        };
        assert!(error.to_string().contains(named), "{error}");
    }
}
