//! The SQLite engine.

mod engine;
#[path = "../sql/mod.rs"]
mod sql;

pub use engine::{Engine, MIGRATIONS};
