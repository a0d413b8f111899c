//! What the spool remembers of one row: which records it last sent, and whether something of it was set aside.
//!
//! Two states are equal exactly when their bytes are equal, so an unchanged row costs one comparison. Layout:
//! `flags u8` · if flag 1: fingerprint of the rejects, 16 bytes · per record: `entity u8`, `id length u8`
//! (0 means: the same text as the row's key), `id`, `fingerprint 16 bytes`.

use fluxion_model::entity::EntityKind;
use fluxion_model::fingerprint::Fingerprint;

const HAS_REJECTS: u8 = 1;

/// The records of one row, as last sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowState {
    /// Fingerprint over all rejects of the row, if any.
    pub rejects: Option<[u8; 16]>,
    /// In the order the mapping makes them.
    pub records: Vec<Held>,
}

/// One record that the cloud holds on behalf of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its kind.
    pub entity: EntityKind,
    /// Its external id.
    pub id: Box<str>,
    /// Its fingerprint, mixed with the stream's salt.
    pub fingerprint: [u8; 16],
}

/// Stable on disk: never renumber.
fn code(entity: EntityKind) -> u8 {
    match entity {
        EntityKind::Location => 1,
        EntityKind::Category => 2,
        EntityKind::Supplier => 3,
        EntityKind::Customer => 4,
        EntityKind::Product => 5,
        EntityKind::Price => 6,
        EntityKind::StockLevel => 7,
        EntityKind::StockMovement => 8,
        EntityKind::Sale => 9,
        EntityKind::AccountPayment => 10,
        EntityKind::CashSession => 11,
    }
}

fn entity(code_read: u8) -> Option<EntityKind> {
    EntityKind::ALL
        .iter()
        .copied()
        .find(|kind| code(*kind) == code_read)
}

/// A stream's salt changes whenever the cloud may have forgotten what was sent: then no fingerprint matches any more
/// and everything is sent again, while the spool still knows which records to delete.
pub fn salted(fingerprint: Fingerprint, salt: u128) -> [u8; 16] {
    (u128::from_be_bytes(fingerprint.0) ^ salt).to_be_bytes()
}

/// Begins the bytes of a state.
pub fn begin(out: &mut Vec<u8>, rejects: Option<[u8; 16]>) {
    out.clear();
    match rejects {
        Some(fingerprint) => {
            out.push(HAS_REJECTS);
            out.extend_from_slice(&fingerprint);
        }
        None => out.push(0),
    }
}

/// Appends one record.
pub fn push(out: &mut Vec<u8>, key: &str, kind: EntityKind, id: &str, fingerprint: [u8; 16]) {
    out.push(code(kind));
    if id == key {
        out.push(0);
    } else {
        // External ids are bounded to 200 bytes by their type.
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(id.as_bytes());
    }
    out.extend_from_slice(&fingerprint);
}

impl RowState {
    /// Reads the bytes; `None` when they are damaged.
    #[must_use]
    pub fn decode(bytes: &[u8], key: &str) -> Option<Self> {
        let (flags, mut rest) = bytes.split_first()?;
        let mut rejects = None;
        if flags & HAS_REJECTS != 0 {
            let (fingerprint, after) = rest.split_first_chunk::<16>()?;
            rejects = Some(*fingerprint);
            rest = after;
        }
        let mut records = Vec::new();
        while let Some((head, after)) = rest.split_first_chunk::<2>() {
            let (id, after) = after.split_at_checked(usize::from(head[1]))?;
            let (fingerprint, after) = after.split_first_chunk::<16>()?;
            let id = if id.is_empty() {
                key
            } else {
                std::str::from_utf8(id).ok()?
            };
            records.push(Held {
                entity: entity(head[0])?,
                id: id.into(),
                fingerprint: *fingerprint,
            });
            rest = after;
        }
        rest.is_empty().then_some(Self { rejects, records })
    }

    /// Writes the bytes.
    pub fn encode(&self, key: &str, out: &mut Vec<u8>) {
        begin(out, self.rejects);
        for held in &self.records {
            push(out, key, held.entity, &held.id, held.fingerprint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back_as_it_was_written_and_damage_is_noticed() {
        let state = RowState {
            rejects: Some([7; 16]),
            records: vec![
                Held {
                    entity: EntityKind::Product,
                    id: "A-1".into(),
                    fingerprint: [1; 16],
                },
                Held {
                    entity: EntityKind::Price,
                    id: "A-1|default".into(),
                    fingerprint: [2; 16],
                },
            ],
        };
        let mut bytes = Vec::new();
        state.encode("A-1", &mut bytes);
        assert_eq!(RowState::decode(&bytes, "A-1"), Some(state));
        assert_eq!(RowState::decode(&bytes[..bytes.len() - 1], "A-1"), None);
        assert_eq!(RowState::decode(&[], "A-1"), None);
    }

    #[test]
    fn every_entity_has_its_own_code() {
        for kind in EntityKind::ALL {
            assert_eq!(entity(code(*kind)), Some(*kind));
        }
    }
}
