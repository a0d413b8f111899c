//! How much of the line the agent takes, and when.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDateTime, Timelike, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of the store's line the agent takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BandwidthConfig {
    /// At most so many kilobytes (1,000 bytes) per second, for deliveries to the cloud and downloads of updates together;
    /// 0 means no limit. Heartbeats and commands are small and are never held back.
    pub kb_per_s: u32,
    /// The same while Windows calls the line metered, as over a mobile phone: whatever else is set, no more than this.
    /// 0: a metered line is treated like any other. Windows knows since version 8; elsewhere this does nothing.
    pub metered_kb_per_s: u32,
    /// Other limits at certain hours, in the local time of this computer. While an entry applies, it replaces `kb_per_s`;
    /// of several that apply at once, the lowest limit counts. Full speed at night and 64 kB/s while the store is open:
    /// kb_per_s = 0 above, and an entry from "08:00" to "22:00" with kb_per_s = 64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<PlanEntry>,
}

impl Default for BandwidthConfig {
    fn default() -> Self {
        Self {
            kb_per_s: 0,
            metered_kb_per_s: 64,
            plan: Vec::new(),
        }
    }
}

/// A limit at certain hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanEntry {
    /// On these days: "mon", "tue", "wed", "thu", "fri", "sat", "sun". Every day when absent.
    #[serde(default)]
    pub days: Vec<Day>,
    /// From this time on, as in "08:00".
    pub from: TimeOfDay,
    /// Until this time. When it is not later than `from`, it is on the day after: "22:00" to "06:00" begins on the days
    /// named and ends on the next morning.
    pub to: TimeOfDay,
    /// At most so many kilobytes per second; 0 means no limit.
    pub kb_per_s: u32,
}

impl PlanEntry {
    fn applies(&self, local: NaiveDateTime) -> bool {
        let minute = local.hour() * 60 + local.minute();
        let (from, to) = (self.from.minutes(), self.to.minutes());
        let on = |day: Weekday| self.days.is_empty() || self.days.iter().any(|d| d.is(day));
        let today = local.weekday();
        if from < to {
            return on(today) && (from..to).contains(&minute);
        }
        (on(today) && minute >= from) || (on(today.pred()) && minute < to)
    }
}

impl BandwidthConfig {
    /// Bytes per second at this local time; `None` is no limit.
    #[must_use]
    pub fn rate(&self, local: NaiveDateTime, line: Line) -> Option<u64> {
        let planned = self.plan.iter().filter(|entry| entry.applies(local));
        // Without a limit there is nothing lower to choose from: zero stands above all others here.
        let planned = planned
            .map(|entry| entry.kb_per_s)
            .min_by_key(|rate| rate.wrapping_sub(1));
        let usual = per_second(planned.unwrap_or(self.kb_per_s));
        let metered = match line {
            Line::Unmetered => None,
            Line::Metered => per_second(self.metered_kb_per_s),
        };
        match (usual, metered) {
            (Some(usual), Some(metered)) => Some(usual.min(metered)),
            (usual, metered) => usual.or(metered),
        }
    }
}

fn per_second(kilobytes: u32) -> Option<u64> {
    (kilobytes > 0).then_some(u64::from(kilobytes) * 1_000)
}

/// What the line costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Nothing by the byte, or nobody knows.
    Unmetered,
    /// There is a limit, or each byte costs.
    Metered,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    fn is(self, day: Weekday) -> bool {
        let own = match self {
            Self::Mon => Weekday::Mon,
            Self::Tue => Weekday::Tue,
            Self::Wed => Weekday::Wed,
            Self::Thu => Weekday::Thu,
            Self::Fri => Weekday::Fri,
            Self::Sat => Weekday::Sat,
            Self::Sun => Weekday::Sun,
        };
        own == day
    }
}

/// A time on the clock, to the minute: `08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    fn minutes(self) -> u32 {
        u32::from(self.minutes)
    }
}

impl FromStr for TimeOfDay {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || format!("{text:?} is not a time; write hours and minutes, such as \"08:00\"");
        let (hours, minutes) = text.trim().split_once(':').ok_or_else(wrong)?;
        let hours: u16 = hours.parse().map_err(|_| wrong())?;
        let minutes: u16 = minutes.parse().map_err(|_| wrong())?;
        // 24:00 is how many people write the end of a day.
        if hours > 24 || minutes > 59 || hours * 60 + minutes > 24 * 60 {
            return Err(wrong());
        }
        Ok(Self {
            minutes: hours * 60 + minutes,
        })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> BandwidthConfig {
        toml::from_str(text).unwrap()
    }

    /// In kB/s, as people think of it; 2026-11-16 is a Monday.
    fn at(plan: &BandwidthConfig, local: &str) -> Option<u64> {
        let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").unwrap();
        plan.rate(local, Line::Unmetered).map(|rate| rate / 1_000)
    }

    #[test]
    fn by_day_the_line_belongs_to_the_store_and_by_night_to_the_agent() {
        let plan = plan("[[plan]]\nfrom = \"08:00\"\nto = \"22:00\"\nkb_per_s = 64\n");
        assert_eq!(at(&plan, "2026-11-16 07:59"), None);
        assert_eq!(at(&plan, "2026-11-16 08:00"), Some(64));
        assert_eq!(at(&plan, "2026-11-16 21:59"), Some(64));
        assert_eq!(at(&plan, "2026-11-16 22:00"), None);
    }

    #[test]
    fn an_entry_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let plan = plan(
            "kb_per_s = 64\n[[plan]]\ndays = [\"fri\"]\nfrom = \"22:00\"\nto = \"06:00\"\nkb_per_s = 0\n",
        );
        assert_eq!(at(&plan, "2026-11-20 05:00"), Some(64), "friday morning");
        assert_eq!(at(&plan, "2026-11-20 23:00"), None);
        assert_eq!(at(&plan, "2026-11-21 05:59"), None, "saturday morning");
        assert_eq!(at(&plan, "2026-11-21 06:00"), Some(64));
        assert_eq!(at(&plan, "2026-11-21 23:00"), Some(64), "saturday night");
    }

    #[test]
    fn of_entries_that_overlap_the_lowest_limit_counts_and_no_limit_is_the_highest() {
        let plan = plan(
            "[[plan]]\nfrom = \"00:00\"\nto = \"24:00\"\nkb_per_s = 0\n\
             [[plan]]\nfrom = \"09:00\"\nto = \"18:00\"\nkb_per_s = 128\n\
             [[plan]]\ndays = [\"mon\"]\nfrom = \"12:00\"\nto = \"13:00\"\nkb_per_s = 16\n",
        );
        assert_eq!(at(&plan, "2026-11-16 08:00"), None);
        assert_eq!(at(&plan, "2026-11-16 10:00"), Some(128));
        assert_eq!(at(&plan, "2026-11-16 12:30"), Some(16));
        assert_eq!(at(&plan, "2026-11-17 12:30"), Some(128));
    }

    #[test]
    fn a_metered_line_lowers_what_the_plan_allows_and_raises_nothing() {
        let noon = NaiveDateTime::parse_from_str("2026-11-16 12:00", "%Y-%m-%d %H:%M").unwrap();
        let metered = |text: &str| plan(text).rate(noon, Line::Metered);
        assert_eq!(metered(""), Some(64_000));
        assert_eq!(metered("kb_per_s = 16"), Some(16_000));
        assert_eq!(metered("kb_per_s = 16\nmetered_kb_per_s = 0"), Some(16_000));
        assert_eq!(metered("metered_kb_per_s = 0"), None);
    }

    #[test]
    fn a_wrong_time_says_how_one_is_written() {
        for text in ["8", "08:60", "25:00", "24:01", "1093:00", "ocho:00"] {
            assert!(
                text.parse::<TimeOfDay>().unwrap_err().contains("08:00"),
                "{text}"
            );
        }
        assert_eq!("8:05".parse::<TimeOfDay>().unwrap().to_string(), "08:05");
    }
}
