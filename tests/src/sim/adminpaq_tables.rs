//! The tables of AdminPAQ that the shop keeps, and what it writes into a record of each.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::adminpaq::{Document, FIRST_CATEGORY, Flaw, Item, WAREHOUSE};
use super::dbf::{Cell, Field, Kind, field};
use super::people::Customer;

/// `MGW10020`: values of classifications.
pub const CATEGORIES: &[Field] = &[
    field("CIDVALOR01", Kind::N(11, 0)),
    field("CVALORCL01", Kind::C(60)),
    field("CIDCLASI01", Kind::N(11, 0)),
];

/// `MGW10003`: warehouses.
pub const WAREHOUSES: &[Field] = &[
    field("CIDALMACEN", Kind::N(11, 0)),
    field("CCODIGOA01", Kind::C(30)),
    field("CNOMBREA01", Kind::C(60)),
];

/// `MGW10002`: customers and suppliers.
pub const PEOPLE: &[Field] = &[
    field("CIDCLIEN01", Kind::N(11, 0)),
    field("CCODIGOC01", Kind::C(30)),
    field("CRAZONSO01", Kind::C(60)),
    field("CRFC", Kind::C(20)),
    field("CTIPOCLI01", Kind::N(6, 0)),
    field("CESTATUS", Kind::N(6, 0)),
];

/// `MGW10005`: products.
pub const PRODUCTS: &[Field] = &[
    field("CIDPRODU01", Kind::N(11, 0)),
    field("CCODIGOP01", Kind::C(30)),
    field("CNOMBREP01", Kind::C(60)),
    field("CTIPOPRO01", Kind::N(6, 0)),
    field("CFECHAAL01", Kind::D),
    field("CDESCRIP01", Kind::M),
    field("CCOSTOES01", Kind::B),
    field("CSTATUSP01", Kind::N(6, 0)),
    field("CIMPUESTO1", Kind::B),
    field("CESEXENTO", Kind::N(6, 0)),
    field("CCODALTERN", Kind::C(30)),
    field("CIDVALOR01", Kind::N(11, 0)),
    field("CIDVALOR02", Kind::N(11, 0)),
    field("CIDVALOR03", Kind::N(11, 0)),
    field("CIDVALOR04", Kind::N(11, 0)),
    field("CIDVALOR05", Kind::N(11, 0)),
    field("CIDVALOR06", Kind::N(11, 0)),
    field("CPRECIO1", Kind::B),
    field("CPRECIO2", Kind::B),
    field("CPRECIO3", Kind::B),
    field("CPRECIO4", Kind::B),
    field("CPRECIO5", Kind::B),
    field("CPRECIO6", Kind::B),
    field("CPRECIO7", Kind::B),
    field("CPRECIO8", Kind::B),
    field("CPRECIO9", Kind::B),
    field("CPRECIO10", Kind::B),
    field("CTIMESTAMP", Kind::C(23)),
];

/// `MGW10030`: stock by product, warehouse and fiscal year.
pub const STOCK: &[Field] = &[
    field("CIDEXIST01", Kind::N(11, 0)),
    field("CIDALMACEN", Kind::N(11, 0)),
    field("CIDPRODU01", Kind::N(11, 0)),
    field("CIDEJERC01", Kind::N(11, 0)),
    field("CTIPOEXI01", Kind::N(6, 0)),
    field("CENTRADA01", Kind::B),
    field("CENTRADA13", Kind::B),
    field("CSALIDAS01", Kind::B),
    field("CSALIDAS13", Kind::B),
    field("CTIMESTAMP", Kind::C(23)),
];

/// `MGW10008`: documents.
pub const DOCUMENTS: &[Field] = &[
    field("CIDDOCUM01", Kind::N(11, 0)),
    field("CIDDOCUM02", Kind::N(11, 0)),
    field("CIDCONCE01", Kind::N(11, 0)),
    field("CSERIEDO01", Kind::C(11)),
    field("CFOLIO", Kind::B),
    field("CFECHA", Kind::D),
    field("CIDCLIEN01", Kind::N(11, 0)),
    field("CRAZONSO01", Kind::C(60)),
    field("CRFC", Kind::C(20)),
    field("CIDMONEDA", Kind::N(11, 0)),
    field("CAFECTADO", Kind::N(6, 0)),
    field("CCANCELADO", Kind::N(6, 0)),
    field("CNETO", Kind::B),
    field("CIMPUESTO1", Kind::B),
    field("CTOTAL", Kind::B),
    field("CTIMESTAMP", Kind::C(23)),
];

/// `MGW10010`: movements, which are the lines of documents.
pub const MOVEMENTS: &[Field] = &[
    field("CIDMOVIM01", Kind::N(11, 0)),
    field("CIDDOCUM01", Kind::N(11, 0)),
    field("CNUMEROM01", Kind::B),
    field("CIDDOCUM02", Kind::N(11, 0)),
    field("CIDPRODU01", Kind::N(11, 0)),
    field("CIDALMACEN", Kind::N(11, 0)),
    field("CUNIDADES", Kind::B),
    field("CPRECIO", Kind::B),
    field("CPORCENT01", Kind::B),
    field("CTOTAL", Kind::B),
    field("CAFECTAE01", Kind::N(6, 0)),
    field("CMOVTOOC01", Kind::N(6, 0)),
];

const STAMP: &str = "03/05/2026 10:00:00:000";

/// A product.
#[must_use]
pub fn product(item: &Item) -> Vec<Cell> {
    let article = &item.article;
    let name = match item.flaw {
        Some(Flaw::Name) => "",
        Some(Flaw::Memo) | None => article.name.as_str(),
    };
    let memo = match item.flaw {
        Some(Flaw::Memo) => Cell::Raw(0x00ff_ffff_u32.to_le_bytes().to_vec()),
        Some(Flaw::Name) | None => description(item).map_or(Cell::Null, Cell::Text),
    };
    let exempt = i64::from(article.tax_rate().is_zero());
    let category = FIRST_CATEGORY + i64::try_from(article.department).unwrap_or(0);
    let mut cells: Vec<Cell> = vec![
        item.id.into(),
        article.code.as_str().into(),
        name.into(),
        1.into(),
        NaiveDate::from_ymd_opt(2024, 1, 15).map_or(Cell::Null, Cell::Date),
        memo,
        article.cost.into(),
        i64::from(item.active).into(),
        16.into(),
        exempt.into(),
        article.barcode.as_deref().unwrap_or("").into(),
        category.into(),
    ];
    cells.extend((0..5).map(|_| Cell::from(0)));
    cells.push(item.price.into());
    cells.push(item.wholesale.into());
    cells.extend((0..8).map(|_| Cell::from(0)));
    cells.push(STAMP.into());
    cells
}

/// The long text of every third product.
#[must_use]
pub fn description(item: &Item) -> Option<String> {
    (item.id % 3 == 0).then(|| {
        format!(
            "{}. Proveedor: {}. Manténgase en lugar fresco y seco.",
            item.article.name,
            item.article.supplier_name()
        )
    })
}

/// Stock of a product in a fiscal year.
#[must_use]
pub fn stock(id: i64, year: i64, product: i64, entries: Decimal, exits: Decimal) -> Vec<Cell> {
    vec![
        id.into(),
        WAREHOUSE.into(),
        product.into(),
        year.into(),
        1.into(),
        0.into(),
        entries.into(),
        0.into(),
        exits.into(),
        STAMP.into(),
    ]
}

/// The header of a document.
#[must_use]
pub fn document(document: &Document, customers: &[Customer]) -> Vec<Cell> {
    let customer = document.customer.map(|place| &customers[place]);
    let id = document
        .customer
        .map_or(0, |place| 1 + i64::try_from(place).unwrap_or(0));
    vec![
        document.id.into(),
        document.kind.into(),
        document.kind.into(),
        document.series().into(),
        document.folio.into(),
        document.day.map_or(Cell::Null, Cell::Date),
        id.into(),
        customer
            .map_or("", |customer| customer.name.as_str())
            .into(),
        customer.map_or("", |customer| customer.rif.as_str()).into(),
        1.into(),
        1.into(),
        i64::from(document.cancelled).into(),
        document.net.into(),
        document.tax.into(),
        document.total().into(),
        STAMP.into(),
    ]
}

/// One of a document's lines.
#[must_use]
pub fn movement(id: i64, document: &Document, place: usize) -> Vec<Cell> {
    let line = &document.lines[place];
    vec![
        id.into(),
        document.id.into(),
        (1 + i64::try_from(place).unwrap_or(0)).into(),
        document.kind.into(),
        line.product.into(),
        WAREHOUSE.into(),
        line.quantity.into(),
        line.price.into(),
        line.rate.into(),
        line.total.into(),
        if document.kind == 36 { 1 } else { 2 }.into(),
        0.into(),
    ]
}
