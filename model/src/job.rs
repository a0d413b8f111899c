//! Sync jobs: one run of one stream, as the agent reports it and the cloud records it.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entity::{UnknownWord, words};
use crate::id::{JobId, StreamName};
use crate::reject::ErrorClass;

words! {
/// Why a job runs.
JobKind "job kind" {
    /// Reads everything and derives deletes.
    FullSync = "full_sync",
    /// Reads what changed since last time, on a schedule.
    Incremental = "incremental",
    /// Follows a log, an outbox or arriving files.
    RealTime = "real_time",
    /// Compares both sides.
    Verify = "verify",
}}

words! {
/// How far a job is.
JobStatus "job status" {
    /// Asked for, not begun.
    Pending = "pending",
    /// Under way.
    Running = "running",
    /// Ended, and every row was read and either delivered or set aside.
    Completed = "completed",
    /// Ended early; what was delivered before stays delivered.
    Failed = "failed",
}}

/// A job's state, sent in the same deliveries as its records, so that it arrives in order, exactly once, and also
/// after days offline. The latest report of a job replaces earlier ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobReport {
    /// Which job.
    pub id: JobId,
    /// Which stream it reads.
    pub stream: StreamName,
    /// Why it runs.
    pub kind: JobKind,
    /// How far it is.
    pub status: JobStatus,
    /// When it began, by the agent's clock.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// Counts so far.
    #[serde(default)]
    pub counts: JobCounts,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
}

/// What a job did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct JobCounts {
    /// Rows read from the source, child rows not counted.
    pub rows_read: u64,
    /// Records sent because they were new or changed.
    pub records_sent: u64,
    /// Records whose fingerprint said they had not changed.
    pub records_unchanged: u64,
    /// Tombstones sent.
    pub deletes_sent: u64,
    /// Rows or records set aside.
    pub rejected: u64,
}

/// Why a job failed, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobError {
    /// Who must act.
    pub class: ErrorClass,
    /// A short, stable word such as `missing_column`, `delete_brake` or `unreachable`.
    pub code: String,
    /// What happened, naming tables and counts, never cell values or secrets.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
