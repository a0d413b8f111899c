//! Rows and records set aside, for people to look at. Deliveries open and clear them.

use async_trait::async_trait;
use fluxion_model::id::{RejectId, TenantId, UserId};

use super::DatabaseResult;
use crate::views::page::{Page, PageRequest};
use crate::views::reject::{RejectFilter, RejectView};

/// How many texts the sort key of the list has.
pub const KEY_PARTS: usize = 2;

/// Rejects.
#[async_trait]
pub trait Rejects {
    /// Rejects, those that were set aside last first. Open ones, unless another state is asked for.
    async fn rejects(
        &self,
        tenant: TenantId,
        filter: &RejectFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<RejectView>>;
    /// One reject.
    async fn reject(&self, tenant: TenantId, reject: RejectId) -> DatabaseResult<RejectView>;
    /// A person says that it does not matter. Nothing changes when it is not open any more.
    async fn dismiss_reject(
        &self,
        tenant: TenantId,
        reject: RejectId,
        by: UserId,
    ) -> DatabaseResult<()>;
}
