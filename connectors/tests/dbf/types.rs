//! Every type of field, from every kind of table, comes out as it is meant.

use chrono::NaiveDate;
use fluxion_connectors::{Remedy, StartAt};
use fluxion_model::value::Value;
use fluxion_tests::sim::dbf::{Cell, Field, Kind, Table, Version, field};
use rust_decimal::Decimal;
use serde_json::json;

use super::{Folder, table};
use crate::mirror::Mirror;

fn nullable(name: &'static str, kind: Kind) -> Field {
    Field {
        nullable: true,
        ..field(name, kind)
    }
}

fn decimal(text: &str) -> Cell {
    Cell::Number(text.parse().unwrap())
}

async fn read(folder: &Folder, source: serde_json::Value) -> Mirror {
    let mut mirror = Mirror::default();
    mirror
        .scan(folder.connector().as_ref(), &table(source, &["ID"]))
        .await
        .unwrap();
    mirror
}

#[tokio::test]
async fn visual_foxpro_keeps_its_types_and_money_stays_exact() {
    let folder = Folder::new();
    let fields = [
        field("ID", Kind::I),
        field("TEXT", Kind::C(12)),
        field("NUMBER", Kind::N(14, 4)),
        field("FLOAT", Kind::F(10, 2)),
        field("FLAG", Kind::L),
        field("DAY", Kind::D),
        field("MOMENT", Kind::T),
        field("MONEY", Kind::Y),
        field("DOUBLE", Kind::B),
        nullable("MAYBE", Kind::C(5)),
        nullable("VAR", Kind::V(10)),
        field("LONG", Kind::M),
    ];
    let mut types = folder.table("Types.dbf", &fields);
    let day = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap();
    let moment = day.and_hms_opt(23, 59, 58).unwrap();
    let long = "Una descripción larga. ".repeat(20);
    types
        .append(&[
            (-7).into(),
            "Ñandú €".into(),
            decimal("-1234.5678"),
            decimal("0.10"),
            Cell::Bool(true),
            day.into(),
            Cell::Moment(moment),
            decimal("922337203685477.5807"),
            decimal("19.99"),
            "sí".into(),
            "corto".into(),
            long.as_str().into(),
        ])
        .unwrap();
    types
        .append(&[
            8.into(),
            "".into(),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            decimal("-0.0001"),
            Cell::Null,
            Cell::Null,
            "diez letra".into(),
            Cell::Null,
        ])
        .unwrap();
    types.append(&vec![Cell::Null; 12]).unwrap();
    let mirror = read(&folder, json!({"name": "TYPES"})).await;
    assert_eq!(mirror.keys(), ["-7", "0", "8"]);
    for (column, expected) in [
        ("TEXT", "Ñandú €"),
        ("NUMBER", "-1234.5678"),
        ("FLOAT", "0.10"),
        ("FLAG", "true"),
        ("DAY", "2026-02-28"),
        ("MOMENT", "2026-02-28T23:59:58"),
        ("MONEY", "922337203685477.5807"),
        ("DOUBLE", "19.99"),
        ("MAYBE", "sí"),
        ("VAR", "corto"),
        ("LONG", long.trim_end()),
    ] {
        assert_eq!(mirror.cell("-7", column), expected, "{column}");
    }
    let second = &mirror.rows["8"].values;
    assert_eq!(second[7], Value::Decimal(Decimal::new(-1, 4)));
    assert_eq!(second[9], Value::Null);
    assert_eq!(second[10], Value::text("diez letra"));
    assert!([2, 3, 4, 5, 6, 11].iter().all(|at| second[*at].is_null()));
    assert_eq!(mirror.rows["0"].values[10], Value::Null);
    assert_eq!(mirror.rows["8"].position, Some(2));
    assert!(mirror.shape.position("_NullFlags").is_none());
}

#[tokio::test]
async fn old_tables_and_their_memos_are_read_in_the_code_page_of_their_mark() {
    for (version, file) in [
        (Version::DBase3, "dbase iii"),
        (Version::DBase4, "dbase iv"),
        (Version::FoxPro, "foxpro 2"),
    ] {
        let folder = Folder::new();
        let fields = [
            field("ID", Kind::N(5, 0)),
            field("NAME", Kind::C(20)),
            field("NOTE", Kind::M),
        ];
        let path = folder.file("OLD.DBF");
        // 0x02 is code page 850, where 0xa4 is ñ.
        let mut old = Table::create(&path, version, 2, &fields).unwrap();
        let mut name = b"Pi\xa4a".to_vec();
        name.resize(20, b' ');
        old.append(&[1.into(), Cell::Raw(name), "primera nota".into()])
            .unwrap();
        old.append(&[2.into(), "x".into(), "otra".into()]).unwrap();
        let mirror = read(&folder, json!({"name": "old.dbf"})).await;
        assert_eq!(mirror.cell("1", "name"), "Piña", "{file}");
        assert_eq!(mirror.cell("1", "note"), "primera nota", "{file}");
        assert_eq!(mirror.cell("2", "note"), "otra", "{file}");
        let told = json!({"name": "OLD", "encoding": "windows-1252"});
        assert_eq!(
            read(&folder, told).await.cell("1", "name"),
            "Pi¤a",
            "{file}"
        );
    }
}

#[tokio::test]
async fn a_cell_of_garbage_spoils_itself_alone() {
    let folder = Folder::new();
    let fields = [
        field("ID", Kind::N(5, 0)),
        field("PRICE", Kind::N(8, 2)),
        field("DAY", Kind::D),
        field("NOTE", Kind::M),
    ];
    let mut bad = folder.table("BAD.DBF", &fields);
    bad.append(&[
        1.into(),
        Cell::Raw(b"********".to_vec()),
        Cell::Raw(b"20261399".to_vec()),
        "nota".into(),
    ])
    .unwrap();
    bad.append(&[2.into(), decimal("5.00"), Cell::Null, Cell::Null])
        .unwrap();
    std::fs::remove_file(bad.memo_path()).unwrap();
    let mirror = read(&folder, json!({"name": "BAD"})).await;
    let reason = |at: usize| match &mirror.rows["1"].values[at] {
        Value::Undecodable(why) => why.reason.clone(),
        other => panic!("{other:?}"),
    };
    assert!(reason(1).contains("asterisks"));
    assert!(reason(2).contains("not a date"));
    assert!(reason(3).contains("BAD.fpt is missing"), "{}", reason(3));
    assert_eq!(mirror.cell("2", "PRICE"), "5.00");
    assert_eq!(mirror.rows["2"].values[3], Value::Null);
}

#[tokio::test]
async fn only_rows_that_fit_are_read_and_of_several_the_newest_counts() {
    let folder = Folder::new();
    let fields = [
        field("ID", Kind::N(5, 0)),
        field("YEAR", Kind::N(5, 0)),
        field("KIND", Kind::N(5, 0)),
        field("STOCK", Kind::B),
    ];
    let mut stock = folder.table("STOCK.DBF", &fields);
    for (id, year, kind, units) in [
        (1, 3, 1, "10"),
        (1, 4, 1, "11.5"),
        (1, 2, 1, "9"),
        (1, 5, 2, "99"),
        (2, 1, 1, "7"),
    ] {
        stock
            .append(&[id.into(), year.into(), kind.into(), decimal(units)])
            .unwrap();
    }
    let source = json!({
        "name": "STOCK", "columns": ["STOCK"], "newest": "YEAR",
        "where": [{"column": "KIND", "one_of": [1]}, {"column": "ID", "none_of": ["{without}"]}],
    });
    let spec = table(source, &["ID"]);
    let mut mirror = Mirror::default();
    mirror.settings.insert("without".into(), Value::text("x"));
    let connector = folder.connector();
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    assert_eq!(
        (mirror.cell("1", "STOCK"), mirror.cell("2", "STOCK")),
        ("11.5".into(), "7".into())
    );
    assert_eq!(mirror.delivered, 2);

    stock.delete(1).unwrap();
    mirror.settings.insert("without".into(), Value::text("2"));
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    assert_eq!(mirror.keys(), ["1"]);
    assert_eq!(mirror.cell("1", "STOCK"), "10");

    let keys = ["1", "2", "3"].map(|key| fluxion_model::row::RowKey::join([key]));
    let found = connector
        .read_keys(&spec, &keys, mirror.context())
        .await
        .unwrap();
    assert!(matches!(
        &found.changes[0],
        fluxion_model::row::RowChange::Upsert { .. }
    ));
    assert!(
        found.changes[1..]
            .iter()
            .all(|change| matches!(change, fluxion_model::row::RowChange::Delete { .. }))
    );
}

#[tokio::test]
async fn a_missing_column_or_table_is_named_with_those_there_are() {
    let folder = Folder::new();
    folder.table(
        "T.DBF",
        &[field("ID", Kind::N(5, 0)), field("NAME", Kind::C(9))],
    );
    for (source, code, named) in [
        (
            json!({"name": "T", "columns": ["PRECIO", "NAME"]}),
            "missing_column",
            "ID, NAME",
        ),
        (json!({"name": "NONE"}), "missing_table", "NONE.dbf"),
        (json!({"name": "../T"}), "invalid_mapping", "../T"),
    ] {
        let opened = folder
            .connector()
            .open(
                &table(source, &["ID"]),
                StartAt::Snapshot,
                Mirror::default().context(),
            )
            .await;
        let error = opened.err().unwrap();
        assert!(
            matches!(error.remedy, Remedy::AskOperator { code: found, .. } if found == code),
            "{error:?}"
        );
        let text = format!("{error} {} {:?}", error.source, error.hint());
        assert!(text.contains(named), "{text}");
    }
    let catalog = folder.connector().catalog().await.unwrap();
    assert_eq!(catalog.tables[0].name, "T");
    assert_eq!(catalog.tables[0].columns[1].type_name, "C(9)");
}

/// Tables from another hand: the Python library `dbf` 0.99.11 wrote the files of `fixtures/dbf`.
#[tokio::test]
async fn tables_that_another_program_wrote_are_read_as_they_were_meant() {
    let folder = Folder::new();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dbf");
    for file in [
        "vfp.dbf", "vfp.fpt", "fp.dbf", "fp.fpt", "db3.dbf", "db3.dbt",
    ] {
        std::fs::copy(fixtures.join(file), folder.file(file)).unwrap();
    }
    let mirror = read(&folder, json!({"name": "VFP"})).await;
    assert_eq!(mirror.keys(), ["1", "3"], "the second is deleted");
    for (column, expected) in [
        ("name", "Ñandú"),
        ("price", "12.30"),
        ("money", "1234.5678"),
        ("rate", "16.5"),
        ("day", "2026-02-28"),
        ("at", "2026-02-28T23:59:58"),
        ("flag", "true"),
    ] {
        assert_eq!(mirror.cell("1", column), expected, "{column}");
    }
    assert!(
        mirror
            .cell("1", "note")
            .starts_with("Una nota larga con eñe: xxx")
    );
    assert_eq!(
        mirror.cell("1", "note").len(),
        "Una nota larga con eñe: ".len() + 100
    );
    for column in ["name", "price", "flag", "day", "at"] {
        assert_eq!(mirror.cell("3", column), "", "{column}");
    }
    assert_eq!(mirror.cell("3", "note"), "otra");
    for name in ["fp", "db3"] {
        let mirror = read(&folder, json!({"name": name})).await;
        assert_eq!(mirror.cell("1", "name"), "Piña", "{name}");
        assert_eq!(mirror.cell("1", "price"), "12.30", "{name}");
        assert_eq!(mirror.cell("1", "note"), "Una nota con eñe", "{name}");
        assert_eq!(
            mirror.cell("2", "note"),
            "otra ".repeat(200).trim_end(),
            "{name}"
        );
    }
}
