//! What mappings promise, told by whole documents and rows.

mod document;
mod operations;
mod packs;
mod recognise;
mod rejects;
mod rules;
mod speed;
mod whatever;

use std::collections::BTreeMap;
use std::sync::Arc;

use fluxion_model::row::{Row, RowKey, RowShape};
use fluxion_model::value::Value;

use crate::{Bound, Context, Country, Mapped, Mapping, MappingError, Rules};

/// A mapping of one file stream with these records.
fn document(records: &str) -> String {
    format!(
        r#"
name = "test"
version = 3
system = "custom"
connector = "files"

[settings.mark]
default = ","

[[streams]]
name = "rows"
key = ["id"]
capture = {{ strategy = "arrival" }}
source.files = {{ pattern = "*.csv" }}
secret = ["pin"]
children = [{{ name = "lines", columns = ["code", "qty", "price"] }}]
{records}
"#
    )
}

/// A product with an id and these fields.
fn product(fields: &str) -> String {
    document(&format!(
        "[[streams.records]]\nentity = \"product\"\n[streams.records.fields]\nid = \"id\"\n{fields}"
    ))
}

fn context(country: Option<Country>) -> Context {
    Context {
        time_zone: chrono_tz::America::Caracas,
        currency: "VES".parse().unwrap(),
        country,
        settings: BTreeMap::new(),
    }
}

fn compile(text: &str) -> Result<Rules, MappingError> {
    Rules::compile(&Mapping::from_toml(text)?, &context(None))
}

fn bind(rules: &Rules, shape: RowShape) -> Bound {
    rules
        .streams()
        .next()
        .unwrap()
        .bind(&Arc::new(shape))
        .unwrap()
}

/// What a row without children becomes.
fn map(text: &str, country: Option<Country>, columns: &[(&str, Value)]) -> Mapped {
    let rules = Rules::compile(&Mapping::from_toml(text).unwrap(), &context(country)).unwrap();
    let mut shape = RowShape::flat(columns.iter().map(|(name, _)| *name));
    shape
        .children
        .push(("lines".into(), RowShape::flat(["code", "qty", "price"])));
    let values = columns.iter().map(|(_, value)| value.clone()).collect();
    let row = Row {
        values,
        children: vec![Vec::new()],
        position: Some(7),
    };
    bind(&rules, shape).map(&RowKey("k".into()), &row)
}
