//! What a call is answered. Every refusal is problem JSON (RFC 9457) that says what the sender must do, and its status says
//! whether sending again makes sense: 503, 429 and 408 do, the others do not until something is corrected.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::Utc;
use fluxion_model::webhook::{
    Event, EventProblem, Headers, ID_HEADER, Refused, SIGNATURE_HEADER, TIMESTAMP_HEADER, verify,
};
use futures::StreamExt;
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use super::desk::{Busy, Call, Found, Hall, Outcome};

/// What `/health` says it is; `doctor` knows the agent by it.
pub(super) const PRODUCT: &str = "fluxion-agent webhook";
/// How long a body may take.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How long a call waits for the spool. Senders give up after 15 to 30 seconds.
const STORED_WITHIN: Duration = Duration::from_secs(10);
/// Seconds after which to send again what could not be taken now.
const LATER: u64 = 5;
/// What is read of a body that is too large, so that the sender sees the answer and not a broken line.
const DRAINED_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn router(hall: Arc<Hall>) -> Router {
    Router::new()
        .route("/", post(take))
        .route("/webhook", post(take))
        .route("/health", get(health))
        .fallback(async || {
            let detail = "Send events by POST to / or /webhook; GET /health tells whether the agent listens.";
            problem(StatusCode::NOT_FOUND, "There is nothing here", detail)
        })
        .method_not_allowed_fallback(async || {
            let detail = "Send events by POST to / or /webhook; GET /health tells whether the agent listens.";
            problem(StatusCode::METHOD_NOT_ALLOWED, "Not by this method", detail)
        })
        .with_state(hall)
}

async fn health() -> Response {
    let now = Utc::now().timestamp();
    answer(
        StatusCode::OK,
        "application/json",
        &json!({"status": "ok", "product": PRODUCT, "time": now}),
    )
}

async fn take(State(hall): State<Arc<Hall>>, request: Request) -> Response {
    taken(&hall, request)
        .await
        .unwrap_or_else(|refusal| *refusal)
}

async fn taken(hall: &Hall, request: Request) -> Result<Response, Box<Response>> {
    let Ok(room) = Arc::clone(&hall.room).try_acquire_owned() else {
        return Err(later("Too many calls at once."));
    };
    let (head, body) = request.into_parts();
    let body = read(&head.headers, body, hall.target.max_body).await?;
    let id = believe(hall, &head.headers, &body)?;
    if let Err(seconds) = hall.count() {
        let detail = format!(
            "More events than the {} a minute that `connection.events_per_minute` allows.",
            hall.target.events_per_minute.unwrap_or_default()
        );
        return Err(again(StatusCode::TOO_MANY_REQUESTS, &detail, seconds));
    }
    let event = Event::read(&body, hall.target.max_body).map_err(|error| match error {
        EventProblem::TooLarge { .. } => too_large(hall.target.max_body),
        other => refuse(StatusCode::BAD_REQUEST, "No event", &sentence(&other)),
    })?;
    let desk = match hall.find(&event.event_type) {
        Found::Desk(desk) => desk,
        Found::NotYet => return Err(later("The agent is just starting.")),
        Found::Nobody(known) => return Err(unknown(&event.event_type, &known)),
    };
    let read = desk.read(&event);
    let call = Call {
        id: id.clone(),
        read,
        _room: room,
    };
    drop(body);
    let place = desk.hand_in(call).map_err(|Busy| {
        later(
            "The stream that takes this event is not reading now; `fluxion-agent status` says why.",
        )
    })?;
    match timeout(STORED_WITHIN, place.outcome).await {
        Ok(Ok(outcome)) => Ok(told(outcome, place.joined)),
        Ok(Err(_)) => Err(later(
            "The agent stopped reading before the event was stored.",
        )),
        Err(_) => Err(later("The event was not stored in time.")),
    }
}

/// The id of a call that is signed and fresh.
fn believe(hall: &Hall, headers: &HeaderMap, body: &[u8]) -> Result<String, Box<Response>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = Headers {
        id: text(ID_HEADER),
        timestamp: text(TIMESTAMP_HEADER),
        signature: text(SIGNATURE_HEADER),
    };
    let verified = verify(signed, body, Utc::now().timestamp(), &hall.target.secrets);
    verified.map(str::to_owned).map_err(|refused| {
        tracing::warn!("a call was refused: {refused}");
        let (status, title) = match refused {
            Refused::MissingHeader(_) | Refused::BadId | Refused::BadTimestamp => {
                (StatusCode::BAD_REQUEST, "A header is missing or wrong")
            }
            Refused::TooOld { .. } | Refused::TooNew { .. } => {
                (StatusCode::UNAUTHORIZED, "The clocks differ")
            }
            Refused::BadSignature => (StatusCode::UNAUTHORIZED, "The signature does not fit"),
        };
        refuse(status, title, &sentence(&refused))
    })
}

async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, Box<Response>> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // Who asks first is told before it sends.
    if announced.is_some_and(|length| length > limit) && headers.contains_key(EXPECT) {
        return Err(too_large(limit));
    }
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0_usize;
    let reading = async {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| {
                tracing::debug!(%error, "a body broke off");
                refuse(
                    StatusCode::BAD_REQUEST,
                    "The body broke off",
                    "Send the event again.",
                )
            })?;
            length = length.saturating_add(chunk.len());
            if length <= limit {
                bytes.extend_from_slice(&chunk);
            } else if length > limit + DRAINED_BYTES {
                break;
            }
        }
        Ok::<(), Box<Response>>(())
    };
    match timeout(BODY_WITHIN, reading).await {
        Ok(read) => read?,
        Err(_) if length > limit => {}
        Err(_) => {
            let detail = format!(
                "The body did not come within {} s; send it again.",
                BODY_WITHIN.as_secs()
            );
            return Err(refuse(StatusCode::REQUEST_TIMEOUT, "Too slow", &detail));
        }
    }
    if length > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

fn told(outcome: Outcome, joined: bool) -> Response {
    let mut body = match outcome {
        Outcome::Kept => json!({"status": "kept"}),
        Outcome::Known => json!({"status": "kept", "duplicate": true}),
        Outcome::Rejected(problems) => json!({
            "status": "rejected",
            "rejected": true,
            "problems": problems,
            "what_to_do": "The event is kept among the rejected rows and need not be sent again as it is. Once it is corrected, send it under a new webhook-id.",
        }),
    };
    if joined {
        body["duplicate"] = Json::Bool(true);
    }
    answer(StatusCode::OK, "application/json", &body)
}

fn unknown(event: &str, known: &[String]) -> Box<Response> {
    let detail = format!(
        "No stream of this POS system takes the event {event:?}; taken are: {}. Do not send it again, or add a stream for it \
         to the mapping.",
        known.join(", ")
    );
    tracing::warn!("{detail}");
    let mut body = about(
        StatusCode::UNPROCESSABLE_ENTITY,
        "Nobody takes this event",
        &detail,
    );
    body["known"] = json!(known);
    Box::new(answer(StatusCode::UNPROCESSABLE_ENTITY, PROBLEM, &body))
}

fn too_large(limit: usize) -> Box<Response> {
    let detail = format!(
        "The body is larger than the {limit} bytes of `connection.max_body_bytes`; send one event per call, or raise it."
    );
    refuse(StatusCode::PAYLOAD_TOO_LARGE, "Too large", &detail)
}

fn later(why: &str) -> Box<Response> {
    again(
        StatusCode::SERVICE_UNAVAILABLE,
        &format!("{why} Send it again later, under the same webhook-id."),
        LATER,
    )
}

fn again(status: StatusCode, detail: &str, seconds: u64) -> Box<Response> {
    tracing::debug!("a call is asked to come later: {detail}");
    let mut response = problem(status, "Not now", detail);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    Box::new(response)
}

fn refuse(status: StatusCode, title: &str, detail: &str) -> Box<Response> {
    Box::new(problem(status, title, detail))
}

const PROBLEM: &str = "application/problem+json";

fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    answer(status, PROBLEM, &about(status, title, detail))
}

fn about(status: StatusCode, title: &str, detail: &str) -> Json {
    json!({"title": title, "status": status.as_u16(), "detail": detail})
}

fn answer(status: StatusCode, kind: &'static str, body: &Json) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let kind = axum::http::HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// An error's words with a capital and a full stop.
fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", letters.as_str())
}
