//! What agents call: enrolment, POS systems, deliveries, heartbeats and commands.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use fluxion_model::command::{Command, CommandOutcome};
use fluxion_model::delivery::{Ack, OutOfOrder};
use fluxion_model::enrolment::{
    EnrolReply, EnrolRequest, PosSystemDeclaration, PosSystemReply, ResumePoint, TOKEN_PREFIX,
};
use fluxion_model::heartbeat::{Heartbeat, HeartbeatReply};
use fluxion_model::id::CommandId;
use serde::Deserialize;
use tokio::time::{Instant as Deadline, timeout_at};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::secret::{SecretHash, random_token};
use crate::database::DatabaseError;
use crate::database::agents::{AgentIdentity, is_pos_name};
use crate::database::deliveries::Applied;
use crate::extract::{ApiJson, ApiPath, ApiQuery, PeerAddress};
use crate::ops::delivery::{Encoding, ReceiveError, receive};
use crate::ops::releases;
use crate::problem::{ApiError, Kind, Problem};

/// The largest delivery as it comes over the wire.
const MAX_DELIVERY_BYTES: usize = 16 * 1024 * 1024;
/// A declaration carries a whole mapping.
const MAX_DECLARATION_BYTES: usize = 2 * 1024 * 1024;
/// How long agents are asked to wait between heartbeats.
const HEARTBEAT_SECONDS: u64 = 30;
/// How often a held request looks for commands that were queued on another instance.
const LOOK_FOR_COMMANDS: Duration = Duration::from_secs(1);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(enrol))
        .routes(routes!(resume_point))
        .routes(routes!(heartbeat))
        .routes(routes!(commands))
        .routes(routes!(command_outcome))
        .layer(DefaultBodyLimit::max(super::MAX_BODY_BYTES))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(declare))
                .layer(DefaultBodyLimit::max(MAX_DECLARATION_BYTES)),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(deliver))
                .layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES)),
        )
}

/// Exchanges a single-use code for a token. An agent that names the token itself may ask again when the answer was lost.
#[utoipa::path(post, path = "/v1/agents/enrol", tag = "agents", request_body = EnrolRequest, responses(
    (status = 200, body = EnrolReply), (status = 400, body = Problem), (status = 404, body = Problem),
    (status = 429, body = Problem)))]
async fn enrol(
    State(state): State<AppState>,
    PeerAddress(address): PeerAddress,
    ApiJson(request): ApiJson<EnrolRequest>,
) -> Result<Json<EnrolReply>, ApiError> {
    state
        .limits
        .enrolments
        .take(&address)
        .map_err(|allowance| {
            ApiError::too_many(
                allowance,
                format!("Too many tries. Wait {} seconds.", allowance.reset_seconds),
            )
        })?;
    let token = match &request.token {
        Some(token) if is_token(token) => token.clone(),
        Some(_) => {
            return Err(ApiError::invalid(
                "token",
                "Make the token of 256 random bits: fxa_ and 64 hexadecimal digits in lower case. Or leave it out.",
            ));
        }
        None => random_token(TOKEN_PREFIX).map_err(ApiError::internal)?,
    };
    let code = SecretHash::of_code(&request.code).to_hex();
    let enrolled = match state
        .database
        .enrol(&code, &request, &SecretHash::of(&token).to_hex())
        .await
    {
        Err(DatabaseError::NotFound(_)) => {
            return Err(ApiError::new(
                Kind::NotFound,
                "The code is not known, was used, or has run out. Make a new one in the dashboard: Stores, the store, \
                 Agent code.",
            ));
        }
        other => other?,
    };
    // Only guesses count: a technician who sets up a whole chain from one office is welcome.
    state.limits.enrolments.forgive(&address);
    let identity = enrolled.identity;
    tracing::info!(agent = %identity.agent, store = %identity.store, machine = %request.machine, "an agent was enrolled");
    Ok(Json(EnrolReply {
        agent_id: identity.agent,
        token,
        tenant_id: identity.tenant,
        tenant_name: enrolled.tenant_name,
        store_id: identity.store,
        store_name: enrolled.store_name,
    }))
}

/// Whether somebody may have made this token as [`random_token`] does.
fn is_token(text: &str) -> bool {
    let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    text.strip_prefix(TOKEN_PREFIX)
        .is_some_and(|random| random.len() == 64 && random.chars().all(digit))
}

/// Declares a POS system of the agent's store, or brings it up to date.
#[utoipa::path(put, path = "/v1/agents/pos-systems/{name}", tag = "agents", security(("agent" = [])),
    params(("name" = String, Path, description = "Its name in the agent's configuration")),
    request_body = PosSystemDeclaration, responses((status = 200, body = PosSystemReply), (status = 401, body = Problem)))]
async fn declare(
    State(state): State<AppState>,
    agent: AgentIdentity,
    ApiPath(name): ApiPath<String>,
    ApiJson(declaration): ApiJson<PosSystemDeclaration>,
) -> Result<Json<PosSystemReply>, ApiError> {
    if !is_pos_name(&name) {
        return Err(ApiError::invalid(
            "name",
            "Use a name of 1 to 200 characters for the POS system.",
        ));
    }
    let id = state
        .database
        .declare_pos_system(&agent, &name, &declaration)
        .await?;
    Ok(Json(PosSystemReply { id }))
}

/// Applies a batch, exactly once. The body is NDJSON: a header line, then one line per item.
#[utoipa::path(post, path = "/v1/agents/batches", tag = "agents", security(("agent" = [])),
    request_body(content = String, content_type = "application/x-ndjson", description = "zstd, at most 16 MiB; 64 MiB decompressed"),
    responses((status = 200, body = Ack), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = OutOfOrder), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)))]
async fn deliver(
    State(state): State<AppState>,
    agent: AgentIdentity,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, ApiError> {
    state
        .limits
        .deliveries
        .take(&agent.agent.to_string())
        .map_err(|allowance| {
            ApiError::too_many(
                allowance,
                "This agent sends more batches than it may. Wait as Retry-After says.",
            )
        })?;
    let encoding = encoding_of(&headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
            Kind::TooLarge,
            "A delivery may have 16 MiB. Send smaller batches.",
        ),
        status => ApiError::new(
            Kind::of_status(status),
            "The body broke off. Send it again.",
        ),
    })?;
    let begun = Instant::now();
    metrics::counter!("fluxion_batch_bytes_total").increment(body.len() as u64);
    let result = receive(&*state.database, &agent, body, encoding).await;
    metrics::histogram!("fluxion_batch_seconds").record(begun.elapsed());
    count_batch(&result);
    match result {
        Ok(applied) => Ok(Json(applied.ack).into_response()),
        Err(ReceiveError::Database(DatabaseError::OutOfOrder(expected))) => {
            tracing::info!(agent = %agent.agent, expected = %expected.expected, "a batch does not follow the last one");
            Ok((StatusCode::CONFLICT, Json(expected)).into_response())
        }
        Err(ReceiveError::Database(error)) => Err(error.into()),
        Err(ReceiveError::Wire(error @ fluxion_model::wire::WireError::TooLarge(_))) => Err(
            ApiError::new(Kind::TooLarge, format!("{error}. Send smaller batches.")),
        ),
        Err(ReceiveError::Wire(error)) => Err(ApiError::new(Kind::Invalid, format!("{error}."))),
        Err(error @ ReceiveError::Compression(_)) => {
            Err(ApiError::new(Kind::Invalid, format!("{error}.")))
        }
    }
}

fn encoding_of(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(kind) = text(CONTENT_TYPE)
        && !kind.starts_with(fluxion_model::wire::CONTENT_TYPE)
    {
        return Err(ApiError::new(
            Kind::UnsupportedMedia,
            "Send a delivery with Content-Type: application/x-ndjson.",
        ));
    }
    match text(CONTENT_ENCODING) {
        Some("zstd") => Ok(Encoding::Zstd),
        None | Some("identity") => Ok(Encoding::Plain),
        Some(_) => Err(ApiError::new(
            Kind::UnsupportedMedia,
            "Send a delivery with Content-Encoding: zstd, or none.",
        )),
    }
}

fn count_batch(result: &Result<Applied, ReceiveError>) {
    let word = match result {
        Ok(Applied {
            ack: Ack::Applied { .. },
            ..
        }) => "applied",
        Ok(Applied {
            ack: Ack::Duplicate { .. },
            ..
        }) => "duplicate",
        Err(ReceiveError::Database(DatabaseError::OutOfOrder(_))) => "out_of_order",
        Err(ReceiveError::Compression(_) | ReceiveError::Wire(_)) => "refused",
        Err(ReceiveError::Database(_)) => "failed",
    };
    metrics::counter!("fluxion_batches_total", "result" => word).increment(1);
    let Ok(applied) = result else { return };
    let counts = applied.counts;
    for (what, count) in [
        ("inserted", counts.inserted),
        ("updated", counts.updated),
        ("deleted", counts.deleted),
        ("rejected", counts.rejected),
    ] {
        metrics::counter!("fluxion_records_total", "what" => what).increment(count as u64);
    }
    for (what, count) in [
        ("opened", counts.conflicts_opened),
        ("closed", counts.conflicts_closed),
    ] {
        metrics::counter!("fluxion_conflicts_total", "what" => what).increment(count as u64);
    }
}

/// Keeps what an agent says about itself.
#[utoipa::path(post, path = "/v1/agents/heartbeat", tag = "agents", security(("agent" = [])), request_body = Heartbeat,
    responses((status = 200, body = HeartbeatReply), (status = 401, body = Problem)))]
async fn heartbeat(
    State(state): State<AppState>,
    agent: AgentIdentity,
    ApiJson(heartbeat): ApiJson<Heartbeat>,
) -> Result<Json<HeartbeatReply>, ApiError> {
    state.database.keep_heartbeat(&agent, &heartbeat).await?;
    let update = releases::hear(&*state.database, &agent, &heartbeat).await?;
    metrics::counter!("fluxion_heartbeats_total").increment(1);
    Ok(Json(HeartbeatReply {
        now: Utc::now(),
        next_in_seconds: HEARTBEAT_SECONDS,
        update,
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wait {
    /// How long to hold the request open when there is nothing to do, seconds, at most 60.
    #[serde(default)]
    #[param(maximum = 60)]
    wait_seconds: u64,
}

/// What the agent has to do. Held open until there is something, so that a command arrives within a second.
#[utoipa::path(get, path = "/v1/agents/commands", tag = "agents", security(("agent" = [])), params(Wait),
    responses((status = 200, body = Vec<Command>), (status = 401, body = Problem)))]
async fn commands(
    State(state): State<AppState>,
    agent: AgentIdentity,
    ApiQuery(wait): ApiQuery<Wait>,
) -> Result<Json<Vec<Command>>, ApiError> {
    let until = Deadline::now() + Duration::from_secs(wait.wait_seconds.min(60));
    loop {
        // Asked for before the look, so that a command queued in between is not missed.
        let queued = state.commands_queued.notified();
        let commands = state.database.take_commands(&agent).await?;
        if !commands.is_empty() || Deadline::now() >= until {
            return Ok(Json(commands));
        }
        let next_look = (Deadline::now() + LOOK_FOR_COMMANDS).min(until);
        tokio::select! {
            // The time running out is as good a reason to look again as being woken.
            woken = timeout_at(next_look, queued) => drop(woken),
            () = state.stopping.given() => return Ok(Json(Vec::new())),
        }
    }
}

/// Keeps how a command went.
#[utoipa::path(post, path = "/v1/agents/commands/{id}/outcome", tag = "agents", security(("agent" = [])),
    params(("id" = CommandId, Path)), request_body = CommandOutcome,
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
async fn command_outcome(
    State(state): State<AppState>,
    agent: AgentIdentity,
    ApiPath(id): ApiPath<CommandId>,
    ApiJson(outcome): ApiJson<CommandOutcome>,
) -> Result<StatusCode, ApiError> {
    state.database.finish_command(&agent, id, &outcome).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the cloud holds of this agent, for an agent that doubts its disk.
#[utoipa::path(get, path = "/v1/agents/resume-point", tag = "agents", security(("agent" = [])),
    responses((status = 200, body = ResumePoint), (status = 401, body = Problem)))]
async fn resume_point(
    State(state): State<AppState>,
    agent: AgentIdentity,
) -> Result<Json<ResumePoint>, ApiError> {
    Ok(Json(state.database.resume_point(&agent).await?))
}
