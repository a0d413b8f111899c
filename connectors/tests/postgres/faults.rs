//! What goes wrong is told with what to do about it.

use fluxion_connectors::{ConnectorKind, Level, Remedy, SourceError, registry};
use serde_json::json;

use super::{Database, spec, table};
use crate::mirror::Mirror;

fn code(error: &SourceError) -> (&'static str, String) {
    match &error.remedy {
        Remedy::AskOperator { code, hint } => (code, hint.clone()),
        other => panic!("{other:?}: {error}"),
    }
}

#[tokio::test]
async fn a_missing_column_and_a_missing_table_are_named() {
    let database = Database::with("CREATE TABLE items(id int PRIMARY KEY)");
    let connector = database.connector();
    let mut mirror = Mirror::default();
    let spec = table(
        "items",
        &["id"],
        json!({"id": "id", "price": "precio_venta * 2"}),
    );
    let error = mirror.scan(connector.as_ref(), &spec).await.unwrap_err();
    let (code_, hint) = code(&error);
    assert_eq!(code_, "missing_column");
    assert!(
        hint.contains("precio_venta") && hint.contains("\"price\"") && hint.contains("items"),
        "{hint}"
    );

    let spec = table("productos", &["id"], json!({"id": "id"}));
    let error = mirror.scan(connector.as_ref(), &spec).await.unwrap_err();
    assert_eq!(code(&error).0, "missing_table");
    assert!(code(&error).1.contains("productos"));
}

#[tokio::test]
async fn a_forbidden_table_and_a_refused_login_say_who_must_grant_what() {
    let database = Database::with("CREATE TABLE items(id int PRIMARY KEY)");
    let reader = format!("reader_{}", database.name);
    database.run(&format!("CREATE ROLE {reader} LOGIN"));
    let mut settings = database.settings();
    settings["user"] = json!(reader);
    let connector = registry::build(ConnectorKind::Postgres, &settings).unwrap();
    let mut mirror = Mirror::default();
    let spec = table("items", &["id"], json!({"id": "id"}));
    let error = mirror.scan(connector.as_ref(), &spec).await.unwrap_err();
    assert_eq!(code(&error).0, "permission_denied");

    let probe = connector.probe().await.unwrap();
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.level == Level::Problem),
        "{probe:?}"
    );
    database.run(&format!("GRANT SELECT ON items TO {reader}"));
    let findings = connector.probe().await.unwrap().findings;
    assert!(
        findings
            .iter()
            .all(|finding| finding.level == Level::Info && finding.remedy.is_none()),
        "{findings:?}"
    );
    let said: Vec<&str> = findings
        .iter()
        .map(|finding| finding.what.es.as_str())
        .collect();
    assert!(said[0].contains("puede leer 1 tablas"), "{said:?}");
    assert!(said[1].contains("UTF8, "), "{said:?}");
    database.run(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));

    let error = connector.probe().await.unwrap_err();
    assert_eq!(code(&error).0, "login_refused");
    settings["user"] = json!("fluxion");
    settings["database"] = json!("no_such_database");
    let connector = registry::build(ConnectorKind::Postgres, &settings).unwrap();
    assert_eq!(code(&connector.probe().await.unwrap_err()).0, "not_found");
}

#[tokio::test]
async fn a_first_look_tells_the_version_and_that_the_account_may_write() {
    let database = Database::with(
        "CREATE TABLE items(id int PRIMARY KEY, price numeric(12,2)); CREATE SCHEMA pos; CREATE VIEW pos.v AS SELECT 1 AS one",
    );
    let connector = database.connector();
    let probe = connector.probe().await.unwrap();
    assert!(
        probe.product.starts_with("PostgreSQL 1"),
        "{}",
        probe.product
    );
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.level == Level::Warning
                && finding.what.en.contains("may change data")),
        "{probe:?}"
    );
    let catalog = connector.catalog().await.unwrap();
    let items = catalog
        .tables
        .iter()
        .find(|table| table.name == "items")
        .unwrap();
    assert_eq!(items.columns[1].type_name, "numeric(12,2)");
    assert!(catalog.tables.iter().any(|table| table.name == "pos.v"));
}

#[tokio::test]
async fn the_session_cannot_write_and_gives_way_to_locks() {
    let database = Database::with(
        "CREATE TABLE items(id int PRIMARY KEY); CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO items VALUES (1); RETURN 1; END'",
    );
    let mut settings = database.settings();
    settings["lock_timeout_seconds"] = json!(1);
    let connector = registry::build(ConnectorKind::Postgres, &settings).unwrap();
    let mut json = serde_json::to_value(table("items", &["id"], json!({"id": "id"}))).unwrap();
    json["source"]["query"]["from"] = json!("(SELECT f() AS id) x");
    let spec = spec(json);
    let error = Mirror::default()
        .scan(connector.as_ref(), &spec)
        .await
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("read-only"), "{cause}");

    let holder = database.run_aside("BEGIN; LOCK TABLE items; SELECT pg_sleep(3); COMMIT");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let spec = table("items", &["id"], json!({"id": "id"}));
    let error = Mirror::default()
        .scan(connector.as_ref(), &spec)
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry, "{error:?}");
    holder.join().unwrap();
}
