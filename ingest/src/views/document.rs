//! Records exactly as POS systems sent them.

use chrono::{DateTime, Utc};
use fluxion_model::id::{PosSystemId, StoreId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A record as its POS system sent it, and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fact<T> {
    /// Which POS system sent it.
    pub pos_system_id: PosSystemId,
    /// In which store.
    pub store_id: StoreId,
    /// When it last changed here.
    pub received_at: DateTime<Utc>,
    /// The version of the mapping that made it.
    pub mapping_version: u32,
    /// What was sent.
    pub record: T,
}

/// Which records.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FactFilter {
    /// Of one POS system.
    pub pos_system: Option<PosSystemId>,
    /// Of one store.
    pub store: Option<StoreId>,
    /// Those that changed here at or after this moment.
    pub updated_since: Option<DateTime<Utc>>,
}
