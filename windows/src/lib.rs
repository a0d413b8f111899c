//! The calls to Windows that no safe crate wraps. Nothing here knows what the agent does, and there is nothing here at
//! all on other systems.
//!
//! This is the only crate in the workspace that may hold `unsafe` code. Each module is one thing Windows does for us,
//! behind a safe function.
#![cfg(windows)]
#![expect(
    unsafe_code,
    reason = "calls into the system; each block says why it is sound"
)]

pub mod access;
pub mod event_log;
pub mod folders;
pub mod language;
pub mod network;
pub mod priority;
pub mod seal;
pub mod service;

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;

/// As Windows reads text: UTF-16 and a zero at the end.
fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain(Some(0)).collect()
}
