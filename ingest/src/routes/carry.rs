//! Importing what somebody carried here on a stick.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use fluxion_model::carry::{CarryError, RECEIPT_EXTENSION};
use futures::TryStreamExt as _;
use serde_json::json;
use tokio::io::BufReader;
use tokio_util::io::StreamReader;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::auth::identity::Operator;
use crate::database::accounts::{Actor, Audited};
use crate::ops::carry::{Import, ImportError};
use crate::problem::{ApiError, Kind, Problem};
use crate::views::carry::{CarryOutcome, CarryReport};

/// Its address. A file may take longer than any other request.
pub(super) const PATH: &str = "/v1/carry";

/// For how long what follows a fault is still taken.
const LINGER: Duration = Duration::from_secs(30);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Imports a file that `fluxion-agent carry export` wrote, as if the agent had posted what is in it. What the cloud has
/// already is passed over, so bringing a file twice, or again after it broke off, does no harm. The receipt in the answer
/// goes back to the store. Behind a proxy, allow bodies of 4 GiB and do not buffer them.
#[utoipa::path(post, path = "/v1/carry", tag = "stores", security(("session" = [])),
    request_body(content = String, content_type = "application/octet-stream", description = "the file as it is, at most 4 GiB"),
    responses((status = 200, body = CarryReport), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 409, body = Problem), (status = 410, body = Problem), (status = 415, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn import(
    State(state): State<AppState>,
    who: Operator,
    body: Body,
) -> Result<Json<CarryReport>, ApiError> {
    let body = body.into_data_stream().map_err(std::io::Error::other);
    let mut file = BufReader::with_capacity(256 * 1024, StreamReader::new(body));
    let mut import = Import::default();
    let result = import.run(&*state.database, who.tenant_id, &mut file).await;
    // A browser that is still sending would not hear the answer.
    let mut nowhere = tokio::io::sink();
    let rest = tokio::io::copy(&mut file, &mut nowhere);
    if !matches!(tokio::time::timeout(LINGER, rest).await, Ok(Ok(_))) {
        tracing::debug!("the rest of a file was not waited for");
    }
    audit(&state, &who, &import, result.is_ok()).await?;
    result.map_err(|error| problem(error, import.applied))?;
    report(&import).map(Json)
}

async fn audit(
    state: &AppState,
    who: &Operator,
    import: &Import,
    is_whole: bool,
) -> Result<(), ApiError> {
    let Some(carrier) = &import.carrier else {
        return Ok(());
    };
    let manifest = import.manifest.as_ref();
    let entry = Audited {
        actor: Actor::User(who.user_id),
        action: "store.carry_import",
        entity_type: "store",
        entity_id: carrier.identity.store.to_string(),
        details: json!({
            "agent_id": carrier.identity.agent, "epoch": manifest.map(|m| m.epoch), "first": manifest.map(|m| m.first),
            "last": manifest.map(|m| m.last), "applied": import.applied, "known": import.known,
            "missing": import.missing, "whole": is_whole,
        }),
    };
    Ok(state.database.audit(who.tenant_id, &entry).await?)
}

fn report(import: &Import) -> Result<CarryReport, ApiError> {
    let (Some(carrier), Some(manifest), Some((receipt, key))) =
        (&import.carrier, &import.manifest, import.receipt())
    else {
        return Err(problem(CarryError::Damaged.into(), 0));
    };
    let counts = import.counts;
    Ok(CarryReport {
        agent_id: carrier.identity.agent,
        store_id: carrier.identity.store,
        store_name: carrier.store_name.clone(),
        made_at: manifest.made_at,
        outcome: if import.missing.is_some() {
            CarryOutcome::Gap
        } else {
            CarryOutcome::Complete
        },
        applied: import.applied,
        known: import.known,
        inserted: counts.inserted as u64,
        updated: counts.updated as u64,
        deleted: counts.deleted as u64,
        rejected: counts.rejected as u64,
        missing: import.missing.map(|seq| seq.0),
        receipt: receipt.sign(&key).map_err(ApiError::internal)?,
        receipt_name: format!(
            "fluxion-{}-{}.{RECEIPT_EXTENSION}",
            fluxion_model::carry::file_name_part(&carrier.store_name),
            receipt.at.format("%Y-%m-%d-%H%M")
        ),
    })
}

/// What went wrong, and what to do about it.
fn problem(error: ImportError, applied: u64) -> ApiError {
    let again = "write the file again at the store with `fluxion-agent carry export`";
    let stays = if applied > 0 {
        format!(" The {applied} deliveries before that were applied and stay.")
    } else {
        String::new()
    };
    let (kind, what) = match &error {
        ImportError::File(CarryError::NotOurs) => (
            Kind::UnsupportedMedia,
            "This is not a file of an agent; choose the one whose name ends with .carry."
                .to_owned(),
        ),
        ImportError::File(CarryError::Newer) => (
            Kind::Unprocessable,
            "The file was written by a newer agent; update the ingest service.".to_owned(),
        ),
        ImportError::File(error) => (
            Kind::Invalid,
            format!(
                "{}. Copy it from the stick once more, or {again}.",
                capital(error)
            ),
        ),
        ImportError::UnknownAgent => (
            Kind::NotFound,
            "No agent of your company wrote this file; see that it is of one of your stores."
                .to_owned(),
        ),
        ImportError::Revoked => (
            Kind::Gone,
            "The agent that wrote this file was revoked; enrol it again and export again."
                .to_owned(),
        ),
        ImportError::Old => (
            Kind::Conflict,
            format!(
                "The file is from before the agent began anew, so what is in it is out of date; {again}."
            ),
        ),
        ImportError::Upload(_) => (
            Kind::Timeout,
            "The upload broke off; try again, what arrived is not sent into the cloud twice."
                .to_owned(),
        ),
        ImportError::Refused { .. } => (
            Kind::Unprocessable,
            format!(
                "{}; update the ingest service or the agent, whichever is older.",
                capital(&error)
            ),
        ),
        ImportError::Database(_) => return database_problem(error),
    };
    ApiError::new(kind, format!("{what}{stays}"))
}

fn database_problem(error: ImportError) -> ApiError {
    match error {
        ImportError::Database(error) => error.into(),
        other => ApiError::internal(other),
    }
}

fn capital(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
