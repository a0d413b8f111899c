//! Why a table cannot be read, and who must do what.

use std::io;

use super::super::KIND;
use crate::error::SourceError;

/// What stands in the way.
#[derive(Debug, thiserror::Error)]
pub(in crate::files) enum Trouble {
    #[error("there is no file {0} in the folder")]
    Missing(String),
    /// Another program has it for itself, as FoxPro needs for packing and re-indexing.
    #[error("another program holds {0} exclusively")]
    Held(String),
    #[error("{table}: {reason}")]
    Damaged { table: String, reason: String },
    #[error("{table}: {reason}")]
    Unsupported { table: String, reason: String },
    #[error("{table} has no column {columns}; it has: {known}")]
    NoColumn {
        table: String,
        columns: String,
        known: String,
    },
    #[error("{0}")]
    Mapping(String),
    #[error("{table} cannot be read")]
    Io {
        table: String,
        #[source]
        source: io::Error,
    },
}

impl Trouble {
    /// From what the system said about a file of this name.
    pub fn of(table: &str, error: io::Error) -> Self {
        let table = table.to_owned();
        // Windows: sharing violation, lock violation.
        let is_held = cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33));
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(table),
            _ if is_held => Self::Held(table),
            io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => Self::Held(table),
            _ => Self::Io {
                table,
                source: error,
            },
        }
    }

    /// Whether a moment's patience may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// For the agent's loop.
    pub fn explain(self, action: &str) -> SourceError {
        let (code, hint) = match &self {
            Self::Held(_) => return SourceError::retry(KIND, action, self),
            Self::Io { table, source } if source.kind() == io::ErrorKind::PermissionDenied => (
                "permission_denied",
                format!("Let the account the agent runs as read {table} and its folder."),
            ),
            Self::Io { .. } => return SourceError::retry(KIND, action, self),
            Self::Missing(table) => (
                "missing_table",
                format!(
                    "Check that `connection.folder` is the folder of this company and that it holds {table}."
                ),
            ),
            Self::Damaged { table, .. } => (
                "table_damaged",
                format!(
                    "Let the POS check and rebuild {table} with its own maintenance; the stream goes on by itself then."
                ),
            ),
            Self::Unsupported { table, .. } => (
                "unsupported",
                format!("{table} must be a table of dBase III or IV, FoxPro or Visual FoxPro."),
            ),
            Self::NoColumn { table, columns, .. } => (
                "missing_column",
                format!(
                    "This release of the POS has no {columns} in {table}: correct the mapping's `columns`."
                ),
            ),
            Self::Mapping(problem) => ("invalid_mapping", problem.clone()),
        };
        SourceError::ask(KIND, action, code, hint, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Remedy;

    #[test]
    fn a_table_that_is_held_exclusively_is_tried_again_and_named() {
        let busy = io::Error::from(io::ErrorKind::ResourceBusy);
        let trouble = Trouble::of("MGW10005.DBF", busy);
        assert!(trouble.is_passing());
        let error = trouble.explain("read table MGW10005");
        assert_eq!(error.remedy, Remedy::Retry);
        assert!(
            error
                .source
                .to_string()
                .contains("MGW10005.DBF exclusively")
        );
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = Trouble::of("T.DBF", denied).explain("read table T");
        assert!(error.hint().is_some_and(|hint| hint.contains("T.DBF")));
    }
}
