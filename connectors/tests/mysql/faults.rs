//! What an operator is told when something is wrong.

use fluxion_connectors::{BatchLimit, ConnectorKind, Remedy, SourceError, StartAt, registry};
use fluxion_model::stream::{Cursor, StreamSpec};
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

#[tokio::test]
async fn a_missing_column_is_named_with_its_table_and_its_use() {
    let database = Database::with("CREATE TABLE items(id INT PRIMARY KEY, nombre TEXT)");
    let spec = spec(json!({
        "name": "items", "key": ["id"], "capture": {"strategy": "diff"},
        "source": {"query": {"from": "items p", "columns": {"id": "p.id", "name": "p.nombre", "price": "p.precio * 2"}}},
    }));
    let error = opening(&database, &spec).await;
    let (code, hint) = told(&error);
    assert_eq!(code, "missing_column");
    assert!(
        hint.contains("p.precio") && hint.contains("table items") && hint.contains("\"price\""),
        "{hint}"
    );
}

#[tokio::test]
async fn a_column_dropped_while_the_stream_runs_stops_it_with_the_same_message() {
    let database = Database::with(
        "CREATE TABLE t(id INT PRIMARY KEY, v INT); INSERT INTO t SELECT seq, seq FROM seq_1_to_400",
    );
    let connector = database.connector();
    let spec = table("t", &["id"], json!({"id": "id", "v": "v"}));
    let limit = BatchLimit {
        rows: 50,
        ..BatchLimit::default()
    };
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), limit).await.unwrap();
    database.run("ALTER TABLE t DROP COLUMN v");
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
    let database = Database::with("CREATE TABLE t(id INT PRIMARY KEY)");
    let error = opening(
        &database,
        &table("no_such_table", &["id"], json!({"id": "id"})),
    )
    .await;
    assert_eq!(told(&error).0, "missing_table");
    assert!(told(&error).1.contains("no_such_table"));
    let error = opening(&database, &table("t", &["id"], json!({"id": "id +"}))).await;
    assert_eq!(told(&error).0, "invalid_query");
    let error = opening(&database, &table("t", &["code"], json!({"id": "id"}))).await;
    assert_eq!(told(&error).0, "invalid_mapping");
}

#[tokio::test]
async fn a_wrong_password_a_missing_database_and_a_missing_grant_are_told_apart() {
    let database = Database::with(
        "CREATE TABLE t(id INT PRIMARY KEY); CREATE TABLE secret(id INT PRIMARY KEY)",
    );
    let user = format!("u_{}", database.name);
    database.run(&format!(
        "CREATE USER {user}@'%' IDENTIFIED BY 'x'; GRANT SELECT ON {}.t TO {user}@'%'",
        database.name
    ));
    let with = |change: serde_json::Value| {
        let mut settings = database.settings();
        settings
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        registry::build(ConnectorKind::Mysql, &settings).unwrap()
    };
    let error = with(json!({"password": "wrong"}))
        .probe()
        .await
        .unwrap_err();
    assert_eq!(told(&error).0, "login_refused");
    let error = with(json!({"database": "nowhere"}))
        .probe()
        .await
        .unwrap_err();
    assert_eq!(told(&error).0, "not_found");

    let reader = with(json!({"user": user, "password": "x"}));
    let spec = table("secret", &["id"], json!({"id": "id"}));
    let error = match reader
        .open(&spec, StartAt::Snapshot, Mirror::default().context())
        .await
    {
        Ok(_) => panic!("must not open"),
        Err(error) => error,
    };
    assert_eq!(told(&error).0, "permission_denied");
    assert!(told(&error).1.contains("secret"), "{error:?}");
    database.run(&format!("DROP USER {user}@'%'"));
}

#[tokio::test]
async fn an_unreachable_server_is_tried_again() {
    let settings = json!({"host": "127.0.0.1", "port": 1, "database": "pos", "user": "reader"});
    let error = registry::build(ConnectorKind::Mysql, &settings)
        .unwrap()
        .probe()
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry);
    assert!(
        error
            .source
            .to_string()
            .contains("check that MySQL is running"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_cursor_of_another_mapping_asks_for_a_new_snapshot() {
    let database = Database::with("CREATE TABLE t(id INT PRIMARY KEY)");
    let connector = database.connector();
    for cursor in [
        "garbage",
        r#"{"phase":"idle","marks":[{"value":{"i":1},"since":"2026-01-01T00:00:00Z","settled":false}]}"#,
    ] {
        let start = StartAt::After(Cursor(cursor.as_bytes().into()));
        let opened = connector
            .open(
                &table("t", &["id"], json!({"id": "id"})),
                start,
                Mirror::default().context(),
            )
            .await;
        let Err(error) = opened else {
            panic!("must not resume {cursor}")
        };
        assert_eq!(error.remedy, Remedy::Resnapshot);
    }
}

#[tokio::test]
async fn a_lost_connection_is_tried_again_and_goes_on_where_it_stopped() {
    let database = Database::with(
        "CREATE TABLE t(id INT PRIMARY KEY); INSERT INTO t SELECT seq FROM seq_1_to_500",
    );
    let connector = database.connector();
    let spec = table("t", &["id"], json!({"id": "id"}));
    let limit = BatchLimit {
        rows: 50,
        ..BatchLimit::default()
    };
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), limit).await.unwrap();
    let name = &database.name;
    let ids = database.run(&format!("SELECT id FROM information_schema.PROCESSLIST WHERE db = '{name}' AND id <> CONNECTION_ID()"));
    for id in ids.lines() {
        database.run(&format!("KILL {id}"));
    }
    let error = loop {
        match mirror.step(stream.as_mut(), limit).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.remedy, Remedy::Retry);
    mirror
        .follow(connector.as_ref(), &spec, limit, Restart::Never)
        .await
        .unwrap();
    assert_eq!((mirror.rows.len(), mirror.delivered), (500, 500));
}

#[tokio::test]
async fn nothing_can_be_written_and_the_catalog_lists_what_is_there() {
    let database = Database::with(
        "CREATE TABLE t(id INT PRIMARY KEY, price DECIMAL(12,2)); CREATE VIEW v AS SELECT id FROM t",
    );
    let connector = database.connector();
    let probe = connector.probe().await.unwrap();
    assert!(probe.product.starts_with("MariaDB 1"), "{probe:?}");
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.what.en.contains("may change data")),
        "{probe:?}"
    );
    let catalog = connector.catalog().await.unwrap();
    let names: Vec<&str> = catalog
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    assert_eq!(names, ["t", "v"]);
    assert_eq!(catalog.tables[0].columns[1].type_name, "decimal(12,2)");
}
