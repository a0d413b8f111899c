//! Suites that span rooms.

#![expect(
    clippy::unwrap_used,
    reason = "a suite that cannot read what it checks has failed"
)]

mod adminpaq;
mod carry;
mod chaos;
mod packs;
mod pages;
mod tidy;
mod update;
