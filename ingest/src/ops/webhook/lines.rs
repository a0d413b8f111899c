//! An event as the lines of a delivery, byte for byte as an agent would write them, so that a record has one fingerprint
//! whichever way it comes. Pure.

use std::collections::BTreeMap;

use chrono::Utc;
use fluxion_model::delivery::{DeliveryHeader, Line};
use fluxion_model::id::{BatchSeq, Epoch, JobId, PosSystemId};
use fluxion_model::json;
use fluxion_model::reject::{ErrorClass, Rejected};
use fluxion_model::webhook::Event;
use fluxion_model::wire;

use super::rulebook::{EventRules, Rulebook};
use crate::database::{DatabaseError, DatabaseResult};
use crate::ops::delivery::{Delivery, Encoding, decode};

/// How many problems the sender is told.
const PROBLEMS_TOLD: usize = 10;

/// An event, read.
#[derive(Debug)]
pub struct Translated {
    /// What is applied.
    pub delivery: Delivery,
    /// What is wrong with the records that were set aside.
    pub problems: Vec<String>,
}

/// What becomes of an event. What cannot be mapped becomes a reject.
///
/// # Errors
/// Never for the types of the model.
pub fn translate(
    rules: &Rulebook,
    stream: &EventRules,
    event: &Event<'_>,
    pos_system: PosSystemId,
    event_id: &str,
) -> DatabaseResult<Translated> {
    let (lines, problems) = lines_of(stream, event, event_id);
    let header = DeliveryHeader {
        fluxion: wire::VERSION,
        // Events have ids instead of an order: the database numbers them as they come.
        epoch: Epoch(pos_system.0),
        seq: BatchSeq::FIRST,
        made_at: Utc::now(),
        pos_system,
        stream: stream.stream.clone(),
        job: JobId::generate(),
        mapping_version: rules.version,
        lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
    };
    let delivery = through_the_wire(&header, &lines)
        .map_err(|error| DatabaseError::internal("write an event as a delivery", error))?;
    Ok(Translated { delivery, problems })
}

fn lines_of(stream: &EventRules, event: &Event<'_>, event_id: &str) -> (Vec<Line>, Vec<String>) {
    let row = match json::at(event.body, &stream.item) {
        Some(item) => stream
            .layout
            .row(item, None)
            .map_err(|problem| (problem, item.get())),
        None => Err((
            format!("there is nothing at {}", stream.item),
            event.body.get(),
        )),
    };
    let (key, row) = match row {
        Ok(row) => row,
        Err((problem, raw)) => {
            let message = format!(
                "the event {:?} is no row: {problem}; correct what the POS sends, or the mapping",
                event.event_type
            );
            let reject = unreadable(stream, event_id, message.clone(), raw);
            return (vec![Line::Reject(reject)], vec![message]);
        }
    };
    let mapped = stream.bound.map(&key, &row);
    if !mapped.warnings.is_empty() {
        tracing::debug!(stream = %stream.stream, warnings = mapped.warnings.len(), "business rules warned");
    }
    let problems = mapped
        .rejects
        .iter()
        .take(PROBLEMS_TOLD)
        .map(|reject| format!("{}: {}", reject.entity, reject.message))
        .collect();
    // An earlier event about the same row may have been set aside.
    let cleared = Line::Cleared {
        keys: vec![key.0.into_string()],
    };
    let lines = std::iter::once(cleared)
        .chain(mapped.records.into_iter().map(Line::Put))
        .chain(mapped.rejects.into_iter().map(Line::Reject))
        .collect();
    (lines, problems)
}

fn unreadable(stream: &EventRules, event_id: &str, message: String, raw: &str) -> Rejected {
    let shown: String = raw.chars().take(Rejected::RAW_MAX_CHARS).collect();
    Rejected {
        entity: stream.entity,
        key: event_id.to_owned(),
        id: None,
        class: ErrorClass::DataValidation,
        field: None,
        rule: "unreadable".to_owned(),
        raw: (!stream.has_secrets).then_some(shown),
        message,
        position: None,
        row: BTreeMap::new(),
    }
}

/// Written and read again, so that an event passes the same checks as what an agent sends.
fn through_the_wire(
    header: &DeliveryHeader,
    lines: &[Line],
) -> Result<Delivery, Box<dyn std::error::Error + Send + Sync>> {
    let mut text = Vec::new();
    wire::write_line(&mut text, header)?;
    for line in lines {
        wire::write_line(&mut text, line)?;
    }
    Ok(decode(&text, Encoding::Plain)?)
}
