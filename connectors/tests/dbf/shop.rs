//! The shop of the common promises, kept in tables as FoxPro keeps them.

use std::collections::BTreeMap;

use fluxion_connectors::Connector;
use fluxion_model::stream::StreamSpec;
use fluxion_tests::sim::dbf::{Cell, Kind, Table, field};
use rust_decimal::Decimal;

use super::{Folder, PRODUCTS};
use crate::scenario::{Shop, promises};

struct Tables {
    products: Table,
    sales: Table,
    lines: Table,
    places: BTreeMap<String, u32>,
    line_places: BTreeMap<u32, Vec<u32>>,
    connector: Box<dyn Connector>,
    // Gone when the test is.
    _folder: Folder,
}

async fn open() -> Tables {
    let folder = Folder::new();
    let lines = [
        field("NUMBER", Kind::N(11, 0)),
        field("LINE", Kind::I),
        field("PRODUCT", Kind::C(20)),
        field("QUANTITY", Kind::N(10, 0)),
    ];
    let sales = [
        field("NUMBER", Kind::N(11, 0)),
        field("TOTAL", Kind::N(12, 2)),
    ];
    Tables {
        products: folder.table("PRODUCTS.DBF", PRODUCTS),
        sales: folder.table("SALES.DBF", &sales),
        lines: folder.table("LINES.DBF", &lines),
        places: BTreeMap::new(),
        line_places: BTreeMap::new(),
        connector: folder.connector(),
        _folder: folder,
    }
}

impl Shop for Tables {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn products(&self) -> StreamSpec {
        super::products()
    }

    fn sales(&self) -> StreamSpec {
        super::sales()
    }

    async fn put_product(&mut self, code: &str, name: &str, price: &str) {
        let price: Decimal = price.parse().unwrap();
        let cells: [Cell; 3] = [code.into(), name.into(), price.into()];
        match self.places.get(code) {
            Some(place) => self.products.update(*place, &cells).unwrap(),
            None => {
                let place = self.products.append(&cells).unwrap();
                self.places.insert(code.to_owned(), place);
            }
        }
    }

    async fn remove_product(&mut self, code: &str) {
        let place = self.places.remove(code).unwrap();
        self.products.delete(place).unwrap();
    }

    async fn put_sale(&mut self, number: u32, lines: &[(&str, &str)]) {
        let number_cell = || Cell::Number(number.into());
        match self.line_places.remove(&number) {
            Some(old) => {
                for place in old {
                    self.lines.delete(place).unwrap();
                }
            }
            None => {
                let total = Decimal::new(1000, 2);
                self.sales.append(&[number_cell(), total.into()]).unwrap();
            }
        }
        // Backwards, because the order of the lines is told by their number.
        let mut places = Vec::new();
        for (line, (product, quantity)) in lines.iter().enumerate().rev() {
            let quantity: Decimal = quantity.parse().unwrap();
            let cells = [
                number_cell(),
                Cell::Number((line as u64).into()),
                (*product).into(),
                quantity.into(),
            ];
            places.push(self.lines.append(&cells).unwrap());
        }
        self.line_places.insert(number, places);
    }

    async fn publish(&mut self) {}
}

promises!(open());
