//! The unified inventory: products of all stores, with their stock, prices and history.

use chrono::{DateTime, Utc};
use fluxion_model::Decimal;
use fluxion_model::entity::TaxInclusion;
use fluxion_model::id::{JobId, PosSystemId, ProductId, StoreId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One product with what each store has of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductView {
    /// Which product.
    pub id: ProductId,
    /// The code people and labels use.
    pub sku: String,
    /// What is printed on the ticket.
    pub name: String,
    /// Brand name.
    pub brand: Option<String>,
    /// Category, by name.
    pub category: Option<String>,
    /// Unit of sale.
    pub unit: Option<String>,
    /// Codes that a scanner reads.
    pub barcodes: Vec<String>,
    /// Whether any store sells it.
    pub active: bool,
    /// Units in all stores together.
    pub on_hand: Decimal,
    /// What each store has of it, by the store's name.
    pub stores: Vec<ProductInStore>,
    /// When anything about it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What one store has of a product.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductInStore {
    /// Which store.
    pub store_id: StoreId,
    /// Its name.
    pub store_name: String,
    /// Units in all its locations; absent when its POS keeps no stock of it.
    pub on_hand: Option<Decimal>,
    /// Its price on the default list, or on the first by name; absent when it has none.
    pub price: Option<Decimal>,
    /// Currency of the price.
    pub currency: Option<String>,
}

/// Which products.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductFilter {
    /// Words that name, SKU or a barcode contain; case and accents do not matter.
    pub search: Option<String>,
    /// Those that one store has; stock and prices of the others are left out.
    pub store: Option<StoreId>,
}

/// `GET /v1/products/{id}`: one product and where all of it comes from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductDetail {
    /// As in the list.
    pub product: ProductView,
    /// Longer text.
    pub description: Option<String>,
    /// Tax in percent.
    pub tax_rate: Option<Decimal>,
    /// The rows of POS systems that are this product.
    pub sources: Vec<ProductSource>,
    /// Stock per location.
    pub stock: Vec<ProductStock>,
    /// Prices per list.
    pub prices: Vec<ProductPrice>,
}

/// A row of a POS system that is this product.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductSource {
    /// In which store.
    pub store_id: StoreId,
    /// The store's name.
    pub store_name: String,
    /// In which POS system.
    pub pos_system_id: PosSystemId,
    /// Its name.
    pub pos_system: String,
    /// Its identity there.
    pub external_id: String,
    /// Its SKU there.
    pub sku: String,
    /// Its name there.
    pub name: String,
    /// What one unit costs the store.
    pub cost: Option<Decimal>,
    /// Currency of the cost.
    pub currency: Option<String>,
    /// Whether it is for sale there.
    pub active: bool,
    /// When it last changed here.
    pub updated_at: DateTime<Utc>,
}

/// Stock of a product at one location.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductStock {
    /// In which store.
    pub store_id: StoreId,
    /// The store's name.
    pub store_name: String,
    /// In which POS system.
    pub pos_system_id: PosSystemId,
    /// Identity of the location there; absent where the store has one.
    pub location: Option<String>,
    /// The location's name.
    pub location_name: Option<String>,
    /// Units there now.
    pub on_hand: Decimal,
    /// Units promised to somebody.
    pub reserved: Option<Decimal>,
    /// Reorder below this.
    pub minimum: Option<Decimal>,
    /// Do not order above this.
    pub maximum: Option<Decimal>,
    /// When it last changed here.
    pub updated_at: DateTime<Utc>,
}

/// A price of a product.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductPrice {
    /// In which store.
    pub store_id: StoreId,
    /// The store's name.
    pub store_name: String,
    /// In which POS system.
    pub pos_system_id: PosSystemId,
    /// On which price list.
    pub list: String,
    /// Price of one unit.
    pub amount: Decimal,
    /// Its currency.
    pub currency: String,
    /// Whether it contains tax; absent when the POS does not say.
    pub tax: Option<TaxInclusion>,
    /// From which quantity it holds.
    pub min_quantity: Option<Decimal>,
    /// When it last changed here.
    pub updated_at: DateTime<Utc>,
}

/// `GET /v1/products/{id}/history`: past and present values, newest first, at most 1,000 of each.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductHistory {
    /// Prices.
    pub prices: Vec<PricePoint>,
    /// Stock.
    pub stock: Vec<StockPoint>,
}

/// A price and when it held.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PricePoint {
    /// In which store.
    pub store_id: StoreId,
    /// In which POS system.
    pub pos_system_id: PosSystemId,
    /// On which price list.
    pub list: String,
    /// Price of one unit.
    pub amount: Decimal,
    /// Its currency.
    pub currency: String,
    /// Since when.
    pub valid_from: DateTime<Utc>,
    /// Until when; absent for the one that holds now.
    pub valid_to: Option<DateTime<Utc>>,
    /// The job that brought it.
    pub job_id: Option<JobId>,
    /// The version of the mapping that made it.
    pub mapping_version: Option<u32>,
}

/// A quantity and when it held.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StockPoint {
    /// In which store.
    pub store_id: StoreId,
    /// In which POS system.
    pub pos_system_id: PosSystemId,
    /// Identity of the location there.
    pub location: Option<String>,
    /// Units.
    pub on_hand: Decimal,
    /// Since when.
    pub valid_from: DateTime<Utc>,
    /// Until when; absent for the one that holds now.
    pub valid_to: Option<DateTime<Utc>>,
    /// The job that brought it.
    pub job_id: Option<JobId>,
    /// The version of the mapping that made it.
    pub mapping_version: Option<u32>,
}
