//! Where agents fetch the programs of a release.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use fluxion_model::id::AgentId;
use fluxion_model::release::Manifest;
use futures::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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
/// One agent needs one; the second is for the try after a line that broke unnoticed.
const AT_ONCE_EACH: u32 = 2;
/// An answer that takes longer is ended, and the agent goes on from there: a line that died must not hold a place for ever.
const LONGEST: Duration = Duration::from_secs(2 * 3_600);
/// When the others come back.
const COME_BACK_SECONDS: u64 = 60;

/// The folder of the releases, and how many read from it.
#[derive(Debug)]
pub struct ReleaseFiles {
    folder: PathBuf,
    places: Arc<Semaphore>,
    each: Arc<Mutex<HashMap<AgentId, u32>>>,
}

/// Held while an agent fetches.
struct Place {
    agent: AgentId,
    each: Arc<Mutex<HashMap<AgentId, u32>>>,
    _one_of_all: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = each.get_mut(&self.agent) {
            *held -= 1;
            if *held == 0 {
                each.remove(&self.agent);
            }
        }
    }
}

impl ReleaseFiles {
    /// Programs in this folder: `FOLDER/0.2.0/fluxion-agent.exe`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            each: Arc::default(),
        }
    }

    /// A place for this agent; none when it holds enough, or all are taken.
    fn place(&self, agent: AgentId) -> Option<Place> {
        let one_of_all = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        let held = each.entry(agent).or_default();
        if *held >= AT_ONCE_EACH {
            return None;
        }
        *held += 1;
        Some(Place {
            agent,
            each: Arc::clone(&self.each),
            _one_of_all: one_of_all,
        })
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
    agent: AgentIdentity,
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
    let Some(place) = files.place(agent.agent) else {
        return Err(ApiError::too_many(
            Allowance {
                limit: AT_ONCE as u32,
                remaining: 0,
                reset_seconds: COME_BACK_SECONDS,
            },
            "Many agents fetch a release just now, or this one does already. Wait as Retry-After says.",
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
    let pieces = Body::new(body).into_data_stream();
    let held = pieces
        .take_until(tokio::time::sleep(LONGEST))
        .map(move |piece| {
            let _until_the_end = &place;
            piece
        });
    Ok(Response::from_parts(parts, Body::from_stream(held)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_agent_holds_two_places_and_no_more_until_it_gives_one_back() {
        let files = ReleaseFiles::new(PathBuf::new());
        let (one, other) = (AgentId::generate(), AgentId::generate());
        let held = [files.place(one), files.place(one)];
        assert!(held.iter().all(Option::is_some));
        assert!(files.place(one).is_none());
        assert!(files.place(other).is_some());
        drop(held);
        assert!(files.place(one).is_some());
        assert_eq!(files.places.available_permits(), AT_ONCE);
        assert!(files.each.lock().unwrap().is_empty());
    }
}
