//! Key values: kept in cursors, compared by the server.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use fluxion_model::row::RowKey;
use fluxion_model::value::Value;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decode::{Plan, to_param};
use super::sql::{Fragment, Statement};

/// One part of a key, typed as its column is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum KeyPart {
    #[serde(rename = "null")]
    Null,
    #[serde(rename = "i")]
    Int(i64),
    #[serde(rename = "n")]
    Decimal(Decimal),
    #[serde(rename = "f")]
    Float(f64),
    #[serde(rename = "t")]
    Text(Box<str>),
    #[serde(rename = "x")]
    Bytes(Box<[u8]>),
    #[serde(rename = "d")]
    Date(NaiveDate),
    #[serde(rename = "h")]
    Time(NaiveTime),
    #[serde(rename = "dt")]
    DateTime(NaiveDateTime),
    #[serde(rename = "ts")]
    Timestamp(DateTime<Utc>),
}

/// A column of the key, as the server compares it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyColumn<'a> {
    pub sql: &'a Fragment,
    /// `charset`, `collation` of a text column.
    pub collation: Option<&'a (String, String)>,
}

impl KeyPart {
    /// None for what cannot be compared.
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Int(*number),
            Value::Decimal(number) => Self::Decimal(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Value::Date(date) => Self::Date(*date),
            Value::Time(time) => Self::Time(*time),
            Value::DateTime(moment) => Self::DateTime(*moment),
            Value::Timestamp(moment) => Self::Timestamp(*moment),
            Value::Bool(value) => Self::Int((*value).into()),
            Value::Undecodable(_) => return None,
        })
    }

    /// From the text of a row key, back to what its column holds. None when it can be no value of that column.
    pub fn parse(text: &str, plan: Plan) -> Option<Self> {
        Some(match plan {
            Plan::Number | Plan::Bits => match text.parse() {
                Ok(number) => Self::Int(number),
                Err(_) => match Decimal::from_str_exact(text) {
                    Ok(number) => Self::Decimal(number),
                    Err(_) => Self::Float(text.parse().ok()?),
                },
            },
            Plan::Decimal => Self::Decimal(Decimal::from_str_exact(text).ok()?),
            Plan::Text => Self::Text(text.into()),
            Plan::Bytes => Self::Bytes(from_hex(text.strip_prefix("0x")?)?),
            Plan::Date => Self::Date(text.parse().ok()?),
            Plan::DateTime => Self::DateTime(text.parse().ok()?),
            Plan::Timestamp => Self::Timestamp(text.parse().ok()?),
            Plan::Time => match text.parse() {
                Ok(time) => Self::Time(time),
                Err(_) => Self::Text(text.into()),
            },
        })
    }

    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Decimal(number) => Value::Decimal(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Self::Date(date) => Value::Date(*date),
            Self::Time(time) => Value::Time(*time),
            Self::DateTime(moment) => Value::DateTime(*moment),
            Self::Timestamp(moment) => Value::Timestamp(*moment),
        }
    }

    /// Adds the value as a parameter, in the type and collation of its column, so that an index serves.
    pub fn bind(&self, statement: &mut Statement, collation: Option<&(String, String)>) {
        match (self, collation) {
            (Self::Decimal(_), _) => statement.push("CAST(? AS DECIMAL(65,30))"),
            (Self::Bytes(bytes), _) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                statement.push("UNHEX(?)").bind(hex.into());
                return;
            }
            (Self::Text(_), Some((charset, collation))) => {
                statement.push(&format!("CONVERT(? USING {charset}) COLLATE {collation}"))
            }
            _ => statement.push("?"),
        };
        statement.bind(to_param(&self.value()));
    }
}

/// What lies beyond a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    After,
    AtOrAfter,
    AtOrBefore,
}

impl Side {
    /// The comparison for the last part, and for those before it.
    fn operators(self) -> (&'static str, &'static str) {
        match self {
            Self::After => (" > ", " > "),
            Self::AtOrAfter => (" >= ", " > "),
            Self::AtOrBefore => (" <= ", " < "),
        }
    }
}

/// The rows on one side of a key, spelt out part by part, because row constructors use no index before MySQL 5.7.
pub(super) fn beyond(
    statement: &mut Statement,
    columns: &[KeyColumn<'_>],
    parts: &[KeyPart],
    side: Side,
) {
    let (last, strict) = side.operators();
    let [(column, part), rest @ ..] = &columns.iter().zip(parts).collect::<Vec<_>>()[..] else {
        return;
    };
    if rest.is_empty() {
        compare(statement, column, last, part);
        return;
    }
    // Implied by the rest, but it lets the simplest optimiser start in the right place.
    compare(
        statement,
        column,
        if side == Side::AtOrBefore {
            " <= "
        } else {
            " >= "
        },
        part,
    );
    statement.push(" AND (");
    compare(statement, column, strict, part);
    statement.push(" OR (");
    compare(statement, column, " = ", part);
    statement.push(" AND ");
    beyond(statement, &columns[1..], &parts[1..], side);
    statement.push("))");
}

/// NULL sorts before everything.
fn compare(statement: &mut Statement, column: &KeyColumn<'_>, operator: &str, part: &KeyPart) {
    if *part != KeyPart::Null {
        statement.fragment(column.sql).push(operator);
        part.bind(statement, column.collation);
        return;
    }
    match operator {
        " = " | " <= " => statement.fragment(column.sql).push(" IS NULL"),
        " > " => statement.fragment(column.sql).push(" IS NOT NULL"),
        " < " => statement.push("0"),
        _ => statement.push("1"),
    };
}

/// The row's key, or which of its columns has no usable value.
pub(super) fn key_of(values: &[Value], key: &[usize], text: &mut String) -> Result<RowKey, usize> {
    use std::fmt::Write as _;
    text.clear();
    for (i, at) in key.iter().enumerate() {
        if i > 0 {
            text.push('|');
        }
        match &values[*at] {
            Value::Null | Value::Undecodable(_) => return Err(*at),
            Value::Text(part) if part.contains(['|', '\\']) => {
                text.push_str(&RowKey::join([part]).0);
            }
            Value::Text(part) => text.push_str(part),
            // No other value has a bar or a backslash, and writing to a String cannot fail.
            value => write!(text, "{value}").unwrap_or_default(),
        }
    }
    Ok(RowKey(text.as_str().into()))
}

/// A row's key, for a cursor.
pub(super) fn key_parts(values: &[Value], key: &[usize]) -> Option<Vec<KeyPart>> {
    key.iter().map(|at| KeyPart::of(&values[*at])).collect()
}

fn from_hex(text: &str) -> Option<Box<[u8]>> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_composite_key_is_compared_part_by_part() {
        let settings = BTreeMap::new();
        let [a, b] = ["t.a", "t.b"].map(|sql| Fragment::compile(sql, &settings, "s").unwrap());
        let columns = [&a, &b].map(|sql| KeyColumn {
            sql,
            collation: None,
        });
        let mut statement = Statement::default();
        beyond(
            &mut statement,
            &columns,
            &[KeyPart::Int(1), KeyPart::Null],
            Side::After,
        );
        assert_eq!(
            statement.text,
            "t.a >= ? AND (t.a > ? OR (t.a = ? AND t.b IS NOT NULL))"
        );
        assert_eq!(statement.params.len(), 3);
    }

    #[test]
    fn every_key_survives_its_cursor_and_its_text() {
        let parts = [
            (KeyPart::Int(-5), Plan::Number),
            (
                KeyPart::Decimal("18446744073709551615".parse().unwrap()),
                Plan::Number,
            ),
            (KeyPart::Text("ñ|\\ ".into()), Plan::Text),
            (KeyPart::Bytes([0, 255].into()), Plan::Bytes),
            (
                KeyPart::DateTime("2026-01-02T03:04:05.000006".parse().unwrap()),
                Plan::DateTime,
            ),
            (
                KeyPart::Timestamp("2026-01-02T03:04:05Z".parse().unwrap()),
                Plan::Timestamp,
            ),
        ];
        for (part, plan) in parts {
            let json = serde_json::to_string(&part).unwrap();
            assert_eq!(serde_json::from_str::<KeyPart>(&json).unwrap(), part);
            assert_eq!(KeyPart::parse(&part.value().to_string(), plan), Some(part));
        }
    }
}
