//! Every type arrives exactly, and keys of every kind can be walked.

use fluxion_model::value::Value;
use serde_json::json;

use super::{Database, table};
use crate::keys::{
    all_are_walked, five_are_walked_and_found, the_one_that_is_gone_is_a_delete,
    twelve_are_walked_and_the_rest_reported,
};
use crate::mirror::Mirror;

async fn value(definition: &str, literal: &str) -> Value {
    let sql = format!(
        "SET sql_mode=''; CREATE TABLE t(id INT PRIMARY KEY, v {definition}); INSERT INTO t VALUES (1, {literal})"
    );
    let database = Database::with(&sql);
    let mut mirror = Mirror::default();
    let spec = table("t", &["id"], json!({"id": "id", "v": "v"}));
    mirror
        .scan(database.connector().as_ref(), &spec)
        .await
        .unwrap();
    mirror.rows["1"].values[1].clone()
}

#[tokio::test]
async fn numbers_arrive_exactly() {
    assert_eq!(
        value("BIGINT UNSIGNED", "18446744073709551615")
            .await
            .to_string(),
        "18446744073709551615"
    );
    assert_eq!(
        value("BIGINT", "-9223372036854775808").await,
        Value::Int(i64::MIN)
    );
    assert_eq!(value("TINYINT(1)", "1").await, Value::Int(1));
    let money = value("DECIMAL(20,6)", "-12345678901234.100000").await;
    assert!(matches!(money, Value::Decimal(_)));
    assert_eq!(money.to_string(), "-12345678901234.100000");
    assert_eq!(value("FLOAT", "10.1").await, Value::Float(10.1));
    assert_eq!(value("DOUBLE", "0.1").await, Value::Float(0.1));
    assert_eq!(value("YEAR", "2026").await, Value::Int(2026));
    assert_eq!(value("BIT(3)", "b'101'").await, Value::Int(5));
    assert_eq!(value("INT", "NULL").await, Value::Null);
}

#[tokio::test]
async fn dates_arrive_as_what_they_are() {
    assert_eq!(
        value("DATE", "'2026-02-28'").await.to_string(),
        "2026-02-28"
    );
    assert_eq!(
        value("DATETIME(6)", "'2026-02-28 23:59:59.123456'")
            .await
            .to_string(),
        "2026-02-28T23:59:59.123456"
    );
    assert_eq!(value("TIME", "'08:30:00'").await.to_string(), "08:30:00");
    assert_eq!(value("TIME", "'-30:00:00'").await, Value::text("-30:00:00"));
    let zero = value("DATE", "'0000-00-00'").await;
    assert!(
        matches!(&zero, Value::Undecodable(found) if found.reason.contains("zero date")),
        "{zero:?}"
    );
}

#[tokio::test]
async fn a_timestamp_is_a_moment_whatever_the_time_zone_of_the_server() {
    let database = Database::with(
        "CREATE TABLE t(id INT PRIMARY KEY, v TIMESTAMP NULL);
         SET time_zone = '-04:00'; INSERT INTO t VALUES (1, '2026-02-28 20:00:00')",
    );
    let mut mirror = Mirror::default();
    let spec = table("t", &["id"], json!({"id": "id", "v": "v"}));
    mirror
        .scan(database.connector().as_ref(), &spec)
        .await
        .unwrap();
    assert_eq!(
        mirror.rows["1"].values[1],
        Value::Timestamp("2026-03-01T00:00:00Z".parse().unwrap())
    );
}

#[tokio::test]
async fn text_arrives_in_unicode_from_every_code_page() {
    assert_eq!(
        value("VARCHAR(20) CHARACTER SET latin1", "'Peñón €'").await,
        Value::text("Peñón €")
    );
    assert_eq!(
        value("VARCHAR(20) CHARACTER SET cp850", "'Ñandú'").await,
        Value::text("Ñandú")
    );
    assert_eq!(
        value("TEXT CHARACTER SET utf8mb4", "'café ☕ 😀'").await,
        Value::text("café ☕ 😀")
    );
    assert_eq!(
        value("ENUM('sí','no') CHARACTER SET latin1", "'sí'").await,
        Value::text("sí")
    );
    assert_eq!(value("SET('a','b')", "'a,b'").await, Value::text("a,b"));
    assert_eq!(
        value("JSON", "'{\"a\": 1}'").await,
        Value::text("{\"a\": 1}")
    );
    assert_eq!(
        value("BLOB", "x'00ff'").await,
        Value::Bytes([0, 255].into())
    );
}

#[tokio::test]
async fn text_keys_that_a_collation_calls_equal_are_all_read() {
    let codes = [
        "a", "A", "á", "Á", "b", "B", "c", "C", "ç", "z", "Z ", "ñ", "n", "N", "Ñ",
    ];
    for collation in [
        "utf8mb4_general_ci",
        "utf8mb4_unicode_ci",
        "latin1_swedish_ci",
        "latin1_spanish_ci",
        "utf8mb4_bin",
        "cp850_general_ci",
    ] {
        let charset = collation.split('_').next().unwrap();
        let values: Vec<String> = codes.iter().map(|code| format!("('{code}')")).collect();
        let database = Database::with(&format!(
            "CREATE TABLE t(code VARCHAR(10) CHARACTER SET {charset} COLLATE {collation}, KEY(code)); INSERT INTO t VALUES {}",
            values.join(",")
        ));
        let spec = table("t", &["code"], json!({"code": "code"}));
        all_are_walked(database.connector().as_ref(), &spec, &codes, collation).await;
    }
}

#[tokio::test]
async fn keys_of_every_type_can_be_walked_page_by_page_and_asked_for() {
    for (definition, literals) in [
        ("INT", ["-5", "0", "7", "10", "200"]),
        (
            "BIGINT UNSIGNED",
            [
                "0",
                "1",
                "9223372036854775807",
                "9223372036854775808",
                "18446744073709551615",
            ],
        ),
        ("DECIMAL(10,2)", ["-1.50", "0.00", "0.10", "9.99", "10.00"]),
        ("VARCHAR(10)", ["'1'", "'10'", "'2'", "'a b'", "'x|\\\\'"]),
        (
            "CHAR(6) CHARACTER SET latin1",
            ["'001'", "'01'", "'1'", "'ñ'", "'z'"],
        ),
        (
            "VARBINARY(4)",
            ["x'00'", "x'01ff'", "x'80'", "x'ff'", "x'ff00'"],
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
        (
            "DATETIME(3)",
            [
                "'2025-01-01 00:00:00'",
                "'2025-01-01 00:00:00.001'",
                "'2026-01-01'",
                "'2026-01-02'",
                "'2026-02-01'",
            ],
        ),
    ] {
        let rows: Vec<String> = literals
            .iter()
            .map(|literal| format!("({literal})"))
            .collect();
        let database = Database::with(&format!(
            "CREATE TABLE t(k {definition} PRIMARY KEY); INSERT INTO t VALUES {}",
            rows.join(",")
        ));
        let connector = database.connector();
        let spec = table("t", &["k"], json!({"k": "k"}));
        five_are_walked_and_found(connector.as_ref(), &spec, definition).await;
    }
}

#[tokio::test]
async fn composite_keys_are_walked_in_order_and_rows_without_a_key_are_reported() {
    let mut sql = "CREATE TABLE t(a INT NULL, b VARCHAR(5) NULL, KEY(a, b)); INSERT INTO t VALUES (NULL, 'x'), (2, NULL)".to_owned();
    for a in 1..=3 {
        for b in ["a", "b", "c", "d"] {
            sql += &format!(", ({a}, '{b}')");
        }
    }
    let database = Database::with(&sql);
    let spec = table("t", &["a", "b"], json!({"a": "a", "b": "b"}));
    let reason = "key column a";
    twelve_are_walked_and_the_rest_reported(database.connector().as_ref(), &spec, reason).await;
}

#[tokio::test]
async fn a_key_that_is_gone_comes_back_as_a_delete() {
    let database =
        Database::with("CREATE TABLE t(id INT PRIMARY KEY); INSERT INTO t VALUES (1), (3)");
    let spec = table("t", &["id"], json!({"id": "id"}));
    the_one_that_is_gone_is_a_delete(database.connector().as_ref(), &spec).await;
}
