//! Agents: how they become known, what they last said, and what they are asked to do.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fluxion_model::command::{Action, Command, CommandOutcome};
use fluxion_model::delivery::OutOfOrder;
use fluxion_model::enrolment::{EnrolRequest, ResumePoint};
use fluxion_model::heartbeat::{Heartbeat, StreamState};
use fluxion_model::id::{AgentId, BatchSeq, CommandId, Epoch, StoreId, TenantId, UserId};
use serde::Serialize;

use super::DatabaseResult;

/// Who an agent is, as its token proves. Only [`Agents::authenticate`], [`Agents::enrol`] and, for a
/// file that has to prove itself, [`Agents::carrier`] hand these out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AgentIdentity {
    /// Whose data it carries.
    pub tenant: TenantId,
    /// Where it stands.
    pub store: StoreId,
    /// Which agent.
    pub agent: AgentId,
}

/// An agent whose file somebody brings. It was not proven that the agent sends it: the file does that, sealed with a key
/// made from the hash.
#[derive(Clone)]
pub struct Carrier {
    /// Who wrote the file.
    pub identity: AgentIdentity,
    /// The name of its store.
    pub store_name: String,
    /// The hash of its token.
    pub token_hash: String,
    /// Whether its token is worth nothing any more.
    pub is_revoked: bool,
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Carrier({:?})", self.identity)
    }
}

/// Whether a POS system may be called so: 1 to 200 bytes, and nothing that does not show.
#[must_use]
pub fn is_pos_name(name: &str) -> bool {
    (1..=200).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// The answer to an enrolment.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Who the agent is from now on.
    pub identity: AgentIdentity,
    /// The company's name.
    pub tenant_name: String,
    /// The store's name.
    pub store_name: String,
}

/// An agent as the dashboard sees it.
#[derive(Debug, Clone, Serialize)]
pub struct AgentState {
    /// Its identity.
    pub id: AgentId,
    /// Where it stands.
    pub store_id: StoreId,
    /// Name of its machine.
    pub machine: String,
    /// Operating system and version.
    pub os: Option<String>,
    /// Its own version.
    pub version: String,
    /// Since when it is known.
    pub enrolled_at: DateTime<Utc>,
    /// Since when its token is worth nothing.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The life of the spool that was last heard of.
    pub epoch: Option<Epoch>,
    /// The last batch of it that was applied.
    pub last_seq: Option<BatchSeq>,
    /// When a batch was last applied.
    pub last_delivery_at: Option<DateTime<Utc>>,
    /// When it last said anything.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Its clock minus ours, milliseconds.
    pub clock_skew_ms: Option<i64>,
    /// Batches waiting in its spool.
    pub queued_batches: Option<i64>,
    /// Bytes waiting in its spool.
    pub queued_bytes: Option<i64>,
    /// When the oldest waiting batch was made.
    pub oldest_queued_at: Option<DateTime<Utc>>,
    /// Free space on the disk of its spool.
    pub disk_free_bytes: Option<i64>,
    /// Each stream's state.
    pub streams: Vec<StreamState>,
}

impl AgentState {
    /// What the cloud expects next, as the answer to a batch that does not follow.
    #[must_use]
    pub fn expected(epoch: Option<Epoch>, last_seq: Option<BatchSeq>) -> OutOfOrder {
        OutOfOrder {
            epoch,
            expected: last_seq.map_or(BatchSeq::FIRST, BatchSeq::next),
        }
    }
}

/// Agents, their tokens by hash, heartbeats and commands.
#[async_trait]
pub trait Agents {
    /// Keeps the hash of a single-use code for a store.
    async fn add_enrolment_code(
        &self,
        tenant: TenantId,
        store: StoreId,
        code_hash: &str,
        created_by: Option<UserId>,
        expires_at: DateTime<Utc>,
    ) -> DatabaseResult<()>;
    /// Exchanges a code for an agent; `NotFound` when the code is unknown, used or expired. With the same code and the same
    /// token as before it is the same agent again: then only the answer was lost.
    async fn enrol(
        &self,
        code_hash: &str,
        request: &EnrolRequest,
        token_hash: &str,
    ) -> DatabaseResult<Enrolled>;
    /// Whose token this is, by its hash; `NotFound` when nobody's or revoked.
    async fn authenticate(&self, token_hash: &str) -> DatabaseResult<AgentIdentity>;
    /// An agent of this tenant, for a file that names it; `NotFound` when there is none.
    async fn carrier(&self, tenant: TenantId, agent: AgentId) -> DatabaseResult<Carrier>;
    /// Makes an agent's token worthless.
    async fn revoke_agent(&self, tenant: TenantId, agent: AgentId) -> DatabaseResult<()>;
    /// All agents of a tenant, or of one store, newest first.
    async fn agents(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
    ) -> DatabaseResult<Vec<AgentState>>;
    /// Keeps what an agent says about itself.
    async fn keep_heartbeat(
        &self,
        agent: &AgentIdentity,
        heartbeat: &Heartbeat,
    ) -> DatabaseResult<()>;
    /// What the cloud holds of an agent.
    async fn resume_point(&self, agent: &AgentIdentity) -> DatabaseResult<ResumePoint>;
    /// Queues a command for an agent.
    async fn add_command(
        &self,
        tenant: TenantId,
        agent: AgentId,
        action: &Action,
        created_by: Option<UserId>,
    ) -> DatabaseResult<CommandId>;
    /// What the agent has to do: what is new, and what was handed out a minute ago without an outcome, because that
    /// answer may have been lost.
    async fn take_commands(&self, agent: &AgentIdentity) -> DatabaseResult<Vec<Command>>;
    /// Keeps how a command went. A second outcome of the same command changes nothing.
    async fn finish_command(
        &self,
        agent: &AgentIdentity,
        command: CommandId,
        outcome: &CommandOutcome,
    ) -> DatabaseResult<()>;
}
