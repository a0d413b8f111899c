//! Sync jobs as people see them.

use chrono::{DateTime, Utc};
use fluxion_model::id::{JobId, PosSystemId, StoreId};
use fluxion_model::job::{JobCounts, JobError, JobKind, JobStatus};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One run of one stream.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Which job.
    pub id: JobId,
    /// In which store.
    pub store_id: StoreId,
    /// The store's name.
    pub store_name: String,
    /// Of which POS system.
    pub pos_system_id: PosSystemId,
    /// The POS system's name.
    pub pos_system: String,
    /// Of which stream.
    pub stream: String,
    /// Why it runs.
    pub kind: JobKind,
    /// How far it is.
    pub status: JobStatus,
    /// When it began, by the agent's clock.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took, seconds.
    pub duration: Option<f64>,
    /// What it did.
    pub counts: JobCounts,
    /// Why it failed.
    pub error: Option<JobError>,
}

/// Which jobs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobFilter {
    /// Of one store.
    pub store: Option<StoreId>,
    /// Of one POS system.
    pub pos_system: Option<PosSystemId>,
    /// Of one stream.
    pub stream: Option<String>,
    /// In one state.
    pub status: Option<JobStatus>,
}
