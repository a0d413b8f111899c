//! The canonical entities: what a record can be, whichever POS it came from.
//!
//! Shapes follow what the legacy systems share. Money is exact and carries its currency; moments are UTC;
//! references to other records are external ids *within the same POS system*, so a record never has to wait for
//! the one it refers to. Optional fields that are absent are left out of the wire, which keeps the fingerprint of
//! a record stable when a newer version of this type learns another field.

mod sale;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::serde::{str as exact, str_option as exact_option};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ExternalId;
use crate::money::Currency;

pub use sale::{Sale, SaleKind, SaleLine, SalePayment, SaleStatus};

/// Defines the kinds, the record enum over them, and what holds for every kind, from one list.
macro_rules! entities {
    ($($(#[$doc:meta])* $kind:ident = $name:literal),* $(,)?) => {
        /// The canonical kinds of record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum EntityKind {
            $($(#[$doc])* $kind,)*
        }

        impl EntityKind {
            /// Every kind, in the order in which a full load is best sent.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The name used in mappings, on the wire and in tables.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }

        impl FromStr for EntityKind {
            type Err = UnknownEntity;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$kind),)*
                    _ => Err(UnknownEntity(text.to_owned())),
                }
            }
        }

        /// One entity instance as a POS system holds it. On the wire: `{"product":{"id":"A1",…}}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Record {
            $($(#[$doc])* $kind($kind),)*
        }

        impl Record {
            /// Which kind it is.
            #[must_use]
            pub fn kind(&self) -> EntityKind {
                match self {
                    $(Self::$kind(_) => EntityKind::$kind,)*
                }
            }

            /// Its identity within (POS system, entity).
            #[must_use]
            pub fn id(&self) -> &ExternalId {
                match self {
                    $(Self::$kind(record) => &record.id,)*
                }
            }
        }

        $(impl From<$kind> for Record {
            fn from(record: $kind) -> Self {
                Self::$kind(record)
            }
        })*
    };
}

entities! {
    /// A place within a store where stock stands.
    Location = "location",
    /// A product group.
    Category = "category",
    /// Who products are bought from.
    Supplier = "supplier",
    /// Who buys on account.
    Customer = "customer",
    /// Something that is sold.
    Product = "product",
    /// What a product costs on one price list.
    Price = "price",
    /// How much of a product stands at one location.
    StockLevel = "stock_level",
    /// A change of stock other than a sale.
    StockMovement = "stock_movement",
    /// A ticket or invoice with its lines and payments.
    Sale = "sale",
    /// Money received against a customer's balance.
    AccountPayment = "account_payment",
    /// A cash drawer from opening to count.
    CashSession = "cash_session",
}

impl Record {
    /// When the POS says that it last changed, where the kind has such a time.
    pub fn updated_at_mut(&mut self) -> Option<&mut Option<DateTime<Utc>>> {
        match self {
            Self::Product(product) => Some(&mut product.updated_at),
            Self::Price(price) => Some(&mut price.updated_at),
            Self::StockLevel(level) => Some(&mut level.updated_at),
            Self::Sale(sale) => Some(&mut sale.updated_at),
            Self::Location(_)
            | Self::Category(_)
            | Self::Supplier(_)
            | Self::Customer(_)
            | Self::StockMovement(_)
            | Self::AccountPayment(_)
            | Self::CashSession(_) => None,
        }
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of an entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an entity")]
pub struct UnknownEntity(pub String);

/// A record that is gone at the POS.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tombstone {
    /// Its kind.
    pub entity: EntityKind,
    /// Its identity.
    pub id: ExternalId,
}

/// Adds the serde attributes that all entities share: optional means absent, not null.
macro_rules! entity_struct {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    };
}
use entity_struct;

entity_struct! {
/// A place within a store where stock stands: sales floor, back room, depot.
Location {
    /// Identity at the POS.
    id: ExternalId,
    /// What people call it.
    name: String,
    /// Whether it is in use.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    active: bool,
}}

entity_struct! {
/// A product group.
Category {
    /// Identity at the POS.
    id: ExternalId,
    /// What people call it.
    name: String,
    /// The category above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<ExternalId>,
    /// Whether it is in use.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    active: bool,
}}

entity_struct! {
/// Who products are bought from.
Supplier {
    /// Identity at the POS.
    id: ExternalId,
    /// Registered or trade name.
    name: String,
    /// RIF, RFC, CUIT or RUC, as its country writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_id: Option<String>,
    /// E-mail address, as the POS holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Telephone number, as the POS holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// Whether it is in use.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    active: bool,
}}

entity_struct! {
/// Who buys, by name or on account.
Customer {
    /// Identity at the POS.
    id: ExternalId,
    /// Person or company.
    name: String,
    /// RIF, RFC, CUIT or RUC, as its country writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_id: Option<String>,
    /// E-mail address, as the POS holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Telephone number, as the POS holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// Postal address on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Currency of limit and balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    /// How much may be owed.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    credit_limit: Option<Decimal>,
    /// How much is owed now.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    balance: Option<Decimal>,
    /// Days until a purchase on account is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms_days: Option<i32>,
    /// Whether it is in use.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    active: bool,
}}

entity_struct! {
/// Something that is sold.
Product {
    /// Identity at the POS.
    id: ExternalId,
    /// The code people and labels use; what stores are matched by. Leading zeros matter.
    sku: String,
    /// What is printed on the ticket.
    name: String,
    /// Longer text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// EAN, UPC or in-house codes that a scanner reads, main one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    barcodes: Vec<String>,
    /// Its [`Category`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<ExternalId>,
    /// Its category by name, where the POS keeps no category table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category_name: Option<String>,
    /// Its main [`Supplier`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supplier: Option<ExternalId>,
    /// Its supplier by name, where the POS keeps no supplier table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supplier_name: Option<String>,
    /// Brand name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    /// Unit of sale, as the POS writes it: `UND`, `KG`, `CAJA 12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// Tax in percent of the price before tax: `16`.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    tax_rate: Option<Decimal>,
    /// What one unit costs the store, before tax.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    cost: Option<Decimal>,
    /// Currency of the cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    /// Whether it is for sale.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    active: bool,
    /// When the POS says it last changed; a later time alone is no change, and is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
}}

entity_struct! {
/// What a product costs on one price list of one POS.
Price {
    /// Identity at the POS; where it keeps none, product and list joined.
    id: ExternalId,
    /// Its [`Product`].
    product: ExternalId,
    /// Name of the price list; `default` where there is only one.
    #[serde(default = "default_list")]
    list: String,
    /// Currency of the amount.
    currency: Currency,
    /// Price of one unit.
    #[serde(with = "exact")]
    amount: Decimal,
    /// Whether the amount contains tax; absent when the POS does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax: Option<TaxInclusion>,
    /// From which quantity it holds.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    min_quantity: Option<Decimal>,
    /// First moment it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<DateTime<Utc>>,
    /// Last moment it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_to: Option<DateTime<Utc>>,
    /// When the POS says it last changed; a later time alone is no change, and is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
}}

entity_struct! {
/// How much of a product stands at one location.
StockLevel {
    /// Identity at the POS; where it keeps none, product and location joined.
    id: ExternalId,
    /// Its [`Product`].
    product: ExternalId,
    /// Its [`Location`]; absent where the store has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<ExternalId>,
    /// Units there now; negative when more was sold than was booked in.
    #[serde(with = "exact")]
    on_hand: Decimal,
    /// Units promised to somebody.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    reserved: Option<Decimal>,
    /// Reorder below this.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    minimum: Option<Decimal>,
    /// Do not order above this.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    maximum: Option<Decimal>,
    /// When the POS says it last changed; a later time alone is no change, and is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
}}

entity_struct! {
/// A change of stock other than a sale.
StockMovement {
    /// Identity at the POS.
    id: ExternalId,
    /// Its [`Product`].
    product: ExternalId,
    /// Its [`Location`]; absent where the store has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<ExternalId>,
    /// Why stock changed.
    kind: MovementKind,
    /// Units, positive into the location and negative out of it.
    #[serde(with = "exact")]
    quantity: Decimal,
    /// What one unit cost, before tax.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    unit_cost: Option<Decimal>,
    /// Currency of the unit cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    /// When it happened.
    at: DateTime<Utc>,
    /// Number of the document behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}}

entity_struct! {
/// Money received against a customer's balance.
AccountPayment {
    /// Identity at the POS.
    id: ExternalId,
    /// Its [`Customer`].
    customer: ExternalId,
    /// When it was received.
    at: DateTime<Utc>,
    /// Currency of the amount.
    currency: Currency,
    /// How much; negative when it was taken back.
    #[serde(with = "exact")]
    amount: Decimal,
    /// How, in the POS's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Number of the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}}

entity_struct! {
/// A cash drawer from opening to count.
CashSession {
    /// Identity at the POS.
    id: ExternalId,
    /// Which till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    register: Option<String>,
    /// Who was at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cashier: Option<String>,
    /// When it was opened.
    opened_at: DateTime<Utc>,
    /// When it was closed; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_at: Option<DateTime<Utc>>,
    /// Currency of the amounts.
    currency: Currency,
    /// Cash at opening.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    opening: Option<Decimal>,
    /// Cash that should be there at the end.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    expected: Option<Decimal>,
    /// Cash that was counted.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    counted: Option<Decimal>,
}}

/// A closed set of words, with its text both ways and the words it knows in the error.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The word on the wire and in tables.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord { what: $what, got: text.to_owned(), known: &[$($word),*] }),
                }
            }
        }
    };
}
pub(crate) use words;

/// A word outside a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{got:?} is not a {what}; known: {}", known.join(", "))]
pub struct UnknownWord {
    /// What was expected.
    pub what: &'static str,
    /// What was found.
    pub got: String,
    /// What would have done.
    pub known: &'static [&'static str],
}

words! {
/// Whether an amount contains tax.
TaxInclusion "tax inclusion" {
    /// It does.
    Included = "included",
    /// Tax comes on top.
    Excluded = "excluded",
}}

words! {
/// Why stock changed.
MovementKind "movement kind" {
    /// Goods received from a supplier.
    Purchase = "purchase",
    /// Goods given back to a supplier.
    PurchaseReturn = "purchase_return",
    /// A count or correction.
    Adjustment = "adjustment",
    /// Came from another location.
    TransferIn = "transfer_in",
    /// Went to another location.
    TransferOut = "transfer_out",
    /// Broken, expired, stolen.
    Loss = "loss",
    /// A sale, where the POS books sales as movements too.
    Sale = "sale",
    /// Anything else.
    Other = "other",
}}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_true(value: &bool) -> bool {
    *value
}

fn default_list() -> String {
    "default".to_owned()
}
