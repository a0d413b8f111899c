//! Releases in SQL.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use fluxion_model::id::{AgentId, TenantId};
use fluxion_model::release::{UpdateReport, UpdateState};
use sqlx::Row as _;

use super::engine::{Engine, Row};
use crate::database::agents::AgentIdentity;
use crate::database::releases::{
    AgentUpdate, Release, ReleaseState, Releases, UpdateCounts, Waves,
};
use crate::database::{DatabaseError, DatabaseResult};

/// Longer reasons are cut: they come from agents, and go to a screen.
const MAX_MESSAGE: usize = 500;

#[async_trait]
impl Releases for Engine {
    async fn add_release(&self, release: &Release) -> DatabaseResult<()> {
        sqlx::query(
            "insert into releases (version, manifest, signature, state, halted_because, waves, every_seconds,
                 published_at, counted_from)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&release.version)
        .bind(&release.manifest)
        .bind(&release.signature)
        .bind(release.state.as_str())
        .bind(&release.halted_because)
        .bind(serde_json::json!(release.waves.shares).to_string())
        .bind(release.waves.every.num_seconds())
        .bind(release.published_at)
        .bind(release.counted_from)
        .execute(self.writer())
        .await?;
        Ok(())
    }

    async fn releases(&self) -> DatabaseResult<Vec<Release>> {
        let rows = sqlx::query("select * from releases")
            .fetch_all(self.reader())
            .await?;
        rows.iter().map(release_of).collect()
    }

    async fn halt_release(&self, version: &str, because: &str) -> DatabaseResult<bool> {
        let done = sqlx::query(
            "update releases set state = 'halted', halted_because = $2 where version = $1 and state <> 'halted'",
        )
        .bind(version)
        .bind(because)
        .execute(self.writer())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn resume_release(&self, version: &str) -> DatabaseResult<()> {
        let done = sqlx::query(
            "update releases set state = 'offered', halted_because = null, counted_from = $2 where version = $1",
        )
        .bind(version)
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        if done.rows_affected() == 0 {
            Err(DatabaseError::NotFound("the release"))
        } else {
            Ok(())
        }
    }

    async fn keep_update(
        &self,
        agent: &AgentIdentity,
        report: &UpdateReport,
    ) -> DatabaseResult<bool> {
        let message: Option<String> = report.message.as_ref().map(|message| {
            message
                .chars()
                .filter(|c| !c.is_control())
                .take(MAX_MESSAGE)
                .collect()
        });
        let done = sqlx::query(
            "insert into agent_updates as u (tenant_id, agent_id, version, state, message, updated_at)
             select $1, $2, version, $4, $5, $6 from releases where version = $3
             on conflict (tenant_id, agent_id, version) do update
             set state = excluded.state, message = excluded.message, updated_at = excluded.updated_at
             where u.state <> excluded.state or u.message is distinct from excluded.message",
        )
        .bind(agent.tenant.0)
        .bind(agent.agent.0)
        .bind(&report.target)
        .bind(report.state.as_str())
        .bind(message)
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn update_counts(
        &self,
        version: &str,
        from: DateTime<Utc>,
    ) -> DatabaseResult<UpdateCounts> {
        let rows = sqlx::query(
            "select state, count(*) as agents from agent_updates
             where version = $1 and updated_at >= $2 and state in ('trying', 'installed', 'rolled_back') group by state",
        )
        .bind(version)
        .bind(from)
        .fetch_all(self.reader())
        .await?;
        let mut counts = UpdateCounts::default();
        for row in &rows {
            let agents: i64 = row.try_get("agents")?;
            counts.tried += agents;
            match UpdateState::from_word(row.try_get("state")?) {
                UpdateState::RolledBack => counts.rolled_back = agents,
                UpdateState::Installed => counts.installed = agents,
                _ => {}
            }
        }
        Ok(counts)
    }

    async fn reasons_to_go_back(&self, version: &str) -> DatabaseResult<Vec<(String, i64)>> {
        let rows = sqlx::query(
            "select coalesce(message, '') as reason, count(*) as agents from agent_updates
             where version = $1 and state = 'rolled_back' group by 1 order by agents desc, reason limit 5",
        )
        .bind(version)
        .fetch_all(self.reader())
        .await?;
        rows.iter()
            .map(|row| Ok((row.try_get("reason")?, row.try_get("agents")?)))
            .collect()
    }

    async fn updates(&self, tenant: TenantId) -> DatabaseResult<HashMap<AgentId, AgentUpdate>> {
        // The last report of each comes last, and stays.
        let rows = sqlx::query(
            "select agent_id, version, state, message, updated_at from agent_updates where tenant_id = $1
             order by updated_at",
        )
        .bind(tenant.0)
        .fetch_all(self.reader())
        .await?;
        rows.iter().map(update_of).collect()
    }
}

fn release_of(row: &Row) -> DatabaseResult<Release> {
    let shares: String = row.try_get("waves")?;
    let shares = serde_json::from_str(&shares)
        .map_err(|error| DatabaseError::internal("read the waves of a release", error))?;
    Ok(Release {
        version: row.try_get("version")?,
        manifest: row.try_get("manifest")?,
        signature: row.try_get("signature")?,
        state: ReleaseState::from_word(row.try_get("state")?),
        halted_because: row.try_get("halted_because")?,
        waves: Waves {
            shares,
            every: Duration::seconds(row.try_get("every_seconds")?),
        },
        published_at: row.try_get("published_at")?,
        counted_from: row.try_get("counted_from")?,
    })
}

fn update_of(row: &Row) -> DatabaseResult<(AgentId, AgentUpdate)> {
    let update = AgentUpdate {
        report: UpdateReport {
            target: row.try_get("version")?,
            state: UpdateState::from_word(row.try_get("state")?),
            message: row.try_get("message")?,
        },
        at: row.try_get("updated_at")?,
    };
    Ok((AgentId(row.try_get("agent_id")?), update))
}
