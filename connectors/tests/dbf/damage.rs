//! Tables that are cut, overwritten or nonsense: said clearly, never a panic, never a silent loss.

use std::fs;

use fluxion_connectors::{BatchLimit, Connector, Next, Remedy, StartAt};
use fluxion_tests::sim::dbf::{Cell, Kind, field};
use fluxion_tests::sim::random::Random;
use rust_decimal::Decimal;

use super::{Folder, PRODUCTS, products};
use crate::mirror::{Mirror, Restart};

fn filled(folder: &Folder, count: i64) {
    let mut table = folder.table("PRODUCTS.DBF", PRODUCTS);
    for number in 0..count {
        table
            .append(&[
                format!("{number:03}").as_str().into(),
                "Pan".into(),
                Decimal::ONE.into(),
            ])
            .unwrap();
    }
}

async fn follow(mirror: &mut Mirror, connector: &dyn Connector) {
    mirror
        .follow(
            connector,
            &products(),
            BatchLimit::default(),
            Restart::Never,
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn half_a_record_at_the_end_waits_until_it_is_whole() {
    let folder = Folder::new();
    filled(&folder, 5);
    let path = folder.file("PRODUCTS.DBF");
    let whole = fs::read(&path).unwrap();
    // The POS has begun to write a record and has not yet counted it.
    let mut bytes = whole.clone();
    bytes.pop();
    bytes.extend(b" 005      half");
    fs::write(&path, bytes).unwrap();
    let mut mirror = Mirror::default();
    follow(&mut mirror, folder.connector().as_ref()).await;
    assert_eq!(mirror.rows.len(), 5);
    assert!(mirror.unreadable.is_empty());
}

#[tokio::test]
async fn a_header_that_promises_more_than_there_is_is_told_once_and_removes_nothing() {
    let folder = Folder::new();
    filled(&folder, 8);
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    follow(&mut mirror, connector.as_ref()).await;
    let path = folder.file("PRODUCTS.DBF");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 200]).unwrap();
    for _ in 0..2 {
        follow(&mut mirror, connector.as_ref()).await;
    }
    assert_eq!(mirror.rows.len(), 8, "nothing is removed");
    assert_eq!(mirror.unreadable.len(), 1, "and it is told once");
    assert!(
        mirror.unreadable[0]
            .message
            .contains("promises 4 records more"),
        "{:?}",
        mirror.unreadable
    );
    let findings = connector.probe().await.unwrap().findings;
    assert!(
        findings[0].what.es.contains("promete 4 registros"),
        "{findings:?}"
    );

    fs::write(&path, &whole).unwrap();
    follow(&mut mirror, connector.as_ref()).await;
    assert_eq!(mirror.rows.len(), 8);
}

#[tokio::test]
async fn rows_without_a_key_are_told_and_the_others_go_on() {
    let folder = Folder::new();
    let mut table = folder.table("PRODUCTS.DBF", PRODUCTS);
    let put = |table: &mut fluxion_tests::sim::dbf::Table, code: Cell| {
        table
            .append(&[code, "Pan".into(), Decimal::ONE.into()])
            .unwrap();
    };
    put(&mut table, "001".into());
    put(&mut table, "".into());
    put(&mut table, "003".into());
    let mut mirror = Mirror::default();
    follow(&mut mirror, folder.connector().as_ref()).await;
    assert_eq!(mirror.keys(), ["001", "003"]);
    assert_eq!(mirror.unreadable[0].position, Some(2));
    assert!(mirror.unreadable[0].message.contains("CODE is empty"));
    // An empty key is no row that was ever known, so deletes are still seen.
    table.delete(0).unwrap();
    follow(&mut mirror, folder.connector().as_ref()).await;
    assert_eq!(mirror.keys(), ["003"]);
}

#[tokio::test]
async fn a_record_overwritten_with_zeros_removes_nothing() {
    let folder = Folder::new();
    filled(&folder, 6);
    let connector = folder.connector();
    let mut mirror = Mirror::default();
    follow(&mut mirror, connector.as_ref()).await;
    let path = folder.file("PRODUCTS.DBF");
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[length - 64..length - 1].fill(0);
    fs::write(&path, bytes).unwrap();
    follow(&mut mirror, connector.as_ref()).await;
    assert_eq!(mirror.rows.len(), 6);
    assert!(
        mirror.unreadable[0].message.contains("not whole"),
        "{:?}",
        mirror.unreadable
    );
}

#[tokio::test]
async fn what_is_no_table_is_said_to_be_none() {
    for (bytes, code) in [
        (b"PK\x03\x04 a spreadsheet".repeat(10), "table_damaged"),
        (vec![0x8c; 400], "unsupported"),
        (vec![0x30; 10], "table_damaged"),
        (Vec::new(), "table_damaged"),
    ] {
        let folder = Folder::new();
        fs::write(folder.file("products.dbf"), bytes).unwrap();
        let connector = folder.connector();
        let opened = connector
            .open(&products(), StartAt::Snapshot, Mirror::default().context())
            .await;
        let error = opened.err().unwrap();
        assert!(
            matches!(error.remedy, Remedy::AskOperator { code: found, .. } if found == code),
            "{error:?}"
        );
        assert_eq!(connector.probe().await.unwrap().findings.len(), 1);
        assert!(connector.catalog().await.unwrap().tables.is_empty());
    }
}

/// Sixty thousand sales with their lines, in tables of some 14 MB. The memory is the kernel's own count, so the test holds
/// for this process only when it runs alone, as nextest runs it.
#[tokio::test]
async fn large_tables_take_no_memory() {
    let folder = Folder::new();
    let sales = [
        field("NUMBER", Kind::N(11, 0)),
        field("TOTAL", Kind::N(12, 2)),
        field("NOTE", Kind::C(60)),
    ];
    let lines = [
        field("NUMBER", Kind::N(11, 0)),
        field("LINE", Kind::I),
        field("PRODUCT", Kind::C(20)),
        field("QUANTITY", Kind::N(10, 0)),
    ];
    let mut sales = folder.table("SALES.DBF", &sales);
    let mut lines = folder.table("LINES.DBF", &lines);
    for chunk in 0..60_i64 {
        let numbers = chunk * 1_000..(chunk + 1) * 1_000;
        let headers: Vec<Vec<Cell>> = numbers
            .clone()
            .map(|number| vec![number.into(), 10.into(), "venta".into()])
            .collect();
        sales.fill(&headers).unwrap();
        let of_lines: Vec<Vec<Cell>> = numbers
            .flat_map(|number| (0..3).map(move |line| (number, line)))
            .map(|(number, line)| vec![number.into(), line.into(), "000123".into(), 2.into()])
            .collect();
        lines.fill(&of_lines).unwrap();
    }
    let connector = folder.connector();
    let mut stream = connector
        .open(
            &super::sales(),
            StartAt::Snapshot,
            Mirror::default().context(),
        )
        .await
        .unwrap();
    let (mut rows, mut children) = (0, 0);
    while let Next::Batch(batch) = stream.next(BatchLimit::default()).await.unwrap() {
        rows += batch.rows.changes.len();
        for change in batch.rows.changes {
            if let fluxion_model::row::RowChange::Upsert { row, .. } = change {
                children += row.children[0].len();
            }
        }
    }
    assert_eq!((rows, children), (60_000, 180_000));
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().trim_end_matches(" kB").trim();
    assert!(peak.parse::<u64>().unwrap() < 80_000, "{peak} kB");
}

/// Bytes changed, cut and added at random: no panic, no hang, and whatever comes out has the shape that was promised.
#[tokio::test]
async fn no_table_however_damaged_makes_the_reader_stumble() {
    for seed in 0..400 {
        let mut random = Random::new(seed).branch("damaged tables");
        let folder = Folder::new();
        let fields = [
            field("CODE", Kind::C(20)),
            field("NOTE", Kind::M),
            field("MONEY", Kind::Y),
            field("VAR", Kind::V(12)),
            field("AT", Kind::T),
            field("DAY", Kind::D),
        ];
        let mut table = folder.table("PRODUCTS.DBF", &fields);
        for number in 0..20_i64 {
            let code = format!("{number:03}");
            let cells = [
                code.as_str().into(),
                "nota".into(),
                number.into(),
                "v".into(),
                Cell::Null,
                Cell::Null,
            ];
            table.append(&cells).unwrap();
        }
        for name in ["PRODUCTS.DBF", "PRODUCTS.fpt"] {
            let path = folder.file(name);
            let mut bytes = fs::read(&path).unwrap();
            for _ in 0..random.between(0, 12) {
                // Mostly the header, where it hurts.
                let reach = if random.per_mille(700) {
                    300.min(bytes.len())
                } else {
                    bytes.len()
                };
                let at = random.index(reach);
                bytes[at] = (random.bits() & 0xff) as u8;
            }
            if random.per_mille(300) {
                bytes.truncate(random.index(bytes.len()));
            }
            fs::write(&path, bytes).unwrap();
        }
        let connector = folder.connector();
        let context = Mirror::default().context();
        let Ok(mut stream) = connector
            .open(&products(), StartAt::Snapshot, context)
            .await
        else {
            continue;
        };
        for _ in 0..200 {
            match stream.next(BatchLimit::default()).await {
                Ok(Next::Batch(batch)) => {
                    for change in batch.rows.changes {
                        if let fluxion_model::row::RowChange::Upsert { row, .. } = change {
                            assert_eq!(row.values.len(), batch.rows.shape.columns.len());
                        }
                    }
                }
                Ok(Next::ScanComplete { .. } | Next::CaughtUp { .. }) | Err(_) => break,
            }
        }
    }
}
