//! Questions to the POS that tell whether a mapping reads it rightly.
//!
//! Some figures can be had in two ways, and a pack can only use one: stock from running totals, or from every movement
//! since the beginning. A check puts both beside each other, once, at setup. Nothing here asks the POS; the caller reads
//! the stream and brings the rows.

use std::collections::BTreeMap;

use fluxion_model::row::{Row, RowChange, RowShape};
use fluxion_model::stream::{Capture, Source, StreamSpec};
use fluxion_model::value::Value;
use rust_decimal::Decimal;

use crate::cell::Cell;
use crate::document::{Check, Mapping};
use crate::names::named_query;

/// How many differing rows are kept to be shown.
const EXAMPLES: usize = 5;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Rows that were compared.
    pub compared: u64,
    /// Rows whose two figures differ.
    pub differing: u64,
    /// The first of them: the key, and both figures.
    pub examples: Vec<(String, String, String)>,
}

impl Check {
    /// What to read for it, as any connector reads a stream.
    #[must_use]
    pub fn spec(&self, mapping: &Mapping, settings: &BTreeMap<String, Value>) -> StreamSpec {
        StreamSpec {
            name: self.name.clone(),
            source: Source::Query(named_query(mapping, &self.query, settings)),
            key: self.key.clone(),
            children: Vec::new(),
            capture: Capture::Diff,
            fallback: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Compares the two figures of each row, and adds what it finds.
    pub fn judge(&self, shape: &RowShape, changes: &[RowChange], verdict: &mut Verdict) {
        let columns = self.equal.each_ref().map(|name| shape.position(name));
        let tolerance = self.tolerance.map_or(Decimal::ZERO, |number| number.0);
        for change in changes {
            let RowChange::Upsert { key, row } = change else {
                continue;
            };
            verdict.compared += 1;
            let [one, other] = columns.map(|column| figure(row, column));
            let agree = match (one, other) {
                (Some(one), Some(other)) => one
                    .checked_sub(other)
                    .is_some_and(|difference| difference.abs() <= tolerance),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if agree {
                continue;
            }
            verdict.differing += 1;
            if verdict.examples.len() < EXAMPLES {
                let shown = |figure: Option<Decimal>| {
                    figure.map_or_else(|| "-".to_owned(), |figure| figure.normalize().to_string())
                };
                verdict
                    .examples
                    .push((key.to_string(), shown(one), shown(other)));
            }
        }
    }
}

fn figure(row: &Row, column: Option<usize>) -> Option<Decimal> {
    match Cell::read(row.values.get(column?)?, true, None) {
        Ok(Cell::Number(number)) => Some(number),
        Ok(cell) => cell.into_text().parse().ok(),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fluxion_model::row::RowKey;

    use super::*;
    use crate::{Context, packs};

    fn row(key: &str, one: Value, other: Value) -> RowChange {
        RowChange::Upsert {
            key: RowKey::join([key]),
            row: Row {
                values: vec![one, other],
                children: Vec::new(),
                position: None,
            },
        }
    }

    #[test]
    fn figures_agree_within_the_tolerance_and_floats_are_no_surprise() {
        let pack = packs::find("contpaq-comercial").unwrap();
        let check = &pack.checks[0];
        let shape = Arc::new(RowShape::flat(["calculada", "movida"]));
        let mut verdict = Verdict::default();
        let rows = [
            row("1", Value::Float(0.1 + 0.2), Value::Float(0.3)),
            row("2", Value::Float(-4.0), Value::Int(-4)),
            row("3", Value::Float(12.0), Value::Float(10.0)),
            row("4", Value::Null, Value::Null),
            row("5", Value::Int(1), Value::Null),
        ];
        check.judge(&shape, &rows, &mut verdict);
        assert_eq!((verdict.compared, verdict.differing), (5, 2));
        assert_eq!(
            verdict.examples[0],
            ("3".to_owned(), "12".to_owned(), "10".to_owned())
        );
    }

    #[test]
    fn a_check_is_read_like_a_stream() {
        let pack = packs::find("contpaq-comercial").unwrap();
        let context = Context::new(
            &pack,
            chrono_tz::UTC,
            "MXN".parse().unwrap(),
            None,
            &BTreeMap::new(),
        )
        .unwrap();
        let spec = pack.checks[0].spec(&pack, &context.settings);
        assert_eq!(spec.key, ["producto", "almacen"]);
        let Source::Query(query) = spec.source else {
            panic!("a check asks a database");
        };
        assert!(query.columns.contains_key("movida"));
    }
}
