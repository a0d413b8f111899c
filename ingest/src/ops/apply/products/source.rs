//! A live source record and the barcodes it is compared by.

use chrono::{DateTime, Utc};
use fluxion_model::Uuid;
use fluxion_model::entity::Product;

use super::HeldSource;
use crate::ops::gtin;

/// A live source record.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Its POS.
    pub pos_system: Uuid,
    /// Its identity there.
    pub external_id: &'a str,
    /// As the POS sent it.
    pub record: &'a Product,
    /// Since when it is known.
    pub created_at: DateTime<Utc>,
    pub(super) pinned: bool,
    pub(super) fresh: bool,
    pub(super) codes: Vec<Code<'a>>,
}

#[derive(Debug, Clone)]
pub(super) struct Code<'a> {
    pub(super) code: String,
    pub(super) barcode: &'a str,
    pub(super) worldwide: bool,
}

pub(super) fn codes_of(product: &Product) -> Vec<Code<'_>> {
    let codes = product
        .barcodes
        .iter()
        .filter(|barcode| !barcode.trim().is_empty());
    codes
        .map(|barcode| match gtin::normalise(barcode) {
            Some(code) => Code {
                code,
                barcode,
                worldwide: true,
            },
            None => Code {
                code: barcode.trim().to_owned(),
                barcode,
                worldwide: false,
            },
        })
        .collect()
}

impl<'a> Source<'a> {
    pub(super) fn held(held: &'a HeldSource) -> Self {
        Self {
            pos_system: held.pos_system,
            external_id: &held.external_id,
            record: &held.record,
            created_at: held.created_at,
            pinned: held.pinned,
            fresh: false,
            codes: codes_of(&held.record),
        }
    }

    pub(super) fn shares_barcode(&self, codes: &[Code<'_>]) -> bool {
        self.codes
            .iter()
            .any(|own| own.worldwide && codes.iter().any(|other| other.code == own.code))
    }

    /// Its barcodes that identify a product worldwide.
    pub fn worldwide(&self) -> impl Iterator<Item = &str> {
        self.codes
            .iter()
            .filter(|code| code.worldwide)
            .map(|code| code.code.as_str())
    }
}
