//! The protocol: packets, login, encryption, tokens. Knows nothing of tables.

pub(crate) mod browser;
pub(crate) mod connection;
mod login;
mod packet;
mod prelogin;
mod request;
pub(crate) mod tls;
mod tokens;
mod types;
