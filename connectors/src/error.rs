//! What can go wrong at a source, and who can do something about it.

use std::error::Error;

use crate::connector::ConnectorKind;

/// The result of asking a source.
pub type SourceResult<T> = Result<T, SourceError>;

/// Says what was being done; `source` says why it failed; neither repeats the other.
#[derive(Debug, thiserror::Error)]
#[error("the {kind} connector could not {action}")]
pub struct SourceError {
    /// Which connector.
    pub kind: ConnectorKind,
    /// What it was doing, as in `connect to 127.0.0.1:3306` or `read table items`.
    pub action: String,
    /// Who must act, and how.
    pub remedy: Remedy,
    /// Why it failed.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Who must act. The agent's loop decides by this alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Passing trouble: try again with back-off.
    Retry,
    /// The cursor is of no use any more: read everything again and reconcile.
    Resnapshot,
    /// A person must act; the stream waits, others go on.
    AskOperator {
        /// A short, stable word: `missing_column`, `missing_table`, `login_refused`, `permission_denied`,
        /// `not_found`, `unsupported`, `missing_setting`, `invalid_query`, `invalid_mapping`, `table_damaged`,
        /// `host_blocked`, `tls`, `folder_not_writable`, `port_in_use`, `not_our_address`, `port_not_allowed`.
        code: &'static str,
        /// What to do, naming the column, table, file or account.
        hint: String,
    },
}

impl SourceError {
    /// Passing trouble.
    pub fn retry(
        kind: ConnectorKind,
        action: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            action: action.into(),
            remedy: Remedy::Retry,
            source: source.into(),
        }
    }

    /// A cursor that cannot be resumed.
    pub fn resnapshot(
        kind: ConnectorKind,
        action: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            action: action.into(),
            remedy: Remedy::Resnapshot,
            source: source.into(),
        }
    }

    /// Something a person must do. `hint` says what.
    pub fn ask(
        kind: ConnectorKind,
        action: impl Into<String>,
        code: &'static str,
        hint: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let remedy = Remedy::AskOperator {
            code,
            hint: hint.into(),
        };
        Self {
            kind,
            action: action.into(),
            remedy,
            source: source.into(),
        }
    }

    /// What to do, where a person must act.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match &self.remedy {
            Remedy::AskOperator { hint, .. } => Some(hint),
            Remedy::Retry | Remedy::Resnapshot => None,
        }
    }
}
