//! How an agent becomes known: a single-use code for a token of its own, then its POS systems by name.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, BatchSeq, Epoch, PosSystemId, StoreId, TenantId};

/// `POST /v1/agents/enrol`: exchanges a single-use code for a token.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolRequest {
    /// As the admin reads it out: letters and digits, dashes and case do not matter.
    pub code: String,
    /// Name of the machine, for the dashboard.
    pub machine: String,
    /// Operating system and version, for the dashboard.
    #[serde(default)]
    pub os: Option<String>,
    /// The agent's version.
    pub version: String,
    /// The token that the agent made for itself: `fxa_` and 64 hexadecimal digits in lower case. With it a request that
    /// comes again, because its answer was lost, is answered again; without it ingest makes one, and a code that was used
    /// is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What begins a token of an agent.
pub const TOKEN_PREFIX: &str = "fxa_";

/// The answer. The token is shown this once; ingest keeps only its hash.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolReply {
    /// Who the agent is from now on.
    pub agent_id: AgentId,
    /// The secret, sent as `Authorization: Bearer` with every request.
    pub token: String,
    /// Whose data it carries.
    pub tenant_id: TenantId,
    /// The company's name.
    pub tenant_name: String,
    /// Where it stands.
    pub store_id: StoreId,
    /// The store's name.
    pub store_name: String,
}

/// `PUT /v1/agents/pos-systems/{name}`: declares a POS system of this agent's store, or updates it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PosSystemDeclaration {
    /// `stellar`, `systimax`, `adminpaq`, `custom`, …: the pack's `system`.
    pub system_type: String,
    /// Which connector reads it.
    pub connector: String,
    /// How it is reached, secrets left out.
    #[serde(default)]
    pub connection: serde_json::Value,
    /// The mapping in force, whole.
    pub mapping: serde_json::Value,
    /// Its name.
    pub mapping_name: String,
    /// Its version.
    pub mapping_version: u32,
    /// Schedules and limits.
    #[serde(default)]
    pub settings: serde_json::Value,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PosSystemReply {
    /// Goes into the header of every delivery of this POS system.
    pub id: PosSystemId,
}

/// `GET /v1/agents/resume-point`: what the cloud holds of this agent, for an agent that doubts its disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResumePoint {
    /// The life of the spool that was last heard of.
    pub epoch: Option<Epoch>,
    /// The last batch of it that was applied.
    pub last_seq: Option<BatchSeq>,
}
