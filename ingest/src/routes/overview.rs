//! The fleet at a glance.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::Viewer;
use crate::problem::{ApiError, Problem};
use crate::views::overview::Overview;

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(overview))
}

/// All stores, those that need attention first, and figures over them.
#[utoipa::path(get, path = "/v1/overview", tag = "overview", security(("session" = [])), responses(
    (status = 200, body = Overview), (status = 401, body = Problem)))]
async fn overview(State(state): State<AppState>, who: Viewer) -> Result<Json<Overview>, ApiError> {
    Ok(Json(state.database.overview(who.tenant_id).await?))
}
