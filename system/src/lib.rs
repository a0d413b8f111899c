//! The calls to the system that no safe crate wraps: most of them to Windows, and on other systems hardly one. Nothing here
//! knows what the agent does.
//!
//! This is the only crate in the workspace that may hold `unsafe` code. Each module is one thing the system does for
//! us, behind a safe function.
#![expect(
    unsafe_code,
    reason = "calls into the system; each block says why it is sound"
)]

#[cfg(windows)]
pub mod access;
#[cfg(windows)]
pub mod event_log;
#[cfg(windows)]
pub mod folders;
#[cfg(windows)]
pub mod language;
pub mod memory;
#[cfg(windows)]
pub mod network;
#[cfg(windows)]
pub mod priority;
#[cfg(windows)]
pub mod seal;
#[cfg(windows)]
pub mod service;

/// As Windows reads text: UTF-16 and a zero at the end.
#[cfg(windows)]
fn wide(text: impl AsRef<std::ffi::OsStr>) -> Vec<u16> {
    use std::os::windows::ffi::OsStrExt as _;
    text.as_ref().encode_wide().chain(Some(0)).collect()
}
