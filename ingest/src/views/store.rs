//! Stores, the agents that stand in them, their POS systems and streams.

use chrono::{DateTime, Utc};
use fluxion_model::command::SyncMode;
use fluxion_model::heartbeat::StreamPhase;
use fluxion_model::id::{AgentId, CommandId, PosSystemId, StoreId, StreamName};
use fluxion_model::release::UpdateReport;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job::JobView;
use super::overview::{Queue, StoreOverview};
use super::reject::RejectView;
use super::webhook::WebhookView;

/// A retail location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreView {
    /// Which store.
    pub id: StoreId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub city: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// `POST /v1/stores`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStore {
    /// Its name, 1 to 200 characters; no two stores share one.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Where it stands.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub city: Option<String>,
}

/// `POST /v1/stores/{id}/enrolment-codes`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewEnrolmentCode {
    /// For how many hours it can be used, 1 to 720; 72 when absent.
    #[schema(minimum = 1, maximum = 720, default = 72)]
    pub valid_hours: Option<u32>,
}

/// A code that makes one agent known, once. It is shown this once; only its hash is kept.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct EnrolmentCode {
    /// What the technician types: `K7QF-3MXW-9TRA`. Dashes and case do not matter.
    pub code: String,
    /// The store it is for.
    pub store_id: StoreId,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// `POST /v1/stores/{id}/sync`. An empty object asks for all that changed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SyncRequest {
    /// One POS system of the store; all when absent.
    pub pos_system_id: Option<PosSystemId>,
    /// One stream; all when absent.
    pub stream: Option<StreamName>,
    /// What changed, or everything.
    pub mode: SyncMode,
}

/// `POST /v1/streams/confirm-deletes`: a person has looked at a tripped delete brake.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmDeletes {
    /// Which POS system.
    pub pos_system_id: PosSystemId,
    /// Which stream.
    pub stream: StreamName,
}

/// What agents were asked; they answer within seconds when they are there, else as soon as they are back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandsQueued {
    /// One for each agent of the store.
    pub commands: Vec<CommandId>,
}

/// `GET /v1/stores/{id}`: all there is to know about a store.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StoreDetail {
    /// The server's clock, to reckon ages by.
    pub now: DateTime<Utc>,
    /// As in the overview.
    pub overview: StoreOverview,
    /// Its agents, the ones heard of last first.
    pub agents: Vec<AgentView>,
    /// Its POS systems, by name.
    pub pos_systems: Vec<PosSystemView>,
    /// Streams of all its POS systems.
    pub streams: Vec<StreamView>,
    /// The latest twenty jobs.
    pub jobs: Vec<JobView>,
    /// The latest twenty rejects that wait for a person.
    pub rejects: Vec<RejectView>,
}

/// An installed agent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AgentView {
    /// Which agent.
    pub id: AgentId,
    /// Name of the PC.
    pub machine: String,
    /// Its operating system.
    pub os: Option<String>,
    /// The agent's version.
    pub version: String,
    /// How the newer version it was offered last is getting on; absent when there is nothing to say.
    pub update: Option<UpdateReport>,
    /// When it was enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// When it was last heard of.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// By how many milliseconds its clock is ahead of the server's.
    pub clock_skew_ms: Option<i64>,
    /// Free space on the disk of its spool, bytes.
    pub disk_free_bytes: Option<u64>,
    /// What waits to be sent.
    pub queue: Queue,
    /// When its token was revoked; it can send nothing since.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A POS at a store.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PosSystemView {
    /// Which POS system.
    pub id: PosSystemId,
    /// The store it stands in.
    pub store_id: StoreId,
    /// The store's name.
    pub store_name: String,
    /// Its name in the agent's configuration, or of the webhook.
    pub name: String,
    /// `stellar`, `systimax`, `adminpaq`, `custom`, …
    pub system_type: String,
    /// Which connector reads it.
    pub connector: String,
    /// Name of the mapping in force.
    pub mapping_name: String,
    /// Its version.
    pub mapping_version: u32,
    /// How it is reached, secrets left out.
    pub connection: serde_json::Value,
    /// Whether it is in use.
    pub active: bool,
    /// When a job of it last completed.
    pub last_sync_at: Option<DateTime<Utc>>,
    /// When it was first declared.
    pub created_at: DateTime<Utc>,
    /// Where it calls, when no agent reads it but it calls out to the cloud by itself.
    pub webhook: Option<WebhookView>,
}

/// One stream of a POS system, as its agent last described it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StreamView {
    /// Of which POS system; absent while the agent has not declared it.
    pub pos_system_id: Option<PosSystemId>,
    /// Its name in the agent's configuration.
    pub pos_system: String,
    /// The stream.
    pub stream: String,
    /// What it is doing.
    pub phase: StreamPhase,
    /// When it last read its source to the end without an error.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Rows read so far in the job under way.
    pub rows_read: u64,
    /// The last error, until a success clears it.
    pub last_error: Option<String>,
}
