//! Whatever a source holds, mapping it neither panics nor loses it: each record is made or rejected.

use chrono::{DateTime, NaiveDate, NaiveTime};
use fluxion_model::row::{Row, RowKey, RowShape};
use fluxion_model::value::{Undecodable, Value};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{bind, context, document};
use crate::{Country, Mapping, Rules};

fn any_value() -> impl Strategy<Value = Value> {
    let date = (-262_000_i32..262_000, 1_u32..=366)
        .prop_filter_map("a day", |(y, d)| NaiveDate::from_yo_opt(y, d));
    let decimal = (any::<i128>(), 0_u32..=28).prop_filter_map("a decimal", |(n, s)| {
        Decimal::try_from_i128_with_scale(n >> 32, s).ok()
    });
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        decimal.prop_map(Value::Decimal),
        any::<f64>().prop_map(Value::Float),
        ".{0,40}".prop_map(Value::text),
        "[-+(]?[0-9.,]{1,40}[-)%]?".prop_map(Value::text),
        "[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,5}([ T][0-9:.]{1,12})?[-+Z0-9:]{0,6}"
            .prop_map(Value::text),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
        date.clone().prop_map(Value::Date),
        (0_u32..86_400).prop_filter_map("a time", |s| {
            NaiveTime::from_num_seconds_from_midnight_opt(s, 0).map(Value::Time)
        }),
        date.prop_map(|date| Value::DateTime(date.and_time(NaiveTime::MIN))),
        (-8_000_000_000_000_i64..8_000_000_000_000)
            .prop_filter_map("a moment", |s| DateTime::from_timestamp(s, 0)
                .map(Value::Timestamp)),
        any::<Vec<u8>>().prop_map(|raw| Value::Undecodable(Box::new(Undecodable {
            raw: raw.into(),
            reason: "?".into()
        }))),
    ]
}

/// Every operation at once.
const EVERYTHING: &str = r#"
[[streams.records]]
entity = "product"
[streams.records.fields]
id = { column = "a", pad = 4, case = "upper" }
name = { columns = ["a", "b"], repair = { read_as = "windows-1252", really = "cp850" }, cut = 20, replace = [{ pattern = "[aeiou]+", with = "$0$0" }] }
description = { concat = ["a", "b", { column = "c", pad = 9 }], separator = "|", extract = "..?" }
barcodes = { columns = ["a", "b"], split = "," }
unit = { column = "b", lookup = { "1" = "x" }, lookup_else = "keep", null_if = ["?"] }
tax_rate = { column = "b", number = { decimal = "," }, scale = "to_percent", round = 4 }
cost = { column = "c", divide = 7, sign = "absolute", negate_when = { column = "a", empty = true }, round = 6 }
active = { column = "d", boolean = { true = ["1"] } }
updated_at = { column = "d", date = ["dd/mm/yyyy", "iso", "excel", "unix", "unix_ms"], zone = "America/Mexico_City" }
[[streams.records]]
entity = "price"
fields = { product = "a", amount = { expression = "round((value ?? b) * c, 2)" }, valid_from = "d" }
[[streams.records]]
entity = "sale"
[streams.records.fields]
id = "a"
at = "d"
total = "b"
tax = "c"
subtotal = "c"
exchange_rate = "b"
lines = { each = "lines", fields = { quantity = "qty", unit_price = { column = "price", number = { decimal = "," } }, product = "code" } }
payments = { fields = { method = "a", amount = "c", currency = "d" } }
[[streams.records]]
entity = "customer"
when = { column = "a", one_of = [1, "x"] }
fields = { id = "b", name = "c", tax_id = "a", terms_days = "d" }
"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_made_or_rejected(
        values in prop::collection::vec(any_value(), 0..6),
        lines in prop::collection::vec(prop::collection::vec(any_value(), 0..4), 0..4),
        country in prop::sample::select(vec![Country::Venezuela, Country::Mexico, Country::Argentina, Country::Panama]),
    ) {
        let mapping = Mapping::from_toml(&document(EVERYTHING)).unwrap();
        let rules = Rules::compile(&mapping, &context(Some(country))).unwrap();
        let mut shape = RowShape::flat(["a", "b", "c", "d"]);
        shape.children.push(("lines".into(), RowShape::flat(["code", "qty", "price"])));
        let lines = lines.into_iter().map(|values| Row { values, ..Row::default() }).collect();
        let row = Row { values, children: vec![lines], position: None };
        let bound = bind(&rules, shape);
        let mapped = bound.map(&RowKey("k".into()), &row);
        let made = mapped.records.len() + mapped.rejects.len();
        prop_assert!((3..=4).contains(&made), "{mapped:?}");
        for record in &mapped.records {
            let json = serde_json::to_string(record).unwrap();
            prop_assert_eq!(&serde_json::from_str::<fluxion_model::entity::Record>(&json).unwrap(), record);
        }
        prop_assert_eq!(&bound.map(&RowKey("k".into()), &row), &mapped, "the same row always becomes the same");
    }

    #[test]
    fn any_text_is_a_mapping_or_an_error(text in ".{0,200}") {
        prop_assert!(Mapping::from_toml(&text).is_err());
        prop_assert!(Mapping::from_json(&text).is_err());
    }
}
