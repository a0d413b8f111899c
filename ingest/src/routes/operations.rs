//! For whoever runs the service: is it alive, is it ready, what does it count?

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use chrono::{TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::database::DatabaseResult;
use crate::problem::{ApiError, Problem};

/// An agent that has not been heard of for this long counts as silent: three heartbeats.
const SILENT_AFTER: TimeDelta = TimeDelta::seconds(90);

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
    if let Err(error) = measure_fleet(&state).await {
        tracing::warn!(%error, "the fleet could not be measured; its gauges keep their last values until the database answers");
    }
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        state.metrics.render(),
    )
        .into_response()
}

/// Sets the gauges that tell of agents: how many are heard of, and how far behind the slowest is.
async fn measure_fleet(state: &AppState) -> DatabaseResult<()> {
    let now = Utc::now();
    let (mut heard, mut silent, mut batches, mut lag) = (0_u32, 0_u32, 0_i64, 0_i64);
    for tenant in state.database.tenants().await? {
        let agents = state.database.agents(tenant.id, None).await?;
        for agent in agents.iter().filter(|agent| agent.revoked_at.is_none()) {
            match agent.last_seen_at {
                Some(seen) if now - seen < SILENT_AFTER => heard += 1,
                _ => silent += 1,
            }
            batches = batches.saturating_add(agent.queued_batches.unwrap_or_default());
            let waiting = agent
                .oldest_queued_at
                .map(|oldest| (now - oldest).num_seconds());
            lag = lag.max(waiting.unwrap_or_default());
        }
    }
    metrics::gauge!("fluxion_agents", "state" => "heard").set(heard);
    metrics::gauge!("fluxion_agents", "state" => "silent").set(silent);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge that is off by one in 2^53 is still true"
    )]
    {
        metrics::gauge!("fluxion_queued_batches").set(batches as f64);
        metrics::gauge!("fluxion_queue_lag_seconds").set(lag as f64);
    }
    Ok(())
}
