//! Agents in SQL.

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use fluxion_model::Uuid;
use fluxion_model::command::{Action, Command, CommandOutcome};
use fluxion_model::enrolment::{EnrolRequest, ResumePoint};
use fluxion_model::heartbeat::{Heartbeat, StreamState};
use fluxion_model::id::{AgentId, BatchSeq, CommandId, Epoch, StoreId, TenantId, UserId};
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Engine, Row};
use crate::database::agents::{AgentIdentity, AgentState, Agents, Carrier, Enrolled};
use crate::database::error::found;
use crate::database::{DatabaseError, DatabaseResult};

/// How long a command may be out without an outcome before it is handed out again.
const COMMAND_PATIENCE: Duration = Duration::seconds(60);

/// Longer names of operating systems are cut.
const MAX_OS: usize = 200;

#[async_trait]
impl Agents for Engine {
    async fn add_enrolment_code(
        &self,
        tenant: TenantId,
        store: StoreId,
        code_hash: &str,
        created_by: Option<UserId>,
        expires_at: DateTime<Utc>,
    ) -> DatabaseResult<()> {
        sqlx::query(
            "insert into enrolment_codes (code_hash, tenant_id, store_id, created_by, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(code_hash)
        .bind(tenant.0)
        .bind(store.0)
        .bind(created_by.map(|user| user.0))
        .bind(Utc::now())
        .bind(expires_at)
        .execute(self.writer())
        .await?;
        Ok(())
    }

    async fn enrol(
        &self,
        code_hash: &str,
        request: &EnrolRequest,
        token_hash: &str,
    ) -> DatabaseResult<Enrolled> {
        let (agent, now) = (AgentId::generate(), Utc::now());
        let mut tx = self.begin().await?;
        // The update is the lock: of two that use one code at the same moment, one finds it used.
        let code = sqlx::query(
            "update enrolment_codes set used_at = $2, used_by = $3
             where code_hash = $1 and used_at is null and expires_at > $2
             returning tenant_id, store_id",
        )
        .bind(code_hash)
        .bind(now)
        .bind(agent.0)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(code) = code else {
            let before = sqlx::query(ENROLLED_BEFORE)
                .bind(code_hash)
                .bind(token_hash)
                .fetch_optional(&mut *tx)
                .await?;
            return enrolled_of(&found(before, "an unused enrolment code of that text")?);
        };
        let (tenant, store) = (
            TenantId(code.try_get("tenant_id")?),
            StoreId(code.try_get("store_id")?),
        );
        sqlx::query(
            "insert into agents (tenant_id, id, store_id, machine, os, version, token_hash, enrolled_at, last_seen_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        )
        .bind(tenant.0)
        .bind(agent.0)
        .bind(store.0)
        .bind(&request.machine)
        .bind(request.os.as_deref().map(one_line))
        .bind(&request.version)
        .bind(token_hash)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        let names = sqlx::query(
            "select t.name as tenant_name, s.name as store_name
             from stores s join tenants t on t.id = s.tenant_id where s.tenant_id = $1 and s.id = $2",
        )
        .bind(tenant.0)
        .bind(store.0)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Enrolled {
            identity: AgentIdentity {
                tenant,
                store,
                agent,
            },
            tenant_name: names.try_get("tenant_name")?,
            store_name: names.try_get("store_name")?,
        })
    }

    async fn authenticate(&self, token_hash: &str) -> DatabaseResult<AgentIdentity> {
        let row = sqlx::query("select tenant_id, store_id, id from agents where token_hash = $1 and revoked_at is null")
            .bind(token_hash)
            .fetch_optional(self.reader())
            .await?;
        let row = found(row, "an agent with that token")?;
        Ok(AgentIdentity {
            tenant: TenantId(row.try_get("tenant_id")?),
            store: StoreId(row.try_get("store_id")?),
            agent: AgentId(row.try_get("id")?),
        })
    }

    async fn carrier(&self, tenant: TenantId, agent: AgentId) -> DatabaseResult<Carrier> {
        let row = sqlx::query(
            "select a.store_id, a.token_hash, a.revoked_at, s.name as store_name
             from agents a join stores s on s.tenant_id = a.tenant_id and s.id = a.store_id
             where a.tenant_id = $1 and a.id = $2",
        )
        .bind(tenant.0)
        .bind(agent.0)
        .fetch_optional(self.reader())
        .await?;
        let row = found(row, "the agent")?;
        Ok(Carrier {
            identity: AgentIdentity {
                tenant,
                store: StoreId(row.try_get("store_id")?),
                agent,
            },
            store_name: row.try_get("store_name")?,
            token_hash: row.try_get("token_hash")?,
            is_revoked: row
                .try_get::<Option<DateTime<Utc>>, _>("revoked_at")?
                .is_some(),
        })
    }

    async fn revoke_agent(&self, tenant: TenantId, agent: AgentId) -> DatabaseResult<()> {
        let done = sqlx::query("update agents set revoked_at = coalesce(revoked_at, $3) where tenant_id = $1 and id = $2")
            .bind(tenant.0)
            .bind(agent.0)
            .bind(Utc::now())
            .execute(self.writer())
            .await?;
        if done.rows_affected() == 0 {
            Err(DatabaseError::NotFound("the agent"))
        } else {
            Ok(())
        }
    }

    async fn agents(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
    ) -> DatabaseResult<Vec<AgentState>> {
        let rows = match store {
            Some(store) => {
                sqlx::query("select * from agents where tenant_id = $1 and store_id = $2 order by enrolled_at desc, id")
                    .bind(tenant.0)
                    .bind(store.0)
                    .fetch_all(self.reader())
                    .await?
            }
            None => {
                sqlx::query("select * from agents where tenant_id = $1 order by enrolled_at desc, id")
                    .bind(tenant.0)
                    .fetch_all(self.reader())
                    .await?
            }
        };
        rows.iter().map(agent_of).collect()
    }

    async fn keep_heartbeat(
        &self,
        agent: &AgentIdentity,
        heartbeat: &Heartbeat,
    ) -> DatabaseResult<()> {
        let now = Utc::now();
        sqlx::query(
            "update agents set version = $3, last_seen_at = $4, clock_skew_ms = $5, queued_batches = $6,
                 queued_bytes = $7, oldest_queued_at = $8, disk_free_bytes = $9, streams = $10,
                 os = coalesce($11, os)
             where tenant_id = $1 and id = $2",
        )
        .bind(agent.tenant.0)
        .bind(agent.agent.0)
        .bind(&heartbeat.version)
        .bind(now)
        .bind((heartbeat.now - now).num_milliseconds())
        .bind(clamp(heartbeat.queued_batches))
        .bind(clamp(heartbeat.queued_bytes))
        .bind(heartbeat.oldest_queued_at)
        .bind(heartbeat.disk_free_bytes.map(clamp))
        .bind(Json(&heartbeat.streams))
        .bind(heartbeat.os.as_deref().map(one_line))
        .execute(self.writer())
        .await?;
        Ok(())
    }

    async fn resume_point(&self, agent: &AgentIdentity) -> DatabaseResult<ResumePoint> {
        let row =
            sqlx::query("select epoch, last_seq from agents where tenant_id = $1 and id = $2")
                .bind(agent.tenant.0)
                .bind(agent.agent.0)
                .fetch_optional(self.reader())
                .await?;
        let row = found(row, "the agent")?;
        Ok(ResumePoint {
            epoch: epoch_of(&row)?,
            last_seq: last_seq_of(&row)?,
        })
    }

    async fn add_command(
        &self,
        tenant: TenantId,
        agent: AgentId,
        action: &Action,
        created_by: Option<UserId>,
    ) -> DatabaseResult<CommandId> {
        let id = CommandId::generate();
        let done = sqlx::query(
            "insert into commands (tenant_id, id, agent_id, action, status, created_by, created_at)
             select tenant_id, $3, id, $4, 'pending', $5, $6 from agents where tenant_id = $1 and id = $2",
        )
        .bind(tenant.0)
        .bind(agent.0)
        .bind(id.0)
        .bind(Json(action))
        .bind(created_by.map(|user| user.0))
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        if done.rows_affected() == 0 {
            Err(DatabaseError::NotFound("the agent"))
        } else {
            Ok(id)
        }
    }

    async fn take_commands(&self, agent: &AgentIdentity) -> DatabaseResult<Vec<Command>> {
        let now = Utc::now();
        // Looking first keeps the many polls that find nothing from taking the write lock.
        let rows = sqlx::query(
            "select id, action from commands
             where tenant_id = $1 and agent_id = $2
               and (status = 'pending' or (status = 'sent' and sent_at < $3))
             order by id limit 100",
        )
        .bind(agent.tenant.0)
        .bind(agent.agent.0)
        .bind(now - COMMAND_PATIENCE)
        .fetch_all(self.reader())
        .await?;
        let mut commands = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = CommandId(row.try_get("id")?);
            sqlx::query("update commands set status = 'sent', sent_at = $3 where tenant_id = $1 and id = $2")
                .bind(agent.tenant.0)
                .bind(id.0)
                .bind(now)
                .execute(self.writer())
                .await?;
            commands.push(Command {
                id,
                action: row.try_get::<Json<Action>, _>("action")?.0,
            });
        }
        Ok(commands)
    }

    async fn finish_command(
        &self,
        agent: &AgentIdentity,
        command: CommandId,
        outcome: &CommandOutcome,
    ) -> DatabaseResult<()> {
        let (status, message) = match outcome {
            CommandOutcome::Done => ("done", None),
            CommandOutcome::Failed { message } => ("failed", Some(message.as_str())),
            CommandOutcome::Unsupported => ("unsupported", None),
        };
        let done = sqlx::query(
            "update commands set
                 status = case when finished_at is null then $4 else status end,
                 message = case when finished_at is null then $5 else message end,
                 finished_at = coalesce(finished_at, $6)
             where tenant_id = $1 and agent_id = $2 and id = $3",
        )
        .bind(agent.tenant.0)
        .bind(agent.agent.0)
        .bind(command.0)
        .bind(status)
        .bind(message)
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        if done.rows_affected() == 0 {
            Err(DatabaseError::NotFound("the command"))
        } else {
            Ok(())
        }
    }
}

/// The agent that was enrolled with a code and has a token.
const ENROLLED_BEFORE: &str =
    "select a.tenant_id, a.store_id, a.id, t.name as tenant_name, s.name as store_name
     from enrolment_codes c
     join agents a on a.tenant_id = c.tenant_id and a.id = c.used_by
     join stores s on s.tenant_id = a.tenant_id and s.id = a.store_id
     join tenants t on t.id = a.tenant_id
     where c.code_hash = $1 and a.token_hash = $2 and a.revoked_at is null";

fn enrolled_of(row: &Row) -> DatabaseResult<Enrolled> {
    Ok(Enrolled {
        identity: AgentIdentity {
            tenant: TenantId(row.try_get("tenant_id")?),
            store: StoreId(row.try_get("store_id")?),
            agent: AgentId(row.try_get("id")?),
        },
        tenant_name: row.try_get("tenant_name")?,
        store_name: row.try_get("store_name")?,
    })
}

/// What an agent says of its computer, fit for a screen.
fn one_line(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_OS)
        .collect()
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn epoch_of(row: &Row) -> DatabaseResult<Option<Epoch>> {
    Ok(row.try_get::<Option<Uuid>, _>("epoch")?.map(Epoch))
}

fn last_seq_of(row: &Row) -> DatabaseResult<Option<BatchSeq>> {
    Ok(row
        .try_get::<Option<i64>, _>("last_seq")?
        .map(|seq| BatchSeq(seq.cast_unsigned())))
}

fn agent_of(row: &Row) -> DatabaseResult<AgentState> {
    let streams = row.try_get::<Option<Json<Vec<StreamState>>>, _>("streams")?;
    Ok(AgentState {
        id: AgentId(row.try_get("id")?),
        store_id: StoreId(row.try_get("store_id")?),
        machine: row.try_get("machine")?,
        os: row.try_get("os")?,
        version: row.try_get("version")?,
        enrolled_at: row.try_get("enrolled_at")?,
        revoked_at: row.try_get("revoked_at")?,
        epoch: epoch_of(row)?,
        last_seq: last_seq_of(row)?,
        last_delivery_at: row.try_get("last_delivery_at")?,
        last_seen_at: row.try_get("last_seen_at")?,
        clock_skew_ms: row.try_get("clock_skew_ms")?,
        queued_batches: row.try_get("queued_batches")?,
        queued_bytes: row.try_get("queued_bytes")?,
        oldest_queued_at: row.try_get("oldest_queued_at")?,
        disk_free_bytes: row.try_get("disk_free_bytes")?,
        streams: streams.map(|Json(streams)| streams).unwrap_or_default(),
    })
}
