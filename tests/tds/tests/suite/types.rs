//! Every type goes over the wire and back, with NULLs.

use fluxion_tds::Options;
use tiberius::ColumnData;

use super::client::{client, rows};

/// A type, a literal for it, and how tiberius shows it.
const CASES: &[(&str, &str, &str)] = &[
    ("bit", "1", "Bit(Some(true))"),
    ("tinyint", "255", "U8(Some(255))"),
    ("smallint", "-32768", "I16(Some(-32768))"),
    ("int", "-2147483648", "I32(Some(-2147483648))"),
    (
        "bigint",
        "9223372036854775807",
        "I64(Some(9223372036854775807))",
    ),
    ("real", "1.5", "F32(Some(1.5))"),
    ("float", "3.141592653589793", "F64(Some(3.141592653589793))"),
    ("money", "12.3456", "F64(Some(12.3456))"),
    ("smallmoney", "-0.01", "F64(Some(-0.01))"),
    ("decimal(9,2)", "-1234567.89", "Numeric(Some(-1234567.89))"),
    (
        "numeric(38,10)",
        "1234567890123456789012345678.0123456789",
        "Numeric(Some(1234567890123456789012345678.0123456789))",
    ),
    ("char(3)", "'a'", "String(Some(\"a  \"))"),
    ("varchar(10)", "'ñ€'", "String(Some(\"ñ€\"))"),
    ("varchar(max)", "REPLICATE('x', 3)", "String(Some(\"xxx\"))"),
    ("nchar(3)", "N'日'", "String(Some(\"日  \"))"),
    ("nvarchar(10)", "N'日😀'", "String(Some(\"日😀\"))"),
    ("nvarchar(max)", "N'é'", "String(Some(\"é\"))"),
    ("text", "'ñ'", "String(Some(\"ñ\"))"),
    ("ntext", "N'日'", "String(Some(\"日\"))"),
    ("binary(4)", "0x0102", "Binary(Some([1, 2, 0, 0]))"),
    ("varbinary(4)", "0x00FF", "Binary(Some([0, 255]))"),
    ("varbinary(max)", "0xCAFE", "Binary(Some([202, 254]))"),
    ("image", "0xCAFE", "Binary(Some([202, 254]))"),
    (
        "uniqueidentifier",
        "'6F9619FF-8B86-D011-B42D-00C04FC964FF'",
        "Guid(Some(6f9619ff-8b86-d011-b42d-00c04fc964ff))",
    ),
    ("date", "'2024-02-29'", "Date(Some(Date(738944)))"),
    (
        "time(3)",
        "'23:59:59.123'",
        "Time(Some(Time { increments: 86399123, scale: 3 }))",
    ),
    (
        "datetime",
        "'2024-02-29T12:00:00.003'",
        "DateTime(Some(DateTime { days: 45349, seconds_fragments: 12960001 }))",
    ),
    (
        "smalldatetime",
        "'2024-02-29 12:00:30'",
        "SmallDateTime(Some(SmallDateTime { days: 45349, seconds_fragments: 721 }))",
    ),
    (
        "datetime2(7)",
        "'9999-12-31 23:59:59.9999999'",
        "DateTime2(Some(DateTime2 { date: Date(3652058), time: Time { increments: 863999999999, scale: 7 } }))",
    ),
    (
        "datetimeoffset(0)",
        "'2024-02-29 12:00:00 -04:00'",
        "DateTimeOffset(Some(DateTimeOffset { datetime2: DateTime2 { date: Date(738944), time: Time { increments: \
         57600, scale: 0 } }, offset: -240 }))",
    ),
    (
        "xml",
        "'<a/>'",
        "Xml(Some(XmlData { data: \"<a/>\", schema: None }))",
    ),
];

#[tokio::test]
async fn each_type_arrives_as_it_was_stored_and_null_as_null() {
    let server = Options::default().start().unwrap();
    let mut client = client(&server).await;
    for (kind, literal, expected) in CASES {
        let table = format!(
            "CREATE TABLE t (a {kind} NULL, b {kind} NOT NULL); INSERT t VALUES ({literal}, {literal}); INSERT t \
             VALUES (NULL, {literal}); SELECT a, b FROM t; DROP TABLE t"
        );
        let found = rows(&mut client, &table).await.unwrap();
        let cells: Vec<Vec<ColumnData<'static>>> = found
            .into_iter()
            .map(|row| row.into_iter().collect())
            .collect();
        for value in [&cells[0][0], &cells[0][1], &cells[1][1]] {
            assert_eq!(format!("{value:?}"), *expected, "{kind}");
        }
        assert!(
            format!("{:?}", cells[1][0]).contains("(None)"),
            "{kind}: {:?}",
            cells[1][0]
        );
    }
}

#[tokio::test]
async fn parameters_of_all_types_come_back_as_they_went() {
    let server = Options::default().start().unwrap();
    let mut client = client(&server).await;
    let long = "ñ".repeat(100_000);
    let bytes = vec![7u8; 20_000];
    let found = client
        .query(
            "SELECT @P1, @P2, @P3, @P4, @P5, @P6, LEN(@P7), DATALENGTH(@P8), @P9",
            &[
                &1i32,
                &i64::MIN,
                &"日本",
                &true,
                &1.5f64,
                &Option::<i32>::None,
                &long.as_str(),
                &bytes,
                &tiberius::numeric::Numeric::new_with_scale(-12345, 4),
            ],
        )
        .await
        .unwrap()
        .into_row()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.get::<i32, _>(0), Some(1));
    assert_eq!(found.get::<i64, _>(1), Some(i64::MIN));
    assert_eq!(found.get::<&str, _>(2), Some("日本"));
    assert_eq!(found.get::<bool, _>(3), Some(true));
    assert_eq!(found.get::<f64, _>(4), Some(1.5));
    assert_eq!(found.get::<i32, _>(5), None);
    assert_eq!(found.get::<i64, _>(6), Some(100_000));
    let kept = found.try_get::<i64, _>(7).unwrap();
    assert_eq!(kept, Some(20_000));
    let number = found.get::<tiberius::numeric::Numeric, _>(8).unwrap();
    assert_eq!((number.value(), number.scale()), (-12345, 4));
}

#[tokio::test]
async fn a_rowversion_rises_with_every_change_of_any_table() {
    let server = Options::default().start().unwrap();
    let mut client = client(&server).await;
    let sql = "CREATE TABLE a (id int PRIMARY KEY, rv rowversion); CREATE TABLE b (id int PRIMARY KEY, rv rowversion);
        INSERT a (id) VALUES (1); INSERT b (id) VALUES (1); UPDATE a SET id = 1; SELECT a.rv, b.rv FROM a, b";
    let found = rows(&mut client, sql).await.unwrap();
    let version =
        |at: usize| u64::from_be_bytes(found[0].get::<&[u8], _>(at).unwrap().try_into().unwrap());
    assert_eq!(version(0), version(1) + 1);
}

#[tokio::test]
async fn varchar_travels_in_the_code_page_of_its_collation() {
    let server = Options::default().start().unwrap();
    let mut client = client(&server).await;
    let cast = "SELECT CAST('ñ' AS varchar(5)) COLLATE SQL_Latin1_General_CP850_CI_AS";
    let error = rows(&mut client, cast).await.unwrap_err();
    assert!(
        error.to_string().contains("encoding"),
        "tiberius cannot read code page 850: {error}"
    );
    let cast = "SELECT CAST(N'ñ' AS varchar(5)) COLLATE Latin1_General_100_CI_AS_SC_UTF8";
    let mut other = super::client::client(&server).await;
    let found = rows(&mut other, cast).await.unwrap();
    assert_eq!(
        found[0].get::<&str, _>(0),
        Some("Ã±"),
        "tiberius does not see that it is UTF-8"
    );
}

#[tokio::test]
async fn a_result_of_many_packets_arrives_whole() {
    let server = Options::default().start().unwrap();
    let mut client = client(&server).await;
    let values: Vec<String> = (0..5000)
        .map(|n| format!("({n}, REPLICATE('x', {}))", n % 50))
        .collect();
    rows(
        &mut client,
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(50))",
    )
    .await
    .unwrap();
    for chunk in values.chunks(1000) {
        rows(&mut client, &format!("INSERT t VALUES {}", chunk.join(",")))
            .await
            .unwrap();
    }
    let found = rows(&mut client, "SELECT id, v FROM t ORDER BY id")
        .await
        .unwrap();
    assert_eq!(found.len(), 5000);
    for (at, row) in found.iter().enumerate() {
        assert_eq!(row.get::<i32, _>(0), Some(i32::try_from(at).unwrap()));
        assert_eq!(row.get::<&str, _>(1).unwrap().len(), at % 50);
    }
}
