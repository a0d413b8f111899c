//! From a delivery to what people and partners read: one store's records, told through every list.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::COOKIE;
use fluxion_ingest::views::account::Role;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::cloud::{Cloud, Who, delivery};

const EPOCH: &str = "0190a000-0000-7000-8000-0000000000aa";
const JOB: &str = "0190a000-0000-7000-8000-000000000001";

fn records() -> Vec<Value> {
    vec![
        json!({ "put": { "category": { "id": "C1", "name": "Víveres" } } }),
        json!({ "put": { "supplier": { "id": "P1", "name": "Alimentos Polar", "tax_id": "J-00041372-4" } } }),
        json!({ "put": { "location": { "id": "L1", "name": "Piso de venta" } } }),
        json!({ "put": { "customer": { "id": "K1", "name": "María Ñáñez", "credit_limit": "150.50", "currency": "USD" } } }),
        json!({ "put": { "product": { "id": "000123", "sku": "000123", "name": "Café Ñandú 500 g", "category": "C1",
            "barcodes": ["7591234567897"], "cost": "2.10", "currency": "USD", "tax_rate": "16" } } }),
        json!({ "put": { "product": { "id": "000124", "sku": "000124", "name": "Azúcar 1 kg" } } }),
        json!({ "put": { "price": { "id": "000123", "product": "000123", "currency": "USD", "amount": "3.4567" } } }),
        json!({ "put": { "stock_level": { "id": "000123|L1", "product": "000123", "location": "L1", "on_hand": "12.5" } } }),
        json!({ "put": { "stock_level": { "id": "000123|L2", "product": "000123", "location": "L2", "on_hand": "-0.5" } } }),
        json!({ "put": { "stock_movement": { "id": "M1", "product": "000123", "kind": "purchase", "quantity": "24",
            "at": "2026-11-19T10:00:00Z" } } }),
        json!({ "put": { "sale": { "id": "S1", "number": "F-0001", "at": "2026-11-20T09:30:00Z", "currency": "VES",
            "total": "400.00", "lines": [
                { "product": "000123", "quantity": "1", "unit_price": "100" },
                { "product": "000124", "quantity": "3", "unit_price": "100", "total": "300" }],
            "payments": [{ "method": "EFECTIVO", "amount": "10", "currency": "USD" }] } } }),
        json!({ "put": { "account_payment": { "id": "AP1", "customer": "K1", "at": "2026-11-20T09:30:00Z",
            "currency": "USD", "amount": "20" } } }),
        json!({ "put": { "cash_session": { "id": "T1", "opened_at": "2026-11-20T08:00:00Z", "currency": "VES",
            "opening": "50" } } }),
        json!({ "reject": { "entity": "product", "key": "000999", "class": "data_validation", "field": "tax_rate",
            "rule": "number", "raw": "dieciséis", "message": "\"dieciséis\" is not a number.",
            "row": { "codigo": "000999", "iva": "dieciséis" } } }),
        json!({ "job": { "id": JOB, "stream": "items", "kind": "full_sync", "status": "completed",
            "started_at": "2026-11-20T08:00:00Z", "completed_at": "2026-11-20T08:00:02.500Z",
            "counts": { "rows_read": 14, "records_sent": 13, "rejected": 1 } } }),
    ]
}

/// Brings one record of each kind, a reject and a job.
pub async fn fill(cloud: &Cloud, agent: &Who, pos_system: &str) {
    let ack = cloud
        .deliver(agent, delivery(pos_system, EPOCH, 1, &records()))
        .await
        .is(200)
        .json();
    assert_eq!(ack["result"], "applied", "{ack}");
}

async fn filled() -> (Cloud, Who, Who, String, String) {
    let cloud = Cloud::start().await;
    let admin = cloud.person(Role::Admin).await;
    let (agent, store) = cloud.agent(&admin, "Centro").await;
    let pos = cloud.pos_system(&agent, "caja").await;
    fill(&cloud, &agent, &pos).await;
    (cloud, admin, agent, store, pos)
}

#[tokio::test]
async fn every_record_can_be_read_as_it_was_sent() {
    let (cloud, admin, _, store, pos) = filled().await;
    for (path, kind) in [
        ("categories", "category"),
        ("suppliers", "supplier"),
        ("locations", "location"),
        ("customers", "customer"),
        ("source-products", "product"),
        ("prices", "price"),
        ("stock-levels", "stock_level"),
        ("stock-movements", "stock_movement"),
        ("sales", "sale"),
        ("account-payments", "account_payment"),
        ("cash-sessions", "cash_session"),
    ] {
        let list = cloud
            .get(
                &admin,
                &format!("/v1/{path}?pos_system={pos}&store={store}"),
            )
            .await
            .is(200)
            .json();
        let sent: Vec<Value> = records()
            .iter()
            .filter_map(|line| line["put"].get(kind).cloned())
            .collect();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), sent.len(), "{path}: {list}");
        for (item, sent) in items.iter().zip(&sent) {
            assert_eq!(item["pos_system_id"], json!(pos), "{path}");
            assert_eq!(item["mapping_version"], 3, "{path}");
            for (field, value) in sent.as_object().unwrap() {
                assert!(
                    same(&item["record"][field], value),
                    "{path}.{field}: {} != {value}",
                    item["record"][field]
                );
            }
        }
    }
    let sale = cloud
        .get(&admin, &format!("/v1/sales/{pos}/S1"))
        .await
        .is(200)
        .json();
    assert_eq!(sale["record"]["number"], "F-0001");
    cloud
        .get(&admin, &format!("/v1/sales/{pos}/S2"))
        .await
        .is(404)
        .problem();
}

/// Amounts are equal as numbers, everything else as it stands.
fn same(found: &Value, sent: &Value) -> bool {
    match (found, sent) {
        (Value::Object(found), Value::Object(sent)) => {
            sent.iter().all(|(key, value)| same(&found[key], value))
        }
        (Value::Array(found), Value::Array(sent)) => {
            found.len() == sent.len()
                && found
                    .iter()
                    .zip(sent)
                    .all(|(found, sent)| same(found, sent))
        }
        (Value::String(found), Value::String(sent)) => {
            found == sent || matches!((number(found), number(sent)), (Some(a), Some(b)) if a == b)
        }
        (found, sent) => found == sent,
    }
}

fn number(text: &str) -> Option<rust_decimal::Decimal> {
    text.parse().ok()
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap_or_a_double() {
    let (cloud, admin, ..) = filled().await;
    for path in ["/v1/source-products", "/v1/stock-levels", "/v1/products"] {
        let whole = cloud.get(&admin, path).await.is(200).json();
        let mut gathered = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = cloud
                .get(&admin, &format!("{path}?limit=1&cursor={cursor}"))
                .await
                .is(200)
                .json();
            gathered.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(json!(gathered), whole["items"], "{path}");
        assert_eq!(gathered.len(), 2, "{path}");
    }
}

#[tokio::test]
async fn the_inventory_is_found_by_name_without_accents_by_code_and_by_barcode() {
    let (cloud, admin, _, store, pos) = filled().await;
    for search in [
        "cafe%20nandu",
        "CAF%C3%89",
        "000123",
        "7591234567897",
        "500%20cafe",
    ] {
        let list = cloud
            .get(&admin, &format!("/v1/products?search={search}"))
            .await
            .is(200)
            .json();
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            1,
            "{search}: {list}"
        );
        let product = &list["items"][0];
        assert!(same(&product["on_hand"], &json!("12")), "{product}");
        assert!(
            same(&product["stores"][0]["price"], &json!("3.4567")),
            "{product}"
        );
        assert_eq!(product["stores"][0]["store_id"], json!(store));
    }
    let nothing = cloud
        .get(&admin, "/v1/products?search=%25")
        .await
        .is(200)
        .json();
    assert_eq!(nothing["items"], json!([]), "a percent sign is no wildcard");

    let list = cloud.get(&admin, "/v1/products?search=cafe").await.json();
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let detail = cloud
        .get(&admin, &format!("/v1/products/{id}"))
        .await
        .is(200)
        .json();
    assert_eq!(detail["sources"][0]["external_id"], "000123");
    assert_eq!(detail["stock"].as_array().unwrap().len(), 2, "{detail}");
    assert_eq!(
        detail["stock"][0]["location_name"], "Piso de venta",
        "{detail}"
    );
    assert_eq!(detail["prices"][0]["pos_system_id"], json!(pos));
}

#[tokio::test]
async fn a_price_that_changes_leaves_its_past_behind() {
    let (cloud, admin, agent, _, pos) = filled().await;
    let dearer = json!({ "put": { "price": { "id": "000123", "product": "000123", "currency": "USD", "amount": "3.99" } } });
    cloud
        .deliver(&agent, delivery(&pos, EPOCH, 2, &[dearer]))
        .await
        .is(200);
    let list = cloud.get(&admin, "/v1/products?search=cafe").await.json();
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let history = cloud
        .get(&admin, &format!("/v1/products/{id}/history"))
        .await
        .is(200)
        .json();
    let prices = history["prices"].as_array().unwrap();
    assert_eq!(prices.len(), 2, "{history}");
    assert!(
        same(&prices[0]["amount"], &json!("3.99")) && prices[0]["valid_to"].is_null(),
        "{history}"
    );
    assert!(
        same(&prices[1]["amount"], &json!("3.4567")) && prices[1]["valid_to"].is_string(),
        "{history}"
    );
}

#[tokio::test]
async fn the_overview_and_the_store_tell_how_it_stands() {
    let (cloud, admin, _, store, pos) = filled().await;
    let overview = cloud.get(&admin, "/v1/overview").await.is(200).json();
    let metrics = &overview["metrics"];
    assert_eq!(
        (&metrics["pos_systems_active"], &metrics["rejects_open"]),
        (&json!(1), &json!(1)),
        "{overview}"
    );
    assert_eq!(
        metrics["data_volume_today"],
        json!({ "products": 2, "sales": 1, "movements": 1 }),
        "{overview}"
    );
    assert!(
        metrics["last_sync_by_system"][&pos].is_string(),
        "{overview}"
    );
    assert_eq!(
        (
            &overview["stores"][0]["name"],
            &overview["stores"][0]["rejects_open"]
        ),
        (&json!("Centro"), &json!(1))
    );

    let detail = cloud
        .get(&admin, &format!("/v1/stores/{store}"))
        .await
        .is(200)
        .json();
    assert_eq!(detail["pos_systems"][0]["mapping_name"], "systimax-mysql");
    assert_eq!(
        (&detail["jobs"][0]["id"], &detail["jobs"][0]["duration"]),
        (&json!(JOB), &json!(2.5)),
        "{detail}"
    );
    assert_eq!(detail["rejects"][0]["raw"], "dieciséis");
    for (query, count) in [
        ("", 1),
        ("?status=failed", 0),
        ("?stream=items&status=completed", 1),
        ("?stream=sales", 0),
    ] {
        let jobs = cloud
            .get(&admin, &format!("/v1/jobs{query}"))
            .await
            .is(200)
            .json();
        assert_eq!(jobs["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_reject_is_replayed_by_the_agent_or_dismissed_by_a_person() {
    let (cloud, admin, agent, ..) = filled().await;
    let list = cloud.get(&admin, "/v1/rejects").await.is(200).json();
    let reject = &list["items"][0];
    assert_eq!(
        (&reject["field"], &reject["row"]["codigo"]),
        (&json!("tax_rate"), &json!("000999")),
        "{reject}"
    );
    let id = reject["id"].as_str().unwrap();
    let replay = cloud
        .post(&admin, &format!("/v1/rejects/{id}/replay"), json!({}))
        .await;
    assert!(replay.status.is_success(), "{replay:?}");
    let commands = cloud
        .get(&agent, "/v1/agents/commands?wait_seconds=0")
        .await
        .is(200)
        .json();
    assert_eq!(
        (&commands[0]["action"], &commands[0]["keys"]),
        (&json!("replay_rejects"), &json!(["000999"]))
    );
    let dismissed = cloud
        .post(&admin, &format!("/v1/rejects/{id}/dismiss"), json!({}))
        .await;
    assert!(dismissed.status.is_success(), "{dismissed:?}");
    assert_eq!(
        cloud.get(&admin, "/v1/rejects").await.json()["items"],
        json!([])
    );
    let gone = cloud
        .get(&admin, "/v1/rejects?status=dismissed")
        .await
        .is(200)
        .json();
    assert_eq!(gone["items"][0]["id"], json!(id));
}

#[tokio::test]
async fn a_contested_sku_is_shown_and_decided() {
    let (cloud, admin, agent, _, pos) = filled().await;
    let twin = json!({ "put": { "product": { "id": "X9", "sku": "000123", "name": "Jabón azul",
        "barcodes": ["7590000000017"] } } });
    cloud
        .deliver(&agent, delivery(&pos, EPOCH, 2, &[twin]))
        .await
        .is(200);
    let list = cloud.get(&admin, "/v1/conflicts").await.is(200).json();
    let conflict = &list["items"][0];
    assert_eq!(conflict["kind"], "duplicate_sku", "{list}");
    let path = format!("/v1/conflicts/{}", conflict["id"].as_str().unwrap());
    cloud.get(&admin, &path).await.is(200);
    cloud
        .post(
            &admin,
            &format!("{path}/resolve"),
            json!({ "strategy": "average" }),
        )
        .await
        .is(400)
        .problem();
    let decided = cloud
        .post(
            &admin,
            &format!("{path}/resolve"),
            json!({ "strategy": "merge", "notes": "Es el mismo" }),
        )
        .await;
    assert!(decided.status.is_success(), "{decided:?}");
    assert_eq!(
        cloud.get(&admin, &path).await.is(200).json()["status"],
        "resolved"
    );
    let again = cloud
        .post(
            &admin,
            &format!("{path}/resolve"),
            json!({ "strategy": "merge" }),
        )
        .await;
    assert_eq!(again.is(409).problem(), "conflict");
}

#[tokio::test]
async fn a_browser_that_listens_hears_of_a_delivery() {
    let (cloud, admin, agent, _, pos) = filled().await;
    let Who::Person(cookie) = &admin else {
        panic!("a person")
    };
    let request = Request::get("/v1/events")
        .header(COOKIE, cookie)
        .body(Body::empty())
        .unwrap();
    let response = cloud.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let line = json!({ "put": { "category": { "id": "C2", "name": "Limpieza" } } });
    cloud
        .deliver(&agent, delivery(&pos, EPOCH, 2, &[line]))
        .await
        .is(200);
    let heard = async {
        let mut text = String::new();
        while !text.contains("event: store_changed") {
            text.push_str(&String::from_utf8_lossy(
                &stream.next().await.unwrap().unwrap(),
            ));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard)
        .await
        .expect("an event within five seconds");
}
