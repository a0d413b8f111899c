//! Rows set aside: looking at them, having them read again, and saying that they do not matter.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fluxion_model::id::RejectId;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::{Operator, Viewer};
use crate::database::accounts::{Actor, Audited};
use crate::database::rejects::KEY_PARTS;
use crate::extract::{ApiPath, ApiQuery};
use crate::ops::commands;
use crate::problem::{ApiError, Problem};
use crate::views::page::{Page, PageParams};
use crate::views::reject::{RejectFilter, RejectView, ReplayQueued};

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(rejects))
        .routes(routes!(replay))
        .routes(routes!(dismiss))
}

/// Rows set aside, the latest first; open ones unless another state is asked for.
#[utoipa::path(get, path = "/v1/rejects", tag = "rejects", params(RejectFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<RejectView>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn rejects(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<RejectFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Page<RejectView>>, ApiError> {
    Ok(Json(
        state
            .database
            .rejects(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// Asks the agent to read the row again, in case the POS or the mapping was mended.
#[utoipa::path(post, path = "/v1/rejects/{id}/replay", tag = "rejects",
    params(("id" = RejectId, Path, description = "Which reject")), security(("session" = [])), responses(
    (status = 202, body = ReplayQueued), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn replay(
    State(state): State<AppState>,
    who: Operator,
    ApiPath(id): ApiPath<RejectId>,
) -> Result<(StatusCode, Json<ReplayQueued>), ApiError> {
    let command = commands::replay_reject(state.database.as_ref(), &who, id).await?;
    state.commands_queued.notify_waiters();
    audit(&state, &who, "reject.replay", id).await?;
    Ok((StatusCode::ACCEPTED, Json(ReplayQueued { command })))
}

/// Says that the reject does not matter. It stays away for as long as the row is wrong in the same way.
#[utoipa::path(post, path = "/v1/rejects/{id}/dismiss", tag = "rejects",
    params(("id" = RejectId, Path, description = "Which reject")), security(("session" = [])), responses(
    (status = 200, body = RejectView), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem)))]
async fn dismiss(
    State(state): State<AppState>,
    who: Operator,
    ApiPath(id): ApiPath<RejectId>,
) -> Result<Json<RejectView>, ApiError> {
    state
        .database
        .dismiss_reject(who.tenant_id, id, who.user_id)
        .await?;
    audit(&state, &who, "reject.dismiss", id).await?;
    let reject = state.database.reject(who.tenant_id, id).await?;
    let payload = json!({
        "store_id": reject.store_id, "pos_system_id": reject.pos_system_id, "stream": reject.stream,
    });
    state
        .database
        .add_event(who.tenant_id, "reject_changed", &payload)
        .await?;
    Ok(Json(reject))
}

async fn audit(
    state: &AppState,
    who: &Operator,
    action: &str,
    reject: RejectId,
) -> Result<(), ApiError> {
    let entry = Audited {
        actor: Actor::User(who.user_id),
        action,
        entity_type: "reject",
        entity_id: reject.to_string(),
        details: json!({}),
    };
    Ok(state.database.audit(who.tenant_id, &entry).await?)
}
