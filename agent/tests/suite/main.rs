//! The agent as a whole and its spool, against doubles of what lies outside: a scripted POS and a scripted cloud.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, and says where"
)]

mod bundle;
mod capture;
mod cloud;
mod discover;
mod doctor;
mod enrolment;
mod line;
mod outbox;
mod pos;
mod rows;
mod secrets;
mod sender;
mod service;
mod spool;
mod spool_carried;
mod spool_chaos;
mod status_page;
mod surroundings;
mod webhook;
