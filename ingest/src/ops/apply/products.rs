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

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::entity::{Product, Record};

use super::Stamp;
use super::facts::{Unfit, amount, maybe};
use super::sorted::{Change, Put};
use super::tables;
use crate::database::bulk::{Cell, Rows};
use crate::database::fleet::MatchRule;
use crate::database::search::fold_into;
use crate::ops::delivery::Refusal;
use crate::ops::gtin;
use crate::ops::resolve::{Move, Target};

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

/// A live source record.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Its POS.
    pub pos_system: Uuid,
    /// Its identity there.
    pub external_id: &'a str,
    /// As the POS sent it.
    pub record: &'a Product,
    /// Since when it is known.
    pub created_at: DateTime<Utc>,
    pinned: bool,
    fresh: bool,
    codes: Vec<Code<'a>>,
}

#[derive(Debug, Clone)]
struct Code<'a> {
    code: String,
    barcode: &'a str,
    worldwide: bool,
}

fn codes_of(product: &Product) -> Vec<Code<'_>> {
    let codes = product
        .barcodes
        .iter()
        .filter(|barcode| !barcode.trim().is_empty());
    codes
        .map(|barcode| match gtin::normalise(barcode) {
            Some(code) => Code {
                code,
                barcode,
                worldwide: true,
            },
            None => Code {
                code: barcode.trim().to_owned(),
                barcode,
                worldwide: false,
            },
        })
        .collect()
}

impl<'a> Source<'a> {
    fn held(held: &'a HeldSource) -> Self {
        Self {
            pos_system: held.pos_system,
            external_id: &held.external_id,
            record: &held.record,
            created_at: held.created_at,
            pinned: held.pinned,
            fresh: false,
            codes: codes_of(&held.record),
        }
    }

    fn shares_barcode(&self, codes: &[Code<'_>]) -> bool {
        self.codes
            .iter()
            .any(|own| own.worldwide && codes.iter().any(|other| other.code == own.code))
    }

    /// Its barcodes that identify a product worldwide.
    pub fn worldwide(&self) -> impl Iterator<Item = &str> {
        self.codes
            .iter()
            .filter(|code| code.worldwide)
            .map(|code| code.code.as_str())
    }
}

struct State<'a> {
    id: Uuid,
    held: Option<&'a HeldProduct>,
    sources: Vec<Source<'a>>,
    /// Barcodes before the delivery; set when it is first touched.
    before: Option<Vec<String>>,
}

impl<'a> State<'a> {
    fn primary(&self) -> Option<&Source<'a>> {
        let held = self.held.and_then(|held| {
            self.sources.iter().find(|source| {
                source.pos_system == held.source_pos_system
                    && source.external_id == held.source_external_id
            })
        });
        held.or_else(|| {
            self.sources
                .iter()
                .min_by_key(|source| (source.created_at, source.pos_system, source.external_id))
        })
    }

    fn sku(&self) -> &str {
        match (self.primary(), self.held) {
            (Some(primary), _) => &primary.record.sku,
            (None, Some(held)) => &held.sku,
            (None, None) => "",
        }
    }

    fn codes(&self) -> BTreeMap<&str, &'a str> {
        let codes = self.sources.iter().rev().flat_map(|source| &source.codes);
        codes
            .map(|code| (code.code.as_str(), code.barcode))
            .collect()
    }

    fn touch(&mut self) {
        if self.before.is_none() {
            let before = self.codes().into_keys().map(str::to_owned).collect();
            self.before = Some(before);
        }
    }
}

struct World<'a> {
    stamp: Stamp,
    rule: MatchRule,
    states: Vec<State<'a>>,
    index: HashMap<Uuid, usize>,
    by_sku: HashMap<&'a str, Vec<usize>>,
    by_code: HashMap<String, Vec<usize>>,
    /// Live sources of this POS, by their id.
    own: HashMap<&'a str, usize>,
}

/// Decides. `products` are all that the SKUs, barcodes and records of the delivery lead to; `sources` their live
/// source records.
#[must_use]
pub fn decide<'a>(
    effective: &Effective<'a>,
    products: &'a [HeldProduct],
    sources: &'a [HeldSource],
    rule: MatchRule,
    stream: &'a str,
    stamp: &Stamp,
) -> ProductWrites<'a> {
    let mut world = World::new(products, sources, rule, stamp);
    let mut writes = ProductWrites::none();
    for change in &effective.changes {
        let held = effective.held.get(change.id()).copied();
        match change {
            Change::Put(put) => {
                let Some(record) = product_of(put) else {
                    continue;
                };
                let (product, pinned) = world.put(put.id, record, held);
                let rows = if held.is_some() {
                    &mut writes.changed_sources
                } else {
                    &mut writes.new_sources
                };
                rows.push(source_row(put, product, pinned, stream, stamp));
            }
            Change::Delete(id) => {
                world.remove(id);
                writes.gone_sources.push(*id);
            }
        }
    }
    for state in world.states {
        settle(state, stamp, &mut writes);
    }
    writes
}

impl<'a> World<'a> {
    fn new(
        products: &'a [HeldProduct],
        sources: &'a [HeldSource],
        rule: MatchRule,
        stamp: &Stamp,
    ) -> Self {
        let mut world = Self {
            stamp: *stamp,
            rule,
            states: Vec::with_capacity(products.len()),
            index: HashMap::new(),
            by_sku: HashMap::new(),
            by_code: HashMap::new(),
            own: HashMap::new(),
        };
        for product in products {
            world.index.insert(product.id, world.states.len());
            world
                .by_sku
                .entry(&product.sku)
                .or_default()
                .push(world.states.len());
            world.states.push(State {
                id: product.id,
                held: Some(product),
                sources: Vec::new(),
                before: None,
            });
        }
        for held in sources {
            let Some(&index) = world.index.get(&held.product) else {
                continue;
            };
            world.join(index, Source::held(held));
        }
        world
    }

    /// Adds a live source to a product.
    fn join(&mut self, index: usize, source: Source<'a>) {
        for code in source.codes.iter().filter(|code| code.worldwide) {
            if !self
                .by_code
                .get(&code.code)
                .is_some_and(|products| products.contains(&index))
            {
                self.by_code
                    .entry(code.code.clone())
                    .or_default()
                    .push(index);
            }
        }
        if source.pos_system == self.stamp.pos_system {
            self.own.insert(source.external_id, index);
        }
        self.states[index].sources.push(source);
    }

    /// Takes a live source of this POS out of its product.
    fn remove(&mut self, id: &str) -> Option<Source<'a>> {
        let index = self.own.remove(id)?;
        let state = &mut self.states[index];
        state.touch();
        let place = state.sources.iter().position(|source| {
            source.pos_system == self.stamp.pos_system && source.external_id == id
        })?;
        Some(state.sources.remove(place))
    }

    /// Puts a record where it belongs; says which product and whether a person pinned it there.
    fn put(&mut self, id: &'a str, record: &'a Product, held: Option<&HeldSource>) -> (Uuid, bool) {
        let codes = codes_of(record);
        let current = self.own.get(id).copied();
        let old = self.remove(id);
        let index = match (current, &old) {
            (Some(current), Some(old)) => self.stay_or_move(current, old, record, &codes),
            _ => self
                .pinned(held)
                .or_else(|| self.find(record, &codes, None))
                .or_else(|| self.abandoned(held))
                .unwrap_or_else(|| self.create(record)),
        };
        let home = self.states[index].id;
        let pinned = held.is_some_and(|held| held.pinned && held.product == home);
        self.states[index].touch();
        let created_at = held.map_or(self.stamp.now, |held| held.created_at);
        let source = Source {
            pos_system: self.stamp.pos_system,
            external_id: id,
            record,
            created_at,
            pinned,
            fresh: true,
            codes,
        };
        self.join(index, source);
        (self.states[index].id, pinned)
    }

    /// Where a live record goes whose content changed. It has been taken out of `current` already.
    fn stay_or_move(
        &mut self,
        current: usize,
        old: &Source<'_>,
        record: &'a Product,
        codes: &[Code<'_>],
    ) -> usize {
        let same = old.record.sku == record.sku && old.record.barcodes == record.barcodes;
        if same || old.pinned {
            return current;
        }
        let others = &self.states[current].sources;
        let at_home = others
            .iter()
            .any(|other| other.record.sku == record.sku || other.shares_barcode(codes));
        if at_home {
            return current;
        }
        let alone = others.is_empty();
        match self.find(record, codes, Some(current)) {
            Some(better) => better,
            None if alone => current,
            None => self.create(record),
        }
    }

    /// Where a person had pinned a record that was deleted since.
    fn pinned(&self, held: Option<&HeldSource>) -> Option<usize> {
        let held = held.filter(|held| held.pinned)?;
        self.index.get(&held.product).copied()
    }

    /// The product that a deleted record was, if nobody else has it meanwhile.
    fn abandoned(&self, held: Option<&HeldSource>) -> Option<usize> {
        let index = *self.index.get(&held?.product)?;
        self.states[index].sources.is_empty().then_some(index)
    }

    fn create(&mut self, record: &'a Product) -> usize {
        let index = self.states.len();
        let id = Uuid::now_v7();
        self.states.push(State {
            id,
            held: None,
            sources: Vec::new(),
            before: None,
        });
        self.index.insert(id, index);
        self.by_sku.entry(&record.sku).or_default().push(index);
        index
    }

    /// The product that a record's SKU and barcodes name.
    fn find(&self, record: &Product, codes: &[Code<'_>], except: Option<usize>) -> Option<usize> {
        let worldwide = codes.iter().any(|code| code.worldwide);
        match self.rule {
            MatchRule::Sku => self.by_sku(&record.sku, codes, except),
            MatchRule::Barcode if worldwide => self.by_barcode(codes, except),
            MatchRule::Barcode => self.by_sku(&record.sku, codes, except),
            MatchRule::Both => self
                .by_sku(&record.sku, codes, except)
                .or_else(|| self.by_barcode(codes, except)),
        }
    }

    fn by_sku(&self, sku: &str, codes: &[Code<'_>], except: Option<usize>) -> Option<usize> {
        let candidates = self.by_sku.get(sku)?.iter().copied();
        let named =
            candidates.filter(|index| Some(*index) != except && self.states[*index].sku() == sku);
        // A product that a person split off is not joined by whoever comes along.
        named.min_by_key(|index| {
            let state = &self.states[*index];
            let shares = state
                .sources
                .iter()
                .any(|source| source.shares_barcode(codes));
            let split_off =
                !state.sources.is_empty() && state.sources.iter().all(|source| source.pinned);
            (!shares, split_off, state.id)
        })
    }

    fn by_barcode(&self, codes: &[Code<'_>], except: Option<usize>) -> Option<usize> {
        let candidates = codes
            .iter()
            .filter(|code| code.worldwide)
            .filter_map(|code| self.by_code.get(&code.code));
        let shared = candidates.flatten().copied().filter(|index| {
            let sources = &self.states[*index].sources;
            Some(*index) != except
                && sources.iter().any(|source| source.shares_barcode(codes))
                && sources
                    .iter()
                    .all(|source| source.pos_system != self.stamp.pos_system)
        });
        shared.min_by_key(|index| self.states[*index].id)
    }
}

fn source_row<'a>(
    put: &Put<'a>,
    product: Uuid,
    pinned: bool,
    stream: &'a str,
    stamp: &Stamp,
) -> [Cell<'a>; 15] {
    [
        Cell::Uuid(stamp.tenant),
        Cell::Uuid(stamp.pos_system),
        Cell::text(put.id),
        Cell::text("product"),
        Cell::text(stream),
        Cell::Uuid(product),
        Cell::Uuid(put.fingerprint),
        Cell::Bool(pinned),
        Cell::text(put.json.unwrap_or("{}")),
        Cell::Time(stamp.now),
        Cell::Time(stamp.now),
        Cell::Null,
        Cell::Uuid(stamp.job),
        Cell::Int(stamp.mapping_version),
        Cell::Big(stamp.batch_seq),
    ]
}

/// What a product's new state means for its rows.
fn settle<'a>(mut state: State<'a>, stamp: &Stamp, writes: &mut ProductWrites<'a>) {
    let Some(before) = state.before.take() else {
        if !state.sources.is_empty() {
            writes.views.push(ProductView {
                id: state.id,
                sources: state.sources,
            });
        }
        return;
    };
    let after = state.codes();
    let lost: Vec<_> = before
        .iter()
        .filter(|code| !after.contains_key(code.as_str()))
        .collect();
    let gained = after.keys().any(|code| {
        before
            .binary_search_by(|known| known.as_str().cmp(code))
            .is_err()
    });
    if gained || !lost.is_empty() {
        for (code, barcode) in &after {
            writes.barcodes.push([
                Cell::Uuid(stamp.tenant),
                Cell::owned((*code).to_owned()),
                Cell::Uuid(state.id),
                Cell::text(barcode),
            ]);
        }
        writes
            .lost_barcodes
            .extend(lost.into_iter().map(|code| (code.clone(), state.id)));
    }
    let codes_changed = gained || before.len() != after.len();
    let barcodes: Vec<&str> = after.into_values().collect();
    match (state.primary(), state.held) {
        (Some(primary), held) => {
            let moved = held.is_none_or(|held| {
                held.orphaned
                    || held.source_pos_system != primary.pos_system
                    || held.source_external_id != primary.external_id
            });
            if moved || primary.fresh || codes_changed {
                let row = product_row(state.id, held, primary, &barcodes, stamp);
                if held.is_some() {
                    writes.changed_products.push(row)
                } else {
                    writes.new_products.push(row)
                }
            }
        }
        // The last source is gone; its record is what the product still shows.
        (None, Some(held)) if !held.orphaned => writes.orphans.push(held.id),
        (None, _) => {}
    }
    let alone_and_new = state.held.is_none() && state.sources.len() == 1;
    if !alone_and_new {
        state
            .sources
            .sort_by_key(|source| (source.created_at, source.pos_system, source.external_id));
        writes.views.push(ProductView {
            id: state.id,
            sources: state.sources,
        });
    }
}

/// A product's row, with the attributes of its primary source.
pub fn product_row<'a>(
    id: Uuid,
    held: Option<&HeldProduct>,
    primary: &Source<'a>,
    barcodes: &[&str],
    stamp: &Stamp,
) -> [Cell<'a>; 19] {
    let product = primary.record;
    // Amounts were checked when the record came in.
    let exact = |field, value: Option<_>| {
        value.map_or(Cell::Null, |value| {
            amount(field, value).unwrap_or(Cell::Null)
        })
    };
    [
        Cell::Uuid(stamp.tenant),
        Cell::Uuid(id),
        Cell::text(&product.sku),
        Cell::text(&product.name),
        Cell::text_or_null(product.description.as_deref()),
        Cell::text_or_null(product.brand.as_deref()),
        Cell::text_or_null(product.unit.as_deref()),
        Cell::text_or_null(product.category_name.as_deref()),
        Cell::text_or_null(product.supplier_name.as_deref()),
        exact("tax_rate", product.tax_rate),
        exact("cost", product.cost),
        Cell::text_or_null(product.currency.as_ref().map(|currency| currency.as_str())),
        Cell::Bool(product.active),
        Cell::owned(search_text(product, barcodes)),
        Cell::Uuid(primary.pos_system),
        Cell::text(primary.external_id),
        Cell::Null,
        Cell::Time(held.map_or(stamp.now, |held| held.created_at)),
        Cell::Time(stamp.now),
    ]
}

/// What search looks into.
fn search_text(product: &Product, barcodes: &[&str]) -> String {
    let mut text = String::with_capacity(product.sku.len() + product.name.len() + 32);
    for part in [product.sku.as_str(), product.name.as_str()]
        .into_iter()
        .chain(product.brand.as_deref())
        .chain(barcodes.iter().copied())
    {
        if !text.is_empty() {
            text.push(' ');
        }
        fold_into(&mut text, part);
    }
    text
}

/// Distinct ids, in order.
#[must_use]
pub fn distinct(ids: impl IntoIterator<Item = Uuid>) -> Vec<Uuid> {
    let set: HashSet<Uuid> = ids.into_iter().collect();
    let mut ids: Vec<Uuid> = set.into_iter().collect();
    ids.sort_unstable();
    ids
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

/// A source row that a person's decision moved.
#[derive(Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its POS system.
    pub pos_system: Uuid,
    /// Its identity there.
    pub external_id: String,
    /// The product it is now.
    pub product: Uuid,
    /// Whether matching leaves it alone.
    pub pinned: bool,
}

/// Moves source rows between products as a person decided. A row or product that is not there is left out.
#[must_use]
pub fn reassign<'a>(
    moves: &[Move],
    products: &'a [HeldProduct],
    sources: &'a [HeldSource],
    stamp: &Stamp,
) -> (ProductWrites<'a>, Vec<Moved>) {
    let mut world = World::new(products, sources, MatchRule::Sku, stamp);
    let mut made: HashMap<usize, usize> = HashMap::new();
    let mut moved = Vec::with_capacity(moves.len());
    for step in moves {
        let place = world.states.iter().enumerate().find_map(|(index, state)| {
            let is_it = |source: &Source<'_>| {
                source.pos_system == step.pos_system && source.external_id == step.external_id
            };
            Some((index, state.sources.iter().position(is_it)?))
        });
        let Some((from, position)) = place else {
            continue;
        };
        let record = world.states[from].sources[position].record;
        let to = match step.target {
            Target::Product(product) => world.index.get(&product).copied(),
            Target::New(number) => {
                Some(*made.entry(number).or_insert_with(|| world.create(record)))
            }
        };
        let Some(to) = to else { continue };
        world.states[from].touch();
        world.states[to].touch();
        let mut source = world.states[from].sources.remove(position);
        source.pinned = step.pinned;
        moved.push(Moved {
            pos_system: source.pos_system,
            external_id: source.external_id.to_owned(),
            product: world.states[to].id,
            pinned: step.pinned,
        });
        world.join(to, source);
    }
    let mut writes = ProductWrites::none();
    for state in world.states {
        settle(state, stamp, &mut writes);
    }
    (writes, moved)
}
