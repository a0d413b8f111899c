//! What a first look tells, and the catalog.

use fluxion_connectors::{Finding, Level};
use serde_json::json;

use super::Database;

async fn findings(database: &Database) -> Vec<Finding> {
    database.connector().probe().await.unwrap().findings
}

fn about<'a>(findings: &'a [Finding], words: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.what.en.contains(words))
        .unwrap_or_else(|| panic!("nothing about {words:?}: {findings:#?}"))
}

#[tokio::test]
async fn version_and_edition_are_told() {
    let database = Database::with("CREATE TABLE dbo.t (id int)");
    let probe = database.connector().probe().await.unwrap();
    assert!(
        probe.product.starts_with("Microsoft SQL Server 20"),
        "{}",
        probe.product
    );
    about(&probe.findings, "collation");
}

#[tokio::test]
async fn an_account_that_may_change_data_is_pointed_out_and_a_reader_is_not() {
    let database = Database::with("CREATE TABLE dbo.t (id int)");
    let found = findings(&database).await;
    assert_eq!(about(&found, "may change data").level, Level::Warning);

    database.run("CREATE LOGIN reader WITH PASSWORD = N'x'");
    database.run("CREATE USER reader FOR LOGIN reader");
    database.run("GRANT SELECT TO reader");
    let reader = database.connector_with(json!({"user": "reader", "password": "x"}));
    let found = reader.probe().await.unwrap().findings;
    assert!(
        !found
            .iter()
            .any(|finding| finding.what.en.contains("may change data")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn change_tracking_and_snapshots_are_told_on_or_off() {
    let database = Database::with("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY)");
    let found = findings(&database).await;
    about(&found, "Change Tracking is off");
    about(&found, "allows no snapshots");
    database.track(&["dbo.t"]);
    database.allow_snapshots();
    let found = findings(&database).await;
    let tracking = about(&found, "Change Tracking is on for 1 tables");
    assert!(tracking.what.en.contains("48 hours"), "{tracking:?}");
    about(&found, "Reads use snapshots");
}

#[tokio::test]
async fn an_empty_database_is_a_problem() {
    let database = Database::with("");
    let found = findings(&database).await;
    assert_eq!(about(&found, "sees no table").level, Level::Problem);
}

#[tokio::test]
async fn the_catalog_writes_types_as_in_a_create_table() {
    let database = Database::with(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, code nvarchar(15) NULL, name varchar(max) NULL,
         price decimal(18, 5) NULL, cost money NULL, at datetime2(3) NULL, version rowversion NOT NULL)",
    );
    let catalog = database.connector().catalog().await.unwrap();
    let table = catalog
        .tables
        .iter()
        .find(|table| table.name == "t")
        .unwrap();
    let types: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.type_name.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "int",
            "nvarchar(15)",
            "varchar(max)",
            "decimal(18,5)",
            "money",
            "datetime2(3)",
            "rowversion"
        ]
    );
}
