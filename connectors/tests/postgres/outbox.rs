//! The outbox: every change is seen within a look, and the POS never notices.

use std::time::Duration;

use fluxion_connectors::{Allowed, BatchLimit, Connector, OutboxPart, Remedy};
use fluxion_model::stream::{Capture, StreamSpec};
use serde_json::json;

use super::{Database, spec};
use crate::mirror::{Mirror, Restart, Step};

const TABLES: &str = "CREATE TABLE items(id int PRIMARY KEY, name varchar(20), changed timestamptz);
     CREATE TABLE stock(item_id int, location char(4), on_hand numeric(12,2), PRIMARY KEY(item_id, location));
     INSERT INTO items SELECT i, 'item ' || i FROM generate_series(1, 20) i;
     INSERT INTO stock SELECT i, 'A', i FROM generate_series(1, 20) i";

fn items() -> StreamSpec {
    spec(json!({
        "name": "items", "key": ["id"], "capture": {"strategy": "outbox"},
        "fallback": [{"strategy": "diff"}],
        "changes": [{"table": "items", "key": ["id"]}, {"table": "stock", "key": ["item_id"]}],
        "source": {"query": {
            "from": "items p LEFT JOIN stock s ON s.item_id = p.id AND s.location = 'A'",
            "columns": {"id": "p.id", "name": "p.name", "on_hand": "s.on_hand"}}},
    }))
}

fn stock() -> StreamSpec {
    spec(json!({
        "name": "stock", "key": ["item", "place"], "capture": {"strategy": "outbox"},
        "changes": [{"table": "public.stock", "key": ["item_id", "location"]}],
        "source": {"query": {
            "from": "stock", "columns": {"item": "item_id", "place": "location", "on_hand": "on_hand"}}},
    }))
}

async fn install(connector: &dyn Connector, streams: &[StreamSpec]) {
    let script = connector
        .outbox(streams, OutboxPart::Install)
        .await
        .unwrap();
    connector.run_outbox(&script).await.unwrap();
}

async fn follow(connector: &dyn Connector, mirror: &mut Mirror, spec: &StreamSpec) {
    // The first round may end a scan, the second follows.
    for _ in 0..2 {
        mirror
            .follow(
                connector,
                spec,
                BatchLimit::default(),
                Restart::AfterEveryBatch,
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn inserts_updates_deletes_and_renamed_keys_are_seen_and_nothing_else_is_read() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    install(connector.as_ref(), &[items(), stock()]).await;
    let (mut of_items, mut of_stock) = (Mirror::default(), Mirror::default());
    follow(connector.as_ref(), &mut of_items, &items()).await;
    follow(connector.as_ref(), &mut of_stock, &stock()).await;
    assert_eq!((of_items.rows.len(), of_stock.rows.len()), (20, 20));
    of_items.delivered = 0;

    database.run("UPDATE items SET name = 'new name' WHERE id = 3");
    database.run("UPDATE stock SET on_hand = 99 WHERE item_id = 4");
    database.run("INSERT INTO items VALUES (21, 'new')");
    database.run("DELETE FROM items WHERE id = 5");
    database.run("UPDATE items SET id = 106 WHERE id = 6");
    follow(connector.as_ref(), &mut of_items, &items()).await;
    assert_eq!(of_items.cell("3", "name"), "new name");
    assert_eq!(of_items.cell("4", "on_hand"), "99.00");
    assert_eq!(of_items.cell("21", "name"), "new");
    assert_eq!(of_items.cell("106", "name"), "item 6");
    assert!(!of_items.rows.contains_key("5") && !of_items.rows.contains_key("6"));
    assert_eq!(of_items.delivered, 6);
    follow(connector.as_ref(), &mut of_stock, &stock()).await;
    assert_eq!(of_stock.cell("4|A", "on_hand"), "99.00");
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_neither_missed_nor_in_the_way() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    install(connector.as_ref(), &[items()]).await;
    let mut mirror = Mirror::default();
    follow(connector.as_ref(), &mut mirror, &items()).await;
    let late = database.run_aside(
        "BEGIN; UPDATE items SET name = 'late' WHERE id = 2; SELECT pg_sleep(1.5); COMMIT",
    );
    std::thread::sleep(Duration::from_millis(500));
    database.run("UPDATE items SET name = 'early' WHERE id = 3");
    follow(connector.as_ref(), &mut mirror, &items()).await;
    assert_eq!(mirror.cell("3", "name"), "early");
    assert_eq!(mirror.cell("2", "name"), "item 2");
    late.join().unwrap();
    database.run("UPDATE items SET name = 'after' WHERE id = 4");
    follow(connector.as_ref(), &mut mirror, &items()).await;
    assert_eq!(mirror.cell("2", "name"), "late");
    assert_eq!(mirror.cell("4", "name"), "after");
}

#[tokio::test]
async fn a_change_of_many_rows_comes_in_parts_and_whole() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    install(connector.as_ref(), &[items()]).await;
    let mut mirror = Mirror::default();
    follow(connector.as_ref(), &mut mirror, &items()).await;
    mirror.delivered = 0;
    database.run("UPDATE items SET name = 'all of them'");
    let limit = BatchLimit {
        rows: 3,
        ..BatchLimit::default()
    };
    mirror
        .follow(
            connector.as_ref(),
            &items(),
            limit,
            Restart::AfterEveryBatch,
        )
        .await
        .unwrap();
    assert_eq!(mirror.delivered, 20);
    assert!((1..=20).all(|id| mirror.cell(&id.to_string(), "name") == "all of them"));
}

#[tokio::test]
async fn changes_made_while_the_snapshot_runs_are_not_lost() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    install(connector.as_ref(), &[items()]).await;
    let mut mirror = Mirror::default();
    let limit = BatchLimit {
        rows: 5,
        ..BatchLimit::default()
    };
    let mut stream = connector
        .open(&items(), mirror.start(), mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), limit).await.unwrap();
    database.run(
        "UPDATE items SET name = 'behind the scan' WHERE id = 1; DELETE FROM items WHERE id = 2",
    );
    while mirror.step(stream.as_mut(), limit).await.unwrap() != Step::Rest {}
    assert_eq!(mirror.cell("1", "name"), "behind the scan");
    assert!(!mirror.rows.contains_key("2"));
    assert_eq!(mirror.rows.len(), 19);
}

#[tokio::test]
async fn an_emptied_table_and_an_outbox_installed_anew_are_read_from_the_start() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    install(connector.as_ref(), &[stock()]).await;
    let mut mirror = Mirror::default();
    follow(connector.as_ref(), &mut mirror, &stock()).await;
    database.run("TRUNCATE stock");
    let error = mirror
        .follow(
            connector.as_ref(),
            &stock(),
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Resnapshot);

    mirror.cursor = None;
    follow(connector.as_ref(), &mut mirror, &stock()).await;
    let remove = connector
        .outbox(&[stock()], OutboxPart::Remove)
        .await
        .unwrap();
    connector.run_outbox(&remove).await.unwrap();
    database.run("INSERT INTO stock VALUES (7, 'A', 1)");
    install(connector.as_ref(), &[stock()]).await;
    let error = mirror
        .follow(
            connector.as_ref(),
            &stock(),
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Resnapshot);
}

#[tokio::test]
async fn the_sale_goes_on_when_the_outbox_cannot_be_written() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    install(connector.as_ref(), &[items()]).await;
    database.run("ALTER TABLE fluxion_outbox ADD CONSTRAINT no CHECK (false) NOT VALID");
    database.run("UPDATE items SET name = 'sold' WHERE id = 1");
    database.run("DROP TABLE fluxion_outbox");
    database.run("UPDATE items SET name = 'sold again' WHERE id = 1");
    assert_eq!(
        database.run("SELECT name FROM items WHERE id = 1").trim(),
        "sold again"
    );
}

#[tokio::test]
async fn an_account_of_the_pos_needs_no_rights_on_the_outbox_and_keeps_its_last_value() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    install(connector.as_ref(), &[items()]).await;
    let cashier = format!("cashier_{}", database.name);
    database.run(&format!(
        "CREATE ROLE {cashier}; GRANT SELECT, INSERT, UPDATE ON items TO {cashier};
         CREATE SEQUENCE tickets; SELECT setval('tickets', 41); GRANT USAGE ON tickets TO {cashier}"
    ));
    let last = database.run(&format!(
        "SET ROLE {cashier}; SELECT nextval('tickets'); INSERT INTO items VALUES (30, 'x'); SELECT lastval()"
    ));
    assert!(last.trim().ends_with("42"), "{last}");
    assert_eq!(
        database
            .run("SELECT count(*) FROM fluxion_outbox WHERE xid > 0")
            .trim(),
        "1"
    );
    database.run(&format!("DROP OWNED BY {cashier}; DROP ROLE {cashier}"));
}

#[tokio::test]
async fn what_is_installed_is_told_pruned_and_wholly_removed() {
    let database = Database::with(TABLES);
    let connector = database.connector();
    let spec = items();
    let before = connector.allows(&spec, &Capture::Outbox).await.unwrap();
    assert!(
        matches!(&before, Allowed::No { why } if why.es.contains("outbox install")),
        "{before:?}"
    );
    install(connector.as_ref(), std::slice::from_ref(&spec)).await;
    assert_eq!(
        connector.allows(&spec, &Capture::Outbox).await.unwrap(),
        Allowed::Yes
    );

    let remove = connector.outbox(&[spec], OutboxPart::Remove).await.unwrap();
    connector.run_outbox(&remove).await.unwrap();
    let left = database.run(
        "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'fluxion%')
              + (SELECT count(*) FROM pg_proc WHERE proname LIKE 'fluxion%')
              + (SELECT count(*) FROM pg_class WHERE relname LIKE 'fluxion%')",
    );
    assert_eq!(left.trim(), "0");
}
