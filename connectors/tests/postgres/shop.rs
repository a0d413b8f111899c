//! The shop of the common promises, kept in tables; read by diff, by a watermark and through an outbox.

use fluxion_connectors::{Connector, OutboxPart};
use fluxion_model::stream::StreamSpec;
use serde_json::{Value as Json, json};

use super::{Database, spec};
use crate::scenario::{Shop, promises};

pub struct Tables {
    pub database: Database,
    connector: Box<dyn Connector>,
    capture: Json,
}

impl Tables {
    async fn open(capture: Json) -> Self {
        let database = Database::with(include_str!("../../fixtures/postgres/shop.sql"));
        for table in ["products", "sales"] {
            database.run(&format!(
                "ALTER TABLE {table} ADD changed timestamptz NOT NULL DEFAULT clock_timestamp()"
            ));
        }
        let connector = database.connector();
        let shop = Self {
            connector,
            database,
            capture,
        };
        if shop.capture["strategy"] == "outbox" {
            let streams = [shop.products(), shop.sales()];
            let script = shop.connector.outbox(&streams, OutboxPart::Install).await;
            shop.connector.run_outbox(&script.unwrap()).await.unwrap();
        }
        shop
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
            "name": "products", "key": ["code"], "capture": self.capture,
            "changes": [{"table": "products", "key": ["code"]}],
            "source": {"query": {"from": "products", "columns": {"code": "code", "name": "name", "price": "price"}}},
        }))
    }

    fn sales(&self) -> StreamSpec {
        spec(json!({
            "name": "sales", "key": ["number"], "capture": self.capture,
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

mod diff {
    use super::*;
    promises!(Tables::open(json!({"strategy": "diff"})));
}

mod watermark {
    use super::*;
    promises!(Tables::open(
        json!({"strategy": "watermark", "columns": ["changed"], "overlap": 5})
    ));
}

mod outbox {
    use super::*;
    promises!(Tables::open(json!({"strategy": "outbox"})));
}
