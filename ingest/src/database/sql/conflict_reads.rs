//! Conflicts in SQL, for people to look at.

use async_trait::async_trait;
use fluxion_model::id::{ConflictId, PosSystemId, StoreId, TenantId, UserId};
use fluxion_model::{Decimal, Uuid};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Amount, Engine, Row};
use super::listing::{Sql, only, part, word};
use crate::database::DatabaseResult;
use crate::database::conflicts::Conflicts;
use crate::database::error::found;
use crate::views::conflict::{ConflictFilter, ConflictStatus, ConflictView, Strategy};
use crate::views::page::{Page, PageRequest};

/// What a conflict counts for whose cost cannot be told: less than any that can.
const UNTOLD: Decimal = Decimal::NEGATIVE_ONE;

const SELECT: &str = "select c.*, p.system_name, p.store_id, s.name as store_name
     from sync_conflicts c
     join pos_systems p on p.tenant_id = c.tenant_id and p.id = c.pos_system_id
     join stores s on s.tenant_id = p.tenant_id and s.id = p.store_id
     where c.tenant_id = ";

#[async_trait]
impl Conflicts for Engine {
    async fn conflicts(
        &self,
        tenant: TenantId,
        filter: &ConflictFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<ConflictView>> {
        let mut sql = Sql::new(SELECT);
        sql.push_bind(tenant.0);
        sql.push(match filter.status.unwrap_or(ConflictStatus::Open) {
            ConflictStatus::Open => " and c.status = 'open'",
            ConflictStatus::Resolved => " and c.status <> 'open'",
        });
        only(&mut sql, "p.store_id", filter.store.map(|id| id.0));
        only(
            &mut sql,
            "c.pos_system_id",
            filter.pos_system.map(|id| id.0),
        );
        only(
            &mut sql,
            "c.conflict_type",
            filter.kind.map(|kind| kind.as_str()),
        );
        if let [impact, id] = page.after.as_slice() {
            sql.push(" and (coalesce(c.money_impact, ")
                .push_bind(Amount(UNTOLD))
                .push("), c.id) < (");
            sql.push_bind(Amount(part(impact)?))
                .push(", ")
                .push_bind(part::<Uuid>(id)?)
                .push(")");
        }
        sql.push(" order by coalesce(c.money_impact, ")
            .push_bind(Amount(UNTOLD))
            .push(") desc, c.id desc limit ");
        sql.push_bind(page.probe());
        let rows = sql.build().fetch_all(self.reader()).await?;
        let conflicts = rows
            .iter()
            .map(conflict_of)
            .collect::<DatabaseResult<Vec<_>>>()?;
        Ok(Page::cut(conflicts, page, |conflict| {
            vec![
                conflict.money_impact.unwrap_or(UNTOLD).to_string(),
                conflict.id.to_string(),
            ]
        }))
    }

    async fn conflict(
        &self,
        tenant: TenantId,
        conflict: ConflictId,
    ) -> DatabaseResult<ConflictView> {
        let mut sql = Sql::new(SELECT);
        sql.push_bind(tenant.0);
        only(&mut sql, "c.id", Some(conflict.0));
        let row = sql.build().fetch_optional(self.reader()).await?;
        conflict_of(&found(row, "the conflict")?)
    }
}

fn conflict_of(row: &Row) -> DatabaseResult<ConflictView> {
    let kind = word(row.try_get("conflict_type")?)?;
    // `closed` went away by itself, `resolved` was decided; for people both are settled.
    let status = match row.try_get("status")? {
        "open" => ConflictStatus::Open,
        _ => ConflictStatus::Resolved,
    };
    Ok(ConflictView {
        id: ConflictId(row.try_get("id")?),
        kind,
        store_id: StoreId(row.try_get("store_id")?),
        store_name: row.try_get("store_name")?,
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        pos_system: row.try_get("system_name")?,
        entity: word(row.try_get("entity_type")?)?,
        entity_id: row.try_get("entity_id")?,
        status,
        pos_data: row.try_get::<Json<Value>, _>("pos_data")?.0,
        cloud_data: row.try_get::<Json<Value>, _>("fluxion_data")?.0,
        money_impact: row
            .try_get::<Option<Amount>, _>("money_impact")?
            .map(|amount| amount.0),
        currency: row.try_get("currency")?,
        strategies: Strategy::for_kind(kind).to_vec(),
        strategy: row
            .try_get::<Option<&str>, _>("resolution_strategy")?
            .map(word)
            .transpose()?,
        resolved_at: row.try_get("resolved_at")?,
        resolved_by: row.try_get::<Option<Uuid>, _>("resolved_by")?.map(UserId),
        notes: row.try_get("resolution_notes")?,
        created_at: row.try_get("created_at")?,
    })
}
