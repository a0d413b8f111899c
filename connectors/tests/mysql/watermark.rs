//! Following changes by dates and rising numbers.

use fluxion_connectors::{BatchLimit, StartAt};
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Database, spec};
use crate::mirror::{Mirror, Restart, Step};

fn items(columns: &[&str], overlap: u64) -> StreamSpec {
    spec(json!({
        "name": "items", "key": ["id"],
        "capture": {"strategy": "watermark", "columns": columns, "overlap": overlap},
        "source": {"query": {
            "from": "items p LEFT JOIN stock s ON s.item_id = p.id AND s.location = {location}",
            "columns": {"id": "p.id", "name": "p.name", "on_hand": "s.on_hand"}}},
    }))
}

fn database() -> Database {
    Database::with(
        "CREATE TABLE items(id INT PRIMARY KEY, name VARCHAR(20), changed DATETIME, KEY(changed));
         CREATE TABLE stock(item_id INT, location INT, on_hand DECIMAL(10,2), changed DATETIME,
                            PRIMARY KEY(item_id, location));
         INSERT INTO items SELECT seq, CONCAT('item ', seq), NOW() - INTERVAL 1 DAY FROM seq_1_to_20;
         INSERT INTO stock SELECT seq, 7, seq, NOW() - INTERVAL 1 DAY FROM seq_1_to_20",
    )
}

fn mirror() -> Mirror {
    let mut mirror = Mirror::default();
    mirror
        .settings
        .insert("location".into(), fluxion_model::value::Value::Int(7));
    mirror
}

#[tokio::test]
async fn a_change_of_either_table_is_seen_and_nothing_else_is_read() {
    let database = database();
    let connector = database.connector();
    let spec = items(&["p.changed", "s.changed"], 60);
    let mut mirror = mirror();
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    assert_eq!(mirror.rows.len(), 20);
    mirror.delivered = 0;

    database.run("UPDATE items SET name = 'new name', changed = NOW() WHERE id = 3");
    database.run("UPDATE stock SET on_hand = 99, changed = NOW() WHERE item_id = 4");
    database.run("INSERT INTO items VALUES (21, 'new', NOW())");
    let mut stream = connector
        .open(&spec, mirror.start(), mirror.context())
        .await
        .unwrap();
    while mirror
        .step(stream.as_mut(), BatchLimit::default())
        .await
        .unwrap()
        == Step::Batch
    {}
    assert_eq!(mirror.cell("3", "name"), "new name");
    assert_eq!(mirror.cell("4", "on_hand"), "99.00");
    assert_eq!(mirror.rows.len(), 21);
    // The first poll looks back by the overlap from marks a day old, and so meets every row once more.
    mirror.delivered = 0;

    database.run("UPDATE items SET name = 'again', changed = NOW() WHERE id = 5");
    while mirror
        .step(stream.as_mut(), BatchLimit::default())
        .await
        .unwrap()
        == Step::Batch
    {}
    assert_eq!(mirror.cell("5", "name"), "again");
    assert!(
        mirror.delivered <= 6,
        "{} rows for one change",
        mirror.delivered
    );
}

#[tokio::test]
async fn a_row_that_commits_late_within_the_overlap_is_seen() {
    let database = database();
    let connector = database.connector();
    let spec = items(&["p.changed"], 60);
    let mut mirror = mirror();
    database.run("UPDATE items SET changed = NOW() WHERE id = 1");
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    // Written half a minute ago by a till that commits only now.
    database
        .run("UPDATE items SET name = 'late', changed = NOW() - INTERVAL 30 SECOND WHERE id = 2");
    mirror
        .follow(
            connector.as_ref(),
            &spec,
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap();
    assert_eq!(mirror.cell("2", "name"), "late");
}

#[tokio::test]
async fn changes_made_while_the_snapshot_runs_are_seen_afterwards() {
    let database = database();
    let connector = database.connector();
    let spec = items(&["p.changed"], 0);
    let mut mirror = mirror();
    let limit = BatchLimit {
        rows: 5,
        ..BatchLimit::default()
    };
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), limit).await.unwrap();
    database.run("UPDATE items SET name = 'behind the scan', changed = NOW() WHERE id = 1");
    while mirror.step(stream.as_mut(), limit).await.unwrap() == Step::Batch {}
    assert_eq!(mirror.cell("1", "name"), "item 1");
    while mirror.step(stream.as_mut(), limit).await.unwrap() == Step::Batch {}
    assert_eq!(mirror.cell("1", "name"), "behind the scan");
}

#[tokio::test]
async fn a_poll_that_is_killed_after_every_batch_loses_nothing() {
    let database = database();
    let connector = database.connector();
    let spec = items(&["p.changed", "s.changed"], 5);
    let mut mirror = mirror();
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    database.run("UPDATE items SET name = 'x', changed = NOW() WHERE id > 3");
    database.run("UPDATE stock SET on_hand = 1, changed = NOW()");
    let limit = BatchLimit {
        rows: 3,
        ..BatchLimit::default()
    };
    mirror
        .follow(connector.as_ref(), &spec, limit, Restart::AfterEveryBatch)
        .await
        .unwrap();
    assert!((4..=20).all(|id| mirror.cell(&id.to_string(), "name") == "x"));
    assert!((1..=20).all(|id| mirror.cell(&id.to_string(), "on_hand") == "1.00"));
}

#[tokio::test]
async fn a_rising_number_does_not_read_everything_again() {
    let database = Database::with(
        "CREATE TABLE sales(id INT AUTO_INCREMENT PRIMARY KEY, total DECIMAL(10,2));
         INSERT INTO sales SELECT seq, seq FROM seq_1_to_5000",
    );
    let connector = database.connector();
    let spec = spec(json!({
        "name": "sales", "key": ["id"], "capture": {"strategy": "watermark", "columns": ["id"], "overlap": 10},
        "source": {"query": {"from": "sales", "columns": {"id": "id", "total": "total"}}},
    }));
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    assert_eq!(mirror.rows.len(), 5000);
    mirror.delivered = 0;
    database.run("INSERT INTO sales VALUES (5001, 1)");
    mirror
        .follow(
            connector.as_ref(),
            &spec,
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap();
    assert_eq!(mirror.rows.len(), 5001);
    assert!(mirror.delivered <= 12, "{}", mirror.delivered);
}

#[tokio::test]
async fn a_finished_diff_rests_until_it_is_opened_for_a_new_scan() {
    let database = Database::with("CREATE TABLE t(id INT PRIMARY KEY); INSERT INTO t VALUES (1)");
    let connector = database.connector();
    let spec = super::table("t", &["id"], json!({"id": "id"}));
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    database.run("DELETE FROM t");
    mirror
        .follow(
            connector.as_ref(),
            &spec,
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap();
    assert_eq!(mirror.rows.len(), 1);
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    assert_eq!(mirror.rows.len(), 0);
}

#[tokio::test]
async fn a_date_that_is_kept_as_text_is_followed_by_its_format() {
    let database = Database::with(
        "CREATE TABLE tickets(id INT PRIMARY KEY, total DECIMAL(10,2), stamp CHAR(14), KEY(stamp));
         INSERT INTO tickets SELECT seq, seq, DATE_FORMAT(NOW() - INTERVAL 1 DAY, '%Y%m%d%H%i%s') FROM seq_1_to_500",
    );
    let connector = database.connector();
    let spec = spec(json!({
        "name": "tickets", "key": ["id"],
        "capture": {"strategy": "watermark", "columns": ["stamp"], "overlap": 60, "format": "%Y%m%d%H%M%S"},
        "source": {"query": {"from": "tickets", "columns": {"id": "id", "total": "total"}}},
    }));
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    database.run("INSERT INTO tickets VALUES (501, 1, DATE_FORMAT(NOW(), '%Y%m%d%H%i%s'))");
    let mut stream = connector
        .open(&spec, mirror.start(), mirror.context())
        .await
        .unwrap();
    while mirror
        .step(stream.as_mut(), BatchLimit::default())
        .await
        .unwrap()
        == Step::Batch
    {}
    assert_eq!(mirror.rows.len(), 501);
    mirror.delivered = 0;
    database.run("INSERT INTO tickets VALUES (502, 1, DATE_FORMAT(NOW() - INTERVAL 20 SECOND, '%Y%m%d%H%i%s'))");
    while mirror
        .step(stream.as_mut(), BatchLimit::default())
        .await
        .unwrap()
        == Step::Batch
    {}
    assert_eq!(mirror.rows.len(), 502, "also what was written late");
    assert!(mirror.delivered <= 3, "{}", mirror.delivered);
}

#[tokio::test]
async fn text_without_a_format_or_with_a_wrong_one_is_told() {
    let database = Database::with(
        "CREATE TABLE t(id INT PRIMARY KEY, stamp VARCHAR(20)); INSERT INTO t VALUES (1, '31/12/2025')",
    );
    let connector = database.connector();
    for (format, said) in [
        (None, "format"),
        (Some("%Y%m%d"), "does not fit"),
        (Some("%Q"), "strftime"),
    ] {
        let spec = spec(json!({
            "name": "t", "key": ["id"],
            "capture": {"strategy": "watermark", "columns": ["stamp"], "format": format},
            "source": {"query": {"from": "t", "columns": {"id": "id"}}},
        }));
        let opened = connector
            .open(&spec, StartAt::Snapshot, Mirror::default().context())
            .await;
        let Err(error) = opened else {
            panic!("{format:?} must be refused");
        };
        let hint = error.hint().unwrap();
        assert!(hint.contains(said), "{format:?}: {hint}");
        assert!(!hint.contains("31/12"), "no value of the POS in a message");
    }
}
