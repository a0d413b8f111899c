//! A first look through each driver, and SQL Server's protocol through FreeTDS.

use fluxion_connectors::Level;

use super::{Driver, Source};

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
        let advice = probe
            .findings
            .iter()
            .find(|finding| finding.level == Level::Info);
        let advice = advice.and_then(|finding| finding.remedy.as_ref());
        assert!(
            advice.is_some_and(|advice| advice.es.contains(better)),
            "{probe:?}"
        );

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
