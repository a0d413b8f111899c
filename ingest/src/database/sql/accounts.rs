//! People, sessions, audit and events in SQL.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::id::{TenantId, UserId};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::types::Json;

use super::engine::{Engine, Row};
use crate::auth::identity::Session;
use crate::database::accounts::{Accounts, Actor, Audited, Credentials, Event, NewUser};
use crate::database::{DatabaseError, DatabaseResult};
use crate::views::account::Role;

#[async_trait]
impl Accounts for Engine {
    async fn add_user(&self, tenant: TenantId, user: &NewUser) -> DatabaseResult<UserId> {
        let id = UserId::generate();
        sqlx::query(
            "insert into users (tenant_id, id, email, name, password_hash, role, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(tenant.0)
        .bind(id.0)
        .bind(&user.email)
        .bind(&user.name)
        .bind(&user.password_hash)
        .bind(user.role.as_str())
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        Ok(id)
    }

    async fn credentials(&self, email: &str) -> DatabaseResult<Option<Credentials>> {
        let row = sqlx::query(
            "select tenant_id, id, password_hash from users where email = $1 and disabled_at is null",
        )
        .bind(email)
        .fetch_optional(self.reader())
        .await?;
        row.map(|row| {
            Ok(Credentials {
                tenant: TenantId(row.try_get("tenant_id")?),
                user: UserId(row.try_get("id")?),
                password_hash: row.try_get("password_hash")?,
            })
        })
        .transpose()
    }

    async fn add_session(
        &self,
        tenant: TenantId,
        user: UserId,
        token_hash: &str,
        expires_at: DateTime<Utc>,
    ) -> DatabaseResult<()> {
        let now = Utc::now();
        let mut tx = self.begin().await?;
        sqlx::query("delete from sessions where tenant_id = $1 and expires_at < $2")
            .bind(tenant.0)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "insert into sessions (token_hash, tenant_id, user_id, created_at, last_used_at, expires_at)
             values ($1, $2, $3, $4, $4, $5)",
        )
        .bind(token_hash)
        .bind(tenant.0)
        .bind(user.0)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *tx)
        .await?;
        sqlx::query("update users set last_login_at = $3 where tenant_id = $1 and id = $2")
            .bind(tenant.0)
            .bind(user.0)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn session(&self, token_hash: &str) -> DatabaseResult<Option<Session>> {
        let row = sqlx::query(
            "select s.tenant_id, t.name as tenant_name, u.id as user_id, u.email, u.name, u.role, s.expires_at
             from sessions s
             join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
             join tenants t on t.id = s.tenant_id
             where s.token_hash = $1 and s.expires_at > $2 and u.disabled_at is null",
        )
        .bind(token_hash)
        .bind(Utc::now())
        .fetch_optional(self.reader())
        .await?;
        row.map(|row| session_of(&row)).transpose()
    }

    async fn end_session(&self, token_hash: &str) -> DatabaseResult<()> {
        sqlx::query("delete from sessions where token_hash = $1")
            .bind(token_hash)
            .execute(self.writer())
            .await?;
        Ok(())
    }

    async fn audit(&self, tenant: TenantId, what: &Audited<'_>) -> DatabaseResult<()> {
        let (kind, actor) = match what.actor {
            Actor::User(user) => ("user", Some(user.0)),
            Actor::System => ("system", None),
        };
        sqlx::query(
            "insert into audit_log
                 (tenant_id, id, at, actor_kind, actor_id, action, entity_type, entity_id, details)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(tenant.0)
        .bind(Uuid::now_v7())
        .bind(Utc::now())
        .bind(kind)
        .bind(actor)
        .bind(what.action)
        .bind(what.entity_type)
        .bind(&what.entity_id)
        .bind(Json(&what.details))
        .execute(self.writer())
        .await?;
        Ok(())
    }

    async fn events_since(
        &self,
        tenant: TenantId,
        since: DateTime<Utc>,
    ) -> DatabaseResult<Vec<Event>> {
        let rows = sqlx::query(
            "select id, kind, payload from events where tenant_id = $1 and created_at >= $2
             order by created_at, id limit 1000",
        )
        .bind(tenant.0)
        .bind(since)
        .fetch_all(self.reader())
        .await?;
        rows.iter().map(event_of).collect()
    }

    async fn add_event(&self, tenant: TenantId, kind: &str, payload: &Value) -> DatabaseResult<()> {
        sqlx::query(
            "insert into events (tenant_id, id, kind, payload, created_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(tenant.0)
        .bind(Uuid::now_v7())
        .bind(kind)
        .bind(Json(payload))
        .bind(Utc::now())
        .execute(self.writer())
        .await?;
        Ok(())
    }
}

fn session_of(row: &Row) -> DatabaseResult<Session> {
    let role: String = row.try_get("role")?;
    let role: Role = role
        .parse()
        .map_err(|error| DatabaseError::internal("read a role", error))?;
    Ok(Session::new(
        (
            TenantId(row.try_get("tenant_id")?),
            row.try_get("tenant_name")?,
        ),
        (
            UserId(row.try_get("user_id")?),
            row.try_get("email")?,
            row.try_get("name")?,
        ),
        role,
        row.try_get("expires_at")?,
    ))
}

fn event_of(row: &Row) -> DatabaseResult<Event> {
    let Json(payload) = row.try_get::<Json<Value>, _>("payload")?;
    Ok(Event {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        payload,
    })
}
