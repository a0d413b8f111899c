//! Applying what agents deliver and what webhooks are told: exactly once, all or nothing.

use std::sync::Arc;

use async_trait::async_trait;
use fluxion_model::delivery::Ack;

use super::DatabaseResult;
use super::agents::AgentIdentity;
use super::webhooks::Call;
use crate::ops::delivery::Delivery;

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// For the agent.
    pub ack: Ack,
    /// What changed, for metrics. All zero for a duplicate.
    pub counts: Counts,
}

/// What a delivery changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that are new.
    pub inserted: usize,
    /// Records that changed, or came back.
    pub updated: usize,
    /// Records that are gone.
    pub deleted: usize,
    /// Records set aside, by agent or cloud.
    pub rejected: usize,
    /// Conflicts opened.
    pub conflicts_opened: usize,
    /// Conflicts that went away.
    pub conflicts_closed: usize,
}

impl Counts {
    /// Counts what another delivery changed, too.
    pub fn add(&mut self, other: &Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.rejected += other.rejected;
        self.conflicts_opened += other.conflicts_opened;
        self.conflicts_closed += other.conflicts_closed;
    }
}

/// Deliveries.
#[async_trait]
pub trait Deliveries {
    /// Records, history, matching, conflicts, rejects, jobs, events and the agent's sequence commit together or not at
    /// all. A delivery that was applied before changes nothing; one that does not follow the last is
    /// [`DatabaseError::OutOfOrder`](super::DatabaseError::OutOfOrder). A new epoch begins at 1 and is accepted: the
    /// agent lost its spool, and fingerprints make what it sends again free. Dropping the future does not stop it.
    async fn apply(
        &self,
        agent: &AgentIdentity,
        delivery: &Arc<Delivery>,
    ) -> DatabaseResult<Applied>;
    /// The same for an event: a call whose id was applied before changes nothing. The database numbers events itself and
    /// tells of them in jobs of its own, so `seq`, `epoch` and `job` of the delivery's header count for nothing.
    async fn apply_event(&self, call: &Call, delivery: &Arc<Delivery>) -> DatabaseResult<Applied>;
}
