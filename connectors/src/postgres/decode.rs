//! From the binary values of the wire to ours: exact, and never a guess.

use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime};
use fluxion_model::value::{Undecodable, Value};
use rust_decimal::Decimal;
use sqlx::postgres::PgTypeKind;

use super::array;
use super::config::InfiniteDates;
use crate::sql::{ColumnInfo, KeyKind};

/// How a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    Bool,
    Int2,
    Int4,
    Int8,
    /// Unsigned numbers of the catalog.
    Oid,
    Float4,
    Float8,
    Numeric,
    Money,
    Text,
    /// `char(n)`: the spaces at its end mean nothing.
    Padded,
    /// Text that compares without case.
    Citext,
    Jsonb,
    Bytes,
    Uuid,
    Date,
    Time,
    TimeTz,
    DateTime,
    Timestamp,
    Interval,
    Inet,
    Macaddr,
    Bits,
    /// Elements of another plan.
    Array,
    /// Anything else: told apart from others, never read.
    Unknown,
}

/// What reading needs to know besides the type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// How many decimals `money` has on this server.
    pub money_scale: u32,
    pub infinite_dates: InfiniteDates,
}

impl Plan {
    /// By the type's number where it has a fixed one, by its name where an extension brings it.
    pub fn of(oid: u32, name: &str, kind: &PgTypeKind) -> Self {
        match oid {
            16 => Self::Bool,
            21 => Self::Int2,
            23 => Self::Int4,
            20 => Self::Int8,
            26 | 28 | 29 => Self::Oid,
            700 => Self::Float4,
            701 => Self::Float8,
            1700 => Self::Numeric,
            790 => Self::Money,
            // text, varchar, name, "char", json, xml, unknown, refcursor
            25 | 1043 | 19 | 18 | 114 | 142 | 705 | 1790 => Self::Text,
            1042 => Self::Padded,
            3802 => Self::Jsonb,
            17 => Self::Bytes,
            2950 => Self::Uuid,
            1082 => Self::Date,
            1083 => Self::Time,
            1266 => Self::TimeTz,
            1114 => Self::DateTime,
            1184 => Self::Timestamp,
            1186 => Self::Interval,
            650 | 869 => Self::Inet,
            829 => Self::Macaddr,
            1560 | 1562 => Self::Bits,
            _ if name.eq_ignore_ascii_case("citext") => Self::Citext,
            _ => match kind {
                PgTypeKind::Enum(_) => Self::Text,
                PgTypeKind::Array(_) => Self::Array,
                _ => Self::Unknown,
            },
        }
    }

    /// What the shared machinery needs to know of a column.
    pub fn info(self, nullable: bool) -> ColumnInfo {
        let kind = match self {
            Self::Bool => KeyKind::Bool,
            Self::Int2 | Self::Int4 | Self::Int8 | Self::Oid | Self::Float4 | Self::Float8 => {
                KeyKind::Number
            }
            Self::Numeric | Self::Money => KeyKind::Decimal,
            Self::Citext => KeyKind::Text,
            Self::Bytes => KeyKind::Bytes,
            Self::Date => KeyKind::Date,
            Self::Time => KeyKind::Time,
            Self::DateTime => KeyKind::DateTime,
            Self::Timestamp => KeyKind::Timestamp,
            Self::Text
            | Self::Padded
            | Self::Jsonb
            | Self::Uuid
            | Self::TimeTz
            | Self::Interval
            | Self::Inet
            | Self::Macaddr
            | Self::Bits
            | Self::Array
            | Self::Unknown => KeyKind::ExactText,
        };
        let no_key = match self {
            Self::Float4 => Some(
                "is a single-precision number, which does not compare with what was read; write CAST({} AS numeric)",
            ),
            Self::Jsonb | Self::Interval | Self::TimeTz | Self::Array | Self::Unknown => {
                Some("is of a type that cannot identify a row; write CAST({} AS text)")
            }
            _ => None,
        };
        ColumnInfo {
            nullable,
            no_key,
            ..ColumnInfo::of(kind)
        }
    }

    /// Whether a bound value must be cast to the column's own type to be compared with it.
    pub fn needs_cast(self) -> bool {
        matches!(
            self,
            Self::Money
                | Self::Padded
                | Self::Citext
                | Self::Uuid
                | Self::Oid
                | Self::Inet
                | Self::Macaddr
                | Self::Bits
                | Self::Text
        )
    }

    /// Reads one value.
    pub fn read(self, raw: &[u8], reading: Reading) -> Value {
        self.try_read(raw, reading)
            .unwrap_or_else(|| undecodable(raw, "is not in the form its type has on the wire"))
    }

    fn try_read(self, raw: &[u8], reading: Reading) -> Option<Value> {
        Some(match self {
            Self::Bool => Value::Bool(*raw.first()? != 0),
            Self::Int2 => Value::Int(i16::from_be_bytes(raw.try_into().ok()?).into()),
            Self::Int4 => Value::Int(int4(raw)?.into()),
            Self::Int8 => Value::Int(int8(raw)?),
            Self::Oid => Value::Int(u32::from_be_bytes(raw.try_into().ok()?).into()),
            Self::Float4 => {
                // The double nearest to what the database shows: 10.1, not 10.100000381469727.
                let number = f32::from_be_bytes(raw.try_into().ok()?);
                float(number.to_string().parse().unwrap_or_else(|_| number.into()))
            }
            Self::Float8 => float(f64::from_be_bytes(raw.try_into().ok()?)),
            Self::Numeric => numeric(raw)?,
            Self::Money => decimal(i128::from(int8(raw)?), reading.money_scale),
            Self::Text | Self::Citext => text(raw),
            Self::Padded => match text(raw) {
                Value::Text(text) => Value::text(text.trim_end_matches(' ')),
                other => other,
            },
            Self::Jsonb => text(raw.split_first()?.1),
            Self::Bytes => Value::Bytes(raw.into()),
            Self::Uuid => uuid(raw)?,
            Self::Date => date(int4(raw)?, reading),
            Self::DateTime => moment(int8(raw)?, reading, Value::DateTime),
            Self::Timestamp => moment(int8(raw)?, reading, |moment| {
                Value::Timestamp(moment.and_utc())
            }),
            Self::Time => time(int8(raw)?)?,
            Self::TimeTz => {
                let (time_part, west) = raw.split_at_checked(8)?;
                let time = time(int8(time_part)?)?;
                Value::text(format!("{time}{}", offset(-int4(west)?)))
            }
            Self::Interval => interval(raw)?,
            Self::Inet => inet(raw)?,
            Self::Macaddr => {
                let parts: Vec<String> = raw.iter().map(|byte| format!("{byte:02x}")).collect();
                Value::text(parts.join(":"))
            }
            Self::Bits => bits(raw)?,
            Self::Array => array::read(raw, reading)?,
            Self::Unknown => undecodable(
                raw,
                "is of a type this connector cannot read; write CAST(... AS text) in the mapping",
            ),
        })
    }
}

pub(super) fn undecodable(raw: &[u8], reason: &str) -> Value {
    Value::Undecodable(Box::new(Undecodable {
        raw: raw[..raw.len().min(200)].into(),
        reason: reason.to_owned(),
    }))
}

pub(super) fn int4(raw: &[u8]) -> Option<i32> {
    Some(i32::from_be_bytes(raw.try_into().ok()?))
}

fn int8(raw: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(raw.try_into().ok()?))
}

fn float(number: f64) -> Value {
    if number.is_finite() {
        Value::Float(number)
    } else {
        undecodable(number.to_string().as_bytes(), "is no number")
    }
}

fn text(raw: &[u8]) -> Value {
    match std::str::from_utf8(raw) {
        Ok(text) => Value::text(text),
        Err(error) => {
            let at = error.valid_up_to();
            undecodable(
                raw,
                &format!(
                    "byte 0x{:02x} at position {at} is not valid in UTF-8",
                    raw[at]
                ),
            )
        }
    }
}

/// Digits to the base of ten thousand, their weight, a sign, and how many decimals to show.
fn numeric(raw: &[u8]) -> Option<Value> {
    let half = |at: usize| {
        let bytes = raw.get(2 * at..2 * at + 2)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    };
    let (count, sign, scale) = (half(0)?, half(2)?, u32::from(half(3)?));
    let weight = i32::from(half(1)?.cast_signed());
    let negative = match sign {
        0x0000 => false,
        0x4000 => true,
        0xC000 => return Some(undecodable(b"NaN", "is no number")),
        0xD000 => return Some(undecodable(b"Infinity", "is no number")),
        _ => return Some(undecodable(b"-Infinity", "is no number")),
    };
    let mut text = String::from(if negative { "-" } else { "" });
    let digits = (0..usize::from(count)).map(|i| half(4 + i));
    let digits: Vec<u16> = digits.collect::<Option<_>>()?;
    let mut number = Some(0_i128);
    for digit in &digits {
        number = number.and_then(|n| n.checked_mul(10_000)?.checked_add(i128::from(*digit)));
    }
    // The number is its digits times ten to this power; shown with `scale` decimals.
    let power = 4 * (weight - i32::from(count) + 1) + i32::try_from(scale).ok()?;
    let shifted = number.and_then(|number| match u32::try_from(power) {
        Ok(up) => number.checked_mul(10_i128.checked_pow(up)?),
        Err(_) => Some(number / 10_i128.checked_pow(power.unsigned_abs())?),
    });
    if let Some(number) = shifted {
        let number = if negative { -number } else { number };
        if let Value::Decimal(number) = decimal(number, scale) {
            return Some(Value::Decimal(number));
        }
    }
    write_digits(&mut text, &digits, weight, scale);
    Some(undecodable(text.as_bytes(), "has more than 28 digits"))
}

/// Zeros at the end of a fraction do not count where there are too many digits.
fn decimal(mut number: i128, mut scale: u32) -> Value {
    loop {
        match Decimal::try_from_i128_with_scale(number, scale) {
            Ok(exact) => return Value::Decimal(exact),
            Err(_) if scale > 0 && number % 10 == 0 => {
                number /= 10;
                scale -= 1;
            }
            Err(_) => return undecodable(number.to_string().as_bytes(), "has more than 28 digits"),
        }
    }
}

fn write_digits(text: &mut String, digits: &[u16], weight: i32, scale: u32) {
    let digit = |at: i32| usize::try_from(at).ok().and_then(|at| digits.get(at));
    let group = |at: i32| digit(at).copied().unwrap_or(0);
    let whole: String = (0..=weight).map(|at| format!("{:04}", group(at))).collect();
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale == 0 {
        return;
    }
    let groups = i32::try_from(scale.div_ceil(4)).unwrap_or(0);
    let fraction: String = (1..=groups)
        .map(|i| format!("{:04}", group(weight + i)))
        .collect();
    text.push('.');
    text.push_str(fraction.get(..scale as usize).unwrap_or(&fraction));
}

fn uuid(raw: &[u8]) -> Option<Value> {
    let number = u128::from_be_bytes(raw.try_into().ok()?);
    let hex = format!("{number:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Some(Value::text(parts.join("-")))
}

fn epoch() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2000, 1, 1)
        .unwrap_or_default()
        .and_time(NaiveTime::MIN)
}

fn infinite(is_positive: bool, reading: Reading) -> Value {
    match reading.infinite_dates {
        InfiniteDates::Null => Value::Null,
        InfiniteDates::Undecodable => {
            let raw: &[u8] = if is_positive {
                b"infinity"
            } else {
                b"-infinity"
            };
            undecodable(raw, "is no day of any calendar")
        }
    }
}

fn date(days: i32, reading: Reading) -> Value {
    if days == i32::MAX || days == i32::MIN {
        return infinite(days > 0, reading);
    }
    let date = epoch()
        .date()
        .checked_add_signed(Duration::days(days.into()));
    date.map_or_else(
        || undecodable(days.to_string().as_bytes(), "is beyond our calendar"),
        Value::Date,
    )
}

fn moment(micros: i64, reading: Reading, value: impl Fn(NaiveDateTime) -> Value) -> Value {
    if micros == i64::MAX || micros == i64::MIN {
        return infinite(micros > 0, reading);
    }
    let moment = epoch().checked_add_signed(Duration::microseconds(micros));
    moment.map_or_else(
        || undecodable(micros.to_string().as_bytes(), "is beyond our calendar"),
        value,
    )
}

/// A time of day; 24:00:00 is none and stays text.
fn time(micros: i64) -> Option<Value> {
    let seconds = u32::try_from(micros / 1_000_000).ok()?;
    let nanos = u32::try_from(micros % 1_000_000 * 1000).ok()?;
    Some(
        match NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos) {
            Some(time) => Value::Time(time),
            None => Value::text("24:00:00"),
        },
    )
}

/// As in `-04` or `+05:30`.
fn offset(east: i32) -> String {
    let sign = if east < 0 { '-' } else { '+' };
    let minutes = east.unsigned_abs() / 60;
    match minutes % 60 {
        0 => format!("{sign}{:02}", minutes / 60),
        rest => format!("{sign}{:02}:{rest:02}", minutes / 60),
    }
}

/// As the database shows it: `1 year 2 mons -3 days 04:05:06.5`.
fn interval(raw: &[u8]) -> Option<Value> {
    let micros = int8(raw.get(..8)?)?;
    let days = int4(raw.get(8..12)?)?;
    let months = int4(raw.get(12..16)?)?;
    let mut parts = Vec::new();
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        match count {
            0 => {}
            1 => parts.push(format!("{count} {unit}")),
            _ => parts.push(format!("{count} {unit}s")),
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        let total = micros.unsigned_abs();
        let (seconds, fraction) = (total / 1_000_000, total % 1_000_000);
        let mut clock = format!(
            "{sign}{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        if fraction != 0 {
            clock.push_str(format!(".{fraction:06}").trim_end_matches('0'));
        }
        parts.push(clock);
    }
    Some(Value::text(parts.join(" ")))
}

fn inet(raw: &[u8]) -> Option<Value> {
    let [family, bits, is_cidr, _length, address @ ..] = raw else {
        return None;
    };
    let (address, whole) = match family {
        2 => {
            let bytes: [u8; 4] = address.try_into().ok()?;
            (Ipv4Addr::from(bytes).to_string(), 32)
        }
        _ => {
            let bytes: [u8; 16] = address.try_into().ok()?;
            (Ipv6Addr::from(bytes).to_string(), 128)
        }
    };
    Some(Value::text(if *bits == whole && *is_cidr == 0 {
        address
    } else {
        format!("{address}/{bits}")
    }))
}

fn bits(raw: &[u8]) -> Option<Value> {
    let length = usize::try_from(int4(raw.get(..4)?)?).ok()?;
    let all: String = raw[4..].iter().map(|byte| format!("{byte:08b}")).collect();
    Some(Value::text(all.get(..length)?))
}

/// A moment the server told.
pub(super) fn utc(value: &Value) -> Option<DateTime<chrono::Utc>> {
    match value {
        Value::DateTime(moment) => Some(moment.and_utc()),
        Value::Timestamp(moment) => Some(*moment),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Reading = Reading {
        money_scale: 2,
        infinite_dates: InfiniteDates::Undecodable,
    };

    fn wire(digits: &[u16], weight: i16, sign: u16, scale: u16) -> Vec<u8> {
        let count = u16::try_from(digits.len()).unwrap();
        let head = [count, weight.cast_unsigned(), sign, scale];
        let all = head.iter().chain(digits);
        all.flat_map(|half| half.to_be_bytes()).collect()
    }

    fn shown(raw: &[u8]) -> String {
        match Plan::Numeric.read(raw, READING) {
            Value::Decimal(number) => number.to_string(),
            Value::Undecodable(broken) => {
                format!("{} {}", String::from_utf8_lossy(&broken.raw), broken.reason)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_numeric_keeps_every_digit_and_its_scale() {
        assert_eq!(shown(&wire(&[], 0, 0, 2)), "0.00");
        assert_eq!(shown(&wire(&[1, 5000], 0, 0x4000, 2)), "-1.50");
        assert_eq!(shown(&wire(&[1234, 5678, 9012], 2, 0, 0)), "123456789012");
        assert_eq!(shown(&wire(&[12], 2, 0, 0)), "1200000000");
        assert_eq!(shown(&wire(&[5], -2, 0, 8)), "0.00000005");
    }

    #[test]
    fn what_is_no_exact_number_is_shown_as_it_came() {
        assert_eq!(shown(&wire(&[], 0, 0xC000, 0)), "NaN is no number");
        let long = shown(&wire(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 7, 0, 5));
        assert_eq!(
            long,
            "10002000300040005000600070008.00090 has more than 28 digits"
        );
    }

    #[test]
    fn intervals_read_as_the_database_shows_them() {
        let raw = |micros: i64, days: i32, months: i32| {
            let mut raw = micros.to_be_bytes().to_vec();
            raw.extend(days.to_be_bytes());
            raw.extend(months.to_be_bytes());
            Plan::Interval.read(&raw, READING).to_string()
        };
        assert_eq!(raw(0, 0, 0), "00:00:00");
        assert_eq!(
            raw(14_706_500_000, -3, 14),
            "1 year 2 mons -3 days 04:05:06.5"
        );
        assert_eq!(raw(-1_000_000, 1, 0), "1 day -00:00:01");
    }
}
