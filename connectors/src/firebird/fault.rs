//! From what the server says to who must act.

use rsfbclient_core::FbError;

use super::KIND;
use super::config::Target;
use crate::error::SourceError;
use crate::sql::{SqlFault, StreamQuery};

/// What went wrong below.
#[derive(Debug, thiserror::Error)]
pub(super) enum FirebirdFault {
    /// The server complained.
    #[error("{message} (SQL code {code})")]
    Answer { code: i32, message: String },
    /// The line or the driver.
    #[error("{0}")]
    Line(String),
    /// No answer in time.
    #[error("no answer within {0} s")]
    Late(u64),
    /// The thread of the connection is gone.
    #[error("the connection is gone")]
    Gone,
}

impl From<FbError> for FirebirdFault {
    fn from(error: FbError) -> Self {
        match error {
            FbError::Sql { msg, code } => Self::Answer {
                code,
                message: msg.split_whitespace().collect::<Vec<_>>().join(" "),
            },
            FbError::Io(error) => Self::Line(error.to_string()),
            FbError::Other(message) => Self::Line(message),
        }
    }
}

/// Trouble while connecting.
pub(super) fn connecting(target: &Target, fault: FirebirdFault) -> SourceError {
    let action = format!("connect to {}", target.name());
    let said = fault.to_string();
    let lower = said.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if says(&["user name and password", "login", "-902"]) && !says(&["no such file", "i/o error"]) {
        let hint = format!(
            "The server refuses the login of user {:?} ({said}): check `connection.user` and the password.",
            target.config.user
        );
        return SourceError::ask(KIND, action, "login_refused", hint, fault);
    }
    if says(&[
        "no such file",
        "i/o error",
        "cannot attach",
        "unavailable database",
    ]) {
        let hint = format!(
            "The server has no database {:?}: write its file as the server's PC sees it, or its alias, in `connection.database`.",
            target.config.database
        );
        return SourceError::ask(KIND, action, "not_found", hint, fault);
    }
    if says(&["wire encryption", "incompatible wire"]) {
        let hint = "The server insists on an encryption this agent does not have: set `WireCrypt = Enabled` in its firebird.conf.";
        return SourceError::ask(KIND, action, "tls", hint, fault);
    }
    SourceError::retry(KIND, action, fault)
}

/// Trouble while reading for a stream.
pub(super) fn reading(query: &StreamQuery, fault: SqlFault) -> SourceError {
    let action = format!("read stream {}", query.name);
    let remedy = match fault.downcast_ref::<FirebirdFault>() {
        Some(FirebirdFault::Answer { code, message }) => remedy(query, *code, message),
        _ => None,
    };
    match remedy {
        Some((code, hint)) => SourceError::ask(KIND, action, code, hint, fault),
        None => SourceError::retry(KIND, action, fault),
    }
}

fn remedy(query: &StreamQuery, code: i32, message: &str) -> Option<(&'static str, String)> {
    let stream = &query.name;
    let lower = message.to_lowercase();
    if code == -206 || lower.contains("column unknown") {
        let name = named(message, "olumn unknown").unwrap_or("?");
        let used_by = match query.columns_using(name) {
            users if users.is_empty() => String::new(),
            users => format!(", read for {}", users.join(", ")),
        };
        let hint = format!(
            "Column {name}{used_by} of stream {stream:?} does not exist in {}. If the POS was updated, correct the column in the mapping; other streams go on.",
            query.table_of(name)
        );
        return Some(("missing_column", hint));
    }
    if lower.contains("table unknown") {
        let hint = format!(
            "Table {} of stream {stream:?} does not exist. Check that `connection.database` is the POS's database and that the mapping fits this version of the POS.",
            named(message, "able unknown").unwrap_or(&query.table)
        );
        return Some(("missing_table", hint));
    }
    if lower.contains("no permission") || code == -551 {
        let hint = format!(
            "The account may not read what stream {stream:?} needs ({message}): grant it SELECT on that table."
        );
        return Some(("permission_denied", hint));
    }
    // Syntax, unknown functions, conversions that fail on a row's data.
    matches!(code, -104 | -204 | -413 | -804 | -171 | -607).then(|| {
        let hint = format!(
            "The SQL of stream {stream:?} is not valid on this server ({message}): correct it in the mapping."
        );
        ("invalid_query", hint)
    })
}

/// The name behind `Column unknown`.
fn named<'a>(message: &'a str, sign: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(sign)?;
    let name = rest.trim_start_matches([' ', '-', ':', ',']);
    let name = name.split_whitespace().next()?;
    Some(name.trim_matches(['"', ',', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_column_is_told_from_the_message() {
        let message = "Dynamic SQL Error -SQL error code = -206 -Column unknown -P.PRECIO -At line 1, column 8";
        assert_eq!(named(message, "olumn unknown"), Some("P.PRECIO"));
    }
}
