//! Logging in and out.

use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use chrono::{TimeDelta, Utc};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::{Session, Viewer};
use crate::auth::person::{cookie, same_site};
use crate::auth::secret::{SecretHash, random_token};
use crate::auth::{password, throttle::Allowance};
use crate::config::Cookies;
use crate::database::accounts::{Actor, Audited};
use crate::extract::{ApiJson, PeerAddress};
use crate::problem::{ApiError, Kind, Problem};
use crate::views::account::{Login, Me};

/// A working day and its night.
const SESSION_HOURS: i64 = 24;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(log_in, log_out))
        .routes(routes!(me))
}

/// Logs in. The session is a cookie that scripts cannot read.
#[utoipa::path(post, path = "/v1/session", tag = "session", request_body = Login, responses(
    (status = 200, body = Me), (status = 401, body = Problem), (status = 429, body = Problem)))]
async fn log_in(
    State(state): State<AppState>,
    PeerAddress(address): PeerAddress,
    headers: HeaderMap,
    ApiJson(login): ApiJson<Login>,
) -> Result<Response, ApiError> {
    same_site(&Method::POST, &headers)?;
    let email = login.email.trim().to_lowercase();
    state
        .limits
        .logins_by_address
        .take(&address)
        .map_err(too_often)?;
    state
        .limits
        .logins_by_email
        .take(&email)
        .map_err(too_often)?;

    let known = state.database.credentials(&email).await?;
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let right = password::verify(login.password, hash)
        .await
        .map_err(ApiError::internal)?;
    let Some(known) = known.filter(|_| right) else {
        metrics::counter!("fluxion_logins_total", "result" => "wrong").increment(1);
        return Err(ApiError::new(
            Kind::WrongLogin,
            "Check both; after five wrong tries it takes a minute each.",
        ));
    };
    state.limits.logins_by_email.forgive(&email);
    metrics::counter!("fluxion_logins_total", "result" => "ok").increment(1);

    let secret = random_token("fxs_").map_err(ApiError::internal)?;
    let hash = SecretHash::of(&secret).to_hex();
    let expires_at = Utc::now() + TimeDelta::hours(SESSION_HOURS);
    state
        .database
        .add_session(known.tenant, known.user, &hash, expires_at)
        .await?;
    let entry = Audited {
        actor: Actor::User(known.user),
        action: "session.create",
        entity_type: "user",
        entity_id: known.user.to_string(),
        details: serde_json::json!({ "address": address }),
    };
    state.database.audit(known.tenant, &entry).await?;
    let session = state
        .database
        .session(&hash)
        .await?
        .ok_or_else(|| ApiError::not_found("session"))?;
    let cookie = set_cookie(&state, &secret, SESSION_HOURS * 3600);
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Json(me_of(&session))).into_response())
}

/// Logs out.
#[utoipa::path(delete, path = "/v1/session", tag = "session", security(("session" = [])), responses(
    (status = 204), (status = 401, body = Problem)))]
async fn log_out(
    State(state): State<AppState>,
    _who: Session,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(secret) = cookie(&headers, state.cookie_name()) {
        state
            .database
            .end_session(&SecretHash::of(secret).to_hex())
            .await?;
    }
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders([(SET_COOKIE, set_cookie(&state, "", 0))]),
    )
        .into_response())
}

/// Who is logged in.
#[utoipa::path(get, path = "/v1/me", tag = "session", security(("session" = [])), responses(
    (status = 200, body = Me), (status = 401, body = Problem)))]
async fn me(who: Viewer) -> Json<Me> {
    Json(me_of(&who))
}

fn me_of(session: &Session) -> Me {
    Me {
        user_id: session.user_id,
        email: session.email.clone(),
        name: session.name.clone(),
        role: session.role,
        tenant_id: session.tenant_id,
        tenant_name: session.tenant_name.clone(),
        session_expires_at: session.expires_at,
    }
}

fn set_cookie(state: &AppState, secret: &str, seconds: i64) -> String {
    let secure = match state.cookies {
        Cookies::Secure => "; Secure",
        Cookies::Plain => "",
    };
    format!(
        "{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}",
        state.cookie_name()
    )
}

fn too_often(allowance: Allowance) -> ApiError {
    metrics::counter!("fluxion_logins_total", "result" => "throttled").increment(1);
    ApiError::too_many(
        allowance,
        format!("Too many tries. Wait {} seconds.", allowance.reset_seconds),
    )
}
