//! A POS that calls out to the cloud by itself: who is believed, what an event becomes, and that it counts once.

use std::process::Stdio;
use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use chrono::{Duration, Utc};
use fluxion_ingest::views::account::Role;
use fluxion_mappings::Mapping;
use fluxion_model::webhook::{Secret, sign};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::chain::Chain;
use crate::http::cloud::{Answer, Cloud, Who};

on_both_engines!(
    what_a_pos_tells_is_read_like_what_an_agent_delivers,
    an_event_counts_once_however_often_it_comes,
    two_copies_at_the_same_moment_count_once,
    an_event_whose_answer_was_lost_is_a_duplicate,
    whoever_holds_no_secret_learns_nothing,
    a_replaced_secret_is_good_for_a_day_and_no_longer,
    what_cannot_be_mapped_is_kept_and_the_sender_is_told_all_is_well,
    whatever_is_no_event_is_refused_and_harms_nothing,
    a_deactivated_webhook_is_gone_for_good,
    another_company_touches_no_webhook_of_ours,
    nobody_sees_a_secret_after_it_was_handed_out,
    a_mapping_that_cannot_feed_a_webhook_is_refused_when_it_is_made,
    an_agent_does_not_take_over_a_webhook_by_its_name,
    the_events_of_five_minutes_are_one_job,
    ids_are_forgotten_after_eight_days_and_not_before,
    a_store_that_only_has_a_webhook_is_green_and_says_when_calls_are_refused,
    a_sender_that_has_gone_mad_is_asked_to_wait,
);

/// A store with a webhook, and its admin.
struct Shop {
    cloud: Arc<Cloud>,
    chain: Chain,
    admin: Who,
    store: String,
    path: String,
    secret: Secret,
}

fn mapping() -> Value {
    let text = include_str!("webhooks/mapping.toml");
    serde_json::to_value(Mapping::from_toml(text).unwrap()).unwrap()
}

fn wish(name: &str) -> Value {
    json!({ "name": name, "mapping": mapping(), "settings": { "warehouse": "W7" } })
}

fn sale(number: &str) -> Value {
    json!({ "event_type": "sale_completed", "data": {
        "number": number, "at": "2026-11-20 09:30:00", "total": 21,
        "lines": [{ "sku": "7591", "quantity": 2, "price": 10.5 }],
        "payments": [{ "method": "efectivo", "amount": 21 }],
    } })
}

fn product(sku: &str, price: Value) -> Value {
    json!({ "type": "product_updated", "data": {
        "sku": sku, "name": "Harina P.A.N. Ñandú", "price": price, "stock": "12.5", "cost": 8,
    } })
}

impl Shop {
    async fn open(chain: Chain) -> Self {
        let cloud = Cloud::over(chain.database.clone(), chain.tenant).await;
        let admin = cloud.person(Role::Admin).await;
        let store = cloud
            .post(&admin, "/v1/stores", json!({ "name": "Centro" }))
            .await
            .is(201);
        let store = store.json()["id"].as_str().unwrap().to_owned();
        let mut shop = Self {
            cloud: Arc::new(cloud),
            chain,
            admin,
            store,
            path: String::new(),
            secret: Secret::from_random(&[1; 32]).unwrap(),
        };
        let made = shop.make(wish("caja")).await.is(201).json();
        shop.path = made["path"].as_str().unwrap().to_owned();
        shop.secret = secret_in(&made);
        shop
    }

    async fn make(&self, wish: Value) -> Answer {
        let path = format!("/v1/stores/{}/webhooks", self.store);
        self.cloud.post(&self.admin, &path, wish).await
    }

    fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    /// Sends an event as its POS does.
    async fn tell(&self, id: &str, event: &Value) -> Answer {
        self.call(
            id,
            Utc::now().timestamp(),
            event.to_string().as_bytes(),
            &self.secret,
        )
        .await
    }

    async fn call(&self, id: &str, timestamp: i64, body: &[u8], secret: &Secret) -> Answer {
        let signature = sign(id, timestamp, body, secret);
        let timestamp = timestamp.to_string();
        self.send(
            &self.path,
            &[
                ("webhook-id", id),
                ("webhook-timestamp", &timestamp),
                ("webhook-signature", &signature),
            ],
            body,
        )
        .await
    }

    async fn send(&self, path: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        self.cloud
            .send(&Who::Nobody, Method::POST, path, headers, body.to_vec())
            .await
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let path = format!("/v1/{what}?pos_system={}", self.id());
        let list = self.cloud.get(&self.admin, &path).await.is(200).json();
        list["items"].as_array().unwrap().clone()
    }

    async fn detail(&self) -> Value {
        let path = format!("/v1/stores/{}", self.store);
        self.cloud.get(&self.admin, &path).await.is(200).json()
    }

    async fn webhook(&self) -> Value {
        self.detail().await["pos_systems"][0]["webhook"].clone()
    }
}

fn secret_in(answer: &Value) -> Secret {
    Secret::parse(answer["secret"].as_str().unwrap()).unwrap()
}

fn applied(records: u32) -> Value {
    json!({ "result": "applied", "records": records, "set_aside": 0 })
}

async fn what_a_pos_tells_is_read_like_what_an_agent_delivers(chain: Chain) {
    let shop = Shop::open(chain).await;
    let movement = json!({ "event_type": "stock_movement", "data": { "movement_id": "M1", "variant_id": "7591",
        "type": "purchase", "quantity": "24", "timestamp": "2026-11-20T10:00:00Z" } });
    assert_eq!(
        shop.tell("e1", &product("7591", json!(12.345678)))
            .await
            .is(200)
            .json(),
        applied(3)
    );
    assert_eq!(
        shop.tell("e2", &sale("F-1")).await.is(200).json(),
        applied(1)
    );
    assert_eq!(shop.tell("e3", &movement).await.is(200).json(), applied(1));

    let path = format!("/v1/products?store={}", shop.store);
    let products = shop.cloud.get(&shop.admin, &path).await.is(200).json();
    assert_eq!(
        products["items"][0]["name"], "Harina P.A.N. Ñandú",
        "{products}"
    );
    let prices = shop.list("prices").await;
    assert_eq!(
        (
            &prices[0]["record"]["amount"],
            &prices[0]["record"]["currency"]
        ),
        (&json!("12.345678"), &json!("VES")),
        "{prices:?}"
    );
    let stock = shop.list("stock-levels").await;
    assert_eq!(
        (
            &stock[0]["record"]["on_hand"],
            &stock[0]["record"]["location"]
        ),
        (&json!("12.5"), &json!("W7")),
        "the setting of the webhook counts: {stock:?}"
    );
    let sales = shop.list("sales").await;
    assert_eq!(
        sales[0]["record"]["at"], "2026-11-20T13:30:00Z",
        "Caracas is four hours behind: {sales:?}"
    );
    let whole = shop
        .cloud
        .get(&shop.admin, &format!("/v1/sales/{}/F-1", shop.id()))
        .await
        .is(200)
        .json();
    let text = whole.to_string();
    assert!(
        text.contains("EFECTIVO") && text.contains("10.5"),
        "{whole}"
    );
    assert_eq!(shop.list("stock-movements").await.len(), 1);
    let provenance = "select batch_seq * 10 + mapping_version as v from stock_movements";
    assert_eq!(
        shop.chain.value(provenance).await,
        "34",
        "event 3 by version 4"
    );

    // The same thing told again is known by the fingerprint of its line; a new price is not the same thing.
    assert_eq!(
        shop.tell("e4", &product("7591", json!(12.345678)))
            .await
            .is(200)
            .json(),
        applied(0)
    );
    assert_eq!(
        shop.tell("e5", &product("7591", json!(13)))
            .await
            .is(200)
            .json(),
        applied(1)
    );
    assert_eq!(shop.chain.count("price_history").await, 1);
}

async fn an_event_counts_once_however_often_it_comes(chain: Chain) {
    let shop = Shop::open(chain).await;
    shop.tell("e1", &product("7591", json!(10))).await.is(200);
    for price in [10, 99] {
        let again = shop
            .tell("e1", &product("7591", json!(price)))
            .await
            .is(200)
            .json();
        assert_eq!(again, json!({ "result": "duplicate" }));
    }
    assert_eq!(
        shop.chain
            .value("select micros(amount) as v from prices")
            .await,
        "10000000"
    );
    assert_eq!(shop.webhook().await["events"], 1);
    // Ids are the sender's own: another webhook of the same store may use the same.
    let other = shop.make(wish("caja 2")).await.is(201).json();
    let (body, now) = (sale("F-1").to_string(), Utc::now().timestamp());
    let signature = sign("e1", now, body.as_bytes(), &secret_in(&other));
    let now = now.to_string();
    let headers = [
        ("webhook-id", "e1"),
        ("webhook-timestamp", now.as_str()),
        ("webhook-signature", &signature),
    ];
    let answer = shop
        .send(other["path"].as_str().unwrap(), &headers, body.as_bytes())
        .await;
    assert_eq!(answer.is(200).json(), applied(1));
    // And an overheard call is worth nothing at another address.
    assert_eq!(
        shop.send(&shop.path, &headers, body.as_bytes())
            .await
            .is(401)
            .problem(),
        "unauthenticated"
    );
}

async fn two_copies_at_the_same_moment_count_once(chain: Chain) {
    let shop = Shop::open(chain).await;
    for round in 0..5 {
        let id = format!("e{round}");
        let event = sale(&format!("F-{round}"));
        let answers = join_all((0..6).map(|_| shop.tell(&id, &event))).await;
        let applied = answers
            .iter()
            .filter(|answer| answer.json()["result"] == "applied")
            .count();
        assert!(
            answers.iter().all(|answer| answer.status == 200),
            "{answers:?}"
        );
        assert_eq!(applied, 1, "{answers:?}");
    }
    assert_eq!(shop.list("sales").await.len(), 5);
    assert_eq!(
        shop.chain
            .value("select events as v from webhook_endpoints")
            .await,
        "5"
    );
    assert_eq!(shop.chain.count("webhook_events").await, 5);
}

async fn an_event_whose_answer_was_lost_is_a_duplicate(chain: Chain) {
    let shop = Shop::open(chain).await;
    // The sender hangs up while the service works; whether the event was applied by then is the database's to say.
    for cut in 0..20 {
        let (cloud, id) = (Arc::clone(&shop.cloud), format!("e{cut}"));
        let (body, now) = (
            sale(&format!("F-{cut}")).to_string(),
            Utc::now().timestamp(),
        );
        let signature = sign(&id, now, body.as_bytes(), &shop.secret);
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", now.into());
        headers.insert("webhook-signature", signature.parse().unwrap());
        let path = shop.path.clone();
        let call = tokio::spawn(async move {
            cloud
                .send(
                    &Who::Nobody,
                    Method::POST,
                    &path,
                    headers,
                    body.into_bytes(),
                )
                .await
        });
        tokio::time::sleep(std::time::Duration::from_millis(cut)).await;
        call.abort();
        let again = shop
            .tell(&id, &sale(&format!("F-{cut}")))
            .await
            .is(200)
            .json();
        assert!(
            again["result"] == "applied" || again["result"] == "duplicate",
            "{again}"
        );
    }
    assert_eq!(shop.list("sales").await.len(), 20);
    assert_eq!(shop.chain.count("sale_lines").await, 20);
    let counted = "select sum(records_processed) as v from sync_jobs";
    assert_eq!(shop.chain.value(counted).await, "20");
}

async fn whoever_holds_no_secret_learns_nothing(chain: Chain) {
    let shop = Shop::open(chain).await;
    let (body, now) = (sale("F-1").to_string(), Utc::now().timestamp());
    let body = body.as_bytes();
    let wrong = Secret::from_random(&[9; 32]).unwrap();
    let nowhere = "/v1/webhooks/0190a000-0000-7000-8000-00000000dead";
    let signature = sign("e1", now, body, &wrong);
    let (time, old, soon) = (
        now.to_string(),
        (now - 400).to_string(),
        (now + 400).to_string(),
    );
    let all = |time: &str| {
        vec![
            ("webhook-id", "e1".to_owned()),
            ("webhook-timestamp", time.to_owned()),
            ("webhook-signature", signature.clone()),
        ]
    };
    let mut tries = vec![
        all(&time),
        all(&old),
        all(&soon),
        all("yesterday"),
        all("-1"),
        Vec::new(),
    ];
    for missing in 0..3 {
        let mut headers = all(&time);
        headers.remove(missing);
        tries.push(headers);
    }
    for headers in tries {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let here = shop.send(&shop.path, &headers, body).await.is(401);
        let there = shop.send(nowhere, &headers, body).await.is(401);
        assert_eq!(
            (here.problem(), here.json()["detail"].clone()),
            (there.problem(), there.json()["detail"].clone())
        );
    }
    // Who holds the secret is told what is wrong with the clock.
    let late = shop.call("e1", now - 400, body, &shop.secret).await.is(401);
    assert!(
        late.json()["detail"]
            .as_str()
            .unwrap()
            .contains("set the clock"),
        "{late:?}"
    );
    let early = shop.call("e1", now + 400, body, &shop.secret).await.is(401);
    assert!(
        early.json()["detail"]
            .as_str()
            .unwrap()
            .contains("in the future"),
        "{early:?}"
    );
    let changed = sale("F-2").to_string();
    let signature = sign("e1", now, body, &shop.secret);
    let headers = [
        ("webhook-id", "e1"),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", &signature),
    ];
    shop.send(&shop.path, &headers, changed.as_bytes())
        .await
        .is(401);
    assert_eq!(
        shop.send("/v1/webhooks/caja", &headers, body)
            .await
            .is(404)
            .problem(),
        "not_found"
    );
    assert_eq!(shop.list("sales").await.len(), 0);
    shop.send(&shop.path, &headers, body).await.is(200);
}

async fn a_replaced_secret_is_good_for_a_day_and_no_longer(chain: Chain) {
    let shop = Shop::open(chain).await;
    let rotate = format!("{}/rotate", shop.path);
    let now = Utc::now().timestamp();
    let rotated = shop
        .cloud
        .post(&shop.admin, &rotate, json!({}))
        .await
        .is(200)
        .json();
    let new = secret_in(&rotated);
    assert!(new != shop.secret);
    let body = sale("F-1").to_string();
    shop.call("e1", now, body.as_bytes(), &shop.secret)
        .await
        .is(200);
    shop.call("e2", now, body.as_bytes(), &new).await.is(200);
    // A second rotation leaves two good: the newest and the one before.
    let rotated = shop
        .cloud
        .post(&shop.admin, &rotate, json!({}))
        .await
        .is(200)
        .json();
    shop.call("e3", now, body.as_bytes(), &shop.secret)
        .await
        .is(401);
    shop.call("e4", now, body.as_bytes(), &new).await.is(200);
    shop.call("e5", now, body.as_bytes(), &secret_in(&rotated))
        .await
        .is(200);
    // Once its day is over, the one before is worth nothing.
    let newest = Secret::from_random(&[3; 32]).unwrap();
    let id = shop.id().parse().unwrap();
    let ended = Utc::now() - Duration::seconds(1);
    shop.chain
        .database
        .rotate_webhook(shop.chain.tenant, id, &newest, ended)
        .await
        .unwrap();
    shop.call("e6", now, body.as_bytes(), &secret_in(&rotated))
        .await
        .is(401);
    shop.call("e7", now, body.as_bytes(), &newest).await.is(200);
}

async fn what_cannot_be_mapped_is_kept_and_the_sender_is_told_all_is_well(chain: Chain) {
    let shop = Shop::open(chain).await;
    let answer = shop
        .tell("e1", &product("7591", json!("gratis")))
        .await
        .is(200)
        .json();
    assert_eq!(
        (&answer["records"], &answer["set_aside"]),
        (&json!(2), &json!(1)),
        "{answer}"
    );
    assert!(
        answer["problems"][0]
            .as_str()
            .unwrap()
            .starts_with("price: `price`"),
        "{answer}"
    );
    let rejects = shop.list("rejects").await;
    assert_eq!(
        (
            &rejects[0]["field"],
            &rejects[0]["raw"],
            &rejects[0]["row"]["name"],
            &rejects[0]["row"]["cost"]
        ),
        (
            &json!("amount"),
            &json!("gratis"),
            &json!("Harina P.A.N. Ñandú"),
            &Value::Null
        ),
        "a secret column is not shown: {rejects:?}"
    );
    let replay = format!("/v1/rejects/{}/replay", rejects[0]["id"].as_str().unwrap());
    let asked = shop
        .cloud
        .post(&shop.admin, &replay, json!({}))
        .await
        .is(409);
    assert!(
        asked.json()["detail"]
            .as_str()
            .unwrap()
            .contains("send again"),
        "{asked:?}"
    );
    // The same thing, mended, clears it.
    shop.tell("e2", &product("7591", json!("3.50")))
        .await
        .is(200);
    assert_eq!(shop.list("rejects").await, Vec::<Value>::new());

    // What is no row at all is kept under the id of its event.
    for (id, data, said) in [
        (
            "e3",
            json!({ "event_type": "sale_completed" }),
            "nothing at /data",
        ),
        (
            "e4",
            json!({ "event_type": "sale_completed", "data": [] }),
            "no list at /lines",
        ),
        (
            "e5",
            json!({ "event_type": "sale_completed", "data": "F-1" }),
            "neither an object nor a list",
        ),
        (
            "e6",
            json!({ "event_type": "sale_completed", "data": { "number": "F-9" } }),
            "no list at /lines",
        ),
    ] {
        let answer = shop.tell(id, &data).await.is(200).json();
        assert_eq!(answer["set_aside"], 1, "{answer}");
        let rejects = shop.list("rejects").await;
        let reject = rejects.iter().find(|reject| reject["key"] == id).unwrap();
        assert!(
            reject["message"].as_str().unwrap().contains(said),
            "{reject}"
        );
        assert!(reject["raw"].is_string(), "{reject}");
    }
    let mut without_secrets = product("7592", json!(1));
    without_secrets["data"]["sku"] = Value::Null;
    shop.tell("e7", &without_secrets).await.is(200);
    let rejects = shop.list("rejects").await;
    let reject = rejects.iter().find(|reject| reject["key"] == "e7").unwrap();
    assert_eq!(
        reject["raw"],
        Value::Null,
        "it may hold the secret column: {reject}"
    );
    // A text that no database keeps.
    let mut nul = product("7593", json!(1));
    nul["data"]["name"] = json!("a\u{0}b");
    let answer = shop.tell("e8", &nul).await.is(200).json();
    assert_eq!(answer["set_aside"], 1, "{answer}");
}

async fn whatever_is_no_event_is_refused_and_harms_nothing(chain: Chain) {
    let shop = Shop::open(chain).await;
    let now = Utc::now().timestamp();
    let deep = format!(
        r#"{{"type":"sale_completed","data":{}{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let bodies: [(&[u8], u16, &str); 8] = [
        (b"", 400, "invalid"),
        (b"<html></html>", 400, "invalid"),
        (b"\xff\xfe\x00", 400, "invalid"),
        (b"[]", 400, "invalid"),
        (b"{}", 400, "invalid"),
        (deep.as_bytes(), 400, "invalid"),
        (br#"{"type":"\u0000<script>"}"#, 422, "unprocessable"),
        (
            br#"{"event_type":"sale_completed","data":{"number":1e999999999}}"#,
            200,
            "",
        ),
    ];
    for (number, (body, status, code)) in bodies.into_iter().enumerate() {
        let answer = shop
            .call(&format!("e{number}"), now, body, &shop.secret)
            .await
            .is(status);
        if status != 200 {
            assert_eq!(answer.problem(), code);
        }
    }
    let unknown = shop
        .tell("e10", &json!({ "type": "price_changed" }))
        .await
        .is(422);
    let detail = unknown.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("product_updated, sale_completed, stock_movement"),
        "{detail}"
    );
    let large = vec![b' '; 1024 * 1024 + 1];
    assert_eq!(
        shop.call("e11", now, &large, &shop.secret)
            .await
            .is(413)
            .problem(),
        "too_large"
    );
    let full = format!(
        r#"{{"type":"sale_completed","data":{{"number":"{}"}}}}"#,
        "9".repeat(1024 * 1024 - 60)
    );
    shop.call("e12", now, full.as_bytes(), &shop.secret)
        .await
        .is(200);
    let long_id = "e".repeat(257);
    shop.call(&long_id, now, b"{}", &shop.secret).await.is(401);
    shop.call(
        &long_id[..256],
        now,
        sale("F-1").to_string().as_bytes(),
        &shop.secret,
    )
    .await
    .is(200);
    let body = sale("F-2").to_string();
    let (time, signature) = (
        now.to_string(),
        sign("e13", now, body.as_bytes(), &shop.secret),
    );
    let packed = [
        ("webhook-id", "e13"),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", &signature),
        ("content-encoding", "gzip"),
    ];
    assert_eq!(
        shop.send(&shop.path, &packed, body.as_bytes())
            .await
            .is(415)
            .problem(),
        "unsupported_media_type"
    );
    assert_eq!(shop.list("sales").await.len(), 1);
    shop.tell("e14", &sale("F-3")).await.is(200);
}

async fn a_deactivated_webhook_is_gone_for_good(chain: Chain) {
    let shop = Shop::open(chain).await;
    shop.tell("e1", &sale("F-1")).await.is(200);
    let deactivate = format!("{}/deactivate", shop.path);
    shop.cloud
        .post(&shop.admin, &deactivate, json!({}))
        .await
        .is(204);
    let gone = shop.tell("e2", &sale("F-2")).await.is(410);
    assert_eq!(gone.problem(), "gone");
    assert!(
        gone.json()["detail"]
            .as_str()
            .unwrap()
            .contains("stop sending"),
        "{gone:?}"
    );
    // Only the one who could call is told.
    let wrong = Secret::from_random(&[9; 32]).unwrap();
    shop.call("e3", Utc::now().timestamp(), b"{}", &wrong)
        .await
        .is(401);
    assert_eq!(shop.list("sales").await.len(), 1, "what came stays");
    for action in ["rotate", "deactivate"] {
        let path = format!("{}/{action}", shop.path);
        assert_eq!(
            shop.cloud
                .post(&shop.admin, &path, json!({}))
                .await
                .is(409)
                .problem(),
            "conflict"
        );
    }
    let detail = shop.detail().await;
    assert_eq!(
        (
            &detail["overview"]["state"],
            &detail["pos_systems"][0]["active"]
        ),
        (&json!("never"), &json!(false)),
        "{detail}"
    );
}

async fn another_company_touches_no_webhook_of_ours(chain: Chain) {
    let shop = Shop::open(chain).await;
    let stranger = shop
        .cloud
        .person_of(shop.cloud.other_tenant().await, Role::Admin)
        .await;
    for action in ["rotate", "deactivate"] {
        let path = format!("{}/{action}", shop.path);
        assert_eq!(
            shop.cloud
                .post(&stranger, &path, json!({}))
                .await
                .is(404)
                .problem(),
            "not_found"
        );
    }
    let path = format!("/v1/stores/{}/webhooks", shop.store);
    let answer = shop
        .cloud
        .post(&stranger, &path, wish("otra"))
        .await
        .is(404);
    assert_eq!(answer.problem(), "not_found");
    let operator = shop.cloud.person(Role::Operator).await;
    shop.cloud
        .post(&operator, &path, wish("otra"))
        .await
        .is(403);
    // A secret of theirs opens nothing of ours.
    let theirs = shop
        .cloud
        .post(&stranger, "/v1/stores", json!({ "name": "Sur" }))
        .await
        .is(201)
        .json();
    let path = format!("/v1/stores/{}/webhooks", theirs["id"].as_str().unwrap());
    let mut own = wish("suya");
    own["currency"] = json!("USD");
    let theirs = shop.cloud.post(&stranger, &path, own).await.is(201).json();
    let body = sale("F-1").to_string();
    shop.call(
        "e1",
        Utc::now().timestamp(),
        body.as_bytes(),
        &secret_in(&theirs),
    )
    .await
    .is(401);
    shop.tell("e1", &sale("F-1")).await.is(200);
    let theirs = shop.cloud.get(&stranger, "/v1/sales").await.is(200).json();
    assert_eq!(theirs["items"], json!([]));
}

async fn nobody_sees_a_secret_after_it_was_handed_out(chain: Chain) {
    let shop = Shop::open(chain).await;
    shop.tell("e1", &sale("F-1")).await.is(200);
    let secret = shop.secret.reveal();
    for path in [
        format!("/v1/stores/{}", shop.store),
        "/v1/pos-systems".to_owned(),
        "/v1/overview".to_owned(),
    ] {
        let answer = shop.cloud.get(&shop.admin, &path).await.is(200);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(
            !text.contains("whsec_") && !text.contains(&secret[6..20]),
            "{path}: {text}"
        );
    }
    let systems = shop.cloud.get(&shop.admin, "/v1/pos-systems").await.json();
    assert_eq!(
        systems["items"][0]["webhook"]["path"],
        json!(shop.path),
        "{systems}"
    );
    let endpoint = shop
        .chain
        .database
        .endpoint(shop.id().parse().unwrap())
        .await
        .unwrap();
    assert!(!format!("{endpoint:?}").contains(&secret[6..20]));
    for table in ["events where payload", "audit_log where details"] {
        let column = table.rsplit(' ').next().unwrap();
        let found = shop
            .chain
            .count(&format!(
                "{table} is not null and cast({column} as text) like '%whsec%'"
            ))
            .await;
        assert_eq!(found, 0, "{table}");
    }
    let audited = shop
        .chain
        .column("select action as v from audit_log where action like 'webhook%'")
        .await;
    assert_eq!(audited, [Some("webhook.create".to_owned())]);
}

async fn a_mapping_that_cannot_feed_a_webhook_is_refused_when_it_is_made(chain: Chain) {
    let shop = Shop::open(chain).await;
    let mut broken = mapping();
    broken["streams"][0]["key"] = json!(["nada"]);
    for (wish, field, said) in [
        (json!({ "name": "a" }), "pack", "either a pack or a mapping"),
        (
            json!({ "name": "a", "pack": "saint", "mapping": mapping() }),
            "pack",
            "either a pack or a mapping",
        ),
        (
            json!({ "name": "a", "pack": "nada" }),
            "pack",
            "known packs",
        ),
        (
            json!({ "name": "a", "pack": "systimax-mysql" }),
            "mapping",
            "for the connector \"mysql\"",
        ),
        (json!({ "name": "a", "mapping": broken }), "mapping", "nada"),
        (json!({ "name": "a", "mapping": {} }), "mapping", "name"),
        (json!({ "name": " ", "mapping": mapping() }), "name", "name"),
        (
            json!({ "name": "a", "mapping": mapping(), "settings": { "other": 1 } }),
            "mapping",
            "no such setting",
        ),
        (
            json!({ "name": "a", "mapping": mapping(), "settings": { "warehouse": [1] } }),
            "settings",
            "a text, a number",
        ),
        (
            json!({ "name": "a", "mapping": mapping(), "time_zone": "Caracas" }),
            "time_zone",
            "America/Caracas",
        ),
        (
            json!({ "name": "a", "mapping": mapping(), "currency": "bolívares" }),
            "currency",
            "bolívares",
        ),
        (
            json!({ "name": "a", "mapping": mapping(), "country": "XX" }),
            "country",
            "VE, MX",
        ),
    ] {
        let answer = shop.make(wish).await.is(400);
        assert_eq!(answer.problem(), "invalid");
        let problem = answer.json();
        assert_eq!(problem["field"], field, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(said),
            "{problem}"
        );
    }
    assert_eq!(shop.make(wish("caja")).await.is(409).problem(), "conflict");
    assert_eq!(shop.chain.count("pos_systems").await, 1);
}

async fn an_agent_does_not_take_over_a_webhook_by_its_name(chain: Chain) {
    let shop = Shop::open(chain).await;
    let code = format!("/v1/stores/{}/enrolment-codes", shop.store);
    let code = shop
        .cloud
        .post(&shop.admin, &code, json!({}))
        .await
        .is(201)
        .json();
    let request = json!({ "code": code["code"], "machine": "CAJA-1", "version": "0.1.0" });
    let enrolled = shop
        .cloud
        .post(&Who::Nobody, "/v1/agents/enrol", request)
        .await
        .is(200)
        .json();
    let agent = Who::Agent(enrolled["token"].as_str().unwrap().to_owned());
    let declaration = json!({ "system_type": "systimax", "connector": "mysql", "mapping": {}, "mapping_name": "m",
        "mapping_version": 1 });
    let path = "/v1/agents/pos-systems/caja";
    let taken = shop
        .cloud
        .call(&agent, Method::PUT, path, Some(declaration))
        .await
        .is(409);
    assert!(
        taken.json()["detail"]
            .as_str()
            .unwrap()
            .contains("another name"),
        "{taken:?}"
    );
    shop.cloud.pos_system(&agent, "otra").await;
    shop.tell("e1", &sale("F-1")).await.is(200);
}

async fn the_events_of_five_minutes_are_one_job(chain: Chain) {
    let shop = Shop::open(chain).await;
    shop.tell("e1", &product("1", json!(1))).await.is(200);
    shop.tell("e2", &product("2", json!("x"))).await.is(200);
    shop.tell("e3", &sale("F-1")).await.is(200);
    let jobs = shop.list("jobs").await;
    assert_eq!(jobs.len(), 2, "one for each stream: {jobs:?}");
    let of_products = jobs.iter().find(|job| job["stream"] == "products").unwrap();
    assert_eq!(
        (
            &of_products["kind"],
            &of_products["status"],
            &of_products["counts"]
        ),
        (
            &json!("real_time"),
            &json!("completed"),
            &json!({ "rows_read": 2, "records_sent": 5,
            "records_unchanged": 0, "deletes_sent": 0, "rejected": 1 })
        ),
        "{of_products}"
    );
    let old =
        (Utc::now() - Duration::minutes(6)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    shop.chain
        .execute(&format!("update sync_jobs set started_at = '{old}'"))
        .await;
    shop.tell("e4", &product("3", json!(1))).await.is(200);
    assert_eq!(shop.list("jobs").await.len(), 3);
    assert!(
        shop.detail().await["overview"]["last_sync_age"]
            .as_i64()
            .unwrap()
            < 60
    );
}

async fn ids_are_forgotten_after_eight_days_and_not_before(chain: Chain) {
    let shop = Shop::open(chain).await;
    let long_ago = |days| {
        (Utc::now() - Duration::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
    };
    shop.tell("old", &sale("F-1")).await.is(200);
    shop.chain
        .execute(&format!(
            "update webhook_events set received_at = '{}'",
            long_ago(9)
        ))
        .await;
    shop.tell("young", &sale("F-2")).await.is(200);
    let younger = format!(
        "update webhook_events set received_at = '{}' where event_id = 'young'",
        long_ago(7)
    );
    shop.chain.execute(&younger).await;
    // What was kept by number 63 is looked through with number 64.
    shop.chain
        .execute("update webhook_endpoints set events = 63")
        .await;
    shop.tell("e64", &sale("F-3")).await.is(200);
    let known = shop
        .chain
        .column("select event_id as v from webhook_events order by event_id")
        .await;
    assert_eq!(known, [Some("e64".to_owned()), Some("young".to_owned())]);
    assert_eq!(
        shop.tell("young", &sale("F-2")).await.is(200).json()["result"],
        "duplicate"
    );
}

async fn a_store_that_only_has_a_webhook_is_green_and_says_when_calls_are_refused(chain: Chain) {
    let shop = Shop::open(chain).await;
    let detail = shop.detail().await;
    assert_eq!(detail["overview"]["state"], "ok", "{detail}");
    assert_eq!(detail["overview"]["last_sync_at"], Value::Null);
    shop.call(
        "e1",
        Utc::now().timestamp(),
        b"{}",
        &Secret::from_random(&[9; 32]).unwrap(),
    )
    .await
    .is(401);
    let overview = shop
        .cloud
        .get(&shop.admin, "/v1/overview")
        .await
        .is(200)
        .json();
    assert_eq!(overview["stores"][0]["state"], "warning", "{overview}");
    assert_eq!(
        overview["stores"][0]["last_error"]["pos_system"], "caja",
        "{overview}"
    );
    let webhook = shop.webhook().await;
    assert!(
        webhook["last_refusal"]
            .as_str()
            .unwrap()
            .contains("no signature"),
        "{webhook}"
    );
    shop.tell("e2", &sale("F-1")).await.is(200);
    let webhook = shop.webhook().await;
    assert!(webhook["last_event_at"].is_string(), "{webhook}");
    assert_eq!(
        shop.detail().await["overview"]["state"],
        "warning",
        "a refusal of a minute ago is still told"
    );
    let old =
        (Utc::now() - Duration::hours(2)).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    shop.chain
        .execute(&format!(
            "update webhook_endpoints set last_refusal_at = '{old}'"
        ))
        .await;
    let detail = shop.detail().await;
    assert_eq!(detail["overview"]["state"], "ok", "{detail}");
    assert!(
        detail["overview"]["last_sync_age"].as_i64().unwrap() < 60,
        "{detail}"
    );
}

async fn a_sender_that_has_gone_mad_is_asked_to_wait(chain: Chain) {
    let shop = Shop::open(chain).await;
    let now = Utc::now().timestamp();
    let wrong = Secret::from_random(&[9; 32]).unwrap();
    for _ in 0..650 {
        shop.call("e", now, b"x", &wrong).await.is(401);
    }
    // Whoever holds no secret has used up nothing.
    let mut refused = None;
    for _ in 0..700 {
        let answer = shop.call("e", now, b"x", &shop.secret).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 400);
    }
    let refused = refused.expect("a limit");
    assert_eq!(refused.problem(), "too_many_requests");
    assert!(
        refused.header("retry-after").parse::<u64>().unwrap() >= 1,
        "{refused:?}"
    );
}

/// The lines of the API's description, run as they stand there, against a service that listens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_in_the_description_works_with_openssl_and_curl() {
    let shop = Shop::open(Chain::on_sqlite().await).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = shop.cloud.app.clone();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let description = fluxion_ingest::routes::openapi_json().unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let text = description["paths"]["/v1/webhooks/{pos_system_id}"]["post"]["description"]
        .as_str()
        .unwrap();
    let example = text
        .split("```sh\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let first = run("bash", &["-c", example], &shop, &address.to_string(), "").await;
    assert_eq!(first, applied(1));
    let again = run("bash", &["-c", example], &shop, &address.to_string(), "").await;
    assert_eq!(again, json!({ "result": "duplicate" }));
    // And a signer of another make.
    let python = r#"
import base64, hashlib, hmac, json, os, time, urllib.request
body = json.dumps({"type": "sale_completed", "data": {"number": "Ñ-1", "at": "2026-11-20T09:30:00Z", "total": 1,
    "lines": [], "payments": []}}, ensure_ascii=False).encode()
id, now = "evt_py", str(int(time.time()))
key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
mac = hmac.new(key, id.encode() + b"." + now.encode() + b"." + body, hashlib.sha256).digest()
request = urllib.request.Request(os.environ["URL"], body, {"content-type": "application/json", "webhook-id": id,
    "webhook-timestamp": now, "webhook-signature": "v1," + base64.b64encode(mac).decode()})
print(urllib.request.urlopen(request).read().decode())
"#;
    let third = run("python3", &["-"], &shop, &address.to_string(), python).await;
    assert_eq!(third, applied(1));
    server.abort();
}

async fn run(program: &str, arguments: &[&str], shop: &Shop, address: &str, input: &str) -> Value {
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .env("SECRET", shop.secret.reveal())
        .env("URL", format!("http://{address}{}", shop.path))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .await
        .unwrap();
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
