//! A POS that keeps its tables in files of Visual FoxPro, with the schema of AdminPAQ.
//!
//! The shop keeps everything in memory beside the files, and its truth is told from there: what it wrote into the files
//! is never read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveDateTime};
use rust_decimal::Decimal;

use super::adminpaq_tables as tables;
use super::catalogue::{Article, article, articles, cents};
use super::dbf::{Cell, Table, Version};
use super::people::{Customer, customers};
use super::random::Random;
use super::words::{DEPARTMENTS, SUPPLIERS};

/// Bolívares for one US dollar.
pub const RATE: Decimal = Decimal::from_parts(21_437, 0, 0, false, 2);

/// The only warehouse.
pub const WAREHOUSE: i64 = 1;

/// The code page mark of Windows ANSI.
const ANSI: u8 = 3;

/// Fiscal years; the second has begun.
const YEARS: [i64; 2] = [6, 7];

/// Identities of categories begin here, of suppliers there.
pub const FIRST_CATEGORY: i64 = 100;
/// See [`FIRST_CATEGORY`].
pub const FIRST_SUPPLIER: i64 = 900;

/// What can be wrong with a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It has no name.
    Name,
    /// Its description points behind the end of the memo file.
    Memo,
}

/// A product.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number.
    pub id: i64,
    /// What it is.
    pub article: Article,
    /// The shelf price.
    pub price: Decimal,
    /// The price for wholesale; 0 when there is none.
    pub wholesale: Decimal,
    /// Whether it is still sold.
    pub active: bool,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
    /// What came in, of all time.
    pub entries: Decimal,
    /// What went out, of all time.
    pub exits: Decimal,
    record: u32,
    stock_record: u32,
    /// Last year's stock, of products that were there then.
    old_stock_record: Option<u32>,
}

/// A document with its lines.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its number.
    pub id: i64,
    /// 4 invoice, 35 ticket, 36 return, 9 payment.
    pub kind: i64,
    /// Its number on paper.
    pub folio: i64,
    /// Its day; none on one that was written badly.
    pub day: Option<NaiveDate>,
    /// Place among the customers.
    pub customer: Option<usize>,
    /// Before tax.
    pub net: Decimal,
    /// Tax.
    pub tax: Decimal,
    /// Whether it was annulled.
    pub cancelled: bool,
    /// Its lines.
    pub lines: Vec<Line>,
    record: u32,
}

/// A line of a document.
#[derive(Debug, Clone)]
pub struct Line {
    /// Number of the product.
    pub product: i64,
    /// Units.
    pub quantity: Decimal,
    /// Price of one.
    pub price: Decimal,
    /// Tax in percent.
    pub rate: Decimal,
    /// With tax.
    pub total: Decimal,
}

/// The shop: its files, and what it knows of them.
#[derive(Debug)]
pub struct Shop {
    /// The company's folder.
    pub folder: PathBuf,
    /// Products by their place; those that were deleted are gone.
    pub items: Vec<Item>,
    /// Documents of all kinds.
    pub documents: Vec<Document>,
    /// Customers.
    pub customers: Vec<Customer>,
    products: Table,
    stock: Table,
    headers: Table,
    movements: Table,
    seed: u64,
    random: Random,
    next_article: usize,
    next_product: i64,
    next_movement: i64,
}

impl Document {
    /// `T` for tickets, `F` for invoices, `D` for returns, `P` for payments.
    #[must_use]
    pub fn series(&self) -> &'static str {
        match self.kind {
            4 => "F",
            36 => "D",
            9 => "P",
            _ => "T",
        }
    }

    /// What the customer pays.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.net + self.tax
    }
}

impl Shop {
    /// Makes the folder of a company with so many products and documents. Articles of its own come from `own` on.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(
        folder: &Path,
        seed: u64,
        products: usize,
        documents: usize,
        own: usize,
        now: NaiveDateTime,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let make = |name: &str, fields| {
            Table::create(&folder.join(name), Version::VisualFoxPro, ANSI, fields)
        };
        let mut random = Random::new(seed).branch("adminpaq");
        let mut shop = Self {
            folder: folder.to_owned(),
            items: Vec::new(),
            documents: Vec::new(),
            customers: customers(&mut random, 120),
            // Names as Windows leaves them: of any case.
            products: make("MGW10005.DBF", tables::PRODUCTS)?,
            stock: make("Mgw10030.dbf", tables::STOCK)?,
            headers: make("MGW10008.DBF", tables::DOCUMENTS)?,
            movements: make("MGW10010.dbf", tables::MOVEMENTS)?,
            seed,
            random,
            next_article: own,
            next_product: 1,
            next_movement: 1,
        };
        shop.write_small_tables()?;
        shop.fill(products, documents, now)?;
        Ok(shop)
    }

    fn write_small_tables(&self) -> Result<()> {
        let make = |name: &str, fields, rows: Vec<Vec<Cell>>| -> Result<()> {
            let path = self.folder.join(name);
            Table::create(&path, Version::VisualFoxPro, ANSI, fields)?.fill(&rows)
        };
        let none = || -> Cell { "(Ninguno)".into() };
        let mut categories = vec![vec![0.into(), none(), 0.into()]];
        categories.extend(
            (FIRST_CATEGORY..)
                .zip(DEPARTMENTS)
                .map(|(id, department)| vec![id.into(), department.name.into(), 1.into()]),
        );
        make("MGW10020.DBF", tables::CATEGORIES, categories)?;
        let warehouses = vec![
            vec![0.into(), "".into(), none()],
            vec![WAREHOUSE.into(), "1".into(), "Almacén único".into()],
        ];
        make("MGW10003.DBF", tables::WAREHOUSES, warehouses)?;
        let person = |id: i64, name: &str, rif: &str, kind: i64| {
            let code = format!("C{id:04}");
            let code = Cell::from(code.as_str());
            vec![
                id.into(),
                code,
                name.into(),
                rif.into(),
                kind.into(),
                1.into(),
            ]
        };
        let mut people = vec![person(0, "(Ninguno)", "", 0)];
        people.extend(
            (1..)
                .zip(&self.customers)
                .map(|(id, customer)| person(id, &customer.name, &customer.rif, 1)),
        );
        people.extend(
            (FIRST_SUPPLIER..)
                .zip(SUPPLIERS)
                .enumerate()
                .map(|(place, (id, name))| {
                    person(id, name, &super::people::supplier_rif(place), 3)
                }),
        );
        make("MGW10002.DBF", tables::PEOPLE, people)
    }

    fn fill(&mut self, products: usize, documents: usize, now: NaiveDateTime) -> Result<()> {
        for article in articles(self.seed, 1, products) {
            let item = self.item(article);
            self.items.push(item);
        }
        // Last year's stock is still there, and counts no more.
        let mut stock: Vec<Vec<Cell>> = (0_i64..)
            .zip(&self.items)
            .map(|(place, item)| {
                tables::stock(place, YEARS[0], item.id, item.entries, Decimal::ONE)
            })
            .collect();
        let rows = self.items.iter().map(tables::product).collect::<Vec<_>>();
        for (record, item) in (0..).zip(&mut self.items) {
            item.record = record;
            item.old_stock_record = Some(record);
            item.stock_record = u32::try_from(stock.len())?;
            stock.push(stock_row(item));
        }
        let (mut headers, mut movements) = (Vec::new(), Vec::new());
        for number in 0..documents {
            let age = chrono::Duration::minutes(9 * i64::try_from(documents - number)?);
            let kind = *self.random.pick(&[35, 35, 35, 35, 4, 36]);
            let mut document = self.draw(kind, Some((now - age).date()))?;
            document.record = u32::try_from(number)?;
            headers.push(tables::document(&document, &self.customers));
            for line in 0..document.lines.len() {
                movements.push(tables::movement(self.next_movement, &document, line));
                self.next_movement += 1;
            }
            self.documents.push(document);
        }
        self.products.fill(&rows)?;
        self.stock.fill(&stock)?;
        self.headers.fill(&headers)?;
        self.movements.fill(&movements)
    }

    fn item(&mut self, mut article: Article) -> Item {
        // The field is as wide as that, and its user stops typing.
        let name: String = article.name.chars().take(60).collect();
        article.name = name.trim_end().to_owned();
        article.cost = cents(article.cost * RATE);
        let id = self.next_product;
        self.next_product += 1;
        let price = cents(article.price * RATE);
        let has_wholesale = self.random.per_mille(300);
        Item {
            id,
            entries: article.stock(&mut self.random).abs() + Decimal::TEN,
            exits: Decimal::ZERO,
            wholesale: if has_wholesale {
                cents(price * Decimal::new(93, 2))
            } else {
                Decimal::ZERO
            },
            price,
            active: !self.random.per_mille(20),
            flaw: None,
            article,
            record: 0,
            stock_record: 0,
            old_stock_record: None,
        }
    }

    /// Draws up a document; goods are not yet booked out.
    fn draw(&mut self, kind: i64, day: Option<NaiveDate>) -> Result<Document> {
        let id = 1 + i64::try_from(self.documents.len())?;
        let count = if kind == 36 {
            1
        } else {
            *self.random.pick(&[1, 1, 2, 3, 4, 6])
        };
        let has_customer = kind == 4 || self.random.per_mille(200);
        let customer = has_customer.then(|| self.random.index(self.customers.len()));
        let (mut net, mut tax, mut lines) = (Decimal::ZERO, Decimal::ZERO, Vec::new());
        for _ in 0..count {
            let place = self.random.index(self.items.len());
            let item = &self.items[place];
            let quantity = item.article.quantity(&mut self.random);
            let amount = cents(quantity * item.price);
            let rate = item.article.tax_rate();
            let of_line = cents(amount * rate / Decimal::ONE_HUNDRED);
            net += amount;
            tax += of_line;
            lines.push(Line {
                product: item.id,
                quantity,
                price: item.price,
                rate,
                total: amount + of_line,
            });
        }
        Ok(Document {
            id,
            kind,
            folio: id,
            day,
            customer,
            net,
            tax,
            cancelled: false,
            lines,
            record: 0,
        })
    }

    /// Writes a document as this POS does: the header, then line by line, then the stock.
    fn write(&mut self, mut document: Document) -> Result<String> {
        let number = format!("{}-{}", document.series(), document.folio);
        document.record = self
            .headers
            .append(&tables::document(&document, &self.customers))?;
        for line in 0..document.lines.len() {
            if self.random.per_mille(200) {
                sleep(Duration::from_millis(15));
            }
            self.movements
                .append(&tables::movement(self.next_movement, &document, line))?;
            self.next_movement += 1;
        }
        for line in document.lines.clone() {
            self.book(&line, document.kind == 36)?;
        }
        self.documents.push(document);
        Ok(number)
    }

    fn book(&mut self, line: &Line, back: bool) -> Result<()> {
        let Some(item) = self.items.iter_mut().find(|item| item.id == line.product) else {
            return Ok(());
        };
        if back {
            item.entries += line.quantity;
        } else {
            item.exits += line.quantity;
        }
        self.stock.update(item.stock_record, &stock_row(item))
    }

    /// Sells something.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sell(&mut self, now: NaiveDateTime) -> Result<String> {
        let kind = *self.random.pick(&[35, 35, 35, 4]);
        let document = self.draw(kind, Some(now.date()))?;
        self.write(document)
    }

    /// Sells something, and writes no date.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sell_badly(&mut self) -> Result<String> {
        let document = self.draw(35, None)?;
        self.write(document)
    }

    /// Takes something back.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take_back(&mut self, now: NaiveDateTime) -> Result<String> {
        let document = self.draw(36, Some(now.date()))?;
        self.write(document)
    }

    /// Takes money from a customer.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn collect(&mut self, now: NaiveDateTime) -> Result<String> {
        let mut document = self.draw(9, Some(now.date()))?;
        document.lines.clear();
        document.tax = Decimal::ZERO;
        let customer = self.random.index(self.customers.len());
        document.customer = Some(customer);
        self.write(document)
    }

    /// Annuls a recent sale.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn void(&mut self) -> Result<Option<String>> {
        let recent = self.documents.iter_mut().rev().skip(2);
        let Some(document) = recent
            .take(50)
            .find(|document| document.kind == 35 && !document.cancelled && document.day.is_some())
        else {
            return Ok(None);
        };
        document.cancelled = true;
        let number = format!("{}-{}", document.series(), document.folio);
        self.headers.update(
            document.record,
            &tables::document(document, &self.customers),
        )?;
        Ok(Some(number))
    }

    fn any(&mut self) -> &mut Item {
        let place = self.random.index(self.items.len());
        &mut self.items[place]
    }

    /// Changes a price by up to a fifth.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn change_price(&mut self) -> Result<String> {
        let factor = self.random.decimal(85, 120, 2);
        let item = self.any();
        item.price = cents(item.price * factor).max(Decimal::new(1, 2));
        let item = item.clone();
        self.products.update(item.record, &tables::product(&item))?;
        Ok(item.article.code)
    }

    /// Takes a product out of the assortment, or back into it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn discontinue(&mut self) -> Result<String> {
        let item = self.any();
        item.active = !item.active;
        let item = item.clone();
        self.products.update(item.record, &tables::product(&item))?;
        Ok(item.article.code)
    }

    /// Books goods in.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn receive(&mut self) -> Result<String> {
        let quantity = Decimal::from(self.random.between(6, 144));
        let item = self.any();
        item.entries += quantity;
        let item = item.clone();
        self.stock.update(item.stock_record, &stock_row(&item))?;
        Ok(item.article.code)
    }

    /// Lists a new product, well or badly.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add_product(&mut self, flaw: Option<Flaw>) -> Result<String> {
        self.next_article += 1;
        let mut item = self.item(article(self.seed, self.next_article));
        item.flaw = flaw;
        item.record = self.products.append(&tables::product(&item))?;
        item.stock_record = self.stock.append(&stock_row(&item))?;
        let code = item.article.code.clone();
        self.items.push(item);
        Ok(code)
    }

    /// Lists a new product badly.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add_bad_product(&mut self) -> Result<String> {
        let flaw = *self.random.pick(&[Flaw::Name, Flaw::Memo]);
        self.add_product(Some(flaw))
    }

    /// Mends a bad product, if there is one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn mend(&mut self) -> Result<Option<String>> {
        let Some(item) = self.items.iter_mut().find(|item| item.flaw.is_some()) else {
            return Ok(None);
        };
        item.flaw = None;
        let item = item.clone();
        self.products.update(item.record, &tables::product(&item))?;
        Ok(Some(item.article.code))
    }

    /// Deletes a product with its stock of all years.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn delete_product(&mut self) -> Result<String> {
        let place = self.random.index(self.items.len());
        let item = self.items.remove(place);
        self.products.delete(item.record)?;
        self.stock.delete(item.stock_record)?;
        if let Some(record) = item.old_stock_record {
            self.stock.delete(record)?;
        }
        Ok(item.article.code)
    }

    /// Writes one of the tables anew without its deleted records.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn pack(&mut self) -> Result<&'static str> {
        let moved = |kept: &[u32], record: u32| -> Result<u32> {
            let place = kept.binary_search(&record).ok();
            Ok(u32::try_from(
                place.context("a record that is known was packed away")?,
            )?)
        };
        if self.random.per_mille(600) {
            let kept = self.products.pack()?;
            for item in &mut self.items {
                item.record = moved(&kept, item.record)?;
            }
            return Ok("MGW10005");
        }
        let kept = self.stock.pack()?;
        for item in &mut self.items {
            item.stock_record = moved(&kept, item.stock_record)?;
            item.old_stock_record = item
                .old_stock_record
                .map(|record| moved(&kept, record))
                .transpose()?;
        }
        Ok("MGW10030")
    }
}

fn stock_row(item: &Item) -> Vec<Cell> {
    tables::stock(
        1_000_000 + item.id,
        YEARS[1],
        item.id,
        item.entries,
        item.exits,
    )
}
