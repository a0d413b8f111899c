//! What can go wrong in a database, by who must act. Its text never reaches a client.

use fluxion_model::delivery::OutOfOrder;

/// Short for what every database method returns.
pub type DatabaseResult<T> = Result<T, DatabaseError>;

/// Why a database method did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The client named something that is not there, or is another tenant's.
    #[error("{0} does not exist")]
    NotFound(&'static str),
    /// The client asked for what contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// A delivery that does not follow the last one.
    #[error("the delivery does not follow the last one; expected {}", .0.expected)]
    OutOfOrder(OutOfOrder),
    /// The database cannot be reached or is overloaded: try again later.
    #[error("the database could not {action} just now")]
    Unavailable {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A defect of ours.
    #[error("the database could not {action}")]
    Internal {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DatabaseError {
    /// Try again later.
    pub fn unavailable(
        action: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            action,
            source: source.into(),
        }
    }

    /// A defect of ours.
    pub fn internal(
        action: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Internal {
            action,
            source: source.into(),
        }
    }
}

/// SQLSTATEs and SQLite codes after which the same transaction may well succeed.
fn is_transient(code: &str) -> bool {
    // 40001 serialization, 40P01 deadlock, 53xxx resources, 57P0x shutdown; SQLite 5 busy, 6 locked, 13 full.
    matches!(code, "40001" | "40P01" | "5" | "6" | "13" | "517" | "261")
        || code.starts_with("53")
        || code.starts_with("57P")
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        const ACTION: &str = "carry out a statement";
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound("the row"),
            sqlx::Error::Database(cause) if cause.is_unique_violation() => {
                Self::Conflict("something of that name is already there".to_owned())
            }
            sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
                Self::NotFound("what the row refers to")
            }
            sqlx::Error::Database(cause)
                if cause.code().is_some_and(|code| is_transient(&code)) =>
            {
                Self::unavailable(ACTION, error)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::unavailable(ACTION, error),
            _ => Self::internal(ACTION, error),
        }
    }
}

/// Turns "no row" into an error that names what was looked for.
pub fn found<T>(row: Option<T>, what: &'static str) -> DatabaseResult<T> {
    row.ok_or(DatabaseError::NotFound(what))
}
