//! From the values of the wire to ours and back: exact, and never a guess.
//!
//! What the driver would get wrong never reaches it: `money` as a binary float, text of old code pages or of UTF-8
//! collations, types without a form of their own. Such a column is cast by the server, and this module says how.

use std::borrow::Cow;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use fluxion_model::value::{Undecodable, Value};
use rust_decimal::Decimal;
use tiberius::numeric::Numeric;
use tiberius::{ColumnData, ColumnType, ToSql};

use crate::sql::{Cast, ColumnInfo, KeyKind};

/// The first version that writes a float with all of its digits (style 3): SQL Server 2016.
const WRITES_ALL_DIGITS: u8 = 13;

/// What is known of a result's column by its type.
pub(super) fn column_info(column: ColumnType, major_version: u8) -> ColumnInfo {
    let plain = |kind| ColumnInfo::of(kind);
    let cast = |kind, after: &str| ColumnInfo {
        cast: Some(Cast {
            before: "CAST(".to_owned(),
            after: after.to_owned(),
        }),
        ..ColumnInfo::of(kind)
    };
    let no_key = |info: ColumnInfo| ColumnInfo {
        no_key: Some(
            "`{}` is of a type that SQL Server puts in no order; name a column that identifies the row",
        ),
        ..info
    };
    match column {
        ColumnType::Bit | ColumnType::Bitn => plain(KeyKind::Bool),
        ColumnType::Null
        | ColumnType::Int1
        | ColumnType::Int2
        | ColumnType::Int4
        | ColumnType::Int8
        | ColumnType::Intn
        | ColumnType::Float4
        | ColumnType::Float8
        | ColumnType::Floatn => plain(KeyKind::Number),
        ColumnType::Money | ColumnType::Money4 => cast(KeyKind::Decimal, " AS decimal(19,4))"),
        ColumnType::Decimaln | ColumnType::Numericn => plain(KeyKind::Decimal),
        ColumnType::Guid => plain(KeyKind::ExactText),
        ColumnType::Datetime
        | ColumnType::Datetime4
        | ColumnType::Datetimen
        | ColumnType::Datetime2 => plain(KeyKind::DateTime),
        ColumnType::DatetimeOffsetn => plain(KeyKind::Timestamp),
        ColumnType::Daten => plain(KeyKind::Date),
        ColumnType::Timen => plain(KeyKind::Time),
        ColumnType::NVarchar | ColumnType::NChar => plain(KeyKind::Text),
        // Their length is not told, and a code page's 8000 bytes do not fit nvarchar(4000).
        ColumnType::BigVarChar | ColumnType::BigChar => cast(KeyKind::Text, " AS nvarchar(max))"),
        ColumnType::BigVarBin | ColumnType::BigBinary => plain(KeyKind::Bytes),
        ColumnType::Text | ColumnType::NText | ColumnType::Xml => {
            no_key(cast(KeyKind::Text, " AS nvarchar(max))"))
        }
        ColumnType::Image | ColumnType::Udt => no_key(cast(KeyKind::Bytes, " AS varbinary(max))")),
        ColumnType::SSVariant => no_key(ColumnInfo {
            cast: Some(variant(major_version)),
            ..ColumnInfo::of(KeyKind::Text)
        }),
    }
}

/// A `sql_variant` as the text a person would write, whatever is in it. `OUTER APPLY` and the like would need a place in
/// FROM; `CONVERT` by the base type needs none, but names the expression often, so it goes through a sub-select.
fn variant(major_version: u8) -> Cast {
    let float_style = if major_version >= WRITES_ALL_DIGITS {
        3
    } else {
        2
    };
    Cast {
        before: "(SELECT CASE CAST(SQL_VARIANT_PROPERTY(v.x, 'BaseType') AS nvarchar(128)) \
                 WHEN N'datetime' THEN CONVERT(nvarchar(40), CAST(v.x AS datetime), 126) \
                 WHEN N'smalldatetime' THEN CONVERT(nvarchar(40), CAST(v.x AS smalldatetime), 126) \
                 WHEN N'date' THEN CONVERT(nvarchar(40), CAST(v.x AS date), 126) \
                 WHEN N'datetime2' THEN CONVERT(nvarchar(40), CAST(v.x AS datetime2(7)), 126) \
                 WHEN N'datetimeoffset' THEN CONVERT(nvarchar(40), CAST(v.x AS datetimeoffset(7)), 126) \
                 WHEN N'money' THEN CONVERT(nvarchar(40), CAST(v.x AS money), 2) \
                 WHEN N'smallmoney' THEN CONVERT(nvarchar(40), CAST(v.x AS money), 2) "
            .to_owned()
            + &format!(
                "WHEN N'float' THEN CONVERT(nvarchar(40), CAST(v.x AS float), {float_style}) \
                 WHEN N'real' THEN CONVERT(nvarchar(40), CAST(v.x AS real), {float_style}) "
            )
            + "WHEN N'binary' THEN CONVERT(nvarchar(max), CAST(v.x AS varbinary(8000)), 1) \
               WHEN N'varbinary' THEN CONVERT(nvarchar(max), CAST(v.x AS varbinary(8000)), 1) \
               ELSE CAST(v.x AS nvarchar(4000)) END FROM (SELECT ",
        after: " AS x) AS v)".to_owned(),
    }
}

/// What to write around a value bound for a key, given what the server calls the column's type and collation.
pub(super) fn key_cast(base_type: &str, collation: Option<&str>) -> Option<Cast> {
    let cast = |before: &str, after: String| {
        let before = before.to_owned();
        Some(Cast { before, after })
    };
    let is_name = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let collate = collation
        .filter(is_name)
        .map(|name| format!(" COLLATE {name}"))
        .unwrap_or_default();
    match base_type {
        // An nvarchar beside a varchar column is compared in another order by old collations, and finds no index. What a
        // CAST returns has the collation of what it was given, so it must not be named twice.
        "varchar" | "char" => cast("CAST(", format!("{collate} AS varchar(8000))")),
        "nvarchar" | "nchar" if collate.is_empty() => None,
        "nvarchar" | "nchar" => cast("", collate),
        "uniqueidentifier" => cast("CAST(", " AS uniqueidentifier)".to_owned()),
        // A datetime counts thirds of a hundredth of a second; as datetime2 its .003 would be .0033333.
        "datetime" | "smalldatetime" | "money" | "smallmoney" | "real" => {
            cast("CAST(", format!(" AS {base_type})"))
        }
        _ => None,
    }
}

/// One value of the wire, and its rough size added to `size`.
pub(super) fn value(data: ColumnData<'static>, size: &mut usize) -> Value {
    *size += size_of::<Value>();
    read(data, size).unwrap_or(Value::Null)
}

fn read(data: ColumnData<'static>, size: &mut usize) -> Option<Value> {
    Some(match data {
        ColumnData::U8(number) => Value::Int(number?.into()),
        ColumnData::I16(number) => Value::Int(number?.into()),
        ColumnData::I32(number) => Value::Int(number?.into()),
        ColumnData::I64(number) => Value::Int(number?),
        ColumnData::F32(number) => Value::Float(widened(number?)),
        ColumnData::F64(number) => Value::Float(number?),
        ColumnData::Bit(value) => Value::Bool(value?),
        ColumnData::String(text) => {
            let text = text?;
            *size += text.len();
            Value::Text(text.into())
        }
        ColumnData::Xml(xml) => {
            let text = xml?.into_owned().into_string();
            *size += text.len();
            Value::Text(text.into())
        }
        // As the server writes it, so that keys look the same everywhere.
        ColumnData::Guid(id) => Value::Text(id?.to_string().to_uppercase().into()),
        ColumnData::Binary(bytes) => {
            let bytes = bytes?;
            *size += bytes.len();
            Value::Bytes(bytes.into())
        }
        ColumnData::Numeric(number) => {
            let number = number?;
            decimal(number.value(), number.scale())
        }
        ColumnData::DateTime(moment) => {
            let moment = moment?;
            let days = i64::from(moment.days());
            // Thirds of a hundredth of a second, shown as .000, .003 and .007.
            let millis = (u64::from(moment.seconds_fragments()) * 10 + 1) / 3;
            date_time(after(1900, days), time_of(millis * 1_000_000))
        }
        ColumnData::SmallDateTime(moment) => {
            let moment = moment?;
            let minutes = u64::from(moment.seconds_fragments());
            date_time(
                after(1900, moment.days().into()),
                time_of(minutes * 60 * 1_000_000_000),
            )
        }
        ColumnData::Date(date) => match after(1, date?.days().into()) {
            Some(date) => Value::Date(date),
            None => no_moment(),
        },
        ColumnData::Time(time) => match time_of_day(time?) {
            Some(time) => Value::Time(time),
            None => no_moment(),
        },
        ColumnData::DateTime2(moment) => {
            let moment = moment?;
            date_time(
                after(1, moment.date().days().into()),
                time_of_day(moment.time()),
            )
        }
        ColumnData::DateTimeOffset(moment) => {
            // On the wire the time is UTC already; the offset only says how it was written.
            let moment = moment?.datetime2();
            let date = after(1, moment.date().days().into());
            match date.zip(time_of_day(moment.time())) {
                Some((date, time)) => Value::Timestamp(date.and_time(time).and_utc()),
                None => no_moment(),
            }
        }
    })
}

/// The double nearest to what the database shows for a single, not to its bits: 10.1, not 10.100000381469727.
fn widened(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| number.into())
}

/// Up to 28 digits; a longer number stays the text of all its digits.
fn decimal(number: i128, scale: u8) -> Value {
    let (mut short, mut places) = (number, scale);
    loop {
        if let Ok(exact) = Decimal::try_from_i128_with_scale(short, places.into()) {
            return Value::Decimal(exact);
        }
        if places == 0 || short % 10 != 0 {
            return Value::Text(
                Numeric::new_with_scale(number, scale.min(38))
                    .digits()
                    .into(),
            );
        }
        // Zeros at the end of a fraction do not count.
        short /= 10;
        places -= 1;
    }
}

/// All digits of a number.
trait Digits {
    fn digits(self) -> String;
}

impl Digits for Numeric {
    fn digits(self) -> String {
        let sign = if self.value() < 0 { "-" } else { "" };
        let scale = usize::from(self.scale());
        let digits = format!("{:0>1$}", self.value().unsigned_abs(), scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if fraction.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }
}

fn after(year: i32, days: i64) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
    let count = Days::new(days.unsigned_abs());
    if days < 0 {
        first.checked_sub_days(count)
    } else {
        first.checked_add_days(count)
    }
}

fn time_of_day(time: tiberius::time::Time) -> Option<NaiveTime> {
    let finer = 9_u32.checked_sub(time.scale().into())?;
    time_of(time.increments().checked_mul(10_u64.pow(finer))?)
}

fn time_of(nanoseconds: u64) -> Option<NaiveTime> {
    const SECOND: u64 = 1_000_000_000;
    let seconds = u32::try_from(nanoseconds / SECOND).ok()?;
    let rest = u32::try_from(nanoseconds % SECOND).ok()?;
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, rest)
}

fn date_time(date: Option<NaiveDate>, time: Option<NaiveTime>) -> Value {
    match date.zip(time) {
        Some((date, time)) => Value::DateTime(date.and_time(time)),
        None => no_moment(),
    }
}

fn no_moment() -> Value {
    Value::Undecodable(Box::new(Undecodable {
        raw: Box::default(),
        reason: "is a date or time outside of any calendar".to_owned(),
    }))
}

/// Writes what stands for a bound value. Moments and decimals travel as text in a form that does not depend on the
/// server's language, because the driver would declare them in types of its own.
pub(super) fn placeholder(sql: &mut String, number: usize, value: &Value) {
    use std::fmt::Write as _;
    let written = match value {
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Undecodable(_) => write!(sql, "@P{number}"),
        Value::Decimal(decimal) => {
            write!(sql, "CAST(@P{number} AS numeric(38,{}))", decimal.scale())
        }
        Value::Date(_) => write!(sql, "CAST(@P{number} AS date)"),
        Value::Time(_) => write!(sql, "CAST(@P{number} AS time(7))"),
        Value::DateTime(_) => write!(sql, "CAST(@P{number} AS datetime2(7))"),
        Value::Timestamp(_) => write!(sql, "CAST(@P{number} AS datetimeoffset(7))"),
    };
    // Writing to a String cannot fail.
    written.unwrap_or_default();
}

/// A bound value, as the driver takes it.
#[derive(Debug)]
pub(super) struct Param(ColumnData<'static>);

impl ToSql for Param {
    fn to_sql(&self) -> ColumnData<'_> {
        self.0.clone()
    }
}

impl Param {
    pub fn of(value: &Value) -> Self {
        let text = |text: String| ColumnData::String(Some(Cow::Owned(text)));
        Self(match value {
            Value::Null | Value::Undecodable(_) => ColumnData::String(None),
            Value::Bool(value) => ColumnData::Bit(Some(*value)),
            Value::Int(number) => ColumnData::I64(Some(*number)),
            Value::Float(number) => ColumnData::F64(Some(*number)),
            Value::Text(value) => text(value.to_string()),
            Value::Bytes(bytes) => ColumnData::Binary(Some(Cow::Owned(bytes.to_vec()))),
            Value::Decimal(number) => text(number.to_string()),
            Value::Date(date) => text(date.format("%Y-%m-%d").to_string()),
            Value::Time(time) => text(time.format("%H:%M:%S%.9f").to_string()[..16].to_owned()),
            Value::DateTime(moment) => text(seven_places(*moment)),
            Value::Timestamp(moment) => text(seven_places(moment.naive_utc()) + "+00:00"),
        })
    }
}

/// `2026-02-28T23:59:59.1234567`: nine places are one error too many for the server.
fn seven_places(moment: NaiveDateTime) -> String {
    let mut text = moment.format("%Y-%m-%dT%H:%M:%S%.9f").to_string();
    text.truncate(text.len() - 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};

    fn shown(data: ColumnData<'static>) -> String {
        value(data, &mut 0).to_string()
    }

    #[test]
    fn numbers_keep_every_digit() {
        let number = |value, scale| {
            super::value(
                ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale))),
                &mut 0,
            )
        };
        assert_eq!(
            number(9_007_199_254_740_993, 4),
            Value::Decimal("900719925474.0993".parse().unwrap())
        );
        assert_eq!(number(-150, 2).to_string(), "-1.50");
        let long = 12_345_678_901_234_567_890_123_456_789_012_345_678_i128;
        assert_eq!(
            number(long, 6),
            Value::text("12345678901234567890123456789012.345678")
        );
        assert_eq!(
            number(-long, 38),
            Value::text("-0.12345678901234567890123456789012345678")
        );
        assert_eq!(number(10_i128.pow(30), 30), Value::Decimal(Decimal::ONE));
        assert_eq!(
            value(ColumnData::F32(Some(10.1)), &mut 0),
            Value::Float(10.1)
        );
    }

    #[test]
    fn moments_are_what_the_server_shows() {
        for (fragments, expected) in [(0, ""), (1, ".003"), (2, ".007"), (299, ".997")] {
            let moment = ColumnData::DateTime(Some(DateTime::new(-1, 300 * 3600 + fragments)));
            assert_eq!(shown(moment), format!("1899-12-31T01:00:00{expected}"));
        }
        let last = ColumnData::DateTime(Some(DateTime::new(0, 300 * 86_400 - 1)));
        assert_eq!(shown(last), "1900-01-01T23:59:59.997");
        let small = ColumnData::SmallDateTime(Some(SmallDateTime::new(1, 61)));
        assert_eq!(shown(small), "1900-01-02T01:01:00");
        let moment = DateTime2::new(Date::new(738_943), Time::new(863_999_999_999, 7));
        assert_eq!(
            shown(ColumnData::DateTime2(Some(moment))),
            "2024-02-28T23:59:59.999999900"
        );
        let moment = DateTimeOffset::new(DateTime2::new(Date::new(738_943), Time::new(0, 0)), -240);
        assert_eq!(
            shown(ColumnData::DateTimeOffset(Some(moment))),
            "2024-02-28T00:00:00Z"
        );
        let never = ColumnData::Time(Some(Time::new(864_000_000_000, 7)));
        assert!(matches!(value(never, &mut 0), Value::Undecodable(_)));
    }

    #[test]
    fn bound_moments_are_written_so_that_no_language_matters() {
        let moment: NaiveDateTime = "2026-02-28T23:59:59.1234567".parse().unwrap();
        for (value, expected) in [
            (Value::DateTime(moment), "2026-02-28T23:59:59.1234567"),
            (
                Value::Timestamp(moment.and_utc()),
                "2026-02-28T23:59:59.1234567+00:00",
            ),
            (Value::Time(moment.time()), "23:59:59.1234567"),
            (Value::Date(moment.date()), "2026-02-28"),
            (Value::Decimal("-1.50".parse().unwrap()), "-1.50"),
        ] {
            let Param(ColumnData::String(Some(text))) = Param::of(&value) else {
                panic!("{value:?} does not travel as text")
            };
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_value_for_a_key_takes_the_type_and_collation_of_its_column() {
        let around = |base, collation| {
            let cast = key_cast(base, collation).unwrap();
            format!("{}@P1{}", cast.before, cast.after)
        };
        assert_eq!(
            around("varchar", Some("Modern_Spanish_CI_AS")),
            "CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000))"
        );
        assert_eq!(
            around("nchar", Some("Latin1_General_BIN2")),
            "@P1 COLLATE Latin1_General_BIN2"
        );
        assert_eq!(around("datetime", None), "CAST(@P1 AS datetime)");
        assert_eq!(key_cast("int", None), None);
        assert_eq!(key_cast("nvarchar", Some("x; DROP TABLE y")), None);
    }
}
