//! The fleet at a glance.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fluxion_model::id::{PosSystemId, StoreId};
use fluxion_model::release::UpdateReport;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/overview`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// The server's clock, to reckon ages by.
    pub now: DateTime<Utc>,
    /// The company's name.
    pub tenant_name: String,
    /// Figures over all stores.
    pub metrics: IntegrationMetrics,
    /// Every store: those that need attention first, then by name.
    pub stores: Vec<StoreOverview>,
}

/// Figures over all stores. "Today" begins at midnight UTC.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IntegrationMetrics {
    /// POS systems that are in use.
    pub pos_systems_active: u64,
    /// Jobs begun today.
    pub sync_jobs_today: u64,
    /// Share of today's ended jobs that completed, 0 to 1; absent while none has ended.
    pub sync_success_rate: Option<f64>,
    /// Mean duration of today's completed jobs, seconds; absent while there is none.
    pub avg_sync_duration: Option<f64>,
    /// Conflicts that wait for a person.
    pub conflicts_unresolved: u64,
    /// Rejects that wait for a person.
    pub rejects_open: u64,
    /// When each POS system last completed a job, by its id; null for never.
    pub last_sync_by_system: BTreeMap<PosSystemId, Option<DateTime<Utc>>>,
    /// Records that arrived today.
    pub data_volume_today: DataVolume,
}

/// Records that were new or changed today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DataVolume {
    /// Products.
    pub products: u64,
    /// Sales.
    pub sales: u64,
    /// Stock movements.
    pub movements: u64,
}

/// How a store is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreState {
    /// A stream is halted, or its last job failed. A person must act.
    Failing,
    /// The agent has not been heard of for 90 seconds.
    Silent,
    /// In sync, but there are rejects or conflicts, batches wait for too long, or calls of a webhook are refused.
    Warning,
    /// Reading everything for the first time.
    Syncing,
    /// No agent has been enrolled, or it has not yet declared a POS system, and there is no webhook either.
    Never,
    /// Every stream's last job completed and the agent is there. Of a store whose POS calls out by itself: nothing was
    /// refused of late.
    Ok,
}

/// One store at a glance.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StoreOverview {
    /// Which store.
    pub id: StoreId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub city: Option<String>,
    /// How it is doing.
    pub state: StoreState,
    /// Kinds of POS it runs, such as `systimax`.
    pub systems: Vec<String>,
    /// When a job of it last completed.
    pub last_sync_at: Option<DateTime<Utc>>,
    /// How long ago that was, seconds.
    pub last_sync_age: Option<i64>,
    /// When its agent was last heard of.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// What waits at the store to be sent.
    pub queue: Queue,
    /// How many streams are how.
    pub streams: StreamSummary,
    /// Rejects that wait for a person.
    pub rejects_open: u64,
    /// Conflicts that wait for a person.
    pub conflicts_open: u64,
    /// What last went wrong, until a success clears it.
    pub last_error: Option<LastError>,
    /// A newer version of the agent that did it no good; the one before runs, so this says nothing about the state.
    pub update_problem: Option<UpdateProblem>,
}

/// An agent that went back from a newer version, or refused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateProblem {
    /// When it said so.
    pub at: DateTime<Utc>,
    /// Name of the PC.
    pub machine: String,
    /// The version that it runs.
    pub version: String,
    /// The version that it left or refused, and why.
    pub report: UpdateReport,
    /// Whether that version is offered to nobody any more.
    pub halted: bool,
}

/// What waits in a spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// Batches.
    pub batches: u64,
    /// Bytes.
    pub bytes: u64,
    /// When the oldest was made.
    pub oldest_at: Option<DateTime<Utc>>,
}

/// How many streams are how. A stream is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamSummary {
    /// All of them.
    pub total: u64,
    /// Up to date.
    pub ok: u64,
    /// Reading everything for the first time.
    pub syncing: u64,
    /// Trying again after an error.
    pub retrying: u64,
    /// Waiting for a person.
    pub halted: u64,
}

/// What last went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LastError {
    /// When, as far as it is known.
    pub at: Option<DateTime<Utc>>,
    /// In which POS system, by name.
    pub pos_system: Option<String>,
    /// In which stream.
    pub stream: Option<String>,
    /// What, for a person.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}
