//! Tables that a running POS keeps in files of its own: dBase III and IV, FoxPro and Visual FoxPro.
//!
//! A file is opened shared, for the moment of one read, and never locked or written, so the POS can pack it or open it
//! exclusively in between. A scan goes through the table in the order of its records, holding a few of them, and ends
//! only after a second look found every record as it was read: what changed meanwhile is read again. When the bytes
//! are those of the last whole scan, nothing is decoded at all.

mod cell;
mod disk;
mod find;
mod header;
mod index;
mod memo;
mod pass;
mod plan;
mod position;
mod recheck;
mod stream;
mod tables;
mod trouble;

pub(super) use disk::{TableFile, list};
pub(super) use find::find_keys;
pub(super) use stream::TableStream;
pub(super) use tables::Wish;
pub(super) use trouble::Trouble;
