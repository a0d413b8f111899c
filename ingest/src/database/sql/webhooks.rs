//! Webhooks in SQL.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::id::{PosSystemId, StoreId, TenantId};
use fluxion_model::webhook::Secret;
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Engine, FOR_UPDATE, Row, Tx};
use super::listing::{Sql, count, only};
use crate::database::error::found;
use crate::database::webhooks::{Endpoint, MappingStamp, NewEndpoint, WebhookIdentity, Webhooks};
use crate::database::{DatabaseError, DatabaseResult};
use crate::views::webhook::{WebhookView, path_of};

/// The connector's name, which is the agent's as well.
const CONNECTOR: &str = "webhook";

#[async_trait]
impl Webhooks for Engine {
    async fn add_webhook(
        &self,
        tenant: TenantId,
        store: StoreId,
        new: &NewEndpoint,
    ) -> DatabaseResult<PosSystemId> {
        // Random and not by time, because it is part of an address that only the sender shall know.
        let (id, now) = (PosSystemId(Uuid::new_v4()), Utc::now());
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into pos_systems
                 (tenant_id, id, store_id, system_type, system_name, connector, connection_config, field_mappings,
                  mapping_name, mapping_version, sync_settings, is_active, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)",
        )
        .bind(tenant.0)
        .bind(id.0)
        .bind(store.0)
        .bind(&new.system_type)
        .bind(&new.name)
        .bind(CONNECTOR)
        .bind(Json(serde_json::json!({})))
        .bind(Json(&new.mapping))
        .bind(&new.mapping_name)
        .bind(i32::try_from(new.mapping_version).unwrap_or(i32::MAX))
        .bind(Json(&new.settings))
        .bind(true)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "insert into webhook_endpoints (tenant_id, pos_system_id, secret, created_at, events)
             values ($1, $2, $3, $4, 0)",
        )
        .bind(tenant.0)
        .bind(id.0)
        .bind(new.secret.reveal())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn endpoint(&self, pos_system: PosSystemId) -> DatabaseResult<Endpoint> {
        let row = sqlx::query(
            "select w.tenant_id, w.secret, w.previous_secret, w.previous_until, w.deactivated_at,
                 p.store_id, p.mapping_version, p.updated_at
             from webhook_endpoints w join pos_systems p on p.tenant_id = w.tenant_id and p.id = w.pos_system_id
             where w.pos_system_id = $1",
        )
        .bind(pos_system.0)
        .fetch_optional(self.reader())
        .await?;
        let row = found(row, "the webhook")?;
        let previous_until: Option<DateTime<Utc>> = row.try_get("previous_until")?;
        let previous: Option<String> = row.try_get("previous_secret")?;
        let previous = previous.filter(|_| previous_until.is_some_and(|until| Utc::now() < until));
        let secrets = std::iter::once(row.try_get("secret")?)
            .chain(previous)
            .map(|text: String| {
                Secret::parse(&text)
                    .map_err(|error| DatabaseError::internal("read a webhook's secret", error))
            })
            .collect::<DatabaseResult<_>>()?;
        Ok(Endpoint {
            identity: WebhookIdentity {
                tenant: TenantId(row.try_get("tenant_id")?),
                store: StoreId(row.try_get("store_id")?),
                pos_system,
            },
            secrets,
            deactivated_at: row.try_get("deactivated_at")?,
            mapping: MappingStamp {
                version: row.try_get("mapping_version")?,
                updated_at: row.try_get("updated_at")?,
            },
        })
    }

    async fn webhooks(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
    ) -> DatabaseResult<HashMap<PosSystemId, WebhookView>> {
        let mut sql = Sql::new(
            "select w.pos_system_id, w.events, w.last_event_at, w.last_refusal_at, w.last_refusal, w.rotated_at,
                 w.previous_until, w.deactivated_at
             from webhook_endpoints w join pos_systems p on p.tenant_id = w.tenant_id and p.id = w.pos_system_id
             where w.tenant_id = ",
        );
        sql.push_bind(tenant.0);
        only(&mut sql, "p.store_id", store.map(|id| id.0));
        let rows = sql.build().fetch_all(self.reader()).await?;
        rows.iter().map(webhook_of).collect()
    }

    async fn rotate_webhook(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
        secret: &Secret,
        previous_until: DateTime<Utc>,
    ) -> DatabaseResult<StoreId> {
        let mut tx = self.begin().await?;
        let store = active(&mut tx, tenant, pos_system).await?;
        sqlx::query(
            "update webhook_endpoints set previous_secret = secret, previous_until = $4, secret = $3, rotated_at = $5
             where tenant_id = $1 and pos_system_id = $2",
        )
        .bind(tenant.0)
        .bind(pos_system.0)
        .bind(secret.reveal())
        .bind(previous_until)
        .bind(Utc::now())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(store)
    }

    async fn deactivate_webhook(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
    ) -> DatabaseResult<StoreId> {
        let now = Utc::now();
        let mut tx = self.begin().await?;
        let store = active(&mut tx, tenant, pos_system).await?;
        sqlx::query(
            "update webhook_endpoints set deactivated_at = $3 where tenant_id = $1 and pos_system_id = $2",
        )
        .bind(tenant.0)
        .bind(pos_system.0)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        sqlx::query("update pos_systems set is_active = $3, updated_at = $4 where tenant_id = $1 and id = $2")
            .bind(tenant.0)
            .bind(pos_system.0)
            .bind(false)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(store)
    }

    async fn keep_refusal(&self, webhook: &WebhookIdentity, reason: &str) -> DatabaseResult<()> {
        sqlx::query(
            "update webhook_endpoints set last_refusal_at = $3, last_refusal = $4
             where tenant_id = $1 and pos_system_id = $2",
        )
        .bind(webhook.tenant.0)
        .bind(webhook.pos_system.0)
        .bind(Utc::now())
        .bind(reason)
        .execute(self.writer())
        .await?;
        Ok(())
    }
}

/// Locks a webhook that still takes events.
async fn active(tx: &mut Tx, tenant: TenantId, pos_system: PosSystemId) -> DatabaseResult<StoreId> {
    let sql = format!(
        "select deactivated_at from webhook_endpoints where tenant_id = $1 and pos_system_id = $2{FOR_UPDATE}"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(tenant.0)
        .bind(pos_system.0)
        .fetch_optional(&mut **tx)
        .await?;
    let deactivated_at: Option<DateTime<Utc>> =
        found(row, "the webhook")?.try_get("deactivated_at")?;
    if deactivated_at.is_some() {
        return Err(DatabaseError::Conflict(
            "The webhook was deactivated; make a new one".to_owned(),
        ));
    }
    let row = sqlx::query("select store_id from pos_systems where tenant_id = $1 and id = $2")
        .bind(tenant.0)
        .bind(pos_system.0)
        .fetch_one(&mut **tx)
        .await?;
    Ok(StoreId(row.try_get("store_id")?))
}

fn webhook_of(row: &Row) -> DatabaseResult<(PosSystemId, WebhookView)> {
    let id = PosSystemId(row.try_get("pos_system_id")?);
    let view = WebhookView {
        path: path_of(id),
        events: count(row.try_get("events")?),
        last_event_at: row.try_get("last_event_at")?,
        last_refusal_at: row.try_get("last_refusal_at")?,
        last_refusal: row.try_get("last_refusal")?,
        rotated_at: row.try_get("rotated_at")?,
        previous_until: row.try_get("previous_until")?,
        deactivated_at: row.try_get("deactivated_at")?,
    };
    Ok((id, view))
}
