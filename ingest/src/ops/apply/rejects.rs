//! What is set aside, by the agent or by the cloud, as rows: one per source key and entity.

use std::collections::HashMap;

use fluxion_model::Uuid;
use fluxion_model::reject::Rejected;

use super::Stamp;
use super::tables;
use crate::database::bulk::{Cell, Rows};
use crate::ops::delivery::Refusal;

/// The longest key that is kept; longer ones are cut, so that they fit an index.
const KEY_MAX_BYTES: usize = 500;

/// The rows to write. Of several rejects of one key and entity the first stands: the others tell of the same row.
#[must_use]
pub fn rows<'a>(
    stream: &'a str,
    rejected: &[&'a Rejected],
    refused: &'a [Refusal],
    stamp: &Stamp,
) -> Rows<'a> {
    let mut rows = Rows::new(&tables::REJECTS);
    let mut seen: HashMap<(&str, &str), ()> = HashMap::new();
    for reject in rejected {
        let (entity, key) = (reject.entity.as_str(), short(&reject.key));
        if seen.insert((entity, key), ()).is_some() {
            continue;
        }
        let row = serde_json::to_string(&reject.row).unwrap_or_else(|_| "{}".to_owned());
        push(
            &mut rows,
            stream,
            stamp,
            Parts {
                entity,
                key,
                id: reject.id.as_ref().map(AsRef::as_ref),
                class: reject.class.as_str(),
                field: reject.field.as_deref(),
                rule: &reject.rule,
                raw: reject.raw.as_deref(),
                message: &reject.message,
                position: reject.position.as_deref(),
                row,
                origin: "agent",
            },
        );
    }
    for refusal in refused {
        let (entity, key) = (
            refusal.entity.map_or("unknown", |entity| entity.as_str()),
            short(&refusal.key),
        );
        if seen.insert((entity, key), ()).is_some() {
            continue;
        }
        push(
            &mut rows,
            stream,
            stamp,
            Parts {
                entity,
                key,
                id: refusal.id.as_deref(),
                class: refusal.class.as_str(),
                field: refusal.field.as_deref(),
                rule: refusal.rule,
                raw: refusal.raw.as_deref(),
                message: &refusal.message,
                position: None,
                row: "{}".to_owned(),
                origin: "cloud",
            },
        );
    }
    rows
}

/// A key as it is kept.
#[must_use]
pub fn short(key: &str) -> &str {
    &key[..key.floor_char_boundary(KEY_MAX_BYTES)]
}

struct Parts<'a> {
    entity: &'static str,
    key: &'a str,
    id: Option<&'a str>,
    class: &'static str,
    field: Option<&'a str>,
    rule: &'a str,
    raw: Option<&'a str>,
    message: &'a str,
    position: Option<&'a str>,
    row: String,
    origin: &'static str,
}

fn push<'a>(rows: &mut Rows<'a>, stream: &'a str, stamp: &Stamp, parts: Parts<'a>) {
    rows.push([
        Cell::Uuid(stamp.tenant),
        Cell::Uuid(Uuid::now_v7()),
        Cell::Uuid(stamp.pos_system),
        Cell::text(stream),
        Cell::text(parts.entity),
        Cell::text(parts.key),
        Cell::text_or_null(parts.id),
        Cell::text(parts.class),
        Cell::text_or_null(parts.field),
        Cell::text(parts.rule),
        Cell::text_or_null(parts.raw),
        Cell::text(parts.message),
        Cell::text_or_null(parts.position),
        Cell::owned(parts.row),
        Cell::text(parts.origin),
        Cell::text("open"),
        Cell::Int(1),
        Cell::Time(stamp.now),
        Cell::Time(stamp.now),
        Cell::Null,
        Cell::Uuid(stamp.job),
        Cell::Int(stamp.mapping_version),
        Cell::Big(stamp.batch_seq),
    ]);
}
