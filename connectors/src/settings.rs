//! What the connection settings of several databases have in common: their defaults, their checks, and how gently a server
//! is treated.
//!
//! Each connector still writes all its settings out in a struct of its own: a misspelt setting must be refused, and serde
//! cannot tell one apart in a struct that is put together of others.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::ConfigError;
use crate::sql::Pacing;

/// Whether the line is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Never.
    Off,
    /// If the server can; the certificate is not checked.
    #[default]
    Prefer,
    /// Always; the certificate is not checked.
    Require,
    /// Always, and the certificate must be valid for the host.
    Verify,
}

/// How long to wait and how fast to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For one query.
    pub query: Duration,
    /// How often and how fast.
    pub pacing: Pacing,
}

impl Limits {
    /// # Errors
    /// When one of them is zero, so that nothing could ever be read.
    pub fn new(
        connect_seconds: u32,
        query_seconds: u32,
        pacing: Pacing,
    ) -> Result<Self, ConfigError> {
        if connect_seconds == 0 || query_seconds == 0 {
            let message = "time limits must be at least 1 second".to_owned();
            return Err(ConfigError::new("", message));
        }
        if pacing.rows_per_second == Some(0) {
            let message = "must be at least 1; leave it out for no limit".to_owned();
            return Err(ConfigError::new("rows_per_second", message));
        }
        Ok(Self {
            connect: Duration::from_secs(connect_seconds.into()),
            query: Duration::from_secs(query_seconds.into()),
            pacing,
        })
    }
}

/// The time between two looks; never none at all.
pub(crate) fn every_seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.max(1).into())
}

/// The time between two looks at a log or an outbox; never so short that looking is all the server does.
pub(crate) fn every_milliseconds(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.max(50).into())
}

/// # Errors
/// When one of these settings is empty.
pub(crate) fn check_given(settings: &[(&str, &str)]) -> Result<(), ConfigError> {
    match settings.iter().find(|(_, value)| value.trim().is_empty()) {
        Some((setting, _)) => Err(ConfigError::new(setting, "must not be empty".to_owned())),
        None => Ok(()),
    }
}

/// # Errors
/// When an authority is given that nobody would look at.
pub(crate) fn check_authority(tls: Tls, authority: Option<&Path>) -> Result<(), ConfigError> {
    if authority.is_some() && tls != Tls::Verify {
        let message = "is only used with `tls = \"verify\"`; set that too".to_owned();
        return Err(ConfigError::new("tls_ca", message));
    }
    Ok(())
}

/// Whether what is sent to this host stays on this PC.
pub(crate) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Where a database is looked for when nothing is said: on this PC.
pub(crate) fn default_host() -> String {
    "127.0.0.1".to_owned()
}

pub(crate) fn default_poll_seconds() -> u32 {
    10
}

pub(crate) fn default_follow_milliseconds() -> u32 {
    300
}

pub(crate) fn default_lock_seconds() -> u32 {
    5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connect: u32, query: u32, rows_per_second: Option<u32>) -> Result<Limits, String> {
        let pacing = Pacing {
            rows_per_second,
            poll: every_seconds(0),
            follow: every_milliseconds(0),
        };
        Limits::new(connect, query, pacing).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_that_would_let_nothing_through_are_refused_by_name() {
        assert!(
            limits(0, 1, None)
                .unwrap_err()
                .contains("at least 1 second")
        );
        assert!(
            limits(1, 0, None)
                .unwrap_err()
                .contains("at least 1 second")
        );
        let error = limits(1, 1, Some(0)).unwrap_err();
        assert!(error.contains("connection.rows_per_second"), "{error}");
        let good = limits(1, 2, Some(3)).unwrap();
        assert_eq!(
            (good.connect, good.query),
            (Duration::from_secs(1), Duration::from_secs(2))
        );
        assert_eq!(good.pacing.poll, Duration::from_secs(1));
        assert_eq!(good.pacing.follow, Duration::from_millis(50));
    }

    #[test]
    fn only_this_pc_is_loopback() {
        for host in ["LOCALHOST", "127.0.0.1", "127.3.2.1", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "192.168.1.10", "localhost.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_authority_nobody_would_ask_is_refused() {
        let authority = Some(Path::new("ca.pem"));
        assert!(check_authority(Tls::Require, authority).is_err());
        assert!(check_authority(Tls::Verify, authority).is_ok());
        assert!(check_authority(Tls::Off, None).is_ok());
    }
}
