//! The cloud service as a library, so that its tests can drive what its binary runs.

#![allow(
    clippy::duplicate_mod,
    reason = "database/sql is compiled into both engines, so that they cannot drift"
)]

pub mod auth;
pub mod config;
pub mod dashboard;
pub mod database;
pub mod extract;
pub mod ops;
pub mod problem;
pub mod routes;
pub mod stop;
pub mod telemetry;
pub mod views;
