//! From one type to another, as `CAST`, `CONVERT` and assignment do it.

use uuid::Uuid;

use super::decimal::Decimal;
use super::moment;
use super::styles;
use super::types::{BytesKind, MAX, SqlType, TextKind};
use super::value::Value;
use crate::error::SqlError;

type Converted = Result<Value, SqlError>;

/// What to do with text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// `CAST` cuts it off.
    Cut,
    /// A column refuses it (error 8152).
    Refuse,
}

/// Converts with `CONVERT`'s default style.
pub(crate) fn convert(value: &Value, from: SqlType, to: SqlType) -> Converted {
    styled(value, from, to, None, Fit::Cut)
}

/// Converts for a column.
pub(crate) fn store(value: &Value, from: SqlType, to: SqlType) -> Converted {
    styled(value, from, to, None, Fit::Refuse)
}

/// Converts in a style of `CONVERT`.
pub(crate) fn styled(
    value: &Value,
    from: SqlType,
    to: SqlType,
    style: Option<i64>,
    fit: Fit,
) -> Converted {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match to {
        SqlType::Null => Ok(value.clone()),
        SqlType::Bit => to_bit(value, from),
        SqlType::TinyInt => to_integer(value, from, to, 0, 255),
        SqlType::SmallInt => to_integer(value, from, to, i64::from(i16::MIN), i64::from(i16::MAX)),
        SqlType::Int => to_integer(value, from, to, i64::from(i32::MIN), i64::from(i32::MAX)),
        SqlType::BigInt => to_integer(value, from, to, i64::MIN, i64::MAX),
        SqlType::Decimal { precision, scale } => to_decimal(value, from, to, scale)
            .and_then(|d| d.rescale(scale).map_err(|_| number_overflow(from, to)))
            .and_then(|d| {
                if d.fits(precision) {
                    Ok(Value::Decimal(d))
                } else {
                    Err(number_overflow(from, to))
                }
            }),
        SqlType::Money | SqlType::SmallMoney => to_money(value, from, to),
        SqlType::Real => to_float(value, from, to).map(|f| {
            #[allow(clippy::cast_possible_truncation)]
            let short = f as f32;
            Value::Float(f64::from(short))
        }),
        SqlType::Float => to_float(value, from, to).map(Value::Float),
        SqlType::Date
        | SqlType::Time(_)
        | SqlType::DateTime
        | SqlType::SmallDateTime
        | SqlType::DateTime2(_)
        | SqlType::DateTimeOffset(_) => to_temporal(value, from, to),
        SqlType::Text { kind, length, .. } => to_text(value, from, to, kind, length, style, fit),
        SqlType::Bytes { kind, length } => to_bytes(value, from, to, kind, length, style, fit),
        SqlType::Guid => to_guid(value, from, to),
    }
}

fn refused(from: SqlType, to: SqlType) -> SqlError {
    SqlError::general(
        529,
        format!(
            "Explicit conversion from data type {} to {} is not allowed.",
            from.name(),
            to.name()
        ),
    )
}

fn failed(value: &str, from: SqlType, to: SqlType) -> SqlError {
    match to {
        _ if to.is_temporal() => SqlError::general(
            241,
            "Conversion failed when converting date and/or time from character string.",
        ),
        SqlType::Decimal { .. } | SqlType::Float | SqlType::Real => SqlError::general(
            8114,
            format!(
                "Error converting data type {} to {}.",
                from.name(),
                numeric_name(to)
            ),
        ),
        SqlType::Money | SqlType::SmallMoney => SqlError::general(
            235,
            "Cannot convert a char value to money. The char value has incorrect syntax.",
        ),
        SqlType::Guid => SqlError::general(
            8169,
            "Conversion failed when converting from a character string to uniqueidentifier.",
        ),
        _ => SqlError::general(
            245,
            format!(
                "Conversion failed when converting the {} value '{value}' to data type {}.",
                from.name(),
                to.name()
            ),
        ),
    }
}

/// `decimal` is called `numeric` in messages.
fn numeric_name(kind: SqlType) -> &'static str {
    match kind {
        SqlType::Decimal { .. } => "numeric",
        other => other.name(),
    }
}

fn number_overflow(from: SqlType, to: SqlType) -> SqlError {
    SqlError::general(
        8115,
        format!(
            "Arithmetic overflow error converting {} to data type {}.",
            numeric_name(from),
            numeric_name(to)
        ),
    )
}

fn to_bit(value: &Value, from: SqlType) -> Converted {
    let bit = match value {
        Value::Bit(bit) => *bit,
        Value::Int(number) | Value::Money(number) => *number != 0,
        Value::Decimal(decimal) => decimal.unscaled != 0,
        Value::Float(number) => *number != 0.0,
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" | "" => false,
            digits => {
                digits
                    .parse::<i64>()
                    .map_err(|_| failed(text, from, SqlType::Bit))?
                    != 0
            }
        },
        Value::Bytes(bytes) => bytes.iter().any(|byte| *byte != 0),
        _ => return Err(refused(from, SqlType::Bit)),
    };
    Ok(Value::Bit(bit))
}

fn to_integer(value: &Value, from: SqlType, to: SqlType, low: i64, high: i64) -> Converted {
    let number = match value {
        Value::Text(text) if text.trim().is_empty() => 0,
        Value::Text(text) => {
            let digits = text.trim();
            if !digits
                .trim_start_matches(['-', '+'])
                .bytes()
                .all(|b| b.is_ascii_digit())
            {
                return Err(failed(text, from, to));
            }
            digits
                .parse::<i64>()
                .map_err(|_| text_overflow(text, from, to))?
        }
        Value::Money(number) => (number + 5_000 * number.signum()) / 10_000,
        #[allow(clippy::cast_precision_loss)]
        Value::Float(number) if number.abs() >= i64::MAX as f64 => {
            return Err(number_overflow(from, to));
        }
        Value::Moment(_) if from == SqlType::DateTime || from == SqlType::SmallDateTime => {
            to_decimal(value, from, to, 0)?
                .rescale(0)
                .ok()
                .and_then(|d| i64::try_from(d.unscaled).ok())
                .ok_or_else(|| refused(from, to))?
        }
        Value::Bytes(bytes) => {
            // Bytes to a number: the last eight count, the sign bit included.
            let width = usize::try_from(to.max_length()).unwrap_or(8);
            let tail = &bytes[bytes.len().saturating_sub(width)..];
            let bits = tail.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
            sign_extend(bits, width, tail.len())
        }
        other => other.as_int().ok_or_else(|| refused(from, to))?,
    };
    if (low..=high).contains(&number) {
        Ok(Value::Int(number))
    } else if let Value::Text(text) = value {
        Err(text_overflow(text, from, to))
    } else {
        let mut error = SqlError::overflow(to.name());
        if to != SqlType::Int {
            error.number = 220;
            error.message = format!(
                "Arithmetic overflow error for data type {}, value = {number}.",
                to.name()
            );
        }
        Err(error)
    }
}

fn sign_extend(bits: u64, width: usize, given: usize) -> i64 {
    if given < width || width == 1 {
        return bits.cast_signed();
    }
    let shift = 64 - width * 8;
    (bits << shift).cast_signed() >> shift
}

fn text_overflow(text: &str, from: SqlType, to: SqlType) -> SqlError {
    if to == SqlType::BigInt {
        return SqlError::general(
            8114,
            format!("Error converting data type {} to bigint.", from.name()),
        );
    }
    SqlError::general(
        248,
        format!(
            "The conversion of the {} value '{text}' overflowed an {} column.",
            from.name(),
            to.name()
        ),
    )
}

/// An exact decimal; a float gets `scale` digits behind the point.
pub(crate) fn to_decimal(
    value: &Value,
    from: SqlType,
    to: SqlType,
    scale: u8,
) -> Result<Decimal, SqlError> {
    let decimal = match value {
        Value::Bit(bit) => Decimal::new(i128::from(*bit), 0),
        Value::Int(number) => Decimal::new(i128::from(*number), 0),
        Value::Decimal(decimal) => *decimal,
        Value::Money(number) => Decimal::new(i128::from(*number), 4),
        Value::Float(number) => {
            Decimal::from_f64(*number, scale).map_err(|_| number_overflow(from, to))?
        }
        Value::Text(text) => Decimal::parse(text).ok_or_else(|| failed(text, from, to))?,
        Value::Moment(at) => {
            // Days since 1900, as `datetime` counts.
            let ticks = i128::from(at - moment::YEAR_1900 * moment::DAY);
            let scaled = ticks * 1_000_000_000 / i128::from(moment::DAY);
            Decimal::new(scaled, 9)
        }
        _ => return Err(refused(from, to)),
    };
    Ok(decimal)
}

fn to_money(value: &Value, from: SqlType, to: SqlType) -> Converted {
    let decimal = match value {
        Value::Text(text) => {
            let plain: String = text
                .trim()
                .chars()
                .filter(|c| !matches!(c, '$' | ','))
                .collect();
            Decimal::parse(&plain).ok_or_else(|| failed(text, from, to))?
        }
        other => to_decimal(other, from, to, 4)?,
    };
    let number = decimal
        .rescale(4)
        .ok()
        .and_then(|d| i64::try_from(d.unscaled).ok())
        .ok_or_else(|| number_overflow(from, to))?;
    if to == SqlType::SmallMoney && i32::try_from(number).is_err() {
        return Err(number_overflow(from, to));
    }
    Ok(Value::Money(number))
}

fn to_float(value: &Value, from: SqlType, to: SqlType) -> Result<f64, SqlError> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Text(text) => text.trim().parse().map_err(|_| failed(text, from, to)),
        other => Ok(to_decimal(other, from, to, 0)?.to_f64()),
    }
}

fn to_temporal(value: &Value, from: SqlType, to: SqlType) -> Converted {
    let out_of_range = || {
        SqlError::general(
            242,
            format!(
                "The conversion of a {} data type to a {} data type resulted in an out-of-range value.",
                from.name(),
                to.name()
            ),
        )
    };
    let (local, offset) = match value {
        Value::Date(days) => (days * moment::DAY, 0),
        Value::Time(ticks) => (moment::YEAR_1900 * moment::DAY + ticks, 0),
        Value::Moment(at) => (*at, 0),
        Value::Offset(utc, minutes) => (utc + i64::from(*minutes) * 60 * moment::SECOND, *minutes),
        Value::Text(text) => {
            let parsed = moment::parse(text).ok_or_else(|| failed(text, from, to))?;
            (parsed.moment(), parsed.offset.unwrap_or(0))
        }
        Value::Int(_) | Value::Float(_) | Value::Decimal(_)
            if matches!(to, SqlType::DateTime | SqlType::SmallDateTime) =>
        {
            let days = to_decimal(value, from, to, 9)?;
            let ticks = days
                .multiply(Decimal::new(i128::from(moment::DAY), 0), 0)
                .ok()
                .and_then(|d| i64::try_from(d.unscaled).ok())
                .ok_or_else(out_of_range)?;
            (moment::YEAR_1900 * moment::DAY + ticks, 0)
        }
        _ => return Err(refused(from, to)),
    };
    let within = |at: i64, low: i64, high: i64| {
        if (low * moment::DAY..high * moment::DAY).contains(&at) {
            Ok(at)
        } else {
            Err(out_of_range())
        }
    };
    Ok(match to {
        SqlType::Date => Value::Date(within(local, 0, moment::END)?.div_euclid(moment::DAY)),
        SqlType::Time(scale) => {
            Value::Time(moment::to_scale(moment::split(local).1, scale) % moment::DAY)
        }
        SqlType::DateTime => Value::Moment(within(
            moment::to_datetime(local),
            639_905, // 1753-01-01
            moment::END,
        )?),
        SqlType::SmallDateTime => Value::Moment(within(
            moment::to_smalldatetime(local),
            moment::YEAR_1900,
            moment::YEAR_1900 + 65_536,
        )?),
        SqlType::DateTime2(scale) => {
            Value::Moment(within(moment::to_scale(local, scale), 0, moment::END)?)
        }
        SqlType::DateTimeOffset(scale) => {
            let local = within(moment::to_scale(local, scale), 0, moment::END)?;
            Value::Offset(local - i64::from(offset) * 60 * moment::SECOND, offset)
        }
        _ => return Err(refused(from, to)),
    })
}

/// A value as text, in the style of `CONVERT` where it has one.
pub(crate) fn display(
    value: &Value,
    from: SqlType,
    style: Option<i64>,
) -> Result<String, SqlError> {
    let unknown = |style: i64| {
        SqlError::general(
            281,
            format!(
                "{style} is not a valid style number when converting from {} to a character string.",
                from.name()
            ),
        )
    };
    Ok(match value {
        Value::Null => String::new(),
        Value::Bit(bit) => u8::from(*bit).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(decimal) => decimal.to_string(),
        Value::Money(number) => {
            let scale = if style.unwrap_or(0) == 2 { 4 } else { 2 };
            Decimal::new(i128::from(*number), 4)
                .rescale(scale)
                .map_err(|_| SqlError::overflow("money"))?
                .to_string()
        }
        Value::Float(number) if style.unwrap_or(0) == 0 => styles::float(*number),
        Value::Float(number) if style == Some(3) => number.to_string(),
        Value::Float(number) => format!("{number:.15e}"),
        Value::Date(days) => match style {
            None => moment::format_date(*days),
            Some(style) => styles::moment(days * moment::DAY, 0, style)
                .map(|text| text.split(' ').next().unwrap_or_default().to_owned())
                .ok_or_else(|| unknown(style))?,
        },
        Value::Time(ticks) => moment::format_time(*ticks, from.precision_scale().1),
        Value::Moment(at) => {
            let (default, scale) = match from {
                SqlType::DateTime => (0, 3),
                SqlType::SmallDateTime => (0, 0),
                _ => (121, from.precision_scale().1),
            };
            let at = if scale == 3 {
                moment::to_scale(*at, 3)
            } else {
                *at
            };
            let style = style.unwrap_or(default);
            styles::moment(at, scale, style).ok_or_else(|| unknown(style))?
        }
        Value::Offset(utc, minutes) => {
            let local = utc + i64::from(*minutes) * 60 * moment::SECOND;
            let scale = from.precision_scale().1;
            let style = style.unwrap_or(121);
            let text = styles::moment(local, scale, style).ok_or_else(|| unknown(style))?;
            match style {
                126 | 127 => format!("{text}{}", moment::format_offset(*minutes)),
                _ => format!("{text} {}", moment::format_offset(*minutes)),
            }
        }
        Value::Text(text) => text.to_string(),
        Value::Bytes(bytes) => match style {
            Some(style @ (1 | 2)) => styles::bytes(bytes, style),
            _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
        },
        Value::Guid(bytes) => Uuid::from_bytes_le(*bytes)
            .hyphenated()
            .to_string()
            .to_uppercase(),
    })
}

fn to_text(
    value: &Value,
    from: SqlType,
    to: SqlType,
    kind: TextKind,
    length: u16,
    style: Option<i64>,
    fit: Fit,
) -> Converted {
    let text = match value {
        Value::Text(text) => text.to_string(),
        Value::Bytes(bytes) if kind.is_unicode() && !matches!(style, Some(1 | 2)) => {
            let units: Vec<u16> = bytes
                .chunks(2)
                .map(|pair| u16::from(pair[0]) | u16::from(*pair.get(1).unwrap_or(&0)) << 8)
                .collect();
            String::from_utf16_lossy(&units)
        }
        other => display(other, from, style)?,
    };
    let text = match to {
        SqlType::Text {
            collation, kind, ..
        } if !kind.is_unicode() && !text.is_ascii() => collation.decode(&collation.encode(&text)),
        _ => text,
    };
    if length == MAX {
        return Ok(Value::text(text));
    }
    let limit = usize::from(length);
    let count = if kind.is_unicode() {
        text.encode_utf16().count()
    } else {
        to.collation().map_or(text.len(), |c| c.encode(&text).len())
    };
    let mut text = text;
    if count > limit {
        if fit == Fit::Refuse && !text.chars().skip(limit).all(|c| c == ' ') {
            return Err(SqlError::general(
                8152,
                "String or binary data would be truncated.",
            ));
        }
        if !from.is_text() && !matches!(value, Value::Bytes(_)) {
            return Err(number_overflow(from, to));
        }
        while text.encode_utf16().count() > limit {
            text.pop();
        }
    }
    if matches!(kind, TextKind::Char | TextKind::NChar) {
        let missing = limit.saturating_sub(count);
        text.extend(std::iter::repeat_n(' ', missing));
    }
    Ok(Value::text(text))
}

fn to_bytes(
    value: &Value,
    from: SqlType,
    to: SqlType,
    kind: BytesKind,
    length: u16,
    style: Option<i64>,
    fit: Fit,
) -> Converted {
    let limit = usize::from(length);
    let mut is_number = false;
    let mut bytes = match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::Text(text) if matches!(style, Some(1 | 2)) => hex(text).ok_or_else(|| {
            SqlError::general(8114, "Error converting data type varchar to varbinary.")
        })?,
        Value::Text(text) if from.is_unicode() => {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        }
        Value::Text(text) => match from.collation() {
            Some(collation) => collation.encode(text),
            None => text.as_bytes().to_vec(),
        },
        Value::Int(number) => {
            is_number = true;
            let width = usize::try_from(from.max_length()).unwrap_or(4);
            number.to_be_bytes()[8 - width..].to_vec()
        }
        Value::Bit(bit) => {
            is_number = true;
            vec![u8::from(*bit)]
        }
        Value::Money(number) => {
            is_number = true;
            number.to_be_bytes().to_vec()
        }
        Value::Guid(bytes) => bytes.to_vec(),
        _ => return Err(refused(from, to)),
    };
    if length == MAX {
        return Ok(Value::bytes(bytes));
    }
    if bytes.len() > limit {
        if is_number {
            bytes.drain(..bytes.len() - limit);
        } else if fit == Fit::Refuse {
            return Err(SqlError::general(
                8152,
                "String or binary data would be truncated.",
            ));
        } else {
            bytes.truncate(limit);
        }
    }
    if matches!(kind, BytesKind::Binary | BytesKind::RowVersion) && bytes.len() < limit {
        if is_number {
            let mut padded = vec![0; limit - bytes.len()];
            padded.append(&mut bytes);
            bytes = padded;
        } else {
            bytes.resize(limit, 0);
        }
    }
    Ok(Value::bytes(bytes))
}

/// Bytes from hexadecimal digits, with or without `0x`.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim();
    let digits = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .unwrap_or(digits);
    if !digits.is_ascii() || digits.len() % 2 == 1 {
        return None;
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}

fn to_guid(value: &Value, from: SqlType, to: SqlType) -> Converted {
    match value {
        Value::Guid(bytes) => Ok(Value::Guid(*bytes)),
        Value::Text(text) => {
            let inner = text.trim().trim_matches(['{', '}']);
            let parsed = Uuid::parse_str(inner).map_err(|_| failed(text, from, to))?;
            Ok(Value::Guid(parsed.to_bytes_le()))
        }
        Value::Bytes(bytes) => {
            let mut guid = [0; 16];
            for (at, byte) in guid.iter_mut().zip(bytes.iter()) {
                *at = *byte;
            }
            Ok(Value::Guid(guid))
        }
        _ => Err(refused(from, to)),
    }
}
