//! The words every other room speaks: ids, values, rows, entities, batches, commands, and how they travel.
//!
//! `model` does no I/O, knows no POS, no database and no HTTP. Types that cross the wire are read leniently
//! (unknown fields are ignored, missing optional ones default) because an agent may be years older or newer than
//! the ingest it talks to; see [`wire`].

pub mod carry;
pub mod command;
pub mod delivery;
pub mod enrolment;
pub mod entity;
pub mod fingerprint;
pub mod heartbeat;
pub mod id;
pub mod job;
pub mod json;
pub mod money;
pub mod pattern;
pub mod reject;
pub mod release;
pub mod row;
pub mod stream;
pub mod value;
pub mod webhook;
pub mod wire;

pub use chrono;
pub use rust_decimal::Decimal;
pub use semver::Version;
pub use uuid::Uuid;
