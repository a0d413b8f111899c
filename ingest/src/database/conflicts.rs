//! Conflicts, for people to look at. Deliveries open and close them; deciding them is [`super::resolutions`].

use async_trait::async_trait;
use fluxion_model::id::{ConflictId, TenantId};

use super::DatabaseResult;
use crate::views::conflict::{ConflictFilter, ConflictView};
use crate::views::page::{Page, PageRequest};

/// How many texts the sort key of the list has.
pub const KEY_PARTS: usize = 2;

/// Conflicts.
#[async_trait]
pub trait Conflicts {
    /// Conflicts, those that cost most first; among equals the newest first. Open ones, unless another state is asked
    /// for.
    async fn conflicts(
        &self,
        tenant: TenantId,
        filter: &ConflictFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<ConflictView>>;
    /// One conflict.
    async fn conflict(
        &self,
        tenant: TenantId,
        conflict: ConflictId,
    ) -> DatabaseResult<ConflictView>;
}
