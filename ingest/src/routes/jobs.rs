//! Sync jobs.

use axum::Json;
use axum::extract::State;
use fluxion_model::id::JobId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::Viewer;
use crate::database::jobs::KEY_PARTS;
use crate::extract::{ApiPath, ApiQuery};
use crate::problem::{ApiError, Problem};
use crate::views::job::{JobFilter, JobView};
use crate::views::page::{Page, PageParams};

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(jobs))
        .routes(routes!(job))
}

/// Sync jobs, the latest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(JobFilter, PageParams), security(("session" = [])),
    responses(
    (status = 200, body = Page<JobView>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn jobs(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(filter): ApiQuery<JobFilter>,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Page<JobView>>, ApiError> {
    Ok(Json(
        state
            .database
            .jobs(who.tenant_id, &filter, &page.request(KEY_PARTS)?)
            .await?,
    ))
}

/// One sync job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = JobId, Path, description = "Which job")),
    security(("session" = [])), responses(
    (status = 200, body = JobView), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn job(
    State(state): State<AppState>,
    who: Viewer,
    ApiPath(id): ApiPath<JobId>,
) -> Result<Json<JobView>, ApiError> {
    Ok(Json(state.database.job(who.tenant_id, id).await?))
}
