//! Dates and times: days since the year 1 and ticks of 100 nanoseconds, and the text that stands for them.

/// Ticks in a second.
pub(crate) const SECOND: i64 = 10_000_000;
/// Ticks in a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// 1900-01-01 in days since 0001-01-01.
pub(crate) const YEAR_1900: i64 = 693_595;
/// 1970-01-01 in days since 0001-01-01.
pub(crate) const YEAR_1970: i64 = 719_162;
/// The day after 9999-12-31.
pub(crate) const END: i64 = 3_652_059;

/// A date of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub year: i64,
    pub month: i64,
    pub day: i64,
}

impl Date {
    /// Days since 0001-01-01; `None` where there is no such day.
    pub fn days(self) -> Option<i64> {
        let Self { year, month, day } = self;
        if !(1..=9999).contains(&year)
            || !(1..=12).contains(&month)
            || !(1..=days_in_month(year, month)).contains(&day)
        {
            return None;
        }
        Some(days_before_year(year) + days_before_month(year, month) + day - 1)
    }

    pub fn from_days(days: i64) -> Self {
        let mut year = days / 366 + 1;
        while days_before_year(year + 1) <= days {
            year += 1;
        }
        let rest = days - days_before_year(year);
        let mut month = 1;
        while month < 12 && days_before_month(year, month + 1) <= rest {
            month += 1;
        }
        Self {
            year,
            month,
            day: rest - days_before_month(year, month) + 1,
        }
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_year(year: i64) -> i64 {
    let y = year - 1;
    y * 365 + y / 4 - y / 100 + y / 400
}

fn days_before_month(year: i64, month: i64) -> i64 {
    (1..month).map(|m| days_in_month(year, m)).sum()
}

/// Days and ticks of the day from ticks since 0001-01-01.
pub(crate) fn split(moment: i64) -> (i64, i64) {
    (moment.div_euclid(DAY), moment.rem_euclid(DAY))
}

/// The nearest three-hundredth of a second, as `datetime` keeps it.
pub(crate) fn to_datetime(moment: i64) -> i64 {
    let (day, ticks) = split(moment);
    day * DAY + from_three_hundredths(three_hundredths(ticks))
}

/// Three-hundredths of a second since midnight, rounded.
pub(crate) fn three_hundredths(ticks: i64) -> i64 {
    (ticks * 3 + 50_000) / 100_000
}

pub(crate) fn from_three_hundredths(count: i64) -> i64 {
    (count * 100_000 + 1) / 3
}

/// The nearest minute, as `smalldatetime` keeps it.
pub(crate) fn to_smalldatetime(moment: i64) -> i64 {
    round_to(moment, 60 * SECOND)
}

/// Rounded to so many digits of a second.
pub(crate) fn to_scale(ticks: i64, scale: u8) -> i64 {
    round_to(ticks, 10i64.pow(7 - u32::from(scale.min(7))))
}

fn round_to(ticks: i64, unit: i64) -> i64 {
    (ticks + unit / 2).div_euclid(unit) * unit
}

pub(crate) fn format_date(days: i64) -> String {
    let date = Date::from_days(days);
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

pub(crate) fn format_time(ticks: i64, scale: u8) -> String {
    let seconds = ticks / SECOND;
    let text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if scale == 0 {
        return text;
    }
    let fraction = format!("{:07}", ticks % SECOND);
    format!("{text}.{}", &fraction[..usize::from(scale.min(7))])
}

pub(crate) fn format_offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// What was read from text: a date, a time of day, an offset, each where it was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub days: Option<i64>,
    pub ticks: Option<i64>,
    pub offset: Option<i16>,
}

impl Parsed {
    /// Local ticks since 0001-01-01; a missing date is 1900-01-01, a missing time midnight.
    pub fn moment(self) -> i64 {
        self.days.unwrap_or(YEAR_1900) * DAY + self.ticks.unwrap_or(0)
    }
}

/// Reads `2024-03-01`, `20240301`, `2024-03-01T12:30:00.123`, `2024-03-01 12:30:00 -04:00`, `12:30`, `03/01/2024`
/// (month first, as `us_english` has it), and the same with `AM` or `PM`. Empty text is 1900-01-01.
pub(crate) fn parse(text: &str) -> Option<Parsed> {
    let text = text.trim();
    let mut parsed = Parsed::default();
    if text.is_empty() {
        return Some(parsed);
    }
    let (mut date, mut rest) = match text.find(['T', ' ', 't']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    if date.contains(':') {
        rest = text;
        date = "";
    }
    if !date.is_empty() {
        parsed.days = Some(parse_date(date)?);
    }
    if !rest.is_empty() {
        let (time, offset) = split_offset(rest)?;
        parsed.ticks = Some(parse_time(time)?);
        parsed.offset = offset;
    }
    Some(parsed)
}

fn parse_date(text: &str) -> Option<i64> {
    let number = |part: &str| part.parse::<i64>().ok();
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        let date = Date {
            year: number(&text[..4])?,
            month: number(&text[4..6])?,
            day: number(&text[6..])?,
        };
        return date.days();
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    let date = if a.len() == 4 {
        Date {
            year: number(a)?,
            month: number(b)?,
            day: number(c)?,
        }
    } else {
        Date {
            year: number(c)?,
            month: number(a)?,
            day: number(b)?,
        }
    };
    date.days()
}

fn split_offset(text: &str) -> Option<(&str, Option<i16>)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time.trim(), Some(0)));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, None));
    };
    let (hours, minutes) = text[at + 1..].split_once(':')?;
    let minutes = hours.parse::<i16>().ok()? * 60 + minutes.parse::<i16>().ok()?;
    let minutes = if text[at..].starts_with('-') {
        -minutes
    } else {
        minutes
    };
    Some((text[..at].trim(), Some(minutes)))
}

fn parse_time(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    let (clock, half) = if let Some(clock) = upper.strip_suffix("PM") {
        (clock.trim(), Some(12))
    } else if let Some(clock) = upper.strip_suffix("AM") {
        (clock.trim(), Some(0))
    } else {
        (upper.as_str(), None)
    };
    let mut parts = clock.split(':');
    let mut hour: i64 = parts.next()?.parse().ok()?;
    if let Some(half) = half {
        hour = hour % 12 + half;
    }
    let minute: i64 = parts.next().unwrap_or("0").parse().ok()?;
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            if fraction.len() > 7 {
                return None;
            }
            (
                whole.parse().ok()?,
                format!("{fraction:0<7}").parse::<i64>().ok()?,
            )
        }
    };
    if parts.next().is_some()
        || !(0..24).contains(&hour)
        || !(0..60).contains(&minute)
        || !(0..60).contains(&second)
    {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second) * SECOND + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_both_ways() {
        for days in [0, 58, 59, 365, 693_595, 719_162, 738_945, 3_652_058] {
            assert_eq!(Date::from_days(days).days(), Some(days));
        }
        assert_eq!(format_date(YEAR_1900), "1900-01-01");
        assert_eq!(format_date(YEAR_1970), "1970-01-01");
        assert_eq!(format_date(END - 1), "9999-12-31");
    }

    #[test]
    fn datetime_keeps_three_hundredths() {
        let at = |text| parse(text).unwrap().moment();
        let kept = |text| format_time(split(to_scale(to_datetime(at(text)), 3)).1, 3);
        assert_eq!(kept("2024-01-01 10:00:00.001"), "10:00:00.000");
        assert_eq!(kept("2024-01-01 10:00:00.002"), "10:00:00.003");
        assert_eq!(kept("2024-01-01 10:00:00.005"), "10:00:00.007");
        assert_eq!(kept("2024-01-01 10:00:00.999"), "10:00:01.000");
    }

    #[test]
    fn there_is_no_thirtieth_of_february() {
        assert_eq!(parse("2024-02-30"), None);
    }
}
