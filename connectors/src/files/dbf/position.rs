//! Where a stream of a table stands. Kept as JSON inside the opaque cursor, so that support can read it.

use chrono::{DateTime, Utc};
use fluxion_model::stream::Cursor;
use serde::{Deserialize, Serialize};

/// After the last batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Hash of everything the tables held when they were last read whole and stood still; empty when they did not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Their sizes, times and headers then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stamps: String,
    /// When the bytes themselves were last compared: Windows tells the time of a change late while a file stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<DateTime<Utc>>,
    /// The problems that were told, as a hash, so that each is told once.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub told: String,
    /// A scan under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Progress>,
}

/// How far a scan is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The next record.
    pub next: u32,
    /// Hash of all records before it, as they were read.
    pub read: String,
    /// Sizes, times and headers of all tables when it began.
    pub stamps: String,
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
