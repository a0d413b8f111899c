//! One delivery, one transaction.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use fluxion_model::Uuid;
use fluxion_model::delivery::{Ack, DeliveryHeader, OutOfOrder};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{BatchSeq, Epoch, TenantId};
use fluxion_model::job::{JobReport, JobStatus};
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::database::to_the_end;
use super::engine::{self, Engine, FOR_UPDATE, TextList, Tx, keyed};
use super::facts::FirstLoad;
use super::products::Brought;
use super::{facts, products};
use crate::database::agents::{AgentIdentity, AgentState};
use crate::database::bulk::{Cell, Rows};
use crate::database::deliveries::{Applied, Counts, Deliveries};
use crate::database::error::found;
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
        let (engine, agent, delivery) = (self.clone(), *agent, Arc::clone(delivery));
        to_the_end(async move { engine.apply_whole(&agent, &delivery).await }).await
    }
}

impl Engine {
    async fn apply_whole(
        &self,
        agent: &AgentIdentity,
        delivery: &Delivery,
    ) -> DatabaseResult<Applied> {
        let header = &delivery.header;
        let stamp = Stamp::of(agent, header, Utc::now());
        let sorted = Sorted::of(delivery);
        let work = self.work(agent, header).await?;
        let (mut work, is_written) = self
            .work_ahead(work, agent, header, &sorted, &stamp)
            .await?;
        engine::await_turn(&mut work.tx, agent.agent, header.seq).await?;
        let (tx, counts) = (&mut work.tx, &mut work.counts);
        if let Standing::Duplicate(last_seq) = standing(tx, agent, header).await? {
            work.tx.rollback().await?;
            return Ok(Applied {
                ack: Ack::Duplicate { last_seq },
                counts: Counts::default(),
            });
        }
        let known = lock_pos_system(tx, agent, header, &stamp).await?;
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
        clear(tx, &sorted.cleared, header, &stamp).await?;
        let rejected = rejects::rows(stream, &sorted.rejects, refusals, &stamp);
        counts.rejected = rejected.len();
        engine::upsert(tx, &rejected).await?;
        for report in &sorted.jobs {
            keep_job(tx, report, &stamp).await?;
        }
        advance(tx, agent, header, &stamp).await?;
        tell(tx, agent, &sorted, header, &stamp, counts).await?;
        let by_cloud = u32::try_from(refusals.len()).unwrap_or(u32::MAX);
        let counts = *counts;
        work.tx.commit().await?;
        Ok(Applied {
            ack: Ack::Applied {
                seq: header.seq,
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

impl Engine {
    /// Begins a transaction that those of later deliveries wait for.
    async fn work(&self, agent: &AgentIdentity, header: &DeliveryHeader) -> DatabaseResult<Work> {
        let mut tx = self.begin().await?;
        engine::hold_turn(&mut tx, agent.agent, header.seq).await?;
        Ok(Work {
            tx,
            refusals: Vec::new(),
            counts: Counts::default(),
        })
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
        let (_, last_seq) = place(&mut work.tx, agent, header, "").await?;
        let before = last_seq.map_or(0, |last| header.seq.0.saturating_sub(last.next().0));
        let known = pos_system(&mut work.tx, agent, header, stamp, "").await?;
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

enum Standing {
    Follows,
    Duplicate(BatchSeq),
}

/// The agent's epoch, and the last delivery of the header's epoch.
async fn place(
    tx: &mut Tx,
    agent: &AgentIdentity,
    header: &DeliveryHeader,
    lock: &str,
) -> DatabaseResult<(OutOfOrder, Option<BatchSeq>)> {
    let sql = format!(
        "select epoch, last_seq from agents where tenant_id = $1 and id = $2 and revoked_at is null{lock}"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(agent.tenant.0)
        .bind(agent.agent.0)
        .fetch_optional(&mut **tx)
        .await?;
    let row = found(row, "the agent")?;
    let epoch = row.try_get::<Option<Uuid>, _>("epoch")?.map(Epoch);
    let last_seq = row
        .try_get::<Option<i64>, _>("last_seq")?
        .map(|seq| BatchSeq(seq.cast_unsigned()));
    let expected = AgentState::expected(epoch, last_seq);
    Ok((expected, last_seq.filter(|_| epoch == Some(header.epoch))))
}

/// Locks the agent's row, so that two deliveries of one agent wait for each other, and says where this one stands.
async fn standing(
    tx: &mut Tx,
    agent: &AgentIdentity,
    header: &DeliveryHeader,
) -> DatabaseResult<Standing> {
    let (expected, last_seq) = place(tx, agent, header, FOR_UPDATE).await?;
    match last_seq {
        Some(last) if header.seq <= last => Ok(Standing::Duplicate(last)),
        Some(last) if header.seq == last.next() => Ok(Standing::Follows),
        None if header.seq == BatchSeq::FIRST => Ok(Standing::Follows),
        Some(_) | None => Err(DatabaseError::OutOfOrder(expected)),
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
    agent: &AgentIdentity,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<Known> {
    pos_system(tx, agent, header, stamp, FOR_UPDATE).await
}

async fn pos_system(
    tx: &mut Tx,
    agent: &AgentIdentity,
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
        .bind(agent.store.0)
        .bind(header.stream.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    let row = found(row, "the POS system at the agent's store")?;
    Ok(Known {
        has_rejects: row.try_get("has_rejects")?,
        first_load: if row.try_get("was_loaded")? {
            FirstLoad::No
        } else {
            FirstLoad::Yes
        },
    })
}

/// Rejects of these source keys no longer hold.
async fn clear(
    tx: &mut Tx,
    keys: &[&str],
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = keys.iter().map(|key| rejects::short(key)).collect();
    let sql = format!(
        "update rejects set status = 'cleared', resolved_at = $5
         where {} and status <> 'cleared'",
        keyed("rejects", OF_STREAM, "key", "$4")
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(stamp.pos_system)
        .bind(header.stream.as_str())
        .bind(TextList(&keys))
        .bind(stamp.now)
        .execute(&mut **tx)
        .await?;
    Ok(())
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

/// From here on a replay of this delivery is a duplicate.
async fn advance(
    tx: &mut Tx,
    agent: &AgentIdentity,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<()> {
    sqlx::query(
        "update agents set epoch = $3, last_seq = $4, last_delivery_at = $5, last_seen_at = $5
         where tenant_id = $1 and id = $2",
    )
    .bind(agent.tenant.0)
    .bind(agent.agent.0)
    .bind(header.epoch.0)
    .bind(stamp.batch_seq)
    .bind(stamp.now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes what the dashboard is told: a row per kind of change at most.
async fn tell(
    tx: &mut Tx,
    agent: &AgentIdentity,
    sorted: &Sorted<'_>,
    header: &DeliveryHeader,
    stamp: &Stamp,
    counts: &Counts,
) -> DatabaseResult<()> {
    let mut rows = Rows::new(&tables::EVENTS);
    let mut tell = |kind: &'static str, more: Value| {
        let mut payload = json!({ "store_id": agent.store, "pos_system_id": header.pos_system });
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
    if sorted.has_records() {
        tell("store_changed", json!({ "stream": header.stream }));
    }
    if let Some(job) = sorted.jobs.last() {
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
    if counts.rejected > 0 || !sorted.cleared.is_empty() {
        tell("reject_changed", json!({ "stream": header.stream }));
    }
    engine::insert(tx, &rows).await?;
    if header.seq.0.is_multiple_of(256) {
        sqlx::query("delete from events where tenant_id = $1 and created_at < $2")
            .bind(TenantId(stamp.tenant).0)
            .bind(stamp.now - EVENTS_KEPT)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
