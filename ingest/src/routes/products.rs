//! The unified inventory.

use axum::Json;
use axum::extract::State;
use fluxion_model::id::ProductId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::Viewer;
use crate::database::products::KEY_PARTS;
use crate::extract::{ApiPath, ApiQuery};
use crate::problem::{ApiError, Problem};
use crate::views::page::{Page, PageParams};
use crate::views::product::{ProductDetail, ProductFilter, ProductHistory, ProductView};

/// The longest search.
const MAX_SEARCH: usize = 200;

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(products))
        .routes(routes!(product))
        .routes(routes!(history))
}

/// Products of all stores, by SKU, with what each store has of them.
#[utoipa::path(get, path = "/v1/products", tag = "inventory", params(ProductFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<ProductView>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn products(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<ProductFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Page<ProductView>>, ApiError> {
    if filter
        .search
        .as_ref()
        .is_some_and(|search| search.chars().count() > MAX_SEARCH)
    {
        return Err(ApiError::invalid(
            "search",
            format!("search for at most {MAX_SEARCH} characters"),
        ));
    }
    Ok(Json(
        state
            .database
            .products(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// One product: stock per location, prices per list, and the POS rows that it is made of.
#[utoipa::path(get, path = "/v1/products/{id}", tag = "inventory",
    params(("id" = ProductId, Path, description = "Which product")), security(("session" = [])), responses(
    (status = 200, body = ProductDetail), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn product(
    State(state): State<AppState>,
    who: Viewer,
    ApiPath(id): ApiPath<ProductId>,
) -> Result<Json<ProductDetail>, ApiError> {
    Ok(Json(state.database.product(who.tenant_id, id).await?))
}

/// Its prices and stock over time, newest first.
#[utoipa::path(get, path = "/v1/products/{id}/history", tag = "inventory",
    params(("id" = ProductId, Path, description = "Which product")), security(("session" = [])), responses(
    (status = 200, body = ProductHistory), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn history(
    State(state): State<AppState>,
    who: Viewer,
    ApiPath(id): ApiPath<ProductId>,
) -> Result<Json<ProductHistory>, ApiError> {
    Ok(Json(
        state.database.product_history(who.tenant_id, id).await?,
    ))
}
