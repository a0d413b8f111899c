//! Decisions about conflicts in SQL.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::id::{ConflictId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::database::to_the_end;
use super::engine::{self, Engine, FOR_UPDATE, Row, Tx};
use super::products;
use crate::database::error::found;
use crate::database::resolutions::{Resolution, Resolutions};
use crate::database::{DatabaseError, DatabaseResult};
use crate::ops::apply::Stamp;
use crate::ops::apply::contradictions;
use crate::ops::apply::products::{HeldSource, Moved, distinct, reassign, views};
use crate::ops::resolve::{Move, Target, moves};

/// Where a row was before a decision moved it.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    pos_system: Uuid,
    external_id: String,
    product: Uuid,
    pinned: bool,
}

#[async_trait]
impl Resolutions for Engine {
    async fn resolve_conflict(
        &self,
        tenant: TenantId,
        conflict: ConflictId,
        resolution: &Resolution,
        by: UserId,
    ) -> DatabaseResult<()> {
        let (engine, resolution) = (self.clone(), resolution.clone());
        to_the_end(async move { engine.resolve(tenant, conflict, &resolution, by).await }).await
    }

    async fn undo_resolution(
        &self,
        tenant: TenantId,
        conflict: ConflictId,
        by: UserId,
    ) -> DatabaseResult<()> {
        let engine = self.clone();
        to_the_end(async move { engine.undo(tenant, conflict, by).await }).await
    }
}

impl Engine {
    async fn resolve(
        &self,
        tenant: TenantId,
        conflict: ConflictId,
        resolution: &Resolution,
        by: UserId,
    ) -> DatabaseResult<()> {
        let now = Utc::now();
        let mut tx = self.begin().await?;
        engine::lock_tenant(&mut tx, tenant).await?;
        let row = read(&mut tx, tenant, conflict).await?;
        if row.try_get::<&str, _>("status")? != "open" {
            return Err(DatabaseError::Conflict(
                "the conflict is no longer open".to_owned(),
            ));
        }
        let subject: String = row.try_get("subject")?;
        let product: Uuid = row.try_get("entity_id")?;
        let near = neighbours(&mut tx, tenant, product, &row).await?;
        let sources = products::sources_of(&mut tx, &near, tenant.0).await?;
        let standing = contradictions::find(&views(&sources));
        let Some(contradiction) = standing.into_iter().find(|found| found.subject == subject)
        else {
            return Err(DatabaseError::Conflict(
                "the contradiction is gone; nothing is left to decide".to_owned(),
            ));
        };
        let undo = carry_out(
            &mut tx,
            tenant,
            moves(resolution, &contradiction),
            &sources,
            now,
        )
        .await?;
        sqlx::query(
            "update sync_conflicts set status = 'resolved', resolution_strategy = $3, resolution_notes = $4,
                 resolved_at = $5, resolved_by = $6, updated_at = $5, undo = $7
             where tenant_id = $1 and id = $2",
        )
        .bind(tenant.0)
        .bind(conflict.0)
        .bind(resolution.strategy.as_str())
        .bind(&resolution.notes)
        .bind(now)
        .bind(by.0)
        .bind(Json(&undo))
        .execute(&mut *tx)
        .await?;
        let details =
            json!({ "strategy": resolution.strategy, "notes": resolution.notes, "before": undo });
        record(
            &mut tx,
            tenant,
            by,
            "conflict.resolve",
            conflict,
            &details,
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn undo(&self, tenant: TenantId, conflict: ConflictId, by: UserId) -> DatabaseResult<()> {
        let now = Utc::now();
        let mut tx = self.begin().await?;
        engine::lock_tenant(&mut tx, tenant).await?;
        let row = read(&mut tx, tenant, conflict).await?;
        if row.try_get::<&str, _>("status")? != "resolved" {
            return Err(DatabaseError::Conflict(
                "only a conflict that a person resolved can be undone".to_owned(),
            ));
        }
        let undo = row
            .try_get::<Option<Json<Vec<Before>>>, _>("undo")?
            .map(|Json(undo)| undo)
            .unwrap_or_default();
        let back: Vec<Move> = undo
            .into_iter()
            .map(|before| Move {
                pos_system: before.pos_system,
                external_id: before.external_id,
                target: Target::Product(before.product),
                pinned: before.pinned,
            })
            .collect();
        let mut held = Vec::new();
        for step in &back {
            held.extend(source(&mut tx, tenant, step).await?);
        }
        let near = distinct(held.iter().map(|source| source.product));
        let sources = products::sources_of(&mut tx, &near, tenant.0).await?;
        carry_out(&mut tx, tenant, back, &sources, now).await?;
        sqlx::query(
            "update sync_conflicts set status = 'open', resolution_strategy = null, resolution_notes = null,
                 resolved_at = null, resolved_by = null, updated_at = $3, undo = null
             where tenant_id = $1 and id = $2",
        )
        .bind(tenant.0)
        .bind(conflict.0)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        record(
            &mut tx,
            tenant,
            by,
            "conflict.undo",
            conflict,
            &json!({}),
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn read(tx: &mut Tx, tenant: TenantId, conflict: ConflictId) -> DatabaseResult<Row> {
    let sql = format!("select * from sync_conflicts where tenant_id = $1 and id = $2{FOR_UPDATE}");
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(tenant.0)
        .bind(conflict.0)
        .fetch_optional(&mut **tx)
        .await?;
    found(row, "the conflict")
}

/// The conflict's product, and those with the SKU it is about.
async fn neighbours(
    tx: &mut Tx,
    tenant: TenantId,
    product: Uuid,
    row: &Row,
) -> DatabaseResult<Vec<Uuid>> {
    let fluxion_data = row.try_get::<Json<Value>, _>("fluxion_data")?.0;
    let sku = fluxion_data["sku"].as_str().unwrap_or_default();
    let mut near = products::products_by_sku(tx, &[sku], tenant.0).await?;
    near.push(product);
    Ok(distinct(near))
}

/// The live source row that a move is about, if it is still there.
async fn source(tx: &mut Tx, tenant: TenantId, step: &Move) -> DatabaseResult<Option<HeldSource>> {
    let row = sqlx::query(
        "select * from mapping_cache where tenant_id = $1 and pos_system_id = $2 and external_id = $3
             and fluxion_entity = 'product' and deleted_at is null",
    )
    .bind(tenant.0)
    .bind(step.pos_system)
    .bind(&step.external_id)
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref().map(products::source_of).transpose()
}

/// Moves rows between products; says where they were. Rows that are gone meanwhile are left out.
async fn carry_out(
    tx: &mut Tx,
    tenant: TenantId,
    moves: Vec<Move>,
    sources: &[HeldSource],
    now: DateTime<Utc>,
) -> DatabaseResult<Vec<Before>> {
    let of = |step: &Move| {
        sources
            .iter()
            .find(|held| held.pos_system == step.pos_system && held.external_id == step.external_id)
    };
    let mut near: Vec<Uuid> = sources.iter().map(|source| source.product).collect();
    near.extend(moves.iter().filter_map(|step| match step.target {
        Target::Product(product) => Some(product),
        Target::New(_) => None,
    }));
    let near = distinct(near);
    let all_sources = products::sources_of(tx, &near, tenant.0).await?;
    let held_products = products::read_products(tx, &near, tenant.0).await?;
    let before: Vec<Before> = moves
        .iter()
        .filter_map(of)
        .map(|held| Before {
            pos_system: held.pos_system,
            external_id: held.external_id.clone(),
            product: held.product,
            pinned: held.pinned,
        })
        .collect();
    let stamp = Stamp::by_a_person(tenant, now);
    let (writes, moved) = reassign(&moves, &held_products, &all_sources, &stamp);
    products::write(tx, &writes, &stamp).await?;
    for Moved {
        pos_system,
        external_id,
        product,
        pinned,
    } in moved
    {
        sqlx::query(
            "update mapping_cache set fluxion_id = $4, pinned = $5, updated_at = $6
             where tenant_id = $1 and pos_system_id = $2 and external_id = $3 and fluxion_entity = 'product'",
        )
        .bind(tenant.0)
        .bind(pos_system)
        .bind(external_id)
        .bind(product)
        .bind(pinned)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(before)
}

/// Into the audit log, and to whoever is watching.
async fn record(
    tx: &mut Tx,
    tenant: TenantId,
    by: UserId,
    action: &str,
    conflict: ConflictId,
    details: &Value,
    now: DateTime<Utc>,
) -> DatabaseResult<()> {
    sqlx::query(
        "insert into audit_log (tenant_id, id, at, actor_kind, actor_id, action, entity_type, entity_id, details)
         values ($1, $2, $3, 'user', $4, $5, 'conflict', $6, $7)",
    )
    .bind(tenant.0)
    .bind(Uuid::now_v7())
    .bind(now)
    .bind(by.0)
    .bind(action)
    .bind(conflict.to_string())
    .bind(Json(details))
    .execute(&mut **tx)
    .await?;
    sqlx::query("insert into events (tenant_id, id, kind, payload, created_at) values ($1, $2, 'conflict_changed', $3, $4)")
        .bind(tenant.0)
        .bind(Uuid::now_v7())
        .bind(Json(json!({ "conflict_id": conflict })))
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
