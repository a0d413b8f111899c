//! Tenants, their stores, and the POS systems that stand there.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::enrolment::PosSystemDeclaration;
use fluxion_model::id::{AgentId, PosSystemId, StoreId, TenantId};
use serde::Serialize;

use super::DatabaseResult;
use super::agents::AgentIdentity;

/// How products of different stores meet in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchRule {
    /// By SKU alone.
    Sku,
    /// By barcode; by SKU where a record has no barcode that identifies a product worldwide.
    Barcode,
    /// By SKU; by barcode where no product has the SKU.
    #[default]
    Both,
}

impl MatchRule {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Barcode => "barcode",
            Self::Both => "both",
        }
    }

    /// What the word in the table means.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "sku" => Self::Sku,
            "barcode" => Self::Barcode,
            _ => Self::Both,
        }
    }
}

/// A company to be.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its name.
    pub name: String,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// How its products meet.
    pub match_rule: MatchRule,
}

/// A company that owns data.
#[derive(Debug, Clone, Serialize)]
pub struct Tenant {
    /// Its identity.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// How its products meet.
    pub match_rule: MatchRule,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// A store to be.
#[derive(Debug, Clone, Default)]
pub struct NewStore {
    /// What people call it; unique within the tenant.
    pub name: String,
    /// The company's own code for it.
    pub code: Option<String>,
    /// Where it is.
    pub address: Option<String>,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
}

/// A retail location.
#[derive(Debug, Clone, Serialize)]
pub struct Store {
    /// Its identity.
    pub id: StoreId,
    /// What people call it.
    pub name: String,
    /// The company's own code for it.
    pub code: Option<String>,
    /// Where it is.
    pub address: Option<String>,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Since when it is out of use.
    pub archived_at: Option<DateTime<Utc>>,
}

/// One POS at a store.
#[derive(Debug, Clone, Serialize)]
pub struct PosSystem {
    /// Its identity.
    pub id: PosSystemId,
    /// Where it stands.
    pub store_id: StoreId,
    /// Who reads it.
    pub agent_id: Option<AgentId>,
    /// `stellar`, `systimax`, `adminpaq`, `custom`, …
    pub system_type: String,
    /// Its name in the agent's configuration, or of the webhook.
    pub system_name: String,
    /// Which connector reads it.
    pub connector: String,
    /// How it is reached, secrets left out.
    pub connection_config: serde_json::Value,
    /// The mapping in force.
    pub field_mappings: serde_json::Value,
    /// Its name.
    pub mapping_name: String,
    /// Its version.
    pub mapping_version: i32,
    /// Schedules and limits.
    pub sync_settings: serde_json::Value,
    /// Whether it is in use.
    pub is_active: bool,
    /// When something of it last arrived.
    pub last_sync_at: Option<DateTime<Utc>>,
    /// Since when it is known.
    pub created_at: DateTime<Utc>,
    /// When its declaration last changed.
    pub updated_at: DateTime<Utc>,
}

/// Tenants, stores and POS systems.
#[async_trait]
pub trait Fleet {
    /// Makes a tenant.
    async fn add_tenant(&self, tenant: &NewTenant) -> DatabaseResult<TenantId>;
    /// Every tenant, by age. For the operator at start, never for a client.
    async fn tenants(&self) -> DatabaseResult<Vec<Tenant>>;
    /// One tenant.
    async fn tenant(&self, tenant: TenantId) -> DatabaseResult<Tenant>;
    /// Makes a store; `Conflict` when the name is taken.
    async fn add_store(&self, tenant: TenantId, store: &NewStore) -> DatabaseResult<StoreId>;
    /// All stores of a tenant, by name.
    async fn stores(&self, tenant: TenantId) -> DatabaseResult<Vec<Store>>;
    /// One store.
    async fn store(&self, tenant: TenantId, store: StoreId) -> DatabaseResult<Store>;
    /// Makes the POS system of that name at the agent's store, or brings it up to date. A new agent at the same store
    /// takes over the POS systems of the old one by name. `Conflict` when a webhook has the name.
    async fn declare_pos_system(
        &self,
        agent: &AgentIdentity,
        name: &str,
        declaration: &PosSystemDeclaration,
    ) -> DatabaseResult<PosSystemId>;
    /// The POS systems of a tenant or of one of its stores, by store and name.
    async fn pos_systems(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
    ) -> DatabaseResult<Vec<PosSystem>>;
    /// One POS system.
    async fn pos_system(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
    ) -> DatabaseResult<PosSystem>;
}
