//! From the bytes an agent posts to a delivery whose every line is either understood or set aside by itself.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{Datelike, Utc};
use fluxion_model::delivery::{DeliveryHeader, Line};
use fluxion_model::entity::{EntityKind, Record};
use fluxion_model::fingerprint::Fingerprint;
use fluxion_model::id::ExternalId;
use fluxion_model::reject::{ErrorClass, Rejected};
use fluxion_model::wire::{self, WireError};
use serde_json::Value;

use crate::database::agents::AgentIdentity;
use crate::database::deliveries::Applied;
use crate::database::{Database, DatabaseError};

/// How far back a compressed body may refer, as a power of two: bounds the memory that a hostile body can ask for.
const MAX_WINDOW_LOG: u32 = 26;

/// How a body was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `Content-Encoding: zstd`.
    Zstd,
    /// No encoding.
    Plain,
}

/// A delivery as it came, read.
#[derive(Debug)]
pub struct Delivery {
    /// Who sends what.
    pub header: DeliveryHeader,
    /// Its lines, in order.
    pub items: Vec<Item>,
}

/// One line.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every item is the large one, and boxing it would cost each line"
)]
pub enum Item {
    /// Understood.
    Line {
        /// What it says.
        line: Line,
        /// Of its bytes.
        fingerprint: Fingerprint,
        /// For products: the record as JSON, kept beside the product that stores share.
        json: Option<Box<str>>,
    },
    /// Set aside by the cloud.
    Refused(Box<Refusal>),
}

/// A line or record that the cloud sets aside, in the same words as an agent's [`Rejected`], except that even the
/// entity may be unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Which entity, where that much could be read.
    pub entity: Option<EntityKind>,
    /// Which record, where that much could be read; else the line's number.
    pub key: String,
    /// Its identity, where that much could be read.
    pub id: Option<String>,
    /// Who must act.
    pub class: ErrorClass,
    /// Which field.
    pub field: Option<String>,
    /// A short, stable word.
    pub rule: &'static str,
    /// The value that broke it.
    pub raw: Option<String>,
    /// A sentence a person can act on.
    pub message: String,
}

/// Why a body was refused whole, or could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Not zstd, or damaged.
    #[error("the body is not readable zstd; send it again with Content-Encoding: zstd")]
    Compression(#[source] std::io::Error),
    /// Not a delivery.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The database said no.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Reads a body and applies it.
///
/// # Errors
/// When the body is no delivery, does not follow the last one, or the database cannot take it now.
pub async fn receive(
    database: &dyn Database,
    agent: &AgentIdentity,
    body: Bytes,
    encoding: Encoding,
) -> Result<Applied, ReceiveError> {
    let delivery = tokio::task::spawn_blocking(move || decode(&body, encoding))
        .await
        .map_err(|error| DatabaseError::internal("read the delivery", error))??;
    Ok(database.apply(agent, &Arc::new(delivery)).await?)
}

/// Reads a body: decompresses within bounds, takes it apart, and understands each line by itself.
///
/// # Errors
/// When it is not readable zstd, is too large, cut, or has no header.
pub fn decode(body: &[u8], encoding: Encoding) -> Result<Delivery, ReceiveError> {
    match encoding {
        Encoding::Plain => read(body),
        Encoding::Zstd => read(&decompress(body)?),
    }
}

fn decompress(body: &[u8]) -> Result<Vec<u8>, ReceiveError> {
    let mut decoder =
        zstd::stream::read::Decoder::with_buffer(body).map_err(ReceiveError::Compression)?;
    decoder
        .window_log_max(MAX_WINDOW_LOG)
        .map_err(ReceiveError::Compression)?;
    let limit = wire::MAX_BODY_BYTES;
    let mut text = Vec::with_capacity(body.len().saturating_mul(6).min(limit));
    decoder
        .take(limit as u64 + 1)
        .read_to_end(&mut text)
        .map_err(ReceiveError::Compression)?;
    if text.len() > limit {
        return Err(WireError::TooLarge("64 MiB decompressed; send smaller batches").into());
    }
    Ok(text)
}

fn read(text: &[u8]) -> Result<Delivery, ReceiveError> {
    let (header, lines) = wire::split(text)?;
    let items = lines
        .iter()
        .enumerate()
        .map(|(index, line)| read_item(&header, index, line))
        .collect();
    Ok(Delivery { header, items })
}

fn read_item(header: &DeliveryHeader, index: usize, line: &[u8]) -> Item {
    if line.len() > wire::MAX_LINE_BYTES {
        let message = format!(
            "The record is {} bytes long, the limit is {}.",
            line.len(),
            wire::MAX_LINE_BYTES
        );
        return refuse(header, index, None, "too_large", message);
    }
    match wire::read_line(line) {
        Ok(Line::Reject(rejected)) => understood(Line::Reject(without_nul(rejected)), line),
        Ok(parsed) if has_nul(line) => {
            let message = "A text in it contains the character U+0000, which no database keeps; remove it at the POS \
                           or in the mapping."
                .to_owned();
            refuse(
                header,
                index,
                known_of(&parsed),
                "control_character",
                message,
            )
        }
        Ok(parsed) => understood(parsed, line),
        Err(error) => {
            let known = serde_json::from_slice::<Value>(line)
                .ok()
                .and_then(|value| guess(&value));
            let message = format!(
                "The cloud does not understand the record ({error}); update the agent or the cloud, whichever is older."
            );
            refuse(header, index, known, "unreadable", message)
        }
    }
}

fn understood(line: Line, text: &[u8]) -> Item {
    let json = match &line {
        // Written anew: PostgreSQL refuses some JSON that a lenient reader skips over in fields it does not know.
        Line::Put(Record::Product(product)) => serde_json::to_string(product)
            .ok()
            .map(String::into_boxed_str),
        _ => None,
    };
    Item::Line {
        fingerprint: Fingerprint::of(text),
        line,
        json,
    }
}

/// Whether any text in the line has a NUL, which JSON can only write as an escape.
fn has_nul(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|text| text.contains("\\u0000"))
}

/// A reject shows what was wrong, so its NULs are shown and not refused.
fn without_nul(mut rejected: Rejected) -> Rejected {
    let clean = |text: &mut String| {
        if text.contains('\0') {
            *text = text.replace('\0', "\u{2400}");
        }
    };
    clean(&mut rejected.key);
    clean(&mut rejected.message);
    clean(&mut rejected.rule);
    [
        &mut rejected.raw,
        &mut rejected.field,
        &mut rejected.position,
    ]
    .into_iter()
    .flatten()
    .for_each(clean);
    rejected.row.values_mut().for_each(clean);
    rejected
}

fn known_of(line: &Line) -> Option<(EntityKind, String)> {
    match line {
        Line::Put(record) => Some((record.kind(), record.id().to_string())),
        Line::Delete(tombstone) => Some((tombstone.entity, tombstone.id.to_string())),
        Line::Reject(_) | Line::Cleared { .. } | Line::Job(_) => None,
    }
}

/// Entity and id of `{"put":{"product":{"id":"A1"}}}`, if that much is there.
fn guess(value: &Value) -> Option<(EntityKind, String)> {
    let (entity, record) = value.get("put")?.as_object()?.iter().next()?;
    let id = ExternalId::new(record.get("id")?.as_str()?).ok()?;
    Some((entity.parse().ok()?, id.to_string()))
}

fn refuse(
    header: &DeliveryHeader,
    index: usize,
    known: Option<(EntityKind, String)>,
    rule: &'static str,
    message: String,
) -> Item {
    let (entity, id) = known.unzip();
    let key = id
        .clone()
        .unwrap_or_else(|| format!("batch {} line {}", header.seq, index + 2));
    Item::Refused(Box::new(Refusal {
        entity,
        key,
        id,
        class: ErrorClass::Mapping,
        field: None,
        rule,
        raw: None,
        message,
    }))
}

/// Whether a moment is one that both engines keep and sort alike.
#[must_use]
pub fn is_storable(time: chrono::DateTime<Utc>) -> bool {
    (1..=9999).contains(&time.year())
}
