//! For whoever runs the service: is it alive, is it ready, what does it count?

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::problem::{ApiError, Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

/// How the service is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Health {
    /// `ok`.
    status: String,
    /// Version of the service.
    version: String,
    /// `sqlite` or `postgres`.
    database: String,
}

fn health_of(state: &AppState) -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: state.database.engine_name().to_owned(),
    })
}

/// Whether the process runs.
#[utoipa::path(get, path = "/health", tag = "operations", responses((status = 200, body = Health)))]
async fn health(State(state): State<AppState>) -> Json<Health> {
    health_of(&state)
}

/// Whether the database answers, so that requests can be served.
#[utoipa::path(get, path = "/ready", tag = "operations", responses(
    (status = 200, body = Health), (status = 503, body = Problem)))]
async fn ready(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    state
        .database
        .ready()
        .await
        .map_err(ApiError::unavailable)?;
    Ok(health_of(&state))
}

/// Counters for Prometheus. Keep this address from the internet at your reverse proxy.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, content_type = "text/plain", body = String)))]
async fn metrics(State(state): State<AppState>) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        state.metrics.render(),
    )
        .into_response()
}
