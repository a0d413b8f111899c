//! Key values: kept in cursors, compared by the server.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use fluxion_model::row::RowKey;
use fluxion_model::value::Value;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::session::{Cast, Nulls};
use super::statement::{Fragment, Statement};

/// What a column holds, as far as keys need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Integers, and floats.
    Number,
    Decimal,
    Bool,
    /// Text of which different ones may be one to the server: case, accents, trailing spaces.
    Text,
    /// Text that is equal to itself only.
    ExactText,
    Bytes,
    Date,
    DateTime,
    Timestamp,
    Time,
}

/// One part of a key, typed as its column is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum KeyPart {
    #[serde(rename = "null")]
    Null,
    #[serde(rename = "b")]
    Bool(bool),
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
    /// What is written around a value bound for it.
    pub cast: Option<&'a Cast>,
    /// Where its NULLs stand; none when it has none.
    pub nulls: Option<Nulls>,
}

impl KeyPart {
    /// None for what cannot be compared.
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(number) => Self::Int(*number),
            Value::Decimal(number) => Self::Decimal(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Text(text) => Self::Text(text.clone()),
            Value::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Value::Date(date) => Self::Date(*date),
            Value::Time(time) => Self::Time(*time),
            Value::DateTime(moment) => Self::DateTime(*moment),
            Value::Timestamp(moment) => Self::Timestamp(*moment),
            Value::Undecodable(_) => return None,
        })
    }

    /// From the text of a row key, back to what its column holds. None when it can be no value of that column. Moments
    /// may also be written as databases write them.
    pub fn parse(text: &str, kind: KeyKind) -> Option<Self> {
        Some(match kind {
            KeyKind::Number => match text.parse() {
                Ok(number) => Self::Int(number),
                Err(_) => match Decimal::from_str_exact(text) {
                    Ok(number) => Self::Decimal(number),
                    Err(_) => Self::Float(text.parse().ok()?),
                },
            },
            KeyKind::Decimal => Self::Decimal(Decimal::from_str_exact(text).ok()?),
            KeyKind::Bool => Self::Bool(match text {
                "true" | "t" | "1" => true,
                "false" | "f" | "0" => false,
                _ => return None,
            }),
            KeyKind::Text | KeyKind::ExactText => Self::Text(text.into()),
            KeyKind::Bytes => {
                let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("\\x"));
                Self::Bytes(from_hex(digits?)?)
            }
            KeyKind::Date => Self::Date(text.get(..10)?.parse().ok()?),
            KeyKind::DateTime => Self::DateTime(text.replacen(' ', "T", 1).parse().ok()?),
            KeyKind::Timestamp => match text.parse() {
                Ok(moment) => Self::Timestamp(moment),
                Err(_) => {
                    let moment: NaiveDateTime = text.replacen(' ', "T", 1).parse().ok()?;
                    Self::Timestamp(moment.and_utc())
                }
            },
            KeyKind::Time => match text.parse() {
                Ok(time) => Self::Time(time),
                Err(_) => Self::Text(text.into()),
            },
        })
    }

    pub fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
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
    pub fn bind(&self, statement: &mut Statement, cast: Option<&Cast>) {
        statement.push(cast.map_or("", |cast| &cast.before));
        statement.bind(self.value());
        statement.push(cast.map_or("", |cast| &cast.after));
    }

    /// An order of our own, for sources that have none; NULL comes first, and kinds do not mix within a column, except
    /// that an integer column may overflow into decimals.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Int(a), Self::Decimal(b)) => Decimal::from(*a).cmp(b),
            (Self::Decimal(a), Self::Int(b)) => a.cmp(&Decimal::from(*b)),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::DateTime(a), Self::DateTime(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Decimal(_) => 2,
            Self::Float(_) => 3,
            Self::Date(_) => 4,
            Self::DateTime(_) => 5,
            Self::Timestamp(_) => 6,
            Self::Time(_) => 7,
            Self::Text(_) => 8,
            Self::Bytes(_) => 9,
        }
    }
}

/// Compares whole keys in an order of our own.
pub(super) fn order(a: &[KeyPart], b: &[KeyPart]) -> Ordering {
    let parts = a.iter().zip(b).map(|(a, b)| a.order(b));
    parts.fold(Ordering::Equal, Ordering::then)
}

/// What lies beyond a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    After,
    AtOrAfter,
    AtOrBefore,
    Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Operator {
    fn sign(self) -> &'static str {
        match self {
            Self::Less => " < ",
            Self::AtMost => " <= ",
            Self::Equal => " = ",
            Self::AtLeast => " >= ",
            Self::More => " > ",
        }
    }
}

impl Side {
    /// The comparison for the last part, for those before it, and one that they all imply.
    fn operators(self) -> (Operator, Operator, Operator) {
        match self {
            Self::After => (Operator::More, Operator::More, Operator::AtLeast),
            Self::AtOrAfter => (Operator::AtLeast, Operator::More, Operator::AtLeast),
            Self::AtOrBefore => (Operator::AtMost, Operator::Less, Operator::AtMost),
            Self::Before => (Operator::Less, Operator::Less, Operator::AtMost),
        }
    }
}

/// The rows on one side of a key, spelt out part by part, because row constructors use no index before MySQL 5.7 and do
/// not exist in SQL Server.
pub(super) fn beyond(
    statement: &mut Statement,
    columns: &[KeyColumn<'_>],
    parts: &[KeyPart],
    side: Side,
) {
    let (last, strict, implied) = side.operators();
    let [(column, part), rest @ ..] = &columns.iter().zip(parts).collect::<Vec<_>>()[..] else {
        return;
    };
    if rest.is_empty() {
        compare(statement, column, last, part);
        return;
    }
    // Implied by the rest, but it lets the simplest optimiser start in the right place.
    compare(statement, column, implied, part);
    statement.push(" AND (");
    compare(statement, column, strict, part);
    statement.push(" OR (");
    compare(statement, column, Operator::Equal, part);
    statement.push(" AND ");
    beyond(statement, &columns[1..], &parts[1..], side);
    statement.push("))");
}

fn compare(statement: &mut Statement, column: &KeyColumn<'_>, operator: Operator, part: &KeyPart) {
    if *part == KeyPart::Null {
        return compare_null(statement, column, operator);
    }
    let above = matches!(operator, Operator::More | Operator::AtLeast);
    let nulls_too = above && column.nulls == Some(Nulls::Last);
    statement.push(if nulls_too { "(" } else { "" });
    statement.fragment(column.sql).push(operator.sign());
    part.bind(statement, column.cast);
    if nulls_too {
        statement
            .push(" OR ")
            .fragment(column.sql)
            .push(" IS NULL)");
    }
}

fn compare_null(statement: &mut Statement, column: &KeyColumn<'_>, operator: Operator) {
    let everything_else = match column.nulls {
        Some(Nulls::Last) => Operator::Less,
        Some(Nulls::First) | None => Operator::More,
    };
    let all = match column.nulls {
        Some(Nulls::Last) => Operator::AtMost,
        Some(Nulls::First) | None => Operator::AtLeast,
    };
    if operator == everything_else {
        statement.fragment(column.sql).push(" IS NOT NULL");
    } else if operator == all {
        statement.push("1 = 1");
    } else if matches!(operator, Operator::Less | Operator::More) {
        statement.push("1 = 0");
    } else {
        statement.fragment(column.sql).push(" IS NULL");
    }
}

/// The row's key, or which of its columns has no usable value.
pub(crate) fn key_of(values: &[Value], key: &[usize], text: &mut String) -> Result<RowKey, usize> {
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
    use super::super::session::tests::Plain;
    use super::*;
    use crate::connector::ConnectorKind;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn condition(nulls: Option<Nulls>, parts: &[KeyPart]) -> (String, usize) {
        let dialect: Arc<dyn super::super::session::Dialect> = Arc::new(Plain);
        let settings = BTreeMap::new();
        let about = (ConnectorKind::Mysql, dialect.as_ref());
        let [a, b] =
            ["t.a", "t.b"].map(|sql| Fragment::compile(sql, &settings, "s", about).unwrap());
        let columns = [&a, &b].map(|sql| KeyColumn {
            sql,
            cast: None,
            nulls,
        });
        let mut statement = Statement::new(&dialect);
        beyond(&mut statement, &columns, parts, Side::After);
        (statement.text, statement.params.len())
    }

    #[test]
    fn a_composite_key_is_compared_part_by_part() {
        assert_eq!(
            condition(Some(Nulls::First), &[KeyPart::Int(1), KeyPart::Null]),
            (
                "t.a >= ? AND (t.a > ? OR (t.a = ? AND t.b IS NOT NULL))".to_owned(),
                3
            )
        );
    }

    #[test]
    fn rows_without_a_key_are_met_where_the_server_puts_them() {
        assert_eq!(
            condition(Some(Nulls::Last), &[KeyPart::Int(1), KeyPart::Null]).0,
            "(t.a >= ? OR t.a IS NULL) AND ((t.a > ? OR t.a IS NULL) OR (t.a = ? AND 1 = 0))"
        );
        assert_eq!(
            condition(None, &[KeyPart::Int(1), KeyPart::Int(2)]).0,
            "t.a >= ? AND (t.a > ? OR (t.a = ? AND t.b > ?))"
        );
    }

    #[test]
    fn every_key_survives_its_cursor_and_its_text() {
        let parts = [
            (KeyPart::Int(-5), KeyKind::Number),
            (KeyPart::Bool(true), KeyKind::Bool),
            (
                KeyPart::Decimal("18446744073709551615".parse().unwrap()),
                KeyKind::Number,
            ),
            (KeyPart::Text("ñ|\\ ".into()), KeyKind::Text),
            (KeyPart::Bytes([0, 255].into()), KeyKind::Bytes),
            (
                KeyPart::DateTime("2026-01-02T03:04:05.000006".parse().unwrap()),
                KeyKind::DateTime,
            ),
            (
                KeyPart::Timestamp("2026-01-02T03:04:05Z".parse().unwrap()),
                KeyKind::Timestamp,
            ),
        ];
        for (part, kind) in parts {
            let json = serde_json::to_string(&part).unwrap();
            assert_eq!(serde_json::from_str::<KeyPart>(&json).unwrap(), part);
            assert_eq!(KeyPart::parse(&part.value().to_string(), kind), Some(part));
        }
    }

    #[test]
    fn a_moment_may_be_written_as_databases_write_it() {
        let moment = KeyPart::DateTime("2026-01-02T03:04:05".parse().unwrap());
        assert_eq!(
            KeyPart::parse("2026-01-02 03:04:05", KeyKind::DateTime),
            Some(moment)
        );
    }
}
