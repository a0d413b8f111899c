//! Records that stand by themselves: everything but products. They are kept as the POS sent them, keyed by its own id.

use std::collections::HashMap;
use std::iter::Flatten;
use std::ops::Range;
use std::vec;

use chrono::{DateTime, Utc};
use fluxion_model::Decimal;
use fluxion_model::Uuid;
use fluxion_model::entity::{EntityKind, Record, Sale};
use fluxion_model::money;
use fluxion_model::reject::ErrorClass;

use super::Stamp;
use super::sorted::{Change, Put};
use super::tables;
use crate::database::bulk::{Cell, Rows, Table};
use crate::ops::delivery::{Refusal, is_storable};

/// What the database holds of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Of the line it came in.
    pub fingerprint: Uuid,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// A sale's number in the cloud.
    pub sale_id: Option<i64>,
}

/// Where a sale's number in the cloud comes from; its lines and payments are kept under it.
#[derive(Debug)]
pub enum SaleIds<'a> {
    /// New sales take one after the other; as many were asked for as there are sales.
    New(Flatten<vec::IntoIter<Range<i64>>>),
    /// Sales that are there keep theirs.
    Held(&'a HashMap<String, Held>),
}

impl SaleIds<'_> {
    /// For new sales.
    #[must_use]
    pub fn new(numbers: Vec<Range<i64>>) -> Self {
        Self::New(numbers.into_iter().flatten())
    }

    fn of(&mut self, sale: &str) -> i64 {
        let number = match self {
            Self::New(numbers) => numbers.next(),
            Self::Held(held) => held.get(sale).and_then(|held| held.sale_id),
        };
        number.unwrap_or_default()
    }
}

/// What is to be done, by whether the key is there.
#[derive(Debug, Default)]
pub struct Split<'a> {
    /// Records whose key is new.
    pub new: Vec<Put<'a>>,
    /// Records whose key is there with other content, or as a tombstone.
    pub changed: Vec<Put<'a>>,
    /// Records that are there and shall not be.
    pub gone: Vec<&'a str>,
}

/// Leaves out what the database holds already.
#[must_use]
pub fn split<'a>(changes: &[Change<'a>], held: &HashMap<String, Held>) -> Split<'a> {
    let mut split = Split::default();
    for change in changes {
        match (change, held.get(change.id())) {
            (Change::Put(put), None) => split.new.push(*put),
            (Change::Put(put), Some(held))
                if held.deleted || held.fingerprint != put.fingerprint =>
            {
                split.changed.push(*put);
            }
            (Change::Delete(id), Some(held)) if !held.deleted => split.gone.push(id),
            (Change::Put(_) | Change::Delete(_), _) => {}
        }
    }
    split
}

/// Rows of one kind, and for sales of their lines and payments.
#[derive(Debug)]
pub struct FactRows<'a> {
    /// The records.
    pub main: Rows<'a>,
    /// Lines of sales.
    pub lines: Rows<'a>,
    /// Payments of sales.
    pub payments: Rows<'a>,
}

/// The table of a kind; products have none of this sort.
#[must_use]
pub fn table(kind: EntityKind) -> Option<&'static Table> {
    Some(match kind {
        EntityKind::Location => &tables::LOCATIONS,
        EntityKind::Category => &tables::CATEGORIES,
        EntityKind::Supplier => &tables::SUPPLIERS,
        EntityKind::Customer => &tables::CUSTOMERS,
        EntityKind::Price => &tables::PRICES,
        EntityKind::StockLevel => &tables::STOCK_LEVELS,
        EntityKind::StockMovement => &tables::STOCK_MOVEMENTS,
        EntityKind::Sale => &tables::SALES,
        EntityKind::AccountPayment => &tables::ACCOUNT_PAYMENTS,
        EntityKind::CashSession => &tables::CASH_SESSIONS,
        EntityKind::Product => return None,
    })
}

/// Builds the rows. `since` says from when a value holds that was there before; a record that cannot be kept is
/// refused alone.
#[must_use]
pub fn rows<'a>(
    table: &'static Table,
    puts: &[Put<'a>],
    stamp: &Stamp,
    since: &HashMap<&str, DateTime<Utc>>,
    mut sale_ids: SaleIds<'_>,
    refusals: &mut Vec<Refusal>,
) -> FactRows<'a> {
    let mut rows = FactRows {
        main: Rows::new(table),
        lines: Rows::new(&tables::SALE_LINES),
        payments: Rows::new(&tables::SALE_PAYMENTS),
    };
    for put in puts {
        let since = since.get(put.id).copied().unwrap_or(stamp.at);
        let (lines, payments) = (rows.lines.len(), rows.payments.len());
        if let Err(unfit) = push(&mut rows, put, stamp, since, &mut sale_ids) {
            rows.lines.truncate(lines);
            rows.payments.truncate(payments);
            refusals.push(unfit.refusal(put));
        }
    }
    rows
}

/// A value that cannot be kept.
#[derive(Debug)]
pub struct Unfit {
    field: String,
    rule: &'static str,
    raw: String,
    message: String,
}

impl Unfit {
    /// For a value that is too long for an index.
    #[must_use]
    pub fn too_long(field: &str, value: &str, limit: usize) -> Self {
        Self {
            field: field.to_owned(),
            rule: "too_long",
            raw: value
                .chars()
                .take(fluxion_model::reject::Rejected::RAW_MAX_CHARS)
                .collect(),
            message: format!(
                "{field} is {} bytes long, the limit is {limit}; shorten it at the POS.",
                value.len()
            ),
        }
    }

    /// As a reject of this record.
    #[must_use]
    pub fn refusal(self, put: &Put<'_>) -> Refusal {
        Refusal {
            entity: Some(put.record.kind()),
            key: put.id.to_owned(),
            id: Some(put.id.to_owned()),
            class: ErrorClass::DataValidation,
            field: Some(self.field),
            rule: self.rule,
            raw: Some(self.raw),
            message: self.message,
        }
    }
}

type Fit<'a> = Result<Cell<'a>, Unfit>;

/// An amount within what both engines keep exactly.
pub fn amount<'a>(field: &str, value: Decimal) -> Fit<'a> {
    money::to_millionths(value)
        .map(Cell::Amount)
        .map_err(|error| Unfit {
            field: field.to_owned(),
            rule: "amount_range",
            raw: value.to_string(),
            message: format!("{field} cannot be kept exactly: {error}."),
        })
}

/// An amount that may be absent.
pub fn maybe<'a>(field: &str, value: Option<Decimal>) -> Fit<'a> {
    value.map_or(Ok(Cell::Null), |value| amount(field, value))
}

fn time<'a>(field: &str, value: DateTime<Utc>) -> Fit<'a> {
    if is_storable(value) {
        return Ok(Cell::Time(value));
    }
    Err(Unfit {
        field: field.to_owned(),
        rule: "date_range",
        raw: value.to_string(),
        message: format!("{field} is outside the years 1 to 9999; correct the date at the POS."),
    })
}

fn maybe_time<'a>(field: &str, value: Option<DateTime<Utc>>) -> Fit<'a> {
    value.map_or(Ok(Cell::Null), |value| time(field, value))
}

fn push<'a>(
    rows: &mut FactRows<'a>,
    put: &Put<'a>,
    stamp: &Stamp,
    since: DateTime<Utc>,
    sale_ids: &mut SaleIds<'_>,
) -> Result<(), Unfit> {
    let text = |value: &'a str| Cell::text(value);
    let maybe_text = |value: &'a Option<String>| Cell::text_or_null(value.as_deref());
    let (tenant, pos, id) = (
        Cell::Uuid(stamp.tenant),
        Cell::Uuid(stamp.pos_system),
        text(put.id),
    );
    let fingerprint = Cell::Uuid(put.fingerprint);
    let (written, live, job) = (Cell::Time(stamp.now), Cell::Null, Cell::Uuid(stamp.job));
    let (version, seq) = (Cell::Int(stamp.mapping_version), Cell::Big(stamp.batch_seq));
    match put.record {
        Record::Location(location) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(&location.name),
            Cell::Bool(location.active),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::Category(category) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(&category.name),
            Cell::text_or_null(category.parent.as_ref().map(AsRef::as_ref)),
            Cell::Bool(category.active),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::Supplier(supplier) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(&supplier.name),
            maybe_text(&supplier.tax_id),
            maybe_text(&supplier.email),
            maybe_text(&supplier.phone),
            Cell::Bool(supplier.active),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::Customer(customer) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(&customer.name),
            maybe_text(&customer.tax_id),
            maybe_text(&customer.email),
            maybe_text(&customer.phone),
            maybe_text(&customer.address),
            Cell::text_or_null(customer.currency.as_ref().map(|currency| currency.as_str())),
            maybe("credit_limit", customer.credit_limit)?,
            maybe("balance", customer.balance)?,
            customer.terms_days.map_or(Cell::Null, Cell::Int),
            Cell::Bool(customer.active),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::Price(price) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(price.product.as_str()),
            text(&price.list),
            text(price.currency.as_str()),
            amount("amount", price.amount)?,
            Cell::text_or_null(price.tax.map(|tax| tax.as_str())),
            maybe("min_quantity", price.min_quantity)?,
            maybe_time("valid_from", price.valid_from)?,
            maybe_time("valid_to", price.valid_to)?,
            maybe_time("updated_at", price.updated_at)?,
            Cell::Time(since),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::StockLevel(level) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(level.product.as_str()),
            Cell::text_or_null(level.location.as_ref().map(AsRef::as_ref)),
            amount("on_hand", level.on_hand)?,
            maybe("reserved", level.reserved)?,
            maybe("minimum", level.minimum)?,
            maybe("maximum", level.maximum)?,
            maybe_time("updated_at", level.updated_at)?,
            Cell::Time(since),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::StockMovement(movement) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(movement.product.as_str()),
            Cell::text_or_null(movement.location.as_ref().map(AsRef::as_ref)),
            text(movement.kind.as_str()),
            amount("quantity", movement.quantity)?,
            maybe("unit_cost", movement.unit_cost)?,
            Cell::text_or_null(movement.currency.as_ref().map(|currency| currency.as_str())),
            time("at", movement.at)?,
            maybe_text(&movement.reference),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::Sale(sale) => {
            let sale_id = sale_ids.of(put.id);
            let row = [
                tenant,
                pos,
                id,
                fingerprint,
                text(&sale.number),
                time("at", sale.at)?,
                text(sale.kind.as_str()),
                text(sale.status.as_str()),
                Cell::text_or_null(sale.location.as_ref().map(AsRef::as_ref)),
                maybe_text(&sale.register),
                maybe_text(&sale.cashier),
                Cell::text_or_null(sale.customer.as_ref().map(AsRef::as_ref)),
                maybe_text(&sale.customer_name),
                text(sale.currency.as_str()),
                maybe("exchange_rate", sale.exchange_rate)?,
                maybe("subtotal", sale.subtotal)?,
                maybe("discount", sale.discount)?,
                maybe("tax", sale.tax)?,
                amount("total", sale.total)?,
                maybe_time("updated_at", sale.updated_at)?,
                written,
                live,
                job,
                version,
                seq,
                Cell::Big(sale_id),
            ];
            push_parts(rows, sale_id, sale, stamp)?;
            rows.main.push(row);
        }
        Record::AccountPayment(payment) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            text(payment.customer.as_str()),
            time("at", payment.at)?,
            text(payment.currency.as_str()),
            amount("amount", payment.amount)?,
            maybe_text(&payment.method),
            maybe_text(&payment.reference),
            written,
            live,
            job,
            version,
            seq,
        ]),
        Record::CashSession(session) => rows.main.push([
            tenant,
            pos,
            id,
            fingerprint,
            maybe_text(&session.register),
            maybe_text(&session.cashier),
            time("opened_at", session.opened_at)?,
            maybe_time("closed_at", session.closed_at)?,
            text(session.currency.as_str()),
            maybe("opening", session.opening)?,
            maybe("expected", session.expected)?,
            maybe("counted", session.counted)?,
            written,
            live,
            job,
            version,
            seq,
        ]),
        // Products meet in `products.rs`; no caller brings one here.
        Record::Product(_) => {}
    }
    Ok(())
}

/// Names the part of a document in an error.
fn of_part<'a>(name: &str, index: usize, fit: Fit<'a>) -> Fit<'a> {
    fit.map_err(|unfit| Unfit {
        field: format!("{name}[{}].{}", index, unfit.field),
        ..unfit
    })
}

fn push_parts<'a>(
    rows: &mut FactRows<'a>,
    sale_id: i64,
    sale: &'a Sale,
    stamp: &Stamp,
) -> Result<(), Unfit> {
    let number = |index: usize| Cell::Int(i32::try_from(index + 1).unwrap_or(i32::MAX));
    for (index, line) in sale.lines.iter().enumerate() {
        let of = |fit| of_part("lines", index, fit);
        rows.lines.push([
            Cell::Uuid(stamp.tenant),
            Cell::Big(sale_id),
            number(index),
            Cell::text_or_null(line.product.as_ref().map(AsRef::as_ref)),
            Cell::text_or_null(line.description.as_deref()),
            of(amount("quantity", line.quantity))?,
            of(amount("unit_price", line.unit_price))?,
            of(maybe("discount", line.discount))?,
            of(maybe("tax_rate", line.tax_rate))?,
            of(maybe("tax", line.tax))?,
            of(maybe("total", line.total))?,
        ]);
    }
    for (index, payment) in sale.payments.iter().enumerate() {
        let of = |fit| of_part("payments", index, fit);
        rows.payments.push([
            Cell::Uuid(stamp.tenant),
            Cell::Big(sale_id),
            number(index),
            Cell::text(&payment.method),
            of(amount("amount", payment.amount))?,
            Cell::text_or_null(payment.currency.as_ref().map(|currency| currency.as_str())),
            of(maybe("exchange_rate", payment.exchange_rate))?,
            Cell::text_or_null(payment.reference.as_deref()),
        ]);
    }
    Ok(())
}
