//! T-SQL as far as it is known here, with the results SQL Server's documentation gives.

use fluxion_tds::{Options, Server};

fn server() -> Server {
    let server = Options::default().database("till").start().unwrap();
    server
        .execute(
            "CREATE TABLE p (code varchar(10) COLLATE SQL_Latin1_General_CP1_CI_AS PRIMARY KEY, name nvarchar(20), price money, grp int)
             CREATE TABLE s (code varchar(10), place int, qty decimal(12,3), PRIMARY KEY (code, place))
             INSERT p VALUES ('a', N'Ajo', 1.5, 1), ('B', N'Café', 20, 1), ('c', NULL, 3.3333, 2), ('d', N'dé', 4, NULL)
             INSERT s VALUES ('a', 1, 1.5), ('a', 2, 2.25), ('b', 1, 7)",
        )
        .unwrap();
    server
}

/// Each value of the only row, or of the only column.
fn shown(server: &Server, sql: &str) -> String {
    let rows = server
        .query(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let rows: Vec<String> = rows
        .into_iter()
        .map(|row| {
            row.into_iter()
                .map(|v| v.unwrap_or_else(|| "NULL".to_owned()))
                .collect::<Vec<_>>()
                .join(",")
        })
        .collect();
    rows.join(" ")
}

#[test]
fn queries_give_what_they_should() {
    let server = server();
    for (sql, expected) in [
        (
            "SELECT TOP (2) code FROM p WHERE code > 'A' ORDER BY code",
            "B c",
        ),
        ("SELECT TOP 1 code FROM p ORDER BY code DESC", "d"),
        (
            "SELECT code FROM p ORDER BY code OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
            "B c",
        ),
        (
            "SELECT p.code, s.qty FROM p LEFT JOIN s ON s.code = p.code AND s.place = 1 ORDER BY p.code",
            "a,1.500 B,7.000 c,NULL d,NULL",
        ),
        (
            "SELECT p.code, SUM(s.qty) FROM p JOIN s ON s.code = p.code GROUP BY p.code HAVING SUM(s.qty) > 3 ORDER BY 2",
            "a,3.750 B,7.000",
        ),
        (
            "SELECT COUNT(*), COUNT(name), COUNT(DISTINCT grp), MAX(price), MIN(code) FROM p",
            "4,3,2,20.00,a",
        ),
        (
            "SELECT code FROM p WHERE EXISTS (SELECT 1 FROM s WHERE s.code = p.code) ORDER BY code",
            "a B",
        ),
        (
            "SELECT code FROM p WHERE code NOT IN (SELECT code FROM s) ORDER BY code",
            "c d",
        ),
        (
            "SELECT code, (SELECT MAX(qty) FROM s WHERE s.code = p.code) FROM p WHERE grp = 1 ORDER BY code",
            "a,2.250 B,7.000",
        ),
        (
            "SELECT x.n FROM p OUTER APPLY (SELECT COUNT(*) AS n FROM s WHERE s.code = p.code) x ORDER BY p.code",
            "2 1 0 0",
        ),
        (
            "WITH c AS (SELECT code, ROW_NUMBER() OVER (PARTITION BY grp ORDER BY price DESC) AS n FROM p) SELECT code FROM c WHERE n = 1 ORDER BY code",
            "B c d",
        ),
        (
            "SELECT code FROM p WHERE name LIKE 'c%' OR name LIKE N'_É'",
            "B d",
        ),
        (
            "SELECT code FROM p WHERE (grp > 1) OR (grp = 1 AND code > 'a') ORDER BY grp, code",
            "B c",
        ),
        (
            "SELECT 1 UNION SELECT 2 UNION ALL SELECT 2 ORDER BY 1",
            "1 2 2",
        ),
        ("SELECT code FROM p WHERE grp IS NULL", "d"),
        (
            "SELECT CASE grp WHEN 1 THEN 'one' ELSE 'other' END FROM p WHERE code = 'A'",
            "one",
        ),
        (
            "SELECT (SELECT v.x FROM (SELECT p.code AS x) AS v) FROM p WHERE grp = 2",
            "c",
        ),
        ("SELECT DISTINCT grp FROM p ORDER BY grp", "NULL 1 2"),
        (
            "SELECT v.a + v.b FROM (VALUES (1, 2), (3, 4)) v(a, b)",
            "3 7",
        ),
    ] {
        assert_eq!(shown(&server, sql), expected, "{sql}");
    }
}

#[test]
fn expressions_have_the_types_and_digits_of_sql_server() {
    let server = server();
    for (sql, expected) in [
        ("SELECT 7 / 2, 7 % 4, -7 / 2", "3,3,-3"),
        ("SELECT CAST(1 AS decimal(5,2)) / 3", "0.333333"),
        (
            "SELECT CAST(2.345 AS decimal(9,2)), CAST(-2.345 AS decimal(9,2)), CAST(2.5 AS int), CAST(CAST(2.5 AS money) AS int)",
            "2.35,-2.35,2,3",
        ),
        (
            "SELECT CAST(price AS decimal(19,4)) FROM p WHERE code = 'c'",
            "3.3333",
        ),
        (
            "SELECT CAST(922337203685477.5807 AS money) - 0.0001",
            "922337203685477.5806",
        ),
        (
            "SELECT CAST(0x00000000000007D1 AS bigint), CAST(CAST(2001 AS bigint) AS binary(8))",
            "2001,0x00000000000007D1",
        ),
        (
            "SELECT CONVERT(varchar(30), CAST('2024-03-01 13:05:09.127' AS datetime), 121)",
            "2024-03-01 13:05:09.127",
        ),
        (
            "SELECT CONVERT(varchar(8), CAST('2024-03-01' AS date), 112), CONVERT(varchar(10), CAST('2024-03-01' AS datetime), 103)",
            "20240301,01/03/2024",
        ),
        (
            "SELECT CONVERT(nvarchar(40), CAST('2024-03-01T13:05:09' AS datetime), 126)",
            "2024-03-01T13:05:09",
        ),
        (
            "SELECT DATEADD(month, 1, CAST('2024-01-31' AS date)), DATEDIFF(day, '2024-02-28', '2024-03-01')",
            "2024-02-29,2",
        ),
        (
            "SELECT ISNULL(NULL, 'x'), COALESCE(NULL, NULL, 3), NULLIF(1, 1), IIF(1 = 1, 'y', 'n')",
            "x,3,NULL,y",
        ),
        (
            "SELECT LEN('ab  '), DATALENGTH(N'ab'), SUBSTRING('abcdef', 2, 3), CHARINDEX('c', 'abc'), UPPER('ñ')",
            "2,4,bcd,3,Ñ",
        ),
        (
            "SELECT TRY_CAST('x' AS int), TRY_CONVERT(date, '2024-02-30')",
            "NULL,NULL",
        ),
        (
            "SELECT CASE WHEN 'a ' = 'A' THEN 1 ELSE 0 END, CASE WHEN 'a' = 'A' COLLATE Latin1_General_BIN2 THEN 1 ELSE 0 END",
            "1,0",
        ),
        (
            "SELECT ROUND(123.456, 2), ROUND(123.456, -1), FLOOR(-1.5), ABS(-3)",
            "123.460,120.000,-2,3",
        ),
        (
            "SELECT COLLATIONPROPERTY('SQL_Latin1_General_CP850_CI_AS', 'CodePage'), SQL_VARIANT_PROPERTY(CAST(1 AS money), 'BaseType')",
            "850,money",
        ),
    ] {
        assert_eq!(shown(&server, sql), expected, "{sql}");
    }
}

#[test]
fn a_batch_flows_as_it_should() {
    let server = server();
    let mut session = server.session();
    session
        .execute(
            "DECLARE @n int = 0, @t TABLE (x int);
             WHILE @n < 5 BEGIN SET @n += 1; IF @n = 2 CONTINUE; IF @n = 5 BREAK; INSERT INTO @t VALUES (@n) END
             INSERT s SELECT 'w', x, x FROM @t;
             UPDATE p SET price = price + s.qty FROM p INNER JOIN s ON s.code = p.code AND s.place = 1;
             DELETE TOP (1) FROM s WHERE code = 'w';
             WITH o AS (SELECT TOP (1) place FROM s WHERE code = 'w' ORDER BY place DESC) DELETE FROM o;
             BEGIN TRY INSERT p (code) VALUES ('A') END TRY
             BEGIN CATCH UPDATE p SET name = CONCAT(ERROR_NUMBER(), ':', XACT_STATE()) WHERE code = 'd' END CATCH",
        )
        .unwrap();
    assert_eq!(
        shown(&server, "SELECT price FROM p ORDER BY code"),
        "3.00 27.00 3.33 4.00"
    );
    assert_eq!(
        shown(&server, "SELECT COUNT(*) FROM s WHERE code = 'w'"),
        "1"
    );
    assert_eq!(
        shown(&server, "SELECT name FROM p WHERE code = 'd'"),
        "2627:0"
    );
}

#[test]
fn errors_carry_number_class_and_line() {
    let server = server();
    for (sql, number, line) in [
        ("SELECT 1\nFROM\nnowhere", 208, 1),
        ("SELECT\n1;\nSELECT nothing FROM p", 207, 3),
        ("SELECT 1 +", 102, 1),
        ("INSERT p (code) VALUES ('a')", 2627, 1),
        ("INSERT p (code) VALUES (NULL)", 515, 1),
        ("INSERT p (code) VALUES ('abcdefghijk')", 2628, 1),
        ("SELECT CAST('x' AS int)", 245, 1),
        ("SELECT 1 / 0", 8134, 1),
        ("SELECT CAST(300 AS tinyint)", 220, 1),
        ("SELECT CAST(100000 AS decimal(3,0))", 8115, 1),
        ("SELECT code FROM p, s", 209, 1),
        ("EXEC nothing", 2812, 1),
        ("COMMIT", 3902, 1),
        ("DROP TABLE nowhere", 3701, 1),
        ("CREATE TABLE p (x int)", 2714, 1),
        ("\n\nRAISERROR('stop %s', 16, 1, 'now')", 50_000, 3),
    ] {
        let error = server.query(sql).unwrap_err();
        assert_eq!((error.number, error.line), (number, line), "{sql}: {error}");
    }
}

#[test]
fn the_catalog_describes_what_there_is() {
    let server = server();
    let columns = "SELECT c.name, t.name, c.max_length, c.is_nullable FROM sys.columns c JOIN sys.types t ON \
        t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('dbo.s') ORDER BY c.column_id";
    assert_eq!(
        shown(&server, columns),
        "code,varchar,10,0 place,int,4,0 qty,decimal,9,1"
    );
    let tables = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE' ORDER BY 1";
    assert_eq!(shown(&server, tables), "p s");
    assert_eq!(
        shown(&server, "SELECT DB_NAME(), SERVERPROPERTY('Edition')"),
        "till,Express Edition (64-bit)"
    );
}

#[test]
fn a_large_table_is_walked_page_by_page_through_its_key() {
    let server = server();
    server
        .execute("CREATE TABLE big (a int, b int, PRIMARY KEY (a, b))")
        .unwrap();
    for a in 0..20 {
        let rows: Vec<String> = (0..500).map(|b| format!("({a}, {b})")).collect();
        server
            .execute(&format!("INSERT big VALUES {}", rows.join(",")))
            .unwrap();
    }
    let mut session = server.session();
    let (mut a, mut b, mut seen) = (-1, -1, 0);
    loop {
        let page = session
            .query(&format!(
                "SELECT TOP (700) a, b FROM big WHERE (a >= {a} AND (a > {a} OR (a = {a} AND b > {b}))) ORDER BY a, b"
            ))
            .unwrap();
        let Some(last) = page.last() else { break };
        (a, b) = (
            last[0].as_ref().unwrap().parse().unwrap(),
            last[1].as_ref().unwrap().parse().unwrap(),
        );
        seen += page.len();
    }
    assert_eq!(seen, 10_000);
}
