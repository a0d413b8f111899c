//! People, their sessions, what they did, and what the dashboard is told.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::id::{TenantId, UserId};
use serde_json::Value;

use super::DatabaseResult;
use crate::auth::identity::Session;
use crate::views::account::Role;

/// A person to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// E-mail address in lower case; unique over all tenants, because it is all a person types to log in.
    pub email: String,
    /// Name to greet by.
    pub name: String,
    /// The hash of the password, never the password.
    pub password_hash: String,
    /// What the person may do.
    pub role: Role,
}

/// What is needed to check a login.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose data the person sees.
    pub tenant: TenantId,
    /// Which person.
    pub user: UserId,
    /// The hash of the password.
    pub password_hash: String,
}

/// Who did something.
#[derive(Debug, Clone, Copy)]
pub enum Actor {
    /// A person.
    User(UserId),
    /// The service itself, or its operator on the command line.
    System,
}

/// Something that was done.
#[derive(Debug, Clone)]
pub struct Audited<'a> {
    /// By whom.
    pub actor: Actor,
    /// What, as in `store.create`.
    pub action: &'a str,
    /// What it was done to, as in `store`.
    pub entity_type: &'a str,
    /// Its identity.
    pub entity_id: String,
    /// What else a later reader needs to know; never a secret.
    pub details: Value,
}

/// Something the dashboard may want to read again for.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its identity.
    pub id: Uuid,
    /// `store_changed`, `job_changed`, `conflict_changed` or `reject_changed`.
    pub kind: String,
    /// What it is about.
    pub payload: Value,
}

/// People, sessions, audit and events.
#[async_trait]
pub trait Accounts {
    /// Makes a person; `Conflict` when the e-mail address is taken.
    async fn add_user(&self, tenant: TenantId, user: &NewUser) -> DatabaseResult<UserId>;
    /// What to check a login against; nothing when nobody enabled has the address.
    async fn credentials(&self, email: &str) -> DatabaseResult<Option<Credentials>>;
    /// Begins a session, and forgets those that have ended.
    async fn add_session(
        &self,
        tenant: TenantId,
        user: UserId,
        token_hash: &str,
        expires_at: DateTime<Utc>,
    ) -> DatabaseResult<()>;
    /// Who has logged in with this cookie, by its hash; nothing when the session has ended.
    async fn session(&self, token_hash: &str) -> DatabaseResult<Option<Session>>;
    /// Ends a session.
    async fn end_session(&self, token_hash: &str) -> DatabaseResult<()>;
    /// Keeps what was done.
    async fn audit(&self, tenant: TenantId, what: &Audited<'_>) -> DatabaseResult<()>;
    /// What happened since, oldest first.
    async fn events_since(
        &self,
        tenant: TenantId,
        since: DateTime<Utc>,
    ) -> DatabaseResult<Vec<Event>>;
    /// Tells the dashboard, whichever instance it listens to.
    async fn add_event(&self, tenant: TenantId, kind: &str, payload: &Value) -> DatabaseResult<()>;
}
