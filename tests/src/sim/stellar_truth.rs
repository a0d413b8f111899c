//! What a Stellar store holds, read with SQL of its own and put into the cloud's words by hand: nothing of the product
//! takes part, so a mistake in connector or mapping cannot hide itself.

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use fluxion_model::entity::{
    Category, Customer, EntityKind, Location, MovementKind, Price, Product, Sale, SaleKind,
    SaleLine, SalePayment, SaleStatus, StockLevel, StockMovement, Supplier, TaxInclusion,
};
use fluxion_model::money::Currency;
use rust_decimal::Decimal;
use tiberius::Row;

use super::stellar::{Address, Line, money_of};
use super::truth::Truth;
use super::{caracas_to_utc, id};

/// Reads everything.
///
/// # Errors
/// When the server cannot be read.
pub async fn read(address: &Address) -> Result<Truth> {
    let mut line = Line::open(address).await?;
    let mut truth = Truth::default();
    categories(&mut truth, &mut line).await?;
    people_and_places(&mut truth, &mut line).await?;
    products(&mut truth, &mut line).await?;
    stock(&mut truth, &mut line).await?;
    sales(&mut truth, &mut line).await?;
    Ok(truth)
}

/// A cell of text, without the blanks that fill it up.
fn word(row: &Row, at: usize) -> Result<String> {
    let text: Option<&str> = row.try_get(at)?;
    Ok(text.unwrap_or_default().trim().to_owned())
}

fn some_word(row: &Row, at: usize) -> Result<Option<String>> {
    Ok(Some(word(row, at)?).filter(|text| !text.is_empty()))
}

fn amount(row: &Row, at: usize) -> Result<Decimal> {
    let float: Option<f64> = row.try_get(at)?;
    money_of(float.context("an amount is missing")?)
}

/// A moment that the query wrote as text, in the store's time.
fn moment(row: &Row, at: usize) -> Result<Option<NaiveDateTime>> {
    let Some(text) = some_word(row, at)? else {
        return Ok(None);
    };
    let parsed = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f");
    Ok(Some(parsed.with_context(|| format!("moment {text:?}"))?))
}

async fn categories(truth: &mut Truth, line: &mut Line) -> Result<()> {
    let mut put = |key: String, name: String, parent: Option<String>| -> Result<()> {
        truth.put(Category {
            id: id(&key)?,
            name,
            parent: parent.map(|parent| id(&parent)).transpose()?,
            active: true,
        });
        Ok(())
    };
    for row in line
        .rows("SELECT C_CODIGO, C_DESCRIPCIO FROM VAD10.dbo.MA_DEPARTAMENTOS")
        .await?
    {
        put(word(&row, 0)?, word(&row, 1)?, None)?;
    }
    let groups = "SELECT c_departamento, c_CODIGO, C_DESCRIPCIO FROM VAD10.dbo.MA_GRUPOS";
    for row in line.rows(groups).await? {
        let department = word(&row, 0)?;
        put(
            format!("{department}/{}", word(&row, 1)?),
            word(&row, 2)?,
            Some(department),
        )?;
    }
    let subgroups =
        "SELECT c_in_departamento, c_in_grupo, c_CODIGO, c_DESCRIPCIO FROM VAD10.dbo.MA_SUBGRUPOS";
    for row in line.rows(subgroups).await? {
        let group = format!("{}/{}", word(&row, 0)?, word(&row, 1)?);
        put(
            format!("{group}/{}", word(&row, 2)?),
            word(&row, 3)?,
            Some(group),
        )?;
    }
    Ok(())
}

async fn people_and_places(truth: &mut Truth, line: &mut Line) -> Result<()> {
    for row in line
        .rows("SELECT c_coddeposito, c_descripcion FROM VAD10.dbo.MA_DEPOSITO")
        .await?
    {
        truth.put(Location {
            id: id(&word(&row, 0)?)?,
            name: word(&row, 1)?,
            active: true,
        });
    }
    let suppliers =
        "SELECT c_codproveed, c_descripcio, c_rif, n_activo FROM VAD10.dbo.MA_PROVEEDORES";
    for row in line.rows(suppliers).await? {
        truth.put(Supplier {
            id: id(&word(&row, 0)?)?,
            name: word(&row, 1)?,
            tax_id: some_word(&row, 2)?,
            email: None,
            phone: None,
            active: row.try_get::<i32, _>(3)? != Some(0),
        });
    }
    let customers = "SELECT c_CODCLIENTE, c_DESCRIPCIO, c_RIF, n_activo FROM VAD10.dbo.MA_CLIENTES";
    for row in line.rows(customers).await? {
        truth.put(Customer {
            id: id(&word(&row, 0)?)?,
            name: word(&row, 1)?,
            tax_id: some_word(&row, 2)?,
            email: None,
            phone: None,
            address: None,
            currency: None,
            credit_limit: None,
            balance: None,
            terms_days: None,
            active: row.try_get::<bool, _>(3)? != Some(false),
        });
    }
    Ok(())
}

async fn products(truth: &mut Truth, line: &mut Line) -> Result<()> {
    let codes = "SELECT c_CodNasa, c_Codigo FROM VAD10.dbo.MA_CODIGOS ORDER BY c_CodNasa, c_Codigo";
    let mut barcodes: Vec<(String, String)> = Vec::new();
    for row in line.rows(codes).await? {
        barcodes.push((word(&row, 0)?, word(&row, 1)?));
    }
    let sql = "SELECT c_Codigo, c_Descri, c_Departamento, c_Grupo, c_Subgrupo, c_Marca, c_Presenta, n_CostoAct, n_Precio1,
                      n_Precio2, n_Impuesto1, n_Activo, c_CodMoneda, CONVERT(nvarchar(30), Add_Date, 126),
                      CONVERT(nvarchar(30), Update_Date, 126)
               FROM VAD10.dbo.MA_PRODUCTOS";
    for row in line.rows(sql).await? {
        product(truth, &row, &barcodes)?;
    }
    Ok(())
}

fn product(truth: &mut Truth, row: &Row, barcodes: &[(String, String)]) -> Result<()> {
    let code = word(row, 0)?;
    let currency: Currency = if word(row, 12)? == "0000000001" {
        "VES"
    } else {
        "USD"
    }
    .parse()?;
    let tax = amount(row, 10)?;
    let changed = moment(row, 13)?.max(moment(row, 14)?);
    if tax > Decimal::ONE_HUNDRED {
        truth.reject(EntityKind::Product, &code);
    } else {
        let category = [word(row, 2)?, word(row, 3)?, word(row, 4)?].join("/");
        let first = barcodes.partition_point(|(product, _)| *product < code);
        let own = barcodes[first..]
            .iter()
            .take_while(|(product, _)| *product == code);
        truth.put(Product {
            id: id(&code)?,
            sku: code.clone(),
            name: word(row, 1)?,
            description: None,
            barcodes: own.map(|(_, barcode)| barcode.clone()).collect(),
            category: Some(id(&category)?),
            category_name: None,
            supplier: None,
            supplier_name: None,
            brand: some_word(row, 5)?,
            unit: some_word(row, 6)?,
            tax_rate: Some(tax),
            cost: Some(amount(row, 7)?),
            currency: Some(currency),
            active: row.try_get::<i32, _>(11)? == Some(1),
            updated_at: changed.map(caracas_to_utc),
        });
    }
    for (list, at) in [("1", 8), ("2", 9)] {
        let price = amount(row, at)?;
        // A second list that is not used holds zero.
        if list != "1" && price.is_zero() {
            continue;
        }
        truth.put(Price {
            id: id(&format!("{code}|{list}"))?,
            product: id(&code)?,
            list: list.to_owned(),
            currency,
            amount: price,
            tax: Some(TaxInclusion::Excluded),
            min_quantity: None,
            valid_from: None,
            valid_to: None,
            updated_at: None,
        });
    }
    Ok(())
}

async fn stock(truth: &mut Truth, line: &mut Line) -> Result<()> {
    let sql = "SELECT c_coddeposito, c_codarticulo, n_cantidad, n_cant_comprometida FROM VAD10.dbo.MA_DEPOPROD";
    for row in line.rows(sql).await? {
        let (deposit, code) = (word(&row, 0)?, word(&row, 1)?);
        truth.put(StockLevel {
            id: id(&format!("{code}|{deposit}"))?,
            product: id(&code)?,
            location: Some(id(&deposit)?),
            on_hand: amount(&row, 2)?,
            reserved: Some(amount(&row, 3)?),
            minimum: None,
            maximum: None,
            updated_at: None,
        });
    }
    let sql = "SELECT CONVERT(nvarchar(20), id), c_CONCEPTO, c_DOCUMENTO, c_DEPOSITO, c_CODARTICULO, c_TIPOMOV, n_CANTIDAD,
                      n_COSTO, CONVERT(nvarchar(30), f_fecha, 126)
               FROM VAD10.dbo.TR_INVENTARIO";
    for row in line.rows(sql).await? {
        let quantity = amount(&row, 6)?;
        let at = moment(&row, 8)?.context("a movement without a date")?;
        truth.put(StockMovement {
            id: id(&word(&row, 0)?)?,
            product: id(&word(&row, 4)?)?,
            location: Some(id(&word(&row, 3)?)?),
            kind: match word(&row, 1)?.as_str() {
                "VEN" | "DEV" => MovementKind::Sale,
                _ => MovementKind::Other,
            },
            quantity: if word(&row, 5)? == "Descargo" {
                -quantity
            } else {
                quantity
            },
            unit_cost: Some(amount(&row, 7)?),
            currency: Some("VES".parse()?),
            at: caracas_to_utc(at),
            reference: some_word(&row, 2)?,
        });
    }
    Ok(())
}

/// What a line or a payment belongs to: register, number, concept.
type Ticket = (String, String, String);

async fn sales(truth: &mut Truth, line: &mut Line) -> Result<()> {
    let mut lines: Vec<(Ticket, SaleLine)> = Vec::new();
    let sql =
        "SELECT c_Caja, c_Numero, c_Concepto, Cod_Principal, Cantidad, Precio, Impuesto, Subtotal
               FROM VAD20.dbo.MA_TRANSACCION ORDER BY ID";
    for row in line.rows(sql).await? {
        let ticket = (word(&row, 0)?, word(&row, 1)?, word(&row, 2)?);
        let signed = |amount: Decimal| if ticket.2 == "DEV" { -amount } else { amount };
        let line = SaleLine {
            product: Some(id(&word(&row, 3)?)?),
            description: None,
            quantity: signed(amount(&row, 4)?),
            unit_price: amount(&row, 5)?,
            discount: None,
            tax_rate: None,
            tax: Some(signed(amount(&row, 6)?)),
            total: Some(signed(amount(&row, 7)?)),
        };
        lines.push((ticket, line));
    }
    let mut payments: Vec<(Ticket, SalePayment)> = Vec::new();
    let sql = "SELECT c_Caja, c_Factura, c_CodDenominacion, n_Monto, c_Numero FROM VAD20.dbo.MA_DETALLEPAGO ORDER BY ID";
    for row in line.rows(sql).await? {
        let payment = SalePayment {
            method: word(&row, 2)?,
            amount: amount(&row, 3)?,
            currency: None,
            exchange_rate: None,
            reference: some_word(&row, 4)?,
        };
        payments.push(((word(&row, 0)?, word(&row, 1)?, "VEN".to_owned()), payment));
    }
    // Stable, so that the order within a ticket stays.
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    payments.sort_by(|a, b| a.0.cmp(&b.0));
    let sql = "SELECT c_Caja, c_Numero, c_Concepto, c_Sucursal, CONVERT(nvarchar(30), f_Fecha, 126),
                      CONVERT(nvarchar(30), f_Hora, 126), c_Cliente, c_Desc_Cliente, c_Usuario, n_Subtotal, n_Impuesto,
                      n_Descuento, n_Total
               FROM VAD20.dbo.MA_PAGOS";
    for row in line.rows(sql).await? {
        let ticket = (word(&row, 0)?, word(&row, 1)?, word(&row, 2)?);
        let key = format!("{}-{}-{}-{}", word(&row, 3)?, ticket.0, ticket.2, ticket.1);
        let Some(at) = when(&row)? else {
            truth.reject(EntityKind::Sale, &key);
            continue;
        };
        let is_return = ticket.2 == "DEV";
        let signed = |amount: Decimal| if is_return { -amount } else { amount };
        truth.put(Sale {
            id: id(&key)?,
            number: ticket.1.clone(),
            at,
            kind: if is_return {
                SaleKind::Return
            } else {
                SaleKind::Sale
            },
            status: SaleStatus::Completed,
            location: None,
            register: Some(ticket.0.clone()),
            cashier: some_word(&row, 8)?,
            customer: some_word(&row, 6)?.map(|code| id(&code)).transpose()?,
            customer_name: some_word(&row, 7)?,
            currency: "VES".parse()?,
            exchange_rate: None,
            subtotal: Some(signed(amount(&row, 9)?)),
            discount: Some(signed(amount(&row, 11)?)),
            tax: Some(signed(amount(&row, 10)?)),
            total: signed(amount(&row, 12)?),
            lines: of(&lines, &ticket),
            payments: of(&payments, &ticket),
            updated_at: None,
        });
    }
    Ok(())
}

/// The day of one column and the time of another.
fn when(row: &Row) -> Result<Option<DateTime<Utc>>> {
    let (day, time) = (moment(row, 4)?, moment(row, 5)?);
    Ok(day.map(|day| caracas_to_utc(day.date().and_time(time.unwrap_or(day).time()))))
}

/// Those of one ticket, out of a sorted list.
fn of<T: Clone>(sorted: &[(Ticket, T)], ticket: &Ticket) -> Vec<T> {
    let first = sorted.partition_point(|(other, _)| other < ticket);
    let own = sorted[first..]
        .iter()
        .take_while(|(other, _)| other == ticket);
    own.map(|(_, one)| one.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::caracas_now;
    use crate::sim::stellar::{Stellar, fill};

    #[tokio::test]
    async fn a_busy_store_leaves_databases_that_add_up_but_for_their_bad_rows() {
        let server = fluxion_tds::Options::default()
            .administrator("sa", "Stellar-2026")
            .start()
            .unwrap();
        let address = Address {
            port: server.port(),
            user: "sa".to_owned(),
            password: "Stellar-2026".to_owned(),
        };
        let now = caracas_now();
        let mut line = Line::open(&address).await.unwrap();
        fill(&mut line, 1, 60, 30, now).await.unwrap();
        let mut store = Stellar::open(&address, 1, 60, 30, 1_000).await.unwrap();
        for _ in 0..5 {
            store.sell(now).await.unwrap();
            store.change_price(now).await.unwrap();
            store.add_product(now).await.unwrap();
            store.receive(now).await.unwrap();
        }
        store.take_back(now).await.unwrap();
        store.delete_product().await.unwrap();
        store.add_bad_product(now).await.unwrap();
        store.add_bad_product(now).await.unwrap();
        store.mend(now).await.unwrap().unwrap();
        store.sell_badly().await.unwrap();

        let truth = read(&address).await.unwrap();
        assert_eq!(truth.count(EntityKind::Product), 60 + 5 - 1 + 1);
        assert_eq!(truth.count(EntityKind::Sale), 30 + 5 + 1);
        assert_eq!(truth.rejects.len(), 2, "{:?}", truth.rejects);
        for record in truth.records[&EntityKind::Sale].values() {
            let fluxion_model::entity::Record::Sale(sale) = record else {
                panic!("{record:?}")
            };
            let lines: Decimal = sale.lines.iter().filter_map(|line| line.total).sum();
            assert_eq!(Some(lines), sale.subtotal, "{sale:?}");
            assert_eq!(
                sale.payments.len(),
                usize::from(sale.kind == SaleKind::Sale)
            );
        }
    }
}
