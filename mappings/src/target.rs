//! The fields that entities have, their types, and how finished values become a record.
//!
//! One list says it all: a field's type decides what the mapping may do with it, whether it is required, and how its
//! value is taken out of its slot. Records are built straight from slots, with nothing in between.

use chrono::{DateTime, Utc};
use fluxion_model::entity::{
    AccountPayment, CashSession, Category, Customer, EntityKind, Location, MovementKind, Price,
    Product, Record, Sale, SaleKind, SaleLine, SalePayment, SaleStatus, StockLevel, StockMovement,
    Supplier, TaxInclusion,
};
use fluxion_model::id::ExternalId;
use fluxion_model::money::Currency;
use rust_decimal::Decimal;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Id,
    Number,
    Moment,
    Flag,
    Currency,
    Integer,
    Texts,
    Tax,
    Movement,
    Direction,
    Status,
    Lines,
    Payments,
}

impl Kind {
    /// For messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Id => "an identity",
            Self::Number => "a number",
            Self::Moment => "a moment",
            Self::Flag => "a yes or no",
            Self::Currency => "a currency",
            Self::Integer => "a whole number",
            Self::Texts => "a list of texts",
            Self::Tax => "one of included, excluded",
            Self::Movement => {
                "one of purchase, purchase_return, adjustment, transfer_in, transfer_out, loss, sale, other"
            }
            Self::Direction => "one of sale, return",
            Self::Status => "one of completed, voided",
            Self::Lines => "a list of sale lines",
            Self::Payments => "a list of payments",
        }
    }
}

/// A finished value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    Text(String),
    Id(ExternalId),
    Number(Decimal),
    Moment(DateTime<Utc>),
    Flag(bool),
    Currency(Currency),
    Integer(i32),
    Texts(Vec<String>),
    Tax(TaxInclusion),
    Movement(MovementKind),
    Direction(SaleKind),
    Status(SaleStatus),
    Lines(Vec<SaleLine>),
    Payments(Vec<SalePayment>),
}

/// A field of an entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

/// The most fields an entity has.
pub(crate) const MAX_FIELDS: usize = 20;

/// The values of one record, in the order of its entity's fields.
pub(crate) type Slots = [Option<Output>; MAX_FIELDS];

/// A type that a field of an entity has.
trait Slot: Sized {
    const KIND: Kind;
    const REQUIRED: bool = false;
    /// `None` when it is required and missing.
    fn take(value: Option<Output>) -> Option<Self>;
}

macro_rules! slots {
    ($($type:ty = $kind:ident),* $(,)?) => {$(
        impl Slot for $type {
            const KIND: Kind = Kind::$kind;
            const REQUIRED: bool = true;
            fn take(value: Option<Output>) -> Option<Self> {
                match value {
                    Some(Output::$kind(value)) => Some(value),
                    _ => None,
                }
            }
        }

        impl Slot for Option<$type> {
            const KIND: Kind = Kind::$kind;
            fn take(value: Option<Output>) -> Option<Self> {
                Some(<$type>::take(value))
            }
        }
    )*};
}

slots! {
    String = Text,
    ExternalId = Id,
    Decimal = Number,
    DateTime<Utc> = Moment,
    Currency = Currency,
    i32 = Integer,
    TaxInclusion = Tax,
    MovementKind = Movement,
}

macro_rules! defaulted {
    ($($type:ty = $kind:ident or $default:expr),* $(,)?) => {$(
        impl Slot for $type {
            const KIND: Kind = Kind::$kind;
            fn take(value: Option<Output>) -> Option<Self> {
                match value {
                    Some(Output::$kind(value)) => Some(value),
                    _ => Some($default),
                }
            }
        }
    )*};
}

defaulted! {
    // The only truth values of entities say whether something is in use.
    bool = Flag or true,
    SaleKind = Direction or SaleKind::default(),
    SaleStatus = Status or SaleStatus::default(),
    Vec<String> = Texts or Vec::new(),
    Vec<SaleLine> = Lines or Vec::new(),
    Vec<SalePayment> = Payments or Vec::new(),
}

/// Something that is built from slots.
pub(crate) trait Build: Sized {
    const TARGETS: &'static [Target];
    /// `None` when something required is missing; the caller has checked.
    fn build(slots: &mut Slots) -> Option<Self>;
}

macro_rules! entities {
    ($($entity:ident { $($field:ident : $type:ty),* $(,)? })*) => {$(
        impl Build for $entity {
            const TARGETS: &'static [Target] = &[$(Target {
                name: stringify!($field),
                kind: <$type as Slot>::KIND,
                required: <$type as Slot>::REQUIRED,
            }),*];

            fn build(slots: &mut Slots) -> Option<Self> {
                let mut slots = slots.iter_mut();
                Some(Self { $($field: <$type as Slot>::take(slots.next()?.take())?,)* })
            }
        }

        const _: () = assert!(<$entity as Build>::TARGETS.len() <= MAX_FIELDS);
    )*};
}

type Text = Option<String>;
type Reference = Option<ExternalId>;
type Amount = Option<Decimal>;
type Moment = Option<DateTime<Utc>>;

entities! {
    Location { id: ExternalId, name: String, active: bool }
    Category { id: ExternalId, name: String, parent: Reference, active: bool }
    Supplier { id: ExternalId, name: String, tax_id: Text, email: Text, phone: Text, active: bool }
    Customer {
        id: ExternalId, name: String, tax_id: Text, email: Text, phone: Text, address: Text,
        currency: Option<Currency>, credit_limit: Amount, balance: Amount, terms_days: Option<i32>, active: bool,
    }
    Product {
        id: ExternalId, sku: String, name: String, description: Text, barcodes: Vec<String>, category: Reference,
        category_name: Text, supplier: Reference, supplier_name: Text, brand: Text, unit: Text, tax_rate: Amount,
        cost: Amount, currency: Option<Currency>, active: bool, updated_at: Moment,
    }
    Price {
        id: ExternalId, product: ExternalId, list: String, currency: Currency, amount: Decimal,
        tax: Option<TaxInclusion>, min_quantity: Amount, valid_from: Moment, valid_to: Moment, updated_at: Moment,
    }
    StockLevel {
        id: ExternalId, product: ExternalId, location: Reference, on_hand: Decimal, reserved: Amount, minimum: Amount,
        maximum: Amount, updated_at: Moment,
    }
    StockMovement {
        id: ExternalId, product: ExternalId, location: Reference, kind: MovementKind, quantity: Decimal,
        unit_cost: Amount, currency: Option<Currency>, at: DateTime<Utc>, reference: Text,
    }
    Sale {
        id: ExternalId, number: String, at: DateTime<Utc>, kind: SaleKind, status: SaleStatus, location: Reference,
        register: Text, cashier: Text, customer: Reference, customer_name: Text, currency: Currency,
        exchange_rate: Amount, subtotal: Amount, discount: Amount, tax: Amount, total: Decimal, lines: Vec<SaleLine>,
        payments: Vec<SalePayment>, updated_at: Moment,
    }
    SaleLine {
        product: Reference, description: Text, quantity: Decimal, unit_price: Decimal, discount: Amount,
        tax_rate: Amount, tax: Amount, total: Amount,
    }
    SalePayment {
        method: String, amount: Decimal, currency: Option<Currency>, exchange_rate: Amount, reference: Text,
    }
    AccountPayment {
        id: ExternalId, customer: ExternalId, at: DateTime<Utc>, currency: Currency, amount: Decimal, method: Text,
        reference: Text,
    }
    CashSession {
        id: ExternalId, register: Text, cashier: Text, opened_at: DateTime<Utc>, closed_at: Moment,
        currency: Currency, opening: Amount, expected: Amount, counted: Amount,
    }
}

macro_rules! kinds {
    ($($kind:ident),* $(,)?) => {
        /// The fields of an entity.
        pub(crate) fn targets(entity: EntityKind) -> &'static [Target] {
            match entity {
                $(EntityKind::$kind => $kind::TARGETS,)*
            }
        }

        /// The record that the slots hold.
        pub(crate) fn build(entity: EntityKind, slots: &mut Slots) -> Option<Record> {
            match entity {
                $(EntityKind::$kind => $kind::build(slots).map(Record::$kind),)*
            }
        }
    };
}

kinds! {
    Location, Category, Supplier, Customer, Product, Price, StockLevel, StockMovement, Sale, AccountPayment,
    CashSession,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entity_has_an_identity_first() {
        for entity in EntityKind::ALL {
            let first = targets(*entity)[0];
            assert_eq!(
                (first.name, first.kind, first.required),
                ("id", Kind::Id, true),
                "{entity}"
            );
        }
    }
}
