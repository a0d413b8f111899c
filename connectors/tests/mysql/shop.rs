//! The shop of the common promises, kept in tables.

use fluxion_connectors::Connector;
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Database, spec};
use crate::scenario::{Shop, promises};

struct Tables {
    database: Database,
    connector: Box<dyn Connector>,
}

async fn open() -> Tables {
    let database = Database::with(include_str!("../../fixtures/mysql/shop.sql"));
    Tables {
        connector: database.connector(),
        database,
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

impl Shop for Tables {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn products(&self) -> StreamSpec {
        super::table(
            "products",
            &["code"],
            json!({"code": "code", "name": "name", "price": "price"}),
        )
    }

    fn sales(&self) -> StreamSpec {
        spec(json!({
            "name": "sales", "key": ["number"], "capture": {"strategy": "diff"},
            "source": {"query": {"from": "sales s", "columns": {"number": "s.number", "total": "s.total"}}},
            "children": [{
                "name": "lines", "parent": ["number"], "order": ["line"],
                "query": {"from": "sale_lines l", "columns": {
                    "number": "l.number", "line": "l.line", "product": "l.product", "quantity": "l.quantity"}},
            }],
        }))
    }

    async fn put_product(&mut self, code: &str, name: &str, price: &str) {
        let (code, name) = (quoted(code), quoted(name));
        self.database.run(&format!(
            "REPLACE INTO products VALUES ({code}, {name}, {price})"
        ));
    }

    async fn remove_product(&mut self, code: &str) {
        self.database.run(&format!(
            "DELETE FROM products WHERE code = {}",
            quoted(code)
        ));
    }

    async fn put_sale(&mut self, number: u32, lines: &[(&str, &str)]) {
        let mut sql = format!(
            "START TRANSACTION; DELETE FROM sale_lines WHERE number = {number};
             REPLACE INTO sales VALUES ({number}, 10.00);"
        );
        for (i, (product, quantity)) in lines.iter().enumerate() {
            sql += &format!(
                "INSERT INTO sale_lines VALUES ({number}, {i}, {}, {quantity});",
                quoted(product)
            );
        }
        self.database.run(&(sql + "COMMIT"));
    }

    async fn publish(&mut self) {}
}

promises!(open());
