//! A person, by the session's cookie. What changes something must come from this site's own pages.

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};

use super::identity::{Admin, Operator, Session, Viewer};
use super::secret::SecretHash;
use crate::problem::{ApiError, Kind};
use crate::routes::AppState;

/// The cookie's name where it is marked secure: browsers then keep other hosts from setting it.
pub const SECURE_COOKIE: &str = "__Host-fluxion_session";
/// The cookie's name over plain HTTP, for a first look on loopback.
pub const PLAIN_COOKIE: &str = "fluxion_session";

/// The secret in the session's cookie, if there is one.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Refuses what another site's page makes a browser send. Programs send neither header and carry no cookie by accident.
///
/// # Errors
/// When the browser says that the request comes from elsewhere.
pub fn same_site(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from_elsewhere = match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = text(HOST.as_str()).unwrap_or_default();
            origin.split_once("://").map(|(_, authority)| authority) != Some(host)
        }
        (None, None) => false,
    };
    if from_elsewhere {
        return Err(ApiError::new(
            Kind::CrossSite,
            "The browser says that this request comes from another site. Open the dashboard itself and try again.",
        ));
    }
    Ok(())
}

impl FromRequestParts<AppState> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        same_site(&parts.method, &parts.headers)?;
        let nobody = || {
            ApiError::new(
                Kind::Unauthenticated,
                "Log in first: the session is missing or has ended.",
            )
        };
        let secret = cookie(&parts.headers, state.cookie_name()).ok_or_else(nobody)?;
        let session = state
            .database
            .session(&SecretHash::of(secret).to_hex())
            .await?;
        session.ok_or_else(nobody)
    }
}

impl FromRequestParts<AppState> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Session::from_request_parts(parts, state).await?.viewer())
    }
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let session = Session::from_request_parts(parts, state).await?;
        session.operator().ok_or_else(|| too_low("operator"))
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let session = Session::from_request_parts(parts, state).await?;
        session.admin().ok_or_else(|| too_low("admin"))
    }
}

fn too_low(role: &str) -> ApiError {
    ApiError::new(
        Kind::Forbidden,
        format!("This needs the role {role}. Ask an administrator of your company."),
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn only_our_own_pages_and_programs_may_write() {
        let post = Method::POST;
        assert!(same_site(&post, &headers(&[("sec-fetch-site", "same-origin")])).is_ok());
        assert!(same_site(&post, &headers(&[("sec-fetch-site", "cross-site")])).is_err());
        assert!(same_site(&post, &headers(&[("sec-fetch-site", "same-site")])).is_err());
        assert!(
            same_site(
                &post,
                &headers(&[("origin", "https://a.example"), ("host", "a.example")])
            )
            .is_ok()
        );
        assert!(
            same_site(
                &post,
                &headers(&[("origin", "https://evil.example"), ("host", "a.example")])
            )
            .is_err()
        );
        assert!(
            same_site(
                &post,
                &headers(&[("origin", "null"), ("host", "a.example")])
            )
            .is_err()
        );
        assert!(same_site(&post, &headers(&[])).is_ok());
        assert!(same_site(&Method::GET, &headers(&[("sec-fetch-site", "cross-site")])).is_ok());
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let headers = headers(&[("cookie", "a=1; fluxion_session=abc; b=2")]);
        assert_eq!(cookie(&headers, PLAIN_COOKIE), Some("abc"));
        assert_eq!(cookie(&headers, SECURE_COOKIE), None);
    }
}
