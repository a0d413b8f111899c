//! Who is believed, and who may hand out addresses and secrets.

use axum::http::Method;
use chrono::{Duration, Utc};
use fluxion_ingest::views::account::Role;
use fluxion_model::webhook::{Secret, sign};
use serde_json::json;

use super::{Shop, mapping, sale, secret_in, wish};
use crate::chain::Chain;
use crate::http::cloud::Who;

on_both_engines!(
    whoever_holds_no_secret_learns_nothing,
    a_replaced_secret_is_good_for_a_day_and_no_longer,
    a_deactivated_webhook_is_gone_for_good,
    another_company_touches_no_webhook_of_ours,
    nobody_sees_a_secret_after_it_was_handed_out,
    a_mapping_that_cannot_feed_a_webhook_is_refused_when_it_is_made,
    an_agent_does_not_take_over_a_webhook_by_its_name,
);

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
