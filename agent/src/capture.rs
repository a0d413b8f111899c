//! From the POS to the spool: one worker per stream, each pulling, mapping and committing batch by batch.
//!
//! A worker never holds more than one batch, never asks for the next before the last is durable, and decides what an
//! error means by its remedy alone. What one stream suffers never stops another.

mod choose;
pub(crate) mod drift;
mod follow;
mod job;
mod keep;
mod limiter;
mod orders;
mod pos;
mod prepare;
mod run;
mod worker;

pub(crate) use choose::choose;
pub use limiter::Limiter;
pub(crate) use pos::connection_of;
pub use pos::{PosProblem, PosSystem, read_mapping_file};
pub use prepare::{Input, prepare};
pub use run::Ended;
pub use worker::{Mode, Order, Shared, Task, Worker, WorkerHandle};
