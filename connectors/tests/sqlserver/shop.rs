//! The shop of the common promises, kept in tables: read by diff, by a date, by a rowversion, by Change Tracking and
//! through an outbox.

use std::collections::BTreeMap;
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
        // Without snapshots a reader waits for every till that is at work.
        connector: database.connector_with(json!({"lock_timeout_seconds": 30})),
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

    fn tills(&self, seed: u64, transactions: u64) -> Vec<JoinHandle<()>> {
        let tills = (0..3).map(|till| {
            let server = self.database.server.clone();
            let seed = seed.wrapping_add(till).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            std::thread::spawn(move || {
                let mut session = server.session();
                let mut dice = Dice(seed);
                for _ in 0..transactions {
                    // A duplicate key, a deadlock: the till takes the sale back and goes on.
                    if session.execute(&dice.transaction()).is_err() {
                        session
                            .execute("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION")
                            .unwrap();
                    }
                }
            })
        });
        tills.collect()
    }

    fn names(&self) -> BTreeMap<String, String> {
        let rows = self
            .database
            .server
            .query("SELECT code, name FROM dbo.products");
        let rows = rows.unwrap().into_iter().map(|row| {
            let mut cells = row.into_iter().flatten();
            (cells.next().unwrap(), cells.next().unwrap())
        });
        rows.collect()
    }

    async fn drop_price(&mut self) {
        let sql = "ALTER TABLE dbo.products DROP COLUMN price";
        self.database.run(sql);
    }
}

/// What tills do, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % below
    }

    fn transaction(&mut self) -> String {
        let mut sql = "BEGIN TRANSACTION;\n".to_owned();
        for _ in 0..=self.next(3) {
            let (code, other) = (self.next(80), self.next(80));
            let name = self.next(1_000_000);
            let put = format!(
                "UPDATE dbo.products SET name = '{name}', changed = GETDATE() WHERE code = '{code:03}';
                 IF @@ROWCOUNT = 0 INSERT INTO dbo.products (code, name, price) VALUES ('{code:03}', '{name}', 1);\n"
            );
            sql += &match self.next(6) {
                0 => format!("DELETE FROM dbo.products WHERE code = '{code:03}';\n"),
                1 => format!(
                    "UPDATE dbo.products SET code = '{other:03}', name = '{name}' WHERE code = '{code:03}';\n"
                ),
                2 => format!(
                    "UPDATE dbo.products SET name = '{name}' WHERE code BETWEEN '{code:03}' AND '{code:03}9';\n"
                ),
                _ => put,
            };
        }
        sql += &format!("WAITFOR DELAY '00:00:00.0{}0';\n", self.next(4));
        if self.next(20) == 0 {
            sql += "WAITFOR DELAY '00:00:00.600';\n";
        }
        sql + if self.next(5) == 0 {
            "ROLLBACK TRANSACTION"
        } else {
            "COMMIT TRANSACTION"
        }
    }
}

promises!(open());
noticing!(watermark, super::open(), Strategy::Watermark; rows);
noticing!(rowversion, super::open_with_rowversion(), Strategy::Watermark; rows);
noticing!(change_tracking, super::open(), Strategy::Log; documents, log and tills);
noticing!(change_tracking_in_snapshots, super::open_with_snapshots(), Strategy::Log; documents, log and tills);
noticing!(outbox, super::open(), Strategy::Outbox; documents, log and tills);
