//! What an operator is told when something is wrong, and that nothing is lost when the line breaks.

use fluxion_connectors::{
    Allowed, BatchLimit, ConnectorKind, Remedy, SourceError, StartAt, registry,
};
use fluxion_model::stream::{Capture, Cursor, StreamSpec};
use serde_json::json;

use super::{Database, spec, table};
use crate::mirror::{Mirror, Restart, Step};

async fn opening(database: &Database, spec: &StreamSpec) -> SourceError {
    let connector = database.connector();
    match connector
        .open(spec, StartAt::Snapshot, Mirror::default().context())
        .await
    {
        Ok(_) => panic!("the stream must not open"),
        Err(error) => error,
    }
}

fn told(error: &SourceError) -> (&'static str, &str) {
    match &error.remedy {
        Remedy::AskOperator { code, hint } => (code, hint),
        other => panic!("expected to ask the operator, not {other:?}: {error:?}"),
    }
}

fn numbers(rows: usize) -> String {
    let rows: Vec<String> = (1..=rows).map(|id| format!("({id}, {id})")).collect();
    let inserts: Vec<String> = rows
        .chunks(500)
        .map(|rows| format!("INSERT INTO dbo.t (id, v) VALUES {}", rows.join(", ")))
        .collect();
    format!(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, v int NULL);\n{}",
        inserts.join(";\n")
    )
}

fn all_of_t() -> StreamSpec {
    table("dbo.t", &["id"], json!({"id": "id", "v": "v"}))
}

#[tokio::test]
async fn a_missing_column_is_named_with_its_table_and_its_use() {
    let database =
        Database::with("CREATE TABLE dbo.items (id int NOT NULL PRIMARY KEY, nombre nvarchar(20))");
    let spec = spec(json!({
        "name": "items", "key": ["id"], "capture": {"strategy": "diff"},
        "source": {"query": {"from": "dbo.items AS p", "columns": {
            "id": "p.id", "name": "p.nombre", "price": "p.precio * 2"}}},
    }));
    let error = opening(&database, &spec).await;
    let (code, hint) = told(&error);
    assert_eq!(code, "missing_column");
    assert!(
        hint.contains("precio") && hint.contains("\"price\""),
        "{hint}"
    );
}

#[tokio::test]
async fn a_column_dropped_while_the_stream_runs_stops_it_with_the_same_message() {
    let database = Database::with(&numbers(400));
    let connector = database.connector();
    let limit = BatchLimit {
        rows: 50,
        ..BatchLimit::default()
    };
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&all_of_t(), StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), limit).await.unwrap();
    database.run("ALTER TABLE dbo.t DROP COLUMN v");
    let error = loop {
        match mirror.step(stream.as_mut(), limit).await {
            Ok(Step::Batch) => {}
            Ok(Step::Rest | Step::ScanComplete) => panic!("must not complete"),
            Err(error) => break error,
        }
    };
    assert_eq!(told(&error).0, "missing_column");
}

#[tokio::test]
async fn a_missing_table_and_a_syntax_error_are_told_apart() {
    let database = Database::with("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY)");
    let missing = table("dbo.no_such_table", &["id"], json!({"id": "id"}));
    let error = opening(&database, &missing).await;
    assert_eq!(told(&error).0, "missing_table");
    assert!(told(&error).1.contains("no_such_table"));
    let error = opening(&database, &table("dbo.t", &["id"], json!({"id": "id +"}))).await;
    assert_eq!(told(&error).0, "invalid_query");
    let error = opening(&database, &table("dbo.t", &["code"], json!({"id": "id"}))).await;
    assert_eq!(told(&error).0, "invalid_mapping");
}

#[tokio::test]
async fn a_key_that_has_no_order_is_refused_with_what_to_write_instead() {
    let database = Database::with("CREATE TABLE dbo.t (id ntext NOT NULL)");
    let error = opening(&database, &table("dbo.t", &["id"], json!({"id": "id"}))).await;
    let (code, hint) = told(&error);
    assert_eq!(code, "invalid_mapping");
    assert!(hint.contains("in no order"), "{hint}");
}

#[tokio::test]
async fn a_wrong_password_a_missing_database_and_a_missing_grant_are_told_apart() {
    let database = Database::with(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY); CREATE TABLE dbo.secret (id int NOT NULL PRIMARY KEY)",
    );
    database.run("CREATE LOGIN reader WITH PASSWORD = N'x'");
    database.run("CREATE USER reader FOR LOGIN reader");
    database.run("GRANT SELECT ON dbo.t TO reader");
    let with = |change: serde_json::Value| database.connector_with(change);
    let error = with(json!({"password": "wrong"}))
        .probe()
        .await
        .unwrap_err();
    assert_eq!(told(&error).0, "login_refused");
    assert!(told(&error).1.contains("password"), "{error:?}");
    let error = with(json!({"database": "nowhere"}))
        .probe()
        .await
        .unwrap_err();
    assert_eq!(told(&error).0, "not_found");

    let reader = with(json!({"user": "reader", "password": "x"}));
    let spec = table("dbo.secret", &["id"], json!({"id": "id"}));
    let opened = reader
        .open(&spec, StartAt::Snapshot, Mirror::default().context())
        .await;
    let Err(error) = opened else {
        panic!("the stream must not open")
    };
    assert_eq!(told(&error).0, "permission_denied");
    assert!(told(&error).1.contains("secret"), "{error:?}");
}

#[tokio::test]
async fn nobody_at_the_port_is_passing_trouble_with_what_to_look_at() {
    let settings = json!({"host": "127.0.0.1", "port": 1, "database": "d", "user": "u"});
    let connector = registry::build(ConnectorKind::Sqlserver, &settings).unwrap();
    let error = connector.probe().await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
    assert!(
        error.source.to_string().contains("TCP/IP"),
        "{}",
        error.source
    );
}

#[tokio::test]
async fn change_tracking_that_is_off_says_how_to_switch_it_on() {
    let database = Database::with("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY)");
    let mut stream = table("dbo.t", &["id"], json!({"id": "id"}));
    stream.capture = Capture::Log;
    stream.changes = serde_json::from_value(json!([{"table": "dbo.t", "key": ["id"]}])).unwrap();
    let allowed = database
        .connector()
        .allows(&stream, &Capture::Log)
        .await
        .unwrap();
    let Allowed::No { why } = allowed else {
        panic!("it is off")
    };
    assert!(
        why.en.contains("ENABLE CHANGE_TRACKING") && why.es.contains("desactivado"),
        "{why:?}"
    );
    assert_eq!(told(&opening(&database, &stream).await).0, "unsupported");
}

#[tokio::test]
async fn change_tracking_is_not_used_where_the_primary_key_does_not_hold_the_streams_key() {
    let database =
        Database::with("CREATE TABLE dbo.lines (id int NOT NULL PRIMARY KEY, sale int NOT NULL)");
    database.track(&["dbo.lines"]);
    let mut stream = table("dbo.lines", &["sale"], json!({"sale": "sale"}));
    stream.changes =
        serde_json::from_value(json!([{"table": "dbo.lines", "key": ["sale"]}])).unwrap();
    let allowed = database
        .connector()
        .allows(&stream, &Capture::Log)
        .await
        .unwrap();
    assert!(
        matches!(&allowed, Allowed::No { why } if why.en.contains("primary key")),
        "{allowed:?}"
    );
}

#[tokio::test]
async fn a_date_is_not_taken_for_a_rowversion() {
    let database =
        Database::with("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, changed datetime NULL)");
    let mut stream = table("dbo.t", &["id"], json!({"id": "id"}));
    stream.capture = serde_json::from_value(
        json!({"strategy": "watermark", "columns": ["changed"], "kind": "rowversion"}),
    )
    .unwrap();
    let allowed = database
        .connector()
        .allows(&stream, &stream.capture)
        .await
        .unwrap();
    assert!(matches!(allowed, Allowed::No { .. }));
    assert_eq!(told(&opening(&database, &stream).await).0, "unsupported");
}

#[tokio::test]
async fn a_cursor_of_another_mapping_is_not_resumed() {
    let database = Database::with("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY)");
    let spec = table("dbo.t", &["id"], json!({"id": "id"}));
    let cursor = Cursor(
        br#"{"phase":"idle","marks":[],"feed":{"version":7},"more":1}"#
            .as_slice()
            .into(),
    );
    let mut mirror = Mirror::default();
    mirror.cursor = Some(cursor);
    let followed = mirror
        .follow(
            database.connector().as_ref(),
            &spec,
            BatchLimit::default(),
            Restart::Never,
        )
        .await;
    if let Err(error) = followed {
        assert_eq!(error.remedy, Remedy::Resnapshot, "{error:?}");
    }
}

/// As if the database had been restored from a backup: it stands before the place where the stream stood.
fn further(cursor: &Cursor, path: &[&str], value: serde_json::Value) -> Cursor {
    let mut position: serde_json::Value = serde_json::from_slice(&cursor.0).unwrap();
    let mut place = &mut position;
    for step in path {
        place = match step.parse::<usize>() {
            Ok(at) => &mut place[at],
            Err(_) => &mut place[*step],
        };
    }
    assert!(
        !place.is_null(),
        "{path:?} in {}",
        String::from_utf8_lossy(&cursor.0)
    );
    *place = value;
    Cursor(serde_json::to_vec(&position).unwrap().into())
}

#[tokio::test]
async fn a_rowversion_that_went_back_makes_everything_be_read_again() {
    let database = Database::with(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, version rowversion NOT NULL);
         INSERT INTO dbo.t (id) VALUES (1), (2)",
    );
    let connector = database.connector();
    let mut stream = table("dbo.t", &["id"], json!({"id": "id"}));
    stream.capture = serde_json::from_value(
        json!({"strategy": "watermark", "columns": ["version"], "kind": "rowversion"}),
    )
    .unwrap();
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &stream).await.unwrap();
    let cursor = mirror.cursor.clone().unwrap();
    let later = json!({"x": [0, 0, 0, 255, 0, 0, 0, 0]});
    mirror.cursor = Some(further(&cursor, &["marks", "0", "value"], later));
    let error = mirror
        .follow(
            connector.as_ref(),
            &stream,
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Resnapshot, "{error:?}");
    assert!(error.source.to_string().contains("backup"), "{error:?}");
    mirror.scan(connector.as_ref(), &stream).await.unwrap();
    assert_eq!(mirror.keys(), ["1", "2"]);
}

#[tokio::test]
async fn a_change_version_that_went_back_makes_everything_be_read_again() {
    let database = Database::with(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY); INSERT INTO dbo.t (id) VALUES (1), (2)",
    );
    database.track(&["dbo.t"]);
    let connector = database.connector();
    let mut stream = table("dbo.t", &["id"], json!({"id": "id"}));
    stream.capture = Capture::Log;
    stream.changes = serde_json::from_value(json!([{"table": "dbo.t", "key": ["id"]}])).unwrap();
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &stream).await.unwrap();
    let cursor = mirror.cursor.clone().unwrap();
    mirror.cursor = Some(further(&cursor, &["feed", "version"], json!(1_000_000)));
    let error = mirror
        .follow(
            connector.as_ref(),
            &stream,
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Resnapshot, "{error:?}");
    assert!(error.source.to_string().contains("backup"), "{error:?}");
}

#[tokio::test]
async fn a_truncated_table_makes_everything_be_read_again() {
    let database = Database::with(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY); INSERT INTO dbo.t (id) VALUES (1), (2)",
    );
    database.track(&["dbo.t"]);
    let connector = database.connector();
    let mut stream = table("dbo.t", &["id"], json!({"id": "id"}));
    stream.capture = Capture::Log;
    stream.changes = serde_json::from_value(json!([{"table": "dbo.t", "key": ["id"]}])).unwrap();
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &stream).await.unwrap();
    database.run("INSERT INTO dbo.t (id) VALUES (3)");
    database.run("TRUNCATE TABLE dbo.t");
    let error = mirror
        .follow(
            connector.as_ref(),
            &stream,
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Resnapshot, "{error:?}");
    mirror.scan(connector.as_ref(), &stream).await.unwrap();
    assert!(mirror.rows.is_empty());
}

#[tokio::test]
async fn many_changes_of_one_transaction_come_whole() {
    let database = Database::with(&numbers(1_500));
    database.track(&["dbo.t"]);
    let connector = database.connector();
    let mut stream = all_of_t();
    stream.capture = Capture::Log;
    stream.changes = serde_json::from_value(json!([{"table": "dbo.t", "key": ["id"]}])).unwrap();
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &stream).await.unwrap();
    mirror.delivered = 0;
    database.run("UPDATE dbo.t SET v = 0");
    database.run("UPDATE dbo.t SET v = 1 WHERE id <= 3");
    let mut stream_open = connector
        .open(&stream, mirror.start(), mirror.context())
        .await
        .unwrap();
    for _ in 0..40 {
        mirror
            .step(stream_open.as_mut(), BatchLimit::default())
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(mirror.cell("1500", "v"), "0");
    assert_eq!(mirror.cell("3", "v"), "1");
    assert!(mirror.delivered <= 1_503, "{}", mirror.delivered);
}
