//! What the API answers: the shapes people's browsers and partners' programs see, filled by the database as they are.
//!
//! Amounts and quantities travel as text, so that no reader turns them into floats by accident. Moments are UTC.

pub mod account;
pub mod carry;
pub mod conflict;
pub mod document;
pub mod job;
pub mod overview;
pub mod page;
pub mod product;
pub mod reject;
pub mod store;
pub mod webhook;
