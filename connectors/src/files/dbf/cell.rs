//! From the bytes of a field to a value.

use chrono::{NaiveDate, NaiveTime};
use fluxion_model::value::{Undecodable, Value};
use rust_decimal::Decimal;

use super::super::content::Alphabet;
use super::header::{Field, Kind, Layout};
use super::memo::Memo;

/// Days from the first of January of the year 1 to the day that Julian counts begin with.
const JULIAN: i32 = 1_721_425;

/// What stands in a field of a record.
pub(super) fn value(
    field: &Field,
    record: &[u8],
    layout: &Layout,
    alphabet: Alphabet,
    memo: Option<&mut Memo>,
) -> Value {
    if field.null_bit.is_some_and(|bit| flag(layout, record, bit)) {
        return Value::Null;
    }
    let Some(bytes) = record.get(field.at..field.at + field.length) else {
        return undecodable(record, "the record is too short for it");
    };
    match field.kind {
        Kind::Character => text(bytes, alphabet),
        Kind::Numeric => number(bytes),
        Kind::Logical => logical(bytes[0]),
        Kind::Date => date(bytes),
        Kind::DateTime => moment(bytes),
        Kind::Integer => fixed(bytes).map_or(Value::Null, |b| {
            Value::Int(i64::from(i32::from_le_bytes(b)))
        }),
        Kind::Money => fixed(bytes).map_or(Value::Null, |b| {
            Value::Decimal(Decimal::new(i64::from_le_bytes(b), 4))
        }),
        Kind::Double => fixed(bytes).map_or(Value::Null, |b| double(bytes, f64::from_le_bytes(b))),
        Kind::Memo | Kind::Blob => from_memo(field, bytes, alphabet, memo),
        Kind::Varchar => match variable(field, record, bytes, layout) {
            Ok(bytes) => decoded(bytes, alphabet),
            Err(length) => too_long(bytes, length),
        },
        Kind::Varbinary => match variable(field, record, bytes, layout) {
            Ok(bytes) => Value::Bytes(bytes.into()),
            Err(length) => too_long(bytes, length),
        },
    }
}

fn flag(layout: &Layout, record: &[u8], bit: usize) -> bool {
    layout
        .null_flags
        .filter(|(_, length)| bit / 8 < *length)
        .and_then(|(at, _)| record.get(at + bit / 8))
        .is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn undecodable(raw: &[u8], reason: impl Into<String>) -> Value {
    Value::Undecodable(Box::new(Undecodable {
        raw: raw[..raw.len().min(200)].into(),
        reason: reason.into(),
    }))
}

/// The bytes that count of a text of variable length: all of them, or as many as its last byte says.
fn variable<'a>(
    field: &Field,
    record: &[u8],
    bytes: &'a [u8],
    layout: &Layout,
) -> Result<&'a [u8], usize> {
    let is_short = field
        .length_bit
        .is_some_and(|bit| flag(layout, record, bit));
    if !is_short {
        return Ok(bytes);
    }
    let length = bytes.last().map_or(0, |last| usize::from(*last));
    bytes
        .get(..length)
        .filter(|_| length < bytes.len())
        .ok_or(length)
}

fn too_long(bytes: &[u8], length: usize) -> Value {
    undecodable(
        bytes,
        format!("says that it holds {length} bytes, which is more than fits"),
    )
}

/// Fields are filled up with blanks; programs in C leave zeros.
fn text(bytes: &[u8], alphabet: Alphabet) -> Value {
    let end = bytes
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | 0))
        .map_or(0, |last| last + 1);
    decoded(&bytes[..end], alphabet)
}

fn decoded(bytes: &[u8], alphabet: Alphabet) -> Value {
    match alphabet.text(bytes) {
        Some(text) => Value::Text(text.into()),
        None => undecodable(
            bytes,
            "contains bytes that mean nothing in the table's code page",
        ),
    }
}

fn number(bytes: &[u8]) -> Value {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0 | b'\t');
    let Some(from) = bytes.iter().position(|byte| !is_blank(byte)) else {
        return Value::Null;
    };
    let to = bytes
        .iter()
        .rposition(|byte| !is_blank(byte))
        .unwrap_or(from);
    let digits = &bytes[from..=to];
    if digits.iter().all(|byte| *byte == b'*') {
        return undecodable(
            bytes,
            "holds asterisks, which FoxPro writes when a number does not fit into its field",
        );
    }
    let text = std::str::from_utf8(digits).unwrap_or("");
    if let Ok(whole) = text.parse::<i64>() {
        return Value::Int(whole);
    }
    let exact = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
    match exact {
        Ok(number) => Value::Decimal(number),
        // A lone point or sign is how some programs leave an empty number.
        Err(_) if matches!(text, "." | "-" | "-.") => Value::Null,
        Err(_) => undecodable(bytes, "is not a number"),
    }
}

fn logical(byte: u8) -> Value {
    match byte {
        b'T' | b't' | b'Y' | b'y' | b'S' | b's' | 1 => Value::Bool(true),
        b'F' | b'f' | b'N' | b'n' => Value::Bool(false),
        b' ' | b'?' | 0 => Value::Null,
        other => undecodable(&[other], "is neither true nor false"),
    }
}

fn date(bytes: &[u8]) -> Value {
    if bytes
        .iter()
        .all(|byte| matches!(byte, b' ' | 0 | b'0' | b'/'))
    {
        return Value::Null;
    }
    let part = |from: usize, to: usize| {
        std::str::from_utf8(&bytes[from..to])
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<u32>().ok())
    };
    let day = match (part(0, 4), part(4, 6), part(6, 8)) {
        (Some(year), Some(month), Some(day)) => i32::try_from(year)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year, month, day)),
        _ => None,
    };
    day.map_or_else(|| undecodable(bytes, "is not a date"), Value::Date)
}

fn moment(bytes: &[u8]) -> Value {
    let (Some(day), Some(milliseconds)) = (fixed(&bytes[..4]), fixed(&bytes[4..])) else {
        return Value::Null;
    };
    let day = i32::from_le_bytes(day);
    let milliseconds = i32::from_le_bytes(milliseconds);
    if day == 0 || bytes.iter().all(|byte| *byte == b' ') {
        return Value::Null;
    }
    // FoxPro computes them in floats and is off by one now and then; its clock shows whole seconds.
    let rounded = match milliseconds.rem_euclid(1000) {
        1 => milliseconds - 1,
        999 => milliseconds + 1,
        _ => milliseconds,
    };
    let found = day
        .checked_sub(JULIAN)
        .filter(|days| (0..3_652_059).contains(days) && (0..=86_400_000).contains(&milliseconds))
        .and_then(NaiveDate::from_num_days_from_ce_opt)
        .map(|day| day.and_time(NaiveTime::MIN) + chrono::Duration::milliseconds(rounded.into()));
    found.map_or_else(
        || undecodable(bytes, "is not a moment in time"),
        Value::DateTime,
    )
}

fn double(bytes: &[u8], number: f64) -> Value {
    if number.is_finite() {
        Value::Float(number)
    } else {
        undecodable(bytes, "is not a number")
    }
}

fn from_memo(field: &Field, bytes: &[u8], alphabet: Alphabet, memo: Option<&mut Memo>) -> Value {
    let block = match fixed(bytes) {
        Some(block) => Ok(u32::from_le_bytes(block)),
        None => match number(bytes) {
            Value::Null => Ok(0),
            Value::Int(block) => u32::try_from(block).map_err(|_| ()),
            _ => Err(()),
        },
    };
    let Ok(block) = block else {
        return undecodable(bytes, "does not point into the memo file");
    };
    if block == 0 {
        return Value::Null;
    }
    let Some(memo) = memo else {
        return Value::Null;
    };
    match memo.read(block) {
        Err(reason) => undecodable(bytes, reason),
        Ok(content) if field.kind == Kind::Blob => Value::Bytes(content.into()),
        Ok(content) => text(&content, alphabet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_garbage_is_said_to_be_garbage() {
        for (bytes, expected) in [
            ("   12.30", Some("12.30")),
            ("-0.001  ", Some("-0.001")),
            ("99999999999999999.99", Some("99999999999999999.99")),
            ("     007", Some("7")),
            (" 1.5E+03", Some("1500")),
            ("        ", Some("")),
            ("       .", Some("")),
            ("********", None),
            ("12,3x", None),
            ("\0\0\0\0", Some("")),
        ] {
            let found = number(bytes.as_bytes());
            match expected {
                Some(text) => assert_eq!(found.to_string(), text, "{bytes:?} {found:?}"),
                None => assert!(matches!(found, Value::Undecodable(_)), "{bytes:?}"),
            }
        }
    }

    #[test]
    fn dates_and_moments_are_read_and_empty_ones_are_nothing() {
        assert_eq!(date(b"20260228").to_string(), "2026-02-28");
        assert_eq!(date(b"        "), Value::Null);
        assert_eq!(date(b"00000000"), Value::Null);
        assert!(matches!(date(b"20260231"), Value::Undecodable(_)));
        assert!(matches!(date(b"2026\xff231"), Value::Undecodable(_)));
        let mut bytes = 2_461_100_i32.to_le_bytes().to_vec();
        bytes.extend(43_200_001_i32.to_le_bytes());
        assert_eq!(moment(&bytes).to_string(), "2026-02-28T12:00:00");
        assert_eq!(moment(&[0; 8]), Value::Null);
        assert!(matches!(moment(&[255; 8]), Value::Undecodable(_)));
    }
}
