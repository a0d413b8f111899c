//! Business rules, over the records of one row.

use fluxion_model::entity::Record;
use fluxion_model::reject::ErrorClass;
use fluxion_model::value::Value;

use super::{document, map};
use crate::Country;

const SHELF: &str = "[[streams.records]]\nentity = 'product'\nfields = { id = 'id', name = 'id', cost = 'cost', tax_rate = 'rate' }\n\
    [[streams.records]]\nentity = 'price'\nfields = { product = 'id', amount = 'price', tax = { constant = 'included' } }";

fn shelf(rules: &str, cost: &str, rate: &str, price: &str) -> crate::Mapped {
    let text = format!("{}\n{rules}", document(SHELF));
    let row = [
        ("id", Value::text("1")),
        ("cost", Value::text(cost)),
        ("rate", Value::text(rate)),
        ("price", Value::text(price)),
    ];
    map(&text, Some(Country::Venezuela), &row)
}

fn words(mapped: &crate::Mapped) -> (Vec<&str>, Vec<&str>) {
    let words = |list: &[fluxion_model::reject::Rejected]| {
        list.iter().map(|r| r.rule.clone()).collect::<Vec<_>>()
    };
    let leak = |list: Vec<String>| list.into_iter().map(|word| &*word.leak()).collect();
    (leak(words(&mapped.rejects)), leak(words(&mapped.warnings)))
}

#[test]
fn a_product_without_a_tax_rate_gets_that_of_the_country() {
    let mapped = shelf("", "10", "", "20");
    let Record::Product(product) = &mapped.records[0] else {
        panic!()
    };
    assert_eq!(
        product.tax_rate.map(|rate| rate.to_string()).as_deref(),
        Some("16")
    );
    let off = shelf("[rules.default_tax]\naction = 'off'", "10", "", "20");
    let Record::Product(product) = &off.records[0] else {
        panic!()
    };
    assert_eq!(product.tax_rate, None);
    assert_eq!(
        words(&shelf(
            "[rules.default_tax]\naction = 'reject'",
            "10",
            "",
            "20"
        ))
        .0,
        ["default_tax"]
    );
}

#[test]
fn a_thin_margin_is_reported_and_goes_on() {
    // 12.00 with 16 % tax is 10.34 before tax: 3.4 % above the cost.
    let thin = shelf("", "10", "16", "12.00");
    assert_eq!(
        (thin.records.len(), words(&thin)),
        (2, (vec![], vec!["low_margin"]))
    );
    assert_eq!(thin.warnings[0].class, ErrorClass::BusinessRule);
    assert!(
        thin.warnings[0].message.contains("3.45 %"),
        "{}",
        thin.warnings[0].message
    );
    assert_eq!(words(&shelf("", "10", "16", "12.30")), (vec![], vec![]));
    assert_eq!(
        words(&shelf(
            "[rules.low_margin]\nvalue = 30",
            "10",
            "16",
            "12.30"
        ))
        .1,
        ["low_margin"]
    );
    assert_eq!(
        words(&shelf(
            "[rules.low_margin]\naction = 'reject'",
            "10",
            "16",
            "12"
        ))
        .0,
        ["low_margin"]
    );
}

#[test]
fn prices_and_costs_that_make_no_sense_are_caught() {
    assert_eq!(
        words(&shelf("", "10", "16", "-1")).0,
        ["price_not_negative"]
    );
    assert_eq!(words(&shelf("", "-1", "16", "1")).0, ["cost_not_negative"]);
    assert_eq!(words(&shelf("", "10", "1600", "20")).0, ["tax_rate_sane"]);
    assert_eq!(words(&shelf("", "1", "16", "1234.56")).1, ["price_sane"]);
    let mapped = shelf("", "10", "16", "-1");
    assert!(
        matches!(mapped.records.as_slice(), [Record::Product(_)]),
        "the product itself goes on"
    );
}

fn sale(rules: &str, fields: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let optional = |name: &str| format!("{name} = {{ column = '{name}', optional = true }}\n");
    let text = document(&format!(
        "[[streams.records]]\nentity = 'sale'\n[streams.records.fields]\nid = {{ constant = '1' }}\n\
         at = {{ constant = '2024-03-05' }}\ntotal = 'total'\n{}{}{}{}\
         lines = {{ fields = {{ quantity = 'qty', unit_price = 'price' }}, when = {{ column = 'qty', empty = false }} }}\n\
         payments = {{ fields = {{ method = {{ constant = 'X' }}, amount = 'paid' }}, when = {{ column = 'paid', empty = false }} }}\n{rules}",
        optional("subtotal"),
        optional("tax"),
        optional("discount"),
        optional("exchange_rate"),
    ));
    let mut row: Vec<(&str, Value)> = fields
        .iter()
        .map(|(name, value)| (*name, Value::text(*value)))
        .collect();
    for name in ["qty", "price", "paid"] {
        if !fields.iter().any(|(own, _)| *own == name) {
            row.push((name, Value::Null));
        }
    }
    let mapped = map(&text, None, &row);
    let words =
        |list: Vec<fluxion_model::reject::Rejected>| list.into_iter().map(|r| r.rule).collect();
    (words(mapped.rejects), words(mapped.warnings))
}

#[test]
fn a_sale_adds_up_in_any_of_the_ways_that_are_in_use() {
    for fields in [
        &[
            ("total", "116"),
            ("subtotal", "100"),
            ("tax", "16"),
            ("qty", "2"),
            ("price", "50"),
        ][..],
        &[
            ("total", "116"),
            ("subtotal", "100"),
            ("tax", "16"),
            ("qty", "2"),
            ("price", "58"),
        ],
        &[
            ("total", "104.4"),
            ("subtotal", "100"),
            ("discount", "10"),
            ("tax", "14.4"),
            ("qty", "2"),
            ("price", "50"),
        ],
        &[("total", "100"), ("qty", "2"), ("price", "50")],
        &[
            ("total", "116"),
            ("tax", "16"),
            ("qty", "2"),
            ("price", "50"),
        ],
        &[("total", "116.04"), ("subtotal", "100"), ("tax", "16")],
        &[("total", "100")],
    ] {
        assert_eq!(sale("", fields), (vec![], vec![]), "{fields:?}");
    }
}

#[test]
fn a_sale_that_does_not_add_up_is_reported_or_refused() {
    for fields in [
        &[("total", "120"), ("subtotal", "100"), ("tax", "16")][..],
        &[
            ("total", "116"),
            ("subtotal", "100"),
            ("tax", "16"),
            ("qty", "1"),
            ("price", "50"),
        ],
        &[("total", "100"), ("qty", "2"), ("price", "49")],
    ] {
        assert_eq!(
            sale("", fields),
            (vec![], vec!["totals_add_up".to_owned()]),
            "{fields:?}"
        );
        let refuse = "[rules.totals_add_up]\naction = 'reject'\nvalue = 0.1";
        assert_eq!(sale(refuse, fields).0, ["totals_add_up"], "{fields:?}");
    }
    assert_eq!(
        sale("", &[("total", "100"), ("paid", "90")]).1,
        ["payments_add_up"]
    );
    assert_eq!(
        sale("", &[("total", "100"), ("exchange_rate", "0")]).1,
        ["exchange_rate"]
    );
    let tolerant = "[rules.totals_add_up]\nvalue = 5";
    assert_eq!(
        sale(tolerant, &[("total", "100"), ("qty", "2"), ("price", "49")]),
        (vec![], vec![])
    );
}

#[test]
fn tax_ids_are_checked_by_the_country_of_the_store() {
    let text = |rules: &str| {
        document(&format!(
            "[[streams.records]]\nentity = 'customer'\nfields = {{ id = 'id', name = 'id', tax_id = 't' }}\n{rules}"
        ))
    };
    let row = |tax_id: &str| [("id", Value::text("1")), ("t", Value::text(tax_id))];
    let map = |rules: &str, country, tax_id: &str| map(&text(rules), Some(country), &row(tax_id));
    assert_eq!(
        map("", Country::Venezuela, "V-11470283-4").warnings.len(),
        0
    );
    assert_eq!(
        map("", Country::Venezuela, "V-11470283-5").warnings[0].rule,
        "tax_id"
    );
    assert_eq!(
        map("", Country::Mexico, "V-11470283-4").warnings[0].rule,
        "tax_id"
    );
    let fixed = map(
        "[rules.tax_id]\naction = 'fix'",
        Country::Mexico,
        "nonsense",
    );
    let [Record::Customer(customer)] = fixed.records.as_slice() else {
        panic!()
    };
    assert_eq!(
        (customer.tax_id.as_deref(), fixed.warnings.len()),
        (None, 0)
    );
}
