//! The stand-in for SQL Server, asked by clients that are not ours: tiberius, and `tsql` of FreeTDS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod suite {
    mod changes;
    mod client;
    mod faults;
    mod language;
    mod line;
    mod sessions;
    mod tsql;
    mod types;
}
