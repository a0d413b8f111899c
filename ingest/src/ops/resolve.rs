//! What a decision about a `duplicate_sku` moves. Pure: the database engine reads, asks here, and writes.

use std::collections::BTreeSet;

use fluxion_model::Uuid;

use super::apply::contradictions::{Contested, Contradiction};
use super::gtin;
use crate::database::resolutions::{Resolution, Strategy};

/// Where a source row goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Its POS system.
    pub pos_system: Uuid,
    /// Its identity there.
    pub external_id: String,
    /// The product it becomes part of.
    pub target: Target,
    /// Whether matching shall leave it alone from then on.
    pub pinned: bool,
}

/// A product that is there, or one to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This one.
    Product(Uuid),
    /// A new one, shared by all moves of this number.
    New(usize),
}

/// The moves that carry out a decision.
#[must_use]
pub fn moves(resolution: &Resolution, contradiction: &Contradiction) -> Vec<Move> {
    match resolution.strategy {
        Strategy::Merge => {
            let target = Target::Product(contradiction.product);
            contradiction
                .rows
                .iter()
                .map(|row| to(row, target))
                .collect()
        }
        Strategy::KeepFirst => keep_first(contradiction),
        Strategy::Manual => {
            let assigned = resolution.assignments.iter().enumerate();
            assigned
                .map(|(number, assignment)| Move {
                    pos_system: assignment.pos_system.0,
                    external_id: assignment.external_id.clone(),
                    target: assignment
                        .product
                        .map_or(Target::New(number), |product| Target::Product(product.0)),
                    pinned: true,
                })
                .collect()
        }
    }
}

fn to(row: &Contested, target: Target) -> Move {
    Move {
        pos_system: row.pos_system,
        external_id: row.external_id.clone(),
        target,
        pinned: true,
    }
}

/// Rows that share a worldwide barcode stay together; two rows of one POS never do.
fn keep_first(contradiction: &Contradiction) -> Vec<Move> {
    let mut groups: Vec<(BTreeSet<String>, BTreeSet<Uuid>)> = Vec::new();
    let mut moves = Vec::with_capacity(contradiction.rows.len());
    for row in &contradiction.rows {
        let codes: BTreeSet<String> = row
            .barcodes
            .iter()
            .filter_map(|barcode| gtin::normalise(barcode))
            .collect();
        let home = groups.iter().position(|(known, systems)| {
            !known.is_disjoint(&codes) && !systems.contains(&row.pos_system)
        });
        let number = home.unwrap_or_else(|| {
            groups.push((BTreeSet::new(), BTreeSet::new()));
            groups.len() - 1
        });
        groups[number].0.extend(codes);
        groups[number].1.insert(row.pos_system);
        let target = if number == 0 {
            Target::Product(contradiction.product)
        } else {
            Target::New(number)
        };
        moves.push(to(row, target));
    }
    moves
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn row(pos_system: u128, id: &str, barcodes: &[&str]) -> Contested {
        Contested {
            pos_system: Uuid::from_u128(pos_system),
            external_id: id.to_owned(),
            sku: "A".to_owned(),
            name: String::new(),
            barcodes: barcodes.iter().map(|code| (*code).to_owned()).collect(),
            since: Utc::now(),
        }
    }

    #[test]
    fn keep_first_splits_by_barcode_and_never_keeps_two_rows_of_one_pos_together() {
        let contradiction = Contradiction {
            subject: String::new(),
            evidence: String::new(),
            product: Uuid::from_u128(9),
            reason: "barcodes",
            rows: vec![
                row(1, "a", &["4006381333931"]),
                row(2, "b", &["7591001000012"]),
                row(3, "c", &["04006381333931"]),
                row(1, "d", &["4006381333931"]),
                row(4, "e", &["7591001000012"]),
            ],
        };
        let resolution = Resolution {
            strategy: Strategy::KeepFirst,
            notes: None,
            assignments: Vec::new(),
        };
        let moves = moves(&resolution, &contradiction);
        let targets: Vec<Target> = moves.iter().map(|step| step.target).collect();
        let kept = Target::Product(Uuid::from_u128(9));
        assert_eq!(
            targets,
            [kept, Target::New(1), kept, Target::New(2), Target::New(1)]
        );
    }
}
