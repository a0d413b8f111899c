//! What ingest decides. Operations hold the rules and are told what the database knows; they write no SQL.

pub mod apply;
pub mod carry;
pub mod commands;
pub mod delivery;
pub mod gtin;
pub mod health;
pub mod releases;
pub mod resolve;
pub mod webhook;
