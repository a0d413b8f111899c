//! What an event becomes, and that it counts once.

use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use chrono::Utc;
use fluxion_model::webhook::sign;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{Shop, applied, product, sale, secret_in, wish};
use crate::chain::Chain;
use crate::http::cloud::Who;

on_both_engines!(
    what_a_pos_tells_is_read_like_what_an_agent_delivers,
    an_event_counts_once_however_often_it_comes,
    two_copies_at_the_same_moment_count_once,
    an_event_whose_answer_was_lost_is_a_duplicate,
    what_cannot_be_mapped_is_kept_and_the_sender_is_told_all_is_well,
    whatever_is_no_event_is_refused_and_harms_nothing,
);

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
