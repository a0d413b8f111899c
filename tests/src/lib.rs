//! What spans rooms: real servers for tests, the POS simulator, the demo and the benches.
//!
//! Nothing in here is shipped. Nothing in here replaces a real component either: databases are real ones, started
//! in a temporary folder on a free loopback port, and gone when the process that asked for them is gone.

pub mod bench;
pub mod demo;
pub mod release;
pub mod servers;
pub mod sim;
pub mod windows;
