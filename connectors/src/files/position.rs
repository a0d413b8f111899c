//! Where a stream of files stands. Kept as JSON inside the opaque cursor, so that support can read it.

use fluxion_model::stream::Cursor;
use serde::{Deserialize, Serialize};

/// The file being read, or the last one that was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// SHA-256 of its content; empty before the first.
    pub file: String,
    /// How many of its rows (of its documents, when it had to be read as a whole) were given out.
    pub taken: u64,
    /// Whether all were.
    pub done: bool,
    /// Whether the end of a scan is still to be told.
    pub sweep_due: bool,
    /// Whether a row of it could not be read. Then nobody can say what it lacks, and nothing is swept.
    pub flawed: bool,
}

impl Position {
    pub fn cursor(&self) -> Cursor {
        // Plain data with string keys: it always serialises.
        Cursor(serde_json::to_vec(self).unwrap_or_default().into())
    }

    pub fn read(cursor: &Cursor) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&cursor.0)
    }
}
