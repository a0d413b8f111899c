//! The dashboard, embedded. A build without Node has none, and a page says where it went.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::problem::{ApiError, Kind};

#[derive(RustEmbed)]
#[folder = "../dashboard/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";

/// A file of the dashboard; the page itself for any path that is not the API's, because the page knows its own routes.
pub async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "v1" || path.starts_with("v1/") {
        return ApiError::new(
            Kind::NotFound,
            "There is no such address in the API; /docs lists all of them.",
        )
        .into_response();
    }
    if let Some(file) = Files::get(path).filter(|_| !path.is_empty()) {
        return answer(path, file);
    }
    if path.starts_with("assets/") {
        return ApiError::not_found("file").into_response();
    }
    match Files::get(INDEX) {
        Some(page) => answer(INDEX, page),
        None => missing(),
    }
}

fn answer(path: &str, file: rust_embed::EmbeddedFile) -> Response {
    // Names of assets change with their content; the page that names them must be asked for each time.
    let caching = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let mut response = Response::new(Body::from(file.data));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn missing() -> Response {
    const PAGE: &str = include_str!("dashboard/missing.html");
    (
        StatusCode::OK,
        [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-cache"),
        ],
        PAGE,
    )
        .into_response()
}
