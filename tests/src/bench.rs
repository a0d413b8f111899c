//! The benches: how long the work takes against the least it could take, on the same machine in the same session.

pub mod agent;
mod data;
pub mod latency;
mod load;
mod measure;
mod pipe;
mod tills;

pub use load::{Options, run};
