//! The trigger outbox in a real MariaDB: what it must never do, and keys of every type.

use std::time::{Duration, Instant};

use fluxion_connectors::{
    Allowed, BatchLimit, ChangeStream, Connector, ConnectorKind, OutboxPart, StartAt, registry,
};
use fluxion_model::stream::{Capture, StreamSpec};
use serde_json::json;

use super::{Database, spec};
use crate::mirror::{Mirror, Step};

fn items(key: &[&str], columns: serde_json::Value) -> StreamSpec {
    spec(json!({
        "name": "items", "key": key, "capture": {"strategy": "outbox"},
        "changes": [{"table": "items", "key": key}],
        "source": {"query": {"from": "items", "columns": columns}},
    }))
}

async fn install(database: &Database, specs: &[StreamSpec]) {
    let connector = database.connector();
    let script = connector.outbox(specs, OutboxPart::Install).await.unwrap();
    connector.run_outbox(&script).await.unwrap();
}

async fn begin(connector: &dyn Connector, spec: &StreamSpec) -> (Mirror, Box<dyn ChangeStream>) {
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    rest(&mut mirror, stream.as_mut()).await;
    (mirror, stream)
}

async fn rest(mirror: &mut Mirror, stream: &mut dyn ChangeStream) {
    while mirror.step(stream, BatchLimit::default()).await.unwrap() != Step::Rest {}
}

async fn until(
    mirror: &mut Mirror,
    stream: &mut dyn ChangeStream,
    is_so: impl Fn(&Mirror) -> bool,
) {
    let begun = Instant::now();
    while !is_so(mirror) {
        rest(mirror, stream).await;
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            mirror.rows
        );
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn keys_of_every_type_come_back_as_the_rows_they_are() {
    for (definition, first, second) in [
        ("INT", "1", "-2"),
        ("BIGINT UNSIGNED", "18446744073709551615", "7"),
        ("DECIMAL(10,2)", "1.50", "-0.05"),
        ("VARCHAR(10) CHARACTER SET latin1", "'ñ|\\\\ x'", "'abc'"),
        ("CHAR(6)", "'001'", "'1'"),
        ("VARBINARY(4)", "x'01ff'", "x'00'"),
        ("DATE", "'2026-01-02'", "'2025-12-31'"),
        ("DATETIME(3)", "'2026-01-02 03:04:05.006'", "'2026-01-01'"),
        (
            "TIMESTAMP",
            "'2026-01-02 03:04:05'",
            "'2026-01-01 00:00:00'",
        ),
    ] {
        let database = Database::with(&format!(
            "CREATE TABLE items(k {definition} PRIMARY KEY, v INT) CHARACTER SET utf8mb4;
             INSERT INTO items VALUES ({first}, 1), ({second}, 1)"
        ));
        let spec = items(&["k"], json!({"k": "k", "v": "v"}));
        install(&database, std::slice::from_ref(&spec)).await;
        let connector = database.connector();
        let (mut mirror, mut stream) = begin(connector.as_ref(), &spec).await;
        // A till in another time zone.
        database.run(&format!(
            "SET time_zone = '-04:00'; SET time_zone = '+00:00'; UPDATE items SET v = 2 WHERE k = {first}; DELETE FROM \
             items WHERE k = {second}"
        ));
        until(&mut mirror, stream.as_mut(), |mirror| {
            mirror.rows.len() == 1
        })
        .await;
        let key = mirror.keys()[0].to_owned();
        until(&mut mirror, stream.as_mut(), |mirror| {
            mirror.cell(&key, "v") == "2"
        })
        .await;
        assert_eq!(mirror.rows.len(), 1, "{definition}: {:?}", mirror.keys());
    }
}

#[tokio::test]
async fn a_timestamp_key_is_noted_in_utc_whatever_the_tills_time_zone_is() {
    let database = Database::with(
        "CREATE TABLE items(k TIMESTAMP PRIMARY KEY, v INT); INSERT INTO items VALUES ('2026-01-02 03:04:05', 1)",
    );
    let spec = items(&["k"], json!({"k": "k", "v": "v"}));
    install(&database, std::slice::from_ref(&spec)).await;
    let connector = database.connector();
    let (mut mirror, mut stream) = begin(connector.as_ref(), &spec).await;
    let key = mirror.keys()[0].to_owned();
    database.run("SET time_zone = '-04:30'; UPDATE items SET v = 2");
    until(&mut mirror, stream.as_mut(), |mirror| {
        mirror.cell(&key, "v") == "2"
    })
    .await;
}

#[tokio::test]
async fn a_sale_goes_on_when_the_outbox_is_broken() {
    let database = Database::with(
        "CREATE TABLE items(id INT PRIMARY KEY, v INT); INSERT INTO items VALUES (1, 1)",
    );
    let spec = items(&["id"], json!({"id": "id", "v": "v"}));
    install(&database, std::slice::from_ref(&spec)).await;
    database.run("DROP TABLE fluxion_outbox");
    database.run(
        "INSERT INTO items VALUES (2, 2); UPDATE items SET v = 3; DELETE FROM items WHERE id = 1",
    );
    assert_eq!(database.run("SELECT id, v FROM items").trim(), "2\t3");
    let connector = database.connector();
    let allowed = connector.allows(&spec, &Capture::Outbox).await.unwrap();
    let Allowed::No { why } = allowed else {
        panic!("there is no outbox any more");
    };
    assert!(why.en.contains("outbox print"), "{why:?}");
    assert!(why.es.contains("outbox print"), "{why:?}");
}

#[tokio::test]
async fn the_tills_own_numbers_are_not_disturbed() {
    let database = Database::with(
        "CREATE TABLE items(id INT AUTO_INCREMENT PRIMARY KEY, v INT); INSERT INTO items VALUES (41, 1)",
    );
    let spec = items(&["id"], json!({"id": "id", "v": "v"}));
    install(&database, std::slice::from_ref(&spec)).await;
    let last =
        database.run("INSERT INTO items (v) VALUES (5); SELECT LAST_INSERT_ID(), ROW_COUNT()");
    assert!(last.trim().starts_with("42"), "{last}");
}

#[tokio::test]
async fn what_was_installed_is_removed_without_a_trace() {
    let database = Database::with(
        "CREATE TABLE items(id INT PRIMARY KEY, v INT); CREATE TABLE other(id INT PRIMARY KEY, item INT)",
    );
    let items = items(&["id"], json!({"id": "id", "v": "v"}));
    let mut joined = items.clone();
    joined.name = "joined".parse().unwrap();
    joined.changes = serde_json::from_value(json!([
        {"table": "items", "key": ["id"]}, {"table": "other", "key": ["item"]}]))
    .unwrap();
    install(&database, &[items.clone(), joined.clone()]).await;
    // Again, as after a change of the mapping.
    install(&database, &[items.clone(), joined.clone()]).await;
    let triggers =
        "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()";
    assert_eq!(database.run(triggers).trim(), "6");
    let connector = database.connector();
    for spec in [&items, &joined] {
        let allowed = connector.allows(spec, &Capture::Outbox).await.unwrap();
        assert_eq!(allowed, Allowed::Yes);
    }
    // The mapping knows less by now; what it knew is removed all the same.
    let script = connector
        .outbox(std::slice::from_ref(&items), OutboxPart::Remove)
        .await
        .unwrap();
    connector.run_outbox(&script).await.unwrap();
    assert_eq!(database.run(triggers).trim(), "0");
    assert_eq!(database.run("SHOW TABLES").trim(), "items\nother");
}

#[tokio::test]
async fn an_outbox_that_is_installed_anew_has_everything_read_again() {
    let database = Database::with(
        "CREATE TABLE items(id INT PRIMARY KEY, v INT); INSERT INTO items VALUES (1, 1)",
    );
    let spec = items(&["id"], json!({"id": "id", "v": "v"}));
    install(&database, std::slice::from_ref(&spec)).await;
    let connector = database.connector();
    let (mut mirror, mut stream) = begin(connector.as_ref(), &spec).await;
    install(&database, std::slice::from_ref(&spec)).await;
    let error = mirror
        .step(stream.as_mut(), BatchLimit::default())
        .await
        .unwrap_err();
    assert_eq!(error.remedy, fluxion_connectors::Remedy::Resnapshot);
    assert!(format!("{}", error.source).contains("anew"), "{error:?}");
}

#[tokio::test]
async fn the_agents_account_needs_no_more_than_reading_and_pruning() {
    let database = Database::with(
        "CREATE TABLE items(id INT PRIMARY KEY, v INT); INSERT INTO items VALUES (1, 1)",
    );
    let user = format!("r_{}", database.name);
    database.run(&format!(
        "CREATE USER {user}@'%' IDENTIFIED BY 'x'; GRANT SELECT ON {}.items TO {user}@'%'",
        database.name
    ));
    let mut settings = database.settings();
    settings["user"] = user.clone().into();
    settings["password"] = "x".into();
    let reader = registry::build(ConnectorKind::Mysql, &settings).unwrap();
    let spec = items(&["id"], json!({"id": "id", "v": "v"}));
    // The reading account says what to install for it; another carries it out.
    let script = reader
        .outbox(std::slice::from_ref(&spec), OutboxPart::Install)
        .await
        .unwrap();
    let refused = reader.run_outbox(&script).await.unwrap_err();
    assert!(refused.hint().unwrap().contains("--user"), "{refused:?}");
    database.connector().run_outbox(&script).await.unwrap();
    let allowed = reader.allows(&spec, &Capture::Outbox).await.unwrap();
    assert_eq!(allowed, Allowed::Yes);

    let (mut mirror, mut stream) = begin(reader.as_ref(), &spec).await;
    database.run("UPDATE items SET v = 2");
    until(&mut mirror, stream.as_mut(), |mirror| {
        mirror.cell("1", "v") == "2"
    })
    .await;
    database.run(&format!("DROP USER {user}@'%'"));
}

#[tokio::test]
async fn the_script_for_the_databases_own_client_can_be_run_as_it_is() {
    let database = Database::with("CREATE TABLE items(id INT PRIMARY KEY, v INT)");
    let spec = items(&["id"], json!({"id": "id", "v": "v"}));
    let connector = database.connector();
    let script = connector
        .outbox(std::slice::from_ref(&spec), OutboxPart::Install)
        .await
        .unwrap();
    database.run(&script.for_client);
    database.run("INSERT INTO items VALUES (7, 7)");
    let noted = database.run("SELECT op, source, k1 FROM fluxion_outbox WHERE op = 'i'");
    assert_eq!(noted.trim(), "i\titems(id)\t7");
}

#[tokio::test]
async fn old_rows_are_pruned_and_the_last_one_stays() {
    let database = Database::with(
        "CREATE TABLE items(id INT PRIMARY KEY, v INT); INSERT INTO items SELECT seq, 1 FROM seq_1_to_30",
    );
    let spec = items(&["id"], json!({"id": "id", "v": "v"}));
    install(&database, std::slice::from_ref(&spec)).await;
    database.run("UPDATE items SET v = 2");
    database.run("UPDATE fluxion_outbox SET at = at - INTERVAL 2 DAY WHERE op = 'u'");
    let connector = database.connector();
    let (mut mirror, mut stream) = begin(connector.as_ref(), &spec).await;
    // Pruning is not urgent.
    tokio::time::sleep(Duration::from_millis(10_100)).await;
    rest(&mut mirror, stream.as_mut()).await;
    let left = database.run("SELECT COUNT(*) FROM fluxion_outbox WHERE op = 'u'");
    assert_eq!(left.trim(), "1", "the row behind which the reader stands");
    database.run("UPDATE items SET v = 3 WHERE id = 9");
    until(&mut mirror, stream.as_mut(), |mirror| {
        mirror.cell("9", "v") == "3"
    })
    .await;
}
