//! POS systems, as their agents declared them.

use axum::Json;
use axum::extract::State;
use fluxion_model::id::StoreId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::Viewer;
use crate::database::overview::POS_SYSTEMS_KEY_PARTS;
use crate::extract::ApiQuery;
use crate::problem::{ApiError, Problem};
use crate::views::page::{Page, PageParams};
use crate::views::store::PosSystemView;

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(pos_systems))
}

/// Which POS systems.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PosSystemFilter {
    /// Of one store.
    store: Option<StoreId>,
}

/// POS systems, by store and name.
#[utoipa::path(get, path = "/v1/pos-systems", tag = "stores", params(PosSystemFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<PosSystemView>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn pos_systems(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<PosSystemFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Page<PosSystemView>>, ApiError> {
    let page = page.request(POS_SYSTEMS_KEY_PARTS)?;
    Ok(Json(
        state
            .database
            .pos_system_views(who.tenant_id, filter.store, &page)
            .await?,
    ))
}
