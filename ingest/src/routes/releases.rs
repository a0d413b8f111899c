//! Where agents fetch the programs of a release.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use fluxion_model::release::Manifest;
use futures::StreamExt as _;
use tokio::sync::Semaphore;
use tower_http::services::ServeFile;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::throttle::Allowance;
use crate::database::agents::AgentIdentity;
use crate::database::releases::ReleaseState;
use crate::extract::ApiPath;
use crate::problem::{ApiError, Problem};

/// So many agents fetch at once from one instance; the others come back later. A slow line takes an hour for a program.
const AT_ONCE: usize = 64;
/// When the others come back.
const COME_BACK_SECONDS: u64 = 60;

/// The folder of the releases, and how many read from it.
#[derive(Debug)]
pub struct ReleaseFiles {
    folder: PathBuf,
    slots: Arc<Semaphore>,
}

impl ReleaseFiles {
    /// Programs in this folder: `FOLDER/0.2.0/fluxion-agent.exe`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(release_file))
}

/// A program of a release that is offered. `Range` fetches what is missing of it.
#[utoipa::path(get, path = "/v1/agents/releases/{version}/{file}", tag = "agents", security(("agent" = [])),
    params(("version" = String, Path, description = "As in `0.2.0`"), ("file" = String, Path, description = "Its name in the manifest")),
    responses((status = 200, body = String, content_type = "application/octet-stream"),
        (status = 206, body = String, content_type = "application/octet-stream"), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 416), (status = 429, body = Problem)))]
async fn release_file(
    State(state): State<AppState>,
    _: AgentIdentity,
    ApiPath((version, file)): ApiPath<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let releases = state.database.releases().await?;
    let found = releases
        .iter()
        .find(|release| release.version == version && release.state == ReleaseState::Offered)
        .and_then(|release| Manifest::read(&release.manifest).ok())
        .is_some_and(|manifest| manifest.files.iter().any(|known| known.name == file));
    if !found {
        return Err(ApiError::not_found(
            "release of that version with that file",
        ));
    }
    let files = &state.releases;
    let Ok(slot) = Arc::clone(&files.slots).try_acquire_owned() else {
        return Err(ApiError::too_many(
            Allowance {
                limit: AT_ONCE as u32,
                remaining: 0,
                reset_seconds: COME_BACK_SECONDS,
            },
            "Many agents fetch a release just now. Wait as Retry-After says.",
        ));
    };
    // Version and name are those of a published manifest, so they lead nowhere else.
    let path = files.folder.join(&version).join(&file);
    let served = ServeFile::new(&path).try_call(request).await;
    let served =
        served.map_err(|error| ApiError::internal(format!("{}: {error}", path.display())))?;
    if served.status() == StatusCode::NOT_FOUND {
        tracing::error!(path = %path.display(), "a published file is missing; publish the release's folder again");
        return Err(ApiError::not_found("file of that release"));
    }
    let (parts, body) = served.into_parts();
    let held = Body::new(body).into_data_stream().map(move |piece| {
        let _until_the_end = &slot;
        piece
    });
    Ok(Response::from_parts(parts, Body::from_stream(held)))
}
