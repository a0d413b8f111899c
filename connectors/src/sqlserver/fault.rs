//! From what the server or the line says to who must act.

use tiberius::error::Error;

use super::KIND;
use super::browser::BrowserError;
use super::config::{Certificate, Encryption, Target};
use super::line::LineError;
use crate::error::SourceError;
use crate::sql::StreamQuery;

/// How a query failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryFault {
    #[error("{}", told(.0))]
    Driver(Error),
    #[error("no answer within {0} s")]
    Late(u64),
}

/// How a connection failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFault {
    #[error("{0:?} is the name of no PC that can be found")]
    NoSuchHost(String),
    #[error("{0}")]
    Browser(#[from] BrowserError),
    #[error("nothing answers on port {0}")]
    Refused(u16, #[source] std::io::Error),
    #[error("{0}")]
    Line(#[from] LineError),
    #[error("{}", told(.0))]
    Driver(Error),
    #[error("no answer within {0} s")]
    Late(u64),
    #[error("{0}")]
    Trust(String),
}

/// Numbers of errors whose text repeats the value that could not be converted.
const TELL_VALUES: [u32; 16] = [
    220, 232, 235, 241, 242, 244, 245, 248, 293, 295, 296, 2627, 2601, 8114, 8152, 8115,
];

/// The server's words, without the parts that say where in the driver they were met, and without the values of cells.
fn told(error: &Error) -> String {
    match error {
        Error::Server(server) if TELL_VALUES.contains(&server.code()) => format!(
            "the server reports error {}: a value does not fit its type",
            server.code()
        ),
        Error::Server(server) => format!(
            "the server reports error {}: {}",
            server.code(),
            server.message().trim()
        ),
        Error::Io { message, .. } => format!("the line broke: {message}"),
        other => other.to_string(),
    }
}

/// Trouble while connecting.
pub(super) fn connecting(target: &Target, fault: ConnectFault) -> SourceError {
    let action = format!("connect to {}", target.name());
    match remedy_of_connecting(target, &fault) {
        Some((code, hint)) => SourceError::ask(KIND, action, code, hint, fault),
        None => SourceError::retry(KIND, action, hinted(fault)),
    }
}

/// Passing trouble, with what to look at should it stay.
#[derive(Debug, thiserror::Error)]
#[error("{fault}; {look_at}")]
struct Hinted {
    look_at: &'static str,
    fault: ConnectFault,
}

fn hinted(fault: ConnectFault) -> Box<dyn std::error::Error + Send + Sync> {
    let look_at = match &fault {
        ConnectFault::Refused(..) => {
            "check that SQL Server is running, that TCP/IP is switched on in its Configuration Manager (in Express it is off at first), and that `connection.host` and `connection.port` are right"
        }
        ConnectFault::Browser(_) => {
            "check that the service \"SQL Server Browser\" is running and that the firewall lets UDP 1434 through, or give the instance's port as `connection.port`"
        }
        ConnectFault::NoSuchHost(_) => "check `connection.host`, or write the PC's address",
        ConnectFault::Late(_) => {
            "check that the PC is on and that a firewall does not swallow the connection"
        }
        ConnectFault::Line(_) | ConnectFault::Driver(_) | ConnectFault::Trust(_) => {
            return fault.into();
        }
    };
    Hinted { look_at, fault }.into()
}

fn remedy_of_connecting(target: &Target, fault: &ConnectFault) -> Option<(&'static str, String)> {
    match fault {
        ConnectFault::Driver(Error::Server(server)) => refused_login(target, server.code()),
        ConnectFault::Line(line) => line_remedy(target, line),
        ConnectFault::Trust(_) => {
            let hint = "The certificate to check the server with cannot be used: correct `connection.certificate_authority` or `connection.certificate_name`.";
            Some(("tls", hint.to_owned()))
        }
        ConnectFault::Browser(BrowserError::NoPort { name }) => {
            let hint = format!(
                "There is no instance {name:?} on that PC that listens on TCP: check `connection.instance`, switch TCP/IP on in the SQL Server Configuration Manager (in Express it is off at first) and restart the instance, or give its port as `connection.port`."
            );
            Some(("not_found", hint))
        }
        ConnectFault::Driver(_)
        | ConnectFault::Browser(_)
        | ConnectFault::NoSuchHost(_)
        | ConnectFault::Refused(..)
        | ConnectFault::Late(_) => None,
    }
}

fn refused_login(target: &Target, code: u32) -> Option<(&'static str, String)> {
    let user = &target.config.user;
    let database = &target.config.database;
    Some(match code {
        18456 => (
            "login_refused",
            format!(
                "The server refuses the login of user {user:?}: check `connection.user` and the password, that the login may use database {database:?}, and that the server allows \"SQL Server and Windows Authentication\"."
            ),
        ),
        18452 => (
            "login_refused",
            format!(
                "The server takes Windows accounts only, or does not know the domain of {user:?}: allow \"SQL Server and Windows Authentication\" in its properties and restart it, or set `connection.login` to \"account\"."
            ),
        ),
        18486 | 18470 | 18487 | 18488 | 18463..=18468 => (
            "login_refused",
            format!(
                "The login {user:?} is locked, disabled, or its password has expired: have it unlocked or its password set again, with CHECK_EXPIRATION = OFF, for nobody is there to change it."
            ),
        ),
        17892 => (
            "login_refused",
            format!(
                "A logon trigger of the server turns {user:?} away: have it make an exception."
            ),
        ),
        4060 | 4063 | 4064 | 911 => (
            "not_found",
            format!(
                "Database {database:?} cannot be opened: check `connection.database`, that it is online, and that the login {user:?} is a user in it."
            ),
        ),
        916 => (
            "permission_denied",
            format!("The login {user:?} is no user in database {database:?}: create it there."),
        ),
        _ => return None,
    })
}

fn line_remedy(target: &Target, fault: &LineError) -> Option<(&'static str, String)> {
    let verifies = target.config.certificate == Certificate::Verify;
    let hint = match fault {
        LineError::NotSqlServer => {
            let hint = format!(
                "What answers at {} is no SQL Server: check `connection.host` and `connection.port`.",
                target.name()
            );
            return Some(("not_found", hint));
        }
        LineError::CannotEncrypt => {
            "The server cannot encrypt: set `connection.encryption` to \"prefer\" or \"none\" if the network is trusted."
        }
        LineError::MustEncrypt if target.config.encryption == Encryption::None => {
            "The server insists on encryption (\"Force Encryption\"): set `connection.encryption` to \"required\"."
        }
        LineError::MustEncrypt => {
            "The server insists on encryption (\"Force Encryption\") but no way to encrypt could be agreed on; SQL Server 2008 to 2014 need an update for TLS 1.2. Install it, or switch \"Force Encryption\" off if the network is trusted."
        }
        LineError::Tls(_) if verifies => {
            "The server's certificate was not accepted, or no encryption could be agreed on: check `connection.certificate_authority` and `connection.certificate_name`, and that the server speaks TLS 1.2."
        }
        LineError::Tls(_) => {
            "No encryption could be agreed on: the server must speak TLS 1.2 (SQL Server 2008 to 2014 need an update for it). Install it, or set `connection.encryption` to \"prefer\" if the network is trusted."
        }
        LineError::Io(_) => return None,
    };
    Some(("tls", hint.to_owned()))
}

/// Trouble while reading for a stream.
pub(super) fn reading(query: &StreamQuery, fault: QueryFault) -> SourceError {
    let action = format!("read stream {}", query.name);
    let QueryFault::Driver(Error::Server(server)) = &fault else {
        return SourceError::retry(KIND, action, fault);
    };
    match remedy(query, server.code(), server.message()) {
        Some((code, hint)) => SourceError::ask(KIND, action, code, hint, fault),
        None => SourceError::retry(KIND, action, fault),
    }
}

/// Trouble while looking at the database, outside of any stream.
pub(super) fn looking(target: &Target, action: &str, fault: QueryFault) -> SourceError {
    let action = format!("{action} {}", target.name());
    let denied =
        matches!(&fault, QueryFault::Driver(Error::Server(server)) if is_denied(server.code()));
    if denied {
        let hint = format!(
            "The login {:?} may not do that ({fault}): grant it the permission, or use another login.",
            target.config.user
        );
        return SourceError::ask(KIND, action, "permission_denied", hint, fault);
    }
    SourceError::retry(KIND, action, fault)
}

/// The number of a fault the server reported.
pub(super) fn code(fault: &QueryFault) -> Option<u32> {
    match fault {
        QueryFault::Driver(error) => error.code(),
        QueryFault::Late(_) => None,
    }
}

/// Whether the login may not do what was asked.
pub(super) fn denies(fault: &QueryFault) -> bool {
    code(fault).is_some_and(is_denied)
}

fn is_denied(code: u32) -> bool {
    matches!(code, 229 | 230 | 262 | 297 | 300 | 916 | 1088 | 15247)
}

fn remedy(query: &StreamQuery, code: u32, message: &str) -> Option<(&'static str, String)> {
    let stream = &query.name;
    let named = quoted(message);
    let first = named.first().map_or("?", String::as_str);
    Some(match code {
        207 => {
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
        208 | 4413 | 4502 | 942 | 911 | 927 => {
            let hint = format!(
                "Table {first} of stream {stream:?} does not exist, its view is broken, or its database is offline. Check that `connection.database` is the POS's database and that the mapping fits this version of the POS."
            );
            ("missing_table", hint)
        }
        _ if is_denied(code) => {
            let hint = format!(
                "The account may not read what stream {stream:?} needs ({}): grant it SELECT on that table, and VIEW CHANGE TRACKING where Change Tracking is used.",
                message.trim()
            );
            ("permission_denied", hint)
        }
        22105 | 22115 | 4998 | 4999 => {
            let hint = format!(
                "Change Tracking is not on for a table of stream {stream:?} ({}): switch it on for the table, or let the stream fall back to \"watermark\" or \"diff\".",
                message.trim()
            );
            ("unsupported", hint)
        }
        206 => {
            let hint = format!(
                "The SQL of stream {stream:?} puts types together that do not go together ({}): a key cannot be varchar(max), text or xml. Correct it in the mapping.",
                message.trim()
            );
            ("invalid_query", hint)
        }
        102 | 105 | 156 | 170 | 174 | 189 | 195 | 201 | 209 | 306 | 402 | 421 | 446 | 451 | 457
        | 468 | 529 | 1013 | 4104 | 4121 | 8117 | 8120 | 8155 | 8156 | 8169 => {
            let hint = format!(
                "The SQL of stream {stream:?} is not valid on this server ({}): correct it in the mapping.",
                message.trim()
            );
            ("invalid_query", hint)
        }
        220 | 232 | 241 | 242 | 244 | 245 | 248 | 295 | 8114 | 8115 => {
            let hint = format!(
                "The SQL of stream {stream:?} converts a value that does not fit (error {code}): read the column as it is and let the mapping convert it, so that one bad row does not stop all others."
            );
            ("invalid_query", hint)
        }
        823 | 824 | 825 | 605 | 8928 | 8929 | 8939 | 8942 | 3851 => {
            let hint = format!(
                "The database is damaged ({}): have the POS's technician run DBCC CHECKDB or restore it.",
                message.trim()
            );
            ("table_damaged", hint)
        }
        _ => return None,
    })
}

/// What stands between quotes in a message, first one first. The session asks for messages in English.
fn quoted(message: &str) -> Vec<String> {
    message
        .split(['\'', '"'])
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
        assert_eq!(quoted("Invalid column name 'n_Precio1'."), ["n_Precio1"]);
        assert_eq!(
            quoted("The multi-part identifier \"p.x\" could not be bound."),
            ["p.x"]
        );
        assert!(quoted("no quotes").is_empty());
    }
}
