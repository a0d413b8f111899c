//! What goes wrong is told with what to do about it.

use fluxion_connectors::{ConnectorKind, Level, Probe, Remedy, SourceError, registry};
use serde_json::json;

use super::{Database, table};
use crate::mirror::Mirror;

fn asked(error: &SourceError) -> (&'static str, String) {
    match &error.remedy {
        Remedy::AskOperator { code, hint } => (code, hint.clone()),
        other => panic!("{other:?}: {error:?}"),
    }
}

#[tokio::test]
async fn a_missing_column_and_a_missing_table_are_named() {
    let database = Database::with("CREATE TABLE items(id INT NOT NULL PRIMARY KEY)");
    let connector = database.connector();
    let mut mirror = Mirror::default();
    let spec = table(
        "items",
        &["id"],
        json!({"id": "id", "price": "precio_venta"}),
    );
    let error = mirror.scan(connector.as_ref(), &spec).await.unwrap_err();
    let (code, hint) = asked(&error);
    assert_eq!(code, "missing_column");
    assert!(
        hint.contains("PRECIO_VENTA") && hint.contains("\"price\""),
        "{hint}"
    );

    let spec = table("productos", &["id"], json!({"id": "id"}));
    let error = mirror.scan(connector.as_ref(), &spec).await.unwrap_err();
    assert_eq!(asked(&error).0, "missing_table");
    assert!(asked(&error).1.contains("PRODUCTOS"), "{}", asked(&error).1);
}

#[tokio::test]
async fn a_refused_login_a_missing_file_and_a_missing_server_are_told_apart() {
    let database = Database::with("CREATE TABLE items(id INT NOT NULL PRIMARY KEY)");
    let build = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut settings = database.settings();
        change(&mut settings);
        registry::build(ConnectorKind::Firebird, &settings).unwrap()
    };
    let wrong = build(&|settings| settings["password"] = json!("wrong password"));
    let error = wrong.probe().await.unwrap_err();
    assert_eq!(asked(&error).0, "login_refused", "{error:?}");
    assert!(!format!("{error:?}").contains("wrong password"));

    let missing = build(&|settings| settings["database"] = json!("/no/such/file.fdb"));
    assert_eq!(asked(&missing.probe().await.unwrap_err()).0, "not_found");

    let away = build(&|settings| settings["port"] = json!(1));
    assert_eq!(away.probe().await.unwrap_err().remedy, Remedy::Retry);
}

#[tokio::test]
async fn a_first_look_tells_the_version_and_lists_the_tables() {
    let database = Database::with(
        "CREATE TABLE items(id INT NOT NULL PRIMARY KEY, price NUMERIC(12,2), name VARCHAR(40), changed TIMESTAMP)",
    );
    let connector = database.connector();
    let probe = connector.probe().await.unwrap();
    assert!(probe.product.starts_with("Firebird 3"), "{probe:?}");
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.level == Level::Warning)
    );
    let said = |probe: &Probe| -> Vec<String> {
        let findings = probe.findings.iter();
        findings.map(|finding| finding.what.en.clone()).collect()
    };
    let found = said(&probe);
    assert!(
        found.iter().any(|what| what.contains("text in UTF8")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|what| what == "SQL dialect 3."),
        "{found:?}"
    );
    let nameless = Database::in_charset("NONE", "CREATE TABLE t(id INT)");
    let found = said(&nameless.connector().probe().await.unwrap());
    assert!(
        found.iter().any(|what| what.contains("windows-1252")),
        "{found:?}"
    );
    let catalog = connector.catalog().await.unwrap();
    let items = &catalog.tables[0];
    assert_eq!(items.name, "ITEMS");
    let types: Vec<&str> = items
        .columns
        .iter()
        .map(|column| column.type_name.as_str())
        .collect();
    assert_eq!(
        types,
        ["INTEGER", "NUMERIC(12,2)", "VARCHAR(40)", "TIMESTAMP"]
    );
}

#[tokio::test]
async fn nothing_is_ever_written_and_no_transaction_stays_open() {
    let database = Database::with(
        "CREATE TABLE items(id INT NOT NULL PRIMARY KEY); INSERT INTO items VALUES (1);
         CREATE SEQUENCE s",
    );
    let connector = database.connector();
    let spec = table("items", &["id"], json!({"id": "id"}));
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, mirror.start(), mirror.context())
        .await
        .unwrap();
    mirror
        .step(stream.as_mut(), fluxion_connectors::BatchLimit::default())
        .await
        .unwrap();
    let open = database.run(
        "SELECT COUNT(*) FROM MON$TRANSACTIONS t JOIN MON$ATTACHMENTS a ON a.MON$ATTACHMENT_ID = t.MON$ATTACHMENT_ID
         WHERE a.MON$SYSTEM_FLAG = 0 AND a.MON$ATTACHMENT_ID <> CURRENT_CONNECTION",
    );
    assert!(open.split_whitespace().last() == Some("0"), "{open}");
}
