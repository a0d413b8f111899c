//! What the API promises to whoever calls it. These tests speak HTTP to the whole router over a real SQLite file; what
//! the database promises on both engines is told by the other modules.

mod access;
mod agents;
mod bodies;
pub mod cloud;
mod description;
mod people;
mod releases;
mod story;
