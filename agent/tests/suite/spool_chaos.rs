//! Random edits, crashes, duplicates and new lives: in the end the cloud equals the POS. Prints its seed.

use std::collections::BTreeMap;

use fluxion_agent::spool::{Store, Swept};
use fluxion_connectors::ScanPart;
use fluxion_model::id::BatchSeq;

use crate::rows::*;

/// Enough chance for a test, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// The POS: rows by key, each with a code that only one row has at a time.
struct Pos {
    rows: BTreeMap<String, (String, u64)>,
    next: u64,
}

impl Pos {
    fn edit(&mut self, dice: &mut Dice) -> Vec<String> {
        let keys: Vec<String> = self.rows.keys().cloned().collect();
        let any = |dice: &mut Dice| keys[dice.roll(keys.len() as u64) as usize].clone();
        match dice.roll(5) {
            0 | 1 => {
                self.next += 1;
                let key = format!("{:04}", self.next);
                self.rows
                    .insert(key.clone(), (format!("C{}", self.next), self.next));
                vec![key]
            }
            2 if !keys.is_empty() => {
                let key = any(dice);
                self.rows.remove(&key);
                vec![key]
            }
            3 if keys.len() > 1 => {
                let (a, b) = (any(dice), any(dice));
                let (code_a, code_b) = (self.rows[&a].0.clone(), self.rows[&b].0.clone());
                if let Some(row) = self.rows.get_mut(&a) {
                    row.0 = code_b;
                }
                if a != b
                    && let Some(row) = self.rows.get_mut(&b)
                {
                    row.0 = code_a;
                }
                vec![a, b]
            }
            _ if !keys.is_empty() => {
                let key = any(dice);
                if let Some(row) = self.rows.get_mut(&key) {
                    row.1 += 1;
                }
                vec![key]
            }
            _ => Vec::new(),
        }
    }

    fn row(&self, key: &str) -> Row {
        match self.rows.get(key) {
            None => Row::Gone,
            Some((code, value)) => {
                let mut records = vec![product(code, &format!("name {value}"))];
                // Some rows make a second record, and stop making it.
                if value % 3 != 0 {
                    records.push(price(&format!("{code}|list"), code, *value as u32));
                }
                Row::Is(records)
            }
        }
    }

    fn expected(&self) -> CloudModel {
        let mut cloud = CloudModel::default();
        for key in self.rows.keys() {
            let prepared = prepared(vec![(key.as_str(), self.row(key))]);
            let lines: Vec<Vec<u8>> = prepared
                .records
                .iter()
                .map(|r| prepared.line(r.line).to_vec())
                .collect();
            cloud.apply(&lines);
        }
        cloud
    }
}

/// Delivers some of what waits, now and then twice, now and then losing the answer.
fn deliver(
    store: &mut Store,
    cloud: &mut CloudModel,
    applied: &mut (String, u64),
    dice: &mut Dice,
) {
    for _ in 0..dice.roll(4) {
        let first = store.first_waiting().unwrap();
        let Some(batch) = store.next_batch(first.saturating_sub(1)).unwrap() else {
            return;
        };
        let epoch = batch.epoch.to_string();
        if applied.0 != epoch {
            *applied = (epoch, 0);
        }
        if batch.seq.0 > applied.1 {
            assert_eq!(batch.seq.0, applied.1 + 1, "the spool numbers without gaps");
            cloud.apply(&batch.lines().unwrap());
            applied.1 = batch.seq.0;
        }
        if dice.roll(4) > 0 {
            store.forget(BatchSeq(batch.seq.0), batch.epoch).unwrap();
        }
    }
}

/// A whole scan in chunks, edits and crashes in between; `calm` means none of that.
fn scan(
    dir: &std::path::Path,
    mut store: Store,
    pos: &mut Pos,
    dice: &mut Dice,
    calm: bool,
) -> (Store, bool) {
    let mut part = ScanPart::First;
    let mut after = String::new();
    loop {
        let size = 1 + dice.roll(7) as usize;
        let keys: Vec<String> = pos
            .rows
            .range(after.clone()..)
            .map(|(k, _)| k.clone())
            .filter(|k| *k > after)
            .take(size)
            .collect();
        if keys.is_empty() && part == ScanPart::Later {
            break;
        }
        let rows = keys
            .iter()
            .map(|key| (key.as_str(), pos.row(key)))
            .collect();
        let request = commit(&mut store, rows, part);
        match dice.roll(if calm { u64::MAX } else { 12 }) {
            // Cut off before the commit: the same page is read again.
            0 => {
                store = reopen(dir, store);
                continue;
            }
            // Cut off after it.
            1 => {
                store.commit(&request).unwrap();
                store = reopen(dir, store);
            }
            2 => {
                store.begin_new_life().unwrap();
                return (store, false);
            }
            3 => {
                store.commit(&request).unwrap();
                // A live change beside the scan.
                let touched = pos.edit(dice);
                let rows = touched
                    .iter()
                    .map(|key| (key.as_str(), pos.row(key)))
                    .collect();
                let live = commit(&mut store, rows, ScanPart::No);
                store.commit(&live).unwrap();
            }
            _ => {
                store.commit(&request).unwrap();
            }
        }
        part = ScanPart::Later;
        if let Some(last) = keys.last() {
            after = last.clone();
        }
    }
    let request = sweep(&mut store, NO_BRAKE);
    loop {
        match store.sweep(&request).unwrap() {
            Swept::More(_) => {}
            Swept::Done(_) => return (store, true),
            other => panic!("{other:?}"),
        }
    }
}

fn reopen(dir: &std::path::Path, store: Store) -> Store {
    drop(store);
    Store::open(dir).unwrap().0
}

#[test]
fn after_any_run_of_edits_crashes_and_duplicates_the_cloud_equals_the_pos() {
    let runs = std::env::var("FLUXION_CHAOS_RUNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(12_u64);
    for seed in 1..=runs {
        println!("seed {seed}");
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap().0;
        let mut pos = Pos {
            rows: BTreeMap::new(),
            next: 0,
        };
        let mut cloud = CloudModel::default();
        let mut applied = (String::new(), 0);
        for _ in 0..25 {
            for _ in 0..dice.roll(6) {
                pos.edit(&mut dice);
            }
            (store, _) = scan(dir.path(), store, &mut pos, &mut dice, false);
            deliver(&mut store, &mut cloud, &mut applied, &mut dice);
        }
        let (mut store, whole) = scan(dir.path(), store, &mut pos, &mut dice, true);
        assert!(whole);
        while store.info().unwrap().batches > 0 {
            deliver(&mut store, &mut cloud, &mut applied, &mut dice);
        }
        assert_eq!(cloud.records, pos.expected().records, "seed {seed}");
    }
}
