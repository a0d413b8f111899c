//! A page on this computer alone that says whether everything is well: for whoever stands in the store and has no login
//! to the dashboard.
//!
//! It shows and changes nothing, so it asks for no password; it is off unless the configuration names an address, and that
//! address must be of this computer itself. Other web pages that run in a browser here cannot read it: a request must name
//! this computer as its host. What it shows comes from the agent's own memory and spool; no row of the POS is among it.

mod facts;
mod findings;
mod page;
mod server;
mod words;

use std::net::SocketAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use facts::{Facts, Verdict, View};
pub use server::serve;

/// A page on this computer that says whether everything is well. Without this section there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusPageConfig {
    /// Address and port, of this computer only: open http://127.0.0.1:8790 in a browser there. /status.json says the same
    /// for programs.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "loopback")]
    pub listen: SocketAddr,
}

fn loopback<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    use serde::de::Error;
    let text = String::deserialize(deserializer)?;
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(address) => Err(D::Error::custom(format!(
            "{address} can be reached from other computers, and the page asks for no password; use 127.0.0.1:{}",
            address.port()
        ))),
        Err(_) => Err(D::Error::custom(format!(
            "{text:?} is no address with a port; write it like \"127.0.0.1:8790\""
        ))),
    }
}

/// What the page is made of, shared between requests.
pub type SharedView = Arc<View>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_computer_is_taken() {
        let read =
            |listen: &str| toml::from_str::<StatusPageConfig>(&format!("listen = {listen:?}"));
        for good in ["127.0.0.1:8790", "127.0.0.5:1", "[::1]:8790"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for open in ["0.0.0.0:8790", "192.168.1.10:8790", "[::]:8790"] {
            let said = read(open).unwrap_err().to_string();
            assert!(said.contains("use 127.0.0.1:8790"), "{said}");
        }
        for nothing in ["8790", "localhost", ""] {
            let said = read(nothing).unwrap_err().to_string();
            assert!(said.contains("127.0.0.1:8790"), "{said}");
        }
    }
}
