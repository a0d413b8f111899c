//! When things run: an interval, or a cron expression with seconds in the POS's time zone.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use cron::TimeUnitSpec as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An interval: `15s`, `5m`, `1h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Every(pub Duration);

impl FromStr for Every {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!("{text:?} is not an interval; write a number and s, m, h or d, such as \"15s\"")
        };
        let text_trimmed = text.trim();
        let split = text_trimmed
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(wrong)?;
        let (number, unit) = text_trimmed.split_at(split);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let seconds = number.saturating_mul(seconds);
        if !(1..=366 * 86_400).contains(&seconds) {
            return Err(format!("{text:?} must lie between one second and one year"));
        }
        Ok(Self(Duration::from_secs(seconds)))
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            s if s % 86_400 == 0 => write!(f, "{}d", s / 86_400),
            s if s % 3_600 == 0 => write!(f, "{}h", s / 3_600),
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl TryFrom<String> for Every {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        every.to_string()
    }
}

/// A cron expression with seconds: `0 30 2 * * *` is every day at 02:30.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Schedule {
    text: String,
    parsed: cron::Schedule,
}

impl Schedule {
    /// Every day at 02:30, when most stores are closed.
    #[must_use]
    pub fn daily_at_two_thirty() -> Self {
        // The text is a constant and parses; a test says so.
        Self::from_str("0 30 2 * * *").unwrap_or_else(|message| unreachable!("{message}"))
    }

    /// The first moment after `now` that it names.
    ///
    /// When clocks change, what runs at certain hours runs once a day all the same: a time that does not exist counts at
    /// the moment the clock jumps over it, and of one that exists twice the first counts. What runs in every hour follows
    /// the time that passes.
    #[must_use]
    pub fn next_after(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        if self.parsed.hours().is_all() {
            let offset = zone.offset_from_utc_datetime(&now.naive_utc()).fix();
            let next = self.parsed.after(&now.with_timezone(&offset)).next();
            return next.map(|moment| moment.to_utc());
        }
        // The wall's times, as if there were no zones.
        let wall = now.with_timezone(&zone).naive_local().and_utc();
        self.parsed
            .after(&wall)
            .take(NAMED_TWICE_OR_NEVER)
            .filter_map(|named| moment(named.naive_utc(), zone))
            .find(|moment| *moment > now)
    }
}

/// More times than a schedule names in the hours of a change; then the next one lies ahead.
const NAMED_TWICE_OR_NEVER: usize = 4 * 3_600;
/// No clock was ever changed by more.
const LONGEST_GAP: i64 = 24 * 60;

/// When the wall shows this time first, or jumps over it.
fn moment(wall: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    if let Some(shown) = zone.from_local_datetime(&wall).earliest() {
        return Some(shown.to_utc());
    }
    let minute = wall.with_second(0)?;
    (1..=LONGEST_GAP)
        .find_map(|later| {
            zone.from_local_datetime(&(minute + TimeDelta::minutes(later)))
                .earliest()
        })
        .map(|shown| shown.to_utc())
}

impl FromStr for Schedule {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.parse().map_err(|error: cron::error::Error| {
            format!(
                "{text:?} is not a cron expression ({error}); write second, minute, hour, day, month and weekday, \
                 such as \"0 30 2 * * *\" for every day at 02:30, or use `every = \"15s\"`"
            )
        })?;
        Ok(Self {
            text: text.to_owned(),
            parsed,
        })
    }
}

impl TryFrom<String> for Schedule {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_reads_as_people_write_it() {
        assert_eq!("15s".parse(), Ok(Every(Duration::from_secs(15))));
        assert_eq!("5 m".parse(), Ok(Every(Duration::from_secs(300))));
        for text in ["", "5", "s", "-1s", "0s", "5w", "99999d"] {
            assert!(text.parse::<Every>().is_err(), "{text:?}");
        }
        for text in ["15s", "90s", "5m", "2h", "1d"] {
            assert_eq!(text.parse::<Every>().unwrap().to_string(), text);
        }
    }

    /// When it runs between two moments, as the wall shows them.
    fn runs(cron: &str, zone: Tz, from: &str, to: &str) -> Vec<String> {
        let schedule: Schedule = cron.parse().unwrap();
        let mut now: DateTime<Utc> = from.parse().unwrap();
        let to: DateTime<Utc> = to.parse().unwrap();
        let mut runs = Vec::new();
        while let Some(next) = schedule.next_after(now, zone).filter(|next| *next < to) {
            assert!(next > now);
            runs.push(
                next.with_timezone(&zone)
                    .format("%m-%d %H:%M %z")
                    .to_string(),
            );
            now = next;
        }
        runs
    }

    #[test]
    fn a_sweep_runs_once_on_the_day_its_time_does_not_exist() {
        let tijuana = chrono_tz::America::Tijuana;
        assert_eq!(
            runs(
                "0 30 2 * * *",
                tijuana,
                "2026-03-07T09:00:00Z",
                "2026-03-10T00:00:00Z"
            ),
            [
                "03-07 02:30 -0800",
                "03-08 03:00 -0700",
                "03-09 02:30 -0700"
            ]
        );
        // Two times that do not exist are one moment.
        assert_eq!(
            runs(
                "0 10,40 2 * * *",
                tijuana,
                "2026-03-08T08:00:00Z",
                "2026-03-09T00:00:00Z"
            ),
            ["03-08 03:00 -0700"]
        );
        // Chile changes at midnight.
        assert_eq!(
            runs(
                "0 30 0 * * *",
                chrono_tz::America::Santiago,
                "2026-09-05T00:00:00Z",
                "2026-09-08T00:00:00Z"
            ),
            [
                "09-05 00:30 -0400",
                "09-06 01:00 -0300",
                "09-07 00:30 -0300"
            ]
        );
    }

    #[test]
    fn a_sweep_runs_once_on_the_day_its_time_exists_twice() {
        assert_eq!(
            runs(
                "0 30 1 * * *",
                chrono_tz::America::Tijuana,
                "2026-10-31T07:00:00Z",
                "2026-11-03T00:00:00Z"
            ),
            [
                "10-31 01:30 -0700",
                "11-01 01:30 -0700",
                "11-02 01:30 -0800"
            ]
        );
        assert_eq!(
            runs(
                "0 30 23 * * *",
                chrono_tz::America::Santiago,
                "2026-04-04T00:00:00Z",
                "2026-04-06T12:00:00Z"
            ),
            [
                "04-03 23:30 -0300",
                "04-04 23:30 -0300",
                "04-05 23:30 -0400"
            ]
        );
    }

    #[test]
    fn what_runs_in_every_hour_goes_on_while_the_clock_changes() {
        let tijuana = chrono_tz::America::Tijuana;
        let twice = runs(
            "0 */20 * * * *",
            tijuana,
            "2026-11-01T07:59:00Z",
            "2026-11-01T10:01:00Z",
        );
        assert_eq!(
            twice,
            [
                "11-01 01:00 -0700",
                "11-01 01:20 -0700",
                "11-01 01:40 -0700",
                "11-01 01:00 -0800",
                "11-01 01:20 -0800",
                "11-01 01:40 -0800",
                "11-01 02:00 -0800"
            ]
        );
        let gap = runs(
            "0 */30 * * * *",
            tijuana,
            "2026-03-08T09:29:00Z",
            "2026-03-08T10:31:00Z",
        );
        assert_eq!(
            gap,
            [
                "03-08 01:30 -0800",
                "03-08 03:00 -0700",
                "03-08 03:30 -0700"
            ]
        );
    }

    #[test]
    fn the_sweep_runs_at_night_where_the_store_is() {
        let now: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let next = Schedule::daily_at_two_thirty()
            .next_after(now, chrono_tz::America::Caracas)
            .unwrap();
        assert_eq!(next.to_rfc3339(), "2026-03-02T06:30:00+00:00");
        assert!(
            "every day"
                .parse::<Schedule>()
                .unwrap_err()
                .contains("0 30 2 * * *")
        );
    }
}
