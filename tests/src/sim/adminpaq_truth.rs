//! What an AdminPAQ shop holds, put into the cloud's words by hand from what it keeps in memory.

use anyhow::Result;
use chrono::NaiveTime;
use fluxion_model::entity::{
    AccountPayment, Category, Customer, EntityKind, Location, Price, Product, Sale, SaleKind,
    SaleLine, SaleStatus, StockLevel, Supplier,
};
use fluxion_model::money::Currency;
use rust_decimal::Decimal;

use super::adminpaq::{Document, FIRST_CATEGORY, FIRST_SUPPLIER, Item, Shop, WAREHOUSE};
use super::adminpaq_tables::description;
use super::people::supplier_rif;
use super::truth::Truth;
use super::words::{DEPARTMENTS, SUPPLIERS};
use super::{caracas_to_utc, id};

/// Everything that the cloud must hold.
///
/// # Errors
/// When something has an identity that cannot be one.
pub fn read(shop: &Shop, currency: Currency) -> Result<Truth> {
    let mut truth = Truth::default();
    for (number, department) in (FIRST_CATEGORY..).zip(DEPARTMENTS) {
        truth.put(Category {
            id: id(&number.to_string())?,
            name: department.name.to_owned(),
            parent: None,
            active: true,
        });
    }
    truth.put(Location {
        id: id(&WAREHOUSE.to_string())?,
        name: "Almacén único".to_owned(),
        active: true,
    });
    people(&mut truth, shop)?;
    for item in &shop.items {
        product(&mut truth, item, currency)?;
    }
    for document in &shop.documents {
        match document.kind {
            9 => payment(&mut truth, document, currency)?,
            _ => sale(&mut truth, shop, document, currency)?,
        }
    }
    Ok(truth)
}

fn people(truth: &mut Truth, shop: &Shop) -> Result<()> {
    for (number, customer) in (1..).zip(&shop.customers) {
        truth.put(Customer {
            id: id(&number.to_string())?,
            name: customer.name.clone(),
            tax_id: Some(customer.rif.clone()),
            email: None,
            phone: None,
            address: None,
            currency: None,
            credit_limit: None,
            balance: None,
            terms_days: None,
            active: true,
        });
    }
    for (place, (number, name)) in (FIRST_SUPPLIER..).zip(SUPPLIERS).enumerate() {
        truth.put(Supplier {
            id: id(&number.to_string())?,
            name: (*name).to_owned(),
            tax_id: Some(supplier_rif(place)),
            email: None,
            phone: None,
            active: true,
        });
    }
    Ok(())
}

fn product(truth: &mut Truth, item: &Item, currency: Currency) -> Result<()> {
    let number = item.id.to_string();
    let article = &item.article;
    if item.flaw.is_some() {
        truth.reject(EntityKind::Product, &number);
    } else {
        let category = FIRST_CATEGORY + i64::try_from(article.department)?;
        truth.put(Product {
            id: id(&number)?,
            sku: article.code.clone(),
            name: article.name.clone(),
            description: description(item),
            barcodes: article.barcode.iter().cloned().collect(),
            category: Some(id(&category.to_string())?),
            category_name: None,
            supplier: None,
            supplier_name: None,
            brand: None,
            unit: None,
            tax_rate: Some(article.tax_rate()),
            cost: Some(article.cost),
            currency: Some(currency),
            active: item.active,
            updated_at: None,
        });
    }
    for (list, amount) in [("1", item.price), ("2", item.wholesale)] {
        if list == "1" || !amount.is_zero() {
            truth.put(Price {
                id: id(&format!("{number}|{list}"))?,
                product: id(&number)?,
                list: list.to_owned(),
                currency,
                amount,
                tax: None,
                min_quantity: None,
                valid_from: None,
                valid_to: None,
                updated_at: None,
            });
        }
    }
    truth.put(StockLevel {
        id: id(&format!("{number}|{WAREHOUSE}"))?,
        product: id(&number)?,
        location: Some(id(&WAREHOUSE.to_string())?),
        on_hand: item.entries - item.exits,
        reserved: None,
        minimum: None,
        maximum: None,
        updated_at: None,
    });
    Ok(())
}

fn sale(truth: &mut Truth, shop: &Shop, document: &Document, currency: Currency) -> Result<()> {
    let number = document.id.to_string();
    let Some(day) = document.day else {
        truth.reject(EntityKind::Sale, &number);
        return Ok(());
    };
    let sign = if document.kind == 36 {
        Decimal::NEGATIVE_ONE
    } else {
        Decimal::ONE
    };
    let lines = document.lines.iter().map(|line| {
        Ok(SaleLine {
            product: Some(id(&line.product.to_string())?),
            description: None,
            quantity: line.quantity * sign,
            unit_price: line.price,
            discount: None,
            tax_rate: Some(line.rate),
            tax: None,
            total: Some(line.total * sign),
        })
    });
    let customer = document.customer;
    truth.put(Sale {
        id: id(&number)?,
        number: format!("{}-{}", document.series(), document.folio),
        at: caracas_to_utc(day.and_time(NaiveTime::MIN)),
        kind: if document.kind == 36 {
            SaleKind::Return
        } else {
            SaleKind::Sale
        },
        status: if document.cancelled {
            SaleStatus::Voided
        } else {
            SaleStatus::Completed
        },
        location: None,
        register: None,
        cashier: None,
        customer: customer
            .map(|place| id(&(place + 1).to_string()))
            .transpose()?,
        customer_name: customer.map(|place| shop.customers[place].name.clone()),
        currency,
        exchange_rate: None,
        subtotal: Some(document.net * sign),
        discount: None,
        tax: Some(document.tax * sign),
        total: document.total() * sign,
        lines: lines.collect::<Result<_>>()?,
        payments: Vec::new(),
        updated_at: None,
    });
    Ok(())
}

fn payment(truth: &mut Truth, document: &Document, currency: Currency) -> Result<()> {
    let (Some(day), Some(customer)) = (document.day, document.customer) else {
        return Ok(());
    };
    truth.put(AccountPayment {
        id: id(&document.id.to_string())?,
        customer: id(&(customer + 1).to_string())?,
        at: caracas_to_utc(day.and_time(NaiveTime::MIN)),
        currency,
        amount: document.total(),
        method: None,
        reference: Some(format!("{}-{}", document.series(), document.folio)),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::caracas_now;

    #[test]
    fn a_busy_shop_adds_up_and_its_files_hold_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let now = caracas_now();
        let mut shop = Shop::open(folder.path(), 1, 60, 40, 90_000, now).unwrap();
        for _ in 0..8 {
            shop.sell(now).unwrap();
            shop.change_price().unwrap();
            shop.add_product(None).unwrap();
            shop.receive().unwrap();
            shop.delete_product().unwrap();
            shop.pack().unwrap();
        }
        shop.take_back(now).unwrap();
        shop.collect(now).unwrap();
        shop.void().unwrap().unwrap();
        shop.add_bad_product().unwrap();
        shop.sell_badly().unwrap();
        let truth = read(&shop, "VES".parse().unwrap()).unwrap();
        assert_eq!(truth.count(EntityKind::Product), 60);
        assert_eq!(truth.count(EntityKind::StockLevel), 61);
        assert_eq!(truth.count(EntityKind::Sale), 49);
        assert_eq!(truth.count(EntityKind::AccountPayment), 1);
        assert_eq!(truth.rejects.len(), 2);
        let bytes = std::fs::read(folder.path().join("MGW10005.DBF")).unwrap();
        let name = shop.items[5].article.code.as_bytes();
        assert!(bytes.windows(name.len()).any(|part| part == name));
    }
}
