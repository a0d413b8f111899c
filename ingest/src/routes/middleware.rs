//! What surrounds every handler: request ids, log lines, counts, time limits, security headers, compression, and
//! problems in place of any library's plain text.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use fluxion_model::Uuid;
use fluxion_model::fingerprint::Fingerprint;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use crate::problem::{ApiError, Kind, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer than any request may take that is not held open on purpose.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// Where agents post. Who they are is known before the body is read.
const DELIVERIES: &str = "/v1/agents/batches";
/// The slowest line, in bytes per second, over which a delivery still gets through.
const SLOWEST_LINE: u64 = 1_000;
/// No delivery is waited for longer.
const LONGEST_DELIVERY: Duration = Duration::from_secs(3_600);
/// What the dashboard needs, and nothing else. Its component library writes style attributes.
const CONTENT_SECURITY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Puts all of it around a router.
pub fn around(router: Router) -> Router {
    let compressible = SizeAbove::new(1024)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES);
    router
        .layer(from_fn(etag))
        .layer(from_fn(time_limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(from_fn(observe))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    ApiError::internal(format!("a handler panicked: {text}")).into_response()
}

async fn time_limit(request: Request, next: Next) -> Response {
    // It watches over its own time: a file of a month takes as long as the line takes.
    if request.uri().path() == super::carry::PATH {
        return next.run(request).await;
    }
    let limit = limit_for(request.uri().path(), request.headers());
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = limit.as_secs();
            let what = format!("It took more than {seconds} seconds. Ask for less at once.");
            ApiError::new(Kind::Timeout, what).into_response()
        }
    }
}

/// A delivery over a narrow line, or from an agent that may take only so much of it, is given the time that its announced
/// length needs.
fn limit_for(path: &str, headers: &HeaderMap) -> Duration {
    let length = headers
        .get(CONTENT_LENGTH)
        .filter(|_| path == DELIVERIES)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok())
        .unwrap_or(0);
    (TIME_LIMIT + Duration::from_secs(length / SLOWEST_LINE)).min(LONGEST_DELIVERY)
}

/// Answers 304 to whoever has the same list already.
async fn etag(request: Request, next: Next) -> Response {
    let wanted = request.method() == Method::GET
        && request.uri().path().starts_with("/v1/")
        && !request.uri().path().starts_with("/v1/events")
        // A whole program would be held in memory for its tag; and an agent has its hash already.
        && !request.uri().path().starts_with("/v1/agents/releases/");
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !wanted || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return ApiError::internal("an answer could not be put together").into_response();
    };
    let tag = format!("\"{:?}\"", Fingerprint::of(&bytes));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(ETAG, value);
    }
    parts
        .headers
        .insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if known.is_some_and(|known| {
        known
            .to_str()
            .is_ok_and(|known| known.trim_start_matches("W/") == tag)
    }) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(axum::http::header::CONTENT_LENGTH);
        return Response::from_parts(parts, axum::body::Body::empty());
    }
    Response::from_parts(parts, axum::body::Body::from(bytes))
}

/// One id, one log line and one count per request; and the id in every problem.
async fn observe(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", id = %id);
    let response = {
        use tracing::Instrument as _;
        next.run(request).instrument(span.clone()).await
    };
    let response = finish(response, &id);
    let (status, elapsed) = (response.status(), begun.elapsed());
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::warn!(%method, %route, status = status.as_u16(), ?elapsed, "answered");
        } else {
            tracing::debug!(%method, %route, status = status.as_u16(), ?elapsed, "answered");
        }
    });
    let labels = [
        ("method", method.to_string()),
        ("route", route),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("fluxion_requests_total", &labels).increment(1);
    metrics::histogram!("fluxion_request_seconds", &labels[..2]).record(elapsed);
    response
}

fn request_id(request: &Request) -> String {
    let sent = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let usable = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    sent.filter(usable)
        .map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

fn finish(mut response: Response, id: &str) -> Response {
    let problem = response
        .extensions_mut()
        .remove::<Problem>()
        .or_else(|| plain_failure(&response));
    if let Some(problem) = problem {
        let (old, _) = response.into_parts();
        response = Problem {
            request_id: Some(id.to_owned()),
            ..problem
        }
        .into_response();
        // Retry-After and the like stay; what described the old body goes.
        for (name, value) in &old.headers {
            if !matches!(
                name.as_str(),
                "content-type" | "content-length" | "content-encoding"
            ) {
                response.headers_mut().append(name, value.clone());
            }
        }
        response.extensions_mut().remove::<Problem>();
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in [
        ("content-security-policy", CONTENT_SECURITY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

/// A failure that a library answered with its own text.
fn plain_failure(response: &Response) -> Option<Problem> {
    let status = response.status();
    let json = response
        .headers()
        .get(axum::http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.contains("json")));
    if json || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let error = ApiError::new(
        Kind::of_status(status),
        "The request could not be answered.",
    )
    .into_response();
    error.extensions().get::<Problem>().map(|problem| Problem {
        status: status.as_u16(),
        ..problem.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_over_a_narrow_line_has_the_time_its_length_needs_and_nothing_else_has() {
        let announced = |length: &'static str| {
            HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static(length))])
        };
        let seconds = |path, headers| limit_for(path, &headers).as_secs();
        assert_eq!(seconds(DELIVERIES, announced("800000")), 920);
        assert_eq!(seconds(DELIVERIES, announced("16000000")), 3_600);
        assert_eq!(seconds(DELIVERIES, announced("much")), 120);
        assert_eq!(seconds(DELIVERIES, HeaderMap::new()), 120);
        assert_eq!(seconds("/v1/agents/enrol", announced("800000")), 120);
    }
}
