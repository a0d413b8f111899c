//! A first look through each driver, and SQL Server's protocol through FreeTDS.

use fluxion_connectors::{BatchLimit, Finding, Level};
use fluxion_model::value::Value;
use fluxion_tds::Options;
use serde_json::json;

use super::{Driver, Source, connector, table};
use crate::mirror::{Mirror, Restart};

#[tokio::test]
async fn a_first_look_names_the_database_and_what_reads_it_better() {
    for (driver, product, better) in [
        (Driver::Sqlite, "SQLite", "printf"),
        (Driver::Mariadb, "MariaDB", "\"mysql\""),
        (Driver::Postgres, "PostgreSQL", "\"postgres\""),
    ] {
        let source = Source::with(
            driver,
            "CREATE TABLE items(id INT PRIMARY KEY, name VARCHAR(20))",
        );
        let connector = source.connector();
        let probe = connector.probe().await.unwrap();
        assert!(probe.product.contains(product), "{probe:?}");
        let advised = |finding: &Finding| {
            let remedy = finding.remedy.as_ref();
            finding.level == Level::Info && remedy.is_some_and(|remedy| remedy.es.contains(better))
        };
        assert!(probe.findings.iter().any(advised), "{probe:?}");

        let catalog = connector.catalog().await.unwrap();
        let items = catalog.tables.iter().find(|table| table.name == "items");
        let items = items.unwrap_or_else(|| panic!("{driver:?}: {catalog:?}"));
        let names: Vec<&str> = items
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(names, ["id", "name"], "{driver:?}");
        assert!(!items.columns[1].type_name.is_empty(), "{driver:?}");
    }
}

/// FreeTDS against the stand-in for SQL Server, which is what can be had here.
#[tokio::test]
async fn freetds_reads_pages_documents_and_every_type() {
    let server = Options::default().database("till").start().unwrap();
    server
        .execute(
            "CREATE TABLE items(id int PRIMARY KEY, name nvarchar(40), price decimal(12,2), cost money,
                                weight float, made datetime, active bit)",
        )
        .unwrap();
    for id in 1..=5 {
        server
            .execute(&format!(
                "INSERT INTO items VALUES ({id}, N'Peñón {id}', 12.50, 1.2345, 0.1, '2026-02-28 23:59:59', 1)"
            ))
            .unwrap();
    }
    let connector = connector(&json!({
        "connection_string": format!(
            "Driver={{FreeTDS}};Server=127.0.0.1;Port={};Database=till;TDS_Version=7.4;ClientCharset=UTF-8", server.port()),
        "user": "sa", "password": "Secret-1", "dialect": "sqlserver",
    }));
    let spec = table(
        "items",
        &["id"],
        json!({"id": "id", "name": "name", "price": "price", "cost": "cost", "weight": "weight",
               "made": "made", "active": "active"}),
    );
    let mut mirror = Mirror::default();
    let limit = BatchLimit {
        rows: 2,
        ..BatchLimit::default()
    };
    mirror
        .follow(connector.as_ref(), &spec, limit, Restart::AfterEveryBatch)
        .await
        .unwrap();
    assert_eq!(mirror.keys(), ["1", "2", "3", "4", "5"]);
    assert_eq!(mirror.cell("3", "name"), "Peñón 3");
    assert_eq!(mirror.cell("3", "price"), "12.50");
    assert_eq!(mirror.cell("3", "cost"), "1.2345");
    assert_eq!(mirror.cell("3", "made"), "2026-02-28T23:59:59");
    let active = mirror.shape.position("active").unwrap();
    assert_eq!(mirror.rows["3"].values[active], Value::Bool(true));
}
