//! A POS of a large store, made up row by row: 200,000 items, their stock, 300,000 sales with 900,000 lines.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Duration};
use rust_decimal::Decimal;

use crate::servers::MariaDb;
use crate::sim::catalogue::ean13;
use crate::sim::random::Random;
use crate::sim::words::{BRANDS, DEPARTMENTS, VARIANTS};

/// How many rows each table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Items, and as many rows of stock.
    pub items: i64,
    /// Sales.
    pub sales: i64,
    /// Lines of all sales.
    pub lines: i64,
}

impl Sizes {
    /// Rows of all tables.
    pub fn rows(self) -> i64 {
        2 * self.items + CATEGORIES + self.sales + self.lines
    }
}

/// The tables, in the order they are filled and piped.
pub const TABLES: &[&str] = &[
    "categories",
    "items",
    "stock",
    "transactions",
    "transaction_details",
];

const CATEGORIES: i64 = 200;
const PAYMENTS: &[&str] = &[
    "CASH",
    "CASH",
    "CASH",
    "CASH",
    "CARD",
    "CARD",
    "TRANSFERENCIA",
    "CRÉDITO",
    "\\N",
];

/// Creates the tables and fills them.
pub fn fill(server: &MariaDb, database: &str, scale: f64) -> Result<Sizes> {
    server.query(database, include_str!("../../bench/source.sql"))?;
    let items = scaled(200_000, scale);
    let sales = scaled(300_000, scale);
    let mut random = Random::new(42).branch("bench");
    load(server, database, "categories", &categories(&mut random)?)?;
    load(server, database, "items", &self::items(&mut random, items)?)?;
    load(server, database, "stock", &stock(&mut random, items)?)?;
    let (headers, details, lines) = self::sales(&mut random, sales, items)?;
    load(server, database, "transactions", &headers)?;
    load(server, database, "transaction_details", &details)?;
    server.query(
        database,
        "ANALYZE TABLE items, stock, transactions, transaction_details",
    )?;
    Ok(Sizes {
        items,
        sales,
        lines,
    })
}

/// So many, scaled; counts stay far below where a float would lose one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "at most 300,000 times a small factor"
)]
fn scaled(full: i32, scale: f64) -> i64 {
    ((f64::from(full) * scale) as i64).max(100)
}

fn categories(random: &mut Random) -> Result<String> {
    let mut rows = String::new();
    for number in 1..=CATEGORIES {
        writeln!(rows, "{number}\t{} {number}", random.pick(DEPARTMENTS).name)?;
    }
    Ok(rows)
}

fn items(random: &mut Random, count: i64) -> Result<String> {
    let mut rows = String::new();
    for number in 1..=count {
        let kind = random.pick(random.clone().pick(DEPARTMENTS).kinds);
        let name = format!(
            "{} {} {}",
            kind.name,
            random.pick(BRANDS),
            random.pick(VARIANTS)
        );
        let category = optional(random, 970, |random| {
            random.between(1, CATEGORIES).to_string()
        });
        let barcode = optional(random, 800, |_| {
            ean13(759_000_000_000 + number.unsigned_abs())
        });
        let cost = optional(random, 950, |random| {
            random.decimal(500_000, 900_000_000, 4).to_string()
        });
        let price = random.decimal(90_100, 9_999_999, 2);
        let tax = *random.pick(&["0.00", "10.00", "16.00", "21.00", "\\N"]);
        let active = u8::from(random.per_mille(900));
        let updated = moment(random.between(0, 60_000_000));
        writeln!(
            rows,
            "{number}\t{}\t{}\t{category}\t{barcode}\t{cost}\t{price}\t{tax}\t{active}\t{updated}",
            code(number),
            name.trim()
        )?;
    }
    Ok(rows)
}

fn optional(
    random: &mut Random,
    per_mille: u64,
    value: impl FnOnce(&mut Random) -> String,
) -> String {
    if random.per_mille(per_mille) {
        value(random)
    } else {
        "\\N".to_owned()
    }
}

fn code(number: i64) -> String {
    format!("ART{number:07}")
}

fn moment(seconds: i64) -> String {
    let begin = DateTime::from_timestamp(1_704_067_200, 0)
        .unwrap_or_default()
        .naive_utc();
    (begin + Duration::seconds(seconds)).to_string()
}

fn stock(random: &mut Random, count: i64) -> Result<String> {
    let mut rows = String::new();
    for number in 1..=count {
        let fraction = *random.pick(&[0, 0, 0, 250, 500]);
        writeln!(
            rows,
            "{number}\t1\t{}",
            Decimal::new(random.between(-5, 900) * 1000 + fraction, 3)
        )?;
    }
    Ok(rows)
}

fn sales(random: &mut Random, count: i64, items: i64) -> Result<(String, String, i64)> {
    let (mut headers, mut details, mut lines) = (String::new(), String::new(), 0);
    for number in 1..=count {
        let mut subtotal = Decimal::ZERO;
        for line in 1..=*random.pick(&[1, 1, 2, 3, 3, 4, 7]) {
            let weighed = random.per_mille(70);
            let quantity = if weighed {
                random.decimal(50, 4_999, 3)
            } else {
                Decimal::from(*random.pick(&[1, 1, 1, 2, 3, 12]))
            };
            let price = random.decimal(100, 99_999, 2);
            subtotal += crate::sim::catalogue::cents(quantity * price);
            writeln!(
                details,
                "{number}\t{line}\t{}\t{quantity}\t{price}",
                code(random.between(1, items))
            )?;
            lines += 1;
        }
        let tax = crate::sim::catalogue::cents(
            subtotal * Decimal::new(*random.pick(&[0, 10, 16, 21]), 2),
        );
        writeln!(
            headers,
            "{number}\tF{:03}-{number:08}\t{}\t{}\t{subtotal}\t{tax}\t{}\t{}",
            number % 9,
            moment(number * 60_000_000 / count),
            number % 4 + 1,
            subtotal + tax,
            random.pick(PAYMENTS)
        )?;
    }
    Ok((headers, details, lines))
}

fn load(server: &MariaDb, database: &str, table: &str, rows: &str) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new().context("no temporary file")?;
    file.write_all(rows.as_bytes())?;
    let path = file.path().display();
    let sql = format!(
        "SET unique_checks=0; LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} CHARACTER SET utf8mb4"
    );
    let output = server.client(database).args(["-e", &sql]).output()?;
    if !output.status.success() {
        bail!(
            "could not fill {table}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
