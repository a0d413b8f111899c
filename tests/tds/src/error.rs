//! Errors as SQL Server words and numbers them.

use std::fmt;

/// What a client gets as an error token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SqlError {
    /// As in `sys.messages`.
    pub number: u32,
    /// Severity: 11 to 16 for what a user can correct, 20 and more end the connection.
    pub class: u8,
    /// Tells apart places that raise the same number.
    pub state: u8,
    /// What happened.
    pub message: String,
    /// Line within the batch or the procedure.
    pub line: u32,
    /// The procedure or trigger it happened in; empty for a batch.
    pub procedure: String,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Msg {}, Level {}, State {}, Line {}: {}",
            self.number, self.class, self.state, self.line, self.message
        )
    }
}

impl SqlError {
    pub(crate) fn new(number: u32, class: u8, message: impl Into<String>) -> Self {
        Self {
            number,
            class,
            state: 1,
            message: message.into(),
            line: 0,
            procedure: String::new(),
        }
    }

    /// Of class 16, which most are.
    pub(crate) fn general(number: u32, message: impl Into<String>) -> Self {
        Self::new(number, 16, message)
    }

    /// SQL Server would do it; this stand-in cannot. The number is in the range kept for users, so that no test can
    /// take it for an answer of SQL Server.
    pub(crate) fn beyond(what: impl fmt::Display) -> Self {
        Self::general(
            59_999,
            format!("fluxion-tds does not know {what}; see its README for what it knows"),
        )
    }

    pub(crate) fn syntax(near: &str, line: u32) -> Self {
        let mut error = Self::new(102, 15, format!("Incorrect syntax near '{near}'."));
        error.line = line;
        error
    }

    pub(crate) fn no_column(name: &str) -> Self {
        Self::general(207, format!("Invalid column name '{name}'."))
    }

    pub(crate) fn no_object(name: &str) -> Self {
        Self::general(208, format!("Invalid object name '{name}'."))
    }

    pub(crate) fn overflow(kind: &str) -> Self {
        Self::general(
            8115,
            format!("Arithmetic overflow error converting expression to data type {kind}."),
        )
    }

    pub(crate) fn deadlock(session: u16) -> Self {
        let mut error = Self::new(
            1205,
            13,
            format!(
                "Transaction (Process ID {session}) was deadlocked on lock resources with another process and has been \
                 chosen as the deadlock victim. Rerun the transaction."
            ),
        );
        error.state = 51;
        error
    }
}

/// Why a statement did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    Error(SqlError),
    /// A row it needs was written by this transaction, which is still open.
    Blocked(u64),
    /// The client asked to be left alone.
    Cancelled,
    /// The connection is gone, or a test wants it gone.
    Disconnect,
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Self::Error(error)
    }
}

pub(crate) type Result<T, E = Stop> = std::result::Result<T, E>;
