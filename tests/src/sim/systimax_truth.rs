//! What a Systimax database holds, read with SQL of its own and put into the cloud's words by hand: nothing of the
//! product takes part, so a mistake in connector or mapping cannot hide itself.

use anyhow::{Context, Result};
use chrono::NaiveDateTime;
use fluxion_model::entity::{
    Category, EntityKind, Price, Product, Sale, SaleKind, SaleLine, SalePayment, SaleStatus,
    StockLevel,
};
use fluxion_model::money::Currency;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use rust_decimal::Decimal;

use super::systimax::LOCATION;
use super::truth::Truth;
use super::{caracas_to_utc, id};

type ItemRow = (
    u32,
    String,
    String,
    Option<u32>,
    Option<Decimal>,
    String,
    Option<Decimal>,
);
type SaleRow = (
    u64,
    String,
    String,
    u32,
    Decimal,
    Decimal,
    Decimal,
    Option<String>,
);
type LineRow = (u64, String, Decimal, Decimal);

/// Reads everything.
///
/// # Errors
/// When the server cannot be read.
pub async fn read(url: &str) -> Result<Truth> {
    let mut conn = Conn::new(Opts::from_url(url)?).await?;
    let mut truth = Truth::default();
    let currency: Currency = "VES".parse()?;
    let categories: Vec<(u32, String)> = conn
        .query("SELECT category_id, category_name FROM categories")
        .await?;
    for (number, name) in categories {
        truth.put(Category {
            id: id(&number.to_string())?,
            name,
            parent: None,
            active: true,
        });
    }
    let items: Vec<ItemRow> = conn
        .query(
            "SELECT i.item_id, i.item_code, i.item_name, i.category_id, i.sale_price, i.active, s.qty_on_hand
             FROM items i LEFT JOIN stock s ON s.item_id = i.item_id AND s.location_id = 1",
        )
        .await?;
    for row in items {
        item(&mut truth, row, currency)?;
    }
    sales(&mut truth, &mut conn, currency).await?;
    conn.disconnect().await?;
    Ok(truth)
}

fn item(truth: &mut Truth, row: ItemRow, currency: Currency) -> Result<()> {
    let (_, code, name, category, price, active, on_hand) = row;
    if name.trim().is_empty() {
        truth.reject(EntityKind::Product, &code);
    } else {
        truth.put(Product {
            id: id(&code)?,
            sku: code.clone(),
            name,
            description: None,
            barcodes: Vec::new(),
            category: category.map(|number| id(&number.to_string())).transpose()?,
            category_name: None,
            supplier: None,
            supplier_name: None,
            brand: None,
            unit: None,
            tax_rate: Some(Decimal::from(16)),
            cost: None,
            currency: None,
            active: active == "Y",
            updated_at: None,
        });
    }
    // A product without a price has no price record, which is not wrong.
    if let Some(amount) = price {
        truth.put(Price {
            id: id(&code)?,
            product: id(&code)?,
            list: "default".to_owned(),
            currency,
            amount,
            tax: None,
            min_quantity: None,
            valid_from: None,
            valid_to: None,
            updated_at: None,
        });
    }
    if let Some(on_hand) = on_hand {
        truth.put(StockLevel {
            id: id(&format!("{code}|{LOCATION}"))?,
            product: id(&code)?,
            location: Some(id(&LOCATION.to_string())?),
            on_hand,
            reserved: None,
            minimum: None,
            maximum: None,
            updated_at: None,
        });
    }
    Ok(())
}

async fn sales(truth: &mut Truth, conn: &mut Conn, currency: Currency) -> Result<()> {
    let rows: Vec<SaleRow> = conn
        .query(
            "SELECT trans_id, trans_no, CAST(trans_date AS CHAR), location_id, subtotal, tax_amount, total_amount,
                    payment_type FROM transactions ORDER BY trans_id",
        )
        .await?;
    let lines: Vec<LineRow> = conn
        .query("SELECT trans_id, item_code, qty, unit_price FROM transaction_details ORDER BY trans_id, item_code, qty, unit_price")
        .await?;
    let mut lines = lines.into_iter().peekable();
    for (number, printed, date, _location, subtotal, tax, total, payment) in rows {
        let mut of_sale = Vec::new();
        while let Some((_, code, quantity, unit_price)) = lines.next_if(|line| line.0 == number) {
            of_sale.push(SaleLine {
                product: Some(id(&code)?),
                description: None,
                quantity,
                unit_price,
                discount: None,
                tax_rate: None,
                tax: None,
                total: None,
            });
        }
        if date.starts_with("0000") {
            truth.reject(EntityKind::Sale, &number.to_string());
            continue;
        }
        let at = NaiveDateTime::parse_from_str(&date, "%Y-%m-%d %H:%M:%S")
            .with_context(|| format!("date {date}"))?;
        let payments = payment.into_iter().map(|method| SalePayment {
            method,
            amount: total,
            currency: None,
            exchange_rate: None,
            reference: None,
        });
        truth.put(Sale {
            id: id(&number.to_string())?,
            number: printed,
            at: caracas_to_utc(at),
            kind: if total.is_sign_negative() {
                SaleKind::Return
            } else {
                SaleKind::Sale
            },
            status: SaleStatus::Completed,
            location: None,
            register: None,
            cashier: None,
            customer: None,
            customer_name: None,
            currency,
            exchange_rate: None,
            subtotal: Some(subtotal),
            discount: None,
            tax: Some(tax),
            total,
            lines: of_sale,
            payments: payments.collect(),
            updated_at: None,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::MariaDb;
    use crate::sim::caracas_now;
    use crate::sim::systimax::{Till, fill};
    use fluxion_model::entity::Record;

    #[tokio::test]
    async fn a_busy_till_leaves_a_database_that_adds_up_but_for_its_bad_rows() {
        let server = MariaDb::shared().unwrap();
        let database = server.fresh_database().unwrap();
        fill(&server, &database, 1, 300, 200, caracas_now()).unwrap();
        let mut till = Till::open(&server.url(&database), 1, 1_000).await.unwrap();
        for _ in 0..10 {
            till.sell(caracas_now()).await.unwrap();
            till.change_price().await.unwrap();
            till.add_product().await.unwrap();
            till.receive().await.unwrap();
        }
        till.take_back(caracas_now()).await.unwrap();
        till.void().await.unwrap().unwrap();
        till.delete_product().await.unwrap();
        till.add_bad_product().await.unwrap();
        till.add_bad_product().await.unwrap();
        till.mend().await.unwrap().unwrap();
        till.sell_badly().await.unwrap();

        let truth = read(&server.url(&database)).await.unwrap();
        assert_eq!(truth.count(EntityKind::Product), 300 + 10 - 1 + 1);
        assert_eq!(truth.count(EntityKind::Sale), 200 + 10 + 1 - 1);
        assert_eq!(truth.rejects.len(), 2, "{:?}", truth.rejects);
        for record in truth.records[&EntityKind::Sale].values() {
            let Record::Sale(sale) = record else {
                panic!("{record:?}")
            };
            let lines: Decimal = sale
                .lines
                .iter()
                .map(|line| line.quantity * line.unit_price)
                .sum();
            let slack = Decimal::new(1 + i64::try_from(sale.lines.len()).unwrap(), 2);
            assert!(
                (lines + sale.tax.unwrap() - sale.total).abs() <= slack,
                "{sale:?}"
            );
        }
    }
}
