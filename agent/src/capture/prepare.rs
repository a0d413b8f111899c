//! Rows of a batch, mapped and written as the lines they will travel as. Pure; runs off the async threads.

use fluxion_connectors::RowProblem;
use fluxion_mappings::Bound;
use fluxion_model::delivery::Line;
use fluxion_model::entity::{EntityKind, Record};
use fluxion_model::reject::{ErrorClass, Rejected};
use fluxion_model::row::{Row, RowBatch, RowChange, RowKey};
use fluxion_model::wire;

use crate::spool::{Prepared, PreparedChange, PreparedRecord, PreparedReject, PreparedRow, Span};

/// What is prepared.
pub struct Input<'a> {
    /// The mapping, bound to the shape of the rows. Without it only deletes are taken over.
    pub bound: Option<&'a Bound>,
    /// The rows.
    pub rows: RowBatch,
    /// What could not even be read as a row.
    pub unreadable: &'a [RowProblem],
    /// File or table, for rejects.
    pub from: &'a str,
    /// The first kind of record of the stream, for rejects of unreadable rows.
    pub entity: EntityKind,
}

/// Maps and writes. Never fails: what cannot be mapped becomes a reject.
#[must_use]
pub fn prepare(input: Input<'_>) -> Prepared {
    let mut out = Prepared::default();
    out.rows.reserve_exact(input.rows.changes.len());
    let mut warnings = 0_usize;
    for change in input.rows.changes {
        match change {
            RowChange::Delete { key } => out.rows.push(PreparedRow {
                key: key.0,
                change: PreparedChange::Delete,
            }),
            RowChange::Upsert { key, row } => {
                if let Some(bound) = input.bound {
                    warnings += upsert(&mut out, bound, key, &row);
                }
            }
        }
    }
    for problem in input.unreadable {
        let line = unreadable(&mut out.text, problem, input.from, input.entity);
        out.unreadable.extend(line);
        out.problems.push(problem.clone());
    }
    if warnings > 0 {
        tracing::debug!(from = input.from, warnings, "business rules warned");
    }
    out
}

/// Returns how many warnings there were.
fn upsert(out: &mut Prepared, bound: &Bound, key: RowKey, row: &Row) -> usize {
    let mapped = bound.map(&key, row);
    let records_from = out.records.len();
    let rejects_from = out.rejects.len();
    for record in mapped.records {
        put(out, &key, record);
    }
    for rejected in mapped.rejects {
        reject(out, rejected, row.position);
    }
    let change = PreparedChange::Upsert {
        records: records_from..out.records.len(),
        rejects: rejects_from..out.rejects.len(),
    };
    out.rows.push(PreparedRow { key: key.0, change });
    mapped.warnings.len()
}

fn put(out: &mut Prepared, key: &RowKey, record: Record) {
    let entity = record.kind();
    let id = record.id().clone();
    let start = out.text.len();
    let written = wire::write_record(&mut out.text, record);
    let end = out.text.len().saturating_sub(1);
    if let Ok(fingerprint) = written
        && end - start <= wire::MAX_LINE_BYTES
    {
        out.records.push(PreparedRecord {
            entity,
            id,
            line: Span { start, end },
            fingerprint,
        });
        return;
    }
    out.text.truncate(start);
    let message = format!(
        "the {entity} is {} bytes long, the limit is {}; it has too many lines or too long texts",
        end.saturating_sub(start),
        wire::MAX_LINE_BYTES
    );
    let rejected = Rejected {
        entity,
        key: key.as_str().to_owned(),
        id: Some(id),
        class: ErrorClass::DataValidation,
        field: None,
        rule: "too_large".to_owned(),
        raw: None,
        message,
        position: None,
        row: std::collections::BTreeMap::new(),
    };
    reject(out, rejected, None);
}

fn reject(out: &mut Prepared, mut rejected: Rejected, position: Option<u64>) {
    out.problems.push(RowProblem {
        position,
        field: rejected.field.clone(),
        raw: rejected.raw.clone(),
        message: rejected.message.clone(),
    });
    let entity = rejected.entity;
    let start = out.text.len();
    for attempt in 0..2 {
        if wire::write_line(&mut out.text, &Line::Reject(rejected.clone())).is_ok()
            && out.text.len() - start <= wire::MAX_LINE_BYTES
        {
            break;
        }
        // A row of hundreds of columns: the reason matters more than the values.
        out.text.truncate(start);
        rejected.row.clear();
        if attempt == 1 {
            return;
        }
    }
    let end = out.text.len().saturating_sub(1);
    out.rejects.push(PreparedReject {
        entity,
        line: Span { start, end },
    });
}

fn unreadable(
    text: &mut Vec<u8>,
    problem: &RowProblem,
    from: &str,
    entity: EntityKind,
) -> Option<Span> {
    let position = problem
        .position
        .map_or_else(|| from.to_owned(), |at| format!("{from}:{at}"));
    let cut = |raw: &String| raw.chars().take(Rejected::RAW_MAX_CHARS).collect();
    let rejected = Rejected {
        entity,
        key: position.clone(),
        id: None,
        class: ErrorClass::DataValidation,
        field: problem.field.clone(),
        rule: "unreadable".to_owned(),
        raw: problem.raw.as_ref().map(cut),
        message: problem.message.clone(),
        position: Some(position),
        row: std::collections::BTreeMap::new(),
    };
    let start = text.len();
    if wire::write_line(text, &Line::Reject(rejected)).is_err() {
        text.truncate(start);
        return None;
    }
    Some(Span {
        start,
        end: text.len() - 1,
    })
}
