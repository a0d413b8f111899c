//! The API: every address, who may ask, and within which bounds. Handlers extract, call one thing, and answer.

pub mod agents;
pub mod carry;
pub mod conflicts;
pub mod documents;
pub mod events;
pub mod jobs;
pub mod middleware;
pub mod operations;
pub mod overview;
pub mod pos_systems;
pub mod products;
pub mod rejects;
pub mod releases;
pub mod session;
pub mod stores;
pub mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Notify;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::auth::person::{PLAIN_COOKIE, SECURE_COOKIE};
use crate::auth::throttle::Throttle;
use crate::config::Cookies;
use crate::dashboard;
use crate::database::Database;
use crate::ops::webhook::rulebook::Rulebooks;
use crate::problem::{ApiError, Kind, Problem};
use crate::stop::Stop;

/// The largest body of a request other than a delivery.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// What every handler can reach.
#[derive(Clone)]
pub struct AppState {
    /// Where things are kept.
    pub database: Arc<dyn Database>,
    /// Wakes requests for commands that agents hold open, when a command is queued on this instance.
    pub commands_queued: Arc<Notify>,
    /// Ends the requests that are held open when the service stops.
    pub stopping: Stop,
    cookies: Cookies,
    limits: Arc<Limits>,
    rulebooks: Arc<Rulebooks>,
    releases: Arc<releases::ReleaseFiles>,
    metrics: PrometheusHandle,
}

struct Limits {
    logins_by_email: Throttle,
    logins_by_address: Throttle,
    enrolments: Throttle,
    deliveries: Throttle,
    events: Throttle,
    refusals: Throttle,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            logins_by_email: Throttle::new(5, Duration::from_secs(60)),
            logins_by_address: Throttle::new(30, Duration::from_secs(10)),
            enrolments: Throttle::new(10, Duration::from_secs(30)),
            // A first load of hundreds of batches is welcome; a loop that has gone mad is not.
            deliveries: Throttle::new(600, Duration::from_millis(50)),
            // Five a second for days on end: how many event ids are kept rests on it.
            events: Throttle::new(600, Duration::from_millis(200)),
            refusals: Throttle::new(1, Duration::from_secs(10)),
        }
    }
}

impl AppState {
    /// State over an open database.
    #[must_use]
    pub fn new(database: Arc<dyn Database>, cookies: Cookies, metrics: PrometheusHandle) -> Self {
        Self {
            database,
            commands_queued: Arc::default(),
            stopping: Stop::default(),
            cookies,
            limits: Arc::default(),
            rulebooks: Arc::default(),
            releases: Arc::new(releases::ReleaseFiles::new(PathBuf::from("releases"))),
            metrics,
        }
    }

    /// Hands out the agents' releases from this folder.
    #[must_use]
    pub fn with_releases_in(self, folder: PathBuf) -> Self {
        Self {
            releases: Arc::new(releases::ReleaseFiles::new(folder)),
            ..self
        }
    }

    /// Name of the session's cookie.
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        match self.cookies {
            Cookies::Secure => SECURE_COOKIE,
            Cookies::Plain => PLAIN_COOKIE,
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fluxion Sync",
        description = "Brings what happens in legacy point-of-sale systems into one place. Amounts and quantities are \
                       decimal texts, moments are UTC, lists come in pages, and whatever is not a success is a problem \
                       (RFC 9457)."
    ),
    components(schemas(Problem)),
    modifiers(&Securities),
    tags(
        (name = "session", description = "Logging in and out"),
        (name = "overview", description = "The fleet at a glance"),
        (name = "stores", description = "Stores, enrolment codes, syncs"),
        (name = "jobs", description = "Sync jobs"),
        (name = "rejects", description = "Rows set aside"),
        (name = "conflicts", description = "Truths that disagree"),
        (name = "inventory", description = "Unified products"),
        (name = "records", description = "Records as each POS sent them"),
        (name = "agents", description = "What agents call"),
        (name = "webhooks", description = "What a POS calls that tells by itself what happened"),
        (name = "operations", description = "For whoever runs the service"),
    )
)]
struct ApiDoc;

struct Securities;

impl utoipa::Modify for Securities {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{
            ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme,
        };
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "agent",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
        let cookie = ApiKeyValue::with_description(SECURE_COOKIE, "set by POST /v1/session");
        let signature = ApiKeyValue::with_description(
            fluxion_model::webhook::SIGNATURE_HEADER,
            "HMAC-SHA256 by Standard Webhooks",
        );
        components
            .add_security_scheme("webhook", SecurityScheme::ApiKey(ApiKey::Header(signature)));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .merge(session::router())
        .merge(overview::router())
        .merge(stores::router())
        .merge(pos_systems::router())
        .merge(jobs::router())
        .merge(rejects::router())
        .merge(conflicts::router())
        .merge(products::router())
        .merge(documents::router())
        .merge(events::router())
        .merge(operations::router())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .merge(agents::router())
        .merge(carry::router())
        .merge(releases::router())
        .merge(webhooks::router())
}

/// The API's description.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// The description as it is committed: `ingest/openapi.json`.
///
/// # Errors
/// Never for a description of ours.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    Ok(openapi().to_pretty_json()? + "\n")
}

/// Everything the service answers.
pub fn app(state: AppState) -> Router {
    let (router, openapi) = api().split_for_parts();
    let router = router
        .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi))
        .fallback(get(dashboard::serve).fallback(unknown))
        .method_not_allowed_fallback(wrong_method)
        .with_state(state);
    middleware::around(router)
}

async fn unknown() -> Response {
    ApiError::new(
        Kind::NotFound,
        "There is no such address; /docs lists all of them.",
    )
    .into_response()
}

async fn wrong_method() -> Response {
    ApiError::new(
        Kind::MethodNotAllowed,
        "This address knows other methods; /docs lists them.",
    )
    .into_response()
}

impl From<crate::database::DatabaseError> for ApiError {
    fn from(error: crate::database::DatabaseError) -> Self {
        use crate::database::DatabaseError as Db;
        match error {
            Db::NotFound(what) => Self::not_found(what.trim_start_matches("the ")),
            Db::Conflict(message) => Self::new(Kind::Conflict, format!("{message}.")),
            Db::OutOfOrder(expected) => Self::new(
                Kind::Conflict,
                format!("Batch {} is expected next.", expected.expected),
            ),
            Db::Unavailable { .. } => Self::unavailable(error),
            Db::Internal { .. } => Self::internal(error),
        }
    }
}
