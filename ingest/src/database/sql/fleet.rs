//! Tenants, stores and POS systems in SQL.

use async_trait::async_trait;
use chrono::Utc;
use fluxion_model::Uuid;
use fluxion_model::enrolment::PosSystemDeclaration;
use fluxion_model::id::{AgentId, PosSystemId, StoreId, TenantId};
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Engine, Row};
use crate::database::agents::AgentIdentity;
use crate::database::error::found;
use crate::database::fleet::{Fleet, MatchRule, NewStore, NewTenant, PosSystem, Store, Tenant};
use crate::database::{DatabaseError, DatabaseResult};

#[async_trait]
impl Fleet for Engine {
    async fn add_tenant(&self, tenant: &NewTenant) -> DatabaseResult<TenantId> {
        let id = TenantId::generate();
        sqlx::query(
            "insert into tenants (id, name, country, currency, time_zone, match_rule, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id.0)
        .bind(&tenant.name)
        .bind(&tenant.country)
        .bind(&tenant.currency)
        .bind(&tenant.time_zone)
        .bind(tenant.match_rule.as_str())
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        Ok(id)
    }

    async fn tenants(&self) -> DatabaseResult<Vec<Tenant>> {
        let rows = sqlx::query("select * from tenants order by created_at, id")
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(tenant_of).collect()
    }

    async fn tenant(&self, tenant: TenantId) -> DatabaseResult<Tenant> {
        let row = sqlx::query("select * from tenants where id = $1")
            .bind(tenant.0)
            .fetch_optional(self.reader())
            .await?;
        tenant_of(&found(row, "the tenant")?)
    }

    async fn add_store(&self, tenant: TenantId, store: &NewStore) -> DatabaseResult<StoreId> {
        let id = StoreId::generate();
        sqlx::query(
            "insert into stores
                 (tenant_id, id, name, code, address, country, currency, time_zone, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        )
        .bind(tenant.0)
        .bind(id.0)
        .bind(&store.name)
        .bind(&store.code)
        .bind(&store.address)
        .bind(&store.country)
        .bind(&store.currency)
        .bind(&store.time_zone)
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        Ok(id)
    }

    async fn stores(&self, tenant: TenantId) -> DatabaseResult<Vec<Store>> {
        let rows = sqlx::query("select * from stores where tenant_id = $1 order by name, id")
            .bind(tenant.0)
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(store_of).collect()
    }

    async fn store(&self, tenant: TenantId, store: StoreId) -> DatabaseResult<Store> {
        let row = sqlx::query("select * from stores where tenant_id = $1 and id = $2")
            .bind(tenant.0)
            .bind(store.0)
            .fetch_optional(self.reader())
            .await?;
        store_of(&found(row, "the store")?)
    }

    async fn declare_pos_system(
        &self,
        agent: &AgentIdentity,
        name: &str,
        declaration: &PosSystemDeclaration,
    ) -> DatabaseResult<PosSystemId> {
        let row = sqlx::query(
            "insert into pos_systems
                 (tenant_id, id, store_id, agent_id, system_type, system_name, connector, connection_config,
                  field_mappings, mapping_name, mapping_version, sync_settings, is_active, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
             on conflict (tenant_id, store_id, system_name) do update set
                 agent_id = excluded.agent_id, system_type = excluded.system_type, connector = excluded.connector,
                 connection_config = excluded.connection_config, field_mappings = excluded.field_mappings,
                 mapping_name = excluded.mapping_name, mapping_version = excluded.mapping_version,
                 sync_settings = excluded.sync_settings, is_active = excluded.is_active,
                 updated_at = excluded.updated_at
             where not exists (select 1 from webhook_endpoints w
                 where w.tenant_id = pos_systems.tenant_id and w.pos_system_id = pos_systems.id)
             returning id",
        )
        .bind(agent.tenant.0)
        .bind(PosSystemId::generate().0)
        .bind(agent.store.0)
        .bind(agent.agent.0)
        .bind(&declaration.system_type)
        .bind(name)
        .bind(&declaration.connector)
        .bind(Json(&declaration.connection))
        .bind(Json(&declaration.mapping))
        .bind(&declaration.mapping_name)
        .bind(i32::try_from(declaration.mapping_version).unwrap_or(i32::MAX))
        .bind(Json(&declaration.settings))
        .bind(true)
        .bind(Utc::now())
        .fetch_optional(self.writer())
        .await?;
        let row = row.ok_or_else(|| {
            DatabaseError::Conflict(
                "The store has a webhook of this name; give the POS system another name in the agent's configuration"
                    .to_owned(),
            )
        })?;
        Ok(PosSystemId(row.try_get("id")?))
    }

    async fn pos_systems(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
    ) -> DatabaseResult<Vec<PosSystem>> {
        let rows = match store {
            Some(store) => {
                sqlx::query("select * from pos_systems where tenant_id = $1 and store_id = $2 order by system_name, id")
                    .bind(tenant.0)
                    .bind(store.0)
                    .fetch_all(self.reader())
                    .await?
            }
            None => {
                sqlx::query("select * from pos_systems where tenant_id = $1 order by store_id, system_name, id")
                    .bind(tenant.0)
                    .fetch_all(self.reader())
                    .await?
            }
        };
        rows.iter().map(pos_system_of).collect()
    }

    async fn pos_system(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
    ) -> DatabaseResult<PosSystem> {
        let row = sqlx::query("select * from pos_systems where tenant_id = $1 and id = $2")
            .bind(tenant.0)
            .bind(pos_system.0)
            .fetch_optional(self.reader())
            .await?;
        pos_system_of(&found(row, "the POS system")?)
    }
}

fn tenant_of(row: &Row) -> DatabaseResult<Tenant> {
    Ok(Tenant {
        id: TenantId(row.try_get("id")?),
        name: row.try_get("name")?,
        country: row.try_get("country")?,
        currency: row.try_get("currency")?,
        time_zone: row.try_get("time_zone")?,
        match_rule: MatchRule::from_word(row.try_get("match_rule")?),
        created_at: row.try_get("created_at")?,
    })
}

fn store_of(row: &Row) -> DatabaseResult<Store> {
    Ok(Store {
        id: StoreId(row.try_get("id")?),
        name: row.try_get("name")?,
        code: row.try_get("code")?,
        address: row.try_get("address")?,
        country: row.try_get("country")?,
        currency: row.try_get("currency")?,
        time_zone: row.try_get("time_zone")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        archived_at: row.try_get("archived_at")?,
    })
}

fn pos_system_of(row: &Row) -> DatabaseResult<PosSystem> {
    Ok(PosSystem {
        id: PosSystemId(row.try_get("id")?),
        store_id: StoreId(row.try_get("store_id")?),
        agent_id: row.try_get::<Option<Uuid>, _>("agent_id")?.map(AgentId),
        system_type: row.try_get("system_type")?,
        system_name: row.try_get("system_name")?,
        connector: row.try_get("connector")?,
        connection_config: row.try_get::<Json<_>, _>("connection_config")?.0,
        field_mappings: row.try_get::<Json<_>, _>("field_mappings")?.0,
        mapping_name: row.try_get("mapping_name")?,
        mapping_version: row.try_get("mapping_version")?,
        sync_settings: row.try_get::<Json<_>, _>("sync_settings")?.0,
        is_active: row.try_get("is_active")?,
        last_sync_at: row.try_get("last_sync_at")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}
