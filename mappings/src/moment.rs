//! Dates and times as legacy systems write them, and wall-clock time to UTC.

use std::fmt::Write;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{
    DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    TimeZone, Utc,
};
use chrono_tz::Tz;

/// One way to write a date.
#[derive(Debug, Clone)]
pub(crate) enum DateFormat {
    /// By a pattern.
    Pattern(Box<[Item<'static>]>),
    /// Days since 1899-12-30, as spreadsheets count.
    Excel,
    /// ISO 8601.
    Iso,
    /// Seconds since 1970, UTC.
    Unix,
    /// Milliseconds since 1970, UTC.
    UnixMillis,
}

impl DateFormat {
    /// From `dd/mm/yyyy HH:mm:ss`, `%d/%m/%Y`, `iso`, `excel`, `unix` or `unix_ms`.
    pub fn compile(text: &str) -> Result<Self, String> {
        match text.trim() {
            "iso" => return Ok(Self::Iso),
            "excel" => return Ok(Self::Excel),
            "unix" => return Ok(Self::Unix),
            "unix_ms" => return Ok(Self::UnixMillis),
            _ => {}
        }
        let pattern = if text.contains('%') {
            text.to_owned()
        } else {
            translate(text)?
        };
        let items: Vec<Item<'static>> = StrftimeItems::new(&pattern).map(Item::to_owned).collect();
        if items.iter().any(|item| matches!(item, Item::Error)) {
            return Err(format!(
                "{text:?} is not a date format; write it like dd/mm/yyyy HH:mm:ss or %d/%m/%Y"
            ));
        }
        Ok(Self::Pattern(items.into()))
    }

    /// Reads it, or nothing when it is not written so.
    pub fn read(&self, text: &str) -> Option<Wall> {
        match self {
            Self::Pattern(items) => {
                let mut parsed = Parsed::new();
                chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
                let date = parsed.to_naive_date().ok().filter(plausible)?;
                let time = match parsed.to_naive_time() {
                    Ok(time) => time,
                    Err(_) if parsed.hour_div_12().is_none() && parsed.hour_mod_12().is_none() => {
                        NaiveTime::MIN
                    }
                    Err(_) => return None,
                };
                let wall = date.and_time(time);
                Some(match parsed.offset() {
                    Some(seconds) => Wall::Utc(
                        wall.checked_sub_signed(Duration::try_seconds(i64::from(seconds))?)?
                            .and_utc(),
                    ),
                    None => Wall::Local(wall),
                })
            }
            Self::Iso => read_iso(text),
            Self::Excel => {
                let days: f64 = text.parse().ok()?;
                excel(days).map(Wall::Local)
            }
            Self::Unix => DateTime::from_timestamp(text.parse().ok()?, 0)
                .filter(|m| plausible(&m.date_naive()))
                .map(Wall::Utc),
            Self::UnixMillis => DateTime::from_timestamp_millis(text.parse().ok()?)
                .filter(|m| plausible(&m.date_naive()))
                .map(Wall::Utc),
        }
    }
}

/// What a text said: a moment, or a time on somebody's wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wall {
    Local(NaiveDateTime),
    Utc(DateTime<Utc>),
}

/// ISO 8601 with a space or a `T`, with or without time, fraction, and zone.
pub(crate) fn read_iso(text: &str) -> Option<Wall> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d")
        .ok()
        .filter(plausible)?;
    if rest.is_empty() {
        return Some(Wall::Local(date.and_time(NaiveTime::MIN)));
    }
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let zone = time.find(['Z', 'z', '+', '-']);
    let (time, zone) = time.split_at(zone.unwrap_or(time.len()));
    let time = time.trim_end();
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S%.f")
        .or_else(|_| NaiveTime::parse_from_str(time, "%H:%M"))
        .ok()?;
    let wall = date.and_time(time);
    match zone {
        "" => Some(Wall::Local(wall)),
        "Z" | "z" => Some(Wall::Utc(wall.and_utc())),
        _ => {
            let mut parsed = Parsed::new();
            chrono::format::parse(&mut parsed, zone, StrftimeItems::new("%#z")).ok()?;
            // No zone is further than 14 hours from Greenwich.
            let seconds = parsed
                .offset()
                .filter(|seconds| seconds.abs() <= 14 * 3_600)?;
            let offset = Duration::try_seconds(i64::from(seconds))?;
            wall.checked_sub_signed(offset)
                .map(|wall| Wall::Utc(wall.and_utc()))
        }
    }
}

/// A time of day as people and programs write it: `14:30`, `2:30 pm`, `02:30:00 p. m.`, `143000`, `930`.
pub(crate) fn read_time(text: &str) -> Option<NaiveTime> {
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let half = plain.trim_end_matches('.').replace("m.", "m");
    let half = half.replace(".m", "m");
    for format in ["%I:%M:%S%p", "%I:%M%p"] {
        if let Ok(time) = NaiveTime::parse_from_str(&half, format) {
            return Some(time);
        }
    }
    for format in ["%H:%M:%S%.f", "%H:%M"] {
        if let Ok(time) = NaiveTime::parse_from_str(&plain, format) {
            return Some(time);
        }
    }
    if plain.is_empty() || plain.len() > 6 || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u32 = plain.parse().ok()?;
    let (hours, minutes, seconds) = match plain.len() {
        1..=4 => (number / 100, number % 100, 0),
        _ => (number / 10_000, number / 100 % 100, number % 100),
    };
    NaiveTime::from_hms_opt(hours, minutes, seconds)
}

/// The day and time that so many days since 1899-12-30 are, to the millisecond.
pub(crate) fn excel(days: f64) -> Option<NaiveDateTime> {
    if !days.is_finite() || !(1.0..200_000.0).contains(&days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let millis = Duration::try_milliseconds((days * 86_400_000.0).round() as i64)?;
    NaiveDate::from_ymd_opt(1899, 12, 30)?
        .and_time(NaiveTime::MIN)
        .checked_add_signed(millis)
        .filter(|moment| plausible(&moment.date()))
}

/// Years of a point of sale. Others come from a wrong format (`5/3/24` read as the year 24) or from empty dates.
pub(crate) fn plausible(date: &NaiveDate) -> bool {
    (1900..=2200).contains(&date.year())
}

/// Wall-clock time to UTC. A time that happens twice is the first of the two; a time that the clocks skip is as much
/// later as they were put forward.
pub(crate) fn to_utc(wall: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let offset = match zone.offset_from_local_datetime(&wall) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => offset.fix(),
        LocalResult::None => (1..=96).find_map(|quarters| {
            let before = wall.checked_sub_signed(Duration::minutes(15 * quarters))?;
            zone.offset_from_local_datetime(&before)
                .latest()
                .map(|offset| offset.fix())
        })?,
    };
    wall.checked_sub_offset(offset).map(|utc| utc.and_utc())
}

/// `dd/mm/yyyy HH:mm:ss` as chrono writes it. `mm` is minutes after hours and months elsewhere.
fn translate(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut hours_seen = false;
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let mut count = 1;
        while first.is_alphabetic() && chars.peek() == Some(&first) {
            chars.next();
            count += 1;
        }
        let code = match (first.to_ascii_lowercase(), count) {
            ('d', 1 | 2) => "%d",
            ('m', 1 | 2) if hours_seen => "%M",
            ('m', 1 | 2) => "%m",
            ('m', 3) => "%b",
            ('y' | 'a', 4) => "%Y",
            ('y', 2) => "%y",
            ('h', 1 | 2) => {
                hours_seen = true;
                if first == 'h' && (text.contains("am") || text.contains("tt")) {
                    "%I"
                } else {
                    "%H"
                }
            }
            ('s', 1 | 2) => "%S",
            ('f', _) => "%f",
            ('t', 2) => "%p",
            ('t', 1) => "T",
            (c, _) if c.is_alphabetic() => {
                return Err(format!(
                    "{text:?} is not a date format: {first:?} means nothing; write it like dd/mm/yyyy HH:mm:ss"
                ));
            }
            _ => {
                out.push(first);
                continue;
            }
        };
        write!(out, "{code}").map_err(|error| error.to_string())?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        DateFormat::compile(format)
            .unwrap()
            .read(text)
            .map(|wall| match wall {
                Wall::Local(wall) => wall.to_string(),
                Wall::Utc(moment) => moment.to_rfc3339(),
            })
    }

    #[test]
    fn dates_are_read_as_the_format_says() {
        for (format, text, expected) in [
            ("dd/mm/yyyy", "05/03/2024", "2024-03-05 00:00:00"),
            ("dd/mm/yyyy", "5/3/2024", "2024-03-05 00:00:00"),
            (
                "dd/mm/yyyy HH:mm:ss",
                "05/03/2024 13:04:05",
                "2024-03-05 13:04:05",
            ),
            (
                "dd/mm/yy hh:mm tt",
                "05/03/24 01:04 PM",
                "2024-03-05 13:04:00",
            ),
            ("%d.%m.%Y", "05.03.2024", "2024-03-05 00:00:00"),
            ("yyyymmdd", "20240305", "2024-03-05 00:00:00"),
            ("excel", "45356.5", "2024-03-05 12:00:00"),
            ("unix", "1709640000", "2024-03-05T12:00:00+00:00"),
        ] {
            assert_eq!(
                read(format, text).as_deref(),
                Some(expected),
                "{format} {text}"
            );
        }
    }

    #[test]
    fn what_is_not_surely_that_date_is_refused() {
        for text in [
            "31/02/2024",
            "05/03/24",
            "2024-03-05",
            "05/03/2024x",
            "00/00/0000",
            "",
            "13/13/2024",
        ] {
            assert_eq!(read("dd/mm/yyyy", text), None, "{text:?}");
        }
        assert!(DateFormat::compile("dd/qq/yyyy").is_err());
    }

    #[test]
    fn iso_dates_need_no_format() {
        for text in [
            "2024-03-05",
            "2024-03-05 12:00",
            "2024-03-05T12:00:00.25",
            "2024-03-05T12:00:00Z",
            "2024-03-05T08:00:00-04:00",
        ] {
            assert!(read_iso(text).is_some(), "{text}");
        }
        assert_eq!(
            read_iso("2024-03-05T08:00:00-04:00"),
            Some(Wall::Utc("2024-03-05T12:00:00Z".parse().unwrap()))
        );
        for text in [
            "05/03/2024",
            "2024-13-01",
            "0000-00-00",
            "2024-03-05 25:00",
            "2024-03-05T12:00:00+99",
        ] {
            assert_eq!(read_iso(text), None, "{text}");
        }
    }

    #[test]
    fn wall_time_that_the_clocks_skip_or_repeat_has_one_answer() {
        let utc = |wall: &str, zone: Tz| to_utc(wall.parse().unwrap(), zone).unwrap().to_rfc3339();
        assert_eq!(
            utc("2024-03-05T08:00:00", Tz::America__Caracas),
            "2024-03-05T12:00:00+00:00"
        );
        // Mexico put its clocks forward at 02:00 on 2022-04-03, and back at 02:00 on 2022-10-30.
        assert_eq!(
            utc("2022-04-03T02:30:00", Tz::America__Mexico_City),
            "2022-04-03T08:30:00+00:00"
        );
        assert_eq!(
            utc("2022-10-30T01:30:00", Tz::America__Mexico_City),
            "2022-10-30T06:30:00+00:00"
        );
        // Venezuela moved by half an hour at 02:30 on 2016-05-01.
        assert_eq!(
            utc("2016-05-01T02:45:00", Tz::America__Caracas),
            "2016-05-01T07:15:00+00:00"
        );
    }
}
