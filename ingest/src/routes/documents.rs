//! Records exactly as each POS sent them, one list per kind, by POS system and identity.

use axum::Json;
use axum::extract::State;
use fluxion_model::entity::{
    AccountPayment, CashSession, Category, Customer, Location, Price, Product, Sale, StockLevel,
    StockMovement, Supplier,
};
use fluxion_model::id::{ExternalId, PosSystemId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::Viewer;
use crate::database::documents::KEY_PARTS;
use crate::extract::{ApiPath, ApiQuery};
use crate::problem::{ApiError, Problem};
use crate::views::document::{Fact, FactFilter};
use crate::views::page::{Page, PageParams};

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(source_products))
        .routes(routes!(prices))
        .routes(routes!(stock_levels))
        .routes(routes!(stock_movements))
        .routes(routes!(sales))
        .routes(routes!(customers))
        .routes(routes!(suppliers))
        .routes(routes!(categories))
        .routes(routes!(locations))
        .routes(routes!(account_payments))
        .routes(routes!(cash_sessions))
        .routes(routes!(sale))
}

/// What every list of records answers.
type Records<T> = Result<Json<Page<Fact<T>>>, ApiError>;

/// Products as each POS has them, not merged.
#[utoipa::path(get, path = "/v1/source-products", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<Product>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn source_products(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<Product> {
    Ok(Json(
        state
            .database
            .source_products(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Prices.
#[utoipa::path(get, path = "/v1/prices", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<Price>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn prices(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<Price> {
    Ok(Json(
        state
            .database
            .prices(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Stock levels.
#[utoipa::path(get, path = "/v1/stock-levels", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<StockLevel>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn stock_levels(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<StockLevel> {
    Ok(Json(
        state
            .database
            .stock_levels(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Changes of stock other than sales.
#[utoipa::path(get, path = "/v1/stock-movements", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<StockMovement>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn stock_movements(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<StockMovement> {
    Ok(Json(
        state
            .database
            .stock_movements(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Sales with their lines and payments.
#[utoipa::path(get, path = "/v1/sales", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<Sale>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn sales(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<Sale> {
    Ok(Json(
        state
            .database
            .sales(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Customers.
#[utoipa::path(get, path = "/v1/customers", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<Customer>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn customers(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<Customer> {
    Ok(Json(
        state
            .database
            .customers(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Suppliers.
#[utoipa::path(get, path = "/v1/suppliers", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<Supplier>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn suppliers(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<Supplier> {
    Ok(Json(
        state
            .database
            .suppliers(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Product groups.
#[utoipa::path(get, path = "/v1/categories", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<Category>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn categories(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<Category> {
    Ok(Json(
        state
            .database
            .categories(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Places within stores where stock stands.
#[utoipa::path(get, path = "/v1/locations", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<Location>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn locations(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<Location> {
    Ok(Json(
        state
            .database
            .locations(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Money received against customers' balances.
#[utoipa::path(get, path = "/v1/account-payments", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<AccountPayment>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn account_payments(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<AccountPayment> {
    Ok(Json(
        state
            .database
            .account_payments(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Cash drawers from opening to count.
#[utoipa::path(get, path = "/v1/cash-sessions", tag = "records", params(FactFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<Fact<CashSession>>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn cash_sessions(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<FactFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Records<CashSession> {
    Ok(Json(
        state
            .database
            .cash_sessions(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// One sale.
#[utoipa::path(get, path = "/v1/sales/{pos_system}/{id}", tag = "records", params(
    ("pos_system" = PosSystemId, Path, description = "Which POS system"),
    ("id" = String, Path, description = "The sale's identity there")), security(("session" = [])), responses(
    (status = 200, body = Fact<Sale>), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn sale(
    State(state): State<AppState>,
    who: Viewer,
    ApiPath((pos_system, id)): ApiPath<(PosSystemId, ExternalId)>,
) -> Result<Json<Fact<Sale>>, ApiError> {
    Ok(Json(
        state.database.sale(who.tenant_id, pos_system, &id).await?,
    ))
}
