//! T-SQL as text: from a batch to statements. Knows nothing of tables or sessions.

pub(crate) mod ast;
mod define;
mod expression;
mod flow;
mod lexer;
mod parser;
mod query;
pub(crate) mod script;

pub(crate) use parser::{parse_batch, parse_parameters};
