//! Files that somebody carried here from a store without a line.

use chrono::{DateTime, Utc};
use fluxion_model::id::{AgentId, StoreId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a file brought.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CarryReport {
    /// The agent that wrote it.
    pub agent_id: AgentId,
    /// The store it stands in.
    pub store_id: StoreId,
    /// That store's name.
    pub store_name: String,
    /// When the file was written, by the store's clock.
    pub made_at: DateTime<Utc>,
    /// Whether all of it is in the cloud now.
    pub outcome: CarryOutcome,
    /// Deliveries that were applied now.
    pub applied: u64,
    /// Deliveries that the cloud had already.
    pub known: u64,
    /// Records that are new.
    pub inserted: u64,
    /// Records that changed, or came back.
    pub updated: u64,
    /// Records that are gone.
    pub deleted: u64,
    /// Records set aside, by agent or cloud.
    pub rejected: u64,
    /// The delivery that the cloud waits for, where something is missing.
    pub missing: Option<u64>,
    /// Text of the receipt, to be carried back as it is.
    pub receipt: String,
    /// What to call the receipt's file.
    pub receipt_name: String,
}

/// Whether all of a file is in the cloud now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CarryOutcome {
    /// All of it.
    Complete,
    /// Nothing after the missing delivery, which the agent no longer has because the cloud once acknowledged it. The
    /// agent reads and sends everything again once it has the receipt.
    Gap,
}
