//! Where a stream of an API stands.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use fluxion_model::stream::Cursor;
use fluxion_model::value::Value;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Between two readings, or inside one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// What was seen up to here.
    pub mark: Option<Mark>,
    /// The last day that was asked for, where an API is asked day by day.
    pub day: Option<NaiveDate>,
    /// Address and ETag of the last reading, where it fitted one page.
    pub unchanged: Option<(String, String)>,
    /// The reading under way.
    pub walk: Option<Walk>,
}

/// One reading, page after page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Walk {
    /// What it is for.
    pub aim: Aim,
    /// The page that is read; after the last one, nothing.
    pub at: Option<Token>,
    /// Items of that page that were given out.
    pub taken: usize,
    /// What that page held, so that the count means the same after a restart.
    pub hash: String,
    /// Pages before it.
    pub pages: u32,
    /// Items before it.
    pub items: u64,
    /// The highest mark seen.
    pub high: Option<Mark>,
    /// When it began, by the API's clock.
    pub began: Option<DateTime<Utc>>,
    /// How many items the API says there are.
    pub total: Option<u64>,
    /// Whether a batch of it was given out.
    pub begun: bool,
    /// How often it began anew because the list moved under it.
    pub restarts: u32,
}

/// What a reading is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Aim {
    /// Everything there is.
    Everything,
    /// What changed since, as the parameter is written.
    Since(String),
    /// What belongs to this day.
    Day(NaiveDate),
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Token {
    /// The first one.
    First,
    /// By number, or by how many items come before it.
    Number(u64),
    /// By the text that the page before gave.
    Text(String),
    /// By an address of its own.
    Address(String),
}

/// How far changes were seen.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    /// A moment.
    Time(DateTime<Utc>),
    /// A rising number.
    Number(Decimal),
}

impl Mark {
    /// The mark that a cell holds, if any.
    pub fn of(value: &Value, format: Option<&str>) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Number((*number).into())),
            Value::Decimal(number) => Some(Self::Number(*number)),
            Value::Timestamp(at) => Some(Self::Time(*at)),
            Value::Text(text) => {
                let own =
                    format.and_then(|format| NaiveDateTime::parse_from_str(text, format).ok());
                let time = own.map(|at| at.and_utc()).or_else(|| {
                    let zoned = DateTime::parse_from_rfc3339(text).ok();
                    zoned.map(|at| at.with_timezone(&Utc))
                });
                let plain = || text.parse::<NaiveDateTime>().ok().map(|at| at.and_utc());
                let day = || {
                    text.parse::<NaiveDate>()
                        .ok()?
                        .and_hms_opt(0, 0, 0)
                        .map(|at| at.and_utc())
                };
                time.or_else(plain).or_else(day).map(Self::Time)
            }
            _ => None,
        }
    }

    pub fn max(self, other: Option<Self>) -> Self {
        other.filter(|other| *other > self).unwrap_or(self)
    }
}

impl Walk {
    pub fn new(aim: Aim) -> Self {
        Self {
            aim,
            at: Some(Token::First),
            taken: 0,
            hash: String::new(),
            pages: 0,
            items: 0,
            high: None,
            began: None,
            total: None,
            begun: false,
            restarts: 0,
        }
    }
}

impl Position {
    pub fn cursor(&self) -> Cursor {
        // Plain data with text keys: writing it cannot fail.
        Cursor(serde_json::to_vec(self).unwrap_or_default().into())
    }

    pub fn read(cursor: &Cursor) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&cursor.0)
    }
}
