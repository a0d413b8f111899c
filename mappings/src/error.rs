//! What can be wrong with a mapping document, and with a source that does not have what it asks for.

use fluxion_model::id::StreamName;

/// A mapping that cannot be used. Names the place in the document and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct MappingError {
    /// Where: `stream items, record product, field name`.
    pub path: String,
    /// What is wrong there and what would be right.
    pub problem: String,
}

impl MappingError {
    pub(crate) fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

/// The rows of a source lack columns that the mapping needs. The stream cannot go on; others can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "stream {stream}: no column {}; the source has: {}. Correct the mapping, or mark the field `optional = true`",
    .missing.iter().map(MissingColumn::to_string).collect::<Vec<_>>().join(", "),
    .known.join(", ")
)]
pub struct MissingColumns {
    /// Which stream.
    pub stream: StreamName,
    /// What is not there.
    pub missing: Vec<MissingColumn>,
    /// What is.
    pub known: Vec<String>,
}

/// One column that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column:?} (needed by {needed_by})")]
pub struct MissingColumn {
    /// Its name; `lines.qty` for a column of a child group.
    pub column: String,
    /// What needs it: `product.name`.
    pub needed_by: String,
}
