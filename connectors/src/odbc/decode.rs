//! From what a driver hands over to our values: exact, and never a guess.
//!
//! Whole and exact numbers come as text, because drivers disagree on every other form of them. Floats come as eight
//! bytes, because drivers shorten them when they write them out. Text comes in UTF-16, or in a code page where the
//! driver knows no better.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use fluxion_model::value::{Undecodable, Value};
use odbc_api::buffers::BufferDesc;
use odbc_api::{DataType, sys};
use rust_decimal::Decimal;

use super::alphabet::Alphabet;
use super::dialect::OdbcDialect;
use crate::sql::{ColumnInfo, KeyKind};

/// Digits, sign and point of any number as text.
const NUMBER: usize = 80;

/// How a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Int,
    Decimal,
    Float,
    Real,
    Bit,
    /// Text, and how long it can be by what the driver says; zero when it does not say or it is long.
    Text {
        length: usize,
        padded: Padded,
    },
    Bytes {
        length: usize,
    },
    Date,
    DateTime,
    Time,
    /// Moments kept as text.
    Moment,
}

/// Whether spaces at the end mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padded {
    Yes,
    No,
}

/// In what a driver hands text over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Letters {
    Wide,
    Narrow(Alphabet),
}

impl Plan {
    pub fn of(kind: DataType, dialect: OdbcDialect) -> Self {
        let text = |length: Option<std::num::NonZeroUsize>, padded| Self::Text {
            length: length.map_or(0, usize::from),
            padded,
        };
        let loose = dialect.is_loosely_typed();
        match kind {
            DataType::Integer | DataType::SmallInt | DataType::TinyInt | DataType::BigInt => {
                Self::Int
            }
            DataType::Numeric { .. } | DataType::Decimal { .. } => Self::Decimal,
            DataType::Real => Self::Real,
            DataType::Float { .. } | DataType::Double => Self::Float,
            DataType::Bit => Self::Bit,
            DataType::Char { length } | DataType::WChar { length } => text(length, Padded::Yes),
            DataType::Varchar { length } | DataType::WVarchar { length } => {
                text(length, Padded::No)
            }
            DataType::LongVarchar { .. } | DataType::WLongVarchar { .. } => text(None, Padded::No),
            DataType::Binary { length } | DataType::Varbinary { length } => Self::Bytes {
                length: length.map_or(0, usize::from),
            },
            DataType::LongVarbinary { .. } => Self::Bytes { length: 0 },
            DataType::Date | DataType::Time { .. } | DataType::Timestamp { .. } if loose => {
                Self::Moment
            }
            DataType::Date => Self::Date,
            DataType::Time { .. } => Self::Time,
            DataType::Timestamp { .. } => Self::DateTime,
            DataType::Unknown | DataType::Other { .. } => text(None, Padded::No),
        }
    }

    /// What the shared machinery needs to know of a column.
    pub fn info(self, kind: DataType, nullable: bool, dialect: OdbcDialect) -> ColumnInfo {
        let text = match dialect.text_is_exact() {
            true => KeyKind::ExactText,
            false => KeyKind::Text,
        };
        let key = match self {
            Self::Int | Self::Float | Self::Real => KeyKind::Number,
            Self::Decimal => KeyKind::Decimal,
            Self::Bit => KeyKind::Bool,
            Self::Text { .. } => text,
            Self::Bytes { .. } => KeyKind::Bytes,
            Self::Date => KeyKind::Date,
            Self::DateTime => KeyKind::DateTime,
            Self::Time => KeyKind::Time,
            Self::Moment => KeyKind::ExactText,
        };
        let is_long = matches!(
            kind,
            DataType::LongVarbinary { .. } | DataType::WLongVarchar { .. }
        );
        let no_key = match self {
            Self::Real => Some(
                "is a single-precision number, which does not compare with what was read; choose another column",
            ),
            Self::Bytes { .. } | Self::Text { .. } if is_long => {
                Some("is a long text, which cannot identify a row; choose another column")
            }
            _ => None,
        };
        ColumnInfo {
            nullable,
            no_key,
            ..ColumnInfo::of(key)
        }
    }

    /// Where the driver is to put many of them at once. Of text that has no declared length so much as `long` is taken.
    pub fn buffer(self, letters: Letters, long: usize) -> BufferDesc {
        let longest = |length: usize| match length {
            0 => long,
            // One more than declared: whoever fills that has lied.
            length => length.min(long) + 1,
        };
        match self {
            Self::Int | Self::Decimal | Self::Bit | Self::Time | Self::Moment => BufferDesc::Text {
                max_str_len: NUMBER,
            },
            Self::Float => BufferDesc::F64 { nullable: true },
            Self::Real => BufferDesc::F32 { nullable: true },
            Self::Date => BufferDesc::Date { nullable: true },
            Self::DateTime => BufferDesc::Timestamp { nullable: true },
            Self::Bytes { length } => BufferDesc::Binary {
                max_bytes: longest(length),
            },
            Self::Text { length, .. } => match letters {
                Letters::Wide => BufferDesc::WText {
                    max_str_len: longest(length),
                },
                Letters::Narrow(alphabet) => BufferDesc::Text {
                    max_str_len: longest(length) * alphabet.widest(),
                },
            },
        }
    }

    /// From the digits a driver wrote.
    pub fn digits(self, text: &[u8]) -> Value {
        let Ok(shown) = std::str::from_utf8(text) else {
            return undecodable(
                text,
                "is not plain text where a number or a moment should be",
            );
        };
        let shown = shown.trim();
        match self {
            Self::Int => match shown.parse() {
                Ok(number) => Value::Int(number),
                Err(_) => exact(shown),
            },
            Self::Bit => match shown {
                "1" | "-1" | "t" | "true" | "TRUE" | "True" | "\u{1}" => Value::Bool(true),
                "0" | "f" | "false" | "FALSE" | "False" | "\0" => Value::Bool(false),
                other => exact(other),
            },
            Self::Time => match shown.parse() {
                Ok(time) => Value::Time(time),
                Err(_) => Value::text(shown),
            },
            Self::Moment => loose_moment(shown),
            _ => exact(shown),
        }
    }

    /// From text in its letters.
    pub fn wide(self, units: &[u16]) -> Value {
        match String::from_utf16(units) {
            Ok(text) => self.trimmed(text),
            Err(_) => {
                let lossy = String::from_utf16_lossy(units);
                undecodable(lossy.as_bytes(), "is not valid UTF-16")
            }
        }
    }

    pub fn narrow(self, bytes: &[u8], alphabet: Alphabet) -> Value {
        match alphabet.text(bytes) {
            Some(text) => self.trimmed(text),
            None => undecodable(
                bytes,
                "is not valid in the encoding of the connection; set `connection.encoding` to the POS's code page",
            ),
        }
    }

    fn trimmed(self, mut text: String) -> Value {
        if let Self::Text {
            padded: Padded::Yes,
            ..
        } = self
        {
            text.truncate(text.trim_end_matches(' ').len());
        }
        Value::text(text)
    }
}

pub(super) fn undecodable(raw: &[u8], reason: &str) -> Value {
    Value::Undecodable(Box::new(Undecodable {
        raw: raw[..raw.len().min(200)].into(),
        reason: reason.to_owned(),
    }))
}

/// An exact number. Some drivers write the decimal sign of the PC's language, leave out the leading zero, or show money
/// with its sign.
fn exact(shown: &str) -> Value {
    let mut text = shown.replace('$', "");
    if text.contains('.') {
        text = text.replace(',', "");
    } else {
        text = text.replace(',', ".");
    }
    if let Some(rest) = text.strip_prefix('.') {
        text = format!("0.{rest}");
    } else if let Some(rest) = text.strip_prefix("-.") {
        text = format!("-0.{rest}");
    }
    let plain = |text: &str| Decimal::from_str_exact(text).ok();
    let number = plain(&text)
        .or_else(|| {
            let has_fraction = text.contains('.');
            let short = text.trim_end_matches('0').trim_end_matches('.');
            has_fraction.then(|| plain(short)).flatten()
        })
        .or_else(|| {
            Decimal::from_scientific(&text)
                .ok()
                .filter(|_| text.contains(['e', 'E']))
        });
    match number {
        Some(number) => Value::Decimal(number),
        None if text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')) =>
        {
            undecodable(shown.as_bytes(), "has more than 28 digits")
        }
        // A database that does not mind its types holds text here.
        None => Value::text(shown),
    }
}

/// A moment as text; anything else stays the text it is.
fn loose_moment(shown: &str) -> Value {
    if let Ok(date) = shown.parse::<NaiveDate>() {
        return Value::Date(date);
    }
    if let Ok(moment) = shown.replacen(' ', "T", 1).parse::<NaiveDateTime>() {
        return Value::DateTime(moment);
    }
    if let Ok(time) = shown.parse::<NaiveTime>() {
        return Value::Time(time);
    }
    Value::text(shown)
}

pub(super) fn float(number: f64) -> Value {
    if number.is_finite() {
        Value::Float(number)
    } else {
        undecodable(number.to_string().as_bytes(), "is no number")
    }
}

/// The double nearest to what the database shows for a single, not to its bits.
pub(super) fn real(number: f32) -> Value {
    float(number.to_string().parse().unwrap_or_else(|_| number.into()))
}

pub(super) fn date(date: &sys::Date) -> Value {
    match NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into()) {
        Some(date) => Value::Date(date),
        None => {
            let raw = format!("{:04}-{:02}-{:02}", date.year, date.month, date.day);
            undecodable(raw.as_bytes(), "is no day of any calendar")
        }
    }
}

pub(super) fn moment(t: &sys::Timestamp) -> Value {
    let date = NaiveDate::from_ymd_opt(t.year.into(), t.month.into(), t.day.into());
    let time =
        NaiveTime::from_hms_nano_opt(t.hour.into(), t.minute.into(), t.second.into(), t.fraction);
    match (date, time) {
        (Some(date), Some(time)) => Value::DateTime(date.and_time(time)),
        _ => {
            let raw = format!(
                "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                t.year, t.month, t.day, t.hour, t.minute, t.second
            );
            undecodable(raw.as_bytes(), "is no moment of any calendar")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(shown: &str) -> Value {
        Plan::Decimal.digits(shown.as_bytes())
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.parse().unwrap())
    }

    #[test]
    fn numbers_are_exact_however_a_driver_writes_them() {
        for (shown, wanted) in [
            ("12.50", "12.50"),
            ("12,50", "12.50"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("$1,234.50", "1234.50"),
            ("1E+2", "100"),
            ("1.000000000000000000000000000000", "1"),
        ] {
            assert_eq!(number(shown), decimal(wanted), "{shown}");
        }
        assert!(matches!(
            number("12345678901234567890123456789012345"),
            Value::Undecodable(_)
        ));
        assert_eq!(
            Plan::Int.digits(b"18446744073709551615"),
            decimal("18446744073709551615")
        );
        assert_eq!(Plan::Int.digits(b" 42 "), Value::Int(42));
        assert_eq!(Plan::Int.digits(b"n/a"), Value::text("n/a"));
    }

    #[test]
    fn moments_kept_as_text_are_read_where_they_are_moments() {
        assert!(matches!(loose_moment("2026-01-02"), Value::Date(_)));
        assert!(matches!(
            loose_moment("2026-01-02 03:04:05.5"),
            Value::DateTime(_)
        ));
        assert_eq!(loose_moment("ayer"), Value::text("ayer"));
    }

    #[test]
    fn a_zero_date_is_no_date() {
        let zero = sys::Date {
            year: 0,
            month: 0,
            day: 0,
        };
        assert!(matches!(date(&zero), Value::Undecodable(_)));
    }
}
