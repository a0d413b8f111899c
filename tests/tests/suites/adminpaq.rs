//! The pack `adminpaq-dbf` and the connector against a shop's tables: what they become is what the shop knows it wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use fluxion_connectors::{BatchLimit, ConnectorKind, Marks, Next, OpenContext, StartAt, registry};
use fluxion_mappings::sample::explain;
use fluxion_mappings::{Context, Country, Rules, Scalar, packs};
use fluxion_model::entity::{EntityKind, Record};
use fluxion_tests::sim::adminpaq::Shop;
use fluxion_tests::sim::truth::Truth;
use fluxion_tests::sim::{adminpaq_truth, caracas_now};
use serde_json::json;

struct NoMarks;

impl Marks for NoMarks {
    fn contains(&self, _: &str) -> bool {
        false
    }
}

/// Every record that the folder becomes, and every one that was set aside.
async fn read(folder: &Path) -> Truth {
    let connection = json!({"folder": folder, "settle_seconds": 0.0});
    let connector = registry::build(ConnectorKind::Files, &connection).unwrap();
    let mapping = packs::find("adminpaq-dbf").unwrap();
    let settings = BTreeMap::from([("local_currency".to_owned(), Scalar::Text("VES".to_owned()))]);
    let context = Context::new(
        &mapping,
        "America/Caracas".parse().unwrap(),
        "VES".parse().unwrap(),
        Some(Country::Venezuela),
        &settings,
    )
    .unwrap();
    let rules = Rules::compile(&mapping, &context).unwrap();
    let mut found = Truth::default();
    for stream in rules.streams() {
        let open = OpenContext {
            settings: context.settings.clone(),
            marks: Arc::new(NoMarks),
        };
        let mut reading = connector
            .open(stream.spec(), StartAt::Snapshot, open)
            .await
            .unwrap();
        loop {
            let limit = BatchLimit {
                rows: 70,
                ..BatchLimit::default()
            };
            let Next::Batch(batch) = reading.next(limit).await.unwrap() else {
                break;
            };
            assert!(batch.unreadable.is_empty(), "{:?}", batch.unreadable);
            if batch.rows.changes.is_empty() {
                continue;
            }
            for row in explain(stream, &batch.rows).unwrap().rows {
                row.records.into_iter().for_each(|record| found.put(record));
                for reject in row.rejects {
                    let id = reject.id.map(|id| id.to_string());
                    found.reject(reject.entity, &id.unwrap_or(reject.key));
                }
            }
        }
    }
    found
}

fn assert_equal(found: &Truth, expected: &Truth) {
    let none = BTreeMap::new();
    for kind in EntityKind::ALL {
        let [found, expected]: [&BTreeMap<String, Record>; 2] =
            [found, expected].map(|truth| truth.records.get(kind).unwrap_or(&none));
        for (id, record) in expected {
            assert_eq!(found.get(id), Some(record), "{kind} {id}");
        }
        let extra: BTreeSet<_> = found
            .keys()
            .filter(|id| !expected.contains_key(*id))
            .collect();
        assert!(extra.is_empty(), "{kind}: {extra:?}");
    }
    assert_eq!(found.rejects, expected.rejects);
}

#[tokio::test]
async fn a_shop_with_adminpaq_becomes_what_it_wrote_however_it_was_packed() {
    let folder = tempfile::tempdir().unwrap();
    let now = caracas_now();
    let mut shop = Shop::open(folder.path(), 5, 120, 90, 50_000, now).unwrap();
    for round in 0..12 {
        shop.sell(now).unwrap();
        shop.change_price().unwrap();
        shop.add_product(None).unwrap();
        shop.receive().unwrap();
        shop.delete_product().unwrap();
        shop.discontinue().unwrap();
        shop.take_back(now).unwrap();
        shop.collect(now).unwrap();
        shop.void().unwrap();
        if round % 3 == 0 {
            shop.add_bad_product().unwrap();
            shop.sell_badly().unwrap();
            shop.pack().unwrap();
        }
    }
    shop.mend().unwrap();
    let expected = adminpaq_truth::read(&shop, "VES".parse().unwrap()).unwrap();
    assert!(expected.rejects.len() > 4);
    assert_equal(&read(folder.path()).await, &expected);
}
