//! Types and values as they stand on the wire.

use std::io;

use super::packet::{Cursor, Short, push_utf16};
use crate::data::collation::Collation;
use crate::data::decimal::Decimal;
use crate::data::moment;
use crate::data::types::{BytesKind, MAX, SqlType, TextKind};
use crate::data::value::Value;
use crate::engine::Field;

/// How the length of a value is written.
enum Width {
    /// No length: it is always there.
    Fixed,
    Byte,
    Word,
    /// In chunks, for the types called (max).
    Chunks,
    /// With a pointer, for text, ntext and image.
    Pointer,
}

fn width(kind: SqlType, nullable: bool) -> Width {
    match kind {
        SqlType::Bit
        | SqlType::TinyInt
        | SqlType::SmallInt
        | SqlType::Int
        | SqlType::BigInt
        | SqlType::Null
        | SqlType::Money
        | SqlType::SmallMoney
        | SqlType::Real
        | SqlType::Float
        | SqlType::DateTime
        | SqlType::SmallDateTime => {
            if nullable {
                Width::Byte
            } else {
                Width::Fixed
            }
        }
        SqlType::Decimal { .. }
        | SqlType::Date
        | SqlType::Time(_)
        | SqlType::DateTime2(_)
        | SqlType::DateTimeOffset(_)
        | SqlType::Guid => Width::Byte,
        SqlType::Text { kind, length, .. } => match kind {
            TextKind::Text | TextKind::NText => Width::Pointer,
            TextKind::Xml => Width::Chunks,
            TextKind::Char | TextKind::VarChar | TextKind::NChar | TextKind::NVarChar => {
                words(length)
            }
        },
        SqlType::Bytes { kind, length } => match kind {
            BytesKind::Image => Width::Pointer,
            BytesKind::Binary | BytesKind::VarBinary | BytesKind::RowVersion => words(length),
        },
    }
}

fn words(length: u16) -> Width {
    if length == MAX {
        Width::Chunks
    } else {
        Width::Word
    }
}

fn decimal_width(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// The type of a column, as metadata and return values give it.
pub(super) fn write_type(kind: SqlType, nullable: bool, out: &mut Vec<u8>) {
    let pair = |fixed: u8, variable: u8, size: u8, out: &mut Vec<u8>| {
        if nullable {
            out.extend_from_slice(&[variable, size]);
        } else {
            out.push(fixed);
        }
    };
    match kind {
        SqlType::Bit => pair(0x32, 0x68, 1, out),
        SqlType::TinyInt => pair(0x30, 0x26, 1, out),
        SqlType::SmallInt => pair(0x34, 0x26, 2, out),
        SqlType::Int | SqlType::Null => pair(0x38, 0x26, 4, out),
        SqlType::BigInt => pair(0x7F, 0x26, 8, out),
        SqlType::Money => pair(0x3C, 0x6E, 8, out),
        SqlType::SmallMoney => pair(0x7A, 0x6E, 4, out),
        SqlType::Real => pair(0x3B, 0x6D, 4, out),
        SqlType::Float => pair(0x3E, 0x6D, 8, out),
        SqlType::DateTime => pair(0x3D, 0x6F, 8, out),
        SqlType::SmallDateTime => pair(0x3A, 0x6F, 4, out),
        SqlType::Decimal { precision, scale } => {
            out.extend_from_slice(&[0x6A, decimal_width(precision), precision, scale]);
        }
        SqlType::Date => out.push(0x28),
        SqlType::Time(scale) => out.extend_from_slice(&[0x29, scale]),
        SqlType::DateTime2(scale) => out.extend_from_slice(&[0x2A, scale]),
        SqlType::DateTimeOffset(scale) => out.extend_from_slice(&[0x2B, scale]),
        SqlType::Guid => out.extend_from_slice(&[0x24, 16]),
        SqlType::Text {
            kind,
            length,
            collation,
        } => {
            let bytes = if length == MAX {
                MAX
            } else {
                length * if kind.is_unicode() { 2 } else { 1 }
            };
            let token = match kind {
                TextKind::Char => 0xAF,
                TextKind::VarChar => 0xA7,
                TextKind::NChar => 0xEF,
                TextKind::NVarChar => 0xE7,
                TextKind::Text => 0x23,
                TextKind::NText => 0x63,
                TextKind::Xml => {
                    out.extend_from_slice(&[0xF1, 0]);
                    return;
                }
            };
            out.push(token);
            match kind {
                TextKind::Text => out.extend_from_slice(&0x7FFF_FFFFu32.to_le_bytes()),
                TextKind::NText => out.extend_from_slice(&0x7FFF_FFFEu32.to_le_bytes()),
                _ => out.extend_from_slice(&bytes.to_le_bytes()),
            }
            out.extend_from_slice(&collation.wire());
        }
        SqlType::Bytes { kind, length } => match kind {
            BytesKind::Binary | BytesKind::RowVersion => {
                out.push(0xAD);
                out.extend_from_slice(&length.to_le_bytes());
            }
            BytesKind::VarBinary => {
                out.push(0xA5);
                out.extend_from_slice(&length.to_le_bytes());
            }
            BytesKind::Image => {
                out.push(0x22);
                out.extend_from_slice(&0x7FFF_FFFFu32.to_le_bytes());
            }
        },
    }
}

/// Whether the metadata of a column names its table too.
pub(super) fn names_table(kind: SqlType) -> bool {
    matches!(width(kind, true), Width::Pointer)
}

/// A cell.
pub(super) fn write_value(value: &Value, kind: SqlType, nullable: bool, out: &mut Vec<u8>) {
    let width = width(kind, nullable);
    if value.is_null() {
        match width {
            Width::Byte | Width::Pointer => out.push(0),
            Width::Word => out.extend_from_slice(&[0xFF, 0xFF]),
            Width::Chunks => out.extend_from_slice(&[0xFF; 8]),
            // It cannot be: the column says that it is never NULL.
            Width::Fixed => out.extend(std::iter::repeat_n(
                0,
                usize::try_from(kind.max_length()).unwrap_or(0),
            )),
        }
        return;
    }
    let bytes = bytes_of(value, kind);
    match width {
        Width::Fixed => {}
        Width::Byte => out.push(u8::try_from(bytes.len()).unwrap_or(0)),
        Width::Word => {
            out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(0).to_le_bytes())
        }
        Width::Chunks => {
            out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            for chunk in bytes.chunks(8000) {
                out.extend_from_slice(&u32::try_from(chunk.len()).unwrap_or(0).to_le_bytes());
                out.extend_from_slice(chunk);
            }
            out.extend_from_slice(&[0; 4]);
            return;
        }
        Width::Pointer => {
            out.push(16);
            out.extend_from_slice(b"dummy textptr\0\0\0");
            out.extend_from_slice(b"dummyTS\0");
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
        }
    }
    out.extend_from_slice(&bytes);
}

fn bytes_of(value: &Value, kind: SqlType) -> Vec<u8> {
    match (value, kind) {
        (Value::Bit(bit), SqlType::Bit) => vec![u8::from(*bit)],
        (Value::Bit(bit), _) => integer(i64::from(*bit), kind),
        (Value::Int(number), _) => integer(*number, kind),
        (Value::Decimal(decimal), SqlType::Decimal { precision, scale }) => {
            let unscaled = decimal.rescale(scale).map_or(0, |d| d.unscaled);
            let mut bytes = vec![u8::from(unscaled >= 0)];
            let magnitude = unscaled.unsigned_abs().to_le_bytes();
            bytes.extend_from_slice(&magnitude[..usize::from(decimal_width(precision)) - 1]);
            bytes
        }
        (Value::Money(number), SqlType::SmallMoney) => {
            i32::try_from(*number).unwrap_or(0).to_le_bytes().to_vec()
        }
        (Value::Money(number), _) => {
            let bytes = number.to_le_bytes();
            [&bytes[4..], &bytes[..4]].concat()
        }
        #[allow(clippy::cast_possible_truncation)]
        (Value::Float(number), SqlType::Real) => (*number as f32).to_le_bytes().to_vec(),
        (Value::Float(number), _) => number.to_le_bytes().to_vec(),
        (Value::Date(days), _) => days.to_le_bytes()[..3].to_vec(),
        (Value::Time(ticks), _) => time(*ticks, kind.precision_scale().1),
        (Value::Moment(at), SqlType::DateTime) => {
            let (days, ticks) = moment::split(*at);
            let days = i32::try_from(days - moment::YEAR_1900).unwrap_or(0);
            let count = u32::try_from(moment::three_hundredths(ticks)).unwrap_or(0);
            [days.to_le_bytes(), count.to_le_bytes()].concat()
        }
        (Value::Moment(at), SqlType::SmallDateTime) => {
            let (days, ticks) = moment::split(*at);
            let days = u16::try_from(days - moment::YEAR_1900).unwrap_or(0);
            let minutes = u16::try_from(ticks / moment::SECOND / 60).unwrap_or(0);
            [days.to_le_bytes(), minutes.to_le_bytes()].concat()
        }
        (Value::Moment(at), _) => {
            let (days, ticks) = moment::split(*at);
            let mut bytes = time(ticks, kind.precision_scale().1);
            bytes.extend_from_slice(&days.to_le_bytes()[..3]);
            bytes
        }
        (Value::Offset(utc, minutes), _) => {
            let (days, ticks) = moment::split(*utc);
            let mut bytes = time(ticks, kind.precision_scale().1);
            bytes.extend_from_slice(&days.to_le_bytes()[..3]);
            bytes.extend_from_slice(&minutes.to_le_bytes());
            bytes
        }
        (
            Value::Text(text),
            SqlType::Text {
                kind, collation, ..
            },
        ) => {
            if kind.is_unicode() {
                let mut bytes = Vec::with_capacity(text.len() * 2);
                push_utf16(text, &mut bytes);
                bytes
            } else {
                collation.encode(text)
            }
        }
        (Value::Text(text), _) => text.as_bytes().to_vec(),
        (Value::Bytes(bytes), _) => bytes.to_vec(),
        (Value::Guid(bytes), _) => bytes.to_vec(),
        (Value::Decimal(decimal), _) => decimal.to_string().into_bytes(),
        (Value::Null, _) => Vec::new(),
    }
}

fn integer(number: i64, kind: SqlType) -> Vec<u8> {
    let size = usize::try_from(kind.max_length()).unwrap_or(8).clamp(1, 8);
    number.to_le_bytes()[..size].to_vec()
}

fn time(ticks: i64, scale: u8) -> Vec<u8> {
    let units = ticks / 10i64.pow(7 - u32::from(scale.min(7)));
    let size = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    units.to_le_bytes()[..size].to_vec()
}

/// Flags of a column.
pub(super) fn flags(field: &Field) -> u16 {
    u16::from(field.nullable) | if field.identity { 0x10 } else { 0x08 }
}

fn unknown(token: u8) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a parameter of type 0x{token:02X}, which is not known here"),
    )
}

/// Type and value of a parameter.
pub(super) fn read_parameter(cursor: &mut Cursor<'_>) -> io::Result<(SqlType, Value)> {
    let token = cursor.u8()?;
    let kind = match token {
        0x1F => return Ok((SqlType::Null, Value::Null)),
        0x32 => SqlType::Bit,
        0x30 => SqlType::TinyInt,
        0x34 => SqlType::SmallInt,
        0x38 => SqlType::Int,
        0x7F => SqlType::BigInt,
        0x3B => SqlType::Real,
        0x3E => SqlType::Float,
        0x3C => SqlType::Money,
        0x7A => SqlType::SmallMoney,
        0x3D => SqlType::DateTime,
        0x3A => SqlType::SmallDateTime,
        0x24 | 0x26 | 0x68 | 0x6D | 0x6E | 0x6F => sized(token, cursor.u8()?),
        0x6A | 0x6C => {
            cursor.u8()?;
            let precision = cursor.u8()?;
            SqlType::decimal(precision, cursor.u8()?)
        }
        0x28 => SqlType::Date,
        0x29 => SqlType::Time(cursor.u8()?),
        0x2A => SqlType::DateTime2(cursor.u8()?),
        0x2B => SqlType::DateTimeOffset(cursor.u8()?),
        0xA5 | 0xAD => {
            let length = cursor.u16()?;
            SqlType::Bytes {
                kind: if token == 0xA5 {
                    BytesKind::VarBinary
                } else {
                    BytesKind::Binary
                },
                length,
            }
        }
        0xA7 | 0xAF | 0xE7 | 0xEF => {
            let bytes = cursor.u16()?;
            let collation = Collation::from_wire(cursor.fixed()?);
            let kind = match token {
                0xA7 => TextKind::VarChar,
                0xAF => TextKind::Char,
                0xE7 => TextKind::NVarChar,
                _ => TextKind::NChar,
            };
            let length = if bytes == MAX || !kind.is_unicode() {
                bytes
            } else {
                bytes / 2
            };
            SqlType::Text {
                kind,
                length,
                collation,
            }
        }
        0xF1 => {
            if cursor.u8()? != 0 {
                return Err(unknown(token));
            }
            SqlType::Text {
                kind: TextKind::Xml,
                length: MAX,
                collation: Collation::default_one(),
            }
        }
        0x23 | 0x63 => {
            cursor.u32()?;
            SqlType::Text {
                kind: if token == 0x23 {
                    TextKind::Text
                } else {
                    TextKind::NText
                },
                length: MAX,
                collation: Collation::from_wire(cursor.fixed()?),
            }
        }
        0x22 => {
            cursor.u32()?;
            SqlType::Bytes {
                kind: BytesKind::Image,
                length: MAX,
            }
        }
        _ => return Err(unknown(token)),
    };
    let fixed = matches!(token, 0x30 | 0x32 | 0x34 | 0x38 | 0x3A..=0x3E | 0x7A | 0x7F);
    let Some(bytes) = read_bytes(cursor, kind, fixed)? else {
        return Ok((kind, Value::Null));
    };
    let value = value_of(&bytes, kind)?;
    Ok((kind, value))
}

fn sized(token: u8, size: u8) -> SqlType {
    match (token, size) {
        (0x24, _) => SqlType::Guid,
        (0x68, _) => SqlType::Bit,
        (0x26, 1) => SqlType::TinyInt,
        (0x26, 2) => SqlType::SmallInt,
        (0x26, 8) => SqlType::BigInt,
        (0x6D, 4) => SqlType::Real,
        (0x6D, _) => SqlType::Float,
        (0x6E, 4) => SqlType::SmallMoney,
        (0x6E, _) => SqlType::Money,
        (0x6F, 4) => SqlType::SmallDateTime,
        (0x6F, _) => SqlType::DateTime,
        _ => SqlType::Int,
    }
}

fn read_bytes(
    cursor: &mut Cursor<'_>,
    kind: SqlType,
    fixed: bool,
) -> Result<Option<Vec<u8>>, Short> {
    match width(kind, !fixed) {
        Width::Fixed => {
            let size = usize::try_from(kind.max_length()).map_err(|_| Short)?;
            cursor.take(size).map(|bytes| Some(bytes.to_vec()))
        }
        Width::Byte => match cursor.u8()? {
            0 => Ok(None),
            size => cursor
                .take(usize::from(size))
                .map(|bytes| Some(bytes.to_vec())),
        },
        Width::Word => match cursor.u16()? {
            0xFFFF => Ok(None),
            size => cursor
                .take(usize::from(size))
                .map(|bytes| Some(bytes.to_vec())),
        },
        Width::Chunks => {
            if cursor.u64()? == u64::MAX {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            loop {
                match cursor.u32()? {
                    0 => return Ok(Some(bytes)),
                    size => bytes
                        .extend_from_slice(cursor.take(usize::try_from(size).map_err(|_| Short)?)?),
                }
            }
        }
        Width::Pointer => match cursor.u32()? {
            u32::MAX => Ok(None),
            size => cursor
                .take(usize::try_from(size).map_err(|_| Short)?)
                .map(|bytes| Some(bytes.to_vec())),
        },
    }
}

fn little_endian(bytes: &[u8]) -> i64 {
    let mut whole = [0; 8];
    for (to, from) in whole.iter_mut().zip(bytes) {
        *to = *from;
    }
    i64::from_le_bytes(whole)
}

fn value_of(bytes: &[u8], kind: SqlType) -> Result<Value, Short> {
    let exact = |size: usize| {
        if bytes.len() == size {
            Ok(())
        } else {
            Err(Short)
        }
    };
    let signed = || {
        let shift = 64 - bytes.len().min(8) * 8;
        (little_endian(bytes) << shift) >> shift
    };
    Ok(match kind {
        SqlType::Null => Value::Null,
        SqlType::Bit => Value::Bit(bytes.first().is_some_and(|byte| *byte != 0)),
        SqlType::TinyInt => Value::Int(little_endian(bytes)),
        SqlType::SmallInt | SqlType::Int | SqlType::BigInt => Value::Int(signed()),
        SqlType::Decimal { scale, .. } => {
            let (sign, digits) = bytes.split_first().ok_or(Short)?;
            let mut whole = [0; 16];
            for (to, from) in whole.iter_mut().zip(digits) {
                *to = *from;
            }
            let unscaled = i128::from_le_bytes(whole);
            Value::Decimal(Decimal::new(
                if *sign == 0 { -unscaled } else { unscaled },
                scale,
            ))
        }
        SqlType::SmallMoney => Value::Money(signed()),
        SqlType::Money => {
            exact(8)?;
            Value::Money(little_endian(&[&bytes[4..], &bytes[..4]].concat()))
        }
        SqlType::Real => Value::Float(f64::from(f32::from_le_bytes(
            bytes.try_into().map_err(|_| Short)?,
        ))),
        SqlType::Float => Value::Float(f64::from_le_bytes(bytes.try_into().map_err(|_| Short)?)),
        SqlType::Date => Value::Date(little_endian(bytes)),
        SqlType::Time(scale) => Value::Time(ticks(bytes, scale)),
        SqlType::DateTime => {
            exact(8)?;
            let days = i64::from(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
            let count = little_endian(&bytes[4..]);
            Value::Moment(
                (days + moment::YEAR_1900) * moment::DAY + moment::from_three_hundredths(count),
            )
        }
        SqlType::SmallDateTime => {
            exact(4)?;
            let (days, minutes) = (little_endian(&bytes[..2]), little_endian(&bytes[2..]));
            Value::Moment((days + moment::YEAR_1900) * moment::DAY + minutes * 60 * moment::SECOND)
        }
        SqlType::DateTime2(scale) => {
            let at = bytes.len().checked_sub(3).ok_or(Short)?;
            Value::Moment(little_endian(&bytes[at..]) * moment::DAY + ticks(&bytes[..at], scale))
        }
        SqlType::DateTimeOffset(scale) => {
            let at = bytes.len().checked_sub(5).ok_or(Short)?;
            let minutes = i16::from_le_bytes([bytes[at + 3], bytes[at + 4]]);
            let utc = little_endian(&bytes[at..at + 3]) * moment::DAY + ticks(&bytes[..at], scale);
            Value::Offset(utc, minutes)
        }
        SqlType::Text {
            kind, collation, ..
        } => {
            if kind.is_unicode() {
                Value::text(super::packet::utf16(bytes))
            } else {
                Value::text(collation.decode(bytes))
            }
        }
        SqlType::Bytes { .. } => Value::bytes(bytes),
        SqlType::Guid => Value::Guid(bytes.try_into().map_err(|_| Short)?),
    })
}

fn ticks(bytes: &[u8], scale: u8) -> i64 {
    little_endian(bytes) * 10i64.pow(7 - u32::from(scale.min(7)))
}
