//! `duplicate_sku`: two truths about one SKU.
//!
//! * *same POS*: two live rows of one POS claim one SKU.
//! * *barcodes*: stores agree on a product's SKU, but their worldwide barcodes have nothing in common, so they may well
//!   sell different things under one number.
//!
//! A conflict is open once per subject and closes by itself when the contradiction is gone. After a person has decided,
//! it is raised again only on other evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::money::{Currency, MAX_UNITS, from_millionths};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Stamp;
use super::products::{ProductView, Source};
use super::tables;
use crate::database::bulk::{Cell, Rows};

/// How many contested rows a conflict shows; it counts them all.
const SHOWN: usize = 20;

/// A source row in a contradiction, with what a person needs to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    /// Its POS.
    pub pos_system: Uuid,
    /// Its identity there.
    pub external_id: String,
    /// Its SKU.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// Its barcodes.
    pub barcodes: Vec<String>,
    /// Since when it is known.
    pub since: DateTime<Utc>,
}

impl Contested {
    fn of(source: &Source<'_>) -> Self {
        Self {
            pos_system: source.pos_system,
            external_id: source.external_id.to_owned(),
            sku: source.record.sku.clone(),
            name: source.record.name.clone(),
            barcodes: source.record.barcodes.clone(),
            since: source.created_at,
        }
    }
}

/// A contradiction that holds now.
#[derive(Debug)]
pub struct Contradiction {
    /// What it is about; one is open at most.
    pub subject: String,
    /// A digest of what it rests on.
    pub evidence: String,
    /// The product it is shown with.
    pub product: Uuid,
    /// `same_pos` or `barcodes`.
    pub reason: &'static str,
    /// The rows that contradict each other, oldest first.
    pub rows: Vec<Contested>,
}

/// A conflict that the database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldConflict {
    /// Its identity.
    pub id: Uuid,
    /// What it is about.
    pub subject: String,
    /// What it rested on.
    pub evidence: String,
    /// `open`, `resolved` or `closed`.
    pub status: String,
}

/// What a source row is worth at its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// Units on hand, millionths.
    pub on_hand: i64,
    /// Price of one, millionths.
    pub price: i64,
    /// In this currency.
    pub currency: Currency,
}

/// What is contradictory among these products.
#[must_use]
pub fn find(views: &[ProductView<'_>]) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut claims: BTreeMap<(Uuid, &str), Vec<(Uuid, &Source<'_>)>> = BTreeMap::new();
    for view in views {
        for source in &view.sources {
            claims
                .entry((source.pos_system, source.record.sku.as_str()))
                .or_default()
                .push((view.id, source));
        }
        if let Some(contradiction) = barcodes(view) {
            found.push(contradiction);
        }
    }
    for ((pos_system, sku), mut rows) in claims.into_iter().filter(|(_, rows)| rows.len() > 1) {
        rows.sort_by_key(|(_, source)| (source.created_at, source.external_id));
        let evidence = digest(rows.iter().map(|(_, source)| source.external_id));
        found.push(Contradiction {
            subject: format!("same_pos/{pos_system}/{sku}"),
            evidence,
            product: rows[0].0,
            reason: "same_pos",
            rows: rows
                .into_iter()
                .map(|(_, source)| Contested::of(source))
                .collect(),
        });
    }
    found
}

/// Stores whose worldwide barcodes for one product have nothing in common.
fn barcodes(view: &ProductView<'_>) -> Option<Contradiction> {
    let mut by_pos: BTreeMap<Uuid, BTreeSet<&str>> = BTreeMap::new();
    for source in &view.sources {
        by_pos
            .entry(source.pos_system)
            .or_default()
            .extend(source.worldwide());
    }
    by_pos.retain(|_, codes| !codes.is_empty());
    let sets: Vec<&BTreeSet<&str>> = by_pos.values().collect();
    let contradict = sets
        .iter()
        .enumerate()
        .any(|(index, a)| sets[..index].iter().any(|b| a.is_disjoint(b)));
    if !contradict {
        return None;
    }
    let contested = view
        .sources
        .iter()
        .filter(|source| source.worldwide().next().is_some());
    let rows = contested.map(Contested::of).collect();
    let evidence = digest(by_pos.iter().flat_map(|(pos, codes)| {
        std::iter::once(pos.to_string()).chain(codes.iter().map(|code| (*code).to_owned()))
    }));
    Some(Contradiction {
        subject: format!("barcodes/{}", view.id),
        evidence,
        product: view.id,
        reason: "barcodes",
        rows,
    })
}

fn digest(parts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_ref().as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What to open, what to bring up to date, and what to close.
#[derive(Debug, Default)]
pub struct Settlement {
    /// New conflicts.
    pub open: Vec<Contradiction>,
    /// Open conflicts that no longer hold, or hold on other evidence and are opened anew.
    pub close: Vec<Uuid>,
}

/// Compares what holds with what the database holds about the same products and subjects.
#[must_use]
pub fn settle(found: Vec<Contradiction>, held: &[HeldConflict]) -> Settlement {
    let mut settlement = Settlement::default();
    let standing: HashMap<&str, &str> = found
        .iter()
        .map(|found| (found.subject.as_str(), found.evidence.as_str()))
        .collect();
    for conflict in held.iter().filter(|conflict| conflict.status == "open") {
        if standing.get(conflict.subject.as_str()) != Some(&conflict.evidence.as_str()) {
            settlement.close.push(conflict.id);
        }
    }
    // What is open stays open, and what a person has decided on is not asked again.
    let known: HashSet<(&str, &str)> = held
        .iter()
        .filter(|held| held.status != "closed")
        .map(|held| (held.subject.as_str(), held.evidence.as_str()))
        .collect();
    settlement.open = found
        .into_iter()
        .filter(|found| !known.contains(&(found.subject.as_str(), found.evidence.as_str())))
        .collect();
    settlement
}

/// The rows of conflicts to open. `worth` knows contested rows by (POS, external id).
#[must_use]
pub fn rows<'a>(
    open: &[Contradiction],
    worth: &HashMap<(Uuid, String), Worth>,
    stamp: &Stamp,
) -> Rows<'a> {
    let mut rows = Rows::new(&tables::SYNC_CONFLICTS);
    for contradiction in open {
        let (impact, currency) = impact(contradiction, worth).unzip();
        let first = &contradiction.rows[0];
        let pos_data: Vec<Value> = contradiction
            .rows
            .iter()
            .take(SHOWN)
            .map(|source| shown(source, worth))
            .collect();
        let fluxion_data = json!({
            "product_id": contradiction.product,
            "sku": first.sku,
            "name": first.name,
            "reason": contradiction.reason,
            "rows": contradiction.rows.len(),
        });
        // The newest row is the one that brought the contradiction.
        let newest = contradiction.rows.last().map(|source| source.pos_system);
        rows.push([
            Cell::Uuid(stamp.tenant),
            Cell::Uuid(Uuid::now_v7()),
            newest.map_or(Cell::Null, Cell::Uuid),
            Cell::text("product"),
            Cell::Uuid(contradiction.product),
            Cell::text("duplicate_sku"),
            Cell::owned(Value::from(pos_data).to_string()),
            Cell::owned(fluxion_data.to_string()),
            Cell::Time(stamp.now),
            Cell::Time(stamp.now),
            Cell::text("open"),
            impact.map_or(Cell::Null, Cell::Amount),
            currency.map_or(Cell::Null, Cell::owned),
            Cell::owned(contradiction.subject.clone()),
            Cell::owned(contradiction.evidence.clone()),
        ]);
    }
    rows
}

fn shown(source: &Contested, worth: &HashMap<(Uuid, String), Worth>) -> Value {
    let worth = worth.get(&(source.pos_system, source.external_id.clone()));
    let units = |value: i64| from_millionths(value).to_string();
    json!({
        "pos_system_id": source.pos_system,
        "external_id": source.external_id,
        "sku": source.sku,
        "name": source.name,
        "barcodes": source.barcodes,
        "on_hand": worth.map(|worth| units(worth.on_hand)),
        "price": worth.map(|worth| units(worth.price)),
        "currency": worth.map(|worth| worth.currency.as_str()),
        "since": source.since,
    })
}

/// What is at stake: the stock, at its price, of the contested row that has the least of it. Rows priced in different
/// currencies are compared only with those of the first row's.
fn impact(
    contradiction: &Contradiction,
    worth: &HashMap<(Uuid, String), Worth>,
) -> Option<(i64, String)> {
    let known: Vec<&Worth> = contradiction
        .rows
        .iter()
        .filter_map(|source| worth.get(&(source.pos_system, source.external_id.clone())))
        .collect();
    let currency = known.first()?.currency;
    let values = known
        .iter()
        .filter(|worth| worth.currency == currency)
        .map(|worth| {
            let value = i128::from(worth.on_hand.max(0)) * i128::from(worth.price) / 1_000_000;
            i64::try_from(value)
                .unwrap_or(i64::MAX)
                .min(MAX_UNITS * 1_000_000)
        });
    Some((values.min()?, currency.to_string()))
}
