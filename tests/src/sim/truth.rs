//! What a POS holds: what the cloud must hold too when everything is quiet.

use std::collections::{BTreeMap, BTreeSet};

use fluxion_model::entity::{EntityKind, Record};

/// Everything one POS system holds, in the cloud's words.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// By kind and identity.
    pub records: BTreeMap<EntityKind, BTreeMap<String, Record>>,
    /// Rows that no mapping could take, by kind and identity at the POS.
    pub rejects: BTreeSet<(EntityKind, String)>,
}

impl Truth {
    /// The record is there and looks like this; what was wrong with it before is mended.
    pub fn put(&mut self, record: impl Into<Record>) {
        let record = record.into();
        let id = record.id().as_str().to_owned();
        self.rejects.remove(&(record.kind(), id.clone()));
        self.records
            .entry(record.kind())
            .or_default()
            .insert(id, record);
    }

    /// The record is gone, and so is what was wrong with it.
    pub fn remove(&mut self, kind: EntityKind, id: &str) {
        self.records.entry(kind).or_default().remove(id);
        self.rejects.remove(&(kind, id.to_owned()));
    }

    /// The row cannot be taken; the cloud keeps what it had.
    pub fn reject(&mut self, kind: EntityKind, id: &str) {
        self.rejects.insert((kind, id.to_owned()));
    }

    /// How many records of a kind there are.
    #[must_use]
    pub fn count(&self, kind: EntityKind) -> usize {
        self.records.get(&kind).map_or(0, BTreeMap::len)
    }
}
