//! One delivery, one transaction.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use fluxion_model::Uuid;
use fluxion_model::delivery::{Ack, DeliveryHeader};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{BatchSeq, StoreId, TenantId};
use fluxion_model::job::{JobReport, JobStatus};
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::database::to_the_end;
use super::engine::{self, Engine, FOR_UPDATE, TextList, Tx, keyed};
use super::facts::FirstLoad;
use super::products::Brought;
use super::senders::{self, Sender, Standing};
use super::{facts, products};
use crate::database::agents::AgentIdentity;
use crate::database::bulk::{Cell, Rows};
use crate::database::deliveries::{Applied, Counts, Deliveries};
use crate::database::error::found;
use crate::database::webhooks::Call;
use crate::database::{DatabaseError, DatabaseResult};
use crate::ops::apply::sorted::Sorted;
use crate::ops::apply::{Stamp, rejects, tables};
use crate::ops::delivery::{Delivery, Refusal};

const OF_STREAM: &str = "tenant_id = $1 and pos_system_id = $2 and stream = $3";

/// How many deliveries may still be under way before one that is written ahead.
const AHEAD: u64 = 3;

/// Events are for whoever is watching; after an hour nobody will ask for them again.
const EVENTS_KEPT: chrono::Duration = chrono::Duration::hours(1);

#[async_trait]
impl Deliveries for Engine {
    async fn apply(
        &self,
        agent: &AgentIdentity,
        delivery: &Arc<Delivery>,
    ) -> DatabaseResult<Applied> {
        self.apply_of(Sender::Agent(*agent), delivery).await
    }

    async fn apply_event(&self, call: &Call, delivery: &Arc<Delivery>) -> DatabaseResult<Applied> {
        self.apply_of(Sender::Webhook(call.clone()), delivery).await
    }
}

impl Engine {
    async fn apply_of(&self, sender: Sender, delivery: &Arc<Delivery>) -> DatabaseResult<Applied> {
        let (engine, delivery) = (self.clone(), Arc::clone(delivery));
        to_the_end(async move { engine.apply_whole(&sender, &delivery).await }).await
    }

    async fn apply_whole(&self, sender: &Sender, delivery: &Delivery) -> DatabaseResult<Applied> {
        let header = &delivery.header;
        let mut stamp = Stamp::of(sender.tenant(), header, Utc::now());
        let sorted = Sorted::of(delivery);
        let (mut work, is_written) = match sender {
            Sender::Agent(agent) => {
                let work = self.work(agent, header).await?;
                let (mut work, is_written) = self
                    .work_ahead(work, agent, header, &sorted, &stamp)
                    .await?;
                engine::await_turn(&mut work.tx, agent.agent, header.seq).await?;
                (work, is_written)
            }
            // Events have no order, so none waits for another's turn.
            Sender::Webhook(_) => (Work::begin(self).await?, false),
        };
        let (tx, counts) = (&mut work.tx, &mut work.counts);
        let mut own_job = None;
        match senders::standing(tx, sender, header, &stamp).await? {
            Standing::Follows => {}
            Standing::New(number, job) => {
                stamp.batch_seq = number.0.cast_signed();
                stamp.job = job.id.0;
                own_job = Some(job);
            }
            Standing::Duplicate(last_seq) => {
                work.tx.rollback().await?;
                return Ok(Applied {
                    ack: Ack::Duplicate { last_seq },
                    counts: Counts::default(),
                });
            }
        }
        let known = lock_pos_system(tx, sender.store(), header, &stamp).await?;
        let refusals = &mut work.refusals;
        refusals.extend(sorted.refusals.iter().map(|refusal| (*refusal).clone()));
        let stream = header.stream.as_str();
        let brought = Brought {
            sorted: &sorted,
            stream,
            first_load: known.first_load,
            stamp: &stamp,
        };
        let products = products::apply(tx, &brought, refusals, counts).await?;
        let facts = EntityKind::ALL
            .iter()
            .filter(|kind| **kind != EntityKind::Product && !is_written);
        for kind in facts {
            facts::apply(
                tx,
                *kind,
                sorted.changes(*kind),
                known.first_load,
                &stamp,
                refusals,
                counts,
            )
            .await?;
        }
        // After the facts, because a conflict is worth stock times price.
        products::settle(tx, products, &stamp, counts).await?;
        if known.has_rejects {
            clear_of_cloud(tx, &sorted, header, &stamp).await?;
        }
        let cleared = clear(tx, &sorted.cleared, header, &stamp).await?;
        let rejected = rejects::rows(stream, &sorted.rejects, refusals, &stamp);
        counts.rejected = rejected.len();
        engine::upsert(tx, &rejected).await?;
        if let Some(job) = &mut own_job {
            senders::count(job, &sorted, counts.rejected);
        }
        let jobs: Vec<&JobReport> = sorted.jobs.iter().copied().chain(&own_job).collect();
        for report in &jobs {
            keep_job(tx, report, &stamp).await?;
        }
        senders::advance(tx, sender, header, &stamp).await?;
        let news = News {
            has_records: sorted.has_records(),
            job: jobs.last().copied(),
            rejects_changed: counts.rejected as u64 + cleared > 0,
            counts,
        };
        tell(tx, sender.store(), &news, header, &stamp).await?;
        let by_cloud = u32::try_from(refusals.len()).unwrap_or(u32::MAX);
        let counts = *counts;
        work.tx.commit().await?;
        Ok(Applied {
            ack: Ack::Applied {
                seq: BatchSeq(stamp.batch_seq.cast_unsigned()),
                rejected: by_cloud,
            },
            counts,
        })
    }
}

/// A transaction, and what was done in it so far.
struct Work {
    tx: Tx,
    refusals: Vec<Refusal>,
    counts: Counts,
}

impl Work {
    async fn begin(engine: &Engine) -> DatabaseResult<Self> {
        Ok(Self {
            tx: engine.begin().await?,
            refusals: Vec::new(),
            counts: Counts::default(),
        })
    }
}

impl Engine {
    /// Begins a transaction that those of later deliveries wait for.
    async fn work(&self, agent: &AgentIdentity, header: &DeliveryHeader) -> DatabaseResult<Work> {
        let mut work = Work::begin(self).await?;
        engine::hold_turn(&mut work.tx, agent.agent, header.seq).await?;
        Ok(work)
    }

    /// Writes the facts of a first load while the deliveries before this one are still at work, as if all were new.
    /// Products wait for their turn, because they are matched with what is there.
    ///
    /// Nothing that it writes rests on what the database holds, and it commits only once the one before has: a key that
    /// is there after all undoes it, and then the delivery is applied in its turn. Whether anything was written.
    async fn work_ahead(
        &self,
        mut work: Work,
        agent: &AgentIdentity,
        header: &DeliveryHeader,
        sorted: &Sorted<'_>,
        stamp: &Stamp,
    ) -> DatabaseResult<(Work, bool)> {
        if !sorted.only_adds_facts() || !self.may_work_ahead() {
            return Ok((work, false));
        }
        let (_, last_seq) = senders::place(&mut work.tx, agent, header, "").await?;
        let before = last_seq.map_or(0, |last| header.seq.0.saturating_sub(last.next().0));
        let known = pos_system(&mut work.tx, agent.store, header, stamp, "").await?;
        if !(1..=AHEAD).contains(&before) || known.first_load == FirstLoad::No {
            return Ok((work, false));
        }
        let (tx, refusals, counts) = (&mut work.tx, &mut work.refusals, &mut work.counts);
        match facts::insert_ahead(tx, sorted, stamp, refusals, counts).await {
            Ok(()) => Ok((work, true)),
            Err(DatabaseError::Conflict(_)) => {
                work.tx.rollback().await?;
                Ok((self.work(agent, header).await?, false))
            }
            Err(error) => Err(error),
        }
    }
}

/// What is known of a POS system and a stream of it before anything is applied.
struct Known {
    /// Whether the cloud has set aside any of its records.
    has_rejects: bool,
    first_load: FirstLoad,
}

/// Locks the POS system, so that nobody else writes its records meanwhile.
async fn lock_pos_system(
    tx: &mut Tx,
    store: StoreId,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<Known> {
    pos_system(tx, store, header, stamp, FOR_UPDATE).await
}

async fn pos_system(
    tx: &mut Tx,
    store: StoreId,
    header: &DeliveryHeader,
    stamp: &Stamp,
    lock: &str,
) -> DatabaseResult<Known> {
    let sql = format!(
        "select exists (select 1 from rejects r where r.tenant_id = p.tenant_id and r.pos_system_id = p.id
                            and r.origin = 'cloud' and r.status = 'open') as has_rejects,
                exists (select 1 from sync_jobs j where j.tenant_id = p.tenant_id and j.pos_system_id = p.id
                            and j.stream = $4 and j.status = 'completed') as was_loaded
         from pos_systems p where p.tenant_id = $1 and p.id = $2 and p.store_id = $3{lock}"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(store.0)
        .bind(header.stream.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    let row = found(row, "the POS system at the sender's store")?;
    Ok(Known {
        has_rejects: row.try_get("has_rejects")?,
        first_load: if row.try_get("was_loaded")? {
            FirstLoad::No
        } else {
            FirstLoad::Yes
        },
    })
}

/// Rejects of these source keys no longer hold. Returns how many there were.
async fn clear(
    tx: &mut Tx,
    keys: &[&str],
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<u64> {
    if keys.is_empty() {
        return Ok(0);
    }
    let keys: Vec<&str> = keys.iter().map(|key| rejects::short(key)).collect();
    let sql = format!(
        "update rejects set status = 'cleared', resolved_at = $5
         where {} and status <> 'cleared'",
        keyed("rejects", OF_STREAM, "key", "$4")
    );
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(header.stream.as_str())
        .bind(TextList(&keys))
        .bind(stamp.now)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}

/// A record that the cloud had set aside has come again, or is gone: its reject no longer holds. Those that are set
/// aside once more are opened again right after.
async fn clear_of_cloud(
    tx: &mut Tx,
    sorted: &Sorted<'_>,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<()> {
    for kind in EntityKind::ALL {
        let ids: Vec<&str> = sorted
            .changes(*kind)
            .iter()
            .map(|change| change.id())
            .collect();
        if ids.is_empty() {
            continue;
        }
        let sql = format!(
            "update rejects set status = 'cleared', resolved_at = $6
             where {} and entity = $5 and origin = 'cloud' and status = 'open'",
            keyed("rejects", OF_STREAM, "key", "$4")
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(stamp.tenant)
            .bind(stamp.pos_system)
            .bind(header.stream.as_str())
            .bind(TextList(&ids))
            .bind(kind.as_str())
            .bind(stamp.now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The latest report of a job replaces earlier ones.
async fn keep_job(tx: &mut Tx, report: &JobReport, stamp: &Stamp) -> DatabaseResult<()> {
    let clamp = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    sqlx::query(
        "insert into sync_jobs (tenant_id, id, pos_system_id, stream, job_type, status, started_at, completed_at,
             records_processed, records_failed, error_details, sync_summary, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         on conflict (tenant_id, id) do update set status = excluded.status, completed_at = excluded.completed_at,
             records_processed = excluded.records_processed, records_failed = excluded.records_failed,
             error_details = excluded.error_details, sync_summary = excluded.sync_summary,
             updated_at = excluded.updated_at",
    )
    .bind(stamp.tenant)
    .bind(report.id.0)
    .bind(stamp.pos_system)
    .bind(report.stream.as_str())
    .bind(report.kind.as_str())
    .bind(report.status.as_str())
    .bind(report.started_at)
    .bind(report.completed_at)
    .bind(clamp(report.counts.rows_read))
    .bind(clamp(report.counts.rejected))
    .bind(report.error.as_ref().map(Json))
    .bind(Json(report.counts))
    .bind(stamp.now)
    .execute(&mut **tx)
    .await?;
    if report.status == JobStatus::Completed {
        // By the cloud's clock where the agent's runs ahead.
        let at = report
            .completed_at
            .map_or(stamp.now, |at| at.min(stamp.now));
        sqlx::query(
            "update pos_systems set last_sync_at = $3
             where tenant_id = $1 and id = $2 and (last_sync_at is null or last_sync_at < $3)",
        )
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(at)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// What a delivery brought that the dashboard may want to read again for.
struct News<'a> {
    has_records: bool,
    job: Option<&'a JobReport>,
    rejects_changed: bool,
    counts: &'a Counts,
}

/// Writes what the dashboard is told: a row per kind of change at most.
async fn tell(
    tx: &mut Tx,
    store: StoreId,
    news: &News<'_>,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<()> {
    let counts = news.counts;
    let mut rows = Rows::new(&tables::EVENTS);
    let mut tell = |kind: &'static str, more: Value| {
        let mut payload = json!({ "store_id": store, "pos_system_id": header.pos_system });
        if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more) {
            payload.extend(more);
        }
        rows.push([
            Cell::Uuid(stamp.tenant),
            Cell::Uuid(Uuid::now_v7()),
            Cell::text(kind),
            Cell::owned(payload.to_string()),
            Cell::Time(stamp.now),
        ]);
    };
    if news.has_records {
        tell("store_changed", json!({ "stream": header.stream }));
    }
    if let Some(job) = news.job {
        tell(
            "job_changed",
            json!({ "job_id": job.id, "stream": job.stream, "status": job.status }),
        );
    }
    if counts.conflicts_opened + counts.conflicts_closed > 0 {
        tell(
            "conflict_changed",
            json!({ "opened": counts.conflicts_opened, "closed": counts.conflicts_closed }),
        );
    }
    if news.rejects_changed {
        tell("reject_changed", json!({ "stream": header.stream }));
    }
    engine::insert(tx, &rows).await?;
    if stamp.batch_seq % 256 == 0 {
        sqlx::query("delete from events where tenant_id = $1 and created_at < $2")
            .bind(TenantId(stamp.tenant).0)
            .bind(stamp.now - EVENTS_KEPT)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
