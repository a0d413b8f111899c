//! Types and values as SQL Server has them, without any I/O: exact decimals, its calendar, its collations.

pub(crate) mod collation;
pub(crate) mod convert;
pub(crate) mod decimal;
pub(crate) mod moment;
pub(crate) mod styles;
pub(crate) mod types;
pub(crate) mod value;
