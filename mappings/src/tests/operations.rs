//! Each operation on a field, one by one.

use fluxion_model::entity::Record;
use fluxion_model::row::{Row, RowKey, RowShape};
use fluxion_model::value::Value;

use super::{bind, compile, document, map, product};

/// The field of a product made of column `c`, as JSON; the rule when it is rejected; nothing when it is left out.
fn field(name: &str, operations: &str, value: impl Into<Value>) -> String {
    let other = if name == "name" {
        ""
    } else {
        "name = { constant = \"x\" }"
    };
    let text = product(&format!("{name} = {operations}\n{other}"));
    let mapped = map(
        &text,
        None,
        &[
            ("id", Value::text("1")),
            ("c", value.into()),
            ("d", Value::text("dd")),
        ],
    );
    if let Some(reject) = mapped.rejects.first() {
        return reject.rule.clone();
    }
    let Record::Product(product) = &mapped.records[0] else {
        panic!("no product")
    };
    let json = serde_json::to_value(product).unwrap();
    match &json[name] {
        serde_json::Value::Null => "nothing".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

#[test]
fn text_is_trimmed_unless_told_otherwise() {
    assert_eq!(field("name", "'c'", text(" \t Piña\u{0}\u{0}")), "Piña");
    assert_eq!(
        field("name", "{ column = 'c', trim = false }", text(" a ")),
        " a "
    );
    assert_eq!(field("brand", "'c'", text("   ")), "nothing");
}

#[test]
fn the_first_column_that_holds_something_counts() {
    assert_eq!(field("name", "{ columns = ['c', 'd'] }", text(" ")), "dd");
    assert_eq!(field("name", "{ columns = ['c', 'd'] }", text("cc")), "cc");
}

#[test]
fn values_may_come_from_constants_settings_and_parts() {
    assert_eq!(
        field("brand", "{ constant = 'Polar' }", Value::Null),
        "Polar"
    );
    assert_eq!(
        field("tax_rate", "{ constant = 16.50 }", Value::Null),
        "16.5"
    );
    assert_eq!(field("unit", "{ setting = 'mark' }", Value::Null), ",");
    let parts = "{ concat = ['c', { text = 'X' }, { column = 'd', pad = 4 }], separator = '-' }";
    assert_eq!(field("name", parts, text("a")), "a-X-00dd");
    assert_eq!(field("name", parts, Value::Null), "X-00dd");
}

#[test]
fn case_padding_and_cutting_keep_letters_whole() {
    assert_eq!(
        field("name", "{ column = 'c', case = 'upper' }", text("piña")),
        "PIÑA"
    );
    assert_eq!(
        field("name", "{ column = 'c', case = 'lower' }", text("ÁRBOL")),
        "árbol"
    );
    assert_eq!(
        field(
            "name",
            "{ column = 'c', case = 'title' }",
            text("PIÑA d'oro 2kg")
        ),
        "Piña D'oro 2kg"
    );
    assert_eq!(
        field("sku", "{ column = 'c', pad = 6 }", Value::Int(123)),
        "000123"
    );
    assert_eq!(
        field("sku", "{ column = 'c', pad = 6 }", Value::Float(123.0)),
        "000123"
    );
    assert_eq!(
        field(
            "sku",
            "{ column = 'c', pad = { width = 4, with = ' ', side = 'right' } }",
            text("ab")
        ),
        "ab  "
    );
    assert_eq!(
        field("name", "{ column = 'c', cut = 3 }", text("ñandú")),
        "ñan"
    );
}

#[test]
fn some_texts_mean_nothing() {
    let operations = "{ column = 'c', null_if = ['N/A', 0] }";
    assert_eq!(field("brand", operations, text("n/a")), "nothing");
    assert_eq!(field("brand", operations, decimal("0.00")), "nothing");
    assert_eq!(field("brand", operations, text("0")), "nothing");
    assert_eq!(field("brand", operations, text("00")), "00");
}

#[test]
fn regular_expressions_extract_and_replace() {
    assert_eq!(
        field(
            "unit",
            r"{ column = 'c', extract = '(\d+) *kg' }",
            text("Harina 1 kg")
        ),
        "1"
    );
    assert_eq!(
        field("unit", r"{ column = 'c', extract = '\d+' }", text("Harina")),
        "nothing"
    );
    let operations = r"{ column = 'c', replace = [{ pattern = '\s+', with = ' ' }, { pattern = '^(\w+) (\w+)$', with = '$2 $1' }] }";
    assert_eq!(field("name", operations, text("a   b")), "b a");
}

#[test]
fn a_lookup_table_translates_and_says_what_it_lacks() {
    let lookup =
        |rest: &str| format!("{{ column = 'c', lookup = {{ 'KG' = 'Kilo', '1' = 'Uno' }}{rest} }}");
    assert_eq!(field("unit", &lookup(""), text("kg")), "Kilo");
    assert_eq!(field("unit", &lookup(""), Value::Int(1)), "Uno");
    assert_eq!(field("unit", &lookup(""), text("LT")), "lookup");
    assert_eq!(
        field("unit", &lookup(", lookup_else = 'keep'"), text("LT")),
        "LT"
    );
    assert_eq!(
        field(
            "unit",
            &lookup(", lookup_else = 'nothing', default = 'UND'"),
            text("LT")
        ),
        "UND"
    );
}

#[test]
fn text_in_the_wrong_code_page_is_repaired() {
    let repair = "{ column = 'c', repair = { read_as = 'windows-1252', really = 'utf-8' } }";
    assert_eq!(field("name", repair, text("PiÃ±a")), "Piña");
    let bytes = Value::Bytes(vec![0x50, 0x69, 0xa4, 0x61].into());
    assert_eq!(
        field(
            "name",
            "{ column = 'c', encoding = 'cp850' }",
            bytes.clone()
        ),
        "Piña"
    );
    assert_eq!(field("name", "'c'", bytes), "encoding");
}

#[test]
fn numbers_are_exact_and_never_guessed() {
    assert_eq!(field("cost", "'c'", Value::Float(0.1)), "0.1");
    assert_eq!(field("cost", "'c'", decimal("10.500")), "10.5");
    assert_eq!(field("cost", "'c'", text("10.5")), "10.5");
    assert_eq!(field("cost", "'c'", text("10,5")), "number");
    assert_eq!(
        field(
            "cost",
            "{ column = 'c', number = { decimal = '{mark}' } }",
            text("Bs. 1.234,56")
        ),
        "1234.56"
    );
    assert_eq!(
        field(
            "cost",
            "{ column = 'c', number = { decimal = ',' } }",
            text("12.50")
        ),
        "number"
    );
    assert_eq!(field("cost", "'c'", Value::Bool(true)), "number");
    assert_eq!(field("cost", "'c'", Value::Float(f64::NAN)), "number");
}

#[test]
fn a_number_beyond_what_is_kept_is_rejected_unless_rounded() {
    assert_eq!(field("cost", "'c'", decimal("0.1234567")), "too_precise");
    assert_eq!(
        field("cost", "{ column = 'c', round = 2 }", decimal("0.125")),
        "0.13"
    );
    assert_eq!(
        field(
            "cost",
            "{ column = 'c', round = { digits = 2, mode = 'half_even' } }",
            decimal("0.125")
        ),
        "0.12"
    );
    assert_eq!(field("cost", "'c'", decimal("4000000000001")), "too_large");
    assert_eq!(
        field(
            "cost",
            "{ column = 'c', scale = 1000 }",
            Value::Decimal(rust_decimal::Decimal::MAX)
        ),
        "too_large"
    );
}

#[test]
fn numbers_are_scaled_divided_and_signed() {
    assert_eq!(
        field(
            "tax_rate",
            "{ column = 'c', scale = 'to_percent' }",
            decimal("0.16")
        ),
        "16"
    );
    assert_eq!(
        field(
            "tax_rate",
            "{ column = 'c', scale = 'to_fraction' }",
            decimal("16")
        ),
        "0.16"
    );
    assert_eq!(
        field("cost", "{ column = 'c', scale = 1.16 }", decimal("10")),
        "11.6"
    );
    assert_eq!(
        field(
            "cost",
            "{ column = 'c', divide = 3, round = 4 }",
            decimal("10")
        ),
        "3.3333"
    );
    assert_eq!(
        field(
            "cost",
            "{ column = 'c', sign = 'absolute' }",
            decimal("-10")
        ),
        "10"
    );
    assert_eq!(
        field("cost", "{ column = 'c', sign = 'negate' }", decimal("-10")),
        "10"
    );
    let when = "{ column = 'c', negate_when = { column = 'd', equals = 'DD' } }";
    assert_eq!(field("cost", when, decimal("-10")), "10");
}

#[test]
fn wall_time_becomes_utc() {
    let date = "{ column = 'c', date = ['dd/mm/yyyy HH:mm', 'dd/mm/yyyy'] }";
    assert_eq!(
        field("updated_at", date, text("05/03/2024 08:00")),
        "2024-03-05T12:00:00Z"
    );
    assert_eq!(
        field("updated_at", date, text("05/03/2024")),
        "2024-03-05T04:00:00Z"
    );
    assert_eq!(field("updated_at", date, text("2024-03-05")), "date");
    assert_eq!(
        field(
            "updated_at",
            "{ column = 'c', zone = 'UTC' }",
            text("2024-03-05")
        ),
        "2024-03-05T00:00:00Z"
    );
    let wall = Value::DateTime("2024-03-05T08:00:00".parse().unwrap());
    assert_eq!(field("updated_at", "'c'", wall), "2024-03-05T12:00:00Z");
    let moment = Value::Timestamp("2024-03-05T08:00:00Z".parse().unwrap());
    assert_eq!(field("updated_at", "'c'", moment), "2024-03-05T08:00:00Z");
    assert_eq!(
        field(
            "updated_at",
            "{ column = 'c', date = 'yyyymmdd' }",
            Value::Int(20_240_305)
        ),
        "2024-03-05T04:00:00Z"
    );
    assert_eq!(
        field(
            "updated_at",
            "'c'",
            Value::Date("0999-01-01".parse().unwrap())
        ),
        "date"
    );
}

#[test]
fn yes_and_no_have_their_words() {
    assert_eq!(field("active", "'c'", text("S")), "nothing");
    assert_eq!(field("active", "'c'", text("No")), "false");
    assert_eq!(field("active", "'c'", Value::Int(0)), "false");
    assert_eq!(field("active", "'c'", text("maybe")), "word");
    assert_eq!(
        field(
            "active",
            "{ column = 'c', boolean = { true = ['V'] } }",
            text("S")
        ),
        "false"
    );
    assert_eq!(
        field(
            "active",
            "{ column = 'c', boolean = { false = ['B'] } }",
            text("b")
        ),
        "false"
    );
}

#[test]
fn barcodes_come_from_several_columns_and_several_in_one() {
    assert_eq!(
        field(
            "barcodes",
            "{ columns = ['c', 'd'], split = ';' }",
            text("1; 2;1;")
        ),
        r#"["1","2","dd"]"#
    );
    assert_eq!(
        field(
            "barcodes",
            "[{ column = 'd' }, { column = 'c', pad = 3 }]",
            text("1")
        ),
        r#"["dd","001"]"#
    );
}

#[test]
fn an_expression_sees_columns_settings_and_the_value_so_far() {
    assert_eq!(
        field(
            "cost",
            "{ expression = 'round(c * 1.16, 2)' }",
            decimal("10.05")
        ),
        "11.66"
    );
    assert_eq!(
        field(
            "cost",
            "{ column = 'c', expression = 'value ?? 7' }",
            Value::Null
        ),
        "7"
    );
    assert_eq!(
        field(
            "name",
            "{ column = 'c', expression = 'value + mark + d' }",
            text("a")
        ),
        "a,dd"
    );
    assert_eq!(
        field("cost", "{ expression = 'd' }", Value::Null),
        "expression"
    );
    assert_eq!(
        field("cost", "{ expression = 'c / 0' }", decimal("1")),
        "expression"
    );
    assert_eq!(
        field("updated_at", "{ expression = 'c' }", text("2024-03-05")),
        "2024-03-05T04:00:00Z"
    );
}

#[test]
fn a_default_stands_in_for_nothing() {
    assert_eq!(
        field("unit", "{ column = 'c', default = 'UND' }", text("")),
        "UND"
    );
    assert_eq!(
        field("cost", "{ column = 'c', default = 0.5 }", Value::Null),
        "0.5"
    );
}

#[test]
fn the_time_of_day_may_stand_in_a_column_of_its_own() {
    let text = product("updated_at = { column = \"fecha\", time = \"hora\" }\nname = \"id\"");
    let date = Value::Date("2026-03-05".parse().unwrap());
    let wall = |text: &str| Value::DateTime(text.parse().unwrap());
    for (hora, utc) in [
        (Value::text("14:30"), "18:30:00"),
        (Value::text("02:30:09 p. m."), "18:30:09"),
        (Value::text("12:05 AM"), "04:05:00"),
        (Value::Int(930), "13:30:00"),
        (Value::text("143009"), "18:30:09"),
        (Value::Time("14:30:00".parse().unwrap()), "18:30:00"),
        (wall("1899-12-30T14:30:00"), "18:30:00"),
        (Value::Null, "04:00:00"),
        (Value::text("  "), "04:00:00"),
    ] {
        let mapped = map(
            &text,
            None,
            &[
                ("id", Value::text("1")),
                ("fecha", date.clone()),
                ("hora", hora.clone()),
            ],
        );
        let Some(Record::Product(product)) = mapped.records.first() else {
            panic!("{hora:?}: {:?}", mapped.rejects);
        };
        let expected = format!("2026-03-05T{utc}Z");
        assert_eq!(
            product
                .updated_at
                .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
            Some(expected),
            "{hora:?}"
        );
    }
    for hora in ["25:00", "mañana", "12345678", "1.5"] {
        let columns = [
            ("id", Value::text("1")),
            ("fecha", date.clone()),
            ("hora", Value::text(hora)),
        ];
        let mapped = map(&text, None, &columns);
        assert!(mapped.rejects[0].message.contains("`hora`"), "{hora}");
    }
}

#[test]
fn a_number_of_child_rows_is_added_up() {
    let text = document(
        "[[streams.records]]\nentity = \"stock_level\"\nfields = { product = \"id\", on_hand = { each = \"lines\", column = \"qty\", round = 2, default = 0 } }",
    );
    let rules = compile(&text).unwrap();
    let mut shape = RowShape::flat(["id"]);
    let child = RowShape::flat(["code", "qty", "price"]);
    shape.children.push(("lines".into(), child));
    let bound = bind(&rules, shape);
    let on_hand = |quantities: &[Value]| {
        let line = |qty: &Value| Row {
            values: vec![Value::Null, qty.clone(), Value::Null],
            children: Vec::new(),
            position: None,
        };
        let row = Row {
            values: vec![Value::text("A1")],
            children: vec![quantities.iter().map(line).collect()],
            position: None,
        };
        let mapped = bound.map(&RowKey("k".into()), &row);
        match (mapped.records.first(), mapped.rejects.first()) {
            (Some(Record::StockLevel(level)), None) => level.on_hand.to_string(),
            (_, Some(reject)) => reject.rule.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        on_hand(&[Value::Float(0.1), Value::Float(0.2), Value::Int(-1)]),
        "-0.7"
    );
    assert_eq!(on_hand(&[Value::Null, Value::Int(4)]), "4");
    assert_eq!(on_hand(&[]), "0");
    assert_eq!(on_hand(&[Value::Int(1), Value::text("x")]), "number");
}
