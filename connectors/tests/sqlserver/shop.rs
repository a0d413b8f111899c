//! The shop of the common promises, kept in tables: read by diff, by a date, by a rowversion, by Change Tracking and
//! through an outbox.

use std::thread::JoinHandle;

use fluxion_connectors::{Connector, OutboxPart};
use fluxion_model::stream::StreamSpec;
use serde_json::{Value as Json, json};

use super::{Database, NAME, quoted, spec};
use crate::scenario::{Shop, promises};
use crate::strategies::{Strategy, Tracked, noticing};

struct Tables {
    database: Database,
    connector: Box<dyn Connector>,
    watermark: Json,
    prepared: bool,
}

async fn open() -> Tables {
    open_with(json!({"strategy": "watermark", "columns": ["changed"], "overlap": 5})).await
}

async fn open_with_rowversion() -> Tables {
    open_with(json!({"strategy": "watermark", "columns": ["version"], "kind": "rowversion"})).await
}

/// As in a store whose database serves snapshots.
async fn open_with_snapshots() -> Tables {
    let tables = open().await;
    tables.database.allow_snapshots();
    tables
}

async fn open_with(watermark: Json) -> Tables {
    let database = Database::with(include_str!("../../fixtures/sqlserver/shop.sql"));
    Tables {
        connector: database.connector(),
        database,
        watermark,
        prepared: false,
    }
}

impl Tables {
    async fn install_outbox(&self) {
        let streams = [self.products(), self.sales()];
        let streams = streams.map(|spec| self.noticing(spec, Strategy::Outbox));
        let script = self.connector.outbox(&streams, OutboxPart::Install).await;
        self.connector.run_outbox(&script.unwrap()).await.unwrap();
    }
}

impl Shop for Tables {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn products(&self) -> StreamSpec {
        super::table(
            "dbo.products",
            &["code"],
            json!({"code": "code", "name": "name", "price": "price"}),
        )
    }

    fn sales(&self) -> StreamSpec {
        spec(json!({
            "name": "sales", "key": ["number"], "capture": {"strategy": "diff"},
            "source": {"query": {"from": "dbo.sales AS s", "columns": {"number": "s.number", "total": "s.total"}}},
            "children": [{
                "name": "lines", "parent": ["number"], "order": ["line"],
                "query": {"from": "dbo.sale_lines AS l", "columns": {
                    "number": "l.number", "line": "l.line", "product": "l.product", "quantity": "l.quantity"}},
            }],
        }))
    }

    async fn put_product(&mut self, code: &str, name: &str, price: &str) {
        let (code, name) = (quoted(code), quoted(name));
        let sql = format!(
            "UPDATE dbo.products SET name = {name}, price = {price}, changed = GETDATE() WHERE code = {code};
             IF @@ROWCOUNT = 0 INSERT INTO dbo.products (code, name, price) VALUES ({code}, {name}, {price});"
        );
        self.database.run(&sql);
    }

    async fn remove_product(&mut self, code: &str) {
        let code = quoted(code);
        let sql = format!("DELETE FROM dbo.products WHERE code = {code}");
        self.database.run(&sql);
    }

    async fn put_sale(&mut self, number: u32, lines: &[(&str, &str)]) {
        let mut sql = format!(
            "BEGIN TRANSACTION; DELETE FROM dbo.sale_lines WHERE number = {number};
             DELETE FROM dbo.sales WHERE number = {number};
             INSERT INTO dbo.sales (number, total) VALUES ({number}, 10.00);\n"
        );
        for (i, (product, quantity)) in lines.iter().enumerate() {
            let product = quoted(product);
            sql += &format!(
                "INSERT INTO dbo.sale_lines (number, line, product, quantity) VALUES ({number}, {i}, {product}, {quantity});\n"
            );
        }
        self.database.run(&(sql + "COMMIT TRANSACTION"));
    }

    async fn publish(&mut self) {}
}

impl Tracked for Tables {
    fn noticing(&self, mut spec: StreamSpec, how: Strategy) -> StreamSpec {
        let capture = match how {
            Strategy::Watermark => self.watermark.clone(),
            Strategy::Log => json!({"strategy": "log"}),
            Strategy::Outbox => json!({"strategy": "outbox"}),
        };
        let changes = if spec.name.as_str() == "sales" {
            json!([{"table": "dbo.sales", "key": ["number"]}, {"table": "dbo.sale_lines", "key": ["number"]}])
        } else {
            json!([{"table": "dbo.products", "key": ["code"]}])
        };
        spec.capture = serde_json::from_value(capture).unwrap();
        spec.changes = serde_json::from_value(changes).unwrap();
        spec
    }

    async fn prepare(&mut self, how: Strategy) {
        if std::mem::replace(&mut self.prepared, true) {
            return;
        }
        match how {
            Strategy::Watermark => {}
            Strategy::Log => {
                self.database
                    .track(&["dbo.products", "dbo.sales", "dbo.sale_lines"]);
            }
            Strategy::Outbox => self.install_outbox().await,
        }
    }

    async fn rename_product(&mut self, from: &str, to: &str) {
        let (from, to) = (quoted(from), quoted(to));
        let sql = format!("UPDATE dbo.products SET code = {to} WHERE code = {from}");
        self.database.run(&sql);
    }

    async fn change_line(&mut self, number: u32, line: u32, quantity: &str) {
        let sql = format!(
            "UPDATE dbo.sale_lines SET quantity = {quantity} WHERE number = {number} AND line = {line}"
        );
        self.database.run(&sql);
    }

    fn put_product_slowly(&self, code: &str, name: &str, price: &str) -> JoinHandle<()> {
        let (code, name) = (quoted(code), quoted(name));
        self.database.run_aside(format!(
            "BEGIN TRANSACTION;
             UPDATE dbo.products SET name = {name}, price = {price}, changed = GETDATE() WHERE code = {code};
             WAITFOR DELAY '00:00:01'; COMMIT TRANSACTION"
        ))
    }

    async fn lose_log(&mut self, how: Strategy) -> bool {
        match how {
            Strategy::Watermark => return false,
            Strategy::Log => self.database.server.purge_change_tracking(NAME).unwrap(),
            Strategy::Outbox => {
                self.database.run("DELETE FROM dbo.fluxion_outbox");
                self.install_outbox().await;
            }
        }
        true
    }

    async fn drop_price(&mut self) {
        let sql = "ALTER TABLE dbo.products DROP COLUMN price";
        self.database.run(sql);
    }
}

promises!(open());
noticing!(watermark, super::open(), Strategy::Watermark; rows);
noticing!(rowversion, super::open_with_rowversion(), Strategy::Watermark; rows);
noticing!(change_tracking, super::open(), Strategy::Log; documents and log);
noticing!(change_tracking_in_snapshots, super::open_with_snapshots(), Strategy::Log; documents and log);
noticing!(outbox, super::open(), Strategy::Outbox; documents and log);
