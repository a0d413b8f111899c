//! Past prices and stock levels: what a value was, from when to when, and which delivery had brought it. A first value
//! costs no row here; the current one stands in its own table.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::entity::Record;
use fluxion_model::money;

use super::Stamp;
use super::facts::Split;
use super::sorted::Put;
use super::tables;
use crate::database::bulk::{Cell, Rows};

/// The value that the database holds of a price or a stock level.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldValue {
    /// Its product at the POS.
    pub product: String,
    /// A price's list; a stock level's location.
    pub place: Option<String>,
    /// A price's currency.
    pub currency: Option<String>,
    /// The amount or the units, in millionths.
    pub value: i64,
    /// From when it holds.
    pub since: DateTime<Utc>,
    /// Whether the record is a tombstone.
    pub deleted: bool,
    /// The run that read it.
    pub job: Uuid,
    /// The mapping that made it.
    pub mapping_version: i32,
    /// The batch that brought it.
    pub batch_seq: i64,
}

/// What follows for the history.
#[derive(Debug)]
pub struct Past<'a> {
    /// Values that end now.
    pub rows: Rows<'a>,
    /// From when a value holds that did not change with its record.
    pub since: HashMap<&'a str, DateTime<Utc>>,
}

/// Prices that end because they change or go.
#[must_use]
pub fn of_prices<'a>(
    split: &Split<'a>,
    held: &'a HashMap<String, HeldValue>,
    stamp: &Stamp,
) -> Past<'a> {
    past(
        split,
        held,
        stamp,
        Rows::new(&tables::PRICE_HISTORY),
        same_price,
        |rows, id, held| {
            rows.push([
                Cell::Uuid(stamp.tenant),
                Cell::Uuid(stamp.pos_system),
                Cell::text(&held.product),
                Cell::Uuid(Uuid::now_v7()),
                Cell::text(id),
                Cell::text_or_null(held.place.as_deref()),
                Cell::text_or_null(held.currency.as_deref()),
                Cell::Amount(held.value),
                Cell::Time(held.since),
                Cell::Time(stamp.at.max(held.since)),
                Cell::Uuid(held.job),
                Cell::Int(held.mapping_version),
                Cell::Big(held.batch_seq),
            ]);
        },
    )
}

/// Stock levels that end because they change or go.
#[must_use]
pub fn of_stock<'a>(
    split: &Split<'a>,
    held: &'a HashMap<String, HeldValue>,
    stamp: &Stamp,
) -> Past<'a> {
    past(
        split,
        held,
        stamp,
        Rows::new(&tables::STOCK_HISTORY),
        same_stock,
        |rows, id, held| {
            rows.push([
                Cell::Uuid(stamp.tenant),
                Cell::Uuid(stamp.pos_system),
                Cell::text(&held.product),
                Cell::Uuid(Uuid::now_v7()),
                Cell::text(id),
                Cell::text_or_null(held.place.as_deref()),
                Cell::Amount(held.value),
                Cell::Time(held.since),
                Cell::Time(stamp.at.max(held.since)),
                Cell::Uuid(held.job),
                Cell::Int(held.mapping_version),
                Cell::Big(held.batch_seq),
            ]);
        },
    )
}

fn past<'a>(
    split: &Split<'a>,
    held: &'a HashMap<String, HeldValue>,
    stamp: &Stamp,
    mut rows: Rows<'a>,
    same: fn(&Put<'_>, &HeldValue) -> bool,
    push: impl Fn(&mut Rows<'a>, &'a str, &'a HeldValue),
) -> Past<'a> {
    let mut since = HashMap::new();
    for put in &split.changed {
        let Some(held) = held.get(put.id).filter(|held| !held.deleted) else {
            continue;
        };
        if same(put, held) {
            since.insert(put.id, held.since);
        } else {
            since.insert(put.id, stamp.at.max(held.since));
            push(&mut rows, put.id, held);
        }
    }
    for id in &split.gone {
        if let Some(held) = held.get(*id) {
            push(&mut rows, id, held);
        }
    }
    Past { rows, since }
}

fn same_price(put: &Put<'_>, held: &HeldValue) -> bool {
    match put.record {
        Record::Price(price) => {
            // A value out of range is refused later, so it ends nothing.
            money::to_millionths(price.amount).map_or(true, |amount| amount == held.value)
                && held.currency.as_deref() == Some(price.currency.as_str())
                && held.place.as_deref() == Some(&price.list)
        }
        _ => true,
    }
}

fn same_stock(put: &Put<'_>, held: &HeldValue) -> bool {
    match put.record {
        Record::StockLevel(level) => {
            money::to_millionths(level.on_hand).map_or(true, |units| units == held.value)
                && held.place.as_deref() == level.location.as_ref().map(AsRef::as_ref)
        }
        _ => true,
    }
}
