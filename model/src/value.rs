//! One cell as a source holds it.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;

/// A cell, typed as the source types it and no further: connectors know protocols and never meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL, an empty spreadsheet cell, a field that a short CSV line does not reach.
    Null,
    /// A true boolean type; `'Y'` and `1` stay what they are.
    Bool(bool),
    /// Any integer type.
    Int(i64),
    /// Exact decimals, and integers beyond 64 bits.
    Decimal(Decimal),
    /// A binary float, as the source has it; spreadsheets and old schemas keep money in these.
    Float(f64),
    /// Decoded text.
    Text(Box<str>),
    /// A true binary type.
    Bytes(Box<[u8]>),
    /// A calendar day.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
    /// Wall-clock time without a zone.
    DateTime(NaiveDateTime),
    /// A moment with a known zone.
    Timestamp(DateTime<Utc>),
    /// A cell that could not be decoded. It rejects its own row and no other.
    Undecodable(Box<Undecodable>),
}

/// What was found where a value should have been.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecodable {
    /// The bytes as they came, cut to a few hundred.
    pub raw: Box<[u8]>,
    /// Why they mean nothing, such as `byte 0x81 at position 4 is not valid in UTF-8`.
    pub reason: String,
}

impl Value {
    /// Text, for tests and builders.
    #[must_use]
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Nothing there.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// As a person would write it in a report: text bare, dates in ISO 8601, bytes in hexadecimal, NULL empty.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(v) => v.fmt(f),
            Self::Int(v) => v.fmt(f),
            Self::Decimal(v) => v.fmt(f),
            Self::Float(v) => v.fmt(f),
            Self::Text(v) => f.write_str(v),
            Self::Bytes(v) => hex(f, v),
            Self::Date(v) => v.fmt(f),
            Self::Time(v) => v.fmt(f),
            Self::DateTime(v) => write!(f, "{}", v.format("%Y-%m-%dT%H:%M:%S%.f")),
            Self::Timestamp(v) => write!(f, "{}", v.format("%Y-%m-%dT%H:%M:%S%.fZ")),
            Self::Undecodable(v) => f.write_str(&String::from_utf8_lossy(&v.raw)),
        }
    }
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
