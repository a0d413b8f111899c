//! The cloud service as a library, so that its tests can drive what its binary runs.

pub mod database;
pub mod ops;
