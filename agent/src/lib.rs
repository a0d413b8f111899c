//! The agent at the store: reads the POS, maps, keeps what changed in a crash-safe spool, and posts it.
//!
//! Data takes one way: a stream's worker ([`capture`]) pulls rows from a connector, has them mapped, and commits them
//! to the [`spool`]; the [`sender`] posts what waits there. Nothing is acknowledged to either side before it is
//! durable. The agent is the only place that knows both connectors and mappings.
//!
//! It is a library so that tests can reach in; the binary is a few lines.

pub mod access;
pub mod agent;
pub mod bandwidth;
pub mod breaker;
pub mod bundle;
pub mod capture;
pub mod carry;
pub mod cli;
pub mod clock;
pub mod computer;
pub mod config;
pub mod crash;
pub mod enrolment;
pub mod folder;
pub mod live;
pub mod logs;
pub mod network;
pub mod priority;
pub mod redact;
pub mod room;
pub mod seal;
pub mod secrets;
pub mod sender;
pub mod service;
mod spanish;
pub mod spool;
pub mod status_page;
pub mod supervise;
pub mod surroundings;
pub mod update;

/// This agent's version: that of the release it was built for, else that of the source.
pub const VERSION: &str = match option_env!("FLUXION_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// An error and its causes on one line, for a log, the dashboard or a person.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        // Some libraries repeat their cause in their own words.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    // Drivers quote what they were given.
    redact::hide(&text).into_owned()
}
