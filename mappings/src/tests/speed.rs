//! How long a row takes. Prints figures and judges none of them, because machines differ; run it with
//! `cargo test --release -p fluxion-mappings speed -- --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use fluxion_model::row::{Row, RowKey, RowShape};
use fluxion_model::value::Value;
use rust_decimal::Decimal;

use super::{bind, compile, document};

/// Ten typed operations on ten columns.
const TYPED: &str = r#"
[[streams.records]]
entity = "product"
[streams.records.fields]
id = "code"
sku = { column = "code", pad = 8 }
name = { column = "name", case = "upper" }
category = "category"
brand = { column = "brand", null_if = ["-"] }
unit = { column = "unit", lookup = { "1" = "UND", "2" = "KG" } }
tax_rate = "rate"
cost = { column = "cost", number = { decimal = "," } }
active = { column = "active", boolean = { true = ["Y"] } }
updated_at = "updated"
"#;

const EXPRESSED: &str = r#"
[[streams.records]]
entity = "price"
fields = { product = "code", amount = { expression = "round(rate * 1.16, 2)" } }
"#;

fn measure(what: &str, records: &str) {
    let rules = compile(&document(records)).unwrap();
    let columns = [
        "code", "name", "category", "brand", "unit", "rate", "cost", "active", "updated",
    ];
    let bound = bind(&rules, RowShape::flat(columns));
    let values = vec![
        Value::text("000123"),
        Value::text("Harina P.A.N. de maíz 1 kg"),
        Value::Int(12),
        Value::text("Polar"),
        Value::Int(1),
        Value::Decimal(Decimal::new(1600, 2)),
        Value::text("1.234,56"),
        Value::text("Y"),
        Value::DateTime("2024-03-05T08:00:00".parse().unwrap()),
    ];
    let row = Row {
        values,
        ..Row::default()
    };
    let key = RowKey("1".into());
    let rounds: u32 = if cfg!(debug_assertions) {
        2_000
    } else {
        500_000
    };
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(bound.map(black_box(&key), black_box(&row)));
    }
    println!(
        "{what}: {:.0} ns a row",
        start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds)
    );
    assert_eq!(bound.map(&key, &row).rejects, []);
}

#[test]
fn the_cost_of_a_row_is_printed() {
    measure("ten fields with typed operations", TYPED);
    measure("one expression", EXPRESSED);
}
