//! The database behind the protocol: tables in memory with versions of rows, and T-SQL carried out on them.

mod access;
mod aggregate;
mod align;
mod bind;
mod call;
mod catalog;
mod change;
mod define;
mod evaluate;
mod functions;
mod information;
mod interpreter;
mod locals;
mod operators;
mod permission;
mod plan;
mod run;
mod select;
mod session;
mod statement;
mod store;
mod system;
mod table;
mod tracking;
mod trigger;

pub(crate) use interpreter::Client;
pub(crate) use locals::Variable;
pub(crate) use plan::Field;
pub(crate) use session::{Parameter, Session};
pub(crate) use statement::Reply;
pub(crate) use store::{Database, Login, Present, Shared, State};
