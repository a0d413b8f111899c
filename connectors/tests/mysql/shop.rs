//! The shop of the common promises, kept in tables.

use std::thread::JoinHandle;

use fluxion_connectors::{Connector, OutboxPart};
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Database, spec};
use crate::scenario::{Shop, promises};
use crate::strategies::{Strategy, Tracked, noticing};

struct Tables {
    database: Database,
    connector: Box<dyn Connector>,
    prepared: bool,
}

async fn open() -> Tables {
    let database = Database::with(include_str!("../../fixtures/mysql/shop.sql"));
    Tables {
        connector: database.connector(),
        database,
        prepared: false,
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
            "REPLACE INTO products (code, name, price) VALUES ({code}, {name}, {price})"
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

impl Tracked for Tables {
    fn noticing(&self, mut spec: StreamSpec, how: Strategy) -> StreamSpec {
        let capture = match how {
            Strategy::Watermark => {
                json!({"strategy": "watermark", "columns": ["changed"], "overlap": 5})
            }
            Strategy::Log => json!({"strategy": "log"}),
            Strategy::Outbox => json!({"strategy": "outbox"}),
        };
        let changes = if spec.name.as_str() == "products" {
            json!([{"table": "products", "key": ["code"]}])
        } else {
            json!([{"table": "sales", "key": ["number"]}, {"table": "sale_lines", "key": ["number"]}])
        };
        spec.capture = serde_json::from_value(capture).unwrap();
        spec.changes = serde_json::from_value(changes).unwrap();
        spec
    }

    async fn prepare(&mut self, how: Strategy) {
        if how != Strategy::Outbox || self.prepared {
            return;
        }
        self.prepared = true;
        let streams = [self.products(), self.sales()].map(|spec| self.noticing(spec, how));
        let connector = self.connector.as_ref();
        let script = connector
            .outbox(&streams, OutboxPart::Install)
            .await
            .unwrap();
        connector.run_outbox(&script).await.unwrap();
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
        let sql = format!(
            "START TRANSACTION; UPDATE products SET name = {name}, price = {price} WHERE code = {code}; SELECT SLEEP(1); \
             COMMIT"
        );
        self.database.run_aside(sql)
    }

    async fn lose_log(&mut self, how: Strategy) -> bool {
        if how == Strategy::Outbox {
            self.database
                .run("DELETE FROM fluxion_outbox WHERE op <> 'x'");
        }
        how == Strategy::Outbox
    }

    fn tills(&self, seed: u64, transactions: u64) -> Vec<JoinHandle<()>> {
        let tills = (0..3).map(|till| {
            let mut seed = seed.wrapping_add(till).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut next = move |below: u64| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                (seed >> 8) % below
            };
            let mut sql = String::new();
            for _ in 0..transactions {
                sql += "START TRANSACTION;";
                for _ in 0..=next(3) {
                    let code = format!("{:03}", next(80));
                    let other = format!("{:03}", next(80));
                    let name = next(1_000_000);
                    sql += &match next(6) {
                        0 => format!("DELETE FROM products WHERE code = '{code}';"),
                        1 => format!("UPDATE IGNORE products SET code = '{other}', name = '{name}' WHERE code = '{code}';"),
                        2 => format!("REPLACE INTO products (code, name, price) VALUES ('{code}', '{name}', 1);"),
                        3 => format!("UPDATE products SET name = '{name}' WHERE code BETWEEN '{code}' AND '{code}9';"),
                        _ => format!("INSERT INTO products (code, name, price) VALUES ('{code}', '{name}', 1) ON DUPLICATE KEY UPDATE name = '{name}';"),
                    };
                }
                sql += &format!("DO SLEEP(0.0{});", next(4));
                if next(20) == 0 {
                    sql += "DO SLEEP(0.6);";
                }
                sql += if next(5) == 0 { "ROLLBACK;" } else { "COMMIT;" };
            }
            self.database.run_past_errors(sql)
        });
        tills.collect()
    }

    fn names(&self) -> std::collections::BTreeMap<String, String> {
        let rows = self.database.run("SELECT code, name FROM products");
        let rows = rows.lines().filter_map(|line| line.split_once('\t'));
        rows.map(|(code, name)| (code.to_owned(), name.to_owned()))
            .collect()
    }

    async fn drop_price(&mut self) {
        self.database.run("ALTER TABLE products DROP COLUMN price");
    }
}

promises!(open());
noticing!(watermark, super::open(), Strategy::Watermark; rows);
noticing!(outbox, super::open(), Strategy::Outbox; documents, log and tills);
noticing!(log, super::open(), Strategy::Log; documents, log and tills);
