//! Truths that disagree: looking at them, and deciding.

use axum::Json;
use axum::extract::State;
use fluxion_model::id::ConflictId;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::{Operator, Viewer};
use crate::database::accounts::{Actor, Audited};
use crate::database::conflicts::KEY_PARTS;
use crate::database::resolutions::{self, Resolution};
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::{ApiError, Problem};
use crate::views::conflict::{ConflictFilter, ConflictView, Resolve, Strategy};
use crate::views::page::{Page, PageParams};

/// The longest note.
const MAX_NOTES: usize = 2000;

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(conflicts))
        .routes(routes!(conflict))
        .routes(routes!(resolve))
}

/// Conflicts, those that cost most first; open ones unless another state is asked for.
#[utoipa::path(get, path = "/v1/conflicts", tag = "conflicts", params(ConflictFilter, PageParams),
    security(("session" = [])), responses(
    (status = 200, body = Page<ConflictView>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn conflicts(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<ConflictFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Page<ConflictView>>, ApiError> {
    Ok(Json(
        state
            .database
            .conflicts(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// One conflict.
#[utoipa::path(get, path = "/v1/conflicts/{id}", tag = "conflicts",
    params(("id" = ConflictId, Path, description = "Which conflict")), security(("session" = [])), responses(
    (status = 200, body = ConflictView), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn conflict(
    State(state): State<AppState>,
    who: Viewer,
    ApiPath(id): ApiPath<ConflictId>,
) -> Result<Json<ConflictView>, ApiError> {
    Ok(Json(state.database.conflict(who.tenant_id, id).await?))
}

/// Decides a conflict in one of its ways.
#[utoipa::path(post, path = "/v1/conflicts/{id}/resolve", tag = "conflicts", request_body = Resolve,
    params(("id" = ConflictId, Path, description = "Which conflict")), security(("session" = [])), responses(
    (status = 200, body = ConflictView), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn resolve(
    State(state): State<AppState>,
    who: Operator,
    ApiPath(id): ApiPath<ConflictId>,
    ApiJson(wish): ApiJson<Resolve>,
) -> Result<Json<ConflictView>, ApiError> {
    let conflict = state.database.conflict(who.tenant_id, id).await?;
    let resolution = resolution_of(wish, &conflict)?;
    state
        .database
        .resolve_conflict(who.tenant_id, id, &resolution, who.user_id)
        .await?;
    let entry = Audited {
        actor: Actor::User(who.user_id),
        action: "conflict.resolve",
        entity_type: "conflict",
        entity_id: id.to_string(),
        details: json!({ "strategy": resolution.strategy, "notes": resolution.notes }),
    };
    state.database.audit(who.tenant_id, &entry).await?;
    let payload = json!({ "store_id": conflict.store_id, "pos_system_id": conflict.pos_system_id });
    state
        .database
        .add_event(who.tenant_id, "conflict_changed", &payload)
        .await?;
    Ok(Json(state.database.conflict(who.tenant_id, id).await?))
}

/// The wish, when it is one of the conflict's ways.
fn resolution_of(wish: Resolve, conflict: &ConflictView) -> Result<Resolution, ApiError> {
    let unfit = || {
        let ways: Vec<&str> = conflict
            .strategies
            .iter()
            .map(|strategy| strategy.as_str())
            .collect();
        ApiError::invalid(
            "strategy",
            format!("this conflict can be decided by {}", ways.join(", ")),
        )
    };
    if !conflict.strategies.contains(&wish.strategy) {
        return Err(unfit());
    }
    let strategy = match wish.strategy {
        Strategy::Merge => resolutions::Strategy::Merge,
        Strategy::KeepFirst => resolutions::Strategy::KeepFirst,
        Strategy::Manual => resolutions::Strategy::Manual,
        Strategy::PosWins | Strategy::CloudWins | Strategy::NewestWins | Strategy::Average => {
            return Err(unfit());
        }
    };
    if wish
        .notes
        .as_ref()
        .is_some_and(|notes| notes.chars().count() > MAX_NOTES)
    {
        return Err(ApiError::invalid(
            "notes",
            format!("the note is longer than {MAX_NOTES} characters; shorten it"),
        ));
    }
    Ok(Resolution {
        strategy,
        notes: wish.notes,
        assignments: Vec::new(),
    })
}
