//! JSON as rows: where they are, and their values, exact. A number never passes through binary floating point.
//!
//! What an API answers and what a POS calls out are read by the same rules, at the store and in the cloud.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::row::{Row, RowKey, RowShape};
use crate::stream::{ChildSpec, JsonRows};
use crate::value::{Undecodable, Value};

/// Deeper JSON than this is nobody's product.
pub const MAX_DEPTH: usize = 24;
/// How much of a value that means nothing is shown.
const SHOWN_BYTES: usize = 200;

/// The value at a pointer (RFC 6901); a name without a slash is a member of the object itself.
#[must_use]
pub fn at<'a>(raw: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    let mut here = raw;
    for part in parts(pointer) {
        here = match here.get().as_bytes().first()? {
            b'{' => *serde_json::from_str::<BTreeMap<String, &RawValue>>(here.get())
                .ok()?
                .get(&part)?,
            b'[' => serde_json::from_str::<Vec<&RawValue>>(here.get())
                .ok()?
                .get(part.parse::<usize>().ok()?)
                .copied()?,
            _ => return None,
        };
    }
    Some(here)
}

/// The text or number at a pointer, as text; nothing for null, `false` and what is empty.
#[must_use]
pub fn text_at(raw: &RawValue, pointer: &str) -> Option<String> {
    let found = at(raw, pointer)?.get();
    match found.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(found)
            .ok()
            .filter(|text| !text.is_empty()),
        b'-' | b'0'..=b'9' => Some(found.to_owned()),
        _ => None,
    }
}

fn parts(pointer: &str) -> Vec<String> {
    match pointer.strip_prefix('/') {
        None if pointer.is_empty() => Vec::new(),
        None => vec![pointer.to_owned()],
        Some(rest) => rest
            .split('/')
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect(),
    }
}

/// A value taken apart once, so that many pointers cost one reading.
enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(String),
    List(Vec<Node<'a>>, &'a str),
    Object(BTreeMap<String, Node<'a>>, &'a str),
}

impl<'a> Node<'a> {
    fn read(raw: &'a RawValue, depth: usize) -> Result<Self, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        let text = raw.get();
        let wrong = |error: serde_json::Error| error.to_string();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> =
                    serde_json::from_str(text).map_err(wrong)?;
                let members = members
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::read(value, depth + 1)?)))
                    .collect::<Result<_, String>>()?;
                Self::Object(members, text)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
                let items = items
                    .into_iter()
                    .map(|item| Self::read(item, depth + 1))
                    .collect::<Result<_, String>>()?;
                Self::List(items, text)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text).map_err(wrong)?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(text),
        })
    }

    fn at(&self, pointer: &[String]) -> Option<&Self> {
        let mut here = self;
        for part in pointer {
            here = match here {
                Self::Object(members, _) => members.get(part)?,
                Self::List(items, _) => items.get(part.parse::<usize>().ok()?)?,
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => return None,
            };
        }
        Some(here)
    }

    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Text(text) => Value::text(text.as_str()),
            Self::Number(text) => number(text),
            Self::List(_, text) => {
                undecodable(text, "a list stands where a single value should be")
            }
            Self::Object(_, text) => {
                undecodable(text, "an object stands where a single value should be")
            }
        }
    }
}

fn undecodable(text: &str, reason: &str) -> Value {
    let shown = text.as_bytes();
    Value::Undecodable(Box::new(Undecodable {
        raw: shown[..shown.len().min(SHOWN_BYTES)].into(),
        reason: reason.to_owned(),
    }))
}

/// A number of JSON, exact or not at all.
fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return Value::Int(whole);
    }
    match exact(text) {
        Some(number) => Value::Decimal(number),
        None => undecodable(text, "the number has more digits than are kept"),
    }
}

fn exact(text: &str) -> Option<Decimal> {
    let Some((digits, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let exponent: i32 = exponent.parse().ok()?;
    let mut number = Decimal::from_str_exact(digits).ok()?.normalize();
    let scale = i32::try_from(number.scale()).ok()? - exponent;
    if scale >= 0 {
        number.set_scale(u32::try_from(scale).ok()?).ok()?;
        return Some(number);
    }
    number.set_scale(0).ok()?;
    let zeros = u32::try_from(-scale).ok().filter(|zeros| *zeros <= 28)?;
    number.checked_mul(Decimal::from_i128_with_scale(
        10_i128.checked_pow(zeros)?,
        0,
    ))
}

/// Columns with their pointers taken apart.
type Pointers = Vec<Vec<String>>;

/// How items become rows.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The columns of every row it makes.
    pub shape: Arc<RowShape>,
    columns: Pointers,
    children: Vec<(Vec<String>, Pointers)>,
    key: Vec<usize>,
}

impl Layout {
    /// A layout from columns and the pointers where they stand.
    ///
    /// # Errors
    /// Names the key column that is none of the columns.
    pub fn new(
        columns: &BTreeMap<String, String>,
        children: &[ChildSpec],
        key: &[String],
    ) -> Result<Self, String> {
        let pointers = |columns: &BTreeMap<String, String>| -> Pointers {
            columns.values().map(|pointer| parts(pointer)).collect()
        };
        let mut shape = RowShape::flat(columns.keys().map(String::as_str));
        let mut groups = Vec::new();
        for child in children {
            let JsonRows { items, columns } = child.json.clone().unwrap_or_default();
            let inner = RowShape::flat(columns.keys().map(String::as_str));
            shape.children.push((child.name.as_str().into(), inner));
            groups.push((parts(&items), pointers(&columns)));
        }
        let key = key
            .iter()
            .map(|name| shape.position(name).ok_or_else(|| name.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            shape: shape.into(),
            columns: pointers(columns),
            children: groups,
            key,
        })
    }

    /// One item as a row with its key. `position` is where a person finds it, from 1.
    ///
    /// # Errors
    /// Says why it is no row: `its key code is empty or no single value`.
    pub fn row(&self, item: &RawValue, position: Option<u64>) -> Result<(RowKey, Row), String> {
        let node = Node::read(item, 0)?;
        if !matches!(node, Node::Object(..) | Node::List(..)) {
            return Err("it is neither an object nor a list".to_owned());
        }
        let values = cells(&node, &self.columns);
        let mut children = Vec::with_capacity(self.children.len());
        for (items, columns) in &self.children {
            children.push(match node.at(items) {
                Some(Node::List(items, _)) => items
                    .iter()
                    .map(|item| Row {
                        values: cells(item, columns),
                        ..Row::default()
                    })
                    .collect(),
                // A document whose lines are not there must not pass for one without lines.
                Some(Node::Null) | None => {
                    return Err(format!("it has no list at /{}", items.join("/")));
                }
                Some(_) => return Err(format!("there is no list at /{}", items.join("/"))),
            });
        }
        let mut key = Vec::with_capacity(self.key.len());
        for at in &self.key {
            match &values[*at] {
                Value::Null | Value::Undecodable(_) => {
                    return Err(format!(
                        "its key {} is empty or no single value",
                        self.shape.columns[*at]
                    ));
                }
                value => key.push(value.to_string()),
            }
        }
        let row = Row {
            values,
            children,
            position,
        };
        Ok((RowKey::join(key), row))
    }
}

fn cells(node: &Node<'_>, columns: &Pointers) -> Vec<Value> {
    columns
        .iter()
        .map(|pointer| node.at(pointer).map_or(Value::Null, Node::value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_say_that_they_are_not() {
        for (text, expected) in [
            ("0.1", "0.1"),
            ("1234567890123456.789", "1234567890123456.789"),
            ("1.50", "1.50"),
            ("1.5e3", "1500"),
            ("15E-2", "0.15"),
            ("-7", "-7"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(number(text).to_string(), expected, "{text}");
        }
        for text in ["0.12345678901234567890123456789012345", "1e99", "1e-99"] {
            assert!(matches!(number(text), Value::Undecodable(_)), "{text}");
        }
    }

    #[test]
    fn a_pointer_finds_members_with_slashes_and_places_in_lists() {
        let raw: Box<RawValue> =
            serde_json::from_str(r#"{"a/b": [{"x": "found"}], "plain": 7, "none": null}"#).unwrap();
        assert_eq!(text_at(&raw, "/a~1b/0/x").as_deref(), Some("found"));
        assert_eq!(text_at(&raw, "plain").as_deref(), Some("7"));
        assert_eq!(text_at(&raw, "none"), None);
        assert_eq!(text_at(&raw, "/a~1b/9/x"), None);
    }
}
