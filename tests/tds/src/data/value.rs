//! Values, and bytes that sort as they do.

use std::sync::Arc;

use super::decimal::Decimal;
use super::types::SqlType;

/// What a cell holds. Which of the SQL types it is, the column says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bit(bool),
    Int(i64),
    /// `decimal` and `numeric`.
    Decimal(Decimal),
    /// `money` and `smallmoney`, in ten-thousandths.
    Money(i64),
    /// `float` and `real`.
    Float(f64),
    /// Days since 0001-01-01.
    Date(i64),
    /// Ticks of 100 ns since midnight.
    Time(i64),
    /// `datetime`, `smalldatetime`, `datetime2`: ticks since 0001-01-01.
    Moment(i64),
    /// `datetimeoffset`: ticks in UTC, and minutes to add for the local clock.
    Offset(i64, i16),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// In the order of the wire, the first three groups little endian.
    Guid([u8; 16]),
}

/// A row; rows are shared between versions, sessions and results.
pub(crate) type Row = Arc<[Value]>;

impl Value {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().into())
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Appends bytes that sort as values of this type do; NULL comes first.
    pub fn key(&self, kind: SqlType, into: &mut Vec<u8>) {
        if self.is_null() {
            into.push(0);
            return;
        }
        into.push(1);
        match self {
            Self::Null => {}
            Self::Bit(bit) => into.push(u8::from(*bit)),
            Self::Int(number)
            | Self::Money(number)
            | Self::Date(number)
            | Self::Time(number)
            | Self::Moment(number)
            | Self::Offset(number, _) => into.extend_from_slice(&sortable(*number)),
            Self::Decimal(decimal) => {
                let scale = match kind {
                    SqlType::Decimal { scale, .. } => scale,
                    _ => decimal.scale,
                };
                let unscaled = decimal
                    .rescale(scale)
                    .map_or(decimal.unscaled, |d| d.unscaled);
                let bits = unscaled.cast_unsigned() ^ (1 << 127);
                into.extend_from_slice(&bits.to_be_bytes());
            }
            Self::Float(number) => {
                let number = if *number == 0.0 { 0.0 } else { *number };
                let bits = number.to_bits();
                let bits = if bits >> 63 == 1 {
                    !bits
                } else {
                    bits | 1 << 63
                };
                into.extend_from_slice(&bits.to_be_bytes());
            }
            Self::Text(text) => kind
                .collation()
                .unwrap_or(super::collation::Collation::default_one())
                .key(text, into),
            Self::Bytes(bytes) => {
                for byte in bytes.iter() {
                    into.push(*byte);
                    if *byte == 0 {
                        into.push(0xFF);
                    }
                }
                into.extend_from_slice(&[0, 0]);
            }
            Self::Guid(bytes) => {
                // SQL Server compares the last group first.
                into.extend_from_slice(&bytes[10..]);
                into.extend_from_slice(&bytes[8..10]);
                into.extend([7, 6, 5, 4, 3, 2, 1, 0].map(|at: usize| bytes[at]));
            }
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Bit(bit) => Some(i64::from(*bit)),
            Self::Int(number) => Some(*number),
            Self::Money(number) => Some(number / 10_000),
            Self::Decimal(decimal) => i64::try_from(decimal.truncate(0).ok()?.unscaled).ok(),
            #[allow(clippy::cast_possible_truncation)]
            Self::Float(number) => Some(*number as i64),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Bytes(bytes) => Some(bytes.iter().fold(0, |n, b| (n << 8) | i64::from(*b))),
            Self::Null
            | Self::Date(_)
            | Self::Time(_)
            | Self::Moment(_)
            | Self::Offset(..)
            | Self::Guid(_) => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn sortable(number: i64) -> [u8; 8] {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &Value, kind: SqlType) -> Vec<u8> {
        let mut key = Vec::new();
        value.key(kind, &mut key);
        key
    }

    #[test]
    fn keys_sort_as_values_do() {
        let int = |n| key(&Value::Int(n), SqlType::BigInt);
        assert!(key(&Value::Null, SqlType::BigInt) < int(i64::MIN));
        assert!(int(-1) < int(0) && int(0) < int(1));
        let float = |n| key(&Value::Float(n), SqlType::Float);
        assert!(float(-2.0) < float(-1.0) && float(-1.0) < float(0.5));
        let kind = SqlType::decimal(38, 2);
        let decimal = |text| key(&Value::Decimal(Decimal::parse(text).unwrap()), kind);
        assert!(decimal("-1.5") < decimal("1.25") && decimal("1.25") < decimal("1.3"));
        let bytes = |b: &[u8]| key(&Value::bytes(b), SqlType::varbinary(8));
        assert!(bytes(&[0]) < bytes(&[0, 0]) && bytes(&[0, 0]) < bytes(&[1]));
    }

    #[test]
    fn guids_sort_by_their_last_group_first() {
        let guid = |at: usize| {
            let mut bytes = [0; 16];
            bytes[at] = 1;
            key(&Value::Guid(bytes), SqlType::Guid)
        };
        assert!(guid(0) < guid(15));
        assert!(guid(15) < guid(10));
    }
}
