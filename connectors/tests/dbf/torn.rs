//! A POS that writes while it is read: nothing is torn, nothing is lost.

use fluxion_connectors::{BatchLimit, Next, StartAt};
use fluxion_tests::sim::dbf::{Cell, Table};
use fluxion_tests::sim::random::Random;
use rust_decimal::Decimal;

use super::{Folder, PRODUCTS, products, sales};
use crate::mirror::{Mirror, Restart, Step};

fn product(number: u32, price: i64) -> [Cell; 3] {
    [
        format!("{number:05}").as_str().into(),
        "Café".into(),
        Decimal::new(price, 2).into(),
    ]
}

fn tens() -> BatchLimit {
    BatchLimit {
        rows: 10,
        ..BatchLimit::default()
    }
}

fn filled(folder: &Folder, count: u32) -> Table {
    let mut table = folder.table("PRODUCTS.DBF", PRODUCTS);
    let rows: Vec<Vec<Cell>> = (0..count)
        .map(|number| product(number, 100).to_vec())
        .collect();
    table.fill(&rows).unwrap();
    table
}

#[tokio::test]
async fn a_table_that_did_not_change_is_not_decoded_again() {
    let folder = Folder::new();
    let mut table = filled(&folder, 50);
    let (connector, spec) = (folder.connector(), products());
    let mut mirror = Mirror::default();
    mirror.scan(connector.as_ref(), &spec).await.unwrap();
    assert_eq!(mirror.delivered, 50);
    for _ in 0..2 {
        mirror
            .follow(connector.as_ref(), &spec, tens(), Restart::Never)
            .await
            .unwrap();
    }
    assert_eq!(mirror.delivered, 50, "the bytes are the old ones");
    // Touched, but the same.
    table.update(3, &product(3, 100)).unwrap();
    mirror
        .follow(connector.as_ref(), &spec, tens(), Restart::Never)
        .await
        .unwrap();
    assert_eq!(mirror.delivered, 50);
    table.update(3, &product(3, 175)).unwrap();
    mirror
        .follow(connector.as_ref(), &spec, tens(), Restart::Never)
        .await
        .unwrap();
    assert_eq!(
        (mirror.delivered, mirror.cell("00003", "PRICE")),
        (100, "1.75".into())
    );
}

#[tokio::test]
async fn a_table_that_is_packed_under_the_reader_loses_no_row() {
    let folder = Folder::new();
    let mut table = filled(&folder, 60);
    let (connector, spec) = (folder.connector(), products());
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    for _ in 0..3 {
        assert_eq!(
            mirror.step(stream.as_mut(), tens()).await.unwrap(),
            Step::Batch
        );
    }
    // What was read is deleted, and all that was not moves up into its place.
    for record in 0..20 {
        table.delete(record).unwrap();
    }
    table.pack().unwrap();
    table.append(&product(777, 1)).unwrap();
    while mirror.step(stream.as_mut(), tens()).await.unwrap() == Step::Batch {}
    assert!((20..60).all(|number| mirror.rows.contains_key(&format!("{number:05}"))));
    assert!(mirror.rows.contains_key("00777"));
    // What was seen before it went is gone after the next look, which takes place although nothing changed since.
    mirror
        .follow(connector.as_ref(), &spec, tens(), Restart::Never)
        .await
        .unwrap();
    assert_eq!(mirror.rows.len(), 41);
}

#[tokio::test]
async fn a_table_that_is_replaced_between_two_batches_is_read_as_it_is_now() {
    let folder = Folder::new();
    filled(&folder, 60);
    let (connector, spec) = (folder.connector(), products());
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), tens()).await.unwrap();
    let other = [
        PRODUCTS,
        &[fluxion_tests::sim::dbf::field(
            "NEW",
            fluxion_tests::sim::dbf::Kind::C(4),
        )],
    ]
    .concat();
    let mut table = folder.table("PRODUCTS.DBF", &other);
    let mut cells = product(5, 500).to_vec();
    cells.push("x".into());
    table.append(&cells).unwrap();
    while mirror.step(stream.as_mut(), tens()).await.unwrap() == Step::Batch {}
    assert_eq!(mirror.keys(), ["00005"]);
    assert_eq!(mirror.cell("00005", "NEW"), "x");
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_changed_table_begins_anew_and_ends_equal() {
    let folder = Folder::new();
    let mut table = filled(&folder, 60);
    let (connector, spec) = (folder.connector(), products());
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), tens()).await.unwrap();
    drop(stream);
    table.delete(0).unwrap();
    table.pack().unwrap();
    mirror
        .follow(connector.as_ref(), &spec, tens(), Restart::Never)
        .await
        .unwrap();
    assert_eq!(mirror.rows.len(), 59);
    assert!(!mirror.rows.contains_key("00000"));
}

/// Edits of all kinds between any two batches, packing included. Every row that was there all the time is there, and
/// once the POS rests, the next scan is equal to it.
#[tokio::test]
async fn whatever_the_pos_does_meanwhile_the_end_is_equal() {
    for seed in 0..25 {
        let mut random = Random::new(seed).branch("torn tables");
        let folder = Folder::new();
        let mut table = filled(&folder, 80);
        // Number and price by record.
        let mut truth: Vec<Option<(u32, i64)>> =
            (0..80).map(|number| Some((number, 100))).collect();
        let mut next = 80;
        let (connector, spec) = (folder.connector(), products());
        let mut mirror = Mirror::default();
        for _ in 0..3 {
            let steadfast: Vec<u32> = truth.iter().flatten().map(|(number, _)| *number).collect();
            let mut removed = std::collections::BTreeSet::new();
            let mut stream = connector
                .open(&spec, mirror.start(), mirror.context())
                .await
                .unwrap();
            loop {
                let limit = BatchLimit {
                    rows: 1 + random.index(30),
                    ..BatchLimit::default()
                };
                match mirror.step(stream.as_mut(), limit).await.unwrap() {
                    Step::Batch => {}
                    Step::ScanComplete | Step::Rest => break,
                }
                if random.per_mille(400) {
                    continue;
                }
                match random.between(0, 3) {
                    0 => {
                        table.append(&product(next, 100)).unwrap();
                        truth.push(Some((next, 100)));
                        next += 1;
                    }
                    1 | 2 if truth.is_empty() => {}
                    1 => {
                        let at = random.index(truth.len());
                        if let Some((number, price)) = &mut truth[at] {
                            *price = random.between(1, 99_999);
                            table.update(at as u32, &product(*number, *price)).unwrap();
                        }
                    }
                    2 => {
                        let at = random.index(truth.len());
                        table.delete(at as u32).unwrap();
                        removed.extend(truth[at].take().map(|(number, _)| number));
                    }
                    _ => {
                        table.pack().unwrap();
                        truth.retain(Option::is_some);
                    }
                }
            }
            for number in steadfast.iter().filter(|number| !removed.contains(number)) {
                assert!(
                    mirror.rows.contains_key(&format!("{number:05}")),
                    "seed {seed}: {number} was lost"
                );
            }
        }
        for _ in 0..2 {
            mirror
                .follow(connector.as_ref(), &spec, tens(), Restart::Never)
                .await
                .unwrap();
        }
        let held: Vec<(String, String)> = mirror
            .rows
            .keys()
            .map(|key| (key.clone(), mirror.cell(key, "PRICE")))
            .collect();
        let mut expected: Vec<(String, String)> = truth
            .iter()
            .flatten()
            .map(|(number, price)| (format!("{number:05}"), Decimal::new(*price, 2).to_string()))
            .collect();
        expected.sort();
        assert_eq!(held, expected, "seed {seed}");
    }
}

#[tokio::test]
async fn a_sale_whose_lines_come_while_it_is_read_is_whole_in_the_end() {
    use fluxion_tests::sim::dbf::{Kind, field};
    let folder = Folder::new();
    let mut header = folder.table(
        "SALES.DBF",
        &[
            field("NUMBER", Kind::N(11, 0)),
            field("TOTAL", Kind::N(12, 2)),
        ],
    );
    let lines = [
        field("NUMBER", Kind::N(11, 0)),
        field("LINE", Kind::I),
        field("PRODUCT", Kind::C(20)),
        field("QUANTITY", Kind::N(10, 0)),
    ];
    let mut lines = folder.table("LINES.DBF", &lines);
    let mut sell = |number: i64, count: i64, lines: &mut Table, with_header: bool| {
        if with_header {
            header.append(&[number.into(), 10.into()]).unwrap();
        }
        for line in 0..count {
            lines
                .append(&[number.into(), line.into(), "A".into(), 1.into()])
                .unwrap();
        }
    };
    for number in 0..30 {
        sell(number, 2, &mut lines, true);
    }
    let (connector, spec) = (folder.connector(), sales());
    let mut mirror = Mirror::default();
    let mut stream = connector
        .open(&spec, StartAt::Snapshot, mirror.context())
        .await
        .unwrap();
    mirror.step(stream.as_mut(), tens()).await.unwrap();
    sell(3, 1, &mut lines, false);
    sell(99, 3, &mut lines, true);
    lines.delete(8).unwrap();
    loop {
        match stream.next(tens()).await.unwrap() {
            Next::Batch(batch) => mirror.commit(batch),
            Next::ScanComplete { .. } => break,
            Next::CaughtUp { .. } => panic!("the scan did not end"),
        }
    }
    assert_eq!(mirror.lines("3", "lines", "QUANTITY").len(), 3);
    assert_eq!(mirror.lines("99", "lines", "QUANTITY").len(), 3);
    assert_eq!(mirror.lines("4", "lines", "QUANTITY").len(), 1);
    assert_eq!(mirror.rows.len(), 31);
}
