//! Which product a source record is, and what that changes.
//!
//! Records of many stores meet in one product by the tenant's [`MatchRule`]:
//!
//! * `sku`: equal SKUs, exactly as the mapping leaves them (leading zeros and case count).
//! * `barcode`: a barcode in common that identifies a product worldwide ([`gtin`]); by SKU where a record has none.
//! * `both`: equal SKUs; where no product has the SKU, a worldwide barcode in common.
//!
//! A barcode never joins two live rows of one POS: whoever keeps two rows means two things. Of several products with
//! the SKU, the one that shares a barcode wins, then the oldest. A record stays where it is while its SKU and barcodes
//! stay; when they change it moves to the product that they name, if there is one, and leaves its old product when
//! that is still somebody else's. What a person pinned, matching leaves alone.
//!
//! A product shows the attributes of its primary source, the oldest one still there, so that stores that write a name
//! differently do not make it flicker. A product without sources is kept and marked as orphaned; it returns with its
//! SKU.

mod rows;
mod source;
mod world;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::entity::{Product, Record};

use super::facts::{Unfit, maybe};
use super::sorted::{Change, Put};
use super::tables;
use crate::database::bulk::Rows;
use crate::database::fleet::MatchRule;
use crate::ops::delivery::Refusal;
use crate::ops::gtin;

pub use source::Source;
pub use world::{Moved, decide, reassign};

/// The longest SKU or barcode, in bytes: what an index can hold with room to spare.
const CODE_MAX_BYTES: usize = 200;

/// A source record that the database holds.
#[derive(Debug, Clone)]
pub struct HeldSource {
    /// Its POS.
    pub pos_system: Uuid,
    /// Its identity there.
    pub external_id: String,
    /// The product it is.
    pub product: Uuid,
    /// Of its line.
    pub fingerprint: Uuid,
    /// Whether a person decided which product it is.
    pub pinned: bool,
    /// Since when it is known.
    pub created_at: DateTime<Utc>,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// As the POS sent it.
    pub record: Product,
}

/// A product that the database holds.
#[derive(Debug, Clone)]
pub struct HeldProduct {
    /// Its identity.
    pub id: Uuid,
    /// Its SKU.
    pub sku: String,
    /// Its primary source's POS.
    pub source_pos_system: Uuid,
    /// Its primary source's identity.
    pub source_external_id: String,
    /// Whether no POS has it.
    pub orphaned: bool,
    /// Since when it is known.
    pub created_at: DateTime<Utc>,
}

/// The changes of a delivery that change something, and what must be known to decide on them.
#[derive(Debug)]
pub struct Effective<'a> {
    changes: Vec<Change<'a>>,
    held: HashMap<&'a str, &'a HeldSource>,
}

impl<'a> Effective<'a> {
    /// Leaves out what the database holds already, and refuses what cannot be kept.
    #[must_use]
    pub fn of(changes: &[Change<'a>], own: &'a [HeldSource], refusals: &mut Vec<Refusal>) -> Self {
        let held: HashMap<&str, &HeldSource> = own
            .iter()
            .map(|held| (held.external_id.as_str(), held))
            .collect();
        let mut effective = Vec::with_capacity(changes.len());
        for change in changes {
            match (change, held.get(change.id())) {
                (Change::Put(put), held) => {
                    if held.is_some_and(|held| !held.deleted && held.fingerprint == put.fingerprint)
                    {
                        continue;
                    }
                    match fits(put) {
                        Ok(()) => effective.push(*change),
                        Err(unfit) => refusals.push(unfit.refusal(put)),
                    }
                }
                (Change::Delete(_), Some(held)) if !held.deleted => effective.push(*change),
                (Change::Delete(_), _) => {}
            }
        }
        Self {
            changes: effective,
            held,
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn records(&self) -> impl Iterator<Item = &'a Product> {
        let new = self.changes.iter().filter_map(|change| match change {
            Change::Put(put) => product_of(put),
            Change::Delete(_) => None,
        });
        let old = self
            .changes
            .iter()
            .filter_map(|change| self.held.get(change.id()))
            .map(|held| &held.record);
        new.chain(old)
    }

    /// The SKUs whose products must be known: those that records claim now, and those that they claimed before.
    #[must_use]
    pub fn skus(&self) -> Vec<&'a str> {
        let mut skus: Vec<&str> = self.records().map(|product| product.sku.as_str()).collect();
        skus.sort_unstable();
        skus.dedup();
        skus
    }

    /// The worldwide barcodes whose products must be known, by this rule.
    #[must_use]
    pub fn codes(&self, rule: MatchRule) -> Vec<String> {
        if rule == MatchRule::Sku {
            return Vec::new();
        }
        let barcodes = self.records().flat_map(|product| &product.barcodes);
        let mut codes: Vec<String> = barcodes
            .filter_map(|barcode| gtin::normalise(barcode))
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Products of the records that change.
    #[must_use]
    pub fn products(&self) -> Vec<Uuid> {
        self.changes
            .iter()
            .filter_map(|change| self.held.get(change.id()))
            .map(|held| held.product)
            .collect()
    }
}

fn product_of<'a>(put: &Put<'a>) -> Option<&'a Product> {
    match put.record {
        Record::Product(product) => Some(product),
        _ => None,
    }
}

fn fits(put: &Put<'_>) -> Result<(), Unfit> {
    let Some(product) = product_of(put) else {
        return Ok(());
    };
    if product.sku.len() > CODE_MAX_BYTES {
        return Err(Unfit::too_long("sku", &product.sku, CODE_MAX_BYTES));
    }
    if let Some(barcode) = product
        .barcodes
        .iter()
        .find(|barcode| barcode.len() > CODE_MAX_BYTES)
    {
        return Err(Unfit::too_long("barcodes", barcode, CODE_MAX_BYTES));
    }
    maybe("tax_rate", product.tax_rate)?;
    maybe("cost", product.cost)?;
    Ok(())
}

/// Everything that follows from a delivery's products.
#[derive(Debug)]
pub struct ProductWrites<'a> {
    /// Source records that are new.
    pub new_sources: Rows<'a>,
    /// Source records that change.
    pub changed_sources: Rows<'a>,
    /// Source records that are gone.
    pub gone_sources: Vec<&'a str>,
    /// Products that are new.
    pub new_products: Rows<'a>,
    /// Products that change.
    pub changed_products: Rows<'a>,
    /// Barcodes of new products, and those that others gain.
    pub barcodes: Rows<'a>,
    /// Barcodes that products lose, as (code, product); every barcode that remains is among `barcodes`.
    pub lost_barcodes: Vec<(String, Uuid)>,
    /// Products that no POS has any more.
    pub orphans: Vec<Uuid>,
    /// Products that may contradict themselves, with all their live sources.
    pub views: Vec<ProductView<'a>>,
}

impl ProductWrites<'_> {
    fn none() -> Self {
        Self {
            new_sources: Rows::new(&tables::MAPPING_CACHE),
            changed_sources: Rows::new(&tables::MAPPING_CACHE),
            gone_sources: Vec::new(),
            new_products: Rows::new(&tables::PRODUCTS),
            changed_products: Rows::new(&tables::PRODUCTS),
            barcodes: Rows::new(&tables::PRODUCT_BARCODES),
            lost_barcodes: Vec::new(),
            orphans: Vec::new(),
            views: Vec::new(),
        }
    }
}

/// A product with its live sources, as the delivery leaves it.
#[derive(Debug)]
pub struct ProductView<'a> {
    /// Its identity.
    pub id: Uuid,
    /// Its live sources, oldest first.
    pub sources: Vec<Source<'a>>,
}

/// Products with their live sources, for looking at contradictions outside of a delivery.
#[must_use]
pub fn views(sources: &[HeldSource]) -> Vec<ProductView<'_>> {
    let mut views: BTreeMap<Uuid, Vec<Source<'_>>> = BTreeMap::new();
    for held in sources {
        views
            .entry(held.product)
            .or_default()
            .push(Source::held(held));
    }
    let views = views.into_iter().map(|(id, mut sources)| {
        sources.sort_by_key(|source| (source.created_at, source.pos_system, source.external_id));
        ProductView { id, sources }
    });
    views.collect()
}

/// Distinct ids, in order.
#[must_use]
pub fn distinct(ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
    let set: HashSet<Uuid> = ids.into_iter().collect();
    let mut ids: Vec<Uuid> = set.into_iter().collect();
    ids.sort_unstable();
    ids
}
