//! The fleet in SQL, as people look at it. A handful of statements over all stores, put together in memory; how a store
//! is doing is judged by [`crate::ops::health`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use fluxion_model::Uuid;
use fluxion_model::id::{PosSystemId, StoreId, TenantId};
use fluxion_model::job::JobError;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::engine::{Engine, Row, SECONDS_TAKEN};
use super::listing::{Sql, count, only, part};
use crate::database::DatabaseResult;
use crate::database::agents::{AgentState, Agents};
use crate::database::error::found;
use crate::database::fleet::{Fleet, PosSystem};
use crate::database::jobs::Jobs;
use crate::database::overview::Overviews;
use crate::database::rejects::Rejects;
use crate::database::releases::Releases as _;
use crate::database::webhooks::Webhooks;
use crate::ops::health::{FailedJob, Known, queue_of};
use crate::views::job::JobFilter;
use crate::views::overview::{DataVolume, IntegrationMetrics, LastError, Overview, StoreOverview};
use crate::views::page::{Page, PageRequest};
use crate::views::reject::RejectFilter;
use crate::views::store::{AgentView, NewStore, PosSystemView, StoreDetail, StoreView, StreamView};

/// How far back the last job of a stream is looked for. A stream that has not run since has other signs of trouble.
const JOBS_LOOKED_AT: TimeDelta = TimeDelta::hours(24);
/// How many jobs and rejects a store shows.
const SHOWN: u32 = 20;

#[async_trait]
impl Overviews for Engine {
    async fn overview(&self, tenant: TenantId) -> DatabaseResult<Overview> {
        let now = Utc::now();
        let tenant_name = self.tenant(tenant).await?.name;
        let pos_systems = self.pos_systems(tenant, None).await?;
        let metrics = self.metrics(tenant, now, &pos_systems).await?;
        let mut known = self.known(tenant, None, pos_systems, now).await?;
        let stores = self.live_stores(tenant, None).await?;
        let mut stores: Vec<StoreOverview> = stores
            .into_iter()
            .map(|store| {
                let known = known.remove(&store.id).unwrap_or_default();
                overview_of(store, &known, now)
            })
            .collect();
        stores.sort_by(|a, b| (a.state, &a.name).cmp(&(b.state, &b.name)));
        Ok(Overview {
            now,
            tenant_name,
            metrics,
            stores,
        })
    }

    async fn store_detail(&self, tenant: TenantId, store: StoreId) -> DatabaseResult<StoreDetail> {
        let now = Utc::now();
        let view = found(
            self.live_stores(tenant, Some(store)).await?.pop(),
            "the store",
        )?;
        let store_name = view.name.clone();
        let pos_systems = self.pos_systems(tenant, Some(store)).await?;
        let known = self
            .known(tenant, Some(store), pos_systems, now)
            .await?
            .remove(&store)
            .unwrap_or_default();
        let jobs = JobFilter {
            store: Some(store),
            ..JobFilter::default()
        };
        let rejects = RejectFilter {
            store: Some(store),
            ..RejectFilter::default()
        };
        let agents = known.agents.iter().map(|agent| AgentView {
            update: known
                .updates
                .get(&agent.id)
                .map(|update| update.report.clone())
                .filter(|report| report.target != agent.version),
            ..agent_view(agent)
        });
        let mut agents: Vec<AgentView> = agents.collect();
        agents.sort_by_key(|agent| {
            std::cmp::Reverse((agent.revoked_at.is_none(), agent.last_seen_at))
        });
        let pos_systems = known.pos_systems.iter().map(|system| PosSystemView {
            webhook: known.webhooks.get(&system.id).cloned(),
            ..pos_system_view(system, &store_name)
        });
        Ok(StoreDetail {
            now,
            agents,
            pos_systems: pos_systems.collect(),
            streams: stream_views(&known),
            jobs: self
                .jobs(tenant, &jobs, &PageRequest::first(SHOWN))
                .await?
                .items,
            rejects: self
                .rejects(tenant, &rejects, &PageRequest::first(SHOWN))
                .await?
                .items,
            overview: overview_of(view, &known, now),
        })
    }

    async fn store_views(
        &self,
        tenant: TenantId,
        page: &PageRequest,
    ) -> DatabaseResult<Page<StoreView>> {
        let mut sql = Sql::new(
            "select id, name, city, created_at from stores where archived_at is null and tenant_id = ",
        );
        sql.push_bind(tenant.0);
        if let [name, id] = page.after.as_slice() {
            sql.push(" and (name, id) > (")
                .push_bind(name)
                .push(", ")
                .push_bind(part::<Uuid>(id)?)
                .push(")");
        }
        sql.push(" order by name, id limit ")
            .push_bind(page.probe());
        let rows = sql.build().fetch_all(self.reader()).await?;
        let stores = rows
            .iter()
            .map(store_view)
            .collect::<DatabaseResult<Vec<_>>>()?;
        Ok(Page::cut(stores, page, |store| {
            vec![store.name.clone(), store.id.to_string()]
        }))
    }

    async fn create_store(&self, tenant: TenantId, store: &NewStore) -> DatabaseResult<StoreView> {
        let (id, now) = (StoreId::generate(), Utc::now());
        sqlx::query(
            "insert into stores (tenant_id, id, name, city, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        )
        .bind(tenant.0)
        .bind(id.0)
        .bind(&store.name)
        .bind(&store.city)
        .bind(now)
        .execute(self.writer())
        .await?;
        Ok(StoreView {
            id,
            name: store.name.clone(),
            city: store.city.clone(),
            created_at: now,
        })
    }

    async fn pos_system_views(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
        page: &PageRequest,
    ) -> DatabaseResult<Page<PosSystemView>> {
        let mut sql = Sql::new(
            "select p.id, p.store_id, s.name as store_name, p.system_name, p.system_type, p.connector, p.mapping_name,
                 p.mapping_version, p.connection_config, p.is_active, p.last_sync_at, p.created_at
             from pos_systems p join stores s on s.tenant_id = p.tenant_id and s.id = p.store_id
             where p.tenant_id = ",
        );
        sql.push_bind(tenant.0);
        only(&mut sql, "p.store_id", store.map(|id| id.0));
        if let [store_name, name, id] = page.after.as_slice() {
            sql.push(" and (s.name, p.system_name, p.id) > (")
                .push_bind(store_name)
                .push(", ");
            sql.push_bind(name)
                .push(", ")
                .push_bind(part::<Uuid>(id)?)
                .push(")");
        }
        sql.push(" order by s.name, p.system_name, p.id limit ")
            .push_bind(page.probe());
        let rows = sql.build().fetch_all(self.reader()).await?;
        let mut systems = rows
            .iter()
            .map(pos_system_of)
            .collect::<DatabaseResult<Vec<_>>>()?;
        let mut webhooks = self.webhooks(tenant, store).await?;
        for system in &mut systems {
            system.webhook = webhooks.remove(&system.id);
        }
        Ok(Page::cut(systems, page, |system| {
            vec![
                system.store_name.clone(),
                system.name.clone(),
                system.id.to_string(),
            ]
        }))
    }
}

impl Engine {
    /// Stores in use, or the one asked for.
    async fn live_stores(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
    ) -> DatabaseResult<Vec<StoreView>> {
        let mut sql = Sql::new(
            "select id, name, city, created_at from stores where archived_at is null and tenant_id = ",
        );
        sql.push_bind(tenant.0);
        only(&mut sql, "id", store.map(|id| id.0));
        let rows = sql.build().fetch_all(self.reader()).await?;
        rows.iter().map(store_view).collect()
    }

    /// What is known of each store, or of the one asked for.
    async fn known(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
        pos_systems: Vec<PosSystem>,
        now: DateTime<Utc>,
    ) -> DatabaseResult<HashMap<StoreId, Known>> {
        let mut known: HashMap<StoreId, Known> = HashMap::new();
        let mut updates = self.updates(tenant).await?;
        let halted = self.halted_releases().await?;
        for agent in self.agents(tenant, store).await? {
            let known = known.entry(agent.store_id).or_default();
            if let Some(update) = updates.remove(&agent.id) {
                known.updates.insert(agent.id, update);
                known.halted_releases.clone_from(&halted);
            }
            known.agents.push(agent);
        }
        let rejects = self.open_by_pos_system(tenant, "rejects").await?;
        let conflicts = self.open_by_pos_system(tenant, "sync_conflicts").await?;
        let mut failed = self.failed_jobs(tenant, now).await?;
        let mut webhooks = self.webhooks(tenant, store).await?;
        for pos_system in pos_systems {
            let known = known.entry(pos_system.store_id).or_default();
            known.rejects_open += rejects.get(&pos_system.id).copied().unwrap_or_default();
            known.conflicts_open += conflicts.get(&pos_system.id).copied().unwrap_or_default();
            for mut job in failed.remove(&pos_system.id).unwrap_or_default() {
                job.error.pos_system = Some(pos_system.system_name.clone());
                known.failed.push(job);
            }
            if let Some(webhook) = webhooks.remove(&pos_system.id) {
                known.webhooks.insert(pos_system.id, webhook);
            }
            known.pos_systems.push(pos_system);
        }
        Ok(known)
    }

    async fn halted_releases(&self) -> DatabaseResult<HashSet<String>> {
        let rows = sqlx::query("select version from releases where state = 'halted'")
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(|row| Ok(row.try_get("version")?)).collect()
    }

    async fn open_by_pos_system(
        &self,
        tenant: TenantId,
        table: &'static str,
    ) -> DatabaseResult<HashMap<PosSystemId, u64>> {
        let sql = format!(
            "select pos_system_id, count(*) as open from {table}
             where tenant_id = $1 and status = 'open' and pos_system_id is not null group by pos_system_id"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.0)
            .fetch_all(self.reader())
            .await?;
        rows.iter()
            .map(|row| {
                Ok((
                    PosSystemId(row.try_get("pos_system_id")?),
                    count(row.try_get("open")?),
                ))
            })
            .collect()
    }

    /// For each stream whose last ended job failed: that job.
    async fn failed_jobs(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> DatabaseResult<HashMap<PosSystemId, Vec<FailedJob>>> {
        let rows = sqlx::query(
            "select pos_system_id, stream, completed_at, error_details from (
                 select pos_system_id, stream, status, completed_at, error_details,
                     row_number() over (partition by pos_system_id, stream order by started_at desc, id desc) as place
                 from sync_jobs
                 where tenant_id = $1 and started_at >= $2 and status in ('completed', 'failed')
             ) j where place = 1 and status = 'failed'",
        )
        .bind(tenant.0)
        .bind(now - JOBS_LOOKED_AT)
        .fetch_all(self.reader())
        .await?;
        let mut failed: HashMap<PosSystemId, Vec<FailedJob>> = HashMap::new();
        for row in &rows {
            let job = failed_job_of(row)?;
            failed.entry(job.pos_system).or_default().push(job);
        }
        Ok(failed)
    }

    async fn metrics(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
        pos_systems: &[PosSystem],
    ) -> DatabaseResult<IntegrationMetrics> {
        let midnight = now.with_time(NaiveTime::MIN).single().unwrap_or(now);
        let sql = format!(
            "select count(*) as begun,
                 coalesce(sum(case when status = 'completed' then 1 else 0 end), 0) as completed,
                 coalesce(sum(case when status = 'failed' then 1 else 0 end), 0) as failed,
                 avg(case when status = 'completed' then {SECONDS_TAKEN} end) as seconds
             from sync_jobs where tenant_id = $1 and started_at >= $2"
        );
        let jobs = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.0)
            .bind(midnight)
            .fetch_one(self.reader())
            .await?;
        let (completed, failed): (i64, i64) = (jobs.try_get("completed")?, jobs.try_get("failed")?);
        let active = pos_systems.iter().filter(|pos_system| pos_system.is_active);
        Ok(IntegrationMetrics {
            pos_systems_active: active.count() as u64,
            sync_jobs_today: count(jobs.try_get("begun")?),
            sync_success_rate: (completed + failed > 0)
                .then(|| completed as f64 / (completed + failed) as f64),
            avg_sync_duration: jobs
                .try_get::<Option<f64>, _>("seconds")?
                .map(|seconds| seconds.max(0.0)),
            conflicts_unresolved: self
                .open_by_pos_system(tenant, "sync_conflicts")
                .await?
                .values()
                .sum(),
            rejects_open: self
                .open_by_pos_system(tenant, "rejects")
                .await?
                .values()
                .sum(),
            last_sync_by_system: pos_systems
                .iter()
                .map(|pos_system| (pos_system.id, pos_system.last_sync_at))
                .collect::<BTreeMap<_, _>>(),
            data_volume_today: self.volume(tenant, midnight).await?,
        })
    }

    /// Records that arrived today. Counting them reads whole tables, so a count is given again for twenty times as long
    /// as it took: exact while there is little, and never more than a twentieth of a reader's time.
    async fn volume(
        &self,
        tenant: TenantId,
        midnight: DateTime<Utc>,
    ) -> DatabaseResult<DataVolume> {
        {
            let counted = VOLUMES.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(counted) = counted.get(&tenant)
                && counted.of == midnight
                && counted.until > Instant::now()
            {
                return Ok(counted.volume);
            }
        }
        let begun = Instant::now();
        let volume = DataVolume {
            products: self
                .written_since(tenant, "mapping_cache", "updated_at", midnight)
                .await?,
            sales: self
                .written_since(tenant, "sales", "written_at", midnight)
                .await?,
            movements: self
                .written_since(tenant, "stock_movements", "written_at", midnight)
                .await?,
        };
        let until = Instant::now()
            + begun
                .elapsed()
                .saturating_mul(20)
                .min(Duration::from_secs(600));
        let mut counted = VOLUMES.lock().unwrap_or_else(PoisonError::into_inner);
        counted.insert(
            tenant,
            Counted {
                of: midnight,
                until,
                volume,
            },
        );
        Ok(volume)
    }

    async fn written_since(
        &self,
        tenant: TenantId,
        table: &'static str,
        column: &'static str,
        midnight: DateTime<Utc>,
    ) -> DatabaseResult<u64> {
        let sql = format!(
            "select count(*) as written from {table} where tenant_id = $1 and {column} >= $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.0)
            .bind(midnight);
        Ok(count(
            query.fetch_one(self.reader()).await?.try_get("written")?,
        ))
    }
}

struct Counted {
    of: DateTime<Utc>,
    until: Instant,
    volume: DataVolume,
}

static VOLUMES: LazyLock<Mutex<HashMap<TenantId, Counted>>> = LazyLock::new(Mutex::default);

fn failed_job_of(row: &Row) -> DatabaseResult<FailedJob> {
    let error = row
        .try_get::<Option<Json<JobError>>, _>("error_details")?
        .map(|Json(error)| error);
    Ok(FailedJob {
        pos_system: PosSystemId(row.try_get("pos_system_id")?),
        error: LastError {
            at: row.try_get("completed_at")?,
            pos_system: None,
            stream: Some(row.try_get("stream")?),
            message: error.as_ref().map_or_else(
                || "The job failed.".to_owned(),
                |error| error.message.clone(),
            ),
            hint: error.and_then(|error| error.hint),
        },
    })
}

fn store_view(row: &Row) -> DatabaseResult<StoreView> {
    Ok(StoreView {
        id: StoreId(row.try_get("id")?),
        name: row.try_get("name")?,
        city: row.try_get("city")?,
        created_at: row.try_get("created_at")?,
    })
}

fn overview_of(store: StoreView, known: &Known, now: DateTime<Utc>) -> StoreOverview {
    let mut systems: Vec<String> = known
        .pos_systems
        .iter()
        .map(|system| system.system_type.clone())
        .collect();
    systems.sort_unstable();
    systems.dedup();
    let last_sync_at = known.last_sync_at();
    StoreOverview {
        id: store.id,
        name: store.name,
        city: store.city,
        state: known.state(now),
        systems,
        last_sync_at,
        last_sync_age: last_sync_at.map(|at| (now - at).num_seconds().max(0)),
        last_seen_at: known.last_seen_at(),
        queue: known.queue(),
        streams: known.summary(),
        rejects_open: known.rejects_open,
        conflicts_open: known.conflicts_open,
        last_error: known.last_error(now),
        update_problem: known.update_problem(),
    }
}

fn agent_view(agent: &AgentState) -> AgentView {
    AgentView {
        id: agent.id,
        machine: agent.machine.clone(),
        os: agent.os.clone(),
        version: agent.version.clone(),
        update: None,
        enrolled_at: agent.enrolled_at,
        last_seen_at: agent.last_seen_at,
        clock_skew_ms: agent.clock_skew_ms,
        disk_free_bytes: agent.disk_free_bytes.map(count),
        queue: queue_of(agent),
        revoked_at: agent.revoked_at,
    }
}

fn stream_views(known: &Known) -> Vec<StreamView> {
    let mut streams: Vec<StreamView> = known
        .streams()
        .map(|(pos_system_id, stream)| StreamView {
            pos_system_id,
            pos_system: stream.pos.clone(),
            stream: stream.stream.to_string(),
            phase: stream.phase,
            last_success_at: stream.last_success_at,
            rows_read: stream.rows_read,
            last_error: stream.last_error.clone(),
        })
        .collect();
    streams.sort_by(|a, b| (&a.pos_system, &a.stream).cmp(&(&b.pos_system, &b.stream)));
    streams
}

fn pos_system_view(system: &PosSystem, store_name: &str) -> PosSystemView {
    PosSystemView {
        id: system.id,
        store_id: system.store_id,
        store_name: store_name.to_owned(),
        name: system.system_name.clone(),
        system_type: system.system_type.clone(),
        connector: system.connector.clone(),
        mapping_name: system.mapping_name.clone(),
        mapping_version: u32::try_from(system.mapping_version).unwrap_or_default(),
        connection: system.connection_config.clone(),
        active: system.is_active,
        last_sync_at: system.last_sync_at,
        created_at: system.created_at,
        webhook: None,
    }
}

fn pos_system_of(row: &Row) -> DatabaseResult<PosSystemView> {
    Ok(PosSystemView {
        id: PosSystemId(row.try_get("id")?),
        store_id: StoreId(row.try_get("store_id")?),
        store_name: row.try_get("store_name")?,
        name: row.try_get("system_name")?,
        system_type: row.try_get("system_type")?,
        connector: row.try_get("connector")?,
        mapping_name: row.try_get("mapping_name")?,
        mapping_version: u32::try_from(row.try_get::<i32, _>("mapping_version")?)
            .unwrap_or_default(),
        connection: row.try_get::<Json<_>, _>("connection_config")?.0,
        active: row.try_get("is_active")?,
        last_sync_at: row.try_get("last_sync_at")?,
        created_at: row.try_get("created_at")?,
        webhook: None,
    })
}
