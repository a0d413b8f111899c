//! Every type arrives exactly, and keys of every kind can be walked.

use fluxion_model::value::Value;
use serde_json::json;

use super::{Database, table};
use crate::keys::{five_are_walked_and_found, twelve_are_walked_and_the_rest_reported};
use crate::mirror::Mirror;

/// What each expression becomes, in the order given.
async fn values(expressions: &[&str]) -> Vec<Value> {
    let columns: serde_json::Map<_, _> = expressions
        .iter()
        .enumerate()
        .map(|(i, expression)| (format!("v{i:03}"), json!(expression)))
        .chain([("id".to_owned(), json!("id"))])
        .collect();
    let database = Database::with(
        "CREATE TYPE size AS ENUM ('chico', 'año');
         CREATE EXTENSION citext;
         CREATE DOMAIN price AS numeric(12,2);
         CREATE TABLE t(id int PRIMARY KEY); INSERT INTO t VALUES (1)",
    );
    let mut mirror = Mirror::default();
    let spec = table("t", &["id"], columns.into());
    mirror
        .scan(database.connector().as_ref(), &spec)
        .await
        .unwrap();
    mirror.rows["1"].values[1..].to_vec()
}

async fn check(expected: &[(&str, Value)]) {
    let expressions: Vec<&str> = expected.iter().map(|(sql, _)| *sql).collect();
    for ((sql, wanted), found) in expected.iter().zip(values(&expressions).await) {
        assert_eq!(&found, wanted, "{sql}");
    }
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

#[tokio::test]
async fn numbers_arrive_exactly() {
    check(&[
        ("CAST(-32768 AS smallint)", Value::Int(-32768)),
        ("9223372036854775808", decimal("9223372036854775808")),
        (
            "CAST('-9223372036854775808' AS bigint)",
            Value::Int(i64::MIN),
        ),
        ("-12345678901234.100000", decimal("-12345678901234.100000")),
        ("CAST(0.00 AS numeric(12,2))", decimal("0.00")),
        ("1e-20", decimal("0.00000000000000000001")),
        ("CAST(1234567.5 AS price)", decimal("1234567.50")),
        ("CAST(10.1 AS real)", Value::Float(10.1)),
        ("CAST(0.1 AS double precision)", Value::Float(0.1)),
        ("CAST('-1234.56' AS money)", decimal("-1234.56")),
        ("id = 1", Value::Bool(true)),
        ("CAST(4000000000 AS oid)", Value::Int(4_000_000_000)),
        ("CAST(NULL AS int)", Value::Null),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_number_is_never_guessed() {
    let found = values(&[
        "CAST('NaN' AS numeric)",
        "CAST('Infinity' AS double precision)",
        "CAST('NaN' AS real)",
        "12345678901234567890123456789012345",
    ])
    .await;
    for value in found {
        assert!(matches!(value, Value::Undecodable(_)), "{value:?}");
    }
}

#[tokio::test]
async fn dates_arrive_as_what_they_are() {
    check(&[
        (
            "DATE '2026-02-28'",
            Value::Date("2026-02-28".parse().unwrap()),
        ),
        (
            "DATE '1899-12-30'",
            Value::Date("1899-12-30".parse().unwrap()),
        ),
        (
            "TIMESTAMP '2026-02-28 23:59:59.123456'",
            Value::DateTime("2026-02-28T23:59:59.123456".parse().unwrap()),
        ),
        (
            "TIMESTAMPTZ '2026-02-28 20:00:00-04'",
            Value::Timestamp("2026-03-01T00:00:00Z".parse().unwrap()),
        ),
        ("TIME '08:30:00'", Value::Time("08:30:00".parse().unwrap())),
        ("TIME '24:00:00'", Value::text("24:00:00")),
        ("TIMETZ '08:30:00-04:30'", Value::text("08:30:00-04:30")),
        (
            "INTERVAL '14 months -3 days 4:05:06.5'",
            Value::text("1 year 2 mons -3 days 04:05:06.5"),
        ),
    ])
    .await;
    let endless = values(&["DATE 'infinity'", "TIMESTAMPTZ '-infinity'"]).await;
    for (value, raw) in endless.iter().zip(["infinity", "-infinity"]) {
        let Value::Undecodable(found) = value else {
            panic!("{value:?}")
        };
        assert_eq!(&found.raw[..], raw.as_bytes());
    }
}

#[tokio::test]
async fn text_and_what_is_read_as_text() {
    check(&[
        ("'café ☕ ''x'''", Value::text("café ☕ 'x'")),
        ("CAST('ABC' AS char(6))", Value::text("ABC")),
        ("CAST('Ab' AS citext)", Value::text("Ab")),
        ("CAST('año' AS size)", Value::text("año")),
        ("CAST('{\"a\": 1}' AS json)", Value::text("{\"a\": 1}")),
        ("CAST('{\"a\":1}' AS jsonb)", Value::text("{\"a\": 1}")),
        (
            "CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS uuid)",
            Value::text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        (
            "ARRAY['a b', NULL, 'null', 'x\"y']",
            Value::text("{\"a b\",NULL,\"null\",\"x\\\"y\"}"),
        ),
        ("ARRAY[[1,2],[3,4]]", Value::text("{{1,2},{3,4}}")),
        ("ARRAY[CAST('año' AS size)]", Value::text("{año}")),
        ("CAST(ARRAY[] AS int[])", Value::text("{}")),
        ("CAST('\\x00ff' AS bytea)", Value::Bytes([0, 255].into())),
        ("INET '10.0.0.1/8'", Value::text("10.0.0.1/8")),
        ("INET '10.0.0.1'", Value::text("10.0.0.1")),
        ("B'0101'", Value::text("0101")),
    ])
    .await;
    let unknown = values(&["int4range(1, 5)"]).await;
    assert!(
        matches!(&unknown[0], Value::Undecodable(found) if found.reason.contains("CAST(")),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_latin1_database_is_read_in_unicode() {
    let server = Database::with("");
    let name = format!("{}_latin1", server.name);
    server.run(&format!(
        "CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    ));
    let mut settings = server.settings();
    settings["database"] = json!(name);
    let latin1 = Database {
        server: server.server,
        name,
        port: server.port,
    };
    latin1.run(
        "CREATE TABLE t(id int PRIMARY KEY, v text);
         INSERT INTO t VALUES (1, 'Pe' || chr(241) || chr(243) || 'n')",
    );
    let mut mirror = Mirror::default();
    let spec = table("t", &["id"], json!({"id": "id", "v": "v"}));
    mirror
        .scan(latin1.connector().as_ref(), &spec)
        .await
        .unwrap();
    assert_eq!(mirror.cell("1", "v"), "Peñón");
}

#[tokio::test]
async fn keys_of_every_type_can_be_walked_page_by_page_and_asked_for() {
    for (definition, literals) in [
        ("int", ["-5", "0", "7", "10", "200"]),
        ("numeric(20,2)", ["-1.50", "0.00", "0.10", "9.99", "10.00"]),
        (
            "money",
            ["'-1.50'", "'0.00'", "'0.10'", "'9.99'", "'10.00'"],
        ),
        ("varchar(10)", ["'1'", "'10'", "'2'", "'a b'", "'x|\\'"]),
        (
            "text COLLATE \"es-x-icu\"",
            ["'a'", "'B'", "'ñ'", "'n'", "'Z'"],
        ),
        ("char(6)", ["'001'", "'01'", "'1'", "'ñ'", "'z'"]),
        ("citext", ["'001'", "'A'", "'b'", "'C'", "'ñ'"]),
        ("size", ["'chico'", "'año'", "'a'", "'b'", "'c'"]),
        (
            "uuid",
            [
                "'00000000-0000-0000-0000-000000000001'",
                "'00000000-0000-0000-0000-0000000000ff'",
                "'7fffffff-0000-0000-0000-000000000000'",
                "'80000000-0000-0000-0000-000000000000'",
                "'ffffffff-0000-0000-0000-000000000000'",
            ],
        ),
        (
            "bytea",
            ["'\\x00'", "'\\x01ff'", "'\\x80'", "'\\xff'", "'\\xff00'"],
        ),
        (
            "date",
            [
                "'2025-01-01'",
                "'2025-12-31'",
                "'2026-01-01'",
                "'2026-01-02'",
                "'2026-02-01'",
            ],
        ),
        (
            "timestamp(3)",
            [
                "'2025-01-01'",
                "'2025-01-01 00:00:00.001'",
                "'2026-01-01'",
                "'2026-01-02'",
                "'2026-02-01'",
            ],
        ),
        (
            "timestamptz",
            [
                "'2025-01-01'",
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
            "CREATE EXTENSION citext; CREATE TYPE size AS ENUM ('chico', 'año', 'a', 'b', 'c');
             CREATE TABLE t(k {definition} PRIMARY KEY); INSERT INTO t VALUES {}",
            rows.join(",")
        ));
        let connector = database.connector();
        let spec = table("t", &["k"], json!({"k": "k"}));
        five_are_walked_and_found(connector.as_ref(), &spec, definition).await;
    }
}

#[tokio::test]
async fn rows_without_a_key_are_reported_and_the_rest_is_read() {
    let database = Database::with(
        "CREATE TABLE t(a int, b text);
         INSERT INTO t SELECT a, b FROM generate_series(1, 3) a, unnest(ARRAY['a','b','c','d']) b;
         INSERT INTO t VALUES (NULL, 'x'), (2, NULL)",
    );
    let spec = table("t", &["a", "b"], json!({"a": "a", "b": "b"}));
    let reason = "key column";
    twelve_are_walked_and_the_rest_reported(database.connector().as_ref(), &spec, reason).await;
}
