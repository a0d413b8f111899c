//! Every type arrives exactly or says that it cannot.

use fluxion_model::value::Value;
use serde_json::json;

use super::{Database, table};
use crate::keys::five_are_walked_and_found;
use crate::mirror::Mirror;

async fn value_of(database: &Database, expression: &str) -> Value {
    let mut mirror = Mirror::default();
    let spec = table("t", &["id"], json!({"id": "id", "v": expression}));
    mirror
        .scan(database.connector().as_ref(), &spec)
        .await
        .unwrap();
    mirror.rows["1"].values[1].clone()
}

async fn check(cases: &[(&str, &str, Value)]) {
    for (definition, literal, wanted) in cases {
        let database = Database::with(&format!(
            "CREATE TABLE t(id INT NOT NULL PRIMARY KEY, v {definition}); INSERT INTO t VALUES (1, {literal})"
        ));
        assert_eq!(
            &value_of(&database, "v").await,
            wanted,
            "{definition} {literal}"
        );
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

#[tokio::test]
async fn numbers_arrive_exactly_and_with_their_scale() {
    check(&[
        ("INT", "-5", Value::Int(-5)),
        ("BIGINT", "9223372036854775807", Value::Int(i64::MAX)),
        ("NUMERIC(9,2)", "12.50", decimal("12.50")),
        (
            "NUMERIC(18,6)",
            "-1234567.100000",
            decimal("-1234567.100000"),
        ),
        ("NUMERIC(4,1)", "0.1", decimal("0.1")),
        (
            "DOUBLE PRECISION",
            "0.14285714285714285",
            Value::Float(1.0 / 7.0),
        ),
        ("BOOLEAN", "TRUE", Value::Bool(true)),
        ("INT", "NULL", Value::Null),
    ])
    .await;
}

#[tokio::test]
async fn a_number_with_more_digits_than_a_float_tells_is_not_guessed() {
    let database = Database::with(
        "CREATE TABLE t(id INT NOT NULL PRIMARY KEY, v NUMERIC(18,4)); INSERT INTO t VALUES (1, 12345678901234.5678)",
    );
    let value = value_of(&database, "v").await;
    assert!(
        matches!(&value, Value::Undecodable(found) if found.reason.contains("CAST(")),
        "{value:?}"
    );
    let text = value_of(&database, "CAST(v AS VARCHAR(40))").await;
    assert_eq!(text, Value::text("12345678901234.5678"));
}

#[tokio::test]
async fn an_expression_is_exact_where_the_server_computes_exactly() {
    let database = Database::with(
        "CREATE TABLE t(id INT NOT NULL PRIMARY KEY, v NUMERIC(12,2), d DOUBLE PRECISION);
         INSERT INTO t VALUES (1, 10.05, 10.05)",
    );
    assert_eq!(value_of(&database, "v * 1.16").await, decimal("11.6580"));
    assert_eq!(
        value_of(&database, "COALESCE(v, 0)").await,
        decimal("10.05")
    );
    assert_eq!(value_of(&database, "d").await, Value::Float(10.05));
}

#[tokio::test]
async fn moments_and_text() {
    check(&[
        (
            "DATE",
            "'2026-02-28'",
            Value::DateTime("2026-02-28T00:00:00".parse().unwrap()),
        ),
        (
            "TIMESTAMP",
            "'2026-02-28 23:59:59.1234'",
            Value::DateTime("2026-02-28T23:59:59.123400".parse().unwrap()),
        ),
        ("VARCHAR(20)", "'Peñón ''x'''", Value::text("Peñón 'x'")),
        ("CHAR(6)", "'AB'", Value::text("AB")),
        ("BLOB SUB_TYPE TEXT", "'año'", Value::text("año")),
        ("VARCHAR(20)", "''", Value::text("")),
    ])
    .await;
}

#[tokio::test]
async fn text_of_a_database_without_a_character_set_is_read_by_the_settings() {
    let database = Database::in_charset(
        "NONE",
        "CREATE TABLE t(id INT NOT NULL PRIMARY KEY, v VARCHAR(20)); INSERT INTO t VALUES (1, x'5065F1613120')",
    );
    assert_eq!(value_of(&database, "v").await, Value::text("Peña1"));
    let probe = database.connector().probe().await.unwrap();
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.what.en.contains("windows-1252")),
        "{probe:?}"
    );
}

#[tokio::test]
async fn keys_of_every_type_can_be_walked_page_by_page_and_asked_for() {
    for (definition, literals) in [
        ("INT", ["-5", "0", "7", "10", "200"]),
        ("NUMERIC(10,2)", ["-1.50", "0.00", "0.10", "9.99", "10.00"]),
        ("VARCHAR(10)", ["'1'", "'10'", "'2'", "'a b'", "'ñ|x'"]),
        ("CHAR(6)", ["'001'", "'01'", "'1'", "'ñ'", "'z'"]),
        (
            "TIMESTAMP",
            [
                "'2025-01-01'",
                "'2025-01-01 00:00:00.0010'",
                "'2026-01-01'",
                "'2026-01-02'",
                "'2026-02-01'",
            ],
        ),
        (
            "DATE",
            [
                "'2025-01-01'",
                "'2025-12-31'",
                "'2026-01-01'",
                "'2026-01-02'",
                "'2026-02-01'",
            ],
        ),
    ] {
        let inserts: Vec<String> = literals
            .iter()
            .map(|literal| format!("INSERT INTO t VALUES ({literal})"))
            .collect();
        let database = Database::with(&format!(
            "CREATE TABLE t(k {definition} NOT NULL PRIMARY KEY);\nCOMMIT;\n{}",
            inserts.join(";\n")
        ));
        let connector = database.connector();
        let spec = table("t", &["k"], json!({"k": "k"}));
        five_are_walked_and_found(connector.as_ref(), &spec, definition).await;
    }
}
