//! Every type arrives exactly, whatever form the driver has for it.

use fluxion_model::value::Value;
use serde_json::json;

use super::{Driver, Source, connector, table};
use crate::keys::five_are_walked_and_found;
use crate::mirror::Mirror;

async fn value(driver: Driver, definition: &str, literal: &str, rows_at_once: u32) -> Value {
    let source = Source::with(
        driver,
        &format!(
            "CREATE TABLE t(id INT PRIMARY KEY, v {definition}); INSERT INTO t VALUES (1, {literal})"
        ),
    );
    let mut settings = source.settings();
    settings["rows_at_once"] = json!(rows_at_once);
    let mut mirror = Mirror::default();
    let spec = table("t", &["id"], json!({"id": "id", "v": "v"}));
    mirror
        .scan(connector(&settings).as_ref(), &spec)
        .await
        .unwrap();
    mirror.rows["1"].values[1].clone()
}

async fn check(driver: Driver, cases: &[(&str, &str, Value)]) {
    for (definition, literal, wanted) in cases {
        for rows_at_once in [500, 1] {
            assert_eq!(
                &value(driver, definition, literal, rows_at_once).await,
                wanted,
                "{driver:?} {definition} {literal}, {rows_at_once} rows at once"
            );
        }
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn moment(text: &str) -> Value {
    Value::DateTime(text.parse().unwrap())
}

fn common() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("INT", "-5", Value::Int(-5)),
        (
            "DATE",
            "'2026-02-28'",
            Value::Date("2026-02-28".parse().unwrap()),
        ),
        (
            "VARCHAR(40)",
            "'Peñón ☕ ''x'''",
            Value::text("Peñón ☕ 'x'"),
        ),
        ("VARCHAR(5)", "'12345'", Value::text("12345")),
        ("VARCHAR(5)", "''", Value::text("")),
        ("VARCHAR(5)", "NULL", Value::Null),
        ("INT", "NULL", Value::Null),
    ]
}

#[tokio::test]
async fn sqlite_keeps_every_digit_and_what_is_of_no_type() {
    check(Driver::Sqlite, &common()).await;
    check(
        Driver::Sqlite,
        &[
            (
                "TIMESTAMP",
                "'2026-02-28 23:59:59'",
                moment("2026-02-28T23:59:59"),
            ),
            ("TIMESTAMP", "'ayer'", Value::text("ayer")),
            ("INT", "'n/a'", Value::text("n/a")),
        ],
    )
    .await;
}

#[tokio::test]
async fn mariadb_keeps_every_digit() {
    check(Driver::Mariadb, &common()).await;
    check(
        Driver::Mariadb,
        &[
            ("DOUBLE", "0.14285714285714285", Value::Float(1.0 / 7.0)),
            (
                "DECIMAL(20,6)",
                "-12345678901234.100000",
                decimal("-12345678901234.100000"),
            ),
            (
                "BIGINT UNSIGNED",
                "18446744073709551615",
                decimal("18446744073709551615"),
            ),
            (
                "DATETIME(6)",
                "'2026-02-28 23:59:59.123456'",
                moment("2026-02-28T23:59:59.123456"),
            ),
            (
                "TIME",
                "'08:30:00'",
                Value::Time("08:30:00".parse().unwrap()),
            ),
            ("CHAR(6)", "'AB'", Value::text("AB")),
            ("FLOAT", "10.1", Value::Float(10.1)),
            ("BLOB", "x'00ff'", Value::Bytes([0, 255].into())),
            ("TEXT", "'año'", Value::text("año")),
        ],
    )
    .await;
}

#[tokio::test]
async fn postgresql_keeps_every_digit() {
    check(Driver::Postgres, &common()).await;
    check(
        Driver::Postgres,
        &[
            (
                "DOUBLE PRECISION",
                "0.14285714285714285",
                Value::Float(1.0 / 7.0),
            ),
            (
                "NUMERIC(20,6)",
                "-12345678901234.100000",
                decimal("-12345678901234.100000"),
            ),
            (
                "NUMERIC",
                "0.00000000000000000001",
                decimal("0.00000000000000000001"),
            ),
            (
                "TIMESTAMP",
                "'2026-02-28 23:59:59.123456'",
                moment("2026-02-28T23:59:59.123456"),
            ),
            ("CHAR(6)", "'AB'", Value::text("AB")),
            ("REAL", "10.1", Value::Float(10.1)),
            ("BYTEA", "'\\x00ff'", Value::Bytes([0, 255].into())),
            ("TEXT", "'año'", Value::text("año")),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_cell_longer_than_the_driver_says_comes_whole() {
    for driver in Driver::ALL {
        let text = if driver == Driver::Mariadb {
            "LONGTEXT"
        } else {
            "TEXT"
        };
        let source = Source::with(
            driver,
            &format!("CREATE TABLE t(id INT PRIMARY KEY, v {text}, w VARCHAR(10));"),
        );
        let long = |letter: &str, times| letter.repeat(times);
        for (id, letter, times) in [
            (1, "a", 10),
            (2, "ñ", 2_000),
            (3, "☕", 30_001),
            (4, "z", 100_000),
            (5, "😀", 1_000),
        ] {
            source.run(&format!(
                "INSERT INTO t VALUES ({id}, '{}', 'w{id}')",
                long(letter, times)
            ));
        }
        let mut mirror = Mirror::default();
        let spec = table("t", &["id"], json!({"id": "id", "v": "v", "w": "w"}));
        mirror
            .scan(source.connector().as_ref(), &spec)
            .await
            .unwrap();
        assert_eq!(mirror.rows.len(), 5, "{driver:?}");
        assert_eq!(mirror.delivered, 5, "{driver:?}: nothing twice");
        for (id, letter, times) in [
            ("1", "a", 10),
            ("2", "ñ", 2_000),
            ("3", "☕", 30_001),
            ("4", "z", 100_000),
            ("5", "😀", 1_000),
        ] {
            assert!(
                mirror.cell(id, "v") == long(letter, times),
                "{driver:?}: cell {id}"
            );
            assert_eq!(mirror.cell(id, "w"), format!("w{id}"), "{driver:?}");
        }
    }
}

#[tokio::test]
async fn keys_of_every_type_can_be_walked_page_by_page_and_asked_for() {
    for driver in Driver::ALL {
        let mut kinds = vec![
            ("INT", vec!["-5", "0", "7", "10", "200"]),
            ("VARCHAR(10)", vec!["'1'", "'10'", "'2'", "'a b'", "'ñ|x'"]),
            (
                "DATE",
                vec![
                    "'2025-01-01'",
                    "'2025-12-31'",
                    "'2026-01-01'",
                    "'2026-01-02'",
                    "'2026-02-01'",
                ],
            ),
        ];
        if driver != Driver::Sqlite {
            kinds.push((
                "NUMERIC(10,2)",
                vec!["-1.50", "0.00", "0.10", "9.99", "10.00"],
            ));
            kinds.push(("CHAR(6)", vec!["'001'", "'01'", "'1'", "'ñ'", "'z'"]));
            kinds.push((
                "TIMESTAMP(3)",
                vec![
                    "'2025-01-01 00:00:00'",
                    "'2025-01-01 00:00:00.001'",
                    "'2026-01-01 00:00:00'",
                    "'2026-01-02 00:00:00'",
                    "'2026-02-01 00:00:00'",
                ],
            ));
        }
        for (definition, literals) in kinds {
            let rows: Vec<String> = literals
                .iter()
                .map(|literal| format!("({literal})"))
                .collect();
            let source = Source::with(
                driver,
                &format!(
                    "CREATE TABLE t(k {definition} PRIMARY KEY); INSERT INTO t VALUES {}",
                    rows.join(",")
                ),
            );
            let connector = source.connector();
            let spec = table("t", &["k"], json!({"k": "k"}));
            five_are_walked_and_found(
                connector.as_ref(),
                &spec,
                &format!("{driver:?} {definition}"),
            )
            .await;
        }
    }
}

#[tokio::test]
async fn a_code_page_is_decoded_and_what_means_nothing_in_it_is_told() {
    let source = Source::with(
        Driver::Sqlite,
        "CREATE TABLE t(id INT PRIMARY KEY, v VARCHAR(20));
         INSERT INTO t VALUES (1, CAST(x'50a46f' AS TEXT)), (2, 'plain')",
    );
    let mut settings = source.settings();
    settings["encoding"] = json!("cp850");
    let spec = table("t", &["id"], json!({"id": "id", "v": "v"}));
    let mut mirror = Mirror::default();
    mirror
        .scan(connector(&settings).as_ref(), &spec)
        .await
        .unwrap();
    assert_eq!(
        (mirror.cell("1", "v"), mirror.cell("2", "v")),
        ("Pño".into(), "plain".into())
    );
    settings["encoding"] = json!("utf-8");
    mirror
        .scan(connector(&settings).as_ref(), &spec)
        .await
        .unwrap();
    assert!(matches!(mirror.rows["1"].values[1], Value::Undecodable(_)));
}
