//! From what a driver says to who must act.

use odbc_api::Error;

use super::KIND;
use super::config::Target;
use crate::error::SourceError;
use crate::sql::{SqlFault, StreamQuery};

/// What went wrong below.
#[derive(Debug, thiserror::Error)]
pub(super) enum OdbcFault {
    /// The driver or the driver manager complained.
    #[error("[{state}] {message}")]
    Answer { state: String, message: String },
    /// No answer in time.
    #[error("no answer within {0} s")]
    Late(u64),
    /// A cell was longer than the driver had said any could be.
    #[error("a cell is longer than the driver says")]
    Truncated,
    /// The driver hands over one row at a time only.
    #[error("the driver cannot hand over several rows at once")]
    OneRowOnly,
    /// The thread of the connection is gone, and the driver perhaps with it.
    #[error("the connection is gone")]
    Gone,
}

impl From<Error> for OdbcFault {
    fn from(error: Error) -> Self {
        let record = match &error {
            Error::Diagnostics { record, .. }
            | Error::UnsupportedOdbcApiVersion(record)
            | Error::UnableToRepresentNull(record) => record,
            Error::InvalidRowArraySize { .. } => return Self::OneRowOnly,
            _ => {
                return Self::Answer {
                    state: "HY000".to_owned(),
                    message: one_line(&error.to_string()),
                };
            }
        };
        let shown = record.to_string();
        let message = shown.split_once("Message: ").map_or(&*shown, |(_, m)| m);
        Self::Answer {
            state: record.state.as_str().trim_matches('\0').to_owned(),
            message: one_line(message),
        }
    }
}

impl OdbcFault {
    /// Whether the driver does not know how to do this at all.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::OneRowOnly => true,
            Self::Answer { state, .. } => {
                matches!(
                    state.as_str(),
                    "HY092" | "HYC00" | "IM001" | "S1C00" | "HY024"
                )
            }
            Self::Late(_) | Self::Truncated | Self::Gone => false,
        }
    }
}

/// Messages of drivers come with line breaks, and with zeros that a careless driver counts in.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c == '\0');
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Trouble while connecting.
pub(super) fn connecting(target: &Target, fault: OdbcFault) -> SourceError {
    let action = format!("connect to {}", target.name());
    let OdbcFault::Answer { state, message } = &fault else {
        return SourceError::retry(KIND, action, fault);
    };
    let lower = message.to_lowercase();
    let refused = state == "28000"
        || [
            "access denied",
            "login failed",
            "password authentication",
            "ora-01017",
            "ora-28000",
        ]
        .iter()
        .any(|sign| lower.contains(sign));
    if refused {
        let hint = format!(
            "The database refuses the login ({message}): check `connection.user` and the password."
        );
        return SourceError::ask(KIND, action, "login_refused", hint, fault);
    }
    let hint = match state.as_str() {
        "IM002" => {
            "There is no such data source or driver for this program: install the driver of the POS's database (64-bit for a 64-bit agent), and set up `connection.dsn` as a system data source."
        }
        "IM014" => {
            "The data source is of another kind of program (32 or 64 bits) than the agent: install the driver and set up the data source for the agent's kind."
        }
        "IM003" | "01000" => {
            "The ODBC driver cannot be loaded: install it again, for programs of the agent's kind (32 or 64 bits)."
        }
        "IM006" | "IM004" | "IM005" => "The ODBC driver does not start: install it again.",
        _ => return SourceError::retry(KIND, action, fault),
    };
    SourceError::ask(KIND, action, "not_found", hint, fault)
}

/// Trouble while reading for a stream.
pub(super) fn reading(query: &StreamQuery, fault: SqlFault) -> SourceError {
    let action = format!("read stream {}", query.name);
    let remedy = match fault.downcast_ref::<OdbcFault>() {
        Some(OdbcFault::Answer { state, message }) => remedy(query, state, message),
        _ => None,
    };
    match remedy {
        Some((code, hint)) => SourceError::ask(KIND, action, code, hint, fault),
        None => SourceError::retry(KIND, action, fault),
    }
}

/// What is wrong with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Column,
    Table,
    Permission,
    Statement,
}

/// By the state where the driver is careful, by the message where all its states are the same.
fn wrong(state: &str, message: &str) -> Option<Wrong> {
    let lower = message.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if matches!(state, "42S22" | "S0022" | "42703" | "07002")
        || says(&[
            "no such column",
            "unknown column",
            "column unknown",
            "invalid column name",
            "ora-00904",
        ])
    {
        return Some(Wrong::Column);
    }
    if matches!(state, "42S02" | "S0002" | "42P01")
        || says(&[
            "no such table",
            "table unknown",
            "invalid object name",
            "ora-00942",
            "doesn't exist",
        ])
    {
        return Some(Wrong::Table);
    }
    if state == "42501" || says(&["permission", "denied", "ora-01031", "no permission"]) {
        return Some(Wrong::Permission);
    }
    (state.starts_with("42") || state == "37000" || says(&["syntax error", "couldn't parse"]))
        .then_some(Wrong::Statement)
}

fn remedy(query: &StreamQuery, state: &str, message: &str) -> Option<(&'static str, String)> {
    let stream = &query.name;
    let name = named(message);
    Some(match wrong(state, message)? {
        Wrong::Column => {
            let (what, used_by, table) = match name {
                Some(name) => (
                    name.to_owned(),
                    match query.columns_using(name) {
                        users if users.is_empty() => String::new(),
                        users => format!(", read for {}", users.join(", ")),
                    },
                    query.table_of(name),
                ),
                None => (
                    "(the driver does not say which)".to_owned(),
                    String::new(),
                    "its tables".to_owned(),
                ),
            };
            let hint = format!(
                "Column {what}{used_by} of stream {stream:?} does not exist in {table}. If the POS was updated, correct the column in the mapping; other streams go on."
            );
            ("missing_column", hint)
        }
        Wrong::Table => {
            let hint = format!(
                "Table {} of stream {stream:?} does not exist ({message}). Check that the data source is the POS's database and that the mapping fits this version of the POS.",
                name.unwrap_or(&query.table)
            );
            ("missing_table", hint)
        }
        Wrong::Permission => {
            let hint = format!(
                "The account may not read what stream {stream:?} needs ({message}): grant it SELECT on that table."
            );
            ("permission_denied", hint)
        }
        Wrong::Statement => {
            let hint = format!(
                "The SQL of stream {stream:?} is not valid for this driver ({message}): correct it in the mapping, or set `connection.dialect`."
            );
            ("invalid_query", hint)
        }
    })
}

/// The name in a message: between quotes, or behind `no such column:`.
fn named(message: &str) -> Option<&str> {
    let message = message.rsplit(']').next().unwrap_or(message);
    let quotes = ['\'', '"', '`', '«', '»'];
    if let Some(name) = message.split(quotes).nth(1) {
        return Some(name);
    }
    for sign in [
        "no such column: ",
        "no such table: ",
        "olumn unknown ",
        "able unknown ",
    ] {
        if let Some((_, rest)) = message.split_once(sign) {
            return rest.split_whitespace().next();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_whatever_the_driver_calls_it() {
        for (state, message, what, name) in [
            (
                "42S22",
                "[ma-3.1.15][10.11]Unknown column 'precio' in 'SELECT'",
                Wrong::Column,
                Some("precio"),
            ),
            (
                "HY000",
                "[SQLite]no such column: precio (1)",
                Wrong::Column,
                Some("precio"),
            ),
            (
                "42703",
                "ERROR: column \"precio\" does not exist",
                Wrong::Column,
                Some("precio"),
            ),
            (
                "HY000",
                "[SQLite]no such table: items (1)",
                Wrong::Table,
                Some("items"),
            ),
            (
                "07002",
                "[Microsoft][ODBC Microsoft Access Driver] Too few parameters. Expected 1.",
                Wrong::Column,
                None,
            ),
        ] {
            assert_eq!(wrong(state, message), Some(what), "{message}");
            assert_eq!(named(message), name, "{message}");
        }
        assert_eq!(wrong("08S01", "Communication link failure"), None);
    }
}
