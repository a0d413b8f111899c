//! What an agent says about itself every half minute.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{BatchSeq, Epoch, StreamName};

/// An agent's state. Everything but the version is optional on the wire, so that old and new agents can talk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// The agent's version, as in `0.1.0`.
    pub version: String,
    /// The agent's clock when it sent this; the cloud derives the skew.
    pub now: DateTime<Utc>,
    /// The spool's life.
    pub epoch: Epoch,
    /// The last batch that was written to the spool.
    #[serde(default)]
    pub last_seq: Option<BatchSeq>,
    /// Batches waiting in the spool.
    #[serde(default)]
    pub queued_batches: u64,
    /// Bytes waiting in the spool.
    #[serde(default)]
    pub queued_bytes: u64,
    /// When the oldest waiting batch was made.
    #[serde(default)]
    pub oldest_queued_at: Option<DateTime<Utc>>,
    /// Free space on the disk of the spool, bytes.
    #[serde(default)]
    pub disk_free_bytes: Option<u64>,
    /// Each stream's state.
    #[serde(default)]
    pub streams: Vec<StreamState>,
}

/// One stream's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StreamState {
    /// The POS system by its name in the agent's configuration.
    pub pos: String,
    /// The stream.
    pub stream: StreamName,
    /// What it is doing.
    pub phase: StreamPhase,
    /// When it last read its source to the end without an error.
    #[serde(default)]
    pub last_success_at: Option<DateTime<Utc>>,
    /// Rows read so far in the job under way.
    #[serde(default)]
    pub rows_read: u64,
    /// The last error, until a success clears it.
    #[serde(default)]
    pub last_error: Option<String>,
}

/// What a stream is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamPhase {
    /// Waiting for its schedule.
    Idle,
    /// Reading everything.
    Snapshot,
    /// Reading changes.
    Following,
    /// Waiting to try again after an error.
    Retrying,
    /// Stopped until a person acts: a missing column, a delete brake, a wrong password.
    Halted,
    /// A phase a newer agent knows.
    #[serde(other)]
    Other,
}

/// The cloud's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatReply {
    /// The cloud's clock.
    pub now: DateTime<Utc>,
    /// How long to wait until the next one, seconds.
    pub next_in_seconds: u64,
}
