//! The unified inventory, for people to look at. Deliveries write it.

use async_trait::async_trait;
use fluxion_model::id::{ProductId, TenantId};

use super::DatabaseResult;
use crate::views::page::{Page, PageRequest};
use crate::views::product::{ProductDetail, ProductFilter, ProductHistory, ProductView};

/// How many texts the sort key of the list has.
pub const KEY_PARTS: usize = 2;

/// Unified products.
#[async_trait]
pub trait Products {
    /// Products that some POS still has, by SKU.
    async fn products(
        &self,
        tenant: TenantId,
        filter: &ProductFilter,
        page: &PageRequest,
    ) -> DatabaseResult<Page<ProductView>>;
    /// One product and where all of it comes from, also when no POS has it any more.
    async fn product(&self, tenant: TenantId, product: ProductId) -> DatabaseResult<ProductDetail>;
    /// Its past and present prices and stock, also of rows that are gone.
    async fn product_history(
        &self,
        tenant: TenantId,
        product: ProductId,
    ) -> DatabaseResult<ProductHistory>;
}
