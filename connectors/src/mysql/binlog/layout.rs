//! How the columns of a followed table lie, and how the log's bytes of a key column become the text that the stream's
//! own query would give.

use chrono::DateTime;
use encoding_rs::Encoding;
use fluxion_model::value::Value;
use mysql_async::Value as Raw;
use mysql_async::consts::ColumnType;
use oem_cp::code_table::DECODING_TABLE_CP_MAP;

use super::super::config::ZeroDates;
use super::super::decode::Plan;

/// The columns of one table, in order, as `information_schema` told them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub columns: Vec<Column>,
    /// When they were asked for, seconds of the server's clock.
    pub asked_at: u64,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub name: String,
    pub kind: Kind,
}

/// What a column holds, as far as the log's bytes need explaining.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Integer {
        is_unsigned: bool,
    },
    Decimal {
        scale: u32,
    },
    Text(Charset),
    /// `length` where shorter values are filled up with zeros.
    Binary {
        length: Option<usize>,
    },
    Bits,
    Year,
    Double,
    Date,
    DateTime,
    Timestamp,
    Time,
    /// A type whose bytes in the log are not what a query gives: ENUM, SET, UUID, JSON.
    Other,
}

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Charset {
    Utf8,
    Encoding(&'static Encoding),
    /// A code page of DOS.
    Oem(u16),
}

/// A value that the log holds and we cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotUnderstood(pub String);

impl Kind {
    /// From `DATA_TYPE`, `COLUMN_TYPE` and `CHARACTER_SET_NAME`.
    pub fn of(data_type: &str, column_type: &str, charset: Option<&str>) -> Self {
        let column_type = column_type.to_ascii_lowercase();
        match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" => Self::Integer {
                is_unsigned: column_type.contains("unsigned"),
            },
            "decimal" | "numeric" => Self::Decimal {
                scale: second_number(&column_type).unwrap_or(0),
            },
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => charset
                .and_then(Charset::of)
                .map_or(Self::Other, Self::Text),
            "binary" => Self::Binary {
                length: first_number(&column_type).and_then(|length| usize::try_from(length).ok()),
            },
            "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
                Self::Binary { length: None }
            }
            "bit" => Self::Bits,
            "year" => Self::Year,
            "double" => Self::Double,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "timestamp" => Self::Timestamp,
            "time" => Self::Time,
            _ => Self::Other,
        }
    }

    /// Whether the log's own type of the column is this one; if not, the table was altered.
    pub fn fits(self, logged: ColumnType) -> bool {
        use ColumnType as T;
        match self {
            Self::Integer { .. } => matches!(
                logged,
                T::MYSQL_TYPE_TINY
                    | T::MYSQL_TYPE_SHORT
                    | T::MYSQL_TYPE_INT24
                    | T::MYSQL_TYPE_LONG
                    | T::MYSQL_TYPE_LONGLONG
            ),
            Self::Decimal { .. } => logged == T::MYSQL_TYPE_NEWDECIMAL,
            Self::Text(_) | Self::Binary { .. } => matches!(
                logged,
                T::MYSQL_TYPE_STRING
                    | T::MYSQL_TYPE_VARCHAR
                    | T::MYSQL_TYPE_VAR_STRING
                    | T::MYSQL_TYPE_BLOB
            ),
            Self::Bits => logged == T::MYSQL_TYPE_BIT,
            Self::Year => logged == T::MYSQL_TYPE_YEAR,
            Self::Double => logged == T::MYSQL_TYPE_DOUBLE,
            Self::Date => matches!(logged, T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE),
            Self::DateTime => matches!(logged, T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_DATETIME2),
            Self::Timestamp => matches!(logged, T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIMESTAMP2),
            Self::Time => matches!(logged, T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2),
            Self::Other => true,
        }
    }

    /// One part of a key, as the stream's query would give it. None for NULL and zero dates, which are no keys.
    pub fn key_part(self, raw: &Raw, logged: ColumnType) -> Result<Option<String>, NotUnderstood> {
        let value = self.value(raw, logged)?;
        Ok(match value {
            Value::Null | Value::Undecodable(_) => None,
            value => Some(value.to_string()),
        })
    }

    fn value(self, raw: &Raw, logged: ColumnType) -> Result<Value, NotUnderstood> {
        let read = |plan: Plan, raw: Raw| plan.read(raw, ZeroDates::Undecodable, &mut 0);
        Ok(match (self, raw) {
            (_, Raw::NULL) => Value::Null,
            (Self::Integer { is_unsigned }, raw) => {
                let (Raw::Int(_) | Raw::UInt(_)) = raw else {
                    return Err(other_type(self, raw));
                };
                read(Plan::Number, integer(raw, logged, is_unsigned))
            }
            (Self::Decimal { scale }, Raw::Bytes(digits)) => {
                match read(Plan::Decimal, Raw::Bytes(digits.clone())) {
                    Value::Decimal(mut number) => {
                        number.rescale(scale);
                        Value::Decimal(number)
                    }
                    other => other,
                }
            }
            (Self::Text(charset), Raw::Bytes(bytes)) => Value::Text(charset.decode(bytes)?.into()),
            (Self::Binary { length }, Raw::Bytes(bytes)) => {
                let mut bytes = bytes.clone();
                if let Some(length) = length.filter(|length| *length > bytes.len()) {
                    bytes.resize(length, 0);
                }
                Value::Bytes(bytes.into())
            }
            (Self::Bits, Raw::Bytes(bytes)) => read(Plan::Bits, Raw::Bytes(bytes.clone())),
            (Self::Year, Raw::Bytes(digits)) => match text(digits)? {
                // How the log writes the year 0000.
                "1900" => Value::Int(0),
                digits => Value::Int(digits.parse().map_err(|_| other_type(self, raw))?),
            },
            (Self::Double, Raw::Double(number)) => Value::Float(*number),
            (Self::Date, raw @ Raw::Date(..)) => read(Plan::Date, raw.clone()),
            (Self::DateTime, raw @ Raw::Date(..)) => read(Plan::DateTime, raw.clone()),
            (Self::Time, raw @ Raw::Time(..)) => read(Plan::Time, raw.clone()),
            (Self::Timestamp, Raw::Int(seconds)) => moment(*seconds, 0),
            (Self::Timestamp, Raw::Bytes(digits)) => {
                timestamp(text(digits)?).ok_or_else(|| other_type(self, raw))?
            }
            (kind, raw) => return Err(other_type(kind, raw)),
        })
    }
}

/// Without metadata the log does not say whether numbers have a sign; the bits are the same.
fn integer(raw: &Raw, logged: ColumnType, is_unsigned: bool) -> Raw {
    let bits = match logged {
        ColumnType::MYSQL_TYPE_TINY => 8,
        ColumnType::MYSQL_TYPE_SHORT => 16,
        ColumnType::MYSQL_TYPE_INT24 => 24,
        ColumnType::MYSQL_TYPE_LONG => 32,
        _ => 64,
    };
    let number = match raw {
        Raw::Int(number) => *number,
        Raw::UInt(number) => number.cast_signed(),
        _ => 0,
    };
    // To the top and down again: the shift back fills up with zeros, or with the sign.
    let top = number << (64 - bits);
    if is_unsigned {
        Raw::UInt(top.cast_unsigned() >> (64 - bits))
    } else {
        Raw::Int(top >> (64 - bits))
    }
}

/// `1767225600.250000`; zero is how a zero date is written.
fn timestamp(text: &str) -> Option<Value> {
    let (seconds, micros) = text.split_once('.').unwrap_or((text, "0"));
    Some(moment(seconds.parse().ok()?, micros.parse().ok()?))
}

fn moment(seconds: i64, micros: u32) -> Value {
    match DateTime::from_timestamp(seconds, micros * 1000) {
        Some(moment) if seconds != 0 || micros != 0 => Value::Timestamp(moment),
        _ => Value::Null,
    }
}

fn text(bytes: &[u8]) -> Result<&str, NotUnderstood> {
    std::str::from_utf8(bytes)
        .map_err(|_| NotUnderstood("a number in the log is not written in digits".to_owned()))
}

fn other_type(kind: Kind, raw: &Raw) -> NotUnderstood {
    let found = match raw {
        Raw::NULL => "NULL",
        Raw::Bytes(_) => "bytes",
        Raw::Int(_) | Raw::UInt(_) => "a number",
        Raw::Float(_) | Raw::Double(_) => "a binary float",
        Raw::Date(..) => "a date",
        Raw::Time(..) => "a time",
    };
    NotUnderstood(format!("a key column of type {kind:?} holds {found}"))
}

impl Charset {
    /// None for those whose conversion we do not know to be the server's.
    pub fn of(name: &str) -> Option<Self> {
        use encoding_rs as e;
        Some(match name.to_ascii_lowercase().as_str() {
            "utf8" | "utf8mb3" | "utf8mb4" | "ascii" => Self::Utf8,
            // MySQL's latin1 is Windows-1252 with its five gaps filled, as browsers read it.
            "latin1" => Self::Encoding(e::WINDOWS_1252),
            "latin2" => Self::Encoding(e::ISO_8859_2),
            "cp1250" => Self::Encoding(e::WINDOWS_1250),
            "cp1251" => Self::Encoding(e::WINDOWS_1251),
            "cp1256" => Self::Encoding(e::WINDOWS_1256),
            "cp1257" => Self::Encoding(e::WINDOWS_1257),
            "koi8r" => Self::Encoding(e::KOI8_R),
            "cp850" => Self::Oem(850),
            "cp852" => Self::Oem(852),
            "cp866" => Self::Oem(866),
            "ucs2" | "utf16" => Self::Encoding(e::UTF_16BE),
            _ => return None,
        })
    }

    fn decode(self, bytes: &[u8]) -> Result<String, NotUnderstood> {
        let wrong = || {
            NotUnderstood("the text of a key is not valid in its column's character set".to_owned())
        };
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).map_err(|_| wrong()),
            Self::Encoding(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned)
                .ok_or_else(wrong),
            Self::Oem(page) => DECODING_TABLE_CP_MAP
                .get(&page)
                .and_then(|table| table.decode_string_checked(bytes))
                .ok_or_else(wrong),
        }
    }
}

fn first_number(column_type: &str) -> Option<u32> {
    number_at(column_type, 0)
}

fn second_number(column_type: &str) -> Option<u32> {
    number_at(column_type, 1)
}

/// The numbers between the parentheses of `decimal(12,4)`.
fn number_at(column_type: &str, at: usize) -> Option<u32> {
    let (_, rest) = column_type.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    inside.split(',').nth(at)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: Kind, raw: Raw, logged: ColumnType) -> Option<String> {
        kind.key_part(&raw, logged).unwrap()
    }

    #[test]
    fn numbers_without_metadata_get_their_sign_from_the_column() {
        let unsigned = Kind::of("tinyint", "tinyint(3) unsigned", None);
        let signed = Kind::of("int", "int(11)", None);
        assert_eq!(
            part(unsigned, Raw::Int(-1), ColumnType::MYSQL_TYPE_TINY).unwrap(),
            "255"
        );
        assert_eq!(
            part(
                signed,
                Raw::UInt(4_294_967_295),
                ColumnType::MYSQL_TYPE_LONG
            )
            .unwrap(),
            "-1"
        );
        let big = Kind::of("bigint", "bigint(20) unsigned", None);
        assert_eq!(
            part(big, Raw::Int(-1), ColumnType::MYSQL_TYPE_LONGLONG).unwrap(),
            "18446744073709551615"
        );
    }

    #[test]
    fn decimals_keep_the_scale_of_their_column() {
        let kind = Kind::of("decimal", "decimal(12,4)", None);
        assert_eq!(
            part(
                kind,
                Raw::Bytes(b"1.5".to_vec()),
                ColumnType::MYSQL_TYPE_NEWDECIMAL
            )
            .unwrap(),
            "1.5000"
        );
    }

    #[test]
    fn text_is_read_in_the_character_set_of_its_column() {
        let kind = Kind::of("char", "char(10)", Some("latin1"));
        assert_eq!(
            part(
                kind,
                Raw::Bytes(b"Caf\xe9".to_vec()),
                ColumnType::MYSQL_TYPE_STRING
            )
            .unwrap(),
            "Café"
        );
        let dos = Kind::of("varchar", "varchar(10)", Some("cp850"));
        assert_eq!(
            part(
                dos,
                Raw::Bytes(b"A\xa4o".to_vec()),
                ColumnType::MYSQL_TYPE_VARCHAR
            )
            .unwrap(),
            "Año"
        );
        assert_eq!(
            Kind::of("varchar", "varchar(9)", Some("armscii8")),
            Kind::Other
        );
    }

    #[test]
    fn binary_values_are_filled_up_as_the_server_shows_them() {
        let kind = Kind::of("binary", "binary(4)", None);
        assert_eq!(
            part(kind, Raw::Bytes(vec![1, 2]), ColumnType::MYSQL_TYPE_STRING).unwrap(),
            "0x01020000"
        );
    }

    #[test]
    fn timestamps_are_moments_and_zero_dates_are_no_keys() {
        let kind = Kind::Timestamp;
        let raw = Raw::Bytes(b"1767225600.250000".to_vec());
        assert_eq!(
            part(kind, raw, ColumnType::MYSQL_TYPE_TIMESTAMP2).unwrap(),
            "2026-01-01T00:00:00.250Z"
        );
        assert_eq!(
            part(
                kind,
                Raw::Bytes(b"0".to_vec()),
                ColumnType::MYSQL_TYPE_TIMESTAMP2
            ),
            None
        );
        assert_eq!(
            part(
                Kind::Date,
                Raw::Date(0, 0, 0, 0, 0, 0, 0),
                ColumnType::MYSQL_TYPE_NEWDATE
            ),
            None
        );
    }

    #[test]
    fn a_type_that_changed_is_noticed() {
        assert!(!Kind::Date.fits(ColumnType::MYSQL_TYPE_LONG));
        assert!(Kind::Text(Charset::Utf8).fits(ColumnType::MYSQL_TYPE_VARCHAR));
        assert!(
            Kind::Date
                .key_part(&Raw::Int(3), ColumnType::MYSQL_TYPE_DATE)
                .is_err()
        );
    }
}
