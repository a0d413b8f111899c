//! When things run: an interval, or a cron expression with seconds in the POS's time zone.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
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
    #[must_use]
    pub fn next_after(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        self.parsed
            .after(&now.with_timezone(&zone))
            .next()
            .map(|moment| moment.with_timezone(&Utc))
    }
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
