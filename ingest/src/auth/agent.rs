//! An agent, by its token.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::secret::SecretHash;
use crate::database::DatabaseError;
use crate::database::agents::AgentIdentity;
use crate::problem::{ApiError, Kind};
use crate::routes::AppState;

impl FromRequestParts<AppState> for AgentIdentity {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| unknown("The request carries no agent's token."))?;
        match state
            .database
            .authenticate(&SecretHash::of(token.trim()).to_hex())
            .await
        {
            Ok(identity) => Ok(identity),
            Err(DatabaseError::NotFound(_)) => Err(unknown(
                "This agent's token is not known, or it was revoked.",
            )),
            Err(error) => Err(error.into()),
        }
    }
}

fn unknown(what: &str) -> ApiError {
    ApiError::new(
        Kind::Unauthenticated,
        format!("{what} Make an enrolment code in the dashboard and enrol the agent again."),
    )
}
