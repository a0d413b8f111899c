//! What is kept of calls: jobs, ids, the state of the store.

use chrono::{Duration, Utc};
use fluxion_model::webhook::Secret;
use serde_json::{Value, json};

use super::{Shop, product, sale};
use crate::chain::Chain;

on_both_engines!(
    the_events_of_five_minutes_are_one_job,
    ids_are_forgotten_after_eight_days_and_not_before,
    a_store_that_only_has_a_webhook_is_green_and_says_when_calls_are_refused,
    a_sender_that_has_gone_mad_is_asked_to_wait,
);

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
