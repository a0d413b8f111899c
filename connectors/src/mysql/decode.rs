//! From the values of the wire to ours: exact, and never a guess.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use fluxion_model::value::{Undecodable, Value};
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value as Param};
use rust_decimal::Decimal;

use super::config::ZeroDates;
use crate::sql::KeyKind;

/// The character set number of bytes that are no text.
const BINARY: u16 = 63;

/// How a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Number,
    Decimal,
    Text,
    Bytes,
    Bits,
    Date,
    DateTime,
    Timestamp,
    Time,
}

impl Plan {
    pub fn of(column: &Column) -> Self {
        match column.column_type() {
            ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => Self::Decimal,
            ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => Self::Date,
            ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 => Self::DateTime,
            ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => Self::Timestamp,
            ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => Self::Time,
            ColumnType::MYSQL_TYPE_BIT => Self::Bits,
            ColumnType::MYSQL_TYPE_JSON => Self::Text,
            ColumnType::MYSQL_TYPE_GEOMETRY => Self::Bytes,
            ColumnType::MYSQL_TYPE_STRING
            | ColumnType::MYSQL_TYPE_VAR_STRING
            | ColumnType::MYSQL_TYPE_VARCHAR
            | ColumnType::MYSQL_TYPE_BLOB
            | ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB
            | ColumnType::MYSQL_TYPE_ENUM
            | ColumnType::MYSQL_TYPE_SET => {
                if column.character_set() == BINARY {
                    Self::Bytes
                } else {
                    Self::Text
                }
            }
            _ => Self::Number,
        }
    }

    /// What a key of it is.
    pub fn key_kind(self) -> KeyKind {
        match self {
            Self::Number | Self::Bits => KeyKind::Number,
            Self::Decimal => KeyKind::Decimal,
            Self::Text => KeyKind::Text,
            Self::Bytes => KeyKind::Bytes,
            Self::Date => KeyKind::Date,
            Self::DateTime => KeyKind::DateTime,
            Self::Timestamp => KeyKind::Timestamp,
            Self::Time => KeyKind::Time,
        }
    }

    /// ENUM and SET sort by number and compare as text, FLOAT does not compare with what was read: no keys.
    pub fn cannot_be_a_key(column: &Column) -> bool {
        column
            .flags()
            .intersects(ColumnFlags::ENUM_FLAG | ColumnFlags::SET_FLAG)
            || column.column_type() == ColumnType::MYSQL_TYPE_FLOAT
    }

    /// Reads one value and adds its rough size.
    pub fn read(self, value: Param, zero_dates: ZeroDates, size: &mut usize) -> Value {
        *size += std::mem::size_of::<Value>();
        match (self, value) {
            (_, Param::NULL) => Value::Null,
            (Self::Text, Param::Bytes(bytes)) => {
                *size += bytes.len();
                text(bytes)
            }
            (Self::Decimal, Param::Bytes(bytes)) => decimal(&bytes),
            (Self::Bits, Param::Bytes(bytes)) => bits(&bytes),
            (_, Param::Int(number)) => Value::Int(number),
            (_, Param::UInt(number)) => {
                i64::try_from(number).map_or_else(|_| Value::Decimal(number.into()), Value::Int)
            }
            (_, Param::Double(number)) => Value::Float(number),
            (_, Param::Float(number)) => Value::Float(widened(number)),
            (plan, Param::Date(year, month, day, hour, minute, second, micro)) => {
                let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into());
                let time =
                    NaiveTime::from_hms_micro_opt(hour.into(), minute.into(), second.into(), micro);
                match (date, time) {
                    (Some(date), Some(_)) if plan == Self::Date => Value::Date(date),
                    (Some(date), Some(time)) if plan == Self::Timestamp => {
                        Value::Timestamp(date.and_time(time).and_utc())
                    }
                    (Some(date), Some(time)) => Value::DateTime(date.and_time(time)),
                    _ => no_date(year, month, day, zero_dates),
                }
            }
            (_, Param::Time(negative, days, hours, minutes, seconds, micro)) => time(
                negative,
                days * 24 + u32::from(hours),
                minutes,
                seconds,
                micro,
            ),
            (_, Param::Bytes(bytes)) => {
                *size += bytes.len();
                Value::Bytes(bytes.into())
            }
        }
    }
}

fn text(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::Text(text.into_boxed_str()),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[at];
            undecodable(
                error.as_bytes(),
                format!("byte 0x{byte:02x} at position {at} is not valid in UTF-8"),
            )
        }
    }
}

fn undecodable(raw: &[u8], reason: String) -> Value {
    let raw = raw[..raw.len().min(200)].into();
    Value::Undecodable(Box::new(Undecodable { raw, reason }))
}

/// Most amounts have fewer than nineteen digits and need no general parser.
fn decimal(bytes: &[u8]) -> Value {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 19 {
        return long_decimal(bytes);
    }
    let (mut number, mut scale, mut in_fraction) = (0_u64, 0_u32, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + u64::from(byte - b'0');
                scale += u32::from(in_fraction);
            }
            b'.' if !in_fraction => in_fraction = true,
            _ => return long_decimal(bytes),
        }
    }
    let (low, middle) = (number as u32, (number >> 32) as u32);
    Value::Decimal(Decimal::from_parts(
        low,
        middle,
        0,
        negative && number != 0,
        scale,
    ))
}

/// Beyond that, up to the 28 digits a decimal can hold; zeros at the end of a fraction do not count.
fn long_decimal(bytes: &[u8]) -> Value {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return undecodable(bytes, "is not a number".to_owned());
    };
    let parsed = Decimal::from_str_exact(text).or_else(|_| match text.contains('.') {
        true => Decimal::from_str_exact(text.trim_end_matches('0').trim_end_matches('.')),
        false => Decimal::from_str_exact(text),
    });
    match parsed {
        Ok(number) => Value::Decimal(number),
        Err(_) => undecodable(bytes, "has more than 28 digits".to_owned()),
    }
}

/// The double nearest to what the database shows for a single, not to its bits: 10.1, not 10.100000381469727.
fn widened(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| number.into())
}

fn bits(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Bytes(bytes.into());
    }
    let number = bytes
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(number).map_or_else(|_| Value::Decimal(number.into()), Value::Int)
}

fn no_date(year: u16, month: u8, day: u8, zero_dates: ZeroDates) -> Value {
    match zero_dates {
        ZeroDates::Null => Value::Null,
        ZeroDates::Undecodable => {
            let raw = format!("{year:04}-{month:02}-{day:02}");
            undecodable(
                raw.as_bytes(),
                "is a zero date, which is no day of any calendar".to_owned(),
            )
        }
    }
}

/// A time of day where it is one; an interval stays the text the database shows.
fn time(negative: bool, hours: u32, minutes: u8, seconds: u8, micro: u32) -> Value {
    if !negative
        && let Some(time) =
            NaiveTime::from_hms_micro_opt(hours, minutes.into(), seconds.into(), micro)
    {
        return Value::Time(time);
    }
    let sign = if negative { "-" } else { "" };
    let fraction = if micro == 0 {
        String::new()
    } else {
        format!(".{micro:06}")
    };
    Value::Text(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}").into())
}

/// A value as a parameter; bytes travel in hexadecimal, for `UNHEX`.
pub(super) fn to_param(value: &Value) -> Param {
    match value {
        Value::Null => Param::NULL,
        Value::Bool(value) => Param::Int((*value).into()),
        Value::Int(number) => Param::Int(*number),
        Value::Float(number) => Param::Double(*number),
        Value::Date(date) => date_param(date.and_time(NaiveTime::MIN)),
        Value::DateTime(moment) => date_param(*moment),
        Value::Timestamp(moment) => date_param(moment.naive_utc()),
        Value::Bytes(bytes) => Param::Bytes(hex(bytes).into_bytes()),
        Value::Undecodable(value) => Param::Bytes(value.raw.to_vec()),
        Value::Decimal(_) | Value::Text(_) | Value::Time(_) => {
            Param::Bytes(value.to_string().into_bytes())
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "months, days and hours are small"
)]
fn date_param(moment: NaiveDateTime) -> Param {
    Param::Date(
        u16::try_from(moment.year()).unwrap_or(0),
        moment.month() as u8,
        moment.day() as u8,
        moment.hour() as u8,
        moment.minute() as u8,
        moment.second() as u8,
        moment.nanosecond() / 1000 % 1_000_000,
    )
}

/// A moment the server told.
pub(super) fn moment(value: &Value) -> Option<NaiveDateTime> {
    match value {
        Value::DateTime(moment) => Some(*moment),
        Value::Timestamp(moment) => Some(DateTime::<Utc>::naive_utc(moment)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> String {
        match decimal(text.as_bytes()) {
            Value::Decimal(number) => number.to_string(),
            other => panic!("{text} became {other:?}"),
        }
    }

    #[test]
    fn decimals_keep_every_digit_and_their_scale() {
        for text in [
            "0",
            "0.00",
            "-1.50",
            "12345678901234567.89",
            "99999999999999.999999",
            "1234567890123456789012345.678",
        ] {
            assert_eq!(exact(text), text);
        }
        assert_eq!(exact("-0.00"), "0.00");
        assert_eq!(exact("1.000000000000000000000000000000"), "1");
    }

    #[test]
    fn a_decimal_that_does_not_fit_is_not_rounded() {
        let value = decimal(b"12345678901234567890123456789012345");
        assert!(matches!(value, Value::Undecodable(_)), "{value:?}");
    }

    #[test]
    fn a_single_becomes_the_number_the_database_shows() {
        assert_eq!(widened(10.1), 10.1);
        assert_eq!(widened(0.1), 0.1);
    }

    #[test]
    fn broken_utf_8_says_where() {
        let Value::Undecodable(broken) = text(b"Caf\xe9".to_vec()) else {
            panic!("must not decode")
        };
        assert_eq!(
            broken.reason,
            "byte 0xe9 at position 3 is not valid in UTF-8"
        );
    }

    #[test]
    fn an_interval_longer_than_a_day_stays_text() {
        assert_eq!(time(true, 12, 0, 1, 0), Value::text("-12:00:01"));
        assert_eq!(time(false, 36, 0, 0, 0), Value::text("36:00:00"));
        assert!(matches!(time(false, 23, 59, 59, 1), Value::Time(_)));
    }
}
