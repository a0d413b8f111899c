//! Every type arrives exactly, and keys of every kind can be walked.

use fluxion_model::value::Value;
use serde_json::json;

use super::{Database, quoted, table};
use crate::keys::{all_are_walked, five_are_walked_and_found, the_one_that_is_gone_is_a_delete};
use crate::mirror::Mirror;

/// What arrives of each literal, with a NULL in between that must stay one.
async fn values(cases: &[(&str, &str)]) -> Vec<Value> {
    let mut sql = String::new();
    let columns: Vec<String> = (0..cases.len()).map(|at| format!("c{at:02}")).collect();
    let definitions = cases.iter().zip(&columns);
    let definitions: Vec<String> = definitions
        .map(|((definition, _), name)| format!("{name} {definition} NULL"))
        .collect();
    let literals: Vec<&str> = cases.iter().map(|(_, literal)| *literal).collect();
    sql += &format!(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, {});
         INSERT INTO dbo.t (id, {}) VALUES (1, {});
         INSERT INTO dbo.t (id) VALUES (2)",
        definitions.join(", "),
        columns.join(", "),
        literals.join(", ")
    );
    let database = Database::with(&sql);
    let mut names = json!({"id": "id"});
    for name in &columns {
        names[name] = json!(name);
    }
    let spec = table("dbo.t", &["id"], names);
    let mut mirror = Mirror::default();
    mirror
        .scan(database.connector().as_ref(), &spec)
        .await
        .unwrap();
    let nulls = &mirror.rows["2"].values[..cases.len()];
    assert!(nulls.iter().all(Value::is_null), "{nulls:?}");
    mirror.rows["1"].values[..cases.len()].to_vec()
}

async fn shown(cases: &[(&str, &str, &str)]) {
    let pairs: Vec<(&str, &str)> = cases.iter().map(|(a, b, _)| (*a, *b)).collect();
    let found = values(&pairs).await;
    for ((definition, literal, expected), value) in cases.iter().zip(&found) {
        assert_eq!(
            value.to_string(),
            *expected,
            "{definition} {literal}: {value:?}"
        );
    }
}

#[tokio::test]
async fn numbers_arrive_exactly() {
    shown(&[
        ("tinyint", "255", "255"),
        ("smallint", "-32768", "-32768"),
        ("int", "-2147483648", "-2147483648"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("bit", "1", "true"),
        (
            "decimal(20,6)",
            "-12345678901234.100000",
            "-12345678901234.100000",
        ),
        ("numeric(18,0)", "1", "1"),
        ("float", "0.1", "0.1"),
        ("real", "10.1", "10.1"),
        ("money", "900719925474.0993", "900719925474.0993"),
        ("money", "-922337203685477.5808", "-922337203685477.5808"),
        ("smallmoney", "214748.3647", "214748.3647"),
    ])
    .await;
}

#[tokio::test]
async fn a_decimal_beyond_28_digits_keeps_them_all() {
    let number = "12345678901234567890123456789012.345678";
    let found = values(&[
        ("decimal(38,6)", number),
        ("decimal(38,10)", "1.5000000000"),
    ])
    .await;
    assert_eq!(found[0], Value::text(number));
    assert!(matches!(found[1], Value::Decimal(_)), "{found:?}");
}

#[tokio::test]
async fn moments_arrive_as_what_they_are() {
    shown(&[
        ("date", "'2026-02-28'", "2026-02-28"),
        (
            "datetime",
            "'2026-02-28T23:59:59.997'",
            "2026-02-28T23:59:59.997",
        ),
        ("datetime", "'1753-01-01T00:00:00'", "1753-01-01T00:00:00"),
        (
            "datetime",
            "'1899-12-30T00:00:00.003'",
            "1899-12-30T00:00:00.003",
        ),
        (
            "smalldatetime",
            "'2026-02-28T23:59:00'",
            "2026-02-28T23:59:00",
        ),
        (
            "datetime2(7)",
            "'2026-02-28T23:59:59.1234567'",
            "2026-02-28T23:59:59.123456700",
        ),
        (
            "datetime2(0)",
            "'0001-01-01T00:00:00'",
            "0001-01-01T00:00:00",
        ),
        ("time(7)", "'08:30:00.1234567'", "08:30:00.123456700"),
        (
            "datetimeoffset(3)",
            "'2026-02-28T20:00:00.500-04:00'",
            "2026-03-01T00:00:00.500Z",
        ),
    ])
    .await;
}

#[tokio::test]
async fn text_arrives_in_unicode_from_every_code_page() {
    shown(&[
        (
            "varchar(20) COLLATE Modern_Spanish_CI_AS",
            "N'Peñón €'",
            "Peñón €",
        ),
        (
            "varchar(20) COLLATE SQL_Latin1_General_CP850_CI_AS",
            "N'Ñandú'",
            "Ñandú",
        ),
        (
            "char(6) COLLATE SQL_Latin1_General_CP437_CI_AS",
            "N'piña'",
            "piña  ",
        ),
        (
            "varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8",
            "N'café ☕'",
            "café ☕",
        ),
        ("nvarchar(20)", "N'café ☕ 😀'", "café ☕ 😀"),
        ("nchar(5)", "N'ñ'", "ñ    "),
        ("varchar(max)", "N'largo'", "largo"),
        ("nvarchar(max)", "N'más largo'", "más largo"),
        ("text", "N'viejo é'", "viejo é"),
        ("ntext", "N'viejo ☕'", "viejo ☕"),
        ("xml", "N'<a>ñ</a>'", "<a>ñ</a>"),
    ])
    .await;
}

#[tokio::test]
async fn bytes_and_ids_arrive_as_they_are() {
    shown(&[
        ("binary(4)", "0x00ff", "0x00ff0000"),
        ("varbinary(8)", "0x00ff", "0x00ff"),
        ("varbinary(max)", "0x0102", "0x0102"),
        ("image", "0x0304", "0x0304"),
        (
            "uniqueidentifier",
            "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
            "6F9619FF-8B86-D011-B42D-00C04FC964FF",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_long_text_crosses_many_packets() {
    let long = "ñandú ".repeat(20_000);
    let found = values(&[("nvarchar(max)", &quoted(&long)), ("varchar(8000)", "N'x'")]).await;
    assert_eq!(found[0], Value::text(long));
}

#[tokio::test]
async fn text_keys_that_a_collation_calls_equal_are_all_read() {
    let codes = [
        "a", "A", "á", "Á", "b", "B", "c", "C", "z", "Z", "ñ", "n", "N", "Ñ",
    ];
    for kind in [
        "varchar(10) COLLATE Modern_Spanish_CI_AS",
        "varchar(10) COLLATE Modern_Spanish_CI_AI",
        "varchar(10) COLLATE SQL_Latin1_General_CP850_CI_AS",
        "nvarchar(10) COLLATE Latin1_General_CI_AS",
        "nvarchar(10) COLLATE Latin1_General_BIN2",
    ] {
        let rows: Vec<String> = codes
            .iter()
            .map(|code| format!("({})", quoted(code)))
            .collect();
        let sql = format!(
            "CREATE TABLE dbo.t (code {kind} NOT NULL); INSERT INTO dbo.t (code) VALUES {}",
            rows.join(", ")
        );
        let database = Database::with(&sql);
        let spec = table("dbo.t", &["code"], json!({"code": "code"}));
        all_are_walked(database.connector().as_ref(), &spec, &codes, kind).await;
    }
}

#[tokio::test]
async fn keys_of_every_type_can_be_walked_page_by_page_and_asked_for() {
    for (definition, literals) in [
        ("int", ["-5", "0", "7", "10", "200"]),
        (
            "bigint",
            ["-9223372036854775808", "0", "1", "2", "9223372036854775807"],
        ),
        ("decimal(10,2)", ["-1.50", "0.00", "0.10", "9.99", "10.00"]),
        ("money", ["-1.5", "0", "0.0001", "9.99", "10"]),
        ("float", ["-1.5", "0", "0.1", "9.99", "1e300"]),
        ("real", ["-1.5", "0", "0.1", "9.99", "10.1"]),
        (
            "nvarchar(10)",
            ["N'1'", "N'10'", "N'2'", "N'a b'", "N'x|\\'"],
        ),
        (
            "char(6) COLLATE SQL_Latin1_General_CP850_CI_AS",
            ["N'001'", "N'01'", "N'1'", "N'ñ'", "N'z'"],
        ),
        ("varbinary(4)", ["0x00", "0x01ff", "0x80", "0xff", "0xff01"]),
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
            "datetime",
            [
                "'2025-01-01T00:00:00'",
                "'2025-01-01T00:00:00.003'",
                "'2025-01-01T00:00:00.007'",
                "'2026-01-02T00:00:00'",
                "'2026-02-01T00:00:00'",
            ],
        ),
        (
            "datetime2(7)",
            [
                "'2025-01-01T00:00:00'",
                "'2025-01-01T00:00:00.0000001'",
                "'2026-01-01T00:00:00'",
                "'2026-01-02T00:00:00'",
                "'2026-02-01T00:00:00'",
            ],
        ),
        (
            "uniqueidentifier",
            [
                "'00000000-0000-0000-0000-000000000001'",
                "'10000000-0000-0000-0000-000000000000'",
                "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
                "'6f9619ff-8b86-d011-b42d-00c04fc964fe'",
                "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            ],
        ),
    ] {
        let rows: Vec<String> = literals
            .iter()
            .map(|literal| format!("({literal})"))
            .collect();
        let sql = format!(
            "CREATE TABLE dbo.t (k {definition} NOT NULL PRIMARY KEY); INSERT INTO dbo.t (k) VALUES {}",
            rows.join(", ")
        );
        let database = Database::with(&sql);
        let connector = database.connector();
        let spec = table("dbo.t", &["k"], json!({"k": "k"}));
        five_are_walked_and_found(connector.as_ref(), &spec, definition).await;
    }
}

#[tokio::test]
async fn a_key_that_is_gone_comes_back_as_a_delete() {
    let database = Database::with(
        "CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY); INSERT INTO dbo.t (id) VALUES (1), (3)",
    );
    let spec = table("dbo.t", &["id"], json!({"id": "id"}));
    the_one_that_is_gone_is_a_delete(database.connector().as_ref(), &spec).await;
}
