//! What the functions of T-SQL do with values. Those that ask the server about itself stand in [`super::system`].

use super::bind::Runner;
use super::evaluate::Frame;
use super::plan::Typed;
use crate::data::convert::{convert, display};
use crate::data::decimal::Decimal;
use crate::data::moment::{self, Date};
use crate::data::types::SqlType;
use crate::data::value::Value;
use crate::error::{Result, SqlError};

/// Arguments with their types, worked out for one row.
pub(super) struct Arguments<'a> {
    pub values: Vec<Value>,
    pub kinds: Vec<SqlType>,
    pub name: &'a str,
}

impl Arguments<'_> {
    pub fn value(&self, at: usize) -> &Value {
        self.values.get(at).unwrap_or(&Value::Null)
    }

    pub fn text(&self, at: usize) -> Result<Option<String>> {
        let value = self.value(at);
        if value.is_null() {
            return Ok(None);
        }
        Ok(Some(display(value, self.kinds[at], None)?))
    }

    pub fn int(&self, at: usize) -> Option<i64> {
        self.value(at).as_int()
    }

    /// Local ticks since the year 1.
    fn moment(&self, at: usize) -> Result<Option<i64>> {
        let value = self.value(at);
        if value.is_null() {
            return Ok(None);
        }
        let kind = self.kinds[at];
        if let Value::Offset(utc, minutes) = value {
            return Ok(Some(utc + i64::from(*minutes) * 60 * moment::SECOND));
        }
        match convert(value, kind, SqlType::DateTime2(7))? {
            Value::Moment(at) => Ok(Some(at)),
            _ => Ok(None),
        }
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn position(number: i64, length: usize) -> usize {
    usize::try_from(number.max(0)).unwrap_or(0).min(length)
}

impl Runner<'_> {
    pub(super) fn invoke(
        &self,
        name: &str,
        arguments: &[Typed],
        frame: &Frame<'_>,
    ) -> Result<Value> {
        if name == "ISNULL" {
            let first = self.typed(&arguments[0], frame)?;
            return if first.is_null() {
                self.typed(&arguments[1], frame)
            } else {
                Ok(first)
            };
        }
        let arguments = Arguments {
            values: arguments
                .iter()
                .map(|argument| self.typed(argument, frame))
                .collect::<Result<_>>()?,
            kinds: arguments.iter().map(|argument| argument.kind).collect(),
            name,
        };
        if let Some(value) = texts(&arguments)? {
            return Ok(value);
        }
        if let Some(value) = numbers(&arguments)? {
            return Ok(value);
        }
        if let Some(value) = dates(&arguments)? {
            return Ok(value);
        }
        self.about_server(&arguments)
    }
}

/// Functions on text and bytes; NULL in, NULL out.
fn texts(arguments: &Arguments<'_>) -> Result<Option<Value>> {
    let name = arguments.name;
    if matches!(name, "CONCAT" | "CONCAT_WS") {
        let mut parts = Vec::new();
        for at in 0..arguments.values.len() {
            parts.push(arguments.text(at)?);
        }
        let joined = if name == "CONCAT" {
            parts.into_iter().flatten().collect::<String>()
        } else {
            let mut parts = parts.into_iter();
            let separator = parts.next().flatten().unwrap_or_default();
            parts.flatten().collect::<Vec<_>>().join(&separator)
        };
        return Ok(Some(Value::text(joined)));
    }
    if !matches!(
        name,
        "LEN"
            | "DATALENGTH"
            | "UPPER"
            | "LOWER"
            | "LTRIM"
            | "RTRIM"
            | "TRIM"
            | "REVERSE"
            | "SUBSTRING"
            | "LEFT"
            | "RIGHT"
            | "REPLACE"
            | "REPLICATE"
            | "SPACE"
            | "STUFF"
            | "CHARINDEX"
            | "PATINDEX"
            | "ASCII"
            | "UNICODE"
            | "CHAR"
            | "NCHAR"
            | "STR"
            | "QUOTENAME"
            | "PARSENAME"
    ) {
        return Ok(None);
    }
    let optional = if matches!(name, "STR" | "CHARINDEX") {
        1
    } else {
        arguments.values.len()
    };
    if arguments.values.iter().take(optional).any(Value::is_null) {
        return Ok(Some(Value::Null));
    }
    if let Value::Bytes(bytes) = arguments.value(0) {
        match name {
            "LEN" | "DATALENGTH" => {
                return Ok(Some(Value::Int(i64::try_from(bytes.len()).unwrap_or(0))));
            }
            "SUBSTRING" => {
                let start = arguments.int(1).unwrap_or(1) - 1;
                let end = start + arguments.int(2).unwrap_or(0);
                let (start, end) = (position(start, bytes.len()), position(end, bytes.len()));
                return Ok(Some(Value::bytes(&bytes[start..end.max(start)])));
            }
            _ => {}
        }
    }
    let text = arguments.text(0)?.unwrap_or_default();
    let second = |at: usize| arguments.text(at).map(Option::unwrap_or_default);
    let number = |at: usize| arguments.int(at).unwrap_or(0);
    let count = |n: usize| Value::Int(i64::try_from(n).unwrap_or(0));
    Ok(Some(match name {
        "LEN" => count(text.trim_end_matches(' ').encode_utf16().count()),
        "DATALENGTH" => data_length(arguments.value(0), arguments.kinds[0]),
        "UPPER" => Value::text(text.to_uppercase()),
        "LOWER" => Value::text(text.to_lowercase()),
        "LTRIM" => Value::text(text.trim_start_matches(' ')),
        "RTRIM" => Value::text(text.trim_end_matches(' ')),
        "TRIM" => Value::text(text.trim_matches(' ')),
        "REVERSE" => Value::text(text.chars().rev().collect::<String>()),
        "SUBSTRING" => {
            let text = chars(&text);
            let start = number(1) - 1;
            let end = position(start + number(2), text.len());
            let start = position(start, text.len());
            Value::text(text[start..end.max(start)].iter().collect::<String>())
        }
        "LEFT" => Value::text(
            text.chars()
                .take(position(number(1), text.len()))
                .collect::<String>(),
        ),
        "RIGHT" => {
            let text = chars(&text);
            let keep = position(number(1), text.len());
            Value::text(text[text.len() - keep..].iter().collect::<String>())
        }
        "REPLACE" => {
            let (from, to) = (second(1)?, second(2)?);
            Value::text(if from.is_empty() {
                text
            } else {
                text.replace(&from, &to)
            })
        }
        "REPLICATE" => Value::text(text.repeat(position(number(1), 8000))),
        "SPACE" => Value::text(" ".repeat(position(number(0), 8000))),
        "STUFF" => {
            let mut text = chars(&text);
            let start = position(number(1) - 1, text.len());
            let end = position(number(1) - 1 + number(2), text.len()).max(start);
            text.splice(start..end, second(3)?.chars());
            Value::text(text.into_iter().collect::<String>())
        }
        "CHARINDEX" => {
            let within = second(1)?.to_lowercase();
            let skip = position(number(2) - 1, within.chars().count());
            let start = within
                .char_indices()
                .nth(skip)
                .map_or(within.len(), |(at, _)| at);
            let found = within[start..].find(&text.to_lowercase());
            count(found.map_or(0, |at| within[..start + at].chars().count() + 1))
        }
        "PATINDEX" => {
            let within = chars(&second(1)?.to_lowercase());
            let pattern = chars(text.to_lowercase().trim_start_matches('%'));
            let found = (0..=within.len())
                .find(|at| super::evaluate::matches(&within[*at..], &pattern, None));
            count(found.map_or(0, |at| at + 1))
        }
        "ASCII" | "UNICODE" => {
            Value::Int(text.chars().next().map_or(0, |c| i64::from(u32::from(c))))
        }
        "CHAR" | "NCHAR" => u32::try_from(number(0))
            .ok()
            .and_then(char::from_u32)
            .map_or(Value::Null, |c| Value::text(c.to_string())),
        "STR" => {
            let length = arguments.int(1).unwrap_or(10);
            let scale = u8::try_from(arguments.int(2).unwrap_or(0)).unwrap_or(0);
            let value = convert(
                arguments.value(0),
                arguments.kinds[0],
                SqlType::decimal(38, scale.min(16)),
            )?;
            let shown = display(&value, SqlType::decimal(38, scale.min(16)), None)?;
            Value::text(format!("{shown:>width$}", width = position(length, 8000)))
        }
        "QUOTENAME" => Value::text(format!("[{}]", text.replace(']', "]]"))),
        _ => {
            let parts: Vec<&str> = text.rsplit('.').collect();
            let at = position(number(1) - 1, parts.len());
            parts.get(at).map_or(Value::Null, |part| {
                Value::text(part.trim_matches(['[', ']']))
            })
        }
    }))
}

fn data_length(value: &Value, kind: SqlType) -> Value {
    let length = match (value, kind.collation()) {
        (Value::Text(text), _) if kind.is_unicode() => text.encode_utf16().count() * 2,
        (Value::Text(text), Some(collation)) => collation.encode(text).len(),
        _ => usize::try_from(kind.max_length()).unwrap_or(0),
    };
    Value::Int(i64::try_from(length).unwrap_or(0))
}

fn numbers(arguments: &Arguments<'_>) -> Result<Option<Value>> {
    let name = arguments.name;
    if !matches!(
        name,
        "ABS" | "FLOOR" | "CEILING" | "ROUND" | "SIGN" | "POWER" | "SQRT" | "ISNUMERIC"
    ) {
        return Ok(None);
    }
    let value = arguments.value(0);
    let kind = arguments.kinds.first().copied().unwrap_or(SqlType::Null);
    if name == "ISNUMERIC" {
        let numeric = !value.is_null() && convert(value, kind, SqlType::Float).is_ok();
        return Ok(Some(Value::Int(i64::from(numeric))));
    }
    if value.is_null() {
        return Ok(Some(Value::Null));
    }
    if matches!(name, "POWER" | "SQRT") || kind.is_text() || matches!(value, Value::Float(_)) {
        let float =
            |at: usize| match convert(arguments.value(at), arguments.kinds[at], SqlType::Float) {
                Ok(Value::Float(number)) => number,
                _ => 0.0,
            };
        let number = float(0);
        return Ok(Some(Value::Float(match name {
            "POWER" => number.powf(float(1)),
            "SQRT" => number.sqrt(),
            "ABS" => number.abs(),
            "FLOOR" => number.floor(),
            "CEILING" => number.ceil(),
            "SIGN" => {
                return Ok(Some(Value::Int(if number > 0.0 {
                    1
                } else if number < 0.0 {
                    -1
                } else {
                    0
                })));
            }
            _ => {
                let factor = 10f64.powi(i32::try_from(arguments.int(1).unwrap_or(0)).unwrap_or(0));
                (number * factor).round() / factor
            }
        })));
    }
    let decimal = crate::data::convert::to_decimal(value, kind, kind, 0)?;
    let overflow = |_| SqlError::overflow("numeric");
    let result = match name {
        "ABS" => Decimal::new(decimal.unscaled.abs(), decimal.scale),
        "SIGN" => {
            return Ok(Some(Value::Int(
                i64::try_from(decimal.unscaled.signum()).unwrap_or(0),
            )));
        }
        "FLOOR" | "CEILING" => {
            let cut = decimal.truncate(0).map_err(overflow)?;
            let exact = decimal.compare(cut).is_eq();
            let step = match (name, decimal.unscaled < 0) {
                ("FLOOR", true) if !exact => -1,
                ("CEILING", false) if !exact => 1,
                _ => 0,
            };
            Decimal::new(cut.unscaled + step, 0)
        }
        _ => {
            let places = arguments.int(1).unwrap_or(0);
            let truncating = arguments.int(2).unwrap_or(0) != 0;
            round(decimal, places, truncating).map_err(overflow)?
        }
    };
    let scaled = match kind {
        SqlType::Decimal { scale, .. } if matches!(name, "ABS" | "ROUND") => {
            result.rescale(scale).map_err(overflow)?
        }
        _ => result,
    };
    let from = SqlType::decimal(38, scaled.scale);
    let to = match kind {
        SqlType::Decimal { .. } => from,
        other => other,
    };
    Ok(Some(convert(&Value::Decimal(scaled), from, to)?))
}

fn round(
    decimal: Decimal,
    places: i64,
    truncating: bool,
) -> Result<Decimal, crate::data::decimal::Overflow> {
    let to = |decimal: Decimal, scale: u8| {
        if truncating {
            decimal.truncate(scale)
        } else {
            decimal.rescale(scale)
        }
    };
    match u8::try_from(places) {
        Ok(places) if places >= decimal.scale => Ok(decimal),
        Ok(places) => to(decimal, places),
        Err(_) => {
            // Digits before the point: shift, round, shift back.
            let shift = u8::try_from(-places).unwrap_or(38).min(37);
            let shifted = Decimal::new(decimal.unscaled, decimal.scale + shift);
            let rounded = to(shifted, 0)?;
            Ok(Decimal::new(
                rounded.unscaled * 10i128.pow(u32::from(shift)),
                0,
            ))
        }
    }
}

fn dates(arguments: &Arguments<'_>) -> Result<Option<Value>> {
    let name = arguments.name;
    let value = match name {
        "DATEADD" => date_add(arguments)?,
        "DATEDIFF" | "DATEDIFF_BIG" => {
            let part = arguments.text(0)?.unwrap_or_default();
            match (arguments.moment(1)?, arguments.moment(2)?) {
                (Some(from), Some(to)) => Value::Int(boundary(&part, to)? - boundary(&part, from)?),
                _ => Value::Null,
            }
        }
        "DATEPART" | "DATENAME" => {
            let part = arguments.text(0)?.unwrap_or_default();
            match arguments.moment(1)? {
                Some(at) if name == "DATEPART" => Value::Int(date_part(&part, at)?),
                Some(at) => Value::text(date_part(&part, at)?.to_string()),
                None => Value::Null,
            }
        }
        "YEAR" | "MONTH" | "DAY" => match arguments.moment(0)? {
            Some(at) => Value::Int(date_part(&name.to_lowercase(), at)?),
            None => Value::Null,
        },
        "EOMONTH" => match arguments.moment(0)? {
            Some(at) => {
                let date = Date::from_days(moment::split(at).0);
                let day = moment::days_in_month(date.year, date.month);
                Date { day, ..date }.days().map_or(Value::Null, Value::Date)
            }
            None => Value::Null,
        },
        "DATEFROMPARTS" => {
            let part = |at| arguments.int(at).unwrap_or(0);
            let date = Date {
                year: part(0),
                month: part(1),
                day: part(2),
            };
            date.days().map_or(Value::Null, Value::Date)
        }
        "ISDATE" => {
            let text = arguments.text(0)?;
            Value::Int(i64::from(
                text.is_some_and(|text| moment::parse(&text).is_some()),
            ))
        }
        "TODATETIMEOFFSET" | "SWITCHOFFSET" => match arguments.moment(0)? {
            Some(local) => {
                let minutes = match arguments.text(1)? {
                    Some(text) => match moment::parse(&format!("1900-01-01 00:00 {text}")) {
                        Some(parsed) => parsed.offset.unwrap_or(0),
                        None => i16::try_from(arguments.int(1).unwrap_or(0)).unwrap_or(0),
                    },
                    None => 0,
                };
                let utc = match (name, arguments.value(0)) {
                    ("SWITCHOFFSET", Value::Offset(utc, _)) => *utc,
                    _ => local - i64::from(minutes) * 60 * moment::SECOND,
                };
                Value::Offset(utc, minutes)
            }
            None => Value::Null,
        },
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// In ticks, for parts of a fixed length.
fn fixed(part: &str) -> Option<i64> {
    Some(match part {
        "day" | "dd" | "d" | "dayofyear" | "dy" | "y" | "weekday" | "dw" => moment::DAY,
        "week" | "wk" | "ww" => 7 * moment::DAY,
        "hour" | "hh" => 3600 * moment::SECOND,
        "minute" | "mi" | "n" => 60 * moment::SECOND,
        "second" | "ss" | "s" => moment::SECOND,
        "millisecond" | "ms" => moment::SECOND / 1000,
        "microsecond" | "mcs" => 10,
        _ => return None,
    })
}

fn months(part: &str) -> Option<i64> {
    Some(match part {
        "year" | "yy" | "yyyy" => 12,
        "quarter" | "qq" | "q" => 3,
        "month" | "mm" | "m" => 1,
        _ => return None,
    })
}

fn unknown(part: &str) -> SqlError {
    SqlError::new(
        155,
        15,
        format!("'{part}' is not a recognized datepart option."),
    )
}

fn date_add(arguments: &Arguments<'_>) -> Result<Value> {
    let part = arguments.text(0)?.unwrap_or_default();
    let (Some(count), Some(at)) = (arguments.int(1), arguments.moment(2)?) else {
        return Ok(Value::Null);
    };
    let overflow = || SqlError::general(517, "Adding a value to a column caused an overflow.");
    let moved = if let Some(unit) = fixed(&part) {
        unit.checked_mul(count)
            .and_then(|by| at.checked_add(by))
            .ok_or_else(overflow)?
    } else if part == "nanosecond" || part == "ns" {
        at + count / 100
    } else if let Some(months) = months(&part) {
        let (days, ticks) = moment::split(at);
        let date = Date::from_days(days);
        let total = date.year * 12 + date.month - 1 + months * count;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        let day = date.day.min(moment::days_in_month(year, month));
        Date { year, month, day }.days().ok_or_else(overflow)? * moment::DAY + ticks
    } else {
        return Err(unknown(&part).into());
    };
    let kind = arguments.kinds[2];
    let target = if kind.is_temporal() {
        kind
    } else {
        SqlType::DateTime
    };
    if let Value::Offset(_, minutes) = arguments.value(2) {
        return Ok(Value::Offset(
            moved - i64::from(*minutes) * 60 * moment::SECOND,
            *minutes,
        ));
    }
    Ok(convert(
        &Value::Moment(moved),
        SqlType::DateTime2(7),
        target,
    )?)
}

/// How many boundaries of this part lie before a moment.
fn boundary(part: &str, at: i64) -> Result<i64> {
    if let Some(months) = months(part) {
        let date = Date::from_days(moment::split(at).0);
        return Ok((date.year * 12 + date.month - 1).div_euclid(months));
    }
    match (part, fixed(part)) {
        // Weeks begin on Sunday, and 0001-01-01 was a Monday.
        ("week" | "wk" | "ww", _) => Ok((at + moment::DAY).div_euclid(7 * moment::DAY)),
        (_, Some(unit)) => Ok(at.div_euclid(unit)),
        ("nanosecond" | "ns", _) => Ok(at.saturating_mul(100)),
        _ => Err(unknown(part).into()),
    }
}

fn date_part(part: &str, at: i64) -> Result<i64> {
    let (days, ticks) = moment::split(at);
    let date = Date::from_days(days);
    let seconds = ticks / moment::SECOND;
    Ok(match part {
        "year" | "yy" | "yyyy" => date.year,
        "quarter" | "qq" | "q" => (date.month - 1) / 3 + 1,
        "month" | "mm" | "m" => date.month,
        "day" | "dd" | "d" => date.day,
        "dayofyear" | "dy" | "y" => {
            let first = Date {
                month: 1,
                day: 1,
                ..date
            };
            days - first.days().unwrap_or(0) + 1
        }
        "weekday" | "dw" => (days + 1) % 7 + 1,
        "hour" | "hh" => seconds / 3600,
        "minute" | "mi" | "n" => seconds / 60 % 60,
        "second" | "ss" | "s" => seconds % 60,
        "millisecond" | "ms" => moment::to_scale(ticks, 3) % moment::SECOND / 10_000,
        "microsecond" | "mcs" => ticks % moment::SECOND / 10,
        "nanosecond" | "ns" => ticks % moment::SECOND * 100,
        _ => return Err(unknown(part).into()),
    })
}
