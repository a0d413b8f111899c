//! Webhooks: POS systems that no agent reads, because they call out by themselves.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::id::{PosSystemId, StoreId, TenantId};
use fluxion_model::webhook::Secret;

use super::DatabaseResult;
use crate::views::webhook::WebhookView;

/// Which webhook was called. Only [`Webhooks::endpoint`] hands these out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookIdentity {
    /// Whose data it carries.
    pub tenant: TenantId,
    /// Where its POS stands.
    pub store: StoreId,
    /// The POS system it feeds.
    pub pos_system: PosSystemId,
}

/// One call of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Of which webhook.
    pub webhook: WebhookIdentity,
    /// The sender's id for what happened: the same however often it is sent.
    pub event_id: String,
}

/// What is needed to judge a call.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Which webhook.
    pub identity: WebhookIdentity,
    /// The secrets that are good now, the newest first.
    pub secrets: Vec<Secret>,
    /// Since when it takes nothing any more.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// Which mapping is in force.
    pub mapping: MappingStamp,
}

/// Changes whenever a POS system's mapping or settings do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingStamp {
    /// The mapping's version.
    pub version: i32,
    /// When the POS system was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A webhook to be, with the POS system that it feeds.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Name of the POS system.
    pub name: String,
    /// `stellar`, `custom`, …: the mapping's `system`.
    pub system_type: String,
    /// The mapping, whole.
    pub mapping: serde_json::Value,
    /// Its name.
    pub mapping_name: String,
    /// Its version.
    pub mapping_version: u32,
    /// Time zone, currency, country, and what the mapping asks for, as an agent declares them.
    pub settings: serde_json::Value,
    /// What its calls are signed with.
    pub secret: Secret,
}

/// Webhooks, and who may call them.
#[async_trait]
pub trait Webhooks {
    /// Makes a POS system that a webhook feeds; `Conflict` when the store has one of that name.
    async fn add_webhook(
        &self,
        tenant: TenantId,
        store: StoreId,
        new: &NewEndpoint,
    ) -> DatabaseResult<PosSystemId>;
    /// The webhook of this POS system, whoever's it is: whoever calls does not know the tenant, and proves by a signature
    /// that the call is meant. `NotFound` when there is none.
    async fn endpoint(&self, pos_system: PosSystemId) -> DatabaseResult<Endpoint>;
    /// All webhooks of a tenant, or of one store, as people see them.
    async fn webhooks(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
    ) -> DatabaseResult<HashMap<PosSystemId, WebhookView>>;
    /// Replaces the secret. The one in force is good until `previous_until`; one before that, which a rotation a moment
    /// ago had left good, no longer is. Returns the store.
    async fn rotate_webhook(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
        secret: &Secret,
        previous_until: DateTime<Utc>,
    ) -> DatabaseResult<StoreId>;
    /// Takes no more events. Its records stay. Returns the store.
    async fn deactivate_webhook(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
    ) -> DatabaseResult<StoreId>;
    /// Notes that a call was refused, for whoever looks why nothing arrives.
    async fn keep_refusal(&self, webhook: &WebhookIdentity, reason: &str) -> DatabaseResult<()>;
}
