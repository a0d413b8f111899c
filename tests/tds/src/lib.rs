//! A small stand-in for SQL Server: it speaks TDS 7.4 (and 7.3, to play SQL Server 2008) and answers T-SQL from tables in
//! memory. It is for tests and the demo, and is never part of the product. What it knows and what it does not, its README
//! says.
//!
//! ```
//! let server = fluxion_tds::Options::default().database("till").start()?;
//! server.execute("CREATE TABLE items (code varchar(20) PRIMARY KEY, price money); INSERT items VALUES ('A1', 12.5)")?;
//! assert_eq!(server.query("SELECT price FROM items")?, [[Some("12.50".to_owned())]]);
//! # anyhow::Ok(())
//! ```

mod data;
mod direct;
mod engine;
mod error;
mod hooks;
mod server;
mod sql;
mod wire;

pub use direct::Direct;
pub use error::SqlError;
pub use hooks::Action;
pub use server::{Backup, Edition, Encrypting, Options, Server, Version};
