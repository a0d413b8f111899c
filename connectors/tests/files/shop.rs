//! The shop of the common promises, told by full exports.

use std::collections::BTreeMap;

use fluxion_connectors::Connector;
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Folder, spec};
use crate::scenario::{Shop, promises};

struct Exports {
    folder: Folder,
    connector: Box<dyn Connector>,
    products: BTreeMap<String, (String, String)>,
    sales: BTreeMap<u32, Vec<(String, String)>>,
    count: u32,
}

async fn open() -> Exports {
    let folder = Folder::new();
    let connector = folder.connector();
    Exports {
        connector,
        folder,
        products: BTreeMap::new(),
        sales: BTreeMap::new(),
        count: 0,
    }
}

impl Shop for Exports {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn products(&self) -> StreamSpec {
        super::products(json!({"content": "everything"}))
    }

    fn sales(&self) -> StreamSpec {
        spec(json!({
            "name": "sales", "key": ["number"], "capture": {"strategy": "arrival"},
            "source": {"files": {"pattern": "ventas*.csv", "content": "everything"}},
            "children": [{"name": "lines", "columns": ["product", "quantity"]}],
        }))
    }

    async fn put_product(&mut self, code: &str, name: &str, price: &str) {
        self.products
            .insert(code.into(), (name.into(), price.into()));
    }

    async fn remove_product(&mut self, code: &str) {
        self.products.remove(code);
    }

    async fn put_sale(&mut self, number: u32, lines: &[(&str, &str)]) {
        self.sales.insert(
            number,
            lines
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
        );
    }

    async fn publish(&mut self) {
        self.count += 1;
        let mut products = "code;name;price\n".to_owned();
        for (code, (name, price)) in &self.products {
            products += &format!("{code};{name};{price}\n");
        }
        let mut sales = "number;total;product;quantity\n".to_owned();
        for (number, lines) in &self.sales {
            for (product, quantity) in lines {
                sales += &format!("{number};10.00;{product};{quantity}\n");
            }
        }
        // Exports of different moments never have the same bytes.
        self.folder
            .write(&format!("productos_{}.csv", self.count), products);
        self.folder
            .write(&format!("ventas_{}.csv", self.count), sales);
    }

    fn looks(&self) -> usize {
        10
    }
}

promises!(open());
