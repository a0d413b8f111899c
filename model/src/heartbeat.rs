//! What an agent says about itself every half minute.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{BatchSeq, Epoch, StreamName};
use crate::release::{UpdateOffer, UpdateReport};

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
    /// Operating system and version, for the dashboard: it changes while the agent stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// How the version it was offered last is getting on; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateReport>,
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
    /// A newer version for this agent. It is repeated until the agent has done with it; its absence takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateOffer>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::UpdateState;

    #[test]
    fn agents_and_clouds_from_before_there_were_updates_are_understood() {
        let old = r#"{"version":"0.1.0","now":"2026-11-20T12:00:00Z","epoch":"0190a000-0000-7000-8000-0000000000aa"}"#;
        let heartbeat: Heartbeat = serde_json::from_str(old).unwrap();
        assert_eq!((&heartbeat.update, &heartbeat.os), (&None, &None));
        let again = serde_json::to_string(&heartbeat).unwrap();
        assert!(
            !again.contains("update") && !again.contains("os"),
            "{again}"
        );
        let reply: HeartbeatReply =
            serde_json::from_str(r#"{"now":"2026-11-20T12:00:00Z","next_in_seconds":30}"#).unwrap();
        assert_eq!(reply.update, None);
    }

    #[test]
    fn what_is_offered_and_reported_reads_as_written() {
        let reply = r#"{"now":"2026-11-20T12:00:00Z","next_in_seconds":30,"update":{"version":"0.2.0","manifest":"{}","signature":"s"}}"#;
        let read: HeartbeatReply = serde_json::from_str(reply).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), reply);
        let report: UpdateReport =
            serde_json::from_str(r#"{"target":"0.2.0","state":"rolled_back"}"#).unwrap();
        assert_eq!(
            (report.state, report.message),
            (UpdateState::RolledBack, None)
        );
    }
}
