//! The shop of the common promises, kept in tables.

use std::thread::JoinHandle;

use fluxion_connectors::{Connector, OutboxPart};
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Database, spec};
use crate::scenario::{Shop, promises};
use crate::strategies::{Strategy, Tracked, noticing};

pub struct Tables {
    pub database: Database,
    connector: Box<dyn Connector>,
    prepared: bool,
}

impl Tables {
    async fn open() -> Self {
        let database = Database::with(include_str!("../../fixtures/postgres/shop.sql"));
        for table in ["products", "sales"] {
            database.run(&format!(
                "ALTER TABLE {table} ADD changed timestamptz NOT NULL DEFAULT clock_timestamp()"
            ));
        }
        Self {
            connector: database.connector(),
            database,
            prepared: false,
        }
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
        spec(json!({
            "name": "products", "key": ["code"], "capture": {"strategy": "diff"},
            "changes": [{"table": "products", "key": ["code"]}],
            "source": {"query": {"from": "products", "columns": {"code": "code", "name": "name", "price": "price"}}},
        }))
    }

    fn sales(&self) -> StreamSpec {
        spec(json!({
            "name": "sales", "key": ["number"], "capture": {"strategy": "diff"},
            "changes": [
                {"table": "sales", "key": ["number"]},
                {"table": "sale_lines", "key": ["number"]},
            ],
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
            "INSERT INTO products VALUES ({code}, {name}, {price})
             ON CONFLICT (code) DO UPDATE SET name = excluded.name, price = excluded.price, changed = clock_timestamp()"
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
             INSERT INTO sales VALUES ({number}, 10.00)
             ON CONFLICT (number) DO UPDATE SET changed = clock_timestamp();"
        );
        for (i, (product, quantity)) in lines.iter().enumerate() {
            sql += &format!(
                "INSERT INTO sale_lines VALUES ({number}, {i}, {}, {quantity});",
                quoted(product)
            );
        }
        self.database.run(&sql);
    }

    async fn publish(&mut self) {}
}

impl Tracked for Tables {
    fn noticing(&self, mut spec: StreamSpec, how: Strategy) -> StreamSpec {
        let capture = match how {
            Strategy::Watermark => {
                json!({"strategy": "watermark", "columns": ["changed"], "overlap": 5})
            }
            Strategy::Log => json!({"strategy": "log"}),
            Strategy::Outbox => json!({"strategy": "outbox"}),
        };
        spec.capture = serde_json::from_value(capture).unwrap();
        spec
    }

    async fn prepare(&mut self, how: Strategy) {
        if how != Strategy::Outbox || std::mem::replace(&mut self.prepared, true) {
            return;
        }
        let streams = [self.products(), self.sales()].map(|spec| self.noticing(spec, how));
        let script = self.connector.outbox(&streams, OutboxPart::Install).await;
        self.connector.run_outbox(&script.unwrap()).await.unwrap();
    }

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

    fn put_product_slowly(&self, code: &str, name: &str, price: &str) -> JoinHandle<()> {
        let (code, name) = (quoted(code), quoted(name));
        self.database.run_aside(&format!(
            "BEGIN; UPDATE products SET name = {name}, price = {price}, changed = clock_timestamp() WHERE code = {code};
             SELECT pg_sleep(1); COMMIT"
        ))
    }

    async fn lose_log(&mut self, how: Strategy) -> bool {
        if how == Strategy::Outbox {
            self.database.run("TRUNCATE fluxion_outbox");
        }
        how == Strategy::Outbox
    }

    async fn drop_price(&mut self) {
        self.database.run("ALTER TABLE products DROP COLUMN price");
    }
}

promises!(Tables::open());
noticing!(watermark, super::Tables::open(), Strategy::Watermark; rows);
noticing!(outbox, super::Tables::open(), Strategy::Outbox; documents and log);
