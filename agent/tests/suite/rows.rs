//! Builders: prepared rows for the spool, commits, and a cloud that applies lines in order.

use std::collections::{BTreeMap, BTreeSet};

use fluxion_agent::config::DeleteBrake;
use fluxion_agent::spool::{
    Commit, Prepared, PreparedChange, PreparedRecord, PreparedReject, PreparedRow, RejectNews,
    ReportNeed, Span, Store, StreamId, Sweep, Waiting,
};
use fluxion_connectors::ScanPart;
use fluxion_model::delivery::Line;
use fluxion_model::entity::{EntityKind, Record};
use fluxion_model::id::{BatchSeq, JobId, StreamName};
use fluxion_model::job::{JobCounts, JobKind, JobReport, JobStatus};
use fluxion_model::reject::{ErrorClass, Rejected};
use fluxion_model::stream::Cursor;
use fluxion_model::wire;

pub const RULES: [u8; 16] = [1; 16];

pub fn product(id: &str, name: &str) -> Record {
    let value = serde_json::json!({"product": {"id": id, "sku": id, "name": name}});
    serde_json::from_value(value).unwrap()
}

pub fn touched(id: &str, name: &str, at: &str) -> Record {
    let value =
        serde_json::json!({"product": {"id": id, "sku": id, "name": name, "updated_at": at}});
    serde_json::from_value(value).unwrap()
}

pub fn price(id: &str, product: &str, amount: u32) -> Record {
    let amount = amount.to_string();
    let value = serde_json::json!({"price": {"id": id, "product": product, "currency": "VES", "amount": amount}});
    serde_json::from_value(value).unwrap()
}

pub fn rejected(key: &str, entity: EntityKind) -> Rejected {
    Rejected {
        entity,
        key: key.to_owned(),
        id: None,
        class: ErrorClass::DataValidation,
        field: Some("amount".to_owned()),
        rule: "number".to_owned(),
        raw: Some("1O,5".to_owned()),
        message: "not a number".to_owned(),
        position: None,
        row: BTreeMap::new(),
    }
}

/// What a row became.
pub enum Row {
    Is(Vec<Record>),
    Bad(Vec<Record>, Vec<Rejected>),
    Gone,
}

pub fn prepared(rows: Vec<(&str, Row)>) -> Prepared {
    let mut out = Prepared::default();
    for (key, row) in rows {
        let (records, rejects) = match row {
            Row::Gone => {
                out.rows.push(PreparedRow {
                    key: key.into(),
                    change: PreparedChange::Delete,
                });
                continue;
            }
            Row::Is(records) => (records, Vec::new()),
            Row::Bad(records, rejects) => (records, rejects),
        };
        let (from, rejects_from) = (out.records.len(), out.rejects.len());
        for record in records {
            let (entity, id) = (record.kind(), record.id().clone());
            let start = out.text.len();
            let fingerprint = wire::write_record(&mut out.text, record).unwrap();
            let end = out.text.len() - 1;
            out.records.push(PreparedRecord {
                entity,
                id,
                line: Span { start, end },
                fingerprint,
            });
        }
        for reject in rejects {
            let entity = reject.entity;
            let line = line(&mut out.text, &Line::Reject(reject));
            out.rejects.push(PreparedReject { entity, line });
        }
        let change = PreparedChange::Upsert {
            records: from..out.records.len(),
            rejects: rejects_from..out.rejects.len(),
        };
        out.rows.push(PreparedRow {
            key: key.into(),
            change,
        });
    }
    out
}

fn line(text: &mut Vec<u8>, line: &Line) -> Span {
    let start = text.len();
    wire::write_line(text, line).unwrap();
    Span {
        start,
        end: text.len() - 1,
    }
}

pub fn stream_name() -> StreamName {
    StreamName::new("items").unwrap()
}

pub fn job() -> JobReport {
    JobReport {
        id: JobId::generate(),
        stream: stream_name(),
        kind: JobKind::FullSync,
        status: JobStatus::Running,
        started_at: chrono::Utc::now(),
        completed_at: None,
        counts: JobCounts::default(),
        error: None,
    }
}

pub fn cursor(text: &str) -> Cursor {
    Cursor(text.as_bytes().into())
}

/// A commit of these rows, which a test may still change.
pub fn commit(store: &mut Store, rows: Vec<(&str, Row)>, scan: ScanPart) -> Commit {
    let position = store.stream("pos", &stream_name(), RULES).unwrap();
    Commit {
        stream: position.id,
        generation: position.generation,
        prepared: prepared(rows),
        end: Some(cursor("somewhere")),
        mark: None,
        scan,
        job: job(),
        mapping_version: 1,
        reject_news: RejectNews::Changed,
        report: ReportNeed::WithNews,
    }
}

pub fn sweep(store: &mut Store, brake: DeleteBrake) -> Sweep {
    let position = store.stream("pos", &stream_name(), RULES).unwrap();
    Sweep {
        stream: position.id,
        generation: position.generation,
        end: cursor("the end"),
        brake,
        job: job(),
        mapping_version: 1,
    }
}

/// A brake that never trips.
pub const NO_BRAKE: DeleteBrake = DeleteBrake {
    percent: 100,
    min_rows: u64::MAX,
};

/// What a cloud knows after applying lines in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CloudModel {
    pub records: BTreeMap<(EntityKind, String), String>,
    pub rejects: BTreeSet<String>,
    pub puts: u64,
    pub deletes: u64,
    pub jobs: u64,
}

impl CloudModel {
    pub fn apply(&mut self, lines: &[Vec<u8>]) {
        for line in lines {
            match wire::read_line(line).unwrap() {
                Line::Put(record) => {
                    self.puts += 1;
                    let text = String::from_utf8(line.clone()).unwrap();
                    self.records
                        .insert((record.kind(), record.id().to_string()), text);
                }
                Line::Delete(gone) => {
                    self.deletes += 1;
                    self.records.remove(&(gone.entity, gone.id.to_string()));
                }
                Line::Reject(reject) => {
                    self.rejects.insert(reject.key);
                }
                Line::Cleared { keys } => keys.iter().for_each(|key| {
                    self.rejects.remove(key);
                }),
                Line::Job(_) => self.jobs += 1,
            }
        }
    }

    /// Takes everything that waits, as a sender and an ingest that work would.
    pub fn drain(&mut self, store: &mut Store) {
        let mut after = 0;
        while let Some(waiting) = store.next_batch(after).unwrap() {
            let Waiting {
                seq: BatchSeq(seq),
                lines,
                epoch,
                ..
            } = waiting;
            let text = waiting.lines().unwrap();
            assert_eq!(text.len(), lines as usize);
            self.apply(&text);
            after = seq;
            store.forget(BatchSeq(seq), epoch).unwrap();
        }
    }

    pub fn names(&self) -> Vec<String> {
        self.records
            .keys()
            .map(|(entity, id)| format!("{entity} {id}"))
            .collect()
    }
}

pub fn stream_id(store: &mut Store) -> StreamId {
    store.stream("pos", &stream_name(), RULES).unwrap().id
}
