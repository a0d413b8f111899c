//! The products that a delivery or a decision touches, and how records join, leave and move between them.

use std::collections::{BTreeMap, HashMap};

use fluxion_model::Uuid;
use fluxion_model::entity::Product;

use super::rows::{settle, source_row};
use super::source::{Code, Source, codes_of};
use super::{Effective, HeldProduct, HeldSource, ProductWrites, product_of};
use crate::database::fleet::MatchRule;
use crate::ops::apply::Stamp;
use crate::ops::apply::sorted::Change;
use crate::ops::resolve::{Move, Target};

pub(super) struct State<'a> {
    pub(super) id: Uuid,
    pub(super) held: Option<&'a HeldProduct>,
    pub(super) sources: Vec<Source<'a>>,
    /// Barcodes before the delivery; set when it is first touched.
    pub(super) before: Option<Vec<String>>,
}

impl<'a> State<'a> {
    pub(super) fn primary(&self) -> Option<&Source<'a>> {
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

    pub(super) fn codes(&self) -> BTreeMap<&str, &'a str> {
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
