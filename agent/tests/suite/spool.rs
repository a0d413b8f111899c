//! What the spool promises, one promise a test.

use fluxion_agent::config::DeleteBrake;
use fluxion_agent::spool::{Opened, Part, RejectNews, ReportNeed, SpoolError, Store, Swept};
use fluxion_connectors::ScanPart;
use fluxion_model::entity::EntityKind;
use fluxion_model::id::BatchSeq;

use crate::rows::*;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let (store, opened) = Store::open(dir.path()).unwrap();
    assert_eq!(opened, Opened::New);
    (dir, store)
}

fn is(id: &str, name: &str) -> Row {
    Row::Is(vec![product(id, name)])
}

fn take(store: &mut Store, rows: Vec<(&str, Row)>, scan: ScanPart) {
    let commit = commit(store, rows, scan);
    store.commit(&commit).unwrap();
}

#[test]
fn an_unchanged_row_says_nothing_and_a_changed_one_is_sent_once() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    take(
        &mut store,
        vec![("1", is("1", "pan")), ("2", is("2", "sal"))],
        ScanPart::No,
    );
    cloud.drain(&mut store);
    assert_eq!(cloud.puts, 2);
    take(
        &mut store,
        vec![("1", is("1", "pan")), ("2", is("2", "sal"))],
        ScanPart::No,
    );
    assert_eq!(
        store.info().unwrap().batches,
        0,
        "nothing to say makes no delivery"
    );
    take(
        &mut store,
        vec![("1", is("1", "pan dulce")), ("2", is("2", "sal"))],
        ScanPart::No,
    );
    cloud.drain(&mut store);
    assert_eq!(cloud.puts, 3);
}

#[test]
fn a_row_that_was_touched_and_says_the_same_is_not_sent() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    for (name, at, puts) in [
        ("pan", "2026-11-20T08:00:00Z", 1),
        ("pan", "2026-11-21T08:00:00Z", 1),
        ("pan dulce", "2026-11-21T09:00:00Z", 2),
    ] {
        let row = Row::Is(vec![touched("1", name, at)]);
        take(&mut store, vec![("1", row)], ScanPart::No);
        cloud.drain(&mut store);
        assert_eq!(cloud.puts, puts, "{name} at {at}");
    }
}

#[test]
fn a_row_that_is_gone_takes_all_its_records_along() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    take(
        &mut store,
        vec![(
            "1",
            Row::Is(vec![product("1", "pan"), price("1|a", "1", 5)]),
        )],
        ScanPart::No,
    );
    take(
        &mut store,
        vec![("1", Row::Is(vec![product("1", "pan")]))],
        ScanPart::No,
    );
    cloud.drain(&mut store);
    assert_eq!(
        cloud.names(),
        ["product 1"],
        "a record the row no longer makes is gone"
    );
    take(
        &mut store,
        vec![("1", Row::Gone), ("never seen", Row::Gone)],
        ScanPart::No,
    );
    cloud.drain(&mut store);
    assert!(cloud.records.is_empty());
    assert_eq!(cloud.deletes, 2);
}

#[test]
fn two_rows_that_swap_their_codes_lose_none() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    take(
        &mut store,
        vec![("1", is("A", "pan")), ("2", is("B", "sal"))],
        ScanPart::No,
    );
    take(&mut store, vec![("1", is("B", "pan"))], ScanPart::No);
    take(&mut store, vec![("2", is("A", "sal"))], ScanPart::No);
    cloud.drain(&mut store);
    assert_eq!(cloud.names(), ["product A", "product B"]);
    take(
        &mut store,
        vec![("1", is("A", "pan")), ("2", is("B", "sal"))],
        ScanPart::No,
    );
    cloud.drain(&mut store);
    assert_eq!(cloud.names(), ["product A", "product B"]);
    assert!(cloud.records[&(EntityKind::Product, "A".to_owned())].contains("pan"));
}

#[test]
fn a_rejected_record_keeps_its_old_value_in_the_cloud_until_it_is_mended() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    let good = |amount| Row::Is(vec![product("1", "pan"), price("1|a", "1", amount)]);
    let bad = || {
        Row::Bad(
            vec![product("1", "pan")],
            vec![rejected("1", EntityKind::Price)],
        )
    };
    take(&mut store, vec![("1", good(5))], ScanPart::No);
    take(&mut store, vec![("1", bad())], ScanPart::No);
    cloud.drain(&mut store);
    assert_eq!(cloud.names(), ["product 1", "price 1|a"]);
    assert!(cloud.rejects.contains("1"));
    let jobs = cloud.jobs;
    take(&mut store, vec![("1", bad())], ScanPart::No);
    cloud.drain(&mut store);
    assert_eq!(cloud.jobs, jobs, "the same reject is said once");
    take(&mut store, vec![("1", good(6))], ScanPart::No);
    cloud.drain(&mut store);
    assert!(cloud.rejects.is_empty());
    assert!(cloud.records[&(EntityKind::Price, "1|a".to_owned())].contains("\"6\""));
}

#[test]
fn a_replay_says_a_reject_again() {
    let (_dir, mut store) = store();
    let bad = || {
        vec![(
            "1",
            Row::Bad(Vec::new(), vec![rejected("1", EntityKind::Product)]),
        )]
    };
    take(&mut store, bad(), ScanPart::No);
    let before = store.info().unwrap().batches;
    let mut again = commit(&mut store, bad(), ScanPart::No);
    again.reject_news = RejectNews::All;
    store.commit(&again).unwrap();
    assert_eq!(store.info().unwrap().batches, before + 1);
    let id = stream_id(&mut store);
    assert_eq!(store.rejected_keys(id).unwrap(), ["1"]);
}

#[test]
fn what_a_scan_did_not_bring_is_deleted_even_when_it_was_interrupted_by_a_crash() {
    let (dir, mut store) = store();
    let mut cloud = CloudModel::default();
    let rows = |keys: &[&'static str]| {
        keys.iter()
            .map(|key| (*key, is(key, key)))
            .collect::<Vec<_>>()
    };
    take(&mut store, rows(&["1", "2", "3", "4"]), ScanPart::First);
    let request = sweep(&mut store, NO_BRAKE);
    assert!(matches!(store.sweep(&request).unwrap(), Swept::Done(_)));
    take(&mut store, rows(&["1", "2"]), ScanPart::First);
    drop(store);
    let (mut store, _) = Store::open(dir.path()).unwrap();
    take(&mut store, rows(&["4", "5"]), ScanPart::Later);
    let request = sweep(&mut store, NO_BRAKE);
    assert!(matches!(store.sweep(&request).unwrap(), Swept::Done(_)));
    cloud.drain(&mut store);
    assert_eq!(
        cloud.names(),
        ["product 1", "product 2", "product 4", "product 5"]
    );
    let position = store.stream("pos", &stream_name(), RULES).unwrap();
    assert_eq!(position.cursor, Some(cursor("the end")));
    assert!(!position.scanning);
    assert_eq!(position.rows, 4);
}

#[test]
fn an_empty_scan_trips_the_brake_until_a_person_confirms() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    let names: Vec<String> = (0..100).map(|n| format!("{n:03}")).collect();
    let all = || {
        names
            .iter()
            .map(|name| (name.as_str(), is(name, name)))
            .collect::<Vec<_>>()
    };
    take(&mut store, all(), ScanPart::First);
    let request = sweep(&mut store, DeleteBrake::default());
    assert!(matches!(store.sweep(&request).unwrap(), Swept::Done(_)));
    take(&mut store, vec![("000", is("000", "000"))], ScanPart::First);
    let braked = store.sweep(&request).unwrap();
    assert!(
        matches!(
            braked,
            Swept::Braked {
                gone: 99,
                known: 100
            }
        ),
        "{braked:?}"
    );
    cloud.drain(&mut store);
    assert_eq!(cloud.records.len(), 100, "nothing was deleted");

    // A scan that finds everything again lets go by itself, and a confirmation without need changes nothing.
    take(&mut store, all(), ScanPart::First);
    let id = stream_id(&mut store);
    store.confirm_deletes(id).unwrap();
    assert!(matches!(store.sweep(&request).unwrap(), Swept::Done(_)));
    take(&mut store, vec![("000", is("000", "000"))], ScanPart::First);
    assert!(matches!(
        store.sweep(&request).unwrap(),
        Swept::Braked { .. }
    ));
    store.confirm_deletes(id).unwrap();
    assert!(matches!(store.sweep(&request).unwrap(), Swept::Done(_)));
    cloud.drain(&mut store);
    assert_eq!(cloud.names(), ["product 000"]);
}

#[test]
fn a_mark_is_kept_with_its_batch_for_good() {
    let (dir, mut store) = store();
    let mut marked = commit(&mut store, vec![("1", is("1", "pan"))], ScanPart::No);
    marked.mark = Some("sha256:abc".to_owned());
    store.commit(&marked).unwrap();
    let id = stream_id(&mut store);
    store.close();
    let (spool, opened) = fluxion_agent::spool::Spool::open(dir.path()).unwrap();
    assert_eq!(opened, Opened::Sound);
    let marks = spool.marks(id).unwrap();
    assert!(marks.contains("sha256:abc"));
    assert!(!marks.contains("sha256:other"));
    spool.close();
}

#[test]
fn a_new_life_sends_everything_again_and_still_knows_what_to_delete() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    take(
        &mut store,
        vec![("1", is("1", "pan")), ("2", is("2", "sal"))],
        ScanPart::First,
    );
    cloud.drain(&mut store);
    take(&mut store, vec![("3", is("3", "ron"))], ScanPart::Later);
    let stale = commit(&mut store, vec![("4", is("4", "té"))], ScanPart::Later);
    let old = store.info().unwrap();
    let epoch = store.begin_new_life().unwrap();
    assert_ne!(epoch, old.epoch);
    assert!(
        matches!(store.commit(&stale), Err(SpoolError::NewLife)),
        "cursors of the old life are void"
    );
    let first = store.next_batch(0).unwrap().unwrap();
    assert_eq!(
        (first.seq, first.epoch),
        (BatchSeq(1), epoch),
        "what waits is kept and numbered anew"
    );
    assert_eq!(
        store.stream("pos", &stream_name(), RULES).unwrap().cursor,
        None
    );
    take(
        &mut store,
        vec![("1", is("1", "pan")), ("3", is("3", "ron"))],
        ScanPart::First,
    );
    let request = sweep(&mut store, NO_BRAKE);
    store.sweep(&request).unwrap();
    let puts = cloud.puts;
    cloud.drain(&mut store);
    assert_eq!(cloud.puts, puts + 3, "the waiting one and both rows");
    assert_eq!(cloud.names(), ["product 1", "product 3"]);
}

#[test]
fn a_damaged_file_is_kept_aside_and_a_new_life_begins() {
    let (dir, mut store) = store();
    take(&mut store, vec![("1", is("1", "pan"))], ScanPart::No);
    let epoch = store.info().unwrap().epoch;
    store.close();
    let file = dir.path().join(fluxion_agent::spool::FILE_NAME);
    std::fs::write(&file, vec![0x5a; 40_000]).unwrap();
    let (store, opened) = Store::open(dir.path()).unwrap();
    let Opened::Replaced { kept } = opened else {
        panic!("{opened:?}")
    };
    assert!(kept.exists());
    assert_ne!(store.info().unwrap().epoch, epoch);
    assert_eq!(store.info().unwrap().batches, 0);
}

#[test]
fn a_delivery_in_parts_keeps_the_order_of_those_behind_it() {
    let (_dir, mut store) = store();
    for name in ["a", "b", "c"] {
        take(&mut store, vec![(name, is(name, name))], ScanPart::No);
    }
    let first = store.next_batch(0).unwrap().unwrap();
    let lines = first.lines().unwrap();
    let parts: Vec<Part> = lines
        .iter()
        .map(|line| Part::pack(std::slice::from_ref(line)).unwrap())
        .collect();
    store.replace_batch(&first, &parts).unwrap();
    let mut seqs = Vec::new();
    let mut after = 0;
    while let Some(batch) = store.next_batch(after).unwrap() {
        after = batch.seq.0;
        seqs.push(after);
    }
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert_eq!(store.info().unwrap().last_seq, Some(BatchSeq(4)));
    let mut cloud = CloudModel::default();
    cloud.drain(&mut store);
    assert_eq!(cloud.names(), ["product a", "product b", "product c"]);
}

#[test]
fn a_job_that_must_be_reported_is_a_delivery_of_its_own() {
    let (_dir, mut store) = store();
    let mut report = commit(&mut store, Vec::new(), ScanPart::No);
    store.commit(&report).unwrap();
    assert_eq!(store.info().unwrap().batches, 0);
    report.report = ReportNeed::Always;
    store.commit(&report).unwrap();
    assert_eq!(store.info().unwrap().batches, 1);
    assert_eq!(
        store.stream("pos", &stream_name(), RULES).unwrap().job,
        Some(report.job)
    );
}

#[test]
fn the_same_key_twice_in_one_batch_ends_as_the_later_one() {
    let (_dir, mut store) = store();
    let mut cloud = CloudModel::default();
    take(
        &mut store,
        vec![("1", is("1", "old")), ("1", is("1", "new"))],
        ScanPart::First,
    );
    take(
        &mut store,
        vec![("1", Row::Gone), ("1", is("1", "back"))],
        ScanPart::Later,
    );
    cloud.drain(&mut store);
    assert!(cloud.records[&(EntityKind::Product, "1".to_owned())].contains("back"));
}

#[test]
fn a_large_batch_becomes_several_deliveries() {
    let (_dir, mut store) = store();
    let keys: Vec<String> = (0..9_000).map(|n| format!("{n:05}")).collect();
    let long = "x".repeat(800);
    let rows = keys
        .iter()
        .map(|key| (key.as_str(), is(key, &long)))
        .collect();
    take(&mut store, rows, ScanPart::First);
    assert!(store.info().unwrap().batches >= 2);
    let mut cloud = CloudModel::default();
    cloud.drain(&mut store);
    assert_eq!(cloud.records.len(), 9_000);
}
