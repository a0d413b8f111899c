//! The fleet as people look at it: at a glance, store by store, and one store in full.

use async_trait::async_trait;
use fluxion_model::id::{StoreId, TenantId};

use super::DatabaseResult;
use crate::views::overview::Overview;
use crate::views::page::{Page, PageRequest};
use crate::views::store::{NewStore, PosSystemView, StoreDetail, StoreView};

/// How many texts the sort key of the list of stores has.
pub const STORES_KEY_PARTS: usize = 2;
/// How many texts the sort key of the list of POS systems has.
pub const POS_SYSTEMS_KEY_PARTS: usize = 3;

/// Stores, their agents, POS systems and streams, as people see them.
#[async_trait]
pub trait Overviews {
    /// All stores at a glance, and figures over them.
    async fn overview(&self, tenant: TenantId) -> DatabaseResult<Overview>;
    /// All there is to know about a store.
    async fn store_detail(&self, tenant: TenantId, store: StoreId) -> DatabaseResult<StoreDetail>;
    /// Stores by name.
    async fn store_views(
        &self,
        tenant: TenantId,
        page: &PageRequest,
    ) -> DatabaseResult<Page<StoreView>>;
    /// Makes a store; `Conflict` when the name is taken.
    async fn create_store(&self, tenant: TenantId, store: &NewStore) -> DatabaseResult<StoreView>;
    /// POS systems of a tenant or of one of its stores, by store and name.
    async fn pos_system_views(
        &self,
        tenant: TenantId,
        store: Option<StoreId>,
        page: &PageRequest,
    ) -> DatabaseResult<Page<PosSystemView>>;
}
