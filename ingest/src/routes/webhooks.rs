//! Webhooks: where a POS calls out to, and how admins hand out the address.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use chrono::{TimeDelta, Utc};
use fluxion_mappings::{Country, Mapping, packs};
use fluxion_model::id::{PosSystemId, StoreId};
use fluxion_model::webhook::{
    self as standard, EventProblem, ID_HEADER, Refused, SIGNATURE_HEADER, TIMESTAMP_HEADER,
};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use super::stores::plain;
use crate::auth::identity::Admin;
use crate::auth::secret::random_webhook_secret;
use crate::database::accounts::{Actor, Audited};
use crate::database::webhooks::{Call, Endpoint, NewEndpoint};
use crate::extract::{ApiJson, ApiPath};
use crate::ops::webhook::rulebook::{Place, Rulebook};
use crate::ops::webhook::{CallError, MAX_EVENT_BYTES, authenticate, receive};
use crate::problem::{ApiError, Kind, Problem};
use crate::views::webhook::{EventAnswer, NewWebhook, WebhookSecret, path_of};

/// For how long a secret is good after it was replaced.
const OLD_SECRET_HOURS: i64 = 24;
/// A webhook's mapping travels whole.
const MAX_MAPPING_BYTES: usize = 1024 * 1024;
/// How much of a refusal is kept.
const MAX_REASON_CHARS: usize = 500;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(rotate))
        .routes(routes!(deactivate))
        .layer(DefaultBodyLimit::max(MAX_MAPPING_BYTES))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(call))
                .layer(DefaultBodyLimit::max(MAX_EVENT_BYTES)),
        )
}

/// Takes an event of a POS that calls out by itself, exactly once.
///
/// Calls are signed by [Standard Webhooks](https://www.standardwebhooks.com), so any of its libraries will do. `webhook-id`
/// names the event and stays the same when it is sent again; `webhook-timestamp` is the time of this attempt in seconds
/// since 1970, within five minutes of ours; `webhook-signature` is `v1,` and the base64 of the HMAC-SHA256 of
/// `{webhook-id}.{webhook-timestamp}.{body}`, keyed with the bytes that stand in base64 after `whsec_` in the secret.
///
/// The body is one JSON object that says what happened in `event_type` (or `type`), and to what in `data`; which events
/// there are, and which fields, is up to the webhook's mapping. Events are applied as they arrive: about one and the same
/// thing, send the next when the last was answered.
///
/// ```sh
/// body='{"event_type":"stock_movement","data":{"movement_id":"m-1","variant_id":"7591","type":"sale","quantity":-2,"timestamp":"2026-11-20T09:30:00Z"}}'
/// id=evt_1 now=$(date +%s)
/// key=$(printf %s "${SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
/// signature=$(printf %s "$id.$now.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
/// curl -sS "$URL" -H 'content-type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $now" \
///   -H "webhook-signature: v1,$signature" -d "$body"
/// ```
///
/// 200 means that the event is kept for good, also when records of it were set aside because something is wrong with them:
/// `set_aside` counts them. Send it again, with the same id and signed anew, after 429 (as `Retry-After` says), 5xx, or no
/// answer at all. After 400, 413, 415 and 422 another attempt would end the same way: mend the event first. 401 asks for a
/// right signature, and 410 says that nothing will be taken here again.
#[utoipa::path(post, path = "/v1/webhooks/{pos_system_id}", tag = "webhooks", security(("webhook" = [])),
    params(("pos_system_id" = PosSystemId, Path, description = "As the address was handed out"),
        ("webhook-id" = String, Header, description = "Names the event"),
        ("webhook-timestamp" = i64, Header, description = "When this attempt was made, seconds since 1970")),
    request_body(content = serde_json::Value, content_type = "application/json", description = "One event, at most 1 MiB"),
    responses((status = 200, body = EventAnswer), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 410, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)))]
async fn call(
    State(state): State<AppState>,
    ApiPath(id): ApiPath<PosSystemId>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<EventAnswer>, ApiError> {
    let result = take(&state, id, &headers, body).await;
    let word = match &result {
        Ok(EventAnswer::Applied { .. }) => "applied",
        Ok(EventAnswer::Duplicate) => "duplicate",
        Err(error) if error.status().is_client_error() => "refused",
        Err(_) => "failed",
    };
    metrics::counter!("fluxion_webhook_events_total", "result" => word).increment(1);
    result.map(Json)
}

async fn take(
    state: &AppState,
    id: PosSystemId,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<EventAnswer, ApiError> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            Kind::TooLarge,
            "An event may have 1 MiB. Send one event per call.",
        ),
        status => ApiError::new(
            Kind::of_status(status),
            "The body broke off. Send it again.",
        ),
    })?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = standard::Headers {
        id: text(ID_HEADER),
        timestamp: text(TIMESTAMP_HEADER),
        signature: text(SIGNATURE_HEADER),
    };
    let database = state.database.as_ref();
    let (endpoint, call) = match authenticate(database, id, signed, &body).await {
        Ok(known) => known,
        Err((endpoint, error)) => {
            if let Some(endpoint) = endpoint {
                note(state, &endpoint, &error).await?;
            }
            return Err(error.into());
        }
    };
    // After the signature, so that nobody without the secret can use up what the sender may send.
    state.limits.events.take(&id.to_string()).map_err(|allowance| {
        ApiError::too_many(
            allowance,
            "This webhook is called more often than it may. Wait as Retry-After says, and send the event again.",
        )
    })?;
    let answer = understand(state, &endpoint, &call, headers, body).await;
    if let Err(error @ (CallError::NoEvent(_) | CallError::UnknownEvent { .. })) = &answer {
        note(state, &endpoint, error).await?;
    }
    Ok(answer?)
}

async fn understand(
    state: &AppState,
    endpoint: &Endpoint,
    call: &Call,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<EventAnswer, CallError> {
    if let Some(encoding) = headers.get(CONTENT_ENCODING)
        && encoding != "identity"
    {
        return Err(CallError::Encoded);
    }
    receive(
        state.database.as_ref(),
        &state.rulebooks,
        endpoint,
        call,
        body,
    )
    .await
}

/// Tells the webhook's owner that a call was refused: now and then, since a sender that is wrong is wrong each second.
async fn note(state: &AppState, endpoint: &Endpoint, error: &CallError) -> Result<(), ApiError> {
    let webhook = &endpoint.identity;
    if state
        .limits
        .refusals
        .take(&webhook.pos_system.to_string())
        .is_err()
    {
        return Ok(());
    }
    let reason: String = error.to_string().chars().take(MAX_REASON_CHARS).collect();
    tracing::info!(pos_system = %webhook.pos_system, "a call of a webhook was refused: {reason}");
    state.database.keep_refusal(webhook, &reason).await?;
    let payload = json!({ "store_id": webhook.store, "pos_system_id": webhook.pos_system });
    Ok(state
        .database
        .add_event(webhook.tenant, "store_changed", &payload)
        .await?)
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let detail = format!("{}.", capitalised(&error.to_string()));
        match error {
            CallError::Refused(Refused::BadSignature) => Self::new(
                Kind::Unauthenticated,
                format!(
                    "{detail} Or there is no webhook at this address: compare it with the dashboard."
                ),
            ),
            CallError::Refused(_) => Self::new(Kind::Unauthenticated, detail),
            CallError::Deactivated(_) => Self::new(Kind::Gone, detail),
            CallError::Encoded => Self::new(Kind::UnsupportedMedia, detail),
            CallError::NoEvent(EventProblem::TooLarge { .. }) => Self::new(Kind::TooLarge, detail),
            CallError::NoEvent(_) => Self::new(Kind::Invalid, detail),
            CallError::UnknownEvent { .. } => Self::new(Kind::Unprocessable, detail),
            CallError::Database(error) => error.into(),
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// Makes an address at the store that a POS calls out to, and the secret that it signs with, which is shown this once.
#[utoipa::path(post, path = "/v1/stores/{id}/webhooks", tag = "webhooks", request_body = NewWebhook,
    params(("id" = StoreId, Path, description = "Which store")), security(("session" = [])), responses(
    (status = 201, body = WebhookSecret), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn create(
    State(state): State<AppState>,
    who: Admin,
    ApiPath(store_id): ApiPath<StoreId>,
    ApiJson(wish): ApiJson<NewWebhook>,
) -> Result<(StatusCode, Json<WebhookSecret>), ApiError> {
    let name = plain("name", &wish.name)?;
    if name.is_empty() {
        return Err(ApiError::invalid("name", "give the webhook a name"));
    }
    let mapping = mapping_of(&wish)?;
    let place = place_of(&state, &who, store_id, &wish).await?;
    let (mapping, place) = compiled(mapping, place).await?;
    let new = NewEndpoint {
        name,
        system_type: mapping.system.clone(),
        mapping: serde_json::to_value(&mapping).map_err(ApiError::internal)?,
        mapping_name: mapping.name,
        mapping_version: mapping.version,
        settings: serde_json::to_value(&place).map_err(ApiError::internal)?,
        secret: random_webhook_secret().map_err(ApiError::internal)?,
    };
    let id = state
        .database
        .add_webhook(who.tenant_id, store_id, &new)
        .await?;
    let details = json!({ "name": new.name, "mapping": new.mapping_name, "store_id": store_id });
    tell(&state, &who, "webhook.create", (id, store_id), details).await?;
    let handed_out = WebhookSecret {
        pos_system_id: id,
        store_id,
        path: path_of(id),
        secret: new.secret.reveal(),
        previous_until: None,
    };
    Ok((StatusCode::CREATED, Json(handed_out)))
}

/// Replaces a webhook's secret. The old one is good for 24 hours more; the new one is shown this once.
#[utoipa::path(post, path = "/v1/webhooks/{pos_system_id}/rotate", tag = "webhooks",
    params(("pos_system_id" = PosSystemId, Path, description = "Which webhook")), security(("session" = [])), responses(
    (status = 200, body = WebhookSecret), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn rotate(
    State(state): State<AppState>,
    who: Admin,
    ApiPath(id): ApiPath<PosSystemId>,
) -> Result<Json<WebhookSecret>, ApiError> {
    let secret = random_webhook_secret().map_err(ApiError::internal)?;
    let until = Utc::now() + TimeDelta::hours(OLD_SECRET_HOURS);
    let store_id = state
        .database
        .rotate_webhook(who.tenant_id, id, &secret, until)
        .await?;
    let details = json!({ "previous_until": until });
    tell(&state, &who, "webhook.rotate", (id, store_id), details).await?;
    Ok(Json(WebhookSecret {
        pos_system_id: id,
        store_id,
        path: path_of(id),
        secret: secret.reveal(),
        previous_until: Some(until),
    }))
}

/// Takes no more events at this address, for good. What came by it stays.
#[utoipa::path(post, path = "/v1/webhooks/{pos_system_id}/deactivate", tag = "webhooks",
    params(("pos_system_id" = PosSystemId, Path, description = "Which webhook")), security(("session" = [])), responses(
    (status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
async fn deactivate(
    State(state): State<AppState>,
    who: Admin,
    ApiPath(id): ApiPath<PosSystemId>,
) -> Result<StatusCode, ApiError> {
    let store_id = state.database.deactivate_webhook(who.tenant_id, id).await?;
    tell(
        &state,
        &who,
        "webhook.deactivate",
        (id, store_id),
        json!({}),
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn mapping_of(wish: &NewWebhook) -> Result<Mapping, ApiError> {
    match (&wish.pack, &wish.mapping) {
        (Some(pack), None) => packs::find(pack).ok_or_else(|| {
            let known = packs::names().join(", ");
            ApiError::invalid(
                "pack",
                format!("there is no pack {pack:?}; known packs: {known}"),
            )
        }),
        (None, Some(mapping)) => Mapping::from_json(&mapping.to_string())
            .map_err(|error| ApiError::invalid("mapping", error.to_string())),
        (Some(_), Some(_)) | (None, None) => Err(ApiError::invalid(
            "pack",
            "give either a pack or a mapping of your own",
        )),
    }
}

/// What the wish says, else what holds for the store, else for the company.
async fn place_of(
    state: &AppState,
    who: &Admin,
    store: StoreId,
    wish: &NewWebhook,
) -> Result<Place, ApiError> {
    let store = state.database.store(who.tenant_id, store).await?;
    let tenant = state.database.tenant(who.tenant_id).await?;
    let zone = [&wish.time_zone, &store.time_zone, &tenant.time_zone];
    let zone = zone
        .into_iter()
        .flatten()
        .next()
        .map_or("America/Caracas", String::as_str);
    let currency = [&wish.currency, &store.currency, &tenant.currency];
    let currency = currency.into_iter().flatten().next().ok_or_else(|| {
        ApiError::invalid(
            "currency",
            "give the currency of amounts that carry none, such as VES or USD",
        )
    })?;
    let country = [&wish.country, &store.country, &tenant.country];
    let country = country.into_iter().flatten().next();
    Ok(Place {
        time_zone: zone.parse().map_err(|_| {
            ApiError::invalid(
                "time_zone",
                format!("{zone:?} is not a time zone; use an IANA name such as America/Caracas"),
            )
        })?,
        currency: currency
            .parse()
            .map_err(|error| ApiError::invalid("currency", format!("{error}")))?,
        country: country
            .map(|country| serde_json::from_value::<Country>(json!(country)))
            .transpose()
            .map_err(|_| {
                ApiError::invalid(
                    "country",
                    "business rules are known for VE, MX, AR and PA; give one of them, or none",
                )
            })?,
        settings: serde_json::from_value(json!(wish.settings)).map_err(|error| {
            ApiError::invalid(
                "settings",
                format!("a setting is a text, a number, or true or false: {error}"),
            )
        })?,
    })
}

/// That it compiles is found out now, by whoever can mend it, and not with the first event.
async fn compiled(mapping: Mapping, place: Place) -> Result<(Mapping, Place), ApiError> {
    let tried = tokio::task::spawn_blocking(move || {
        Rulebook::compile(&mapping, &place).map(|_| (mapping, place))
    });
    tried
        .await
        .map_err(ApiError::internal)?
        .map_err(|error| ApiError::invalid("mapping", error.to_string()))
}

async fn tell(
    state: &AppState,
    who: &Admin,
    action: &str,
    (id, store): (PosSystemId, StoreId),
    details: Value,
) -> Result<(), ApiError> {
    let entry = Audited {
        actor: Actor::User(who.user_id),
        action,
        entity_type: "pos_system",
        entity_id: id.to_string(),
        details,
    };
    state.database.audit(who.tenant_id, &entry).await?;
    let payload = json!({ "store_id": store, "pos_system_id": id });
    Ok(state
        .database
        .add_event(who.tenant_id, "store_changed", &payload)
        .await?)
}
