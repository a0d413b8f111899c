//! A delivery taken apart by what its lines are about, each record once: of several lines about one record the last
//! one counts.

use fluxion_model::Uuid;
use fluxion_model::delivery::Line;
use fluxion_model::entity::{EntityKind, Record};
use fluxion_model::job::JobReport;
use fluxion_model::reject::Rejected;

use crate::ops::delivery::{Delivery, Item, Refusal};

/// A record that is there.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// Its identity.
    pub id: &'a str,
    /// What it looks like.
    pub record: &'a Record,
    /// Of its line.
    pub fingerprint: Uuid,
    /// For products: itself as JSON.
    pub json: Option<&'a str>,
}

/// What happened to one record.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// It is there.
    Put(Put<'a>),
    /// It is gone.
    Delete(&'a str),
}

impl<'a> Change<'a> {
    /// Whether it is there.
    #[must_use]
    pub fn is_put(&self) -> bool {
        match self {
            Self::Put(_) => true,
            Self::Delete(_) => false,
        }
    }

    /// Which record.
    #[must_use]
    pub fn id(&self) -> &'a str {
        match self {
            Self::Put(put) => put.id,
            Self::Delete(id) => id,
        }
    }
}

/// A delivery taken apart.
#[derive(Debug, Default)]
pub struct Sorted<'a> {
    changes: Vec<(EntityKind, Vec<Change<'a>>)>,
    /// What the agent set aside, after clears of the same delivery that came before it.
    pub rejects: Vec<&'a Rejected>,
    /// What the cloud set aside while reading.
    pub refusals: Vec<&'a Refusal>,
    /// Source keys whose rejects no longer hold.
    pub cleared: Vec<&'a str>,
    /// The last report of each job.
    pub jobs: Vec<&'a JobReport>,
}

impl<'a> Sorted<'a> {
    /// Takes a delivery apart.
    #[must_use]
    pub fn of(delivery: &'a Delivery) -> Self {
        let mut sorted = Self::default();
        for item in &delivery.items {
            match item {
                Item::Refused(refusal) => sorted.refusals.push(refusal),
                Item::Line {
                    line,
                    fingerprint,
                    json,
                } => {
                    let fingerprint = Uuid::from_bytes(fingerprint.0);
                    sorted.add(line, fingerprint, json.as_deref());
                }
            }
        }
        for (_, changes) in &mut sorted.changes {
            keep_last(changes);
        }
        sorted
    }

    fn add(&mut self, line: &'a Line, fingerprint: Uuid, json: Option<&'a str>) {
        match line {
            Line::Put(record) => {
                let put = Put {
                    id: record.id().as_str(),
                    record,
                    fingerprint,
                    json,
                };
                self.of_kind(record.kind()).push(Change::Put(put));
            }
            Line::Delete(tombstone) => self
                .of_kind(tombstone.entity)
                .push(Change::Delete(tombstone.id.as_str())),
            Line::Reject(rejected) => self.rejects.push(rejected),
            Line::Cleared { keys } => {
                self.rejects
                    .retain(|rejected| !keys.contains(&rejected.key));
                self.cleared.extend(keys.iter().map(String::as_str));
            }
            Line::Job(report) => {
                self.jobs.retain(|earlier| earlier.id != report.id);
                self.jobs.push(report);
            }
        }
    }

    fn of_kind(&mut self, kind: EntityKind) -> &mut Vec<Change<'a>> {
        // A delivery carries few kinds, most often the same one as the line before.
        let index = self
            .changes
            .iter()
            .rposition(|(known, _)| *known == kind)
            .unwrap_or_else(|| {
                self.changes.push((kind, Vec::new()));
                self.changes.len() - 1
            });
        &mut self.changes[index].1
    }

    /// What happened to records of this kind, in the order of their ids.
    #[must_use]
    pub fn changes(&self, kind: EntityKind) -> &[Change<'a>] {
        self.changes
            .iter()
            .find(|(known, _)| *known == kind)
            .map_or(&[], |(_, changes)| changes)
    }

    /// Whether it brings records that stand by themselves, and takes none of them away.
    #[must_use]
    pub fn only_adds_facts(&self) -> bool {
        let mut facts = self
            .changes
            .iter()
            .filter(|(kind, _)| *kind != EntityKind::Product)
            .peekable();
        facts.peek().is_some() && facts.all(|(_, changes)| changes.iter().all(Change::is_put))
    }

    /// Whether it says anything about any record.
    #[must_use]
    pub fn has_records(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// Sorts by id, which keeps index pages and lock order in order, and keeps the last of each.
fn keep_last(changes: &mut Vec<Change<'_>>) {
    changes.sort_by(|a, b| a.id().cmp(b.id()));
    changes.reverse();
    changes.dedup_by(|next, kept| next.id() == kept.id());
    changes.reverse();
}
