//! Rows of facts as the records they were made from. What a POS did not say is absent again.

use std::fmt::Display;
use std::str::FromStr;

use fluxion_model::Decimal;
use fluxion_model::entity::{
    AccountPayment, CashSession, Category, Customer, Location, Price, Product, Sale, SaleLine,
    SalePayment, StockLevel, StockMovement, Supplier,
};
use fluxion_model::id::ExternalId;
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Amount, Row};
use super::listing::word;
use crate::database::DatabaseResult;

/// A kind of record, and where it is kept.
pub trait Kept: Sized {
    /// Its table.
    const TABLE: &'static str;
    /// When a row last changed here.
    const RECEIVED_AT: &'static str = "written_at";
    /// What else a row of the table must be.
    const ONLY: &'static str = "";
    /// The record that a row holds.
    fn of(row: &Row) -> DatabaseResult<Self>;
    /// Its identity at the POS.
    fn key(&self) -> &str;
}

fn id(row: &Row, column: &str) -> DatabaseResult<ExternalId> {
    word(row.try_get(column)?)
}

fn maybe_id(row: &Row, column: &str) -> DatabaseResult<Option<ExternalId>> {
    maybe_word(row, column)
}

fn maybe_word<T: FromStr>(row: &Row, column: &str) -> DatabaseResult<Option<T>>
where
    T::Err: Display,
{
    row.try_get::<Option<&str>, _>(column)?
        .map(word)
        .transpose()
}

fn amount(row: &Row, column: &str) -> DatabaseResult<Decimal> {
    Ok(row.try_get::<Amount, _>(column)?.0)
}

fn maybe_amount(row: &Row, column: &str) -> DatabaseResult<Option<Decimal>> {
    Ok(row
        .try_get::<Option<Amount>, _>(column)?
        .map(|amount| amount.0))
}

impl Kept for Product {
    const TABLE: &'static str = "mapping_cache";
    const RECEIVED_AT: &'static str = "updated_at";
    const ONLY: &'static str = " and f.fluxion_entity = 'product'";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(row.try_get::<Json<Self>, _>("mapping_data")?.0)
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for Location {
    const TABLE: &'static str = "locations";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            name: row.try_get("name")?,
            active: row.try_get("active")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for Category {
    const TABLE: &'static str = "categories";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            name: row.try_get("name")?,
            parent: maybe_id(row, "parent")?,
            active: row.try_get("active")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for Supplier {
    const TABLE: &'static str = "suppliers";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            name: row.try_get("name")?,
            tax_id: row.try_get("tax_id")?,
            email: row.try_get("email")?,
            phone: row.try_get("phone")?,
            active: row.try_get("active")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for Customer {
    const TABLE: &'static str = "customers";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            name: row.try_get("name")?,
            tax_id: row.try_get("tax_id")?,
            email: row.try_get("email")?,
            phone: row.try_get("phone")?,
            address: row.try_get("address")?,
            currency: maybe_word(row, "currency")?,
            credit_limit: maybe_amount(row, "credit_limit")?,
            balance: maybe_amount(row, "balance")?,
            terms_days: row.try_get("terms_days")?,
            active: row.try_get("active")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for Price {
    const TABLE: &'static str = "prices";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            product: id(row, "product")?,
            list: row.try_get("list")?,
            currency: word(row.try_get("currency")?)?,
            amount: amount(row, "amount")?,
            tax: maybe_word(row, "tax")?,
            min_quantity: maybe_amount(row, "min_quantity")?,
            valid_from: row.try_get("valid_from")?,
            valid_to: row.try_get("valid_to")?,
            updated_at: row.try_get("source_updated_at")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for StockLevel {
    const TABLE: &'static str = "stock_levels";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            product: id(row, "product")?,
            location: maybe_id(row, "location")?,
            on_hand: amount(row, "on_hand")?,
            reserved: maybe_amount(row, "reserved")?,
            minimum: maybe_amount(row, "minimum")?,
            maximum: maybe_amount(row, "maximum")?,
            updated_at: row.try_get("source_updated_at")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for StockMovement {
    const TABLE: &'static str = "stock_movements";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            product: id(row, "product")?,
            location: maybe_id(row, "location")?,
            kind: word(row.try_get("kind")?)?,
            quantity: amount(row, "quantity")?,
            unit_cost: maybe_amount(row, "unit_cost")?,
            currency: maybe_word(row, "currency")?,
            at: row.try_get("at")?,
            reference: row.try_get("reference")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for Sale {
    const TABLE: &'static str = "sales";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            number: row.try_get("number")?,
            at: row.try_get("at")?,
            kind: word(row.try_get("kind")?)?,
            status: word(row.try_get("status")?)?,
            location: maybe_id(row, "location")?,
            register: row.try_get("register")?,
            cashier: row.try_get("cashier")?,
            customer: maybe_id(row, "customer")?,
            customer_name: row.try_get("customer_name")?,
            currency: word(row.try_get("currency")?)?,
            exchange_rate: maybe_amount(row, "exchange_rate")?,
            subtotal: maybe_amount(row, "subtotal")?,
            discount: maybe_amount(row, "discount")?,
            tax: maybe_amount(row, "tax")?,
            total: amount(row, "total")?,
            lines: Vec::new(),
            payments: Vec::new(),
            updated_at: row.try_get("source_updated_at")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for AccountPayment {
    const TABLE: &'static str = "account_payments";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            customer: id(row, "customer")?,
            at: row.try_get("at")?,
            currency: word(row.try_get("currency")?)?,
            amount: amount(row, "amount")?,
            method: row.try_get("method")?,
            reference: row.try_get("reference")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

impl Kept for CashSession {
    const TABLE: &'static str = "cash_sessions";

    fn of(row: &Row) -> DatabaseResult<Self> {
        Ok(Self {
            id: id(row, "external_id")?,
            register: row.try_get("register")?,
            cashier: row.try_get("cashier")?,
            opened_at: row.try_get("opened_at")?,
            closed_at: row.try_get("closed_at")?,
            currency: word(row.try_get("currency")?)?,
            opening: maybe_amount(row, "opening")?,
            expected: maybe_amount(row, "expected")?,
            counted: maybe_amount(row, "counted")?,
        })
    }

    fn key(&self) -> &str {
        self.id.as_str()
    }
}

/// A line of a sale.
pub fn line_of(row: &Row) -> DatabaseResult<SaleLine> {
    Ok(SaleLine {
        product: maybe_id(row, "product")?,
        description: row.try_get("description")?,
        quantity: amount(row, "quantity")?,
        unit_price: amount(row, "unit_price")?,
        discount: maybe_amount(row, "discount")?,
        tax_rate: maybe_amount(row, "tax_rate")?,
        tax: maybe_amount(row, "tax")?,
        total: maybe_amount(row, "total")?,
    })
}

/// A payment of a sale.
pub fn payment_of(row: &Row) -> DatabaseResult<SalePayment> {
    Ok(SalePayment {
        method: row.try_get("method")?,
        amount: amount(row, "amount")?,
        currency: maybe_word(row, "currency")?,
        exchange_rate: maybe_amount(row, "exchange_rate")?,
        reference: row.try_get("reference")?,
    })
}
