//! A value on its way through the operations of a field. Borrowed from the row as long as nothing changes it.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use encoding_rs::UTF_8;
use fluxion_model::value::Value;
use rust_decimal::Decimal;

use crate::codepage::CodePage;
use crate::number::from_float;
use crate::problem::Problem;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    Number(Decimal),
    Bool(bool),
    Date(NaiveDate),
    Time(NaiveTime),
    Wall(NaiveDateTime),
    Moment(DateTime<Utc>),
}

impl<'a> Cell<'a> {
    /// Takes a value from a row. Empty text is nothing.
    #[inline]
    pub fn read(
        value: &'a Value,
        trim: bool,
        encoding: Option<CodePage>,
    ) -> Result<Self, Box<Problem>> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::borrowed(text, trim),
            Value::Int(number) => Self::Number(Decimal::from(*number)),
            Value::Decimal(number) => Self::Number(*number),
            Value::Float(float) => Self::Number(from_float(*float).ok_or_else(|| {
                Problem::data("number", "holds a floating-point number that has no exact decimal; correct it at the POS")
            })?),
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Date(date) => Self::Date(*date),
            Value::Time(time) => Self::Time(*time),
            Value::DateTime(wall) => Self::Wall(*wall),
            Value::Timestamp(moment) => Self::Moment(*moment),
            Value::Bytes(bytes) => {
                let text = encoding.unwrap_or(CodePage::Web(UTF_8)).decode(bytes).ok_or_else(|| {
                    Problem::data("encoding", "holds bytes that are no text in its code page; set `encoding` in the mapping")
                })?;
                match text {
                    Cow::Borrowed(text) => Self::borrowed(text, trim),
                    Cow::Owned(text) => Self::owned(text, trim),
                }
            }
            Value::Undecodable(broken) => {
                return Err(Problem::data(
                    "encoding",
                    format!("cannot be read: {}; correct it at the POS, or the code page in the configuration", broken.reason),
                ));
            }
        })
    }

    fn borrowed(text: &'a str, trim: bool) -> Self {
        let text = if trim { trimmed(text) } else { text };
        if text.is_empty() {
            Self::Null
        } else {
            Self::Text(Cow::Borrowed(text))
        }
    }

    fn owned(text: String, trim: bool) -> Self {
        let text = if trim {
            trimmed(&text).to_owned()
        } else {
            text
        };
        Self::from_text(text)
    }

    /// Owned text; nothing when it is empty.
    pub fn from_text(text: String) -> Self {
        if text.is_empty() {
            Self::Null
        } else {
            Self::Text(Cow::Owned(text))
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As text: numbers without trailing zeros, dates in ISO 8601.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Text(text) => text,
            Self::Number(number) if number.scale() == 0 => Cow::Owned(number.to_string()),
            Self::Number(number) => Cow::Owned(number.normalize().to_string()),
            Self::Bool(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::Time(time) => Cow::Owned(time.to_string()),
            Self::Wall(wall) => Cow::Owned(wall.format("%Y-%m-%dT%H:%M:%S%.f").to_string()),
            Self::Moment(moment) => Cow::Owned(moment.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string()),
        }
    }

    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
            Self::Number(v) => Cell::Number(v),
            Self::Bool(v) => Cell::Bool(v),
            Self::Date(v) => Cell::Date(v),
            Self::Time(v) => Cell::Time(v),
            Self::Wall(v) => Cell::Wall(v),
            Self::Moment(v) => Cell::Moment(v),
        }
    }
}

/// Without blanks, and the control characters of ASCII, at both ends: old databases fill up with NULs. Control
/// characters beyond ASCII stay, because they come from a wrong code page and must not vanish unseen.
pub(crate) fn trimmed(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(|c: char| {
            (c.is_whitespace() && c != '\u{85}') || c.is_ascii_control() || c == '\u{feff}'
        }),
    }
}
