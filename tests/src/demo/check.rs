//! Compares what a POS holds with what the cloud holds: counts, sums, and every field of every record.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use fluxion_model::entity::{EntityKind, Record};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, Reject};
use super::narrate::thousands;
use super::table::Table;
use crate::sim::truth::Truth;

/// How many differences are shown.
const SHOWN: usize = 20;

/// What the comparison found so far.
#[derive(Debug)]
pub struct Comparison {
    table: Table,
    differences: Vec<String>,
    /// Differences beyond those that are kept.
    more: usize,
    records: usize,
}

impl Default for Comparison {
    fn default() -> Self {
        let header = [
            "store",
            "entity",
            "POS",
            "cloud",
            "POS sum",
            "cloud sum",
            "differ",
            "missing",
            "extra",
        ];
        Self {
            table: Table::new(2, &header),
            differences: Vec::new(),
            more: 0,
            records: 0,
        }
    }
}

impl Comparison {
    /// Whether both sides agree in everything.
    #[must_use]
    pub fn equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// How many records were compared.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// Table and first differences, for a person.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.table.to_string();
        for difference in self.differences.iter().take(SHOWN) {
            text.push_str(&format!("\n  DIFFERENCE {difference}"));
        }
        let unseen = self.differences.len().saturating_sub(SHOWN) + self.more;
        if unseen > 0 {
            text.push_str(&format!("\n  … and {} more", thousands(unseen)));
        }
        text
    }

    fn differ(&mut self, text: String) {
        if self.differences.len() < 10 * SHOWN {
            self.differences.push(text)
        } else {
            self.more += 1
        }
    }

    /// Compares every kind of record of one POS system, and its rejects.
    ///
    /// # Errors
    /// When the cloud cannot be read.
    pub async fn pos(
        &mut self,
        api: &Api,
        store: &str,
        pos_system: &str,
        truth: &Truth,
    ) -> Result<()> {
        let none = BTreeMap::new();
        for &kind in EntityKind::ALL {
            let cloud = api.records(kind, pos_system).await?;
            let pos = truth.records.get(&kind).unwrap_or(&none);
            if !pos.is_empty() || !cloud.is_empty() {
                self.kind(store, kind, pos, &cloud);
            }
        }
        let rejects: Vec<Reject> = api
            .all(&format!("/v1/rejects?status=open&pos_system={pos_system}"))
            .await?;
        self.rejects(store, &truth.rejects, &rejects);
        Ok(())
    }

    fn kind(
        &mut self,
        store: &str,
        kind: EntityKind,
        pos: &BTreeMap<String, Record>,
        cloud: &BTreeMap<String, Record>,
    ) {
        let (mut differ, mut missing, mut extra) = (0, 0, 0);
        for (id, expected) in pos {
            match cloud.get(id) {
                None => {
                    missing += 1;
                    self.differ(format!(
                        "{store}: {kind} {id} is at the POS and not in the cloud"
                    ));
                }
                Some(actual) if !says_the_same(expected, actual) => {
                    differ += 1;
                    self.differ(format!(
                        "{store}: {kind} {id}: {}",
                        first_difference(expected, actual)
                    ));
                }
                Some(_) => {}
            }
        }
        for id in cloud.keys().filter(|id| !pos.contains_key(*id)) {
            extra += 1;
            self.differ(format!(
                "{store}: {kind} {id} is in the cloud and not at the POS"
            ));
        }
        self.records += pos.len().max(cloud.len());
        let figures = [pos.len(), cloud.len()].map(thousands);
        let sums =
            [sum(pos), sum(cloud)].map(|sum| sum.map(|sum| sum.to_string()).unwrap_or_default());
        let faults = [differ, missing, extra].map(thousands);
        let words = [store.to_owned(), kind.to_string()];
        self.table
            .row(words.into_iter().chain(figures).chain(sums).chain(faults));
    }

    fn rejects(
        &mut self,
        store: &str,
        expected: &BTreeSet<(EntityKind, String)>,
        actual: &[Reject],
    ) {
        let name = |reject: &Reject| {
            (
                reject.entity,
                reject
                    .external_id
                    .clone()
                    .unwrap_or_else(|| reject.key.clone()),
            )
        };
        let found: BTreeSet<_> = actual.iter().map(name).collect();
        let missing: Vec<_> = expected.difference(&found).collect();
        let extra: Vec<_> = actual
            .iter()
            .filter(|reject| !expected.contains(&name(reject)))
            .collect();
        for (kind, id) in &missing {
            self.differ(format!("{store}: the bad {kind} {id} was not rejected"));
        }
        for reject in &extra {
            let Reject {
                entity,
                key,
                field,
                rule,
                raw,
                message,
                ..
            } = reject;
            let field = field.clone().unwrap_or_default();
            let raw = raw.clone().unwrap_or_default();
            self.differ(format!("{store}: {entity} {key} was rejected and should not be: {field} {rule} {raw:?}: {message}"));
        }
        let empty = String::new;
        let faults = [0, missing.len(), extra.len()].map(thousands);
        let figures = [expected.len(), found.len()].map(thousands);
        let words = [store.to_owned(), "rejects".to_owned()];
        self.table.row(
            words
                .into_iter()
                .chain(figures)
                .chain([empty(), empty()])
                .chain(faults),
        );
    }

    /// Compares the unified inventory with the sum over all stores: one product per SKU, with the units of each.
    ///
    /// # Errors
    /// When the cloud cannot be read.
    pub async fn inventory(&mut self, api: &Api, truths: &[&Truth]) -> Result<()> {
        let expected = unified(truths);
        let products: Vec<Unified> = api.all("/v1/products").await?;
        let mut actual = BTreeMap::new();
        for product in products {
            if actual
                .insert(product.sku.clone(), product.on_hand)
                .is_some()
            {
                self.differ(format!(
                    "unified: there are two products with SKU {}",
                    product.sku
                ));
            }
        }
        let (mut differ, mut missing, mut extra) = (0, 0, 0);
        for (sku, units) in &expected {
            match actual.get(sku) {
                None => {
                    missing += 1;
                    self.differ(format!("unified: SKU {sku} is missing"));
                }
                Some(found) if found != units => {
                    differ += 1;
                    self.differ(format!(
                        "unified: SKU {sku}: on_hand should be {units} and is {found}"
                    ));
                }
                Some(_) => {}
            }
        }
        for sku in actual.keys().filter(|sku| !expected.contains_key(*sku)) {
            extra += 1;
            self.differ(format!("unified: SKU {sku} should not be there"));
        }
        let figures = [expected.len(), actual.len()].map(thousands);
        let sums = [expected.values().sum::<Decimal>(), actual.values().sum()]
            .map(|sum| sum.normalize().to_string());
        let faults = [differ, missing, extra].map(thousands);
        let words = ["all stores".to_owned(), "unified product".to_owned()];
        self.table
            .row(words.into_iter().chain(figures).chain(sums).chain(faults));
        Ok(())
    }
}

/// Whether both agree in every field. When the POS touched a record and changed nothing, the cloud keeps the time before.
fn says_the_same(pos: &Record, cloud: &Record) -> bool {
    let mut pos = pos.clone();
    let mut cloud = cloud.clone();
    let times = pos.updated_at_mut().zip(cloud.updated_at_mut());
    if let Some((touched, known)) = times
        && known.is_some()
        && *known < *touched
    {
        *known = *touched;
    }
    pos == cloud
}

/// `GET /v1/products`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Unified {
    sku: String,
    on_hand: Decimal,
}

fn unified(truths: &[&Truth]) -> BTreeMap<String, Decimal> {
    let mut sums = BTreeMap::new();
    for truth in truths {
        let mut sku_of = BTreeMap::new();
        for record in truth
            .records
            .get(&EntityKind::Product)
            .into_iter()
            .flat_map(BTreeMap::values)
        {
            if let Record::Product(product) = record {
                sku_of.insert(product.id.as_str(), product.sku.clone());
                sums.entry(product.sku.clone()).or_insert(Decimal::ZERO);
            }
        }
        for record in truth
            .records
            .get(&EntityKind::StockLevel)
            .into_iter()
            .flat_map(BTreeMap::values)
        {
            if let Record::StockLevel(level) = record
                && let Some(sku) = sku_of.get(level.product.as_str())
            {
                *sums.entry(sku.clone()).or_default() += level.on_hand;
            }
        }
    }
    sums
}

/// The sum of what there is to add up, where there is something.
fn sum(records: &BTreeMap<String, Record>) -> Option<Decimal> {
    let amounts = records.values().filter_map(|record| match record {
        Record::Price(price) => Some(price.amount),
        Record::StockLevel(level) => Some(level.on_hand),
        Record::Sale(sale) => Some(sale.total),
        Record::StockMovement(movement) => Some(movement.quantity),
        Record::AccountPayment(payment) => Some(payment.amount),
        Record::Location(_)
        | Record::Category(_)
        | Record::Supplier(_)
        | Record::Customer(_)
        | Record::Product(_)
        | Record::CashSession(_) => None,
    });
    amounts.reduce(|a, b| a + b).map(|sum| sum.normalize())
}

/// The first field that is not the same, with both its values.
fn first_difference(expected: &Record, actual: &Record) -> String {
    let whole = || format!("POS {expected:?}, cloud {actual:?}");
    let (Ok(a), Ok(b)) = (serde_json::to_value(expected), serde_json::to_value(actual)) else {
        return whole();
    };
    let kind = expected.kind().as_str();
    let fields: BTreeSet<&String> = [&a, &b]
        .into_iter()
        .filter_map(|v| v[kind].as_object())
        .flat_map(|o| o.keys())
        .collect();
    let same = |x: &Value, y: &Value| x == y || decimal(x).is_some_and(|x| Some(x) == decimal(y));
    let field = fields
        .into_iter()
        .find(|field| !same(&a[kind][*field], &b[kind][*field]));
    field.map_or_else(whole, |field| {
        format!("{field}: POS {}, cloud {}", a[kind][field], b[kind][field])
    })
}

fn decimal(value: &Value) -> Option<Decimal> {
    value.as_str()?.parse().ok()
}

/// The id of each POS system, by store.
///
/// # Errors
/// When the cloud cannot be read.
pub async fn pos_systems(api: &Api) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct PosSystem {
        id: String,
        store_id: String,
    }
    let systems: Vec<PosSystem> = api
        .all("/v1/pos-systems")
        .await
        .context("could not list the POS systems")?;
    Ok(systems
        .into_iter()
        .map(|system| (system.store_id, system.id))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::export::{ExportPos, Terms};

    fn truth() -> Truth {
        let terms = Terms {
            currency: "USD".parse().unwrap(),
            rate: Decimal::ONE,
            series: "T",
        };
        let mut pos = ExportPos::new(1, terms, 5, 100, crate::sim::caracas_now());
        pos.export_products().unwrap();
        pos.truth
    }

    #[test]
    fn equal_sides_are_equal_and_a_changed_price_is_named() {
        let pos = truth();
        let prices = &pos.records[&EntityKind::Price];
        let mut comparison = Comparison::default();
        comparison.kind("A", EntityKind::Price, prices, prices);
        assert!(comparison.equal());

        let mut cloud = prices.clone();
        if let Some(Record::Price(price)) = cloud.get_mut("000003") {
            price.amount += Decimal::ONE;
        }
        cloud.remove("000004");
        comparison.kind("A", EntityKind::Price, prices, &cloud);
        assert!(!comparison.equal());
        let report = comparison.report();
        assert!(
            report.contains("price 000003: amount:") && report.contains("000004 is at the POS"),
            "{report}"
        );
    }

    #[test]
    fn a_bad_row_keeps_its_old_value_and_is_expected_as_a_reject() {
        let terms = Terms {
            currency: "VES".parse().unwrap(),
            rate: Decimal::TEN,
            series: "T",
        };
        let mut pos = ExportPos::new(1, terms, 30, 100, crate::sim::caracas_now());
        pos.export_products().unwrap();
        let before = pos.truth.records.clone();
        let code = pos.spoil();
        pos.export_products().unwrap();
        assert_eq!(pos.truth.records, before);
        assert!(
            pos.truth.rejects.iter().all(|(_, id)| *id == code) && !pos.truth.rejects.is_empty()
        );
        pos.mend();
        pos.export_products().unwrap();
        assert!(pos.truth.rejects.is_empty());
    }
}
