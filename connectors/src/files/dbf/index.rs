//! What must be known of a whole table before its first row can be given out: which lines belong to which document,
//! and which of several rows with one key counts. Both take a few bytes per record, and have a limit.

use std::collections::{HashMap, HashSet};

use fluxion_model::row::{Row, RowKey};
use fluxion_model::value::Value;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::plan::{LIVE, comparable, hash};
use super::tables::Opened;
use super::trouble::Trouble;

/// Lines of documents in one table: 8 bytes each.
const LINES: usize = 6_000_000;

/// Keys among which the newest row is looked for: some 50 bytes each.
const KEYS: usize = 600_000;

/// Lines in one document.
const LINES_PER_DOCUMENT: usize = 20_000;

/// The lower half of a key's hash; enough to find candidates, which are then compared.
pub(super) fn short(key: &RowKey) -> u32 {
    (hash(key) & u128::from(u32::MAX)) as u32
}

/// Which records of a child table belong to which parent.
#[derive(Default)]
pub(super) struct ChildIndex {
    /// Hash of the parent's key above, number of the record below; sorted.
    entries: Vec<u64>,
    pieces: Vec<(u32, u64)>,
    /// Hash of all records.
    pub digest: u128,
}

impl ChildIndex {
    pub fn build(opened: &mut Opened) -> Result<Self, Trouble> {
        let mut index = Self::default();
        index.refresh(opened, &mut HashSet::new())?;
        Ok(index)
    }

    /// Reads the table again. Returns whether it changed; the parents of what changed are added to `touched`.
    pub fn refresh(
        &mut self,
        opened: &mut Opened,
        touched: &mut HashSet<u32>,
    ) -> Result<bool, Trouble> {
        let mut fresh = Self::default();
        let mut digest = Xxh3::new();
        let size = opened.file.layout.record;
        let plan = opened.plan.clone();
        let mut changed: Vec<(u32, u32)> = Vec::new();
        let known = std::mem::take(&mut self.pieces);
        opened.pieces(|from, bytes| {
            digest.update(bytes);
            let piece = (from, xxh3_64(bytes));
            let is_known = known.get(fresh.pieces.len()) == Some(&piece);
            fresh.pieces.push(piece);
            let records = u32::try_from(bytes.len() / size).unwrap_or(u32::MAX);
            if !is_known {
                changed.push((from, from + records));
            }
            for (number, record) in (from..).zip(bytes.chunks_exact(size)) {
                if record[0] != LIVE || !plan.fits(record) {
                    continue;
                }
                // A line without a parent's key belongs to nobody.
                if let Ok(key) = plan.key_of(record) {
                    fresh
                        .entries
                        .push(u64::from(short(&key)) << 32 | u64::from(number));
                }
            }
            if fresh.entries.len() > LINES {
                return Err(too_many(&plan.name, LINES, "lines of documents"));
            }
            Ok(())
        })?;
        fresh.entries.sort_unstable();
        fresh.digest = digest.digest128();
        let end = fresh.pieces.last().map_or(0, |(from, _)| *from);
        let is_shorter = known.len() > fresh.pieces.len();
        let is_touched = |entry: &&u64| {
            let number = **entry as u32;
            (is_shorter && number >= end)
                || changed
                    .iter()
                    .any(|(from, to)| (*from..*to).contains(&number))
        };
        let has_changed = is_shorter || !changed.is_empty();
        if has_changed {
            let old_and_new = self.entries.iter().chain(&fresh.entries);
            touched.extend(
                old_and_new
                    .filter(is_touched)
                    .map(|entry| (*entry >> 32) as u32),
            );
        }
        *self = fresh;
        Ok(has_changed)
    }

    /// The rows of a parent, in their order.
    pub fn rows(&self, opened: &mut Opened, parent: &RowKey) -> Result<Vec<Row>, Trouble> {
        let wanted = u64::from(short(parent)) << 32;
        let from = self.entries.partition_point(|entry| *entry < wanted);
        let candidates = self.entries[from..]
            .iter()
            .take_while(|entry| **entry >> 32 == wanted >> 32);
        let mut rows: Vec<Row> = Vec::new();
        for number in candidates.map(|entry| *entry as u32) {
            let Some(record) = opened.record(number)?.map(<[u8]>::to_vec) else {
                continue;
            };
            let (plan, memo) = opened.decoder();
            let is_ours = record[0] == LIVE
                && plan.fits(&record)
                && plan.key_of(&record).is_ok_and(|key| key == *parent);
            if !is_ours {
                continue;
            }
            if rows.len() == LINES_PER_DOCUMENT {
                return Err(too_many(
                    &plan.name,
                    LINES_PER_DOCUMENT,
                    "lines in one document",
                ));
            }
            rows.push(Row {
                values: plan.values(&record, memo),
                children: Vec::new(),
                position: Some(u64::from(number) + 1),
            });
        }
        let order = &opened.plan.order;
        if !order.is_empty() {
            rows.sort_by(|a, b| by(order, &a.values, &b.values));
        }
        Ok(rows)
    }
}

fn by(order: &[usize], a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    order
        .iter()
        .map(|at| comparable(&a[*at]).order(&comparable(&b[*at])))
        .find(|order| order.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}

fn too_many(table: &str, limit: usize, what: &str) -> Trouble {
    Trouble::Unsupported {
        table: table.to_owned(),
        reason: format!(
            "it holds more than {limit} {what}, which is more than the agent holds in memory; let the POS archive old years, or narrow the mapping's `where`"
        ),
    }
}

/// Which record of a key is the newest.
#[derive(Default)]
pub(super) struct Newest(HashMap<u128, (i64, u32)>);

impl Newest {
    pub fn build(opened: &mut Opened) -> Result<Self, Trouble> {
        let size = opened.file.layout.record;
        let plan = opened.plan.clone();
        let mut newest: HashMap<u128, (i64, u32)> = HashMap::new();
        opened.pieces(|from, bytes| {
            for (number, record) in (from..).zip(bytes.chunks_exact(size)) {
                if record[0] != LIVE || !plan.fits(record) {
                    continue;
                }
                let Ok(key) = plan.key_of(record) else {
                    continue;
                };
                let age = plan.age(record);
                let held = newest.entry(hash(&key)).or_insert((age, number));
                if age >= held.0 {
                    *held = (age, number);
                }
            }
            if newest.len() > KEYS {
                return Err(too_many(&plan.name, KEYS, "keys"));
            }
            Ok(())
        })?;
        Ok(Self(newest))
    }

    pub fn is(&self, key: &RowKey, number: u32) -> bool {
        self.0
            .get(&hash(key))
            .is_some_and(|(_, newest)| *newest == number)
    }

    /// Adds the keys for which another record counts now.
    pub fn compare(&self, before: &Self, touched: &mut HashSet<u32>) {
        for (key, (_, number)) in &self.0 {
            if before.0.get(key).is_none_or(|(_, old)| old != number) {
                touched.insert((*key & u128::from(u32::MAX)) as u32);
            }
        }
    }
}
