//! Paging of every kind, asking for what changed, and asking for nothing twice.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, ETAG, IF_NONE_MATCH, LINK};
use axum::response::{IntoResponse, Response};
use fluxion_connectors::{BatchLimit, Next, StartAt};
use fluxion_model::row::{RowChange, RowKey};
use serde_json::{Value as Json, json};

use super::{Api, build, items, parameter, spec};
use crate::mirror::{Mirror, Restart};

fn page(codes: &[&str], more: Json) -> Response {
    let list: Vec<Json> = codes
        .iter()
        .map(|code| json!({"code": code, "price": 1}))
        .collect();
    let mut body = json!({"items": list});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    axum::Json(body).into_response()
}

#[tokio::test]
async fn every_kind_of_paging_brings_every_item_once_also_with_a_restart_after_each_batch() {
    let api = Api::start(|request| async move {
        let offset = parameter(&request, "offset");
        let (page_no, cursor) = (parameter(&request, "page"), parameter(&request, "cursor"));
        let by_link = parameter(&request, "link").is_some();
        match (page_no.as_deref(), offset.as_deref(), cursor.as_deref()) {
            (Some("0"), ..) | (_, Some("0"), _) => page(&["A", "B"], json!({})),
            (Some("1"), ..) | (_, Some("2"), _) => page(&["C"], json!({})),
            (Some(_), ..) | (_, Some(_), _) => page(&[], json!({})),
            (.., Some("tail")) => page(&["C"], json!({"next": null})),
            _ if by_link => page(&["C"], json!({})),
            _ => {
                let more = json!({"next": "tail", "address": "/api/items?cursor=tail"});
                let mut answer = page(&["A", "B"], more);
                let link = "<https://x.example/a>; rel=\"prev\", </api/items?link=2>; rel=\"next\"";
                answer.headers_mut().insert(LINK, link.parse().unwrap());
                answer
            }
        }
    })
    .await;
    for paging in [
        json!({"by": "page", "parameter": "page", "first": 0}),
        json!({"by": "offset", "parameter": "offset", "size_parameter": "limit", "size": 2}),
        json!({"by": "cursor", "parameter": "cursor", "next": "/next"}),
        json!({"by": "link"}),
        json!({"by": "next", "next": "/address"}),
    ] {
        let mut mirror = Mirror::default();
        let limit = BatchLimit {
            rows: 1,
            ..BatchLimit::default()
        };
        let connector = api.connector();
        mirror
            .follow(
                connector.as_ref(),
                &items(paging.clone()),
                limit,
                Restart::AfterEveryBatch,
            )
            .await
            .unwrap();
        assert_eq!(
            (mirror.keys(), mirror.delivered),
            (vec!["A", "B", "C"], 3),
            "{paging}"
        );
    }
}

#[tokio::test]
async fn what_changed_is_asked_for_with_an_overlap_and_the_future_hides_nothing() {
    let api = Api::start(|request| async move {
        let list = match parameter(&request, "since").as_deref() {
            None => json!([{"code": "A", "at": "2026-01-02T00:10:00Z"}, {"code": "B", "at": "2026-01-01T00:00:00Z"}]),
            Some("2026-01-02T00:05:00Z" | "2026-01-02T00%3A05%3A00Z") => {
                json!([{"code": "B", "at": "2999-01-01T00:00:00Z"}])
            }
            Some(_) => json!([]),
        };
        axum::Json(list).into_response()
    })
    .await;
    let stream = spec(json!({"name": "items", "key": ["code"],
        "capture": {"strategy": "watermark", "columns": ["at"], "overlap": 300},
        "source": {"http": {"path": "api/items", "columns": {"code": "code", "at": "at"}, "since": {"parameter": "since"}}}}));
    let connector = api.connector();
    let mut mirror = Mirror::default();
    for _ in 0..3 {
        mirror
            .follow(
                connector.as_ref(),
                &stream,
                BatchLimit::default(),
                Restart::Never,
            )
            .await
            .unwrap();
    }
    assert_eq!(mirror.cell("B", "at"), "2999-01-01T00:00:00Z");
    let asked = api.asked.lock().unwrap().clone();
    assert!(!asked.last().unwrap().contains("2998"), "{asked:?}");
    assert_eq!(mirror.keys(), ["A", "B"]);
}

#[tokio::test]
async fn sales_of_a_day_are_asked_for_day_by_day_and_never_deleted_for_being_old() {
    let api = Api::start(|request| async move {
        let day = parameter(&request, "date").unwrap();
        axum::Json(json!([{"number": format!("S-{day}"), "total": 1.1}])).into_response()
    })
    .await;
    let stream = spec(json!({"name": "sales", "key": ["number"],
        "capture": {"strategy": "watermark", "columns": [], "overlap": 86400},
        "source": {"http": {"path": "/api/sales", "columns": {"number": "/number", "total": "/total"},
            "since": {"parameter": "date", "format": "%Y-%m-%d", "clock": "local", "days": 3}}}}));
    let connector = api.connector();
    let mut mirror = Mirror::default();
    let mut open = connector
        .open(&stream, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    loop {
        match open.next(BatchLimit::default()).await.unwrap() {
            Next::Batch(batch) => mirror.commit(batch),
            Next::CaughtUp { .. } => break,
            Next::ScanComplete { .. } => panic!("days are no scan"),
        }
    }
    assert_eq!((mirror.rows.len(), api.count()), (4, 4));
    open.next(BatchLimit::default()).await.unwrap();
    assert_eq!(api.count(), 5, "from yesterday on");
}

#[tokio::test]
async fn a_list_with_the_same_etag_costs_one_request_and_no_body() {
    let bodies = Arc::new(Mutex::new(0));
    let served = bodies.clone();
    let api = Api::start(move |request| {
        let served = served.clone();
        async move {
            if request
                .headers()
                .get(IF_NONE_MATCH)
                .is_some_and(|etag| etag == "\"v1\"")
            {
                return StatusCode::NOT_MODIFIED.into_response();
            }
            *served.lock().unwrap() += 1;
            let mut answer = page(&["A"], json!({}));
            answer.headers_mut().insert(ETAG, "\"v1\"".parse().unwrap());
            answer
        }
    })
    .await;
    let connector = api.connector();
    let mut mirror = Mirror::default();
    for _ in 0..3 {
        // As the agent does for a routine comparison: from where the last whole reading ended.
        mirror
            .follow(
                connector.as_ref(),
                &items(Json::Null),
                BatchLimit::default(),
                Restart::Never,
            )
            .await
            .unwrap();
        assert_eq!(mirror.keys(), ["A"]);
    }
    assert_eq!((api.count(), *bodies.lock().unwrap()), (3, 1));
    mirror
        .scan(connector.as_ref(), &items(Json::Null))
        .await
        .unwrap();
    assert_eq!(
        *bodies.lock().unwrap(),
        2,
        "who asks for everything gets everything"
    );
}

#[tokio::test]
async fn key_and_headers_go_along_and_rows_are_read_by_key() {
    let api = Api::start(|request| async move {
        let key = request
            .headers()
            .get(AUTHORIZATION)
            .map(|value| value.to_str().unwrap().to_owned());
        let store = request
            .headers()
            .get("store-id")
            .map(|value| value.to_str().unwrap().to_owned());
        if (key.as_deref(), store.as_deref()) != (Some("Bearer k3y"), Some("7")) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        match request.uri().path() {
            "/pos/api/items/A%2F1" => {
                axum::Json(json!({"item": {"code": "A/1", "price": 0.1}})).into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    })
    .await;
    let connector = build(
        json!({"base_url": format!("{}/pos/", api.url), "auth": "bearer", "password": "k3y", "headers": {"Store-ID": "7"}}),
    );
    let mut stream = items(Json::Null);
    if let fluxion_model::stream::Source::Http(source) = &mut stream.source {
        source.detail =
            serde_json::from_value(json!({"path": "/api/items/{code}", "item": "/item"})).unwrap();
    }
    let keys = [RowKey::join(["A/1"]), RowKey::join(["gone"])];
    let rows = connector
        .read_keys(&stream, &keys, Mirror::default().context())
        .await
        .unwrap();
    let RowChange::Upsert { row, .. } = &rows.changes[0] else {
        panic!("{rows:?}")
    };
    assert_eq!(
        row.values[rows.shape.position("price").unwrap()].to_string(),
        "0.1"
    );
    assert!(matches!(&rows.changes[1], RowChange::Delete { key } if key.as_str() == "gone"));
}
