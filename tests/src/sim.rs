//! A Venezuelan chain that never closes: five stores whose POS systems keep selling, changing prices, adding and
//! deleting products, and now and then write a bad row.
//!
//! Everything follows from one seed, except where the moment itself is part of the data. Names of companies, brands
//! and people are invented.

pub mod adminpaq;
pub mod adminpaq_tables;
pub mod adminpaq_truth;
pub mod catalogue;
pub mod dbf;
pub mod export;
pub mod export_file;
pub mod people;
pub mod random;
pub mod stellar;
pub mod stellar_truth;
pub mod systimax;
pub mod systimax_truth;
pub mod truth;
pub mod words;

use anyhow::{Context, Result};
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use fluxion_model::id::ExternalId;

/// The moment at which clocks in Caracas show this: four hours behind UTC all year.
#[must_use]
pub fn caracas_to_utc(local: NaiveDateTime) -> DateTime<Utc> {
    (local + Duration::hours(4)).and_utc()
}

/// What clocks in Caracas show now, in whole seconds.
#[must_use]
pub fn caracas_now() -> NaiveDateTime {
    let now = Utc::now() - Duration::hours(4);
    DateTime::from_timestamp(now.timestamp(), 0)
        .unwrap_or(now)
        .naive_utc()
}

fn id(text: &str) -> Result<ExternalId> {
    ExternalId::new(text).with_context(|| format!("{text:?} is no identity"))
}
