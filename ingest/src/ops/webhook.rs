//! Calls of a POS that tells by itself what happened: from the bytes that come over the internet to a delivery.
//!
//! A call is believed when its signature fits; then its event becomes rows, the rows records, and the records the same
//! lines that an agent would have sent. What cannot be mapped is kept as a reject, and the sender is told that all is
//! well: sending it again would change nothing.

pub mod lines;
pub mod rulebook;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use fluxion_model::delivery::Ack;
use fluxion_model::id::PosSystemId;
use fluxion_model::webhook::{self, Event, EventProblem, Headers, Refused};

use self::lines::Translated;
use self::rulebook::{Rulebook, Rulebooks};
use crate::database::webhooks::{Call, Endpoint};
use crate::database::{Database, DatabaseError};
use crate::views::webhook::EventAnswer;

/// The largest body. A sale with hundreds of lines is a tenth of it.
pub const MAX_EVENT_BYTES: usize = webhook::DEFAULT_MAX_BODY_BYTES;

/// Why a call was not taken. `Display` is what the sender is told.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Not signed by who may call. An endpoint that is not there answers like one whose secret is another.
    #[error("{0}")]
    Refused(Refused),
    /// It was, but takes nothing any more.
    #[error(
        "this webhook was deactivated on {}; stop sending, or ask an administrator of the company for a new one",
        .0.format("%Y-%m-%d")
    )]
    Deactivated(DateTime<Utc>),
    /// Signed, but packed.
    #[error("an event is sent as it is, without Content-Encoding")]
    Encoded,
    /// Signed, but no event.
    #[error("{0}")]
    NoEvent(EventProblem),
    /// An event that the mapping does not know.
    #[error("this webhook knows no event {got:?}; it takes: {}", .known.join(", "))]
    UnknownEvent {
        /// What the body says.
        got: String,
        /// What the mapping takes.
        known: Vec<String>,
    },
    /// The database said no.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Whether a call comes from who may call: the endpoint, and the sender's id for the event.
///
/// # Errors
/// Says what the sender must do, and nothing about whether there is such an endpoint. The endpoint is handed out beside
/// the refusal, so that its owner can be told.
pub async fn authenticate(
    database: &dyn Database,
    id: PosSystemId,
    headers: Headers<'_>,
    body: &[u8],
) -> Result<(Endpoint, Call), (Option<Endpoint>, CallError)> {
    let endpoint = match database.endpoint(id).await {
        Ok(endpoint) => Some(endpoint),
        Err(DatabaseError::NotFound(_)) => None,
        Err(error) => return Err((None, error.into())),
    };
    let secrets = endpoint
        .as_ref()
        .map(|endpoint| endpoint.secrets.as_slice())
        .unwrap_or_default();
    match (
        webhook::verify(headers, body, Utc::now().timestamp(), secrets),
        endpoint,
    ) {
        (Ok(event_id), Some(endpoint)) => {
            let call = Call {
                webhook: endpoint.identity,
                event_id: event_id.to_owned(),
            };
            match endpoint.deactivated_at {
                Some(at) => Err((None, CallError::Deactivated(at))),
                None => Ok((endpoint, call)),
            }
        }
        // Without a secret nothing is ever believed, so the first of these does not happen.
        (Ok(_), None) => Err((None, CallError::Refused(Refused::BadSignature))),
        (Err(refused), endpoint) => Err((endpoint, CallError::Refused(refused))),
    }
}

/// Applies an event that was believed, exactly once.
///
/// # Errors
/// When the body is no event, the mapping does not know it, or the database cannot take it now.
pub async fn receive(
    database: &dyn Database,
    rulebooks: &Rulebooks,
    endpoint: &Endpoint,
    call: &Call,
    body: Bytes,
) -> Result<EventAnswer, CallError> {
    let rules = rulebooks.of(database, endpoint).await?;
    let event_id = call.event_id.clone();
    let pos_system = endpoint.identity.pos_system;
    // A mapping may calculate at length; whoever else is served here must not wait for it.
    let translated =
        tokio::task::spawn_blocking(move || translate(&rules, &body, pos_system, &event_id))
            .await
            .map_err(|error| DatabaseError::internal("read the event", error))??;
    let Translated { delivery, problems } = translated;
    let applied = database.apply_event(call, &Arc::new(delivery)).await?;
    Ok(match applied.ack {
        Ack::Duplicate { .. } => EventAnswer::Duplicate,
        Ack::Applied { .. } => EventAnswer::Applied {
            records: number(
                applied.counts.inserted + applied.counts.updated + applied.counts.deleted,
            ),
            set_aside: number(applied.counts.rejected),
            problems,
        },
    })
}

fn translate(
    rules: &Rulebook,
    body: &[u8],
    pos_system: PosSystemId,
    event_id: &str,
) -> Result<Translated, CallError> {
    let event = Event::read(body, MAX_EVENT_BYTES).map_err(CallError::NoEvent)?;
    let stream = rules
        .stream(&event.event_type)
        .ok_or_else(|| CallError::UnknownEvent {
            got: event.event_type.clone(),
            known: rules.events(),
        })?;
    Ok(lines::translate(
        rules, stream, &event, pos_system, event_id,
    )?)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
