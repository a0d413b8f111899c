//! What the rows of a POS mean.
//!
//! A mapping is a versioned document. It is compiled once into [`Rules`], and then turns rows into records at memory
//! speed. It never fails on data: a row or record that breaks a rule is set aside with field, rule, raw value and
//! reason, and the rest go on. `mappings` does no I/O and does not know about files, databases or HTTP.

mod bound;
mod business;
mod cell;
pub mod checks;
mod codepage;
mod compile;
mod compile_checks;
mod compile_defaults;
mod compile_field;
mod condition;
mod context;
pub mod document;
mod error;
mod expression;
mod field;
pub mod field_document;
mod moment;
mod names;
mod number;
mod op;
pub mod packs;
mod problem;
pub mod recognise;
mod rules;
pub mod sample;
mod scalar;
mod tables;
mod target;
mod tax_id;
mod view;

#[cfg(test)]
mod tests;

pub use bound::{Bound, Mapped};
pub use business::{RuleAction, RuleName};
pub use context::{Context, Country};
pub use document::{Mapping, schema};
pub use error::{MappingError, MissingColumn, MissingColumns};
pub use rules::{Rules, StreamRules, UsedColumn};
pub use scalar::{Number, Scalar};
