//! Deliveries: exactly once, all or nothing, and no bad record blocks the ones behind it.

use chrono::Utc;
use fluxion_ingest::database::DatabaseError;
use fluxion_model::delivery::{Ack, Line};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{BatchSeq, Epoch, JobId, PosSystemId};
use fluxion_model::job::{JobCounts, JobKind, JobReport, JobStatus};
use futures::future::join_all;

use crate::chain::{Chain, gone, price, product, put, sale, stock};
use crate::rejects::reject;

on_both_engines!(
    every_kind_of_record_is_kept_as_it_was_sent,
    a_replay_of_every_batch_changes_nothing,
    a_gap_is_refused_and_says_what_is_expected,
    a_new_epoch_begins_at_one_and_finds_its_records_unchanged,
    another_agents_pos_system_is_not_found,
    a_sale_is_replaced_whole_and_its_deletion_leaves_a_tombstone,
    a_changed_price_leaves_its_past_with_provenance,
    stock_that_goes_and_returns_has_a_past_without_the_gap,
    the_last_of_several_lines_about_one_record_counts,
    a_job_report_replaces_the_earlier_one_and_marks_the_last_sync,
    what_the_dashboard_is_told_is_a_row_per_kind_and_batch,
    a_delivery_cut_off_at_any_moment_is_all_there_or_not_at_all,
    ten_thousand_records_in_one_batch,
    a_first_load_heeds_deletes_among_many_new_records,
    deliveries_posted_side_by_side_are_applied_in_their_order,
    two_stores_at_once_make_one_product_for_one_sku,
);

fn meta(line: &str) -> Line {
    serde_json::from_str(line).unwrap()
}

async fn every_kind_of_record_is_kept_as_it_was_sent(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let lines = [
        put(product(
            "1",
            "0001",
            "Harina P.A.N. Ñandú",
            &["7591001000012"],
        )),
        put(price("1|d", "1", "12.345678")),
        put(stock("1|d", "1", "-3.5")),
        put(sale("900", &["1", "-1"])),
        meta(r#"{"put":{"location":{"id":"L1","name":"Depósito"}}}"#),
        meta(r#"{"put":{"category":{"id":"C1","name":"Víveres","parent":"C0","active":false}}}"#),
        meta(r#"{"put":{"supplier":{"id":"S1","name":"Polar","tax_id":"J-00006372-9"}}}"#),
        meta(
            r#"{"put":{"customer":{"id":"K1","name":"María","currency":"USD","credit_limit":"100.5","terms_days":30}}}"#,
        ),
        meta(
            r#"{"put":{"stock_movement":{"id":"M1","product":"1","kind":"purchase","quantity":"24","at":"2026-03-01T12:00:00.123456Z"}}}"#,
        ),
        meta(
            r#"{"put":{"account_payment":{"id":"P1","customer":"K1","at":"2026-03-01T12:00:00Z","currency":"USD","amount":"50"}}}"#,
        ),
        meta(
            r#"{"put":{"cash_session":{"id":"Z1","opened_at":"2026-03-01T12:00:00Z","currency":"VES","opening":"0"}}}"#,
        ),
    ];
    let applied = agent.deliver(&lines).await;
    assert_eq!(
        (applied.counts.inserted, applied.counts.rejected),
        (lines.len(), 0)
    );
    assert_eq!(
        chain.value("select micros(amount) as v from prices").await,
        "12345678"
    );
    assert_eq!(
        chain
            .value("select micros(on_hand) as v from stock_levels")
            .await,
        "-3500000"
    );
    assert_eq!(
        chain
            .value("select micros(credit_limit) as v from customers")
            .await,
        "100500000"
    );
    assert_eq!(
        chain
            .value("select sum(micros(quantity)) as v from sale_lines")
            .await
            .parse::<i64>()
            .unwrap(),
        0
    );
    assert_eq!(
        chain.value("select search as v from products").await,
        "0001 harina p.a.n. nandu 7591001000012"
    );
    assert_eq!(chain.value("select sku as v from products").await, "0001");
    for table in [
        "locations",
        "categories",
        "suppliers",
        "stock_movements",
        "account_payments",
        "cash_sessions",
        "sale_payments",
    ] {
        assert_eq!(chain.count(table).await, 1, "{table}");
    }
}

async fn a_replay_of_every_batch_changes_nothing(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    for amount in ["1", "2", "3"] {
        agent
            .deliver(&[
                put(product("1", "A", "Azúcar", &[])),
                put(price("1", "1", amount)),
                put(sale("7", &["2"])),
            ])
            .await;
    }
    for seq in 1..=3 {
        let replay = agent.delivery(BatchSeq(seq), &[put(price("1", "1", "99"))]);
        let applied = chain
            .database
            .apply(&agent.identity, &replay)
            .await
            .unwrap();
        assert_eq!(
            applied.ack,
            Ack::Duplicate {
                last_seq: BatchSeq(3)
            }
        );
    }
    assert_eq!(
        chain.value("select micros(amount) as v from prices").await,
        "3000000"
    );
    assert_eq!(
        (
            chain.count("price_history").await,
            chain.count("sale_lines").await
        ),
        (2, 1)
    );
    let point = chain.database.resume_point(&agent.identity).await.unwrap();
    assert_eq!(
        (point.epoch, point.last_seq),
        (Some(agent.epoch), Some(BatchSeq(3)))
    );
}

async fn a_gap_is_refused_and_says_what_is_expected(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    agent.deliver(&[put(price("1", "1", "1"))]).await;
    agent.next = BatchSeq(3);
    match agent.try_deliver(&[put(price("2", "1", "1"))]).await {
        Err(DatabaseError::OutOfOrder(answer)) => {
            assert_eq!(
                (answer.epoch, answer.expected),
                (Some(agent.epoch), BatchSeq(2))
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(chain.count("prices").await, 1);
    agent.next = BatchSeq(2);
    agent.deliver(&[put(price("2", "1", "1"))]).await;
}

async fn a_new_epoch_begins_at_one_and_finds_its_records_unchanged(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let lines = [
        put(product("1", "A", "Azúcar", &[])),
        put(price("1", "1", "5")),
        put(sale("7", &["2"])),
    ];
    agent.deliver(&lines).await;
    let old = agent.epoch;
    agent.epoch = Epoch::generate();
    agent.next = BatchSeq(2);
    match agent.try_deliver(&lines).await {
        Err(DatabaseError::OutOfOrder(answer)) => {
            assert_eq!((answer.epoch, answer.expected), (Some(old), BatchSeq(2)))
        }
        other => panic!("{other:?}"),
    }
    agent.next = BatchSeq::FIRST;
    let counts = agent.deliver(&lines).await.counts;
    assert_eq!(
        (counts.inserted, counts.updated, counts.deleted),
        (0, 0, 0),
        "fingerprints make it free"
    );
    assert_eq!(
        chain
            .database
            .resume_point(&agent.identity)
            .await
            .unwrap()
            .epoch,
        Some(agent.epoch)
    );
}

async fn another_agents_pos_system_is_not_found(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let other = chain.store("Petare").await;
    agent.pos_system = other.pos_system;
    let refused = agent.try_deliver(&[put(price("1", "1", "1"))]).await;
    assert!(
        matches!(refused, Err(DatabaseError::NotFound(_))),
        "{refused:?}"
    );
    agent.pos_system = PosSystemId::generate();
    assert!(agent.try_deliver(&[]).await.is_err());
    assert_eq!(
        (chain.count("prices").await, agent.next),
        (0, BatchSeq::FIRST)
    );
}

async fn a_sale_is_replaced_whole_and_its_deletion_leaves_a_tombstone(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    agent
        .deliver(&[put(sale("7", &["1", "2", "3"])), put(sale("8", &["4"]))])
        .await;
    let counts = agent
        .deliver(&[
            put(sale("7", &["5"])),
            gone(EntityKind::Sale, "8"),
            gone(EntityKind::Sale, "9"),
        ])
        .await
        .counts;
    assert_eq!((counts.updated, counts.deleted), (1, 1));
    assert_eq!(
        chain
            .count("sale_lines where sale_id = (select sale_id from sales where external_id = '7')")
            .await,
        1
    );
    assert_eq!(chain.count("sales where deleted_at is not null").await, 1);
    agent.deliver(&[put(sale("8", &["4"]))]).await;
    assert_eq!(
        chain.count("sales where deleted_at is not null").await,
        0,
        "it is back"
    );
    assert_eq!(chain.count("sale_lines").await, 2);
}

async fn a_changed_price_leaves_its_past_with_provenance(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    agent.deliver(&[put(price("1", "1", "10"))]).await;
    assert_eq!(
        chain.count("price_history").await,
        0,
        "a first value costs no row"
    );
    let mut touched = price("1", "1", "10.00");
    touched.updated_at = Some(Utc::now());
    agent.deliver(&[put(touched)]).await;
    assert_eq!(
        chain.count("price_history").await,
        0,
        "the value is the same"
    );
    agent.deliver(&[put(price("1", "1", "12"))]).await;
    assert_eq!(
        chain
            .value("select micros(amount) as v from price_history")
            .await,
        "10000000"
    );
    assert_eq!(chain.count("price_history h join prices p on p.value_since = h.valid_to where h.valid_from < h.valid_to").await, 1);
    assert_eq!(
        chain
            .value("select batch_seq as v from price_history")
            .await,
        "2"
    );
    assert_eq!(chain.value("select batch_seq as v from prices").await, "3");
}

async fn stock_that_goes_and_returns_has_a_past_without_the_gap(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    agent.deliver(&[put(stock("1", "1", "10"))]).await;
    agent.deliver(&[gone(EntityKind::StockLevel, "1")]).await;
    agent.deliver(&[put(stock("1", "1", "10"))]).await;
    agent.deliver(&[put(stock("1", "1", "8"))]).await;
    assert_eq!(
        chain.count("stock_levels where deleted_at is null").await,
        1
    );
    assert_eq!(chain.count("stock_history").await, 2);
    let ends = "select valid_to as v from stock_history order by valid_from limit 1";
    let begins = "select valid_from as v from stock_history order by valid_from desc limit 1";
    assert!(chain.value(ends).await < chain.value(begins).await);
}

async fn the_last_of_several_lines_about_one_record_counts(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let lines = [
        put(price("1", "1", "1")),
        put(price("2", "1", "1")),
        put(price("1", "1", "2")),
        gone(EntityKind::Price, "2"),
        gone(EntityKind::Price, "1"),
        put(price("1", "1", "3")),
    ];
    assert_eq!(agent.deliver(&lines).await.counts.inserted, 1);
    assert_eq!(
        chain.value("select micros(amount) as v from prices").await,
        "3000000"
    );
}

async fn a_job_report_replaces_the_earlier_one_and_marks_the_last_sync(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let mut report = JobReport {
        id: JobId::generate(),
        stream: "items".parse().unwrap(),
        kind: JobKind::FullSync,
        status: JobStatus::Running,
        started_at: Utc::now(),
        completed_at: None,
        counts: JobCounts {
            rows_read: 5,
            ..JobCounts::default()
        },
        error: None,
    };
    agent.deliver(&[Line::Job(report.clone())]).await;
    assert!(
        chain
            .database
            .pos_system(chain.tenant, agent.pos_system)
            .await
            .unwrap()
            .last_sync_at
            .is_none()
    );
    report.status = JobStatus::Completed;
    report.completed_at = Some(Utc::now() + chrono::Duration::days(3));
    report.counts = JobCounts {
        rows_read: 9,
        rejected: 1,
        ..report.counts
    };
    agent.deliver(&[Line::Job(report)]).await;
    assert_eq!(
        chain.value("select status as v from sync_jobs").await,
        "completed"
    );
    assert_eq!(
        chain
            .value("select records_processed as v from sync_jobs")
            .await,
        "9"
    );
    let last = chain
        .database
        .pos_system(chain.tenant, agent.pos_system)
        .await
        .unwrap()
        .last_sync_at
        .unwrap();
    assert!(
        last <= Utc::now(),
        "a clock that runs ahead does not make a sync of the future"
    );
}

async fn what_the_dashboard_is_told_is_a_row_per_kind_and_batch(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    agent
        .deliver(&[
            put(price("1", "1", "1")),
            put(price("2", "1", "1")),
            Line::Reject(reject("1", "x")),
        ])
        .await;
    let kinds = chain
        .column("select kind as v from events order by kind")
        .await;
    assert_eq!(
        kinds,
        [
            Some("reject_changed".to_owned()),
            Some("store_changed".to_owned())
        ]
    );
    agent.deliver(&[]).await;
    assert_eq!(
        chain.count("events").await,
        2,
        "an empty batch has nothing to tell"
    );
}

async fn ten_thousand_records_in_one_batch(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let lines = |amount: &str| -> Vec<Line> {
        (0..5_000)
            .flat_map(|n| {
                let id = n.to_string();
                [
                    put(product(&id, &format!("{n:06}"), "Café", &[])),
                    put(price(&id, &id, amount)),
                ]
            })
            .collect()
    };
    assert_eq!(agent.deliver(&lines("1")).await.counts.inserted, 10_000);
    assert_eq!(agent.deliver(&lines("2")).await.counts.updated, 5_000);
    assert_eq!(
        (
            chain.count("products").await,
            chain.count("price_history").await
        ),
        (5_000, 5_000)
    );
    let gone: Vec<Line> = (0..5_000)
        .map(|n| gone(EntityKind::Product, &n.to_string()))
        .collect();
    assert_eq!(agent.deliver(&gone).await.counts.deleted, 5_000);
    assert_eq!(
        chain.count("products where orphaned_at is not null").await,
        5_000
    );
}

async fn two_stores_at_once_make_one_product_for_one_sku(chain: Chain) {
    let (mut a, mut b) = (chain.store("Chacao").await, chain.store("Petare").await);
    let lines = |from: u32| -> Vec<Line> {
        (from..from + 50)
            .map(|n| put(product(&n.to_string(), &format!("SKU-{n}"), "Café", &[])))
            .collect()
    };
    let one = async {
        for from in (0..500).step_by(50) {
            a.deliver(&lines(from)).await;
        }
    };
    let two = async {
        for from in (0..500).step_by(50).rev() {
            b.deliver(&lines(from)).await;
        }
    };
    tokio::join!(one, two);
    assert_eq!(
        (
            chain.count("products").await,
            chain.count("mapping_cache").await
        ),
        (500, 1_000)
    );
    assert_eq!(
        chain
            .value("select count(distinct fluxion_id) as v from mapping_cache")
            .await,
        "500"
    );
}

/// A client that hangs up drops the request in the middle of whatever statement it is at; the work goes on, and the
/// agent's next try finds it done or waits for it.
async fn a_delivery_cut_off_at_any_moment_is_all_there_or_not_at_all(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let mut cut_off = 0;
    for round in 0..12_i64 {
        let lines: Vec<Line> = (0..300)
            .flat_map(|n| {
                let id = (round * 1_000 + n).to_string();
                [
                    put(product(&id, &id, "Café", &[])),
                    put(price("changing", "1", &(round + 1).to_string())),
                    put(sale(&id, &["1", "2"])),
                ]
            })
            .collect();
        let delivery = agent.delivery(agent.next, &lines);
        let mut patience = std::time::Duration::from_millis(1);
        loop {
            let work = chain.database.apply(&agent.identity, &delivery);
            match tokio::time::timeout(patience, work).await {
                Ok(Ok(_)) => break,
                Ok(Err(error)) => panic!("{error:?}"),
                Err(_) => {}
            }
            cut_off += 1;
            patience = patience * 3 / 2;
        }
        agent.next = agent.next.next();
        let rounds = round + 1;
        for (table, each) in [
            ("products", 300),
            ("mapping_cache", 300),
            ("sales", 300),
            ("sale_lines", 600),
            ("sale_payments", 300),
        ] {
            assert_eq!(
                chain.count(table).await,
                rounds * each,
                "{table} after round {rounds}"
            );
        }
        assert_eq!(chain.count("price_history").await, round);
    }
    assert!(cut_off > 0);
}

async fn a_first_load_heeds_deletes_among_many_new_records(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let prices = |from: i64, to: i64| -> Vec<Line> {
        let ids = (from..to).map(|n| n.to_string());
        ids.map(|id| put(price(&id, &id, "1"))).collect()
    };
    agent.deliver(&prices(0, 300)).await;
    let mut lines = prices(300, 600);
    lines.push(gone(EntityKind::Price, "7"));
    let counts = agent.deliver(&lines).await.counts;
    assert_eq!((counts.inserted, counts.deleted), (300, 1));
    assert_eq!(
        chain.count("prices where deleted_at is not null").await,
        1,
        "no job has completed yet, and the delete counts all the same"
    );
}

/// Later ones are worked on while the first is. In every other round neighbours share a sale, which must end as the later
/// delivery has it.
async fn deliveries_posted_side_by_side_are_applied_in_their_order(chain: Chain) {
    let mut agent = chain.store("Chacao").await;
    let (mut sales_expected, mut lines_expected) = (0, 0);
    for round in 0..6_i64 {
        let shared = round % 2;
        let deliveries: Vec<_> = (0..4_i64)
            .map(|n| {
                let from = n * (250 - shared);
                let ids = (from..from + 250).map(|n| (round * 1_000 + n).to_string());
                let quantities: &[&str] = if n == 0 { &["1"] } else { &["2", "3"] };
                let mut lines: Vec<Line> = ids.map(|id| put(sale(&id, quantities))).collect();
                let id = (round * 10 + n).to_string();
                lines.push(put(product(&id, &format!("SKU-{id}"), "Café", &[])));
                lines.push(put(price(&id, &id, "7")));
                let delivery = agent.delivery(agent.next, &lines);
                agent.next = agent.next.next();
                delivery
            })
            .collect();
        let answers = join_all(
            deliveries
                .iter()
                .map(|delivery| chain.database.apply(&agent.identity, delivery)),
        )
        .await;
        // Whoever comes before its turn, or meets another in one key, is told to come again.
        for (answer, delivery) in answers.into_iter().zip(&deliveries) {
            let answer = match answer {
                Ok(applied) => applied,
                Err(_) => chain
                    .database
                    .apply(&agent.identity, delivery)
                    .await
                    .unwrap(),
            };
            assert!(matches!(answer.ack, Ack::Applied { .. }), "{answer:?}");
        }
        sales_expected += 4 * 250 - 3 * shared;
        lines_expected += (250 - shared) + 2 * 2 * (250 - shared) + 2 * 250;
        assert_eq!(
            (chain.count("sales").await, chain.count("sale_lines").await),
            (sales_expected, lines_expected)
        );
        assert_eq!(
            (chain.count("products").await, chain.count("prices").await),
            (4 * (round + 1), 4 * (round + 1))
        );
    }
}
