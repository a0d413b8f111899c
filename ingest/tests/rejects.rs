//! What is set aside, by the agent or by the cloud: alone, visibly, and until it is good again.

use fluxion_ingest::ops::delivery::{Encoding, decode};
use fluxion_model::delivery::{Ack, Line};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::BatchSeq;
use fluxion_model::reject::{ErrorClass, Rejected};

use crate::chain::{Chain, dec, gone, price, product, put, sale};

on_both_engines!(
    a_record_out_of_range_is_set_aside_alone_and_cleared_when_it_is_good,
    a_line_nobody_understands_is_set_aside_alone,
    an_agents_rejects_count_up_and_are_cleared_by_key,
);

async fn a_record_out_of_range_is_set_aside_alone_and_cleared_when_it_is_good(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let mut broken = sale("7", &["1", "0.0000001"]);
    broken.total = dec("1");
    let long_sku = product("1", &"9".repeat(300), "Largo", &[]);
    let lines = [
        put(broken),
        put(sale("8", &["1"])),
        put(price("1", "1", "5000000000000")),
        put(long_sku),
    ];
    let applied = agent.deliver(&lines).await;
    assert_eq!(
        applied.ack,
        Ack::Applied {
            seq: BatchSeq(1),
            rejected: 3
        }
    );
    assert_eq!(
        (
            chain.count("sales").await,
            chain.count("sale_lines").await,
            chain.count("prices").await
        ),
        (1, 1, 0)
    );
    assert_eq!(
        chain
            .value("select field as v from rejects where entity = 'sale' and origin = 'cloud'")
            .await,
        "lines[1].quantity"
    );
    assert_eq!(chain.count("rejects where status = 'open'").await, 3);

    agent
        .deliver(&[
            put(sale("7", &["1"])),
            put(price("1", "1", "7000000000000")),
        ])
        .await;
    assert_eq!(
        chain
            .value("select status as v from rejects where entity = 'sale'")
            .await,
        "cleared"
    );
    assert_eq!(
        chain
            .value("select status as v from rejects where entity = 'price'")
            .await,
        "open"
    );
    agent
        .deliver(&[gone(EntityKind::Price, "1"), gone(EntityKind::Product, "1")])
        .await;
    assert_eq!(chain.count("rejects where status = 'open'").await, 0);
}

async fn a_line_nobody_understands_is_set_aside_alone(chain: Chain) {
    let agent = chain.store("Chacao").await;
    let long = format!(
        r#"{{"put":{{"price":{{"id":"1","product":"1","list":"{}"}}}}}}"#,
        "x".repeat(2_000_000)
    );
    let lines = [
        r#"{"put":{"loyalty_card":{"id":"77"}}}"#,
        r#"{"put":{"price":{"id":"P5","product":"1","currency":"VES","amount":"veinte"}}}"#,
        r#"{"put":{"product":{"id":"2","sku":"a\u0000b","name":"x"}}}"#,
        "not even JSON",
        long.as_str(),
        r#"{"put":{"price":{"id":"P6","product":"1","currency":"VES","amount":"20"}}}"#,
    ];
    let header = agent.delivery(agent.next, &[]).header.clone();
    let header = serde_json::json!({ "fluxion": 1, "epoch": header.epoch, "seq": 1, "made_at": header.made_at,
        "pos_system": header.pos_system, "stream": "items", "job": header.job, "mapping_version": 1, "lines": lines.len() });
    let body = format!("{header}\n{}\n", lines.join("\n"));
    let delivery = std::sync::Arc::new(decode(body.as_bytes(), Encoding::Plain).unwrap());
    let applied = chain
        .database
        .apply(&agent.identity, &delivery)
        .await
        .unwrap();
    assert_eq!(
        applied.ack,
        Ack::Applied {
            seq: BatchSeq(1),
            rejected: 5
        }
    );
    assert_eq!(
        (chain.count("prices").await, chain.count("rejects").await),
        (1, 5)
    );
    assert_eq!(
        chain
            .value("select rule as v from rejects where key = 'P5'")
            .await,
        "unreadable"
    );
    assert_eq!(
        chain
            .value("select entity as v from rejects where rule = 'control_character'")
            .await,
        "product"
    );
}

pub fn reject(key: &str, raw: &str) -> Rejected {
    Rejected {
        entity: EntityKind::Product,
        key: key.to_owned(),
        id: None,
        class: ErrorClass::DataValidation,
        field: Some("tax_rate".to_owned()),
        rule: "number".to_owned(),
        raw: Some(raw.to_owned()),
        message: "16% no es un número".to_owned(),
        position: Some("productos.csv:7".to_owned()),
        row: [("iva".to_owned(), raw.to_owned())].into(),
    }
}

async fn an_agents_rejects_count_up_and_are_cleared_by_key(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    agent
        .deliver(&[
            Line::Reject(reject("1", "16%")),
            Line::Reject(reject("2", "nul \0")),
        ])
        .await;
    agent.deliver(&[Line::Reject(reject("1", "16%"))]).await;
    assert_eq!(
        chain
            .value("select times as v from rejects where key = '1'")
            .await,
        "2"
    );
    agent
        .deliver(&[Line::Cleared {
            keys: vec!["1".to_owned(), "none".to_owned()],
        }])
        .await;
    assert_eq!(
        chain
            .value("select key as v from rejects where status = 'open'")
            .await,
        "2"
    );
    let again = [
        Line::Cleared {
            keys: vec!["2".to_owned()],
        },
        Line::Reject(reject("2", "x")),
    ];
    agent.deliver(&again).await;
    assert_eq!(
        chain
            .value("select raw as v from rejects where status = 'open'")
            .await,
        "x"
    );
    let cleared = [
        Line::Reject(reject("3", "x")),
        Line::Cleared {
            keys: vec!["2".to_owned(), "3".to_owned()],
        },
    ];
    agent.deliver(&cleared).await;
    assert_eq!(chain.count("rejects where status = 'open'").await, 0);
}
