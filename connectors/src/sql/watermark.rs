//! Which rows a poll must look at.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use fluxion_model::value::Value;
use rust_decimal::Decimal;

use super::key::{KeyColumn, KeyPart, Side, beyond};
use super::position::Mark;
use super::session::Cast;
use super::statement::{Fragment, Statement};

/// What tells that a row changed.
#[derive(Debug)]
pub(super) struct Watermark {
    pub columns: Vec<Fragment>,
    pub overlap: u64,
    /// For a rowversion: what tells how far everything is final.
    pub bound: Option<&'static str>,
    /// For dates kept as text.
    pub format: Option<String>,
    /// What to write around each column where its highest value is asked for, so that it arrives exact.
    pub casts: Vec<Option<Cast>>,
}

/// The server's clocks: UTC, and what it shows its users.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub utc: DateTime<Utc>,
    pub local: NaiveDateTime,
}

/// Where the rows of one poll begin.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Low {
    /// The column had no value at all, so every value is new.
    Any,
    From(KeyPart),
    Beyond(KeyPart),
}

/// The rows of one poll of one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    pub low: Low,
    /// Rows at or above it belong to the next poll.
    pub below: Option<KeyPart>,
}

/// Why a highest value makes no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMark {
    /// It is text and no format is given.
    Text,
    /// It is text and does not fit the format.
    Misfit,
    /// A rowversion is lower than it was: the database was restored from a backup.
    WentBack,
}

impl Window {
    pub fn condition(&self, statement: &mut Statement, column: &Fragment) {
        let column = [KeyColumn {
            sql: column,
            cast: None,
            nulls: None,
        }];
        let mut side = |value: &KeyPart, side| {
            beyond(statement, &column, std::slice::from_ref(value), side);
        };
        match &self.low {
            Low::Any => {
                statement.fragment(column[0].sql).push(" IS NOT NULL");
            }
            Low::From(value) => side(value, Side::AtOrAfter),
            Low::Beyond(value) => side(value, Side::After),
        }
        if let Some(below) = &self.below {
            statement.push(" AND ");
            beyond(
                statement,
                &column,
                std::slice::from_ref(below),
                Side::Before,
            );
        }
    }
}

impl Watermark {
    /// Whether a moment can be written in this format and read again.
    pub fn check_format(format: &str) -> Result<(), String> {
        let wrong = || {
            format!(
                "its watermark format {format:?} is no date format; write it in the signs of strftime, such as \"%Y%m%d%H%M%S\""
            )
        };
        if StrftimeItems::new(format).any(|item| item == Item::Error) {
            return Err(wrong());
        }
        let sample = NaiveDate::default().and_time(NaiveTime::MIN);
        let written = written(sample, format).ok_or_else(wrong)?;
        read(&written, format).map(|_| ()).ok_or_else(wrong)
    }

    /// The mark a highest value makes. A date in the future is cut to now, for else it would hide every change until
    /// then.
    pub fn mark(&self, highest: &Value, clock: Times, last: Option<&Mark>) -> Result<Mark, NoMark> {
        if self.bound.is_some() {
            return bounded(highest, clock, last);
        }
        let mut value = KeyPart::of(highest).ok_or(NoMark::Text)?;
        if let (KeyPart::Text(text), Some(format)) = (&value, &self.format) {
            value = moment_in(text, format)?;
        }
        let value = match value {
            KeyPart::DateTime(moment) => KeyPart::DateTime(moment.min(clock.local)),
            KeyPart::Timestamp(moment) => KeyPart::Timestamp(moment.min(clock.utc)),
            KeyPart::Date(date) => KeyPart::Date(date.min(clock.local.date())),
            value @ (KeyPart::Null | KeyPart::Int(_) | KeyPart::Decimal(_) | KeyPart::Float(_)) => {
                value
            }
            KeyPart::Text(_) | KeyPart::Bytes(_) | KeyPart::Time(_) | KeyPart::Bool(_) => {
                return Err(NoMark::Text);
            }
        };
        // Rows keep coming with the same coarse date; two days are beyond any doubt about time zones.
        let is_past = |date: NaiveDate| clock.local.date() - date > Duration::days(2);
        let has_seconds = |format: &String| {
            ["%S", "%T", "%X", "%s", "%c", "%r", "%+"]
                .iter()
                .any(|sign| format.contains(sign))
        };
        let may_settle = match &value {
            KeyPart::DateTime(moment) => {
                self.format.as_ref().is_none_or(has_seconds) || is_past(moment.date())
            }
            KeyPart::Timestamp(_) => true,
            KeyPart::Date(date) => is_past(*date),
            // Rows that commit late have lower numbers, however late.
            _ => false,
        };
        let since = match last {
            Some(last) if last.value == value => last.since,
            _ => clock.utc,
        };
        let settled = may_settle && clock.utc - since > seconds(self.overlap);
        Ok(Mark {
            value,
            since,
            settled,
        })
    }

    /// What a poll must read for one column, given the mark of the last poll and of this one. None when nothing can
    /// have changed.
    pub fn window(&self, last: &Mark, this: &Mark) -> Option<Window> {
        if self.bound.is_some() {
            return (last.value != this.value).then(|| Window {
                low: Low::From(last.value.clone()),
                below: Some(this.value.clone()),
            });
        }
        let as_kept = |value: KeyPart| match (&self.format, value) {
            (Some(format), KeyPart::DateTime(moment)) => {
                // The format was tried when the stream was opened.
                KeyPart::Text(written(moment, format).unwrap_or_default().into())
            }
            (_, value) => value,
        };
        let low = match low(last, this, self.overlap)? {
            Low::Any => Low::Any,
            Low::From(value) => Low::From(as_kept(value)),
            Low::Beyond(value) => Low::Beyond(as_kept(value)),
        };
        Some(Window { low, below: None })
    }
}

/// The mark of a rowversion: everything below it is final.
fn bounded(highest: &Value, clock: Times, last: Option<&Mark>) -> Result<Mark, NoMark> {
    let value = match KeyPart::of(highest) {
        Some(value @ (KeyPart::Bytes(_) | KeyPart::Int(_))) => value,
        _ => return Err(NoMark::Text),
    };
    if let Some(last) = last {
        let went_back = match (&last.value, &value) {
            (KeyPart::Bytes(last), KeyPart::Bytes(this)) => this < last,
            (KeyPart::Int(last), KeyPart::Int(this)) => this < last,
            _ => true,
        };
        if went_back {
            return Err(NoMark::WentBack);
        }
    }
    Ok(Mark {
        value,
        since: clock.utc,
        settled: false,
    })
}

fn written(moment: NaiveDateTime, format: &str) -> Option<String> {
    use std::fmt::Write as _;
    let mut text = String::new();
    // Signs such as %z, which a moment without a zone does not have, are errors and must not be panics.
    write!(text, "{}", moment.format(format)).ok()?;
    Some(text)
}

fn read(text: &str, format: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, format)
        .or_else(|_| {
            NaiveDate::parse_from_str(text, format).map(|date| date.and_time(NaiveTime::MIN))
        })
        // Hours without minutes.
        .or_else(|_| NaiveDateTime::parse_from_str(&format!("{text} 00"), &format!("{format} %M")))
        .ok()
}

/// Nothing, for texts that stand for no date.
fn moment_in(text: &str, format: &str) -> Result<KeyPart, NoMark> {
    let text = text.trim();
    if !text.contains(|c: char| c.is_alphanumeric() && c != '0') {
        return Ok(KeyPart::Null);
    }
    read(text, format)
        .map(KeyPart::DateTime)
        .ok_or(NoMark::Misfit)
}

/// What a poll must read for one column, given the mark of the last poll and of this one. None when nothing can have
/// changed.
fn low(last: &Mark, this: &Mark, overlap: u64) -> Option<Low> {
    // After a deletion or a restored backup the highest value is lower than it was.
    let base = lower(&last.value, &this.value);
    if last.settled && *base == last.value {
        return (this.value != last.value).then(|| Low::Beyond(base.clone()));
    }
    Some(match base {
        KeyPart::Null if this.value == KeyPart::Null => return None,
        KeyPart::Null => Low::Any,
        value => Low::From(earlier(value, overlap)),
    })
}

fn seconds(overlap: u64) -> Duration {
    const CENTURY: i64 = 3_200_000_000;
    Duration::seconds(i64::try_from(overlap).unwrap_or(CENTURY).min(CENTURY))
}

fn lower<'a>(a: &'a KeyPart, b: &'a KeyPart) -> &'a KeyPart {
    let b_is_lower = match (a, b) {
        (KeyPart::Null, _) => false,
        (_, KeyPart::Null) => true,
        (KeyPart::Int(a), KeyPart::Int(b)) => b < a,
        (KeyPart::Decimal(a), KeyPart::Decimal(b)) => b < a,
        (KeyPart::Float(a), KeyPart::Float(b)) => b < a,
        (KeyPart::Date(a), KeyPart::Date(b)) => b < a,
        (KeyPart::DateTime(a), KeyPart::DateTime(b)) => b < a,
        (KeyPart::Timestamp(a), KeyPart::Timestamp(b)) => b < a,
        // The column changed its type: read all of it.
        _ => return &KeyPart::Null,
    };
    if b_is_lower { b } else { a }
}

#[expect(clippy::cast_precision_loss, reason = "an overlap is small")]
fn earlier(value: &KeyPart, overlap: u64) -> KeyPart {
    let back = |moment: NaiveDateTime| {
        moment
            .checked_sub_signed(seconds(overlap))
            .unwrap_or(NaiveDateTime::MIN)
    };
    match value {
        KeyPart::Int(number) => KeyPart::Int(number.saturating_sub_unsigned(overlap)),
        KeyPart::Decimal(number) => KeyPart::Decimal(*number - Decimal::from(overlap)),
        KeyPart::Float(number) => KeyPart::Float(number - overlap as f64),
        KeyPart::Date(date) => KeyPart::DateTime(back(date.and_time(NaiveTime::MIN))),
        KeyPart::DateTime(moment) => KeyPart::DateTime(back(*moment)),
        KeyPart::Timestamp(moment) => KeyPart::Timestamp(back(moment.naive_utc()).and_utc()),
        KeyPart::Null
        | KeyPart::Bool(_)
        | KeyPart::Text(_)
        | KeyPart::Bytes(_)
        | KeyPart::Time(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(time: &str) -> Times {
        let utc: DateTime<Utc> = format!("2026-03-01T{time}Z").parse().unwrap();
        Times {
            utc,
            local: utc.naive_utc() - Duration::hours(4),
        }
    }

    fn watermark(overlap: u64) -> Watermark {
        Watermark {
            columns: Vec::new(),
            overlap,
            bound: None,
            format: None,
            casts: Vec::new(),
        }
    }

    fn local(time: &str) -> Value {
        Value::DateTime(format!("2026-03-01T{time}").parse().unwrap())
    }

    #[test]
    fn rows_around_a_fresh_mark_are_read_again_until_it_has_stood_for_the_overlap() {
        let first = watermark(300)
            .mark(&local("08:00:00"), clock("12:00:01"), None)
            .unwrap();
        let second = watermark(300)
            .mark(&local("08:00:00"), clock("12:04:00"), Some(&first))
            .unwrap();
        assert_eq!(
            low(&first, &second, 300),
            Some(Low::From(KeyPart::DateTime(
                "2026-03-01T07:55:00".parse().unwrap()
            )))
        );
        let third = watermark(300)
            .mark(&local("08:00:00"), clock("12:06:00"), Some(&second))
            .unwrap();
        assert!(
            third.settled && low(&second, &third, 300).is_some(),
            "this poll is the one that settles it"
        );
        let fourth = watermark(300)
            .mark(&local("08:00:00"), clock("12:06:10"), Some(&third))
            .unwrap();
        assert_eq!(low(&third, &fourth, 300), None);
        let fifth = watermark(300)
            .mark(&local("08:06:15"), clock("12:06:20"), Some(&fourth))
            .unwrap();
        assert_eq!(
            low(&fourth, &fifth, 300),
            Some(Low::Beyond(fourth.value.clone()))
        );
        assert!(!fifth.settled);
    }

    #[test]
    fn a_date_in_the_future_does_not_hide_what_happens_until_then() {
        let mark = watermark(300)
            .mark(&local("23:59:59"), clock("12:00:00"), None)
            .unwrap();
        assert_eq!(
            mark.value,
            KeyPart::DateTime("2026-03-01T08:00:00".parse().unwrap())
        );
    }

    #[test]
    fn a_rising_number_looks_back_by_units_and_never_at_everything() {
        let last = watermark(50)
            .mark(&Value::Int(1_000_000), clock("12:00:00"), None)
            .unwrap();
        let this = watermark(50)
            .mark(&Value::Int(1_000_010), clock("13:00:00"), Some(&last))
            .unwrap();
        assert_eq!(
            low(&last, &this, 50),
            Some(Low::From(KeyPart::Int(999_950)))
        );
    }

    #[test]
    fn a_restored_backup_lowers_the_mark() {
        let last = watermark(10)
            .mark(&Value::Int(900), clock("12:00:00"), None)
            .unwrap();
        let this = watermark(10)
            .mark(&Value::Int(500), clock("13:00:00"), Some(&last))
            .unwrap();
        assert_eq!(low(&last, &this, 10), Some(Low::From(KeyPart::Int(490))));
    }

    #[test]
    fn the_first_rows_of_an_empty_table_are_all_new() {
        let last = watermark(300)
            .mark(&Value::Null, clock("12:00:00"), None)
            .unwrap();
        let this = watermark(300)
            .mark(&Value::Int(3), clock("12:01:00"), Some(&last))
            .unwrap();
        assert_eq!(low(&last, &this, 300), Some(Low::Any));
        assert_eq!(low(&last, &last.clone(), 300), None);
    }

    #[test]
    fn a_date_kept_as_text_is_read_and_written_in_its_format() {
        let kept = Watermark {
            format: Some("%Y%m%d%H%M%S".into()),
            ..watermark(60)
        };
        let first = kept
            .mark(&Value::text("20260301075900"), clock("12:00:00"), None)
            .unwrap();
        let second = kept
            .mark(
                &Value::text("20260301080010"),
                clock("12:00:20"),
                Some(&first),
            )
            .unwrap();
        let window = kept.window(&first, &second).unwrap();
        assert_eq!(
            window.low,
            Low::From(KeyPart::Text("20260301075800".into()))
        );
        assert_eq!(
            kept.mark(&Value::text("mañana"), clock("12:00:00"), None),
            Err(NoMark::Misfit)
        );
        assert_eq!(
            kept.mark(&Value::text("00000000000000"), clock("12:00:00"), None)
                .unwrap()
                .value,
            KeyPart::Null
        );
        assert!(Watermark::check_format("%Y-%m-%d").is_ok());
        assert!(Watermark::check_format("%Y%m%d%H").is_ok());
        assert!(Watermark::check_format("%Y %Q").is_err());
        assert!(Watermark::check_format("%Y-%m-%d %z").is_err());
    }

    #[test]
    fn a_rowversion_is_read_up_to_the_oldest_open_transaction() {
        let version = |number: u64| Value::Bytes(number.to_be_bytes().into());
        let rowversion = Watermark {
            bound: Some("MIN_ACTIVE_ROWVERSION()"),
            ..watermark(300)
        };
        let mark = |number, last: Option<&Mark>| {
            rowversion.mark(&version(number), clock("12:00:00"), last)
        };
        let first = mark(2001, None).unwrap();
        let still = mark(2001, Some(&first)).unwrap();
        assert_eq!(rowversion.window(&first, &still), None);
        let later = mark(2300, Some(&still)).unwrap();
        let window = rowversion.window(&still, &later).unwrap();
        assert_eq!(window.low, Low::From(first.value.clone()));
        assert_eq!(window.below, Some(later.value.clone()));
        assert_eq!(mark(1500, Some(&later)), Err(NoMark::WentBack));
    }
}
