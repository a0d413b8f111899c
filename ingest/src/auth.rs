//! Who asks. Identities are yielded by extractors alone, and every database method takes one, so that a handler that
//! forgets to ask who is there does not compile.

pub mod agent;
pub mod identity;
pub mod password;
pub mod person;
pub mod secret;
pub mod throttle;
