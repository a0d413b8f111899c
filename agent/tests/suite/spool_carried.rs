//! Deliveries that leave in a file: whatever happens to their numbers meanwhile, none of them comes to stand for another.

use fluxion_agent::spool::{Carrying, Part, ReceiptEffect, SpoolError, Store};
use fluxion_connectors::ScanPart;
use fluxion_model::carry::Receipt;
use fluxion_model::id::{AgentId, BatchSeq};

use crate::rows::*;

/// A spool in which so many deliveries wait.
fn waiting(deliveries: u32) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(dir.path()).unwrap();
    for number in 0..deliveries {
        let (a, b) = (format!("{number}a"), format!("{number}b"));
        let rows = vec![
            (a.as_str(), Row::Is(vec![product(&a, "pan")])),
            (b.as_str(), Row::Is(vec![product(&b, "sal")])),
        ];
        let commit = commit(&mut store, rows, ScanPart::No);
        store.commit(&commit).unwrap();
    }
    (dir, store)
}

fn numbers(carrying: &mut Carrying) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut after = BatchSeq(0);
    while let Some(next) = carrying.next(after).unwrap() {
        after = next.seq;
        numbers.push(next.seq.0);
    }
    numbers
}

fn receipt(store: &Store, last: u64, missing: Option<u64>) -> Receipt {
    Receipt {
        agent: AgentId::generate(),
        epoch: store.info().unwrap().epoch,
        last_seq: Some(BatchSeq(last)),
        missing: missing.map(BatchSeq),
        at: chrono::Utc::now(),
    }
}

/// Divides a delivery as the sender does when the cloud refuses it.
fn divide(store: &mut Store, seq: u64) -> Result<(), SpoolError> {
    let batch = store.next_batch(seq - 1).unwrap().unwrap();
    let lines = batch.lines().unwrap();
    let (first, second) = lines.split_at(1);
    store.replace_batch(
        &batch,
        &[Part::pack(first).unwrap(), Part::pack(second).unwrap()],
    )
}

#[test]
fn a_file_takes_what_waits_when_it_is_begun_while_the_spool_goes_on() {
    let (dir, mut store) = waiting(3);
    let mut carrying = Carrying::begin(dir.path()).unwrap().unwrap();
    let row = vec![("9", Row::Is(vec![product("9", "café")]))];
    let commit = commit(&mut store, row, ScanPart::No);
    store.commit(&commit).unwrap();
    let epoch = store.info().unwrap().epoch;
    store.forget(BatchSeq(1), epoch).unwrap();
    assert_eq!(numbers(&mut carrying), [2, 3]);
    assert_eq!((carrying.first, carrying.last), (BatchSeq(1), BatchSeq(3)));
}

#[test]
fn there_is_no_file_without_a_spool_or_without_deliveries() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Carrying::begin(dir.path()).unwrap().is_none());
    let (dir, _store) = waiting(0);
    assert!(Carrying::begin(dir.path()).unwrap().is_none());
}

#[test]
fn a_delivery_that_left_is_not_divided_because_its_number_would_come_to_stand_for_another() {
    let (dir, mut store) = waiting(3);
    divide(&mut store, 3).unwrap();
    let mut carrying = Carrying::begin(dir.path()).unwrap().unwrap();
    assert_eq!(numbers(&mut carrying), [1, 2, 3, 4]);
    let before = store.info().unwrap();
    assert!(matches!(divide(&mut store, 2), Err(SpoolError::NewLife)));
    let after = store.info().unwrap();
    assert!(after.epoch > before.epoch, "numbers of another life");
    assert_eq!(after.batches, before.batches, "and all of it waits");
    assert!(matches!(
        carrying.next(BatchSeq(0)),
        Err(SpoolError::NewLife)
    ));
    divide(&mut store, 2).unwrap();
}

#[test]
fn a_receipt_lets_go_of_what_the_cloud_has_and_of_nothing_else() {
    let (_dir, mut store) = waiting(4);
    let first = receipt(&store, 3, None);
    assert_eq!(
        store.take_receipt(&first).unwrap(),
        ReceiptEffect::Forgotten(3)
    );
    assert_eq!(
        store.take_receipt(&first).unwrap(),
        ReceiptEffect::Forgotten(0)
    );
    assert_eq!(store.info().unwrap().batches, 1);
    store.begin_new_life().unwrap();
    assert_eq!(
        store.take_receipt(&first).unwrap(),
        ReceiptEffect::OtherLife
    );
    assert_eq!(store.info().unwrap().batches, 1);
}

#[test]
fn a_cloud_or_a_spool_that_was_restored_is_noticed_by_the_receipt() {
    let (_dir, mut store) = waiting(4);
    let all = receipt(&store, 3, None);
    store.take_receipt(&all).unwrap();
    let still_here = receipt(&store, 3, Some(4));
    assert_eq!(
        store.take_receipt(&still_here).unwrap(),
        ReceiptEffect::Forgotten(0),
        "the next file has it"
    );
    let lost = receipt(&store, 1, Some(2));
    assert_eq!(store.take_receipt(&lost).unwrap(), ReceiptEffect::NewLife);
    let ahead = receipt(&store, 70, None);
    assert_eq!(store.take_receipt(&ahead).unwrap(), ReceiptEffect::NewLife);
}
