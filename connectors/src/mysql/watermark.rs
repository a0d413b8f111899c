//! Which rows a poll must look at.

use chrono::{DateTime, Duration, NaiveDateTime, NaiveTime, Utc};
use fluxion_model::value::Value;
use rust_decimal::Decimal;

use super::key::{KeyColumn, KeyPart, Side, beyond};
use super::position::Mark;
use super::sql::{Fragment, Statement};

/// The server's clocks: UTC, and what it shows its users.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
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

impl Low {
    pub fn condition(&self, statement: &mut Statement, column: &Fragment) {
        let column = KeyColumn {
            sql: column,
            collation: None,
        };
        match self {
            Self::Any => {
                statement.fragment(column.sql).push(" IS NOT NULL");
            }
            Self::From(value) => beyond(
                statement,
                &[column],
                std::slice::from_ref(value),
                Side::AtOrAfter,
            ),
            Self::Beyond(value) => beyond(
                statement,
                &[column],
                std::slice::from_ref(value),
                Side::After,
            ),
        }
    }
}

/// The mark a highest value makes. A date in the future is cut to now, for else it would hide every change until then.
/// None for what cannot be followed.
pub(super) fn mark(
    highest: &Value,
    clock: Clock,
    last: Option<&Mark>,
    overlap: u64,
) -> Option<Mark> {
    let value = match KeyPart::of(highest)? {
        KeyPart::DateTime(moment) => KeyPart::DateTime(moment.min(clock.local)),
        KeyPart::Timestamp(moment) => KeyPart::Timestamp(moment.min(clock.utc)),
        KeyPart::Date(date) => KeyPart::Date(date.min(clock.local.date())),
        value @ (KeyPart::Null | KeyPart::Int(_) | KeyPart::Decimal(_) | KeyPart::Float(_)) => {
            value
        }
        KeyPart::Text(_) | KeyPart::Bytes(_) | KeyPart::Time(_) => return None,
    };
    let may_settle = match &value {
        KeyPart::DateTime(_) | KeyPart::Timestamp(_) => true,
        // Rows of today keep coming with the same date; two days are beyond any doubt about time zones.
        KeyPart::Date(date) => clock.local.date() - *date > Duration::days(2),
        // Rows that commit late have lower numbers, however late.
        _ => false,
    };
    let since = match last {
        Some(last) if last.value == value => last.since,
        _ => clock.utc,
    };
    let settled = may_settle && clock.utc - since > seconds(overlap);
    Some(Mark {
        value,
        since,
        settled,
    })
}

/// What a poll must read for one column, given the mark of the last poll and of this one. None when nothing can have
/// changed.
pub(super) fn low(last: &Mark, this: &Mark, overlap: u64) -> Option<Low> {
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
        KeyPart::Null | KeyPart::Text(_) | KeyPart::Bytes(_) | KeyPart::Time(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(time: &str) -> Clock {
        let utc: DateTime<Utc> = format!("2026-03-01T{time}Z").parse().unwrap();
        Clock {
            utc,
            local: utc.naive_utc() - Duration::hours(4),
        }
    }

    fn local(time: &str) -> Value {
        Value::DateTime(format!("2026-03-01T{time}").parse().unwrap())
    }

    #[test]
    fn rows_around_a_fresh_mark_are_read_again_until_it_has_stood_for_the_overlap() {
        let first = mark(&local("08:00:00"), clock("12:00:01"), None, 300).unwrap();
        let second = mark(&local("08:00:00"), clock("12:04:00"), Some(&first), 300).unwrap();
        assert_eq!(
            low(&first, &second, 300),
            Some(Low::From(KeyPart::DateTime(
                "2026-03-01T07:55:00".parse().unwrap()
            )))
        );
        let third = mark(&local("08:00:00"), clock("12:06:00"), Some(&second), 300).unwrap();
        assert!(
            third.settled && low(&second, &third, 300).is_some(),
            "this poll is the one that settles it"
        );
        let fourth = mark(&local("08:00:00"), clock("12:06:10"), Some(&third), 300).unwrap();
        assert_eq!(low(&third, &fourth, 300), None);
        let fifth = mark(&local("08:06:15"), clock("12:06:20"), Some(&fourth), 300).unwrap();
        assert_eq!(
            low(&fourth, &fifth, 300),
            Some(Low::Beyond(fourth.value.clone()))
        );
        assert!(!fifth.settled);
    }

    #[test]
    fn a_date_in_the_future_does_not_hide_what_happens_until_then() {
        let mark = mark(&local("23:59:59"), clock("12:00:00"), None, 300).unwrap();
        assert_eq!(
            mark.value,
            KeyPart::DateTime("2026-03-01T08:00:00".parse().unwrap())
        );
    }

    #[test]
    fn a_rising_number_looks_back_by_units_and_never_at_everything() {
        let last = mark(&Value::Int(1_000_000), clock("12:00:00"), None, 50).unwrap();
        let this = mark(&Value::Int(1_000_010), clock("13:00:00"), Some(&last), 50).unwrap();
        assert_eq!(
            low(&last, &this, 50),
            Some(Low::From(KeyPart::Int(999_950)))
        );
    }

    #[test]
    fn a_restored_backup_lowers_the_mark() {
        let last = mark(&Value::Int(900), clock("12:00:00"), None, 10).unwrap();
        let this = mark(&Value::Int(500), clock("13:00:00"), Some(&last), 10).unwrap();
        assert_eq!(low(&last, &this, 10), Some(Low::From(KeyPart::Int(490))));
    }

    #[test]
    fn the_first_rows_of_an_empty_table_are_all_new() {
        let last = mark(&Value::Null, clock("12:00:00"), None, 300).unwrap();
        let this = mark(&Value::Int(3), clock("12:01:00"), Some(&last), 300).unwrap();
        assert_eq!(low(&last, &this, 300), Some(Low::Any));
        assert_eq!(low(&last, &last.clone(), 300), None);
    }
}
