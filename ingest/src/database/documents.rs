//! Records exactly as POS systems sent them, for whoever wants to compare or to reckon.

use async_trait::async_trait;
use fluxion_model::entity::{
    AccountPayment, CashSession, Category, Customer, Location, Price, Product, Sale, StockLevel,
    StockMovement, Supplier,
};
use fluxion_model::id::{ExternalId, PosSystemId, TenantId};

use super::DatabaseResult;
use crate::views::document::{Fact, FactFilter};
use crate::views::page::{Page, PageRequest};

/// How many texts the sort key of these lists has.
pub const KEY_PARTS: usize = 2;

/// What every list of records returns.
pub type FactPage<T> = DatabaseResult<Page<Fact<T>>>;

/// Records by POS system and external id. Those that are gone at the POS are left out.
#[async_trait]
pub trait Documents {
    /// Products as each POS has them, not merged.
    async fn source_products(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Product>;
    /// Prices.
    async fn prices(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Price>;
    /// Stock levels.
    async fn stock_levels(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<StockLevel>;
    /// Stock movements.
    async fn stock_movements(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<StockMovement>;
    /// Sales with their lines and payments.
    async fn sales(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Sale>;
    /// Customers.
    async fn customers(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Customer>;
    /// Suppliers.
    async fn suppliers(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Supplier>;
    /// Categories.
    async fn categories(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Category>;
    /// Locations.
    async fn locations(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<Location>;
    /// Payments on account.
    async fn account_payments(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<AccountPayment>;
    /// Cash sessions.
    async fn cash_sessions(
        &self,
        tenant: TenantId,
        filter: &FactFilter,
        page: &PageRequest,
    ) -> FactPage<CashSession>;
    /// One sale.
    async fn sale(
        &self,
        tenant: TenantId,
        pos_system: PosSystemId,
        sale: &ExternalId,
    ) -> DatabaseResult<Fact<Sale>>;
}
