//! The rows that follow from where records stand.

use fluxion_model::Uuid;
use fluxion_model::entity::Product;

use super::source::Source;
use super::world::State;
use super::{HeldProduct, ProductView, ProductWrites};
use crate::database::bulk::Cell;
use crate::database::search::fold_into;
use crate::ops::apply::Stamp;
use crate::ops::apply::facts::amount;
use crate::ops::apply::sorted::Put;

pub(super) fn source_row<'a>(
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
pub(super) fn settle<'a>(mut state: State<'a>, stamp: &Stamp, writes: &mut ProductWrites<'a>) {
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
fn product_row<'a>(
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
