//! A delivery: what one batch carries from the spool to the cloud. Its text form is in [`crate::wire`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::entity::{Record, Tombstone};
use crate::id::{BatchSeq, Epoch, JobId, PosSystemId, StreamName};
use crate::job::JobReport;
use crate::reject::Rejected;

/// The first line of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryHeader {
    /// Version of the wire format, [`crate::wire::VERSION`].
    pub fluxion: u32,
    /// The spool's life.
    pub epoch: Epoch,
    /// Number within the epoch, without gaps.
    pub seq: BatchSeq,
    /// When the agent made it.
    pub made_at: DateTime<Utc>,
    /// Whose records these are.
    pub pos_system: PosSystemId,
    /// Which stream they come from.
    pub stream: StreamName,
    /// The run that read them.
    pub job: JobId,
    /// Version of the mapping that made them.
    pub mapping_version: u32,
    /// How many lines follow. A body with another count was cut on the way and is refused whole.
    pub lines: u32,
}

/// Every line after the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A record is there and looks like this.
    Put(Record),
    /// A record is gone.
    Delete(Tombstone),
    /// A row was set aside.
    Reject(Rejected),
    /// Rejects of these source keys no longer hold: the row was read well, or is gone.
    Cleared {
        /// Source keys, as in [`Rejected::key`].
        keys: Vec<String>,
    },
    /// How far the job is.
    Job(JobReport),
}

/// The cloud's answer to a delivery. Both mean that the agent may forget it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Ack {
    /// Applied now.
    Applied {
        /// Which.
        seq: BatchSeq,
        /// Records the cloud had to set aside, by themselves.
        #[serde(default)]
        rejected: u32,
    },
    /// Was applied before; nothing happened.
    Duplicate {
        /// The last batch that was applied.
        last_seq: BatchSeq,
    },
}

/// Body of the 409 answer to a batch that does not follow the last one: a gap, or a new epoch not beginning at 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutOfOrder {
    /// The epoch that the cloud knows, if any.
    pub epoch: Option<Epoch>,
    /// The batch it expects next in that epoch.
    pub expected: BatchSeq,
}
