//! Dates and bytes as text, by the style number of `CONVERT`.

use std::fmt::Write as _;

use super::moment::{self, Date, SECOND};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A moment in the style that is asked for; `None` for a style that is not known here.
pub(crate) fn moment(at: i64, scale: u8, style: i64) -> Option<String> {
    let (days, ticks) = moment::split(at);
    let Date { year, month, day } = Date::from_days(days);
    let clock = moment::format_time(ticks, 0);
    let millis = moment::format_time(moment::to_scale(ticks, 3), 3);
    let name = MONTHS[usize::try_from(month - 1).ok()?];
    let text = match style {
        0 | 100 => {
            let hour = ticks / SECOND / 3600;
            let minute = ticks / SECOND / 60 % 60;
            let half = if hour < 12 { "AM" } else { "PM" };
            let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
            format!("{name} {day:>2} {year} {hour:>2}:{minute:02}{half}")
        }
        101 => format!("{month:02}/{day:02}/{year:04}"),
        102 => format!("{year:04}.{month:02}.{day:02}"),
        103 => format!("{day:02}/{month:02}/{year:04}"),
        104 => format!("{day:02}.{month:02}.{year:04}"),
        105 => format!("{day:02}-{month:02}-{year:04}"),
        108 | 8 => clock,
        110 => format!("{month:02}-{day:02}-{year:04}"),
        111 => format!("{year:04}/{month:02}/{day:02}"),
        112 => format!("{year:04}{month:02}{day:02}"),
        114 | 14 => millis.replacen('.', ":", 1),
        23 => moment::format_date(days),
        20 | 120 => format!("{} {clock}", moment::format_date(days)),
        21 | 25 | 121 => format!(
            "{} {}",
            moment::format_date(days),
            moment::format_time(ticks, scale)
        ),
        126 | 127 => {
            let fraction = if ticks % SECOND == 0 { 0 } else { scale };
            format!(
                "{}T{}",
                moment::format_date(days),
                moment::format_time(ticks, fraction)
            )
        }
        _ => return None,
    };
    Some(text)
}

/// `0x` and digits for style 1, digits alone for style 2.
pub(crate) fn bytes(bytes: &[u8], style: i64) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 2);
    if style == 1 {
        text.push_str("0x");
    }
    for byte in bytes {
        write!(text, "{byte:02X}").unwrap_or_default();
    }
    text
}

/// A float as `CONVERT` writes it in style 0: six significant digits.
pub(crate) fn float(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let exponent = number.abs().log10().floor();
    if (-5.0..15.0).contains(&exponent) {
        let digits = if exponent < 0.0 {
            5.0 - exponent
        } else {
            (5.0 - exponent).max(0.0)
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let text = format!("{number:.*}", digits as usize);
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    let text = format!("{number:.5e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{}e{sign}{:03}",
        digits.trim_end_matches('0').trim_end_matches('.'),
        exponent.abs()
    )
}
