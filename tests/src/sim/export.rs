//! A POS that nobody can query: it keeps its data to itself and drops export files into a folder.
//!
//! It keeps a ledger beside: what the cloud must hold once every file so far was taken, bad rows included. A row that
//! was good before and is bad now keeps its old value in the cloud; a row that was never good is not there.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::NaiveDateTime;
use fluxion_model::entity::{
    EntityKind, Price, Product, Sale, SaleKind, SaleLine, SaleStatus, StockLevel, TaxInclusion,
};
use fluxion_model::id::ExternalId;
use fluxion_model::money::Currency;
use rust_decimal::Decimal;

use super::catalogue::{Article, article, cents};
use super::export_file::{Cell, Sheet};
use super::people::{Customer, customers};
use super::random::Random;
use super::truth::Truth;
use super::{caracas_to_utc, id};

/// What this POS says of itself.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Currency of its prices.
    pub currency: Currency,
    /// Units of that currency for one US dollar.
    pub rate: Decimal,
    /// What is printed before each invoice number.
    pub series: &'static str,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// `12,3x`.
    Price,
    /// `31/02/2026`.
    Date,
    /// Nothing at all.
    Name,
    /// A spreadsheet's error, or bytes of another world.
    Stock,
}

impl Flaw {
    const ALL: &[Self] = &[Self::Price, Self::Date, Self::Name, Self::Stock];

    /// Which records of the row cannot be made.
    fn spoils(self) -> &'static [EntityKind] {
        match self {
            Self::Price => &[EntityKind::Price],
            // Only the product says when it last changed.
            Self::Date => &[EntityKind::Product],
            Self::Name => &[EntityKind::Product],
            Self::Stock => &[EntityKind::StockLevel],
        }
    }
}

#[derive(Debug, Clone)]
struct Item {
    article: Article,
    price: Decimal,
    stock: Decimal,
    updated: NaiveDateTime,
    flaw: Option<Flaw>,
}

#[derive(Debug, Clone)]
struct Ticket {
    number: String,
    at: NaiveDateTime,
    customer: String,
    lines: Vec<(String, Decimal, Decimal)>,
    subtotal: Decimal,
    tax: Decimal,
    total: Decimal,
    flawed: bool,
}

/// The POS and its ledger.
#[derive(Debug)]
pub struct ExportPos {
    terms: Terms,
    seed: u64,
    random: Random,
    customers: Vec<Customer>,
    items: BTreeMap<String, Item>,
    next_article: usize,
    next_ticket: u64,
    unsent: Vec<Ticket>,
    /// What the cloud must hold once every exported file was taken.
    pub truth: Truth,
}

impl ExportPos {
    /// A POS with the catalogue's first `count` articles, and room for articles of its own from `own` on.
    #[must_use]
    pub fn new(seed: u64, terms: Terms, count: usize, own: usize, now: NaiveDateTime) -> Self {
        let mut random = Random::new(seed).branch(terms.series);
        let customers = customers(&mut random, 200);
        let mut pos = Self {
            terms,
            seed,
            random,
            customers,
            items: BTreeMap::new(),
            next_article: own,
            next_ticket: 1,
            unsent: Vec::new(),
            truth: Truth::default(),
        };
        for number in 1..=count {
            pos.stock_up(number, now);
        }
        pos
    }

    fn stock_up(&mut self, number: usize, now: NaiveDateTime) -> String {
        let article = article(self.seed, number);
        let stock = article.stock(&mut self.random);
        let price = cents(article.price * self.terms.rate);
        let code = article.code.clone();
        self.items.insert(
            code.clone(),
            Item {
                article,
                price,
                stock,
                updated: now,
                flaw: None,
            },
        );
        code
    }

    fn any_code(&mut self) -> String {
        let position = self.random.index(self.items.len());
        self.items.keys().nth(position).cloned().unwrap_or_default()
    }

    /// Sells something to somebody.
    pub fn sell(&mut self, now: NaiveDateTime) -> String {
        let count = *self.random.pick(&[1, 1, 2, 3, 3, 4, 6]);
        let wanted: Vec<_> = (0..count).map(|_| self.any_code()).collect();
        self.ticket(now, &wanted, Decimal::ONE)
    }

    /// Takes something back: a credit note with negative quantities.
    pub fn take_back(&mut self, now: NaiveDateTime) -> String {
        let code = self.any_code();
        self.ticket(now, &[code], Decimal::NEGATIVE_ONE)
    }

    fn ticket(&mut self, now: NaiveDateTime, codes: &[String], sign: Decimal) -> String {
        let (mut subtotal, mut tax) = (Decimal::ZERO, Decimal::ZERO);
        let mut lines = Vec::new();
        for code in codes {
            let Some(item) = self.items.get_mut(code) else {
                continue;
            };
            let quantity = item.article.quantity(&mut self.random) * sign;
            let amount = cents(quantity * item.price);
            item.stock -= quantity;
            subtotal += amount;
            tax += cents(amount * item.article.tax_rate() / Decimal::ONE_HUNDRED);
            lines.push((code.clone(), quantity, item.price));
        }
        let number = format!("{}-{:08}", self.terms.series, self.next_ticket);
        self.next_ticket += 1;
        let customer = self.random.pick(&self.customers).name.clone();
        let total = subtotal + tax;
        self.unsent.push(Ticket {
            number: number.clone(),
            at: now,
            customer,
            lines,
            subtotal,
            tax,
            total,
            flawed: false,
        });
        number
    }

    /// Sells something, and writes one of its quantities in a way that is no number.
    pub fn sell_badly(&mut self, now: NaiveDateTime) -> String {
        let number = self.sell(now);
        if let Some(ticket) = self.unsent.last_mut() {
            ticket.flawed = true;
        }
        number
    }

    /// Changes a price by up to a fifth.
    pub fn change_price(&mut self, now: NaiveDateTime) -> String {
        let code = self.any_code();
        let factor = self.random.decimal(85, 120, 2);
        if let Some(item) = self.items.get_mut(&code) {
            item.price = cents(item.price * factor).max(Decimal::new(1, 2));
            item.updated = now;
        }
        code
    }

    /// Books goods in.
    pub fn receive(&mut self) -> String {
        let code = self.any_code();
        let quantity = Decimal::from(self.random.between(6, 144));
        if let Some(item) = self.items.get_mut(&code) {
            item.stock += quantity;
        }
        code
    }

    /// Lists a new product.
    pub fn add_product(&mut self, now: NaiveDateTime) -> String {
        self.next_article += 1;
        self.stock_up(self.next_article, now)
    }

    /// Drops a product.
    pub fn delete_product(&mut self) -> String {
        let code = self.any_code();
        self.items.remove(&code);
        code
    }

    /// Spoils a row.
    pub fn spoil(&mut self) -> String {
        let code = self.any_code();
        let flaw = *self.random.pick(Flaw::ALL);
        if let Some(item) = self.items.get_mut(&code) {
            item.flaw = Some(flaw);
        }
        code
    }

    /// Mends a spoilt row, if there is one.
    pub fn mend(&mut self) -> Option<String> {
        let (code, item) = self
            .items
            .iter_mut()
            .find(|(_, item)| item.flaw.is_some())?;
        item.flaw = None;
        Some(code.clone())
    }

    /// How many tickets have not been exported yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Everything on sale, as an export; from now on the ledger counts on it.
    ///
    /// # Errors
    /// Never for articles of the catalogue; an empty code would be no identity.
    pub fn export_products(&mut self) -> Result<Sheet> {
        let gone: Vec<String> = self
            .truth
            .records
            .values()
            .flat_map(BTreeMap::keys)
            .cloned()
            .collect();
        for code in gone.iter().chain(
            self.truth
                .rejects
                .iter()
                .map(|(_, code)| code)
                .cloned()
                .collect::<Vec<_>>()
                .iter(),
        ) {
            if !self.items.contains_key(code) {
                for kind in [
                    EntityKind::Product,
                    EntityKind::Price,
                    EntityKind::StockLevel,
                ] {
                    self.truth.remove(kind, code);
                }
            }
        }
        let mut rows = Vec::with_capacity(self.items.len());
        for (code, item) in &self.items {
            let spoilt = item.flaw.map_or(&[][..], Flaw::spoils);
            let mut enter = |kind, record: fluxion_model::entity::Record| {
                if spoilt.contains(&kind) {
                    self.truth.reject(kind, code)
                } else {
                    self.truth.put(record)
                }
            };
            enter(EntityKind::Product, item.product(code, &self.terms)?.into());
            enter(EntityKind::Price, item.price(code, &self.terms)?.into());
            enter(EntityKind::StockLevel, item.stock_level(code)?.into());
            rows.push(item.cells(code));
        }
        Ok(Sheet {
            header: PRODUCT_COLUMNS,
            rows,
        })
    }

    /// The sales since the last export, one row per line; none when nothing was sold.
    ///
    /// # Errors
    /// Never for tickets of this POS.
    pub fn export_sales(&mut self) -> Result<Option<Sheet>> {
        if self.unsent.is_empty() {
            return Ok(None);
        }
        let mut rows = Vec::new();
        for ticket in std::mem::take(&mut self.unsent) {
            if ticket.flawed {
                self.truth.reject(EntityKind::Sale, &ticket.number);
            } else {
                self.truth.put(ticket.sale(&self.terms)?);
            }
            rows.extend(ticket.cells());
        }
        Ok(Some(Sheet {
            header: SALE_COLUMNS,
            rows,
        }))
    }
}

const PRODUCT_COLUMNS: &[&str] = &[
    "codigo",
    "nombre",
    "precio_venta",
    "existencia",
    "categoria",
    "proveedor",
    "fecha_actualizacion",
];

const SALE_COLUMNS: &[&str] = &[
    "factura", "fecha", "cliente", "subtotal", "iva", "total", "codigo", "cantidad", "precio",
];

impl Item {
    fn cells(&self, code: &str) -> Vec<Cell> {
        let text = |text: &str| Cell::Text(text.to_owned());
        let flaw = self.flaw;
        vec![
            text(code),
            if flaw == Some(Flaw::Name) {
                text("")
            } else {
                text(&self.article.name)
            },
            if flaw == Some(Flaw::Price) {
                text("12,3x")
            } else {
                Cell::Number(self.price)
            },
            if flaw == Some(Flaw::Stock) {
                Cell::Junk
            } else {
                Cell::Number(self.stock)
            },
            text(self.article.department_name()),
            text(self.article.supplier_name()),
            if flaw == Some(Flaw::Date) {
                text("31/02/2026")
            } else {
                Cell::Moment(self.updated)
            },
        ]
    }

    fn product(&self, code: &str, _terms: &Terms) -> Result<Product> {
        Ok(Product {
            id: id(code)?,
            sku: code.to_owned(),
            name: self.article.name.clone(),
            description: None,
            barcodes: Vec::new(),
            category: None,
            category_name: Some(self.article.department_name().to_owned()),
            supplier: None,
            supplier_name: Some(self.article.supplier_name().to_owned()),
            brand: None,
            unit: None,
            tax_rate: Some(Decimal::from(16)),
            cost: None,
            currency: None,
            active: true,
            updated_at: Some(caracas_to_utc(self.updated)),
        })
    }

    fn price(&self, code: &str, terms: &Terms) -> Result<Price> {
        Ok(Price {
            id: id(code)?,
            product: id(code)?,
            list: "default".to_owned(),
            currency: terms.currency,
            amount: self.price,
            tax: None::<TaxInclusion>,
            min_quantity: None,
            valid_from: None,
            valid_to: None,
            updated_at: None,
        })
    }

    fn stock_level(&self, code: &str) -> Result<StockLevel> {
        Ok(StockLevel {
            id: id(code)?,
            product: id(code)?,
            location: None,
            on_hand: self.stock,
            reserved: None,
            minimum: None,
            maximum: None,
            updated_at: None,
        })
    }
}

impl Ticket {
    fn cells(&self) -> Vec<Vec<Cell>> {
        let text = |text: &str| Cell::Text(text.to_owned());
        let last = self.lines.len().saturating_sub(1);
        let row = |(position, (code, quantity, price)): (usize, &(String, Decimal, Decimal))| {
            let broken = self.flawed && position == last;
            vec![
                text(&self.number),
                Cell::Moment(self.at),
                text(&self.customer),
                Cell::Number(self.subtotal),
                Cell::Number(self.tax),
                Cell::Number(self.total),
                text(code),
                if broken {
                    text("uno")
                } else {
                    Cell::Number(*quantity)
                },
                Cell::Number(*price),
            ]
        };
        self.lines.iter().enumerate().map(row).collect()
    }

    fn sale(&self, terms: &Terms) -> Result<Sale> {
        let lines = self.lines.iter().map(|(code, quantity, price)| {
            Ok(SaleLine {
                product: Some(id(code)?),
                description: None,
                quantity: *quantity,
                unit_price: *price,
                discount: None,
                tax_rate: None,
                tax: None,
                total: None,
            })
        });
        Ok(Sale {
            id: id(&self.number)?,
            number: self.number.clone(),
            at: caracas_to_utc(self.at),
            kind: if self.total.is_sign_negative() {
                SaleKind::Return
            } else {
                SaleKind::Sale
            },
            status: SaleStatus::Completed,
            location: None,
            register: None,
            cashier: None,
            customer: None::<ExternalId>,
            customer_name: Some(self.customer.clone()),
            currency: terms.currency,
            exchange_rate: None,
            subtotal: Some(self.subtotal),
            discount: None,
            tax: Some(self.tax),
            total: self.total,
            lines: lines.collect::<Result<_>>()?,
            payments: Vec::new(),
            updated_at: None,
        })
    }
}
