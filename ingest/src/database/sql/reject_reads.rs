//! Rejects in SQL, for people to look at.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::id::{PosSystemId, RejectId, StoreId, TenantId, UserId};
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Engine, Row};
use super::listing::{Sql, moment, only, part, word};
use crate::database::DatabaseResult;
use crate::database::error::found;
use crate::database::rejects::Rejects;
use crate::views::page::{Page, PageRequest};
use crate::views::reject::{RejectFilter, RejectView};

const SELECT: &str = "select r.*, p.system_name, p.store_id, s.name as store_name
     from rejects r
     join pos_systems p on p.tenant_id = r.tenant_id and p.id = r.pos_system_id
     join stores s on s.tenant_id = p.tenant_id and s.id = p.store_id
     where r.tenant_id = ";

/// A reject, and by what it is sorted.
struct Listed {
    view: RejectView,
    last_seen_at: DateTime<Utc>,
}

#[async_trait]
impl Rejects for Engine {
    async fn rejects(
        &self,
        tenant: TenantId,
        filter: &RejectFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<RejectView>> {
        let mut sql = Sql::new(SELECT);
        sql.push_bind(tenant.0);
        only(
            &mut sql,
            "r.status",
            Some(filter.status.unwrap_or_default().as_str()),
        );
        only(&mut sql, "p.store_id", filter.store.map(|id| id.0));
        only(
            &mut sql,
            "r.pos_system_id",
            filter.pos_system.map(|id| id.0),
        );
        if let [seen, id] = page.after.as_slice() {
            sql.push(" and (r.last_seen_at, r.id) < (");
            sql.push_bind(part::<DateTime<Utc>>(seen)?)
                .push(", ")
                .push_bind(part::<Uuid>(id)?)
                .push(")");
        }
        sql.push(" order by r.last_seen_at desc, r.id desc limit ")
            .push_bind(page.probe());
        let rows = sql.build().fetch_all(self.reader()).await?;
        let listed = rows
            .iter()
            .map(listed_of)
            .collect::<DatabaseResult<Vec<_>>>()?;
        let page = Page::cut(listed, page, |reject| {
            vec![moment(reject.last_seen_at), reject.view.id.to_string()]
        });
        Ok(Page {
            items: page.items.into_iter().map(|reject| reject.view).collect(),
            next_cursor: page.next_cursor,
        })
    }

    async fn reject(&self, tenant: TenantId, reject: RejectId) -> DatabaseResult<RejectView> {
        let mut sql = Sql::new(SELECT);
        sql.push_bind(tenant.0);
        only(&mut sql, "r.id", Some(reject.0));
        let row = sql.build().fetch_optional(self.reader()).await?;
        Ok(listed_of(&found(row, "the reject")?)?.view)
    }

    async fn dismiss_reject(
        &self,
        tenant: TenantId,
        reject: RejectId,
        by: UserId,
    ) -> DatabaseResult<()> {
        let done = sqlx::query(
            "update rejects set
                 resolved_at = case when status = 'open' then $3 else resolved_at end,
                 resolved_by = case when status = 'open' then $4 else resolved_by end,
                 status = case when status = 'open' then 'dismissed' else status end
             where tenant_id = $1 and id = $2",
        )
        .bind(tenant.0)
        .bind(reject.0)
        .bind(Utc::now())
        .bind(by.0)
        .execute(self.writer())
        .await?;
        found((done.rows_affected() > 0).then_some(()), "the reject")
    }
}

fn listed_of(row: &Row) -> DatabaseResult<Listed> {
    let last_seen_at: DateTime<Utc> = row.try_get("last_seen_at")?;
    let resolved_at: Option<DateTime<Utc>> = row.try_get("resolved_at")?;
    let entity: &str = row.try_get("entity")?;
    let view = RejectView {
        id: RejectId(row.try_get("id")?),
        store_id: StoreId(row.try_get("store_id")?),
        store_name: row.try_get("store_name")?,
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        pos_system: row.try_get("system_name")?,
        stream: row.try_get("stream")?,
        // Where not even that could be read, the table says `unknown`.
        entity: entity.parse().ok(),
        key: row.try_get("key")?,
        external_id: row.try_get("external_id")?,
        class: word(row.try_get("class")?)?,
        field: row.try_get("field")?,
        rule: row.try_get("rule")?,
        raw: row.try_get("raw")?,
        message: row.try_get("message")?,
        position: row.try_get("position")?,
        row: row.try_get::<Json<BTreeMap<String, String>>, _>("row")?.0,
        status: word(row.try_get("status")?)?,
        created_at: row.try_get("first_seen_at")?,
        updated_at: resolved_at.map_or(last_seen_at, |at| at.max(last_seen_at)),
    };
    Ok(Listed { view, last_seen_at })
}
