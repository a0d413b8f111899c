//! Where a stream stands. Kept as JSON inside the opaque cursor, so that support can read it.

use chrono::{DateTime, Utc};
use fluxion_model::stream::Cursor;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::key::KeyPart;
use super::query::StreamQuery;
use crate::error::{SourceError, SourceResult};

/// A stream's phase and what it needs to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub(super) enum Position {
    /// Reading everything, in key order.
    Scan {
        /// The last key read; none before the first row.
        after: Option<Vec<KeyPart>>,
        /// Whether a batch of this scan was given out.
        begun: bool,
        expected: Option<u64>,
        /// The marks from before the scan, where following changes begins.
        marks: Vec<Mark>,
        /// Where the log or outbox stands; it is followed while the scan runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feed: Option<Json>,
    },
    /// Reading what changed since the marks.
    Poll {
        since: Vec<Mark>,
        /// The marks from before this poll, where the next one begins.
        until: Vec<Mark>,
        /// The watermark column being followed.
        column: usize,
        after: Option<Vec<KeyPart>>,
    },
    /// Everything was read, up to these marks.
    Idle {
        marks: Vec<Mark>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feed: Option<Json>,
    },
}

/// The highest value seen of a watermark column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub value: KeyPart,
    /// When it was first seen, by the server's clock.
    pub since: DateTime<Utc>,
    /// Whether it had stood for longer than the overlap when the rows around it were read: then no row at or below
    /// it can still be waiting to be committed, and only what lies beyond is new.
    pub settled: bool,
}

impl Position {
    pub fn cursor(&self) -> Cursor {
        // Plain data with string keys: it always serialises.
        Cursor(serde_json::to_vec(self).unwrap_or_default().into())
    }

    /// Where the log or outbox stands.
    pub fn feed(&self) -> Option<&Json> {
        match self {
            Self::Scan { feed, .. } | Self::Idle { feed, .. } => feed.as_ref(),
            Self::Poll { .. } => None,
        }
    }

    /// The log or outbox was followed up to here.
    pub fn set_feed(&mut self, position: Json) {
        match self {
            Self::Scan { feed, .. } | Self::Idle { feed, .. } => *feed = Some(position),
            Self::Poll { .. } => {}
        }
    }

    /// A cursor of another shape of stream cannot be resumed.
    pub fn read(cursor: &Cursor, query: &StreamQuery) -> SourceResult<Self> {
        let action = format!("resume stream {}", query.name);
        let position: Self = serde_json::from_slice(&cursor.0)
            .map_err(|error| SourceError::resnapshot(query.kind, action.clone(), error))?;
        let columns = query
            .watermark
            .as_ref()
            .map_or(0, |watermark| watermark.columns.len());
        let (after, marks) = match &position {
            Self::Scan { after, marks, .. } => (after.as_ref(), marks),
            Self::Poll { after, until, .. } => (after.as_ref(), until),
            Self::Idle { marks, .. } => (None, marks),
        };
        if marks.len() != columns || after.is_some_and(|after| after.len() != query.key.len()) {
            let reason = "the mapping's key or watermark columns are not those of the cursor";
            return Err(SourceError::resnapshot(query.kind, action, reason));
        }
        if query.follows != position.feed().is_some() {
            let reason = "changes were noticed in another way until now";
            return Err(SourceError::resnapshot(query.kind, action, reason));
        }
        Ok(position)
    }
}
