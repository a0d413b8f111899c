//! A ticket with its lines and payments, the one entity that is a tree.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::serde::{str as exact, str_option as exact_option};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::{Customer, Product};
use super::{UnknownWord, entity_struct, words};
use crate::id::ExternalId;
use crate::money::Currency;

entity_struct! {
/// A ticket, invoice or credit note with its lines and payments; always sent whole.
Sale {
    /// Identity at the POS.
    id: ExternalId,
    /// The number printed on it.
    number: String,
    /// When it happened.
    at: DateTime<Utc>,
    /// Sale or return.
    #[serde(default)]
    kind: SaleKind,
    /// Completed or voided.
    #[serde(default)]
    status: SaleStatus,
    /// Where the goods came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<ExternalId>,
    /// Which till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    register: Option<String>,
    /// Who was at the till.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cashier: Option<String>,
    /// Its [`Customer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<ExternalId>,
    /// The name printed on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_name: Option<String>,
    /// Currency of every amount but a payment's own.
    currency: Currency,
    /// Units of `currency` for one US dollar (or the tenant's reference currency) that day, where two are in use.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    exchange_rate: Option<Decimal>,
    /// Sum of the lines before tax.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    subtotal: Option<Decimal>,
    /// Taken off the whole document, before tax.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    discount: Option<Decimal>,
    /// Tax of the whole document.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    tax: Option<Decimal>,
    /// What was to be paid; negative for a return.
    #[serde(with = "exact")]
    total: Decimal,
    /// What was sold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<SaleLine>,
    /// How it was paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    payments: Vec<SalePayment>,
    /// When the POS says it last changed; a later time alone is no change, and is not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<DateTime<Utc>>,
}}

entity_struct! {
/// One line of a [`Sale`]. Lines are identified by their place in it, from 1.
SaleLine {
    /// Its [`Product`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product: Option<ExternalId>,
    /// What was printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Units; negative for goods that came back.
    #[serde(with = "exact")]
    quantity: Decimal,
    /// Price of one unit.
    #[serde(with = "exact")]
    unit_price: Decimal,
    /// Taken off the line.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    discount: Option<Decimal>,
    /// Tax in percent.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    tax_rate: Option<Decimal>,
    /// Tax of the line.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    tax: Option<Decimal>,
    /// What the line adds to the document; absent when the POS does not store it.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    total: Option<Decimal>,
}}

entity_struct! {
/// One payment of a [`Sale`].
SalePayment {
    /// How: the POS's own word, such as `EFECTIVO` or `TDD`.
    method: String,
    /// How much, in `currency`, or in the sale's currency where that is absent.
    #[serde(with = "exact")]
    amount: Decimal,
    /// Currency, where it is not the sale's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    /// Units of the sale's currency for one unit of `currency`.
    #[serde(default, with = "exact_option", skip_serializing_if = "Option::is_none")]
    exchange_rate: Option<Decimal>,
    /// Number of the card voucher or transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}}

words! {
/// Which way the goods went.
#[derive(Default)]
SaleKind "sale kind" {
    /// To the customer.
    #[default]
    Sale = "sale",
    /// Back from the customer.
    Return = "return",
}}

words! {
/// Whether a document counts.
#[derive(Default)]
SaleStatus "sale status" {
    /// It counts.
    #[default]
    Completed = "completed",
    /// It was annulled and counts for nothing.
    Voided = "voided",
}}
