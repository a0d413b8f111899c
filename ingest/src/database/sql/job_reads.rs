//! Sync jobs in SQL, for people to look at.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::id::{JobId, PosSystemId, StoreId, TenantId};
use fluxion_model::job::{JobCounts, JobError};
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Engine, Row};
use super::listing::{Sql, moment, only, part, word};
use crate::database::DatabaseResult;
use crate::database::error::found;
use crate::database::jobs::Jobs;
use crate::views::job::{JobFilter, JobView};
use crate::views::page::{Page, PageRequest};

const SELECT: &str =
    "select j.id, j.pos_system_id, j.stream, j.job_type, j.status, j.started_at, j.completed_at,
         j.error_details, j.sync_summary, p.system_name, p.store_id, s.name as store_name
     from sync_jobs j
     join pos_systems p on p.tenant_id = j.tenant_id and p.id = j.pos_system_id
     join stores s on s.tenant_id = p.tenant_id and s.id = p.store_id
     where j.tenant_id = ";

#[async_trait]
impl Jobs for Engine {
    async fn jobs(
        &self,
        tenant: TenantId,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<JobView>> {
        let mut sql = Sql::new(SELECT);
        sql.push_bind(tenant.0);
        only(&mut sql, "p.store_id", filter.store.map(|id| id.0));
        only(
            &mut sql,
            "j.pos_system_id",
            filter.pos_system.map(|id| id.0),
        );
        only(&mut sql, "j.stream", filter.stream.as_deref());
        only(
            &mut sql,
            "j.status",
            filter.status.map(|status| status.as_str()),
        );
        if let [started, id] = page.after.as_slice() {
            sql.push(" and (j.started_at, j.id) < (");
            sql.push_bind(part::<DateTime<Utc>>(started)?)
                .push(", ")
                .push_bind(part::<Uuid>(id)?)
                .push(")");
        }
        sql.push(" order by j.started_at desc, j.id desc limit ")
            .push_bind(page.probe());
        let rows = sql.build().fetch_all(self.reader()).await?;
        let jobs = rows
            .iter()
            .map(job_of)
            .collect::<DatabaseResult<Vec<_>>>()?;
        Ok(Page::cut(jobs, page, |job| {
            vec![moment(job.started_at), job.id.to_string()]
        }))
    }

    async fn job(&self, tenant: TenantId, job: JobId) -> DatabaseResult<JobView> {
        let mut sql = Sql::new(SELECT);
        sql.push_bind(tenant.0);
        only(&mut sql, "j.id", Some(job.0));
        let row = sql.build().fetch_optional(self.reader()).await?;
        job_of(&found(row, "the job")?)
    }
}

fn job_of(row: &Row) -> DatabaseResult<JobView> {
    let started_at: DateTime<Utc> = row.try_get("started_at")?;
    let completed_at: Option<DateTime<Utc>> = row.try_get("completed_at")?;
    let counts = row.try_get::<Option<Json<JobCounts>>, _>("sync_summary")?;
    let error = row.try_get::<Option<Json<JobError>>, _>("error_details")?;
    Ok(JobView {
        id: JobId(row.try_get("id")?),
        store_id: StoreId(row.try_get("store_id")?),
        store_name: row.try_get("store_name")?,
        pos_system_id: PosSystemId(row.try_get("pos_system_id")?),
        pos_system: row.try_get("system_name")?,
        stream: row.try_get("stream")?,
        kind: word(row.try_get("job_type")?)?,
        status: word(row.try_get("status")?)?,
        started_at,
        completed_at,
        duration: completed_at.map(|end| (end - started_at).as_seconds_f64().max(0.0)),
        counts: counts.map(|Json(counts)| counts).unwrap_or_default(),
        error: error.map(|Json(error)| error),
    })
}
