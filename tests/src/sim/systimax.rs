//! A POS on MariaDB with the Systimax schema.
//!
//! Here the database itself is the truth: the check reads it with SQL of its own.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use chrono::{Duration, NaiveDateTime};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, TxOpts};
use rust_decimal::Decimal;

use super::catalogue::{Article, article, articles, cents};
use super::random::Random;
use super::words::DEPARTMENTS;
use crate::servers::MariaDb;

/// The tables, as the vendor made them.
pub const SCHEMA: &str = include_str!("systimax.sql");

/// Bolívares for one US dollar.
pub const RATE: Decimal = Decimal::from_parts(21_437, 0, 0, false, 2);

/// The store's number in the POS.
pub const LOCATION: u32 = 1;

const PAYMENT_TYPES: &[&str] = &[
    "EFECTIVO",
    "EFECTIVO",
    "TDD",
    "TDD",
    "TDC",
    "PAGO MÓVIL",
    "PAGO MÓVIL",
    "ZELLE",
    "CRÉDITO",
];

/// Fills an empty database with so many products and sales.
///
/// # Errors
/// When the server refuses something.
pub fn fill(
    server: &MariaDb,
    database: &str,
    seed: u64,
    products: usize,
    sales: usize,
    now: NaiveDateTime,
) -> Result<()> {
    server.query(database, SCHEMA)?;
    let mut random = Random::new(seed).branch("systimax");
    let catalogue = articles(seed, 1, products);
    let mut rows = String::new();
    for (number, department) in (1..).zip(DEPARTMENTS) {
        writeln!(rows, "{number}\t{}", department.name)?;
    }
    load(server, database, "categories", &rows)?;

    let (mut items, mut stock) = (String::new(), String::new());
    for (number, article) in (1..).zip(&catalogue) {
        let updated = now - Duration::seconds(random.between(0, 20_000_000));
        let price = cents(article.price * RATE);
        let active = if random.per_mille(30) { 'N' } else { 'Y' };
        writeln!(
            items,
            "{number}\t{}\t{}\t{}\t{price}\t{active}\t{updated}",
            article.code,
            article.name,
            article.department + 1
        )?;
        writeln!(
            stock,
            "{number}\t{LOCATION}\t{}",
            article.stock(&mut random)
        )?;
    }
    load(server, database, "items", &items)?;
    load(server, database, "stock", &stock)?;

    let (mut headers, mut details) = (String::new(), String::new());
    for number in 1..=sales {
        let age = i64::try_from((sales - number) * 300)? + 600;
        let count = *random.pick(&[1, 1, 2, 3, 3, 4, 7]);
        let lines = (0..count)
            .map(|_| random.pick(&catalogue).clone())
            .collect::<Vec<_>>();
        let lines: Vec<_> = lines
            .into_iter()
            .map(|article| {
                let price = cents(article.price * RATE);
                (article.quantity(&mut random), article, price)
            })
            .collect();
        let totals = Totals::of(&lines);
        let payment = random.pick(PAYMENT_TYPES);
        writeln!(
            headers,
            "{number}\t{}\t{}\t{LOCATION}\t{}\t{}\t{}\t{payment}",
            ticket_number(number as u64),
            now - Duration::seconds(age),
            totals.subtotal,
            totals.tax,
            totals.total
        )?;
        for (quantity, article, price) in &lines {
            writeln!(
                details,
                "\\N\t{number}\t{}\t{quantity}\t{price}",
                article.code
            )?;
        }
    }
    load(server, database, "transactions", &headers)?;
    load(server, database, "transaction_details", &details)
}

fn ticket_number(number: u64) -> String {
    format!("A{:02}-{number:08}", number % 4 + 1)
}

fn load(server: &MariaDb, database: &str, table: &str, rows: &str) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new().context("no temporary file")?;
    file.write_all(rows.as_bytes())?;
    let sql = format!(
        "SET unique_checks=0, foreign_key_checks=0; LOAD DATA LOCAL INFILE '{}' INTO TABLE {table} CHARACTER SET utf8mb4",
        file.path().display()
    );
    let output = server
        .client(database)
        .args(["-e", &sql])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        bail!(
            "could not fill {table}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

struct Totals {
    subtotal: Decimal,
    tax: Decimal,
    total: Decimal,
}

impl Totals {
    fn of(lines: &[(Decimal, Article, Decimal)]) -> Self {
        let (mut subtotal, mut tax) = (Decimal::ZERO, Decimal::ZERO);
        for (quantity, article, price) in lines {
            let amount = cents(quantity * price);
            subtotal += amount;
            tax += cents(amount * article.tax_rate() / Decimal::ONE_HUNDRED);
        }
        Self {
            subtotal,
            tax,
            total: subtotal + tax,
        }
    }
}

/// The till at work.
pub struct Till {
    conn: Conn,
    seed: u64,
    random: Random,
    next_article: usize,
}

impl Till {
    /// Logs in. New products come from the catalogue's number `own` on.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn open(url: &str, seed: u64, own: usize) -> Result<Self> {
        let mut conn = Conn::new(Opts::from_url(url)?)
            .await
            .context("the till cannot reach its database")?;
        // Old applications run without strict mode, which is how bad rows get in.
        conn.query_drop("SET SESSION sql_mode = '', time_zone = '-04:00'")
            .await?;
        Ok(Self {
            conn,
            seed,
            random: Random::new(seed).branch("till"),
            next_article: own,
        })
    }

    async fn any_item(&mut self) -> Result<(u32, String, Decimal)> {
        let highest: u32 = self
            .conn
            .query_first("SELECT MAX(item_id) FROM items")
            .await?
            .unwrap_or(1);
        let from = u32::try_from(self.random.between(1, i64::from(highest)))?;
        let sql = "SELECT item_id, item_code, sale_price FROM items
                   WHERE item_id <= ? AND item_name <> '' AND sale_price > 0 ORDER BY item_id DESC LIMIT 1";
        let found: Option<(u32, String, Decimal)> = self.conn.exec_first(sql, (from,)).await?;
        found.context("no products are left")
    }

    /// Sells something, in one transaction.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn sell(&mut self, now: NaiveDateTime) -> Result<String> {
        let count = *self.random.pick(&[1, 1, 2, 3, 3, 4, 7]);
        self.ticket(&now.to_string(), count, Decimal::ONE).await
    }

    /// Takes something back: a credit note with negative quantities.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn take_back(&mut self, now: NaiveDateTime) -> Result<String> {
        self.ticket(&now.to_string(), 1, Decimal::NEGATIVE_ONE)
            .await
    }

    async fn ticket(&mut self, date: &str, count: usize, sign: Decimal) -> Result<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            let (item, code, price) = self.any_item().await?;
            let article = article(self.seed, code.parse().unwrap_or(1));
            lines.push((
                item,
                (
                    article.quantity(&mut self.random) * sign,
                    Article { code, ..article },
                    price,
                ),
            ));
        }
        let totals = Totals::of(
            &lines
                .iter()
                .map(|(_, line)| line.clone())
                .collect::<Vec<_>>(),
        );
        let payment = *self.random.pick(PAYMENT_TYPES);
        let mut tx = self.conn.start_transaction(TxOpts::default()).await?;
        tx.exec_drop(
            "INSERT INTO transactions (trans_no, trans_date, location_id, subtotal, tax_amount, total_amount, payment_type)
             VALUES ('', ?, ?, ?, ?, ?, ?)",
            (date, LOCATION, totals.subtotal, totals.tax, totals.total, payment),
        )
        .await?;
        let number = tx.last_insert_id().context("no id for the ticket")?;
        let printed = ticket_number(number);
        tx.exec_drop(
            "UPDATE transactions SET trans_no = ? WHERE trans_id = ?",
            (&printed, number),
        )
        .await?;
        for (item, (quantity, article, price)) in &lines {
            let detail = "INSERT INTO transaction_details (trans_id, item_code, qty, unit_price) VALUES (?, ?, ?, ?)";
            tx.exec_drop(detail, (number, &article.code, quantity, price))
                .await?;
            let sql = "UPDATE stock SET qty_on_hand = qty_on_hand - ? WHERE item_id = ? AND location_id = ?";
            tx.exec_drop(sql, (quantity, item, LOCATION)).await?;
            tx.exec_drop(
                "UPDATE items SET last_sale_date = ? WHERE item_id = ?",
                (date, item),
            )
            .await?;
        }
        tx.commit().await?;
        Ok(printed)
    }

    /// Annuls a recent ticket: this POS deletes it and puts the goods back.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn void(&mut self) -> Result<Option<String>> {
        let sql =
            "SELECT trans_id, trans_no FROM transactions ORDER BY trans_id DESC LIMIT 1 OFFSET 3";
        let Some((id, printed)) = self.conn.query_first::<(u64, String), _>(sql).await? else {
            return Ok(None);
        };
        let mut tx = self.conn.start_transaction(TxOpts::default()).await?;
        let back = "UPDATE stock s JOIN items i ON i.item_id = s.item_id
                    JOIN (SELECT item_code, SUM(qty) AS qty FROM transaction_details WHERE trans_id = ? GROUP BY item_code) d
                      ON d.item_code = i.item_code
                    SET s.qty_on_hand = s.qty_on_hand + d.qty";
        tx.exec_drop(back, (id,)).await?;
        tx.exec_drop("DELETE FROM transaction_details WHERE trans_id = ?", (id,))
            .await?;
        tx.exec_drop("DELETE FROM transactions WHERE trans_id = ?", (id,))
            .await?;
        tx.commit().await?;
        Ok(Some(printed))
    }

    /// Changes a price by up to a fifth.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn change_price(&mut self) -> Result<String> {
        let (item, code, price) = self.any_item().await?;
        let price = cents(price * self.random.decimal(85, 120, 2)).max(Decimal::new(1, 2));
        self.conn
            .exec_drop(
                "UPDATE items SET sale_price = ? WHERE item_id = ?",
                (price, item),
            )
            .await?;
        Ok(code)
    }

    /// Books goods in.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn receive(&mut self) -> Result<String> {
        let (item, code, _) = self.any_item().await?;
        let quantity = self.random.between(6, 144);
        self.conn
            .exec_drop(
                "UPDATE stock SET qty_on_hand = qty_on_hand + ? WHERE item_id = ?",
                (quantity, item),
            )
            .await?;
        Ok(code)
    }

    /// Lists a new product.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn add_product(&mut self) -> Result<String> {
        self.next_article += 1;
        let article = article(self.seed, self.next_article);
        let name = article.name.clone();
        self.insert(&article, &name, Some(cents(article.price * RATE)))
            .await?;
        Ok(article.code)
    }

    /// Lists a new product badly: without a name, and half the time without a price either.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn add_bad_product(&mut self) -> Result<String> {
        self.next_article += 1;
        let article = article(self.seed, self.next_article);
        let price = cents(article.price * RATE);
        let price = self.random.per_mille(500).then_some(price);
        self.insert(&article, "", price).await?;
        Ok(article.code)
    }

    async fn insert(
        &mut self,
        article: &Article,
        name: &str,
        price: Option<Decimal>,
    ) -> Result<()> {
        let stock = article.stock(&mut self.random);
        let mut tx = self.conn.start_transaction(TxOpts::default()).await?;
        let sql = "INSERT INTO items (item_code, item_name, category_id, sale_price, active) VALUES (?, ?, ?, ?, 'Y')";
        tx.exec_drop(sql, (&article.code, name, article.department + 1, price))
            .await?;
        let item = tx.last_insert_id().context("no id for the product")?;
        let sql = "INSERT INTO stock (item_id, location_id, qty_on_hand) VALUES (?, ?, ?)";
        tx.exec_drop(sql, (item, LOCATION, stock)).await?;
        Ok(tx.commit().await?)
    }

    /// Writes a sale whose date is no date, as old servers allow.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn sell_badly(&mut self) -> Result<String> {
        self.ticket("0000-00-00 00:00:00", 1, Decimal::ONE).await
    }

    /// Gives a nameless product a name, if there is one.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn mend(&mut self) -> Result<Option<String>> {
        let found: Option<(u32, String)> = self
            .conn
            .query_first("SELECT item_id, item_code FROM items WHERE item_name = '' LIMIT 1")
            .await?;
        let Some((item, code)) = found else {
            return Ok(None);
        };
        let name = article(self.seed, code.parse().unwrap_or(1)).name;
        self.conn
            .exec_drop(
                "UPDATE items SET item_name = ? WHERE item_id = ?",
                (name, item),
            )
            .await?;
        Ok(Some(code))
    }

    /// Drops a product with its stock.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn delete_product(&mut self) -> Result<String> {
        let (item, code, _) = self.any_item().await?;
        let mut tx = self.conn.start_transaction(TxOpts::default()).await?;
        tx.exec_drop("DELETE FROM stock WHERE item_id = ?", (item,))
            .await?;
        tx.exec_drop("DELETE FROM items WHERE item_id = ?", (item,))
            .await?;
        tx.commit().await?;
        Ok(code)
    }
}
