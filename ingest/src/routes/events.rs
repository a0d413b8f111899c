//! What changed, as it changes, for the dashboard.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use chrono::{TimeDelta, Utc};
use fluxion_model::Uuid;
use futures::stream::{self, Stream, StreamExt as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::Viewer;
use crate::database::accounts::Event as Happened;
use crate::problem::Problem;

/// How often the table of events is read, for each browser that listens.
const LOOK_EVERY: Duration = Duration::from_millis(700);
/// How far back each look reaches: a transaction may commit an event seconds after it stamped it.
const OVERLAP: TimeDelta = TimeDelta::seconds(20);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Server-sent events: `store_changed`, `job_changed`, `conflict_changed`, `reject_changed`. The data says what it is
/// about; read it anew from the API.
#[utoipa::path(get, path = "/v1/events", tag = "overview", security(("session" = [])), responses(
    (status = 200, content_type = "text/event-stream", body = String), (status = 401, body = Problem)))]
async fn events(
    State(state): State<AppState>,
    who: Viewer,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stopping = state.stopping.clone();
    let listener = Listener {
        state,
        who,
        seen: HashSet::new(),
        begun: Utc::now(),
    };
    let stream = stream::unfold(listener, |mut listener| async move {
        let events = listener.next().await;
        Some((stream::iter(events.into_iter().map(Ok)), listener))
    });
    let stream = stream
        .flatten()
        .take_until(async move { stopping.given().await });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

struct Listener {
    state: AppState,
    who: Viewer,
    seen: HashSet<Uuid>,
    begun: chrono::DateTime<Utc>,
}

impl Listener {
    async fn next(&mut self) -> Vec<Event> {
        tokio::time::sleep(LOOK_EVERY).await;
        let since = (Utc::now() - OVERLAP).max(self.begun);
        let happened = match self
            .state
            .database
            .events_since(self.who.tenant_id, since)
            .await
        {
            Ok(happened) => happened,
            Err(error) => {
                tracing::debug!(%error, "events could not be read; the next look makes up for it");
                return Vec::new();
            }
        };
        let fresh = happened
            .iter()
            .filter(|event| !self.seen.contains(&event.id))
            .map(told)
            .collect();
        self.seen = happened.iter().map(|event| event.id).collect();
        fresh
    }
}

fn told(event: &Happened) -> Event {
    Event::default()
        .id(event.id.to_string())
        .event(&event.kind)
        .data(event.payload.to_string())
}
