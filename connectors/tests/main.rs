//! The connector suite: every connector keeps the same promises, against real servers and real files.
//!
//! `mirror` stands for the agent: it holds what a stream brought, as the spool does. `scenario` holds the promises,
//! told once over a small shop; each connector says how such a shop is kept in its world.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod dbf;
mod files;
mod firebird;
mod keys;
mod mirror;
mod mysql;
mod odbc;
mod postgres;
mod rest;
mod scenario;
mod sqlserver;
mod strategies;
mod webhook;
