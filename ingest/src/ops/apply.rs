//! What a delivery means: pure decisions over what it carries and what the database holds for the same keys.
//!
//! The database engine reads, asks here, and writes, all in one transaction. Nothing here does I/O, so every decision
//! can be tested without a database.

pub mod contradictions;
pub mod facts;
pub mod history;
pub mod products;
pub mod rejects;
pub mod sorted;
pub mod tables;

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::delivery::DeliveryHeader;
use fluxion_model::id::TenantId;

/// What every row of one delivery has in common.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Whose it is.
    pub tenant: Uuid,
    /// Where it comes from.
    pub pos_system: Uuid,
    /// The run that read it.
    pub job: Uuid,
    /// The mapping that made it.
    pub mapping_version: i32,
    /// The batch or event that brought it.
    pub batch_seq: i64,
    /// From when its values hold: when the agent made the batch or the event came, but never in our future.
    pub at: DateTime<Utc>,
    /// The cloud's clock.
    pub now: DateTime<Utc>,
}

impl Stamp {
    /// The stamp of this delivery.
    #[must_use]
    pub fn of(tenant: TenantId, header: &DeliveryHeader, now: DateTime<Utc>) -> Self {
        Self {
            tenant: tenant.0,
            pos_system: header.pos_system.0,
            job: header.job.0,
            mapping_version: i32::try_from(header.mapping_version).unwrap_or(i32::MAX),
            batch_seq: header.seq.0.cast_signed(),
            at: if crate::ops::delivery::is_storable(header.made_at) {
                header.made_at.min(now)
            } else {
                now
            },
            now,
        }
    }

    /// For what a person decides outside of any delivery; it carries no provenance.
    #[must_use]
    pub fn by_a_person(tenant: TenantId, now: DateTime<Utc>) -> Self {
        Self {
            tenant: tenant.0,
            pos_system: Uuid::nil(),
            job: Uuid::nil(),
            mapping_version: 0,
            batch_seq: 0,
            at: now,
            now,
        }
    }
}
