//! From what the server or the line says to who must act.

use mysql_async::{DriverError, Error, IoError, ServerError};

use super::KIND;
use super::config::Target;
use crate::error::SourceError;
use crate::sql::StreamQuery;

/// The server did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0} s")]
pub(super) struct NoAnswer(pub u64);

/// A refused or unreachable connection, with what to look at.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}; check that MySQL is running and that `connection.host` and `connection.port` are right"
)]
struct Unreachable(String);

/// Trouble while connecting.
pub(super) fn connecting(target: &Target, error: Error) -> SourceError {
    let action = format!("connect to {}", target.name());
    let user = &target.config.user;
    match &error {
        Error::Server(server) => match server.code {
            1045 | 1698 | 1130 | 1820 | 1862 | 1251 => {
                let hint = format!(
                    "The server refuses the login of user {user:?}: check `connection.user` and the password, that the account is allowed from this PC, and that its password has not expired."
                );
                SourceError::ask(KIND, action, "login_refused", hint, error)
            }
            1044 => {
                let hint = format!(
                    "User {user:?} may not use database {:?}: grant it SELECT there.",
                    target.config.database
                );
                SourceError::ask(KIND, action, "permission_denied", hint, error)
            }
            1049 => {
                let hint = format!(
                    "There is no database {:?} on that server: check `connection.database`.",
                    target.config.database
                );
                SourceError::ask(KIND, action, "not_found", hint, error)
            }
            1129 => {
                let hint = "The server blocks this PC after too many failed connections: run `mysqladmin flush-hosts` on the server.";
                SourceError::ask(KIND, action, "host_blocked", hint, error)
            }
            _ => SourceError::retry(KIND, action, error),
        },
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            let hint = "The server cannot encrypt: set up TLS there, or set `connection.tls` to \"off\" if the network is trusted.";
            SourceError::ask(KIND, action, "tls", hint, error)
        }
        Error::Driver(DriverError::MysqlOldPasswordDisabled) => {
            let hint = format!(
                "User {user:?} has a password in the format of MySQL 4.0: set it again with `SET PASSWORD` and old_passwords=0."
            );
            SourceError::ask(KIND, action, "login_refused", hint, error)
        }
        Error::Io(IoError::Tls(_)) => {
            let hint = "The encrypted connection could not be agreed on: check the server's certificate and `connection.tls_ca`, or lower `connection.tls`.";
            SourceError::ask(KIND, action, "tls", hint, error)
        }
        Error::Io(IoError::Io(_)) => {
            SourceError::retry(KIND, action, Unreachable(error.to_string()))
        }
        _ => SourceError::retry(KIND, action, error),
    }
}

/// Trouble while reading for a stream.
pub(super) fn reading(query: &StreamQuery, error: Error) -> SourceError {
    let action = format!("read stream {}", query.name);
    let Error::Server(server) = &error else {
        return SourceError::retry(KIND, action, error);
    };
    match remedy(query, server) {
        Some((code, hint)) => SourceError::ask(KIND, action, code, hint, error),
        None => SourceError::retry(KIND, action, error),
    }
}

fn remedy(query: &StreamQuery, error: &ServerError) -> Option<(&'static str, String)> {
    let stream = &query.name;
    let named = quoted(&error.message);
    let first = named.first().map_or("?", String::as_str);
    Some(match error.code {
        1054 => {
            let used_by = match query.columns_using(first) {
                users if users.is_empty() => String::new(),
                users => format!(", read for {}", users.join(", ")),
            };
            let hint = format!(
                "Column {first}{used_by} of stream {stream:?} does not exist in {}. If the POS was updated, correct the column in the mapping; other streams go on.",
                query.table_of(first)
            );
            ("missing_column", hint)
        }
        1146 | 1356 | 1051 => {
            let hint = format!(
                "Table {first} of stream {stream:?} does not exist or its view is broken. Check that `connection.database` is the POS's database and that the mapping fits this version of the POS."
            );
            ("missing_table", hint)
        }
        1142 | 1143 | 1227 | 1370 | 1044 | 1045 | 1410 => {
            let hint = format!(
                "The account may not read what stream {stream:?} needs ({}): grant it SELECT on that table.",
                error.message
            );
            ("permission_denied", hint)
        }
        1064 | 1052 | 1305 | 1111 | 1140 | 1055 | 1066 | 1109 | 1210 | 1241 | 1242 | 1267
        | 1271 => {
            let hint = format!(
                "The SQL of stream {stream:?} is not valid on this server ({}): correct it in the mapping.",
                error.message
            );
            ("invalid_query", hint)
        }
        126 | 127 | 130 | 144 | 145 | 1033 | 1034 | 1035 | 1194 | 1195 => {
            let hint = format!(
                "A table of stream {stream:?} is damaged ({}): have the POS's technician run REPAIR TABLE or restore it.",
                error.message
            );
            ("table_damaged", hint)
        }
        _ => return None,
    })
}

/// What stands between quotes in a message, first one first.
fn quoted(message: &str) -> Vec<String> {
    message
        .split('\'')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_between_the_quotes_of_a_message() {
        assert_eq!(
            quoted("Unknown column 'p.price' in 'field list'"),
            ["p.price", "field list"]
        );
        assert!(quoted("no quotes").is_empty());
    }
}
