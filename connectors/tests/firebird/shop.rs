//! The shop of the common promises, kept in tables.

use std::thread::JoinHandle;
use std::time::Duration;

use fluxion_connectors::Connector;
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Database, spec};
use crate::scenario::{Shop, promises};
use crate::strategies::{Strategy, Tracked, noticing};

struct Tables {
    database: Database,
    connector: Box<dyn Connector>,
}

async fn open() -> Tables {
    let database = Database::with(
        "CREATE TABLE products(code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(60), price NUMERIC(12,2), changed TIMESTAMP);
         CREATE TABLE sales(number INT NOT NULL PRIMARY KEY, total NUMERIC(12,2));
         CREATE TABLE sale_lines(number INT NOT NULL, line INT NOT NULL, product VARCHAR(20), quantity NUMERIC(12,0),
                                 PRIMARY KEY(number, line))",
    );
    Tables {
        connector: database.connector(),
        database,
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
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
            "UPDATE OR INSERT INTO products VALUES ({code}, {name}, {price}, CAST('NOW' AS TIMESTAMP)) MATCHING (code)"
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
            "DELETE FROM sale_lines WHERE number = {number};
             UPDATE OR INSERT INTO sales VALUES ({number}, 10.00) MATCHING (number)"
        );
        for (i, (product, quantity)) in lines.iter().enumerate() {
            sql += &format!(
                ";\nINSERT INTO sale_lines VALUES ({number}, {i}, {}, {quantity})",
                quoted(product)
            );
        }
        self.database.run(&sql);
    }

    async fn publish(&mut self) {}
}

impl Tracked for Tables {
    fn noticing(&self, mut spec: StreamSpec, _how: Strategy) -> StreamSpec {
        let capture = json!({"strategy": "watermark", "columns": ["changed"], "overlap": 5});
        spec.capture = serde_json::from_value(capture).unwrap();
        spec
    }

    async fn prepare(&mut self, _how: Strategy) {}

    async fn rename_product(&mut self, from: &str, to: &str) {
        let (from, to) = (quoted(from), quoted(to));
        self.database.run(&format!(
            "UPDATE products SET code = {to} WHERE code = {from}"
        ));
    }

    async fn change_line(&mut self, number: u32, line: u32, quantity: &str) {
        self.database.run(&format!(
            "UPDATE sale_lines SET quantity = {quantity} WHERE number = {number} AND line = {line}"
        ));
    }

    /// `isql` commits at its end, so what it shells out to holds the transaction open.
    fn put_product_slowly(&self, code: &str, name: &str, price: &str) -> JoinHandle<()> {
        let (code, name) = (quoted(code), quoted(name));
        let (server, database) = (self.database.server, self.database.name.clone());
        let sql = format!(
            "UPDATE products SET name = {name}, price = {price}, changed = CAST('NOW' AS TIMESTAMP) WHERE code = {code};
             SHELL sleep 1"
        );
        std::thread::spawn(move || {
            server.query(&database, &sql).unwrap();
            std::thread::sleep(Duration::from_millis(10));
        })
    }

    async fn lose_log(&mut self, _how: Strategy) -> bool {
        false
    }

    async fn drop_price(&mut self) {
        self.database.run("ALTER TABLE products DROP price");
    }
}

promises!(open());
noticing!(watermark, super::open(), Strategy::Watermark; rows);
