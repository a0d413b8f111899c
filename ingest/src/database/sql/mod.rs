//! The statements, one file per noun, written once for both engines: `$1` parameters work in both, and whatever
//! differs is asked of the engine this module is compiled into.

use super::engine;

mod accounts;
mod agents;
mod database;
mod deliveries;
mod facts;
mod fleet;
mod products;
mod resolutions;
