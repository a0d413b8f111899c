//! Webhooks: addresses at which a POS calls out, and what is answered to it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fluxion_model::id::{PosSystemId, StoreId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /v1/stores/{id}/webhooks`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Its name, 1 to 200 characters; no two POS systems of a store share one.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// A ready mapping whose connector is `webhook`, such as `pos-service`. Either this or `mapping`.
    #[serde(default)]
    pub pack: Option<String>,
    /// A mapping of your own, whole. Either this or `pack`.
    #[serde(default)]
    pub mapping: Option<serde_json::Value>,
    /// Time zone of moments that carry none, by its IANA name; the store's, the company's or America/Caracas when absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Currency of amounts that carry none, ISO 4217; the store's or the company's when absent.
    #[serde(default)]
    pub currency: Option<String>,
    /// Country whose business rules apply: `VE`, `MX`, `AR` or `PA`; the store's or the company's when absent.
    #[serde(default)]
    pub country: Option<String>,
    /// Settings that the mapping asks for, by name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// Where to call and how to sign. The secret is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookSecret {
    /// The POS system that the webhook feeds.
    pub pos_system_id: PosSystemId,
    /// The store it stands in.
    pub store_id: StoreId,
    /// Below this service's address: `/v1/webhooks/0190a000-…`.
    pub path: String,
    /// The key to sign with: `whsec_` and base64.
    pub secret: String,
    /// Until when the secret before this one is good, too.
    pub previous_until: Option<DateTime<Utc>>,
}

/// A webhook as people see it. Nobody sees its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Below this service's address: `/v1/webhooks/0190a000-…`.
    pub path: String,
    /// How many events were applied.
    pub events: u64,
    /// When the last one was.
    pub last_event_at: Option<DateTime<Utc>>,
    /// When a call was last refused.
    pub last_refusal_at: Option<DateTime<Utc>>,
    /// Why, in the words the sender was told.
    pub last_refusal: Option<String>,
    /// When the secret was last replaced.
    pub rotated_at: Option<DateTime<Utc>>,
    /// Until when the secret before it is good, too.
    pub previous_until: Option<DateTime<Utc>>,
    /// Since when calls are answered with 410.
    pub deactivated_at: Option<DateTime<Utc>>,
}

/// What became of an event. Either way the sender may forget it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum EventAnswer {
    /// It was applied now.
    Applied {
        /// Records that it became.
        records: u32,
        /// Records that were set aside because something is wrong with them; they are kept and shown in the dashboard.
        set_aside: u32,
        /// What is wrong with the first of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        problems: Vec<String>,
    },
    /// An event of this id was applied before; nothing happened.
    Duplicate,
}

/// The address of a webhook.
#[must_use]
pub fn path_of(pos_system: PosSystemId) -> String {
    format!("/v1/webhooks/{pos_system}")
}
