//! Who brings a delivery, and by what one that comes again is known: an agent numbers its deliveries without gaps, a POS
//! that calls out gives each event an id. All else is the same for both.

use chrono::{TimeDelta, Utc};
use fluxion_model::Uuid;
use fluxion_model::delivery::{DeliveryHeader, OutOfOrder};
use fluxion_model::entity::EntityKind;
use fluxion_model::id::{BatchSeq, Epoch, JobId, StoreId, TenantId};
use fluxion_model::job::{JobCounts, JobKind, JobReport, JobStatus};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Row as _};

use super::engine::{FOR_UPDATE, Tx};
use crate::database::agents::{AgentIdentity, AgentState};
use crate::database::error::found;
use crate::database::webhooks::Call;
use crate::database::{DatabaseError, DatabaseResult};
use crate::ops::apply::Stamp;
use crate::ops::apply::sorted::Sorted;

/// For so long one job tells of the events of a stream, as an agent's job does that follows changes.
const JOB_LASTS: TimeDelta = TimeDelta::minutes(5);
/// An event may come again for as long as its sender retries, days at most; a copy that somebody overheard for five
/// minutes. After so long its id is forgotten.
const EVENTS_KNOWN: TimeDelta = TimeDelta::days(8);
/// At most so many ids are kept of one webhook. At the pace that one may keep up, these are more than nine days.
const MAX_EVENTS_KNOWN: i64 = 4_000_000;
/// Every so many events those are forgotten that are old, a bounded number at a time.
const FORGET_EVERY: i64 = 64;
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// Who brings a delivery.
#[derive(Debug, Clone)]
pub enum Sender {
    /// An agent.
    Agent(AgentIdentity),
    /// A POS that calls out.
    Webhook(Call),
}

impl Sender {
    /// Whose data it carries.
    pub fn tenant(&self) -> TenantId {
        match self {
            Self::Agent(agent) => agent.tenant,
            Self::Webhook(call) => call.webhook.tenant,
        }
    }

    /// Where it stands.
    pub fn store(&self) -> StoreId {
        match self {
            Self::Agent(agent) => agent.store,
            Self::Webhook(call) => call.webhook.store,
        }
    }
}

/// Where a delivery stands.
pub enum Standing {
    /// It is the next of its agent.
    Follows,
    /// It is a new event: its number, and the job that tells of it.
    New(BatchSeq, JobReport),
    /// It was applied before.
    Duplicate(BatchSeq),
}

/// Locks the sender's row, so that two deliveries of one sender wait for each other, and says where this one stands.
pub async fn standing(
    tx: &mut Tx,
    sender: &Sender,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<Standing> {
    match sender {
        Sender::Agent(agent) => {
            let (expected, last_seq) = place(tx, agent, header, FOR_UPDATE).await?;
            match last_seq {
                Some(last) if header.seq <= last => Ok(Standing::Duplicate(last)),
                Some(last) if header.seq == last.next() => Ok(Standing::Follows),
                None if header.seq == BatchSeq::FIRST => Ok(Standing::Follows),
                Some(_) | None => Err(DatabaseError::OutOfOrder(expected)),
            }
        }
        Sender::Webhook(call) => standing_of_event(tx, call, header, stamp).await,
    }
}

/// The agent's epoch, and the last delivery of the header's epoch.
pub async fn place(
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

async fn standing_of_event(
    tx: &mut Tx,
    call: &Call,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<Standing> {
    let sql = format!(
        "select events from webhook_endpoints
         where tenant_id = $1 and pos_system_id = $2 and deactivated_at is null{FOR_UPDATE}"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(stamp.tenant)
        .bind(call.webhook.pos_system.0)
        .fetch_optional(&mut **tx)
        .await?;
    let events: i64 = found(row, "the webhook")?.try_get("events")?;
    let last = BatchSeq(events.cast_unsigned());
    // A statement of its own: what another copy wrote while this one waited for the lock is only seen by the next one.
    let known = sqlx::query(
        "select 1 from webhook_events where tenant_id = $1 and pos_system_id = $2 and event_id = $3",
    )
    .bind(stamp.tenant)
    .bind(call.webhook.pos_system.0)
    .bind(&call.event_id)
    .fetch_optional(&mut **tx)
    .await?;
    if known.is_some() {
        return Ok(Standing::Duplicate(last));
    }
    Ok(Standing::New(last.next(), job(tx, header, stamp).await?))
}

/// The job that tells of the stream's events now. Each event is complete by itself, so the job always is.
async fn job(tx: &mut Tx, header: &DeliveryHeader, stamp: &Stamp) -> DatabaseResult<JobReport> {
    let row = sqlx::query(
        "select id, started_at, sync_summary from sync_jobs
         where tenant_id = $1 and pos_system_id = $2 and stream = $3 and started_at > $4 and started_at <= $5
             and status = 'completed'
         order by started_at desc limit 1",
    )
    .bind(stamp.tenant)
    .bind(stamp.pos_system)
    .bind(header.stream.as_str())
    .bind(stamp.now - JOB_LASTS)
    .bind(stamp.now)
    .fetch_optional(&mut **tx)
    .await?;
    let (id, started_at, counts) = match row {
        Some(row) => {
            let counts: Option<Json<JobCounts>> = row.try_get("sync_summary")?;
            (
                JobId(row.try_get("id")?),
                row.try_get("started_at")?,
                counts.map(|Json(counts)| counts).unwrap_or_default(),
            )
        }
        None => (header.job, stamp.now, JobCounts::default()),
    };
    Ok(JobReport {
        id,
        stream: header.stream.clone(),
        kind: JobKind::RealTime,
        status: JobStatus::Completed,
        started_at,
        completed_at: Some(stamp.now),
        counts,
        error: None,
    })
}

/// Counts an event into its job.
pub fn count(job: &mut JobReport, sorted: &Sorted<'_>, rejected: usize) {
    let records = |kind: &EntityKind| sorted.changes(*kind).len();
    job.counts.rows_read += 1;
    job.counts.records_sent += EntityKind::ALL.iter().map(records).sum::<usize>() as u64;
    job.counts.rejected += rejected as u64;
}

/// From here on a replay of this delivery is a duplicate.
pub async fn advance(
    tx: &mut Tx,
    sender: &Sender,
    header: &DeliveryHeader,
    stamp: &Stamp,
) -> DatabaseResult<()> {
    match sender {
        Sender::Agent(agent) => {
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
        Sender::Webhook(call) => keep_event(tx, call, stamp).await,
    }
}

async fn keep_event(tx: &mut Tx, call: &Call, stamp: &Stamp) -> DatabaseResult<()> {
    let pos_system = call.webhook.pos_system.0;
    sqlx::query(
        "update webhook_endpoints set events = $3, last_event_at = $4 where tenant_id = $1 and pos_system_id = $2",
    )
    .bind(stamp.tenant)
    .bind(pos_system)
    .bind(stamp.batch_seq)
    .bind(stamp.now)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into webhook_events (tenant_id, pos_system_id, event_id, event_no, received_at)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(stamp.tenant)
    .bind(pos_system)
    .bind(&call.event_id)
    .bind(stamp.batch_seq)
    .bind(stamp.now)
    .execute(&mut **tx)
    .await?;
    if stamp.batch_seq % FORGET_EVERY != 0 {
        return Ok(());
    }
    sqlx::query(
        "delete from webhook_events
         where tenant_id = $1 and pos_system_id = $2
             and event_no < $3 + (select min(event_no) from webhook_events where tenant_id = $1 and pos_system_id = $2)
             and (received_at < $4 or event_no <= $5)",
    )
    .bind(stamp.tenant)
    .bind(pos_system)
    .bind(FORGOTTEN_AT_ONCE)
    .bind(Utc::now() - EVENTS_KNOWN)
    .bind(stamp.batch_seq - MAX_EVENTS_KNOWN)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
