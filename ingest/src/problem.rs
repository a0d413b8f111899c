//! What goes wrong, told to whoever asked: problem details (RFC 9457), one type for every answer that is not a success.
//!
//! The text of the database never leaves. What the operator needs to know goes to the log, once, here.

use std::error::Error;
use std::fmt;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::throttle::Allowance;

/// The body of every answer that is not a success.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind of problem: `urn:fluxion:problem:` and the code.
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, and what to do about it.
    pub detail: String,
    /// A short, stable word to branch on and to translate by.
    pub code: String,
    /// The field or parameter that is wrong, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Names this request in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The content type of a problem.
pub const CONTENT: &str = "application/problem+json";

/// The kinds of problem: status, code and title belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request makes no sense.
    Invalid,
    /// Nobody is logged in, or the token is not known.
    Unauthenticated,
    /// E-mail address or password is wrong.
    WrongLogin,
    /// The role or the agent may not do this.
    Forbidden,
    /// The request did not come from this site's own pages.
    CrossSite,
    /// There is no such thing, or it belongs to somebody else.
    NotFound,
    /// There is, but not with this method.
    MethodNotAllowed,
    /// There was, and it takes nothing any more.
    Gone,
    /// Well formed, but it means nothing here.
    Unprocessable,
    /// It took too long.
    Timeout,
    /// It contradicts what is there.
    Conflict,
    /// The body is beyond a limit.
    TooLarge,
    /// The body is of a kind that is not read.
    UnsupportedMedia,
    /// Too many requests.
    TooMany,
    /// A bug.
    Internal,
    /// The database cannot be reached.
    Unavailable,
}

impl Kind {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Invalid => (
                StatusCode::BAD_REQUEST,
                "invalid",
                "The request is not valid",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Who asks is not known",
            ),
            Self::WrongLogin => (
                StatusCode::UNAUTHORIZED,
                "wrong_login",
                "Wrong e-mail address or password",
            ),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::CrossSite => (
                StatusCode::FORBIDDEN,
                "cross_site",
                "Refused from another site",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
            ),
            Self::Gone => (StatusCode::GONE, "gone", "No longer here"),
            Self::Unprocessable => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unprocessable",
                "It means nothing here",
            ),
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout", "It took too long"),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "It contradicts what is there",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "The body is too large",
            ),
            Self::UnsupportedMedia => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body is of a kind that is not read",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "Too many requests",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The service failed",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service is not available",
            ),
        }
    }

    /// The kind that stands behind a status, for answers made by libraries.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::Timeout,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::GONE => Self::Gone,
            StatusCode::UNPROCESSABLE_ENTITY => Self::Unprocessable,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMedia,
            StatusCode::TOO_MANY_REQUESTS => Self::TooMany,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            status if status.is_server_error() => Self::Internal,
            _ => Self::Invalid,
        }
    }
}

/// What a handler fails with.
#[derive(Debug)]
pub struct ApiError {
    kind: Kind,
    detail: String,
    field: Option<String>,
    retry_after: Option<u64>,
    allowance: Option<Allowance>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// A problem of this kind. `detail` says what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            field: None,
            retry_after: None,
            allowance: None,
            cause: None,
        }
    }

    /// A field or parameter is wrong.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(Kind::Invalid, detail)
        }
    }

    /// There is no such thing among those that the one who asks may see.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Kind::NotFound,
            format!("There is no such {what}. Check the id; it may also have been removed."),
        )
    }

    /// Too many requests.
    #[must_use]
    pub fn too_many(allowance: Allowance, detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(allowance.reset_seconds.max(1)),
            allowance: Some(allowance),
            ..Self::new(Kind::TooMany, detail)
        }
    }

    /// A bug; the cause goes to the log alone.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(
                Kind::Internal,
                "Try again; if it stays, give the request id to whoever runs this service.",
            )
        }
    }

    /// The database cannot be reached; the cause goes to the log alone.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            retry_after: Some(5),
            cause: Some(cause.into()),
            ..Self::new(
                Kind::Unavailable,
                "The database does not answer. Try again in a few seconds.",
            )
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.kind.parts().0
    }

    fn log(&self) {
        let Some(cause) = &self.cause else { return };
        let chain = std::iter::successors(cause.source(), |error| (*error).source())
            .fold(cause.to_string(), |text, error| format!("{text}: {error}"));
        match self.kind {
            Kind::Unavailable => {
                tracing::warn!(error = %chain, "the database does not answer; check that it runs and that it can be reached");
            }
            _ => {
                tracing::error!(error = %chain, "a request failed through no fault of its sender; please report this line")
            }
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let (status, code, title) = self.kind.parts();
        let problem = Problem {
            r#type: format!("urn:fluxion:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            code: code.to_owned(),
            field: self.field,
            request_id: None,
        };
        let mut response = problem.into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allowance) = self.allowance {
            headers.extend(rate_limit_headers(allowance));
        }
        if self.kind == Kind::Unauthenticated {
            headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// `RateLimit-*` headers, for those who would rather slow down than be refused.
#[must_use]
pub fn rate_limit_headers(allowance: Allowance) -> [(HeaderName, HeaderValue); 3] {
    [
        (
            HeaderName::from_static("ratelimit-limit"),
            HeaderValue::from(allowance.limit),
        ),
        (
            HeaderName::from_static("ratelimit-remaining"),
            HeaderValue::from(allowance.remaining),
        ),
        (
            HeaderName::from_static("ratelimit-reset"),
            HeaderValue::from(allowance.reset_seconds),
        ),
    ]
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, CONTENT)], body).into_response();
        // The outermost layer writes it again with the request's id.
        response.extensions_mut().insert(self);
        response
    }
}
