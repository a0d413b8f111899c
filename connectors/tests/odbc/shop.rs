//! The shop of the common promises, behind three drivers.

use std::thread::JoinHandle;

use fluxion_connectors::Connector;
use fluxion_model::stream::StreamSpec;
use serde_json::json;

use super::{Driver, Source, spec};
use crate::scenario::{Shop, promises};
use crate::strategies::{Strategy, Tracked, noticing};

struct Tables {
    source: Source,
    driver: Driver,
    connector: Box<dyn Connector>,
}

impl Tables {
    async fn open(driver: Driver) -> Self {
        let moment = match driver {
            Driver::Mariadb => "DATETIME(6)",
            Driver::Sqlite | Driver::Postgres => "TIMESTAMP",
        };
        let source = Source::with(
            driver,
            &format!(
                "CREATE TABLE products(code VARCHAR(20) PRIMARY KEY, name VARCHAR(60), price DECIMAL(12,2), changed {moment});
                 CREATE TABLE sales(number INT PRIMARY KEY, total DECIMAL(12,2));
                 CREATE TABLE sale_lines(number INT, line INT, product VARCHAR(20), quantity DECIMAL(12,0), PRIMARY KEY(number, line));"
            ),
        );
        Self {
            connector: source.connector(),
            source,
            driver,
        }
    }

    fn now(&self) -> &'static str {
        match self.driver {
            Driver::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now', 'localtime')",
            Driver::Mariadb => "NOW(6)",
            Driver::Postgres => "clock_timestamp()",
        }
    }

    fn quoted(&self, text: &str) -> String {
        let text = match self.driver {
            Driver::Mariadb => text.replace('\\', "\\\\"),
            Driver::Sqlite | Driver::Postgres => text.to_owned(),
        };
        format!("'{}'", text.replace('\'', "''"))
    }
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
        let (code, name, now) = (self.quoted(code), self.quoted(name), self.now());
        // SQLite keeps decimals as it likes; a text keeps its digits.
        let price = self.quoted(price);
        self.source.run(&format!(
            "BEGIN; DELETE FROM products WHERE code = {code};
             INSERT INTO products VALUES ({code}, {name}, {price}, {now}); COMMIT"
        ));
    }

    async fn remove_product(&mut self, code: &str) {
        let code = self.quoted(code);
        self.source
            .run(&format!("DELETE FROM products WHERE code = {code}"));
    }

    async fn put_sale(&mut self, number: u32, lines: &[(&str, &str)]) {
        let mut sql = format!(
            "BEGIN; DELETE FROM sale_lines WHERE number = {number}; DELETE FROM sales WHERE number = {number};
             INSERT INTO sales VALUES ({number}, 10.00);"
        );
        for (i, (product, quantity)) in lines.iter().enumerate() {
            let product = self.quoted(product);
            sql +=
                &format!("INSERT INTO sale_lines VALUES ({number}, {i}, {product}, {quantity});");
        }
        self.source.run(&(sql + "COMMIT"));
    }

    async fn publish(&mut self) {}
}

impl Tracked for Tables {
    fn noticing(&self, mut spec: StreamSpec, _how: Strategy) -> StreamSpec {
        // SQLite keeps moments as text, and says so of the highest of them.
        let format = match self.driver {
            Driver::Sqlite => Some("%Y-%m-%d %H:%M:%S%.3f"),
            Driver::Mariadb | Driver::Postgres => None,
        };
        let capture = json!({"strategy": "watermark", "columns": ["changed"], "overlap": 5, "format": format});
        spec.capture = serde_json::from_value(capture).unwrap();
        spec
    }

    async fn prepare(&mut self, _how: Strategy) {}

    async fn rename_product(&mut self, from: &str, to: &str) {
        let (from, to) = (self.quoted(from), self.quoted(to));
        self.source.run(&format!(
            "UPDATE products SET code = {to} WHERE code = {from}"
        ));
    }

    async fn change_line(&mut self, number: u32, line: u32, quantity: &str) {
        self.source.run(&format!(
            "UPDATE sale_lines SET quantity = {quantity} WHERE number = {number} AND line = {line}"
        ));
    }

    fn put_product_slowly(&self, code: &str, name: &str, price: &str) -> JoinHandle<()> {
        let (code, name, now) = (self.quoted(code), self.quoted(name), self.now());
        let sleep = match self.driver {
            Driver::Postgres => "pg_sleep(1)",
            Driver::Sqlite | Driver::Mariadb => "sleep(1)",
        };
        self.source.run_aside(&format!(
            "BEGIN; UPDATE products SET name = {name}, price = {price}, changed = {now} WHERE code = {code}; SELECT {sleep}; COMMIT"
        ))
    }

    async fn lose_log(&mut self, _how: Strategy) -> bool {
        false
    }

    async fn drop_price(&mut self) {
        self.source.run("ALTER TABLE products DROP COLUMN price");
    }
}

mod sqlite {
    use super::*;
    promises!(Tables::open(Driver::Sqlite));
    noticing!(watermark, super::Tables::open(Driver::Sqlite), Strategy::Watermark; rows);
}

mod mariadb {
    use super::*;
    promises!(Tables::open(Driver::Mariadb));
    noticing!(watermark, super::Tables::open(Driver::Mariadb), Strategy::Watermark; rows);
}

mod postgres {
    use super::*;
    promises!(Tables::open(Driver::Postgres));
    noticing!(watermark, super::Tables::open(Driver::Postgres), Strategy::Watermark; rows);
}
