//! Stores: adding them, letting agents in, and asking agents to sync.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use fluxion_model::id::StoreId;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::{Admin, Operator, Viewer};
use crate::auth::secret::{SecretHash, random_code};
use crate::database::accounts::{Actor, Audited};
use crate::database::overview::STORES_KEY_PARTS;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::ops::commands;
use crate::problem::{ApiError, Problem};
use crate::views::page::{Page, PageParams};
use crate::views::store::{
    CommandsQueued, ConfirmDeletes, EnrolmentCode, NewEnrolmentCode, NewStore, StoreDetail,
    StoreView, SyncRequest,
};

/// The longest name of a store or city.
const MAX_NAME: usize = 200;
/// For how long a code can be used when nobody says, hours.
const CODE_HOURS: u32 = 72;
/// For how long at most, hours.
const MAX_CODE_HOURS: u32 = 720;

/// The addresses of this file.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(stores, create_store))
        .routes(routes!(store))
        .routes(routes!(create_enrolment_code))
        .routes(routes!(sync))
        .routes(routes!(confirm_deletes))
}

/// Stores by name.
#[utoipa::path(get, path = "/v1/stores", tag = "stores", params(PageParams), security(("session" = [])), responses(
    (status = 200, body = Page<StoreView>), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn stores(
    State(state): State<AppState>,
    who: Viewer,
    ApiQuery(page): ApiQuery<PageParams>,
) -> Result<Json<Page<StoreView>>, ApiError> {
    Ok(Json(
        state
            .database
            .store_views(who.tenant_id, &page.request(STORES_KEY_PARTS)?)
            .await?,
    ))
}

/// Adds a store.
#[utoipa::path(post, path = "/v1/stores", tag = "stores", request_body = NewStore, security(("session" = [])),
    responses(
    (status = 201, body = StoreView), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn create_store(
    State(state): State<AppState>,
    who: Admin,
    ApiJson(wish): ApiJson<NewStore>,
) -> Result<(StatusCode, Json<StoreView>), ApiError> {
    let wish = NewStore {
        name: plain("name", &wish.name)?,
        city: maybe_plain("city", wish.city.as_deref())?,
    };
    if wish.name.is_empty() {
        return Err(ApiError::invalid("name", "give the store a name"));
    }
    let store = state.database.create_store(who.tenant_id, &wish).await?;
    audit(
        &state,
        &who,
        "store.create",
        store.id,
        json!({ "name": store.name }),
    )
    .await?;
    let payload = json!({ "store_id": store.id });
    state
        .database
        .add_event(who.tenant_id, "store_changed", &payload)
        .await?;
    Ok((StatusCode::CREATED, Json(store)))
}

/// All there is to know about a store.
#[utoipa::path(get, path = "/v1/stores/{id}", tag = "stores",
    params(("id" = StoreId, Path, description = "Which store")), security(("session" = [])), responses(
    (status = 200, body = StoreDetail), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn store(
    State(state): State<AppState>,
    who: Viewer,
    ApiPath(id): ApiPath<StoreId>,
) -> Result<Json<StoreDetail>, ApiError> {
    Ok(Json(state.database.store_detail(who.tenant_id, id).await?))
}

/// Makes a code with which one agent can be enrolled at the store, once. It is shown this once.
#[utoipa::path(post, path = "/v1/stores/{id}/enrolment-codes", tag = "stores", request_body = NewEnrolmentCode,
    params(("id" = StoreId, Path, description = "Which store")), security(("session" = [])), responses(
    (status = 201, body = EnrolmentCode), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn create_enrolment_code(
    State(state): State<AppState>,
    who: Admin,
    ApiPath(id): ApiPath<StoreId>,
    ApiJson(wish): ApiJson<NewEnrolmentCode>,
) -> Result<(StatusCode, Json<EnrolmentCode>), ApiError> {
    let hours = wish.valid_hours.unwrap_or(CODE_HOURS);
    if hours == 0 || hours > MAX_CODE_HOURS {
        return Err(ApiError::invalid(
            "valid_hours",
            format!("give 1 to {MAX_CODE_HOURS} hours"),
        ));
    }
    let store_id = state.database.store(who.tenant_id, id).await?.id;
    let code = random_code().map_err(ApiError::internal)?;
    let hash = SecretHash::of_code(&code).to_hex();
    let expires_at = Utc::now() + TimeDelta::hours(i64::from(hours));
    state
        .database
        .add_enrolment_code(
            who.tenant_id,
            store_id,
            &hash,
            Some(who.user_id),
            expires_at,
        )
        .await?;
    audit(
        &state,
        &who,
        "enrolment_code.create",
        store_id,
        json!({ "expires_at": expires_at }),
    )
    .await?;
    Ok((
        StatusCode::CREATED,
        Json(EnrolmentCode {
            code,
            store_id,
            expires_at,
        }),
    ))
}

/// Asks the store's agents to run streams now.
#[utoipa::path(post, path = "/v1/stores/{id}/sync", tag = "stores", request_body = SyncRequest,
    params(("id" = StoreId, Path, description = "Which store")), security(("session" = [])), responses(
    (status = 202, body = CommandsQueued), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn sync(
    State(state): State<AppState>,
    who: Operator,
    ApiPath(id): ApiPath<StoreId>,
    ApiJson(wish): ApiJson<SyncRequest>,
) -> Result<(StatusCode, Json<CommandsQueued>), ApiError> {
    let commands = commands::sync(state.database.as_ref(), &who, id, &wish).await?;
    state.commands_queued.notify_waiters();
    let details =
        json!({ "pos_system_id": wish.pos_system_id, "stream": wish.stream, "mode": wish.mode });
    audit(&state, &who, "store.sync", id, details).await?;
    Ok((StatusCode::ACCEPTED, Json(CommandsQueued { commands })))
}

/// Lets a stream go on whose delete brake has tripped, deletes included.
#[utoipa::path(post, path = "/v1/streams/confirm-deletes", tag = "stores", request_body = ConfirmDeletes,
    security(("session" = [])), responses(
    (status = 202, body = CommandsQueued), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn confirm_deletes(
    State(state): State<AppState>,
    who: Operator,
    ApiJson(wish): ApiJson<ConfirmDeletes>,
) -> Result<(StatusCode, Json<CommandsQueued>), ApiError> {
    let stream = wish.stream.clone();
    let commands =
        commands::confirm_deletes(state.database.as_ref(), &who, wish.pos_system_id, stream)
            .await?;
    state.commands_queued.notify_waiters();
    let entry = Audited {
        actor: Actor::User(who.user_id),
        action: "stream.confirm_deletes",
        entity_type: "pos_system",
        entity_id: wish.pos_system_id.to_string(),
        details: json!({ "stream": wish.stream }),
    };
    state.database.audit(who.tenant_id, &entry).await?;
    Ok((StatusCode::ACCEPTED, Json(CommandsQueued { commands })))
}

/// A name without what breaks logs and tables.
pub(super) fn plain(field: &str, text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    if text.chars().count() > MAX_NAME {
        return Err(ApiError::invalid(
            field,
            format!("it is longer than {MAX_NAME} characters; shorten it"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            field,
            "it contains a control character; type it anew",
        ));
    }
    Ok(text.to_owned())
}

fn maybe_plain(field: &str, text: Option<&str>) -> Result<Option<String>, ApiError> {
    let text = text.map(|text| plain(field, text)).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

async fn audit(
    state: &AppState,
    who: &Operator,
    action: &str,
    store: StoreId,
    details: Value,
) -> Result<(), ApiError> {
    let entry = Audited {
        actor: Actor::User(who.user_id),
        action,
        entity_type: "store",
        entity_id: store.to_string(),
        details,
    };
    Ok(state.database.audit(who.tenant_id, &entry).await?)
}
