//! What goes wrong is told with what to do about it.

use std::time::Duration;

use fluxion_connectors::{Remedy, SourceError};
use serde_json::json;

use super::{Driver, Source, connector, table};
use crate::mirror::Mirror;

fn asked(error: &SourceError) -> (&'static str, String) {
    match &error.remedy {
        Remedy::AskOperator { code, hint } => (code, hint.clone()),
        other => panic!("{other:?}: {error:?}"),
    }
}

#[tokio::test]
async fn a_missing_column_and_a_missing_table_are_named_by_every_driver() {
    for driver in Driver::ALL {
        let source = Source::with(driver, "CREATE TABLE items(id INT PRIMARY KEY)");
        let connector = source.connector();
        let mut mirror = Mirror::default();
        let spec = table(
            "items",
            &["id"],
            json!({"id": "id", "price": "precio_venta"}),
        );
        let error = mirror.scan(connector.as_ref(), &spec).await.unwrap_err();
        let (code, hint) = asked(&error);
        assert_eq!(code, "missing_column", "{driver:?}");
        assert!(
            hint.contains("precio_venta") && hint.contains("\"price\""),
            "{driver:?}: {hint}"
        );

        let spec = table("productos", &["id"], json!({"id": "id"}));
        let error = mirror.scan(connector.as_ref(), &spec).await.unwrap_err();
        assert_eq!(asked(&error).0, "missing_table", "{driver:?}");
        assert!(
            asked(&error).1.contains("productos"),
            "{driver:?}: {}",
            asked(&error).1
        );
    }
}

#[tokio::test]
async fn a_driver_that_is_not_there_and_a_refused_login_say_what_to_do() {
    let missing = connector(&json!({"dsn": "NO_SUCH_SOURCE"}));
    let error = missing.probe().await.unwrap_err();
    assert_eq!(asked(&error).0, "not_found");
    assert!(asked(&error).1.contains("system data source"));

    let broken = connector(&json!({"connection_string": "Driver=/no/such/driver.so;Server=x"}));
    assert_eq!(asked(&broken.probe().await.unwrap_err()).0, "not_found");

    let source = Source::with(Driver::Mariadb, "");
    let mut settings = source.settings();
    settings["password"] = json!("wrong}; password");
    let error = connector(&settings).probe().await.unwrap_err();
    assert_eq!(asked(&error).0, "login_refused");
    assert!(!format!("{error:?}").contains("wrong}"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let away = connector(&json!({
        "connection_string": "Driver={MariaDB Unicode};Server=127.0.0.1;Port=1;Database=x", "user": "x"}));
    assert_eq!(away.probe().await.unwrap_err().remedy, Remedy::Retry);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up_and_the_connector_goes_on() {
    let source = Source::with(
        Driver::Postgres,
        "CREATE TABLE items(id INT PRIMARY KEY); INSERT INTO items VALUES (1)",
    );
    let mut settings = source.settings();
    settings["query_timeout_seconds"] = json!(1);
    let connector = connector(&settings);
    let mut mirror = Mirror::default();
    let slow = table(
        "items",
        &["id"],
        json!({"id": "id", "s": "CAST(pg_sleep(6) AS varchar)"}),
    );
    let begun = std::time::Instant::now();
    let error = mirror.scan(connector.as_ref(), &slow).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Retry, "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    let quick = table("items", &["id"], json!({"id": "id"}));
    mirror.scan(connector.as_ref(), &quick).await.unwrap();
    assert_eq!(mirror.keys(), ["1"]);
}
