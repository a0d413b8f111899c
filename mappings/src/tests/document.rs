//! What is wrong with a mapping is found when it is compiled, and named.

use std::sync::Arc;

use fluxion_model::row::RowShape;

use super::{compile, document, product};
use crate::{Context, Mapping, Scalar, packs};

fn problem(text: &str) -> String {
    compile(text).unwrap_err().to_string()
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_would_be_right() {
    for (fields, place, hint) in [
        (
            "name = 'n'\nprise = 'p'",
            "stream rows, record product",
            "sku, name",
        ),
        ("brand = 'b'", "stream rows, record product", "\"name\""),
        (
            "name = { column = 'n', round = 2 }",
            "field name",
            "is a text",
        ),
        ("name = {}", "field name", "expression"),
        (
            "name = { column = 'a', constant = 'b' }",
            "field name",
            "several sources",
        ),
        (
            "name = 'n'\ncost = { constant = 'abc' }",
            "field cost",
            "not a number",
        ),
        (
            "name = 'n'\ncost = { column = 'c', default = 'x' }",
            "field cost",
            "not a number",
        ),
        (
            "name = 'n'\ncost = { column = 'c', number = { decimal = ';' } }",
            "field cost",
            "decimal mark",
        ),
        (
            "name = { column = 'n', extract = '(' }",
            "field name",
            "regular expression",
        ),
        ("name = { setting = 'mrak' }", "field name", "it has: mark"),
        (
            "name = 'n'\nupdated_at = { column = 'u', zone = 'Caracas' }",
            "field updated_at",
            "America/Caracas",
        ),
        (
            "name = 'n'\nupdated_at = { column = 'u', date = 'tt/qq' }",
            "field updated_at",
            "dd/mm/yyyy",
        ),
        (
            "name = { column = 'n', repair = { read_as = 'x', really = 'utf-8' } }",
            "field name",
            "cp850",
        ),
        (
            "name = { expression = '1 +' }",
            "field name",
            "cannot be read",
        ),
        (
            "name = 'n'\nbarcodes = { each = 'codes', column = 'c' }",
            "field barcodes",
            "lines",
        ),
        ("name = ['a']", "fields.name", ""),
    ] {
        let problem = problem(&product(fields));
        assert!(
            problem.contains(place) && problem.contains(hint),
            "{fields}: {problem}"
        );
    }
}

#[test]
fn events_go_to_one_stream_each_and_are_pushed() {
    const EVENTS: &str = r#"
        name = "m"
        version = 1
        system = "s"
        connector = "webhook"

        [[streams]]
        name = "products"
        key = ["code"]
        capture = { strategy = "push" }
        source.event = { event = "product_updated", columns = { code = "/code", name = "/name" } }
        [[streams.records]]
        entity = "product"
        fields = { id = "code", name = "name" }

        [[streams]]
        name = "more"
        key = ["code"]
        capture = { strategy = "push" }
        source.event = { event = "product_added", columns = { code = "/code", name = "/name" } }
        [[streams.records]]
        entity = "product"
        fields = { id = "code", name = "name" }
    "#;
    compile(EVENTS).unwrap();
    for (from, to, hint) in [
        (
            "product_added",
            "product_updated",
            "stream products takes too",
        ),
        ("product_added", " ", "sale_completed"),
        ("strategy = \"push\"", "strategy = \"diff\"", "\"push\""),
        ("\"webhook\"", "\"rest\"", "\"webhook\""),
        (
            "key = [\"code\"]",
            "key = [\"id\"]",
            "none of its columns: code, name",
        ),
        ("key = [\"code\"]", "key = []", "needs a key"),
        ("id = \"code\"", "id = \"sku\"", "sku"),
        (
            "capture = {",
            "fallback = [{ strategy = \"push\" }]\ncapture = {",
            "no `fallback`",
        ),
        (
            "capture = {",
            "children = [{ name = \"lines\" }]\ncapture = {",
            "`json`",
        ),
        (
            "source.event = { event = \"product_added\", columns = {",
            "source.query = { from = \"t\", columns = {",
            "source.event",
        ),
    ] {
        let text = EVENTS.replace(from, to);
        assert_ne!(text, EVENTS, "{from}");
        let problem = problem(&text);
        assert!(problem.contains(hint), "{from}: {problem}");
    }
    let pushed = packs::text("systimax-mysql").unwrap().replacen(
        "strategy = \"log\"",
        "strategy = \"push\"",
        1,
    );
    let mapping = Mapping::from_toml(&pushed).unwrap();
    let given = [("location_id".to_owned(), Scalar::Text("1".to_owned()))].into();
    let context = Context::new(
        &mapping,
        chrono_tz::UTC,
        "VES".parse().unwrap(),
        None,
        &given,
    )
    .unwrap();
    let problem = crate::Rules::compile(&mapping, &context)
        .err()
        .unwrap()
        .to_string();
    assert!(problem.contains("read and not called"), "{problem}");
}

#[test]
fn an_unknown_key_is_refused_with_its_path() {
    let toml = problem(&product("name = { colum = 'n' }"));
    assert!(
        toml.contains("streams[0].records[0].fields.name") && toml.contains("colum"),
        "{toml}"
    );
    let mut json = serde_json::to_value(packs::find("systimax-mysql").unwrap()).unwrap();
    json["streams"][1]["records"][0]["fields"]["name"] =
        serde_json::json!({ "column": "x", "trim": "yes" });
    let json = Mapping::from_json(&json.to_string())
        .unwrap_err()
        .to_string();
    assert!(
        json.contains("streams[1].records[0].fields.name.trim"),
        "{json}"
    );
}

#[test]
fn a_query_column_that_is_not_declared_is_found_before_anything_is_read() {
    let pack = packs::text("systimax-mysql").unwrap();
    let problem = |from: &str, to: &str| {
        let mapping = Mapping::from_toml(&pack.replacen(from, to, 1)).unwrap();
        let given = [("location_id".to_owned(), Scalar::Text("1".to_owned()))].into();
        let context = Context::new(
            &mapping,
            chrono_tz::UTC,
            "VES".parse().unwrap(),
            None,
            &given,
        )
        .unwrap();
        crate::Rules::compile(&mapping, &context)
            .unwrap_err()
            .to_string()
    };
    assert!(problem("name = \"item_name\"", "name = \"item_nam\"").contains("item_name"));
    assert!(problem("quantity = \"qty\"", "quantity = \"qtty\"").contains("qty"));
    assert!(problem("key = [\"item_id\"]", "key = [\"id\"]").contains("item_id"));
    assert!(problem("parent = [\"trans_id\"]", "parent = []").contains("parent"));
    assert!(
        problem(
            "name = \"item_name\"",
            "name = { expression = \"item_nam\" }"
        )
        .contains("item_name")
    );
}

#[test]
fn settings_are_checked_before_they_are_used() {
    let mapping = packs::find("fluxion-export").unwrap();
    let with = |name: &str, value: Scalar| {
        Context::new(
            &mapping,
            chrono_tz::UTC,
            "VES".parse().unwrap(),
            None,
            &[(name.to_owned(), value)].into(),
        )
    };
    assert!(with("decimal", Scalar::Text(".".into())).is_ok());
    assert!(
        with("decimal", Scalar::Text(";".into()))
            .unwrap_err()
            .to_string()
            .contains("one of")
    );
    assert!(
        with("decimel", Scalar::Text(".".into()))
            .unwrap_err()
            .to_string()
            .contains("known: date_format, decimal")
    );
    let mapping = packs::find("systimax-mysql").unwrap();
    let missing = Context::new(
        &mapping,
        chrono_tz::UTC,
        "VES".parse().unwrap(),
        None,
        &Default::default(),
    );
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("settings.location_id: is required")
    );
}

#[test]
fn a_source_without_a_needed_column_is_told_which_and_for_what() {
    let rules = compile(&product("name = { columns = ['nombre', 'nome'] }\nbrand = { column = 'marca', optional = true }\ncost = 'costo'")).unwrap();
    let stream = rules.streams().next().unwrap();
    let missing = stream
        .bind(&Arc::new(RowShape::flat(["id", "NOME"])))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("\"costo\" (needed by product.cost)"),
        "{missing}"
    );
    assert!(
        !missing.contains("nombre") && !missing.contains("marca"),
        "{missing}"
    );
    assert!(
        stream
            .bind(&Arc::new(RowShape::flat(["id", "NOME", "Costo"])))
            .is_ok()
    );
}

#[test]
fn a_mapping_reads_the_same_from_toml_and_json() {
    for name in packs::names() {
        let pack = Mapping::from_toml(packs::text(name).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            Mapping::from_json(&serde_json::to_string(&pack).unwrap()).unwrap(),
            pack,
            "{name}"
        );
    }
}

#[test]
fn the_schema_in_the_repository_is_fresh() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mapping.schema.json");
    let fresh = serde_json::to_string_pretty(&crate::schema()).unwrap() + "\n";
    if std::env::var_os("FLUXION_WRITE_FIXTURES").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    // Compared by meaning: whether keys keep their order depends on what else is built beside this crate.
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap_or_default();
    assert!(
        kept == crate::schema(),
        "run the tests once with FLUXION_WRITE_FIXTURES=1 and commit mapping.schema.json"
    );
}

#[test]
fn streams_and_connectors_must_fit() {
    let text =
        document("[[streams.records]]\nentity = 'location'\nfields = { id = 'id', name = 'id' }");
    for (from, to, hint) in [
        (
            "connector = \"files\"",
            "connector = \"mysql\"",
            "reads files",
        ),
        (
            "strategy = \"arrival\"",
            "strategy = \"watermark\", columns = ['x']",
            "arrival",
        ),
        ("key = [\"id\"]", "key = []", "needs a key"),
        ("version = 3", "version = 0", "version"),
    ] {
        let problem = problem(&text.replace(from, to));
        assert!(problem.contains(hint), "{to}: {problem}");
    }
    assert!(compile(&text).is_ok());
}

#[test]
fn the_examples_of_the_readme_are_true() {
    let readme = include_str!("../../README.md");
    let document = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let mapping = Mapping::from_toml(document).unwrap();
    let context = Context::new(
        &mapping,
        chrono_tz::UTC,
        "VES".parse().unwrap(),
        None,
        &Default::default(),
    )
    .unwrap();
    crate::Rules::compile(&mapping, &context).unwrap();
    let operations = readme
        .lines()
        .filter(|line| line.starts_with("| `") && line.matches('|').count() == 4);
    let mut seen = 0;
    for line in operations {
        let Some(example) = line
            .split('`')
            .nth(3)
            .filter(|example| example.contains('{'))
        else {
            continue;
        };
        let text = if example.starts_with('{') {
            format!("x = {example}")
        } else {
            example.to_owned()
        };
        let fields: Result<std::collections::BTreeMap<String, crate::field_document::Field>, _> =
            toml::from_str(&text);
        assert!(fields.is_ok(), "{example}: {fields:?}");
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} examples were found");
}
