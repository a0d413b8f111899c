//! What handlers take from a request, failing with problems instead of a library's plain text.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use serde::de::DeserializeOwned;

use crate::problem::{ApiError, Kind};

/// A JSON body. An empty body reads as an empty object, so that a request without wishes needs none.
#[derive(Debug)]
pub struct ApiJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let typed = request
            .headers()
            .contains_key(axum::http::header::CONTENT_TYPE);
        if !typed {
            let body = axum::body::Bytes::from_request(request, state)
                .await
                .map_err(body_problem)?;
            if !body.is_empty() {
                return Err(ApiError::new(
                    Kind::UnsupportedMedia,
                    "Send the body with Content-Type: application/json.",
                ));
            }
            let empty = serde_json::from_str("{}").map_err(|error| {
                ApiError::new(
                    Kind::Invalid,
                    format!("This request needs a JSON body: {error}."),
                )
            })?;
            return Ok(Self(empty));
        }
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(json_problem(&rejection)),
        }
    }
}

fn json_problem(rejection: &JsonRejection) -> ApiError {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => ApiError::new(
            Kind::UnsupportedMedia,
            "Send the body with Content-Type: application/json.",
        ),
        rejection if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            Kind::TooLarge,
            "The body is larger than this request may have.",
        ),
        rejection => ApiError::new(
            Kind::Invalid,
            format!("The body cannot be read: {}.", rejection.body_text()),
        ),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn body_problem(rejection: BytesRejection) -> ApiError {
    ApiError::new(
        Kind::of_status(rejection.status()),
        "The body could not be read whole. Send it again, smaller.",
    )
}

/// Query parameters.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => Err(ApiError::new(
                Kind::Invalid,
                format!("A query parameter is wrong: {}.", error.body_text()),
            )),
            Err(rejection) => Err(ApiError::new(Kind::Invalid, rejection.body_text())),
        }
    }
}

/// Parts of the path. One that is no id names nothing that exists.
#[derive(Debug)]
pub struct ApiPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => Err(ApiError::new(
                Kind::NotFound,
                format!("The address names nothing: {}.", error.body_text()),
            )),
            Err(rejection) => Err(ApiError::internal(rejection.body_text())),
        }
    }
}

/// Where a request comes from, as text; empty where that is not known. Behind a proxy it is the proxy.
#[derive(Debug)]
pub struct PeerAddress(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PeerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(
            info.map(|ConnectInfo(address)| address.ip().to_string())
                .unwrap_or_default(),
        ))
    }
}
