//! The statements, one file per noun, written once for both engines: `$1` parameters work in both, and whatever
//! differs is asked of the engine this module is compiled into.

use super::engine;

mod accounts;
mod agents;
mod conflict_reads;
mod database;
mod deliveries;
mod document_rows;
mod documents;
mod facts;
mod fleet;
mod job_reads;
mod listing;
mod overview;
mod product_parts;
mod product_reads;
mod products;
mod reject_reads;
mod releases;
mod resolutions;
mod senders;
mod webhooks;
