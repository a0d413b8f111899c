//! From the driver's values to ours.
//!
//! The driver hands exact numbers over as floats and does not say which are which. So the server is asked, once per
//! column: an exact number divided by three keeps its decimals (`0.33`), a float does not. Within fifteen digits a float
//! then tells every digit of the number it was made from; beyond them the cell is not read at all.

use chrono::NaiveDateTime;
use encoding_rs::Encoding;
use fluxion_model::value::{Undecodable, Value};
use rsfbclient_core::{Column, SqlType};
use rsfbclient_rust::RawValue;
use rust_decimal::Decimal;

/// Floats hold every whole number up to here.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What a column of floats really holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Not asked yet.
    Unknown,
    /// True floats.
    Float,
    /// Exact numbers with so many decimals.
    Exact(u32),
}

/// A value as the driver has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    Null,
    Int(i64),
    Wide(i128),
    Float(f64),
    Bool(bool),
    Moment(NaiveDateTime),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

impl From<&RawValue> for Raw {
    fn from(value: &RawValue) -> Self {
        match value {
            RawValue::Null => Self::Null,
            RawValue::Integer(number) => Self::Int(*number),
            RawValue::Int128(number) => Self::Wide(*number),
            RawValue::Floating(number) => Self::Float(*number),
            RawValue::Boolean(value) => Self::Bool(*value),
            RawValue::Timestamp(moment) => Self::Moment(*moment),
            RawValue::Text(bytes) => Self::Text(bytes.to_vec()),
        }
    }
}

impl From<Column> for Raw {
    fn from(column: Column) -> Self {
        match column.value {
            SqlType::Null => Self::Null,
            SqlType::Integer(number) => Self::Int(number),
            SqlType::Int128(number) => Self::Wide(number),
            SqlType::Floating(number) => Self::Float(number),
            SqlType::Boolean(value) => Self::Bool(value),
            SqlType::Timestamp(moment) => Self::Moment(moment),
            SqlType::Text(text) => Self::Text(text.into_bytes()),
            SqlType::Binary(bytes) => Self::Bytes(bytes),
        }
    }
}

impl Raw {
    pub fn size(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }

    /// As ours. Spaces at the end of a text mean nothing to Firebird, and a CHAR is full of them.
    pub fn value(self, scale: Scale, encoding: &'static Encoding) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(number),
            Self::Wide(number) => match Decimal::try_from_i128_with_scale(number, 0) {
                Ok(number) => Value::Decimal(number),
                Err(_) => undecodable(number.to_string().as_bytes(), "has more than 28 digits"),
            },
            Self::Float(number) => float(number, scale),
            Self::Bool(value) => Value::Bool(value),
            Self::Moment(moment) => Value::DateTime(moment),
            Self::Bytes(bytes) => Value::Bytes(bytes.into()),
            Self::Text(bytes) => {
                let end = bytes.iter().rposition(|byte| *byte != b' ');
                text(&bytes[..end.map_or(0, |end| end + 1)], encoding)
            }
        }
    }
}

/// The connection speaks UTF-8; text without a character set comes as it is kept.
fn text(bytes: &[u8], encoding: &'static Encoding) -> Value {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Value::text(text);
    }
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Value::text(text.into_owned()),
        None => undecodable(
            bytes,
            "is not valid in the encoding of the connection; set `connection.encoding` to the POS's code page",
        ),
    }
}

fn float(number: f64, scale: Scale) -> Value {
    if !number.is_finite() {
        return undecodable(number.to_string().as_bytes(), "is no number");
    }
    let Scale::Exact(scale) = scale else {
        return Value::Float(number);
    };
    let units = number * 10_f64.powi(i32::try_from(scale).unwrap_or(0));
    if units.abs() >= EXACT {
        return undecodable(
            number.to_string().as_bytes(),
            "has more than 15 digits; write CAST(... AS VARCHAR(40)) in the mapping",
        );
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let units = units.round() as i64;
    Value::Decimal(Decimal::new(units, scale))
}

fn undecodable(raw: &[u8], reason: &str) -> Value {
    Value::Undecodable(Box::new(Undecodable {
        raw: raw[..raw.len().min(200)].into(),
        reason: reason.to_owned(),
    }))
}

/// What a third of one says: `0.33` is exact, `0.3333333333333333` is not. Without decimals there is no point.
pub(super) fn scale_of(third: &str) -> Scale {
    let third = third.trim();
    let decimals = third.split_once('.').map_or(0, |(_, d)| d.len());
    match u32::try_from(decimals) {
        // No exact number has more decimals than 18, and floats are shown with 15 or more threes.
        Ok(decimals) if decimals <= 14 => Scale::Exact(decimals),
        _ => Scale::Float,
    }
}

/// The expressions of a SELECT list, and what follows it; none when it is not one.
pub(super) fn select_list(sql: &str) -> Option<(Vec<&str>, &str)> {
    let rest = sql.strip_prefix("SELECT ")?;
    let rest = match rest.strip_prefix("FIRST ") {
        Some(limited) => limited.split_once(' ')?.1,
        None => rest,
    };
    let (mut depth, mut quote, mut begin) = (0_i32, None, 0);
    let mut list = Vec::new();
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                list.push(rest[begin..at].trim());
                begin = at + 1;
            }
            (None, ' ') if depth == 0 && rest[at..].starts_with(" FROM ") => {
                list.push(rest[begin..at].trim());
                return Some((list, &rest[at..]));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_number_is_told_from_a_float_by_a_third_of_it() {
        assert_eq!(scale_of("0.33"), Scale::Exact(2));
        assert_eq!(scale_of("0"), Scale::Exact(0));
        assert_eq!(scale_of("0.3333333333333333"), Scale::Float);
    }

    #[test]
    fn a_float_tells_every_digit_of_the_number_it_was_made_from_or_is_not_read() {
        let exact = |number| float(number, Scale::Exact(2)).to_string();
        assert_eq!(exact(12.5), "12.50");
        assert_eq!(exact(-0.07), "-0.07");
        assert_eq!(exact(1_234_567_890_123.45), "1234567890123.45");
        let huge = float(123_456_789_012_345_678.9, Scale::Exact(2));
        assert!(matches!(huge, Value::Undecodable(_)));
    }

    #[test]
    fn a_select_list_is_taken_apart() {
        let (list, rest) =
            select_list("SELECT FIRST 10 a, F(b, ' FROM '), (SELECT 1 FROM x) FROM t WHERE a > ?")
                .unwrap();
        assert_eq!(list, ["a", "F(b, ' FROM ')", "(SELECT 1 FROM x)"]);
        assert_eq!(rest, " FROM t WHERE a > ?");
    }

    #[test]
    fn text_without_a_character_set_is_decoded_by_the_settings() {
        let text = |bytes: &[u8]| {
            Raw::Text(bytes.to_vec()).value(Scale::Unknown, encoding_rs::WINDOWS_1252)
        };
        assert_eq!(text(b"Pe\xf1a   "), Value::text("Peña"));
        assert_eq!(text("Peña".as_bytes()), Value::text("Peña"));
        assert_eq!(text(b"   "), Value::text(""));
    }
}
