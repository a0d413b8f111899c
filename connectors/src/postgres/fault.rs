//! From what the server or the line says to who must act.

use sqlx::Error;
use sqlx::postgres::PgDatabaseError;

use super::KIND;
use super::config::Target;
use crate::error::SourceError;
use crate::sql::{SqlFault, StreamQuery};

/// The server did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0} s")]
pub(super) struct NoAnswer(pub u64);

/// A refused or unreachable connection, with what to look at.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}; check that PostgreSQL is running, that it listens on this address (`listen_addresses`), and that `connection.host` and `connection.port` are right"
)]
struct Unreachable(String);

fn database(error: &Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// The five signs of SQLSTATE, where the server itself complained.
pub(super) fn code(error: &Error) -> Option<&str> {
    Some(database(error)?.code())
}

/// Trouble that passes, or that nobody needs to tell apart.
pub(super) fn passing(action: String, fault: SqlFault) -> SourceError {
    SourceError::retry(KIND, action, fault)
}

/// Trouble while connecting.
pub(super) fn connecting(target: &Target, error: Error) -> SourceError {
    let action = format!("connect to {}", target.name());
    let user = &target.config.user;
    if let Error::Tls(_) = &error {
        let hint = "The encrypted connection could not be agreed on: set up TLS on the server and check its certificate and `connection.tls_ca`, or lower `connection.tls` if the network is trusted.";
        return SourceError::ask(KIND, action, "tls", hint, error);
    }
    let Some(answer) = database(&error) else {
        return match &error {
            Error::Io(_) => SourceError::retry(KIND, action, Unreachable(error.to_string())),
            _ => SourceError::retry(KIND, action, error),
        };
    };
    match answer.code() {
        "28P01" | "28000" => {
            let hint = format!(
                "The server refuses the login of user {user:?} ({}): check `connection.user` and the password, and that pg_hba.conf lets this PC in.",
                answer.message()
            );
            SourceError::ask(KIND, action, "login_refused", hint, error)
        }
        "3D000" => {
            let hint = format!(
                "There is no database {:?} on that server: check `connection.database`.",
                target.config.database
            );
            SourceError::ask(KIND, action, "not_found", hint, error)
        }
        "42501" => {
            let hint = format!(
                "User {user:?} may not use database {:?}: grant it CONNECT, and SELECT on its tables.",
                target.config.database
            );
            SourceError::ask(KIND, action, "permission_denied", hint, error)
        }
        _ => SourceError::retry(KIND, action, error),
    }
}

/// Trouble while reading for a stream.
pub(super) fn reading(query: &StreamQuery, fault: SqlFault) -> SourceError {
    let action = format!("read stream {}", query.name);
    let remedy = fault
        .downcast_ref::<Error>()
        .and_then(database)
        .and_then(|answer| remedy(query, answer.code(), answer.message()));
    match remedy {
        Some((code, hint)) => SourceError::ask(KIND, action, code, hint, fault),
        None => SourceError::retry(KIND, action, fault),
    }
}

fn remedy(query: &StreamQuery, state: &str, message: &str) -> Option<(&'static str, String)> {
    let stream = &query.name;
    Some(match state {
        "42703" => {
            let name = missing_column(message).unwrap_or("?");
            let used_by = match query.columns_using(name) {
                users if users.is_empty() => String::new(),
                users => format!(", read for {}", users.join(", ")),
            };
            let hint = format!(
                "Column {name}{used_by} of stream {stream:?} does not exist in {}. If the POS was updated, correct the column in the mapping; other streams go on.",
                query.table_of(name)
            );
            ("missing_column", hint)
        }
        "42P01" if message.contains("fluxion_outbox") => {
            let hint = format!(
                "Stream {stream:?} follows an outbox that is not installed: run `fluxion-agent outbox install`, or choose another `capture`."
            );
            ("missing_table", hint)
        }
        "42P01" | "3F000" => {
            let name = quoted(message).unwrap_or("?");
            let hint = format!(
                "Table {name} of stream {stream:?} does not exist. Check that `connection.database` and `connection.schema` are the POS's, and that the mapping fits this version of the POS."
            );
            ("missing_table", hint)
        }
        "42501" => {
            let hint = format!(
                "The account may not read what stream {stream:?} needs ({message}): grant it USAGE on the schema and SELECT on that table."
            );
            ("permission_denied", hint)
        }
        // Syntax, unknown functions and types, and expressions of the mapping that fail on a row's data.
        state if state.starts_with("42") || state.starts_with("22") => {
            let hint = format!(
                "The SQL of stream {stream:?} is not valid on this server ({message}): correct it in the mapping."
            );
            ("invalid_query", hint)
        }
        "XX001" | "XX002" => {
            let hint = format!(
                "A table of stream {stream:?} is damaged ({message}): have the POS's technician run REINDEX or restore it."
            );
            ("table_damaged", hint)
        }
        _ => return None,
    })
}

/// The name in `column p.price does not exist`, and in `no existe la columna «Precio»`: servers speak the language of
/// their installation.
fn missing_column(message: &str) -> Option<&str> {
    quoted(message).or_else(|| {
        let mut words = message.split_whitespace();
        words.find(|word| word.starts_with("col"))?;
        words.next()
    })
}

/// What stands between quotes in a message.
fn quoted(message: &str) -> Option<&str> {
    message.split(['"', '«', '»']).nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_column_is_told_from_the_message() {
        assert_eq!(
            missing_column("column p.price does not exist"),
            Some("p.price")
        );
        assert_eq!(
            missing_column("column \"Precio\" does not exist"),
            Some("Precio")
        );
        assert_eq!(
            missing_column("no existe la columna p.precio"),
            Some("p.precio")
        );
        assert_eq!(quoted("no existe la relación «items»"), Some("items"));
        assert_eq!(quoted("relation \"items\" does not exist"), Some("items"));
    }
}
