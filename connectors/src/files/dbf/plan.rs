//! What is read from a table, and which of its records count: a table's description bound to its header.

use std::cmp::Ordering;
use std::sync::Arc;

use fluxion_model::row::RowKey;
use fluxion_model::stream::{TableSource, TableValue};
use fluxion_model::value::Value;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use xxhash_rust::xxh3::xxh3_128;

use super::super::content::Alphabet;
use super::cell::value;
use super::header::{Field, Kind, Layout};
use super::memo::Memo;
use super::trouble::Trouble;
use crate::connector::Settings;

/// A record that is there.
pub(super) const LIVE: u8 = b' ';
/// A record that the POS deleted; it stays until the table is packed.
pub(super) const DELETED: u8 = b'*';

/// How to read one table.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub name: Arc<str>,
    pub layout: Arc<Layout>,
    alphabet: Alphabet,
    pub columns: Vec<Field>,
    /// Places of the key within the columns.
    pub key: Vec<usize>,
    /// Places of what puts the rows of a parent in order.
    pub order: Vec<usize>,
    filter: Vec<Condition>,
    pub newest: Option<Field>,
}

#[derive(Debug, Clone)]
struct Condition {
    field: Field,
    one_of: Vec<Wanted>,
    none_of: Vec<Wanted>,
}

/// A value as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    Number(Decimal),
    Text(String),
}

impl Plan {
    /// Finds every field that is needed; those that are missing are all named.
    pub fn bind(
        name: &Arc<str>,
        layout: &Arc<Layout>,
        source: &TableSource,
        key: &[String],
        order: &[String],
        settings: &Settings,
    ) -> Result<Self, Trouble> {
        let mut missing: Vec<&str> = Vec::new();
        let find = |wanted: &str| -> Option<Field> { layout.field(wanted).cloned() };
        let wanted: Vec<&String> = source.columns.iter().chain(key).chain(order).collect();
        let mut columns: Vec<Field> = Vec::new();
        if source.columns.is_empty() {
            columns.clone_from(&layout.fields);
        }
        for column in wanted {
            match find(column) {
                Some(field) if columns.contains(&field) => {}
                Some(field) => columns.push(field),
                None => missing.push(column),
            }
        }
        for column in &source.optional {
            columns.extend(find(column).filter(|field| !columns.contains(field)));
        }
        let mut filter = Vec::new();
        for condition in &source.filter {
            match find(&condition.column) {
                Some(field) => filter.push(Condition {
                    field,
                    one_of: wanted_values(&condition.one_of, settings)?,
                    none_of: wanted_values(&condition.none_of, settings)?,
                }),
                None => missing.push(&condition.column),
            }
        }
        let newest = source.newest.as_ref().and_then(|column| {
            let field = find(column);
            if field.is_none() {
                missing.push(column);
            }
            field
        });
        if !missing.is_empty() {
            let known: Vec<&str> = layout.fields.iter().map(|field| &*field.name).collect();
            return Err(Trouble::NoColumn {
                table: name.to_string(),
                columns: missing.join(", "),
                known: known.join(", "),
            });
        }
        let place = |column: &String| {
            columns
                .iter()
                .position(|field| field.name.eq_ignore_ascii_case(column))
        };
        Ok(Self {
            name: Arc::clone(name),
            key: key.iter().filter_map(place).collect(),
            order: order.iter().filter_map(place).collect(),
            alphabet: layout
                .alphabet(source.encoding.as_deref())
                .map_err(|problem| Trouble::Mapping(format!("Table {name}: {problem}.")))?,
            layout: Arc::clone(layout),
            columns,
            filter,
            newest,
        })
    }

    /// Whether the memo file is needed.
    pub fn has_memos(&self) -> bool {
        self.columns
            .iter()
            .any(|field| matches!(field.kind, Kind::Memo | Kind::Blob))
    }

    pub fn value(&self, field: &Field, record: &[u8], memo: Option<&mut Memo>) -> Value {
        value(field, record, &self.layout, self.alphabet, memo)
    }

    /// Every column of a record.
    pub fn values(&self, record: &[u8], memo: &mut Option<Memo>) -> Vec<Value> {
        self.columns
            .iter()
            .map(|field| self.value(field, record, memo.as_mut()))
            .collect()
    }

    /// Whether a live record counts.
    pub fn fits(&self, record: &[u8]) -> bool {
        self.filter.iter().all(|condition| {
            let found = comparable(&self.value(&condition.field, record, None));
            let is_in = |list: &[Wanted]| list.iter().any(|wanted| same(&found, wanted));
            (condition.one_of.is_empty() || is_in(&condition.one_of)) && !is_in(&condition.none_of)
        })
    }

    /// The key of a record.
    pub fn key_of(&self, record: &[u8]) -> Result<RowKey, NoKey> {
        let mut parts = Vec::with_capacity(self.key.len());
        for at in &self.key {
            let field = &self.columns[*at];
            let value = self.value(field, record, None);
            if let Value::Undecodable(why) = &value {
                return Err(NoKey::Unreadable {
                    column: field.name.to_string(),
                    raw: String::from_utf8_lossy(&why.raw).into_owned(),
                    reason: why.reason.clone(),
                });
            }
            let text = value.to_string();
            if text.trim().is_empty() {
                return Err(NoKey::Empty {
                    column: field.name.to_string(),
                });
            }
            parts.push(text);
        }
        Ok(RowKey::join(parts.iter().map(|part| part.trim())))
    }

    /// What puts rows of one key in order of age.
    pub fn age(&self, record: &[u8]) -> i64 {
        let age = self
            .newest
            .as_ref()
            .map(|field| comparable(&self.value(field, record, None)));
        age.map_or(0, |age| age.rank())
    }
}

/// Why a record has no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoKey {
    Empty {
        column: String,
    },
    /// It may be a row that is known, so nobody can say what is gone.
    Unreadable {
        column: String,
        raw: String,
        reason: String,
    },
}

/// A key, short enough to hold millions of.
pub(super) fn hash(key: &RowKey) -> u128 {
    xxh3_128(key.as_str().as_bytes())
}

fn wanted_values(values: &[TableValue], settings: &Settings) -> Result<Vec<Wanted>, Trouble> {
    values
        .iter()
        .map(|value| match value {
            TableValue::Number(number) => Ok(Wanted::Number((*number).into())),
            TableValue::Text(text) => {
                let name = text
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'));
                let value = match name {
                    None => return Ok(from_text(text)),
                    Some(name) => settings.get(name).ok_or_else(|| {
                        Trouble::Mapping(format!(
                            "`where` uses the setting {name:?}, which the mapping does not declare: add [settings.{name}]."
                        ))
                    })?,
                };
                Ok(match value {
                    Value::Text(text) => from_text(text),
                    other => comparable(other),
                })
            }
        })
        .collect()
}

fn from_text(text: &str) -> Wanted {
    Decimal::from_str_exact(text.trim()).map_or_else(|_| Wanted::Text(fold(text)), Wanted::Number)
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

pub(super) fn comparable(value: &Value) -> Wanted {
    match value {
        Value::Int(number) => Wanted::Number((*number).into()),
        Value::Decimal(number) => Wanted::Number(*number),
        Value::Float(number) => Decimal::try_from(*number)
            .map_or_else(|_| Wanted::Text(number.to_string()), Wanted::Number),
        Value::Text(text) => Wanted::Text(fold(text)),
        other => Wanted::Text(fold(&other.to_string())),
    }
}

/// `007` in a text field is the number 7 of a mapping, too.
fn same(found: &Wanted, wanted: &Wanted) -> bool {
    match (found, wanted) {
        (Wanted::Text(text), Wanted::Number(number)) => {
            Decimal::from_str_exact(text).is_ok_and(|found| found == *number)
        }
        _ => found == wanted,
    }
}

impl Wanted {
    /// A number that is greater where this is: exact for what counts years, periods and numbers.
    fn rank(&self) -> i64 {
        match self {
            Self::Number(number) => number
                .checked_mul(Decimal::ONE_HUNDRED)
                .and_then(|number| number.trunc().to_i64())
                .unwrap_or(i64::MAX),
            Self::Text(text) => {
                let mut first = [0; 8];
                for (to, from) in first.iter_mut().zip(text.bytes()) {
                    *to = from;
                }
                i64::from_be_bytes(first)
            }
        }
    }

    /// Numbers by value, texts by letter; nothing is oldest.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Text(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Text(_)) => Ordering::Greater,
        }
    }
}
