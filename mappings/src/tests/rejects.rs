//! What a person is told about a row that could not go on.

use fluxion_model::entity::{EntityKind, Record};
use fluxion_model::reject::ErrorClass;
use fluxion_model::row::{Row, RowKey, RowShape};
use fluxion_model::value::{Undecodable, Value};

use super::{bind, compile, document, map, product};

#[test]
fn a_reject_names_field_column_rule_value_and_row_but_no_secret() {
    let text = product("name = 'nombre'\ncost = 'costo'\nunit = 'pin'");
    let row = [
        ("id", Value::text("A1")),
        ("nombre", Value::text("Piña")),
        ("costo", Value::text("12,3x")),
        ("pin", Value::text("4711")),
    ];
    let mapped = map(&text, None, &row);
    assert!(mapped.records.is_empty());
    let reject = &mapped.rejects[0];
    assert_eq!(
        (reject.entity, reject.key.as_str()),
        (EntityKind::Product, "k")
    );
    assert_eq!(reject.id.as_ref().map(|id| id.as_str()), Some("A1"));
    assert_eq!(
        (reject.field.as_deref(), reject.rule.as_str()),
        (Some("cost"), "number")
    );
    assert_eq!(
        (reject.raw.as_deref(), reject.class),
        (Some("12,3x"), ErrorClass::DataValidation)
    );
    assert!(
        reject.message.starts_with("`costo` is not a number"),
        "{}",
        reject.message
    );
    assert_eq!(reject.position.as_deref(), Some("7"));
    assert_eq!(
        reject.row.keys().collect::<Vec<_>>(),
        ["costo", "id", "nombre"]
    );
}

#[test]
fn a_secret_that_breaks_a_rule_is_not_shown() {
    let text = product("name = 'nombre'\ncost = 'pin'");
    let mapped = map(
        &text,
        None,
        &[
            ("id", Value::text("1")),
            ("nombre", Value::text("x")),
            ("pin", Value::text("s3cret")),
        ],
    );
    let told = serde_json::to_string(&mapped.rejects).unwrap();
    assert!(told.contains("`pin`") && !told.contains("s3cret"), "{told}");
}

#[test]
fn all_wrong_fields_are_named_in_one_reject() {
    let text = product("name = 'n'\ncost = 'c'\ntax_rate = 't'");
    let row = [
        ("id", Value::text("1")),
        ("n", Value::text("x")),
        ("c", Value::text("?")),
        ("t", Value::text("?")),
    ];
    let mapped = map(&text, None, &row);
    assert_eq!(mapped.rejects.len(), 1);
    assert!(
        mapped.rejects[0].message.ends_with("also wrong: cost"),
        "{}",
        mapped.rejects[0].message
    );
}

#[test]
fn an_undecodable_cell_rejects_only_the_records_that_need_it() {
    let text = document(
        "[[streams.records]]\nentity = 'category'\nfields = { id = 'id', name = 'n' }\n\
         [[streams.records]]\nentity = 'location'\nfields = { id = 'id', name = 'id' }",
    );
    let broken = Undecodable {
        raw: vec![0x81, 0x8d].into(),
        reason: "byte 0x81 means nothing".to_owned(),
    };
    let mapped = map(
        &text,
        None,
        &[
            ("id", Value::text("1")),
            ("n", Value::Undecodable(Box::new(broken))),
        ],
    );
    assert!(matches!(mapped.records.as_slice(), [Record::Location(_)]));
    assert_eq!(
        (mapped.rejects[0].rule.as_str(), mapped.rejects[0].entity),
        ("encoding", EntityKind::Category)
    );
}

#[test]
fn a_condition_leaves_rows_out_without_a_word() {
    for (when, row_is_taken) in [
        ("{ column = 't', equals = 'a' }", true),
        ("{ column = 't', not_equals = 'A' }", false),
        ("{ column = 't', one_of = ['b', 'A'] }", true),
        ("{ column = 't', empty = true }", false),
        ("{ expression = 't == \"A\" && n > 1' }", true),
        ("{ column = 'n', equals = 2.0 }", true),
        ("{ column = 'n', equals = '2' }", true),
    ] {
        let text = document(&format!(
            "[[streams.records]]\nentity = 'location'\nwhen = {when}\nfields = {{ id = 'id', name = 'id' }}"
        ));
        let mapped = map(
            &text,
            None,
            &[
                ("id", Value::text("1")),
                ("t", Value::text("A ")),
                ("n", Value::Int(2)),
            ],
        );
        assert_eq!(
            (mapped.records.len(), mapped.rejects.len()),
            (usize::from(row_is_taken), 0),
            "{when}"
        );
    }
}

#[test]
fn the_line_of_a_sale_that_is_wrong_is_counted_from_one() {
    let text = document(
        "[[streams.records]]\nentity = 'sale'\n[streams.records.fields]\nid = 'id'\nat = 'at'\ntotal = 'total'\n\
         payments = [{ fields = { method = { constant = 'EFECTIVO' }, amount = 'cash' }, when = { column = 'cash', empty = false } },\
         { fields = { method = { constant = 'TARJETA' }, amount = 'card' }, when = { column = 'card', empty = false } }]\n\
         lines = { each = 'lines', fields = { product = 'code', quantity = 'qty', unit_price = 'price', description = 'id' } }",
    );
    let rules = compile(&text).unwrap();
    let mut shape = RowShape::flat(["id", "at", "total", "cash", "card"]);
    shape
        .children
        .push(("lines".into(), RowShape::flat(["code", "qty", "price"])));
    let bound = bind(&rules, shape);
    let line = |qty: &str| Row {
        values: ["A", qty, "5"].map(Value::text).to_vec(),
        ..Row::default()
    };
    let mut row = Row {
        values: ["S1", "2024-03-05", "10", "", "10"]
            .map(Value::text)
            .to_vec(),
        children: vec![vec![line("1"), line("1")]],
        position: None,
    };
    let mapped = bound.map(&RowKey("S1".into()), &row);
    let [Record::Sale(sale)] = mapped.records.as_slice() else {
        panic!("{mapped:?}")
    };
    assert_eq!(
        (
            sale.lines.len(),
            sale.number.as_str(),
            sale.currency.as_str()
        ),
        (2, "S1", "VES")
    );
    assert_eq!(
        sale.lines[1].description.as_deref(),
        Some("S1"),
        "a child row sees the row it belongs to"
    );
    assert_eq!(
        sale.payments
            .iter()
            .map(|p| p.method.as_str())
            .collect::<Vec<_>>(),
        ["TARJETA"]
    );

    row.children[0][1] = line("two");
    let mapped = bound.map(&RowKey("S1".into()), &row);
    let reject = &mapped.rejects[0];
    assert_eq!(
        (reject.field.as_deref(), reject.raw.as_deref()),
        (Some("lines[2].quantity"), Some("two"))
    );
    assert!(reject.message.starts_with("`qty` "), "{}", reject.message);
    row.children[0][1] = line("");
    assert_eq!(
        bound.map(&RowKey("S1".into()), &row).rejects[0].rule,
        "required"
    );
}

#[test]
fn identities_and_long_texts_have_their_bounds() {
    let text = product("name = 'n'");
    let row = |id: &str, name: &str| [("id", Value::text(id)), ("n", Value::text(name))];
    let rule = |id: &str, name: &str| {
        map(&text, None, &row(id, name))
            .rejects
            .first()
            .map(|r| r.rule.clone())
    };
    assert_eq!(rule("", "x").as_deref(), Some("required"));
    assert_eq!(rule("a\u{7}b", "x").as_deref(), Some("id"));
    assert_eq!(rule(&"x".repeat(201), "x").as_deref(), Some("id"));
    assert_eq!(rule("1", &"ñ".repeat(1_001)).as_deref(), Some("too_long"));
    assert_eq!(rule("1", "a\u{0}b").as_deref(), Some("encoding"));
    assert_eq!(rule("1", &"ñ".repeat(1_000)), None);
}
