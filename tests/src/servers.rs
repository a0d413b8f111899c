//! Private database servers, started for a test, the demo or a bench and stopped with it.

pub mod firebird;
pub mod mariadb;
pub mod postgres;
pub(crate) mod process;

pub use firebird::Firebird;
pub use mariadb::MariaDb;
pub use postgres::PostgreSql;

/// How careful a private server is with what it stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Never waits for the disk: its data is thrown away anyway. For tests.
    Relaxed,
    /// As a production server is set up. For benches, where the wait is part of the work.
    Full,
}
