//! Rows and records set aside, as people see them.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{CommandId, PosSystemId, RejectId, StoreId};
use fluxion_model::reject::ErrorClass;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whether a reject waits for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectStatus {
    /// It does.
    #[default]
    Open,
    /// The row was read well since, or is gone.
    Cleared,
    /// A person said that it does not matter.
    Dismissed,
}

impl RejectStatus {
    /// The word in tables and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cleared => "cleared",
            Self::Dismissed => "dismissed",
        }
    }
}

impl FromStr for RejectStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "cleared" => Ok(Self::Cleared),
            "dismissed" => Ok(Self::Dismissed),
            _ => Err(format!("{text:?} is not the state of a reject")),
        }
    }
}

/// A row or record that could not go on, with all that is needed to understand and mend it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RejectView {
    /// Which reject.
    pub id: RejectId,
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
    /// What it would have become; absent when the cloud could not read even that.
    pub entity: Option<EntityKind>,
    /// Its key at the source.
    pub key: String,
    /// Its identity, where that much could be read.
    pub external_id: Option<String>,
    /// Who must act.
    pub class: ErrorClass,
    /// Which field; absent when the whole row is meant.
    pub field: Option<String>,
    /// The rule that was broken.
    pub rule: String,
    /// The value that broke it, as the source has it.
    pub raw: Option<String>,
    /// A sentence a person can act on.
    pub message: String,
    /// File and line, where there are such.
    pub position: Option<String>,
    /// The whole row as the source has it.
    pub row: BTreeMap<String, String>,
    /// Whether it waits for a person.
    pub status: RejectStatus,
    /// When it was first set aside.
    pub created_at: DateTime<Utc>,
    /// When its state last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which rejects.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RejectFilter {
    /// Of one store.
    pub store: Option<StoreId>,
    /// Of one POS system.
    pub pos_system: Option<PosSystemId>,
    /// In one state; open when absent.
    pub status: Option<RejectStatus>,
}

/// The agent was asked to read the row again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayQueued {
    /// What was asked of it.
    pub command: CommandId,
}
